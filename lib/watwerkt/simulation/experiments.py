"""Made-up experiments: intention to treat and instrumental variables on one row per person (methods B1, B2)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from watwerkt.estimate import grouped
from watwerkt.estimate.linear import anderson_rubin, itt, iv, late
from watwerkt.simulation.design import Design, Draw, arms, drawn, happens

# --- intention to treat -----------------------------------------------------------------------------------------------

ITT_LEVEL, ITT_EFFECT = 0.47, 0.019
AGES = ("18-29", "30-44", "45-54", "55-65")
AGE_SHARES, AGE_LEVELS, AGE_EFFECTS = (0.2, 0.4, 0.25, 0.15), (0.45, 0.40, 0.32, 0.18), (0.05, 0.03, 0.02, 0.0)
CLUSTERED_EFFECT, CLUSTERED_SPREAD = 0.04, 0.08
OFFICE_SIZES = np.linspace(40, 180, 35).astype(int)


def _itt(rng: np.random.Generator) -> Draw:
    assigned = arms(4620, 4617)
    exit_ = happens(rng, ITT_LEVEL + ITT_EFFECT * assigned)
    return drawn(itt(pd.DataFrame({"assigned": assigned, "exit": exit_}), "exit", assigned="assigned"))


def _itt_controls(rng: np.random.Generator) -> Draw:
    assigned, age = arms(2000, 500), rng.choice(len(AGES), 2500, p=AGE_SHARES)
    work = happens(rng, np.array(AGE_LEVELS)[age] + np.array(AGE_EFFECTS)[age] * assigned)
    frame = pd.DataFrame({"assigned": assigned, "age": np.array(AGES)[age], "work": work})
    return drawn(itt(frame, "work", assigned="assigned", controls=["age"]))


def _itt_offices(rng: np.random.Generator) -> Draw:
    count = len(OFFICE_SIZES)
    assigned = rng.permutation(arms(18, count - 18))
    level = 0.35 + rng.uniform(-CLUSTERED_SPREAD, CLUSTERED_SPREAD, count) + CLUSTERED_EFFECT * assigned
    office = np.repeat(np.arange(count), OFFICE_SIZES)
    frame = pd.DataFrame({"office": office, "assigned": assigned[office], "work": happens(rng, level[office])})
    return drawn(itt(frame, "work", assigned="assigned", cluster="office"))


# --- instrumental variables -------------------------------------------------------------------------------------------

LATE = 0.05
SELF_REPORTERS, COMPLIERS = 0.03, 0.86  # the rest never take part
LEVELS = {"self_reporter": 0.55, "complier": 0.35, "never": 0.25}
IV_EFFECT, IV_STRENGTH = 0.5, 0.14
WEAK_EFFECT, WEAK_STRENGTH = 0.5, 0.16


def _behaviour(assigned: np.ndarray, kind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Receipt, and the chance of work, of self-reporters (0), compliers (1) and people who never take part (2)."""
    receipt = ((kind == 0) | ((kind == 1) & (assigned == 1))).astype(float)
    return receipt, np.array(list(LEVELS.values()))[kind] + LATE * receipt


def _late(rng: np.random.Generator) -> Draw:
    assigned = arms(2000, 2000)
    kind = rng.choice(3, 4000, p=[SELF_REPORTERS, COMPLIERS, 1 - SELF_REPORTERS - COMPLIERS])
    receipt, chance = _behaviour(assigned, kind)
    frame = pd.DataFrame({"assigned": assigned, "receipt": receipt, "work": happens(rng, chance)})
    return drawn(late(frame, "work", receipt="receipt", assigned="assigned"))


def _late_cells(rng: np.random.Generator) -> Draw:
    """20,013 people as counts: ages and kinds of people are drawn as numbers, never as rows."""
    rows = []
    kinds = np.array([SELF_REPORTERS, COMPLIERS, 1 - SELF_REPORTERS - COMPLIERS])
    for assigned, people in ((1.0, 10_013), (0.0, 10_000)):
        counts = rng.multinomial(people, np.outer(AGE_SHARES, kinds).ravel()).reshape(len(AGES), 3)
        receipt, chance = _behaviour(np.full(3, assigned), np.arange(3))
        work = rng.binomial(counts, chance + np.array(AGE_LEVELS)[:, None] - AGE_LEVELS[1])
        for age, (people_of, work_of) in enumerate(zip(counts, work, strict=True)):
            rows += [(AGES[age], assigned, *one) for one in zip(receipt, people_of, work_of, strict=True)]
    table = pd.DataFrame(rows, columns=["age", "assigned", "receipt", "n", "total"])
    cells = table.groupby(["age", "assigned", "receipt"], as_index=False).sum()
    cells = cells[cells["n"] > 0].assign(squares=cells["total"])
    return drawn(grouped.iv(cells, endogenous="receipt", instrument="assigned", controls=["age"]))


def _confounded(rng: np.random.Generator, *, people: int, effect: float, moved: np.ndarray) -> pd.DataFrame:
    """Number of interviews and a score that share a cause nobody measures; ``moved`` is what instruments do."""
    age, hidden = rng.normal(size=people), rng.normal(size=people)
    received = moved + 0.3 * age + 0.6 * hidden + 0.8 * rng.normal(size=people)
    score = effect * received + 0.2 * age - 0.5 * hidden + rng.normal(size=people) * (0.6 + 0.4 * (age > 0))
    return pd.DataFrame({"age": age, "received": received, "score": score})


def _iv(rng: np.random.Generator) -> Draw:
    assigned, capacity = arms(500, 500), rng.normal(size=1000)
    moved = IV_STRENGTH * (2 * (assigned - 0.5) + capacity)
    frame = _confounded(rng, people=1000, effect=IV_EFFECT, moved=moved).assign(assigned=assigned, capacity=capacity)
    return drawn(iv(frame, "score", endogenous="received", instruments=["assigned", "capacity"], controls=["age"]))


def _anderson_rubin(rng: np.random.Generator) -> Draw:
    assigned = arms(400, 400)
    frame = _confounded(rng, people=800, effect=WEAK_EFFECT, moved=WEAK_STRENGTH * assigned).assign(assigned=assigned)
    found = anderson_rubin(frame, "score", endogenous="received", instrument="assigned", controls=["age"])
    ends = (found.high, found.low) if found.kind == "rays" else (found.low, found.high)
    return Draw(math.nan, math.nan, *ends)


DESIGNS = (
    Design(
        name="itt", study="intensive", function="linear.itt", estimator="Difference in means, HC1",
        quantity="Effect of assignment on leaving the benefit",
        process="9,237 people in two arms; leaving is a coin with one chance per arm.",
        truth=lambda: ITT_EFFECT, draw=_itt,
    ),
    Design(
        name="itt_controls", study="personal", function="linear.itt",
        estimator="Linear probability model, HC1 with controls", quantity="Effect of assignment on work",
        process="2,500 people, four in five assigned; level and effect differ by age.",
        truth=lambda: float(np.dot(AGE_SHARES, AGE_EFFECTS)), draw=_itt_controls,
    ),
    Design(
        name="itt_offices", study="wga", function="linear.itt",
        estimator="Difference in means, clustered by office", quantity="Effect of assignment of a whole office on work",
        process="35 offices of 40 to 180 people, 18 assigned as a whole; each office has a level of its own.",
        truth=lambda: CLUSTERED_EFFECT, draw=_itt_offices,
    ),
    Design(
        name="late", study="wga", function="linear.late", estimator="2SLS, HC1",
        quantity="Effect of services on work, for those whom assignment moves",
        process="4,000 people; 86% comply, 3% report themselves, the rest never take part, each with a level of work.",
        truth=lambda: LATE, draw=_late,
    ),
    Design(
        name="late_cells", study="wga", function="grouped.iv", estimator="2SLS on cells, HC1",
        quantity="Effect of services on work, for those whom assignment moves",
        process="As the design before with 20,013 people of four ages, as counts per cell.",
        truth=lambda: LATE, draw=_late_cells,
    ),
    Design(
        name="iv", study="wga", function="linear.iv", estimator="2SLS, moderate instruments",
        quantity="Effect of one more interview on a score",
        process="1,000 people; an unmeasured cause moves interviews and score; two instruments with an F near 20.",
        truth=lambda: IV_EFFECT, draw=_iv,
    ),
    Design(
        name="anderson_rubin", study="wga", function="linear.anderson_rubin", estimator="Anderson–Rubin set",
        quantity="Effect of one more interview on a score",
        process="800 people; as the design before, with one weak instrument (F near 5).",
        truth=lambda: WEAK_EFFECT, draw=_anderson_rubin,
    ),
)  # fmt: skip
