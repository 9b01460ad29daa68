"""The experiment with intensive services (SEOR 2020): group sizes, follow-up, hazards and first stages.

Sizes come from Table 2.4; those of men, women and generations are derived from printed shares or from levels
(:func:`watwerkt.uncertainty.implied_share`). Instrumental-variable effects get the approximate standard error of the
difference between the groups as assigned, divided by the difference in take-up (Tables 2.6–2.9).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from functools import cache

from watwerkt.errors import PublishedDataError
from watwerkt.published import Cell, Cells, prose, published, source
from watwerkt.uncertainty import (
    Basis,
    Estimate,
    Range,
    bounded_variance,
    combine_hazards,
    implied_share,
    rounding,
    se_of_difference,
    t_range,
)

STUDY = "intensive"
ARMS = ("intensive", "basic")
INTERVIEWS = ("interview_4m", "interview_7m", "interview_10m", "interview_12m")
HELD = ("interview_individual", "interview_group", "interview_form_unclear", "interview_held")
WINDOW_ENDS = (6, 9, 12, 15)
PARTS = {"sex": ("male", "female"), "generation": ("first", "second")}
CUMULATIVE = {"interviews_1_2": 2, "interviews_1_3": 3, "interviews_1_4": 4}
PROPORTIONS = ("exit_benefit", "exit_job", "reentry")
FRACTIONS = ("fraction_benefit", "fraction_job", "fraction_other")

Sources = list[tuple[Basis, Range]]


@cache
def _cells() -> Cells:
    return published(STUDY)


def se_sources(cell: Cell) -> Sources:
    """What the design says of the standard error of a printed effect, best source first; may be empty."""
    if cell.statistic != "effect":
        return []
    if cell.comparison == "intensive_vs_basic":
        return _assigned(cell)
    if cell.comparison == "four_interviews_vs_group":
        return _four_interviews(cell)
    return _interview(cell)


@cache
def level(cell: Cell, arm: str) -> Cell | None:
    """The printed level of the same outcome and people in an arm, or None if it was suppressed."""
    found = _cells().where(
        population=cell.population, dimension=cell.dimension, category=cell.category, outcome=cell.outcome,
        horizon_months=cell.horizon_months, arm=arm, statistic="level",
    ).printed  # fmt: skip
    return found.cells[0] if len(found) else None


def levels(cell: Cell) -> dict[str, Cell | None]:
    """The printed levels behind an effect, by arm."""
    return {arm: level(cell, arm) for arm in ARMS}


def sizes(cell: Cell) -> dict[str, Range]:
    """The sizes of the groups behind an effect, by arm."""
    return {arm: group_size(cell.population, cell.dimension, cell.category, arm) for arm in ARMS}


@cache
def group_size(population: str, dimension: str, category: str, arm: str) -> Range:
    """People in a group and arm; a range where the size is derived from shares."""
    whole = _cells().one(table="T2.4", population=population, arm=arm).number
    if dimension == "all":
        return Range(whole, whole)
    first, second = PARTS[dimension]
    share = first_share(population, dimension, arm)
    if category == second:
        share = Range(1 - share.high, 1 - share.low)
    elif category != first:
        raise PublishedDataError(f"{STUDY}: no size is known for {dimension} = {category}.\n  known: {first}, {second}")
    return share.scaled(whole)


@cache
def first_share(population: str, dimension: str, arm: str) -> Range:
    """Share of men, or of the first generation, that the printed levels of whole and parts imply together."""
    first, second = PARTS[dimension]
    triples = []
    for outcome, horizons in (
        ("exit_benefit", WINDOW_ENDS[:3]),
        ("exit_job", WINDOW_ENDS[:3]),
        ("fraction_benefit", (None,)),
    ):
        for horizon in horizons:
            among = _cells().where(
                outcome=outcome, horizon_months=horizon, arm=arm, statistic="level", population=population
            )
            triples.append(
                tuple(
                    _range(among.one(dimension=d, category=c))
                    for d, c in (("all", "all"), (dimension, first), (dimension, second))
                )
            )
    try:
        return implied_share(triples)
    except ValueError as error:
        raise PublishedDataError(
            f"{STUDY}, {population} by {dimension}, {arm}: {error}.\n"
            f"  compare the levels by {dimension} in Appendix II with those of everyone in Tables 3.2 and 3.3"
        ) from None


def share_followed(horizon: float | None) -> Range:
    """Share of people who could be followed for so many months, if they entered evenly over the entry window.

    The upper end is 1: the report counts only those followed for 15 months but does not print how many.
    """
    told = prose(STUDY)
    start, end, last = (told[key].date for key in ("entry_start", "entry_end", "observation_end"))
    after_entry = dt.timedelta(days=(horizon or 0) * 365.25 / 12 - 7 * told["entry_week"].value)
    share = (last - after_entry - start) / (end - start)
    return Range(min(max(share, 0.0), 1.0), 1.0)


def share_followed_by_marks(horizon: float) -> Range | None:
    """Share of people followed so long that every mark at this horizon allows, or None if they allow none in common.

    Only effects on exits count, whose standard error follows from percentages and sizes; sampling with one share in
    all groups is assumed.
    """
    exits = _cells().where(
        comparison="intensive_vs_basic", outcome=PROPORTIONS, horizon_months=horizon, statistic="effect"
    )
    found: Range | None = Range(0.0, 1.0)
    for cell in exits.printed:
        found = found and found.meet(_share_by_mark(cell, source(STUDY)["stars"]))
    return found


@cache
def hazard(population: str, outcome: str, window: int, arm: str) -> float:
    """Chance to leave between the start of interview ``window`` (1–4) and the next, among those still on benefit.

    From Table 3.2, whose horizons of 6, 9, 12 and 15 months nearly close the four windows.
    """
    table = _cells().where(table="T3.2", population=population, arm=arm)

    def share(which: str, closed: int) -> float:
        return table.one(outcome=which, horizon_months=WINDOW_ENDS[closed - 1]).number if closed else 0.0

    gone = share("exit_benefit", window - 1)
    return max((share(outcome, window) - share(outcome, window - 1)) / (1 - gone), 0.0)


@cache
def at_risk(population: str, window: int, arm: str) -> float:
    """People still on benefit when interview ``window`` starts (Tables 2.6–2.9)."""
    return _cells().one(population=population, service=INTERVIEWS[window - 1], arm=arm, outcome="people").number


@cache
def held(population: str, window: int, arm: str, *, forms: tuple[str, ...] = HELD) -> float:
    """Interviews of a kind that were held, in the given forms."""
    found = _cells().where(
        population=population, service=INTERVIEWS[window - 1], arm=arm, statistic="count", outcome=forms
    )
    return sum(cell.number for cell in found.printed)


@cache
def take_up(population: str, window: int) -> float:
    """First stage of interview ``window``: share with the interview, intensive less basic, among people at risk.

    For the first interview, an individual one; a group meeting is what it is compared with.
    """
    forms = ("interview_individual",) if window == 1 else HELD
    shares = [held(population, window, arm, forms=forms) / at_risk(population, window, arm) for arm in ARMS]
    return shares[0] - shares[1]


@cache
def interviews_per_person(population: str, arm: str) -> float:
    """Interviews of any form that were held, per person assigned."""
    everyone = _cells().one(table="T2.4", population=population, arm=arm).number
    return sum(held(population, window, arm) for window in (1, 2, 3, 4)) / everyone


def net_effect(effects: list[Estimate], population: str, outcome: str) -> Estimate:
    """Net effect of four interviews from the effects of each, over the hazards of the basic group (methods B3)."""
    hazards = [hazard(population, outcome, window, "basic") for window in (1, 2, 3, 4)]
    return combine_hazards(hazards, effects)


def _range(cell: Cell) -> Range:
    return rounding(cell.number, cell.rounding)


def _assigned(cell: Cell) -> Sources:
    behind, people = levels(cell), sizes(cell)
    if None in behind.values():
        return []
    basis: Basis = "counts" if cell.dimension == "all" else "derived"
    if cell.outcome in PROPORTIONS:
        share = share_followed(cell.horizon_months or max(WINDOW_ENDS))
        basis = "derived" if share.low < 1 else basis
        return [(basis, _se_proportions(behind, {arm: _times(size, share) for arm, size in people.items()}))]
    if cell.outcome in FRACTIONS:
        return [("bound", Range(0.0, _se_bound(behind, people, 0.0, 1.0)))]
    return _job_quality(cell, behind, people)


def _job_quality(cell: Cell, behind: dict[str, Cell], people: dict[str, Range]) -> Sources:
    """Among people with a job: at least those who left for one within a year, at most everyone."""
    workers = {}
    for arm in ARMS:
        leavers = _cells().where(
            population=cell.population, dimension=cell.dimension, category=cell.category, arm=arm,
            outcome="exit_job", horizon_months=12, statistic="level",
        ).cells[0]  # fmt: skip
        workers[arm] = Range(people[arm].low * _range(leavers).low, people[arm].high)
    if cell.outcome == "permanent_contract":
        return [("derived", _se_proportions(behind, workers))]
    if cell.outcome == "parttime_factor":
        return [("bound", Range(0.0, _se_bound(behind, workers, 0.0, 1.0)))]
    if cell.outcome == "first_job_length":
        told = prose(STUDY)
        longest = (told["observation_end"].date - told["entry_start"].date).days
        return [("bound", Range(0.0, _se_bound(behind, workers, 0.0, longest)))]
    return []


def _four_interviews(cell: Cell) -> Sources:
    if cell.outcome in FRACTIONS:
        each = _cells().one(table="T3.7", population=cell.population, dimension="all", outcome=cell.outcome)
        return [(basis, se.scaled(len(INTERVIEWS))) for basis, se in _interview(each)]
    windows = _cells().where(table="T3.5", population=cell.population, outcome=cell.outcome, service=INTERVIEWS)
    parts = [Estimate(part.number, _interview(part)[0][1]) for part in windows]
    return [("first_stage", Range(0.0, net_effect(parts, cell.population, cell.outcome).se.high))]


def _interview(cell: Cell) -> Sources:
    """Approximate: standard error of the difference as assigned, over the first stage."""
    if cell.outcome in FRACTIONS:
        offer = _se_bound(levels(cell), sizes(cell), 0.0, 1.0)
        per_person = [interviews_per_person(cell.population, arm) for arm in ARMS]
        return [("first_stage", Range(0.0, offer / (per_person[0] - per_person[1])))]
    window = CUMULATIVE.get(cell.service) or INTERVIEWS.index(cell.service) + 1
    se = math.sqrt(sum(_exit_variance(cell.population, cell.outcome, window, arm) for arm in ARMS))
    return [("first_stage", Range(0.0, se / _first_stage(cell, window)))]


def _first_stage(cell: Cell, window: int) -> float:
    if cell.service not in CUMULATIVE:
        return take_up(cell.population, window)
    any_form = [held(cell.population, 1, arm) / at_risk(cell.population, 1, arm) for arm in ARMS]
    later = sum(take_up(cell.population, earlier) for earlier in range(2, window + 1))
    return any_form[0] - any_form[1] + later


def _exit_variance(population: str, outcome: str, window: int, arm: str) -> float:
    """Variance of the exit share in a window; the fourth is seen for some only, so at least the third's counts."""
    shares = [hazard(population, outcome, k, arm) for k in {window, min(window, 3)}]
    return max(h * (1 - h) for h in shares) / at_risk(population, window, arm)


def _se_proportions(behind: dict[str, Cell], people: dict[str, Range]) -> Range:
    return se_of_difference(*(part for arm in ARMS for part in (_range(behind[arm]), people[arm])))


def _se_bound(behind: dict[str, Cell], people: dict[str, Range], low: float, high: float) -> float:
    return math.sqrt(sum(bounded_variance(_range(behind[arm]), low, high) / people[arm].low for arm in ARMS))


def _share_by_mark(cell: Cell, legend: Mapping[str, float]) -> Range:
    """SE = SE(everyone followed) / √share: the shares, also above 1, at which |t| keeps within what the mark says."""
    whole, t, size = _se_proportions(levels(cell), sizes(cell)), t_range(cell.stars, legend), abs(cell.number)
    low = t.low * whole.low / (size + cell.rounding) if size + cell.rounding else 0.0
    high = math.inf if math.isinf(t.high) or size <= cell.rounding else t.high * whole.high / (size - cell.rounding)
    return Range(low**2, high**2)


def _times(size: Range, share: Range) -> Range:
    return Range(size.low * share.low, size.high * share.high)
