"""Made-up stays on a benefit: interviews in windows, competing exits, services that begin at some month (B3, B7)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from watwerkt.compress import EXITS, Plan, compressed
from watwerkt.estimate.competing import fit
from watwerkt.estimate.deployment import averaged, effects
from watwerkt.estimate.design import cells_of
from watwerkt.estimate.incidence import cumulative_incidence
from watwerkt.estimate.interviews import Layout, fraction_effects, window_effects
from watwerkt.simulation.design import Design, Draw, arms, drawn, happens

# --- interviews in four windows ---------------------------------------------------------------------------------------

PEOPLE = 4000
WINDOW = "interview_vs_none.interview_10m"
WINDOW_EFFECTS = (0.020, 0.030, 0.045, 0.025)
ALWAYS, NEVER = (0.10, 0.0, 0.0, 0.0), (0.10, 0.25, 0.30, 0.30)  # whatever the assignment; the rest comply
EXITS_WITHOUT = {"always": 0.30, "complier": 0.22, "never": 0.12}  # chance to leave in a window, without the interview
JOBS = 0.7
FRACTION_EFFECT = -0.012


def _window_chances(window: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares of always-takers, compliers and never-takers in a window, and their exits without the interview."""
    always, never = ALWAYS[window], NEVER[window]
    return np.array([always, 1 - always - never, never]), np.array(list(EXITS_WITHOUT.values()))


def _interviewed(rng: np.random.Generator) -> pd.DataFrame:
    """People at risk from the first interview on. Who complies is drawn anew in every window, so that those still there
    stay comparable between the arms and every window's effect is exactly what it is made to be."""
    layout, assigned = Layout(), arms(PEOPLE // 2, PEOPLE // 2)
    frame = pd.DataFrame({"assigned": assigned, "exit_day": np.nan, "exit_kind": None})
    ends = (*layout.starts[1:], 425)
    alive = np.ones(PEOPLE, bool)
    for window, effect in enumerate(WINDOW_EFFECTS):
        shares, without = _window_chances(window)
        kind = rng.choice(3, PEOPLE, p=shares)
        held = ((kind == 0) | ((kind == 1) & (assigned == 1))).astype(float)
        leaves = alive & (happens(rng, without[kind] + effect * held) == 1)
        day = rng.integers(layout.starts[window] + 1, ends[window] + 1, PEOPLE)
        frame.loc[leaves, "exit_day"] = day[leaves]
        frame.loc[leaves, "exit_kind"] = np.where(rng.random(PEOPLE)[leaves] < JOBS, "job", "other")
        frame[layout.had[window]] = held
        alive &= ~leaves
    return frame


def _window(rng: np.random.Generator) -> Draw:
    return drawn(window_effects(_interviewed(rng), "exit_benefit").of(WINDOW))


def _net(rng: np.random.Generator) -> Draw:
    return drawn(window_effects(_interviewed(rng), "exit_benefit"))


def net_truth() -> float:
    """What four interviews add to leaving within the four windows: 1 − Π(1 − h − δ) less 1 − Π(1 − h)."""
    stay, stay_with = 1.0, 1.0
    for window, effect in enumerate(WINDOW_EFFECTS):
        shares, without = _window_chances(window)
        leaves = float(shares @ without) + ALWAYS[window] * effect  # of the basic group
        stay, stay_with = stay * (1 - leaves), stay_with * (1 - leaves - effect)
    return stay - stay_with


def _fraction(rng: np.random.Generator) -> Draw:
    """The share of the period on benefit; people who would stay long have more interviews whatever their arm."""
    assigned, hidden = arms(2000, 2000), rng.uniform(size=4000)
    offered = np.where(assigned == 1, 4, (hidden > 0.7).astype(int))
    number = rng.binomial(offered, 0.5 + 0.4 * hidden).astype(float)
    share = 0.15 + 0.55 * hidden + FRACTION_EFFECT * number + rng.uniform(-0.1, 0.1, 4000)
    frame = pd.DataFrame({"assigned": assigned, "interviews": number, "on_benefit": share})
    return drawn(fraction_effects(frame, "on_benefit", interviews="interviews"))


# --- exits to work and otherwise, with censoring ----------------------------------------------------------------------

FOLLOW_UP = 18
HAZARDS = {"work": 0.06 * 0.97 ** np.arange(FOLLOW_UP), "other": 0.015 * 1.02 ** np.arange(FOLLOW_UP)}
LOST = 0.01  # a month


def _incidence(rng: np.random.Generator) -> Draw:
    months, exits = _exits(rng, np.stack(list(HAZARDS.values()))[:, None, :].repeat(600, axis=1))
    seen = np.minimum(rng.geometric(LOST, 600), FOLLOW_UP)
    frame = pd.DataFrame({"months": np.minimum(months, seen), "exit": np.where(months <= seen, exits, "none")})
    found = cumulative_incidence(frame, months="months", exit_="exit", kinds=EXITS)
    return drawn(found.of(f"work:{FOLLOW_UP}"))


def incidence_truth() -> float:
    """The share that has left for work within the follow-up."""
    work, other = HAZARDS.values()
    there = np.concatenate([[1.0], np.cumprod(1 - work - other)[:-1]])
    return float(there @ work)


def _exits(rng: np.random.Generator, chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Month (1, 2, …) and kind of exit for monthly chances of exits × people × months; ``none`` in the last month."""
    people, months = chances.shape[1:]
    gone = rng.random((people, months))
    work, total = chances[0], chances.sum(axis=0)
    leaves = gone < total
    month = np.where(leaves.any(axis=1), leaves.argmax(axis=1), months - 1)
    row = np.arange(people)
    kind = np.where(gone[row, month] < work[row, month], *EXITS)
    return month + 1, np.where(leaves.any(axis=1), kind, "none")


# --- a service that begins at some month ------------------------------------------------------------------------------

PLAN = Plan({"sex": ("female", "male")}, services={"jobhunting": (6,)}, interviews=1, horizon=FOLLOW_UP)
LEVELS = {"work": (-2.6, -0.04), "other": (-3.9, 0.02)}  # log-odds against staying in month 0, and their slope
BY_SEX = {"work": 0.2, "other": -0.1}
BY_MOMENT = {"work": (0.35, 0.15), "other": (-0.1, 0.0)}  # begun before month 6, or from then on
BY_INTERVIEW = {"work": 0.25, "other": 0.1}
STARTED = {2: 3.0, 4: 2.0, 8: 1.0}  # months of start over which the effect is averaged, with their weights
SERVED = 3000


def _month_chances(male: np.ndarray, start: np.ndarray, talk: np.ndarray) -> np.ndarray:
    """Chances of exits × people × months; ``start`` and ``talk`` are months, infinite for never."""
    months = np.arange(FOLLOW_UP)
    begun = start[:, None] <= months
    talking = (talk[:, None] <= months) & (months < talk[:, None] + PLAN.lasting)
    odds = []
    for kind in EXITS:
        level, slope = LEVELS[kind]
        early, late = BY_MOMENT[kind]
        service = np.where(start < PLAN.services["jobhunting"][0], early, late)[:, None] * begun
        odds.append(np.exp(level + slope * months + BY_SEX[kind] * male[:, None] + service
                           + BY_INTERVIEW[kind] * talking))  # fmt: skip
    return np.stack(odds) / (1 + sum(odds))


def _served(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    male = arms(SERVED // 2, SERVED // 2)
    start = np.where(rng.random(SERVED) < 0.5, rng.integers(0, 12, SERVED).astype(float), math.inf)
    talk = np.where(rng.random(SERVED) < 0.6, rng.integers(0, 12, SERVED).astype(float), math.inf)
    months, exits = _exits(rng, _month_chances(male, start, talk))
    person = np.arange(SERVED)
    begun, talked = start < months, talk < months
    return {
        "persons": pd.DataFrame({"person": person, "sex": np.where(male == 1, "male", "female"),
                                 "months_observed": months, "exit": exits}),
        "services": pd.DataFrame({"person": person[begun], "service": "jobhunting",
                                  "start_month": start[begun].astype(int)}),
        "interviews": pd.DataFrame({"person": person[talked], "number": 1, "month": talk[talked].astype(int)}),
    }  # fmt: skip


def _competing(rng: np.random.Generator) -> Draw:
    model = fit(cells_of(*compressed(_served(rng), PLAN), PLAN))
    return drawn(averaged(effects(model, "jobhunting", starts=list(STARTED)), STARTED).of("work"))


def competing_truth() -> float:
    """Cumulative incidence of work with the service less without, averaged over sex and the months of start."""
    male, never = np.array([0.0, 1.0]), np.full(2, math.inf)
    without = _work_within(_month_chances(male, never, never))
    by_start = [_work_within(_month_chances(male, np.full(2, float(m)), never)) - without for m in STARTED]
    return float(np.average(by_start, weights=list(STARTED.values())))


def _work_within(chances: np.ndarray) -> float:
    """Mean over people of the chance to have left for work by the end of the follow-up, month by month."""
    there, work = np.ones(chances.shape[1]), np.zeros(chances.shape[1])
    for month in range(FOLLOW_UP):
        work = work + there * chances[0, :, month]
        there = there * (1 - chances[:, :, month].sum(axis=0))
    return float(work.mean())


DESIGNS = (
    Design(
        name="window", study="intensive", function="interviews.window_effects",
        estimator="2SLS in one window, HC1", quantity="Effect of the third interview on leaving",
        process="4,000 people, four windows; who complies is drawn anew in each, with a level of leaving of its own.",
        truth=lambda: WINDOW_EFFECTS[2], draw=_window,
    ),
    Design(
        name="net", study="intensive", function="interviews.window_effects",
        estimator="Four windows combined, delta method", quantity="Net effect of four interviews on leaving",
        process="As the design before.", truth=net_truth, draw=_net,
    ),
    Design(
        name="fraction", study="intensive", function="interviews.fraction_effects",
        estimator="2SLS per interview, HC1", quantity="Effect of one more interview on time on benefit",
        process="4,000 people; those who would stay long anyway have more interviews.",
        truth=lambda: FRACTION_EFFECT, draw=_fraction,
    ),
    Design(
        name="incidence", study="instruments", function="incidence.cumulative_incidence",
        estimator="Aalen–Johansen, infinitesimal jackknife", quantity="Share that left for work within 18 months",
        process="600 people, monthly exits to work or otherwise, 1% lost from sight every month.",
        truth=incidence_truth, draw=_incidence,
    ),
    Design(
        name="competing", study="instruments", function="deployment.effects",
        estimator="Competing risks, delta method", quantity="Effect of job hunting on leaving for work in 18 months",
        process="3,000 people; half get a service in some month, 60% an interview; monthly exits by multinomial logit.",
        truth=competing_truth, draw=_competing,
    ),
)  # fmt: skip
