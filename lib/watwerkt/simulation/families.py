"""Made-up families of subgroup effects: pooled, predicted, and tested together (methods A6, B9)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from watwerkt.estimate.multiplicity import family, romano_wolf
from watwerkt.pooling import Pooled, pool
from watwerkt.simulation.design import Design, Draw, arms, drawn, happens

MEAN, BETWEEN = 0.025, 0.02
SES = np.linspace(0.012, 0.035, 12)
PERMUTATIONS = 199


def _pool(rng: np.random.Generator) -> Pooled:
    return pool(MEAN + BETWEEN * rng.normal(size=len(SES)) + SES * rng.normal(size=len(SES)), SES)


def _mean(rng: np.random.Generator) -> Draw:
    return drawn(_pool(rng).mean)


def _prediction(rng: np.random.Generator) -> Draw:
    """All less the true effect of a new subgroup, so that what has to be held is nil."""
    new = MEAN + BETWEEN * rng.normal()
    pooled = _pool(rng)
    low, high = pooled.prediction
    return Draw(pooled.mean.estimate - new, math.sqrt(pooled.tau2 + pooled.mean.se**2), low - new, high - new)


def _romano_wolf(rng: np.random.Generator) -> Draw:
    """The smallest adjusted p value of sixteen hypotheses that are all true; outcomes go together."""
    people = 1200
    group, third = rng.choice(4, people), rng.choice(3, people)
    wellbeing = rng.normal(size=people)
    frame = pd.DataFrame({"assigned": arms(600, 600), "group": group.astype(str), "third": third.astype(str)})
    frame = frame.assign(work=happens(rng, 0.25 + 0.05 * group), score=wellbeing)
    frame["score"] += 0.5 * frame["work"]
    tested = family(frame, assigned="assigned", outcomes=["work", "score"], subgroups=["group", "third"])
    return Draw(float(romano_wolf(tested, rng=rng, draws=PERMUTATIONS).p_adjusted.min()))


DESIGNS = (
    Design(
        name="pooled", study="instruments", function="pooling.pool",
        estimator="Random-effects mean (REML), Hartung–Knapp", quantity="Mean effect over subgroups",
        process="12 subgroups with known standard errors, true effects that vary about as much.",
        truth=lambda: MEAN, draw=_mean,
    ),
    Design(
        name="predicted", study="instruments", function="pooling.pool",
        estimator="Prediction interval, t with k − 1", quantity="Effect in a new subgroup, less its true value",
        process="As the design before, with one more subgroup that is not seen.",
        truth=lambda: 0.0, draw=_prediction,
        limit="The interval takes the estimated variance between effects as if it were known.",
    ),
    Design(
        name="romano_wolf", study="wga", function="multiplicity.romano_wolf", measures="test",
        estimator=f"Romano–Wolf step-down, {PERMUTATIONS} permutations",
        quantity="Any false alarm among 16 subgroup effects that are nil",
        process="1,200 people, two outcomes that go together, everyone and seven subgroups, no effect at all.",
        truth=lambda: 0.05, draw=_romano_wolf,
    ),
)  # fmt: skip
