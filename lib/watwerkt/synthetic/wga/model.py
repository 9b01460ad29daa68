"""The data-generating process of work: coefficients per situation that reproduce the printed levels.

Whoever finds a job within three years has u > −index(x), where u is standard normal: a probit. Whoever is still (or
again) at work after three years has u above a higher bar. In the control group people ask for services if their
willingness v is high; u and v are correlated, so those who ask for services find jobs far more often, with or without.
Given a job, its size, contract, days and hours depend on x and the situation only; the wage depends on u as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import norm

from watwerkt.published import published
from watwerkt.synthetic.wga import people, printed
from watwerkt.synthetic.wga.calibration import identity, logistic, mean_error, solve, tail
from watwerkt.synthetic.wga.levels import (
    COLUMNS,
    Group,
    Levels,
    before,
    design,
    extra_effect,
    levels,
    member,
    sums,
    taking,
)

SHARES = (
    "job",
    "working",
    "job_12h",
    "permanent_contract_jobholders",
    "fraction_days",
    "fraction_hours",
    "self_employment",
)
NUDGED = ("job", "working", "fraction_days", "fraction_hours")  # levels that may move within their rounding
ROUNDED = 0.0009 / 2  # most of half a printed tenth of a per cent
MIDDLE_AGE = 48.0
PAYING = [
    0,
    *(n + 1 for n, (d, _) in enumerate(COLUMNS) if d != "sickness_benefit"),
]  # Table II.3 leaves it out of wages
HALF_YEAR_MONTHS = (3, 6, 6, 6, 6, 6)  # clusters of inflow from January 2017 to September 2019
HALF_YEARS = len(HALF_YEAR_MONTHS)
PROBITS = {"job": "new_job_probit", "working": "working_new_job_probit"}  # outcomes of Table II.3
MARGINAL = {  # rows of Table II.3 that COLUMNS lack
    "education_middle": ("education", "middle"),
    "female": ("sex", "female"),
    "married": ("marital", "married"),
    "multiple_conditions": ("conditions", "multiple_conditions"),
    "old_job": ("job_at_start", "job"),
}
STAYS = {"working": 0.4, "not_working": -1.1}  # log odds of the part of the three years worked, before calibration
LARGE, SMALL = (12 / 36, 40 / 36), (0.0, 12 / 36)  # hours of a large and a small job, as fractions of 36 hours a week
WAGE_SPREAD = 5.6  # euro per hour: what the standard error of Table II.3 implies with its first stage and 3,350 people
BEFORE_TREND = 0.02  # assumed: jobs in the earlier inflow grow by this share of their level per half-year


@dataclass(frozen=True)
class Part:
    """People seen in one situation: who they are to the model, and whether they ask for services."""

    x: np.ndarray
    moments: np.ndarray
    offsets: Mapping[str, np.ndarray]
    asking: np.ndarray
    kind: str = "all"


@dataclass
class Work:
    """Coefficients by (situation, outcome); ``tie`` is the correlation of u and v, ``wage_tie`` of u and the wage."""

    coefficients: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    levels: dict[tuple[str, str], Levels] = field(default_factory=dict)
    tie: float = 0.0
    wage_tie: float = 0.0

    def index(self, situation: str, outcome: str, part: Part) -> np.ndarray:
        """The linear index of an outcome for each person."""
        return part.offsets.get(outcome, 0.0) + part.x @ self.coefficients[situation, outcome]

    def means(self, situation: str, part: Part, *, trend: Mapping[str, float] | None = None) -> dict[str, np.ndarray]:
        """Expected outcomes of each person, as shares of everyone; ``wage`` is the wage times the chance of a job.

        ``trend`` is added to the index of an outcome: the half-year of inflow.
        """
        trend = trend or {}
        job_index = self.index(situation, "job", part) + trend.get("job", 0.0)
        job = tail(job_index, part.asking, part.kind, self.tie)[0]
        if (situation, "working") not in self.coefficients:
            return {"job": job}
        at_work = np.minimum(self.index(situation, "working", part) + trend.get("working", 0.0), job_index)
        working = tail(at_work, part.asking, part.kind, self.tie)[0]
        found = {"job": job, "working": working}
        for outcome in SHARES[2:]:
            if (situation, outcome) in self.coefficients:
                found[outcome] = self._mean(situation, outcome, part, found)
        if "job_12h" not in found:
            return found
        found["job_under_12h"] = job - found["job_12h"]
        if (situation, "hourly_wage") in self.coefficients:
            error = mean_error(job_index, part.asking, part.kind, self.tie)
            found["wage"] = job * self.index(situation, "hourly_wage", part) + self.wage_tie * WAGE_SPREAD * error
        return found

    def _mean(self, situation: str, outcome: str, part: Part, found: Mapping[str, np.ndarray]) -> np.ndarray:
        index = self.index(situation, outcome, part)
        weights, shifts, fixed = pieces(outcome, found)
        return fixed + sum(w * logistic(index + s)[0] for w, s in zip(weights, shifts, strict=True))


def pieces(outcome: str, found: Mapping[str, np.ndarray]) -> tuple[list[np.ndarray], list[float], np.ndarray]:
    """An outcome's mean as fixed + Σ weight · logistic(index + shift), given the chances that come before it."""
    job, working, nothing = found["job"], found["working"], np.zeros_like(found["job"])
    if outcome == "job_12h":
        return [job], [0.0], nothing
    if outcome == "permanent_contract_jobholders":
        return [working], [0.0], nothing
    if outcome == "self_employment":
        return [np.ones_like(job)], [0.0], nothing
    if outcome == "fraction_days":
        return [working, job - working], list(STAYS.values()), nothing
    large = found["job_12h"] / np.maximum(job, 1e-12)
    days, width = found["fraction_days"], (LARGE[1] - LARGE[0], SMALL[1] - SMALL[0])
    return [days * (large * width[0] + (1 - large) * width[1])], [0.0], days * large * LARGE[0]


def part_of(frame: pd.DataFrame, kind: str = "all") -> Part:
    """The people of a frame as the model sees them."""
    offsets = {outcome: _offset(frame, outcome) for outcome in PROBITS}
    return Part(regressors(frame), design(frame), offsets, people.asking(frame), kind)


def regressors(frame: pd.DataFrame) -> np.ndarray:
    """The columns of the models: those of the design, with age and its square in the place of the two age groups."""
    x, age = design(frame), (frame["age"].to_numpy(float) - MIDDLE_AGE) / 10
    x[:, [n + 1 for n, (dimension, _) in enumerate(COLUMNS) if dimension == "age"]] = np.column_stack([age, age**2])
    return x


@cache
def work() -> Work:
    """The calibrated model: first with the printed levels, then with levels that give the printed LATE more nearly."""
    first = _calibrated({})
    nudge = {}
    for outcome in NUDGED:
        gap = late(first, outcome) - printed.effect("experiment_vs_control", outcome)
        step = float(np.clip(gap * taking(*_inside()) / 2, -ROUNDED, ROUNDED))
        nudge |= {("experiment", outcome): -step, ("control", outcome): step}
    model, frame = _calibrated(nudge), people.population()
    _wages(model, {arm: frame[frame["arm"] == arm] for arm in printed.ARMS})
    return model


def late(model: Work, outcome: str, group: Group = ("all", "all")) -> float:
    """Mean effect of services among those who take them only when assigned to them (the compliers)."""
    frame, share = _inside()
    part, weight = part_of(frame, "refrains"), 1 - share
    if group != ("all", "all"):
        weight = weight * member(frame, *group)
    with_services, without = (model.means(s, part)[outcome] for s in ("experiment", "control"))
    return float(weight @ (with_services - without) / weight.sum())


def _inside() -> tuple[pd.DataFrame, np.ndarray]:
    frame = people.population()
    frame = frame[frame["arm"] != "regular"]
    return frame, people.asking(frame)


def _calibrated(nudge: Mapping[tuple[str, str], float]) -> Work:
    frame = people.population()
    by_arm = {arm: frame[frame["arm"] == arm] for arm in printed.ARMS}
    inside = frame[frame["arm"] != "regular"]
    model = Work()
    for arm in printed.ARMS:
        for outcome in SHARES:
            shift = nudge.get((arm, outcome), 0.0)
            model.levels[arm, outcome] = levels(by_arm[arm], arm, outcome, shift=shift)
    _fit(model, "experiment", by_arm["experiment"])
    _fit(model, "regular", by_arm["regular"])
    model.tie = _tie(model, by_arm["control"])
    _fit(model, "control", by_arm["control"])
    for outcome in SHARES[:-1]:
        found = {arm: model.levels[arm, outcome] for arm in printed.ARMS}
        model.levels["before", outcome] = before(inside, outcome, found)
    _fit(model, "before", inside)
    return model


@cache
def trends(situation: str) -> list[dict[str, float]]:
    """Shifts of the indices by half-year of inflow: the same change in the share at both kinds of offices."""
    model, frame = work(), people.population()
    part = part_of(frame[(frame["arm"] == "regular") == (situation == "regular")])
    found: list[dict[str, float]] = [{} for _ in range(HALF_YEARS)]
    for outcome in PROBITS:
        index = model.index(situation, outcome, part)
        for shifts, change in zip(found, changes(outcome), strict=True):
            wanted = ndtr(index).mean() + change
            shifts[outcome] = brentq(lambda c, i=index, w=wanted: ndtr(i + c).mean() - w, -1, 1, xtol=1e-10)
    return found


def changes(outcome: str) -> np.ndarray:
    """What each half-year of inflow adds to a level, at all offices alike; nothing on average."""
    steps = np.arange(HALF_YEARS)
    return BEFORE_TREND * printed.level("regular", outcome) * (steps - np.average(steps, weights=HALF_YEAR_MONTHS))


def _fit(model: Work, situation: str, frame: pd.DataFrame) -> None:
    """Solves outcome after outcome; in the control group for those who do not ask, with the others as they are."""
    control = situation == "control"
    part = part_of(frame, "refrains" if control else "all")
    weight = 1 - part.asking if control else np.ones(len(frame))
    asks = model.means("experiment", part_of(frame, "asks")) if control else {}
    totals: dict[str, np.ndarray] = {}
    for outcome in SHARES:
        if (situation, outcome) not in model.levels:
            continue
        totals[outcome] = _totals(model, situation, outcome, frame, totals)
        target = totals[outcome] - (part.moments.T @ (part.asking * asks[outcome]) if control else 0.0)
        offset = part.offsets.get(outcome, np.zeros(len(frame)))
        if outcome in PROBITS:
            link = _tail_link(part, model.tie)
            found = solve(part.x, target, link=link, weight=weight, offset=offset, moments=part.moments)
        else:
            weights, shifts, fixed = pieces(outcome, model.means(situation, part))
            stacked, moments = (np.vstack([m] * len(weights)) for m in (part.x, part.moments))
            mass = np.concatenate([w * weight for w in weights])
            lift = np.concatenate([offset + s for s in shifts])
            target = target - part.moments.T @ (weight * fixed)
            found = solve(stacked, target, link=logistic, weight=mass, offset=lift, moments=moments)
        model.coefficients[situation, outcome] = found


def _tail_link(part: Part, tie: float):
    return lambda index: tail(index, part.asking, part.kind, tie)


def _totals(
    model: Work, situation: str, outcome: str, frame: pd.DataFrame, totals: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Totals by column of the design; a share of those at work times the number at work."""
    found = model.levels[situation, outcome]
    if outcome != "permanent_contract_jobholders":
        return sums(frame, found)
    return totals["working"] * sums(frame, found) / sums(frame, dict.fromkeys(found, 1.0))


def _tie(model: Work, frame: pd.DataFrame) -> float:
    """The correlation that makes self-reporters the share of the controls with a job that Table II.3 implies."""
    share = 1 - printed.first_stage("received_services_job")
    wanted = share * printed.level("control", "job") * len(frame)
    part = part_of(frame, "asks")
    index = model.index("experiment", "job", part)
    return brentq(lambda tie: part.asking @ tail(index, part.asking, "asks", tie)[0] - wanted, 0.0, 0.95)


def _wages(model: Work, by_arm: Mapping[str, pd.DataFrame]) -> None:
    """Wages, with the correlation with u that makes the effect in the wage equation the printed, corrected one."""
    wanted, effects = printed.effect("experiment_vs_control", "hourly_wage"), []
    for tie in (0.0, 1.0):
        _wage_levels(model, by_arm, tie)
        effects.append(_constant(model, "experiment") - _constant(model, "control"))
    model.wage_tie = (wanted - effects[0]) / (effects[1] - effects[0])  # everything is linear in it
    _wage_levels(model, by_arm, model.wage_tie)


def _wage_levels(model: Work, by_arm: Mapping[str, pd.DataFrame], tie: float) -> None:
    """Slopes from the experiment group, and a constant per situation, for one correlation of wage and u."""

    def paid(arm: str, kind: str = "all", situation: str = "") -> tuple[Part, np.ndarray, np.ndarray]:
        part = part_of(by_arm[arm], kind)
        weight = {"asks": part.asking, "refrains": 1 - part.asking}.get(kind, 1.0)
        index = model.index(situation or arm, "job", part)
        error = mean_error(index, part.asking, kind, model.tie)
        return part, weight * tail(index, part.asking, kind, model.tie)[0], weight * tie * WAGE_SPREAD * error

    part, job, error = paid("experiment")
    found = levels(by_arm["experiment"], "experiment", "hourly_wage", mass=job, scale="linear")
    target = sums(by_arm["experiment"], found, mass=job) - part.moments.T @ error
    slopes, x, moments = np.zeros(part.x.shape[1]), part.x[:, PAYING], part.moments[:, PAYING]
    slopes[PAYING] = solve(x, target[PAYING], link=identity, weight=job, moments=moments)
    constant, one = {"experiment": 0.0}, np.eye(len(slopes))[0]
    for arm, kind in (("regular", "all"), ("control", "refrains")):
        part, job, error = paid(arm, kind)
        owed, people_paid = job @ (part.x @ slopes) + error.sum(), job.sum()
        if arm == "control":
            asks, own_job, own_error = paid("control", "asks", "experiment")
            owed, people_paid = owed + own_job @ (asks.x @ slopes) + own_error.sum(), people_paid + own_job.sum()
        constant[arm] = (printed.level(arm, "hourly_wage") * people_paid - owed) / job.sum()
    first_stage = taking(by_arm["control"], people.asking(by_arm["control"]))
    everyone = {arm: {("all", "all"): value} for arm, value in constant.items()}
    constant["before"] = -extra_effect(everyone, ("all", "all"), "hourly_wage", first_stage)
    for situation, value in constant.items():
        model.coefficients[situation, "hourly_wage"] = slopes + value * one


def _constant(model: Work, situation: str) -> float:
    return float(model.coefficients[situation, "hourly_wage"][0])


def _offset(frame: pd.DataFrame, outcome: str) -> np.ndarray:
    """Effects of characteristics that the printed subgroups lack: Table II.3's, on the scale of the index."""
    density = norm.pdf(ndtri(printed.level("experiment", outcome)))
    effects = published(printed.STUDY, "TII.3").where(outcome=PROBITS[outcome], statistic="coefficient")
    total = np.zeros(len(frame))
    for row, group in MARGINAL.items():
        total += effects.one(category=row).number / density * people.characteristic(frame, *group)
    return total
