"""Made-up surveys: respondents who differ from the population, and what mediates an effect (methods B6, B8)."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from scipy import integrate, stats

from watwerkt.estimate.balancing import Targets, entropy_balance
from watwerkt.estimate.fourway import four_way
from watwerkt.estimate.weighted import balanced_effect, weighted_difference, weighted_means
from watwerkt.simulation.design import Design, Draw, drawn, happens

# --- respondents and their population ---------------------------------------------------------------------------------

MARGINS = {
    "sex": {"female": 0.52, "male": 0.48},
    "age": {"18-34": 0.25, "35-54": 0.45, "55-65": 0.30},
    "education": {"low": 0.35, "middle": 0.45, "high": 0.20},
}
RESPONSE = {  # how often each answers, up to a factor
    "sex": {"female": 1.0, "male": 0.8},
    "age": {"18-34": 0.5, "35-54": 0.9, "55-65": 1.3},
    "education": {"low": 0.6, "middle": 1.0, "high": 1.6},
}
ADDED = {  # to the chance of the outcome
    "sex": {"female": 0.0, "male": 0.05},
    "age": {"18-34": 0.15, "35-54": 0.08, "55-65": 0.0},
    "education": {"low": 0.0, "middle": 0.10, "high": 0.22},
}
BASE, GAP = 0.20, 0.06


def _respondents(rng: np.random.Generator, people: int) -> tuple[pd.DataFrame, np.ndarray]:
    """People as they respond, and their chance of the outcome."""
    columns, chance = {}, np.full(people, BASE)
    for name, margin in MARGINS.items():
        odds = np.array([share * RESPONSE[name][value] for value, share in margin.items()])
        places = rng.choice(len(odds), people, p=odds / odds.sum())
        columns[name] = np.array(list(margin))[places]
        chance += np.array(list(ADDED[name].values()))[places]
    return pd.DataFrame(columns), chance


def mean_truth() -> float:
    """The population's share with the outcome."""
    return BASE + sum(share * ADDED[name][value] for name, margin in MARGINS.items() for value, share in margin.items())


def _mean(rng: np.random.Generator) -> Draw:
    frame, chance = _respondents(rng, 700)
    frame = frame.assign(well=happens(rng, chance))
    return drawn(weighted_means(frame, entropy_balance(frame, Targets(MARGINS)), "well"))


def _gap(rng: np.random.Generator) -> Draw:
    frame, chance = _respondents(rng, 900)
    arm = np.repeat(["experiment", "control"], [500, 400])
    frame = frame.assign(arm=arm, well=happens(rng, chance + GAP * (arm == "experiment")))
    balance = entropy_balance(frame, {"experiment": Targets(MARGINS), "control": Targets(MARGINS)}, by="arm")
    return drawn(weighted_difference(frame, balance, "well", by="arm", first="experiment", second="control"))


# --- an effect on the treated -----------------------------------------------------------------------------------------

TREATED = {"age": 0.4, "education": (0.3, 0.45, 0.25)}  # mean of standardised age (variance 1.2²), shares
OTHERS = {"age": 0.0, "education": (0.45, 0.40, 0.15)}
EFFECT, MORE_FOR_HIGH = 1.0, 0.8


def _effect(rng: np.random.Generator) -> Draw:
    """Scores without services are quadratic in age: balancing mean and variance takes that out."""
    sides = []
    for people, about, spread in ((400, TREATED, 1.2), (1600, OTHERS, 1.5)):
        age, level = rng.normal(about["age"], spread, people), rng.choice(3, people, p=about["education"])
        score = 3 + 0.5 * age - 0.3 * age**2 + 0.6 * level + rng.normal(size=people) * (1 + 0.3 * level)
        education = np.array(list(MARGINS["education"]))[level]
        if about is TREATED:
            score += EFFECT + MORE_FOR_HIGH * (level == 2)
        sides.append(pd.DataFrame({"age": age, "education": education, "score": score}))
    return drawn(balanced_effect(*sides, "score", shares=["education"], means=["age"], variances=["age"]))


# --- four-way decomposition -------------------------------------------------------------------------------------------

PEOPLE = 1500
MEDIATOR = (3.0, 0.4, 0.3)  # constant, services, covariate; errors have variance 1
SCORE = (1.0, 0.3, 0.5, 0.15, 0.2)  # constant, services, mediator, product, covariate
LOG_ODDS = (-2.4, 0.2, 0.35, 0.1, 0.3)
AT = 0.5  # half of the people have the covariate, in every data set

Part = Literal["te", "pie"]
Scale = Literal["linear", "logistic"]


def _four_way(rng: np.random.Generator, *, part: Part, scale: Scale) -> Draw:
    covariate, services = np.tile([0.0, 1.0], PEOPLE // 2), happens(rng, np.full(PEOPLE, 0.5))
    mediator = MEDIATOR[0] + MEDIATOR[1] * services + MEDIATOR[2] * covariate + rng.normal(size=PEOPLE)
    index = _index(SCORE if scale == "linear" else LOG_ODDS, services, mediator, covariate)
    outcome = index + rng.normal(size=PEOPLE) if scale == "linear" else happens(rng, 1 / (1 + np.exp(-index)))
    frame = pd.DataFrame({"services": services, "mediator": mediator, "covariate": covariate, "outcome": outcome})
    found = four_way(
        frame, outcome="outcome", exposure="services", mediator="mediator", control=3.0, covariates=["covariate"],
        outcome_model=scale, risks="exact",
    )  # fmt: skip
    return drawn(found.of(part))


def _index(of: tuple[float, ...], services: np.ndarray, mediator: np.ndarray, covariate: np.ndarray) -> np.ndarray:
    return of[0] + of[1] * services + of[2] * mediator + of[3] * services * mediator + of[4] * covariate


def part_truth(part: Part, scale: Scale) -> float:
    """The total effect, or the pure indirect effect: differences of means, or over the risk without services.

    Mean outcomes E[Y(a, M(a'))] are integrals over the mediator's normal distribution.
    """

    def mean(services: float, of_mediator: float) -> float:
        centre = MEDIATOR[0] + MEDIATOR[1] * of_mediator + MEDIATOR[2] * AT
        if scale == "linear":
            return float(_index(SCORE, services, centre, AT))

        def density(m: float) -> float:
            return stats.norm.pdf(m, centre) / (1 + math.exp(-_index(LOG_ODDS, services, m, AT)))

        return integrate.quad(density, centre - 12, centre + 12, epsabs=1e-13, epsrel=1e-12, limit=200)[0]

    difference = (mean(1, 1) if part == "te" else mean(0, 1)) - mean(0, 0)
    return difference if scale == "linear" else difference / mean(0, 0)


def _fourway_design(part: Part, scale: Scale) -> Design:
    words, short = {"te": ("Total effect", "total effect"), "pie": ("Pure indirect effect", "indirect effect")}[part]
    whole, about = {
        "linear": (f"{words} on a score", "the outcome is linear."),
        "logistic": (f"{words}, excess relative risk", "the outcome is logistic (risks by integration)."),
    }[scale]
    return Design(
        name=f"fourway_{scale}_{part}", study="wga", function="fourway.four_way",
        estimator=f"Four-way {short}, {scale} outcome", quantity=whole,
        process=f"1,500 people, services at random; the mediator is linear with an interaction, {about}",
        truth=partial(part_truth, part, scale), draw=partial(_four_way, part=part, scale=scale),
    )  # fmt: skip


DESIGNS = (
    Design(
        name="balanced_mean", study="wga", function="weighted.weighted_means",
        estimator="Entropy-balanced mean, linearised", quantity="Share of the population that feels well",
        process="700 respondents; older and higher educated people answer more often and feel different.",
        truth=mean_truth, draw=_mean,
    ),
    Design(
        name="balanced_gap", study="wga", function="weighted.weighted_difference",
        estimator="Entropy-balanced difference, linearised", quantity="Difference between two groups of a survey",
        process="500 and 400 respondents as in the design before, each group balanced to the population.",
        truth=lambda: GAP, draw=_gap,
    ),
    Design(
        name="balanced_effect", study="wga", function="weighted.balanced_effect",
        estimator="Entropy-balanced effect, linearised", quantity="Effect on a score, of the treated",
        process="400 treated, 1,600 others; others differ in age and education, and the effect by education.",
        truth=lambda: EFFECT + MORE_FOR_HIGH * TREATED["education"][2], draw=_effect,
    ),
    *(_fourway_design(part, scale) for scale in ("linear", "logistic") for part in ("te", "pie")),
)  # fmt: skip
