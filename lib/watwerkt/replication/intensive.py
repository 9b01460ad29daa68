"""Published cells of the experiment with intensive services, computed from its microdata (SEOR 2020).

Every function gives one row per cell, keyed as in ``data/published/intensive``: ``table``, ``cell``, what it is of
(``population``, ``dimension``, ``category``, ``outcome``, ``horizon_months``, ``statistic``), ``recomputed``, ``se``,
``ci_low``, ``ci_high``, the people behind it (``n``, ``n_basic``, ``n_intensive``) and, where the outcome is an event,
those with it (``events_basic``, ``events_intensive``), ``warnings`` of the estimator, and ``why`` it could not be
computed. Percentages are fractions. A group that the report does not print has an empty ``table``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from watwerkt import codes
from watwerkt.designs.intensive import ARMS, CUMULATIVE, INTERVIEWS, STUDY
from watwerkt.errors import CodeError, EstimationError
from watwerkt.estimate.interviews import (
    ALL_FOUR,
    NET,
    Layout,
    cumulative_effects,
    fraction_effects,
    window_effects,
)
from watwerkt.estimate.linear import itt
from watwerkt.estimate.result import Result
from watwerkt.published import Cell, grid, published
from watwerkt.replication.intensive_outcomes import (
    ALL_JOBS,
    EXITS,
    FIRST_JOB,
    FRACTIONS,
    HAD,
    HORIZON_DAYS,
    Tables,
    by_job,
    by_person,
    starts,
    windows,
)

COLUMNS = [
    "table", "cell", "population", "dimension", "category", "outcome", "horizon_months", "statistic",
    "recomputed", "se", "ci_low", "ci_high", "n", "n_basic", "n_intensive", "events_basic", "events_intensive",
    "warnings", "why",
]  # fmt: skip
NET_MONTHS = 14
POPULATIONS = ("all", "nonwestern", "none", "western", "unknown")
SPLITS = ("sex", "generation", "age", "household", "office")


@dataclass(frozen=True)
class _Group:
    """The people of a group, and their jobs."""

    population: str
    dimension: str
    category: str
    people: pd.DataFrame
    jobs: pd.DataFrame

    def row(self, name: str, outcome: str, horizon: float, statistic: str) -> dict:
        """What a cell is of; ``name`` is an arm, or a comparison and its service."""
        months = [] if math.isnan(horizon) else [f"{horizon:g}"]
        return {
            "cell": ".".join([self.population, self.category, name, outcome, *months, statistic]),
            "population": self.population,
            "dimension": self.dimension,
            "category": self.category,
            "outcome": outcome,
            "horizon_months": horizon,
            "statistic": statistic,
        }


def group(
    microdata: Tables, population: str, dimension: str = "all", category: str = "all", *, controls: Sequence[str] = ()
) -> pd.DataFrame:
    """Levels by arm, effects of assignment and of interviews of one group: Tables 3.2–3.7, 4.1 and II.1–II.7.

    Parameters
    ----------
    microdata
        Tables ``persons``, ``interviews`` and ``spells`` by name.
    population, dimension, category
        Codes: ``nonwestern``, ``sex``, ``female``; population ``all`` is everyone. Dimensions: sex, generation, age,
        household, office.
    controls
        Columns of ``persons`` to control for in the effects.

    Standard errors: HC1; of means over jobs clustered by person; of interview effects see
    :mod:`watwerkt.estimate.interviews`. Raises CodeError for a group that no code list knows.
    """
    return groups(microdata, [(population, dimension, category)], controls=controls)


def groups(
    microdata: Tables, wanted: Iterable[tuple[str, str, str]] | None = None, *, controls: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows of :func:`group` for several groups, by default those for which the report prints effects."""
    people, jobs = by_person(microdata), by_job(microdata)
    rows = []
    for population, dimension, category in printed_groups() if wanted is None else wanted:
        _check(population, dimension, category)
        chosen = [among(frame, population, dimension, category) for frame in (people, jobs)]
        rows += _rows(_Group(population, dimension, category, *chosen), controls)
    return _keyed(rows)


def printed_groups() -> list[tuple[str, str, str]]:
    """Population, dimension and category of the groups for which the report prints effects."""
    by = ("population", "dimension", "category")
    return [tuple(row[name] for name in by) for row in grid(STUDY, {"statistic": "effect"}, by)]


def counts(microdata: Tables) -> pd.DataFrame:
    """Sizes, interviews due and held, and characteristics: Tables 2.4, 2.6–2.9 and 3.1. No standard errors."""
    persons = microdata["persons"]
    interviews = microdata["interviews"].merge(persons[["person", "arm", "population"]], on="person")
    rows = []
    for cell in published(STUDY, "T2.4", "T2.6", "T2.7", "T2.8", "T2.9", "T3.1").printed:
        frame = interviews[interviews["kind"] == cell.service] if cell.service else persons
        everyone = among(frame, cell.population, "all", "all")
        by_arm = {arm: everyone[everyone["arm"] == arm] for arm in ARMS if cell.arm in ("all", arm)}
        events = {arm: int(_counted(part, cell).sum()) for arm, part in by_arm.items()}
        sizes = {arm: len(part) for arm, part in by_arm.items()}
        total, n = sum(events.values()), sum(sizes.values())
        value = total if cell.statistic == "count" else total / n if n else math.nan
        about = {
            name: getattr(cell, name) for name in ("table", "cell", "population", "dimension", "category", "outcome")
        }
        rows.append(
            about | _sizes(sizes, events)
            | {"statistic": cell.statistic, "recomputed": float(value), "warnings": ""}
            | {"why": "" if n else "nobody is in the group"}
        )  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


# ---- groups --------------------------------------------------------------------------------------


def _check(population: str, dimension: str, category: str) -> None:
    if population not in POPULATIONS:
        raise CodeError(f"the microdata of {STUDY} have no {population!r}.\n  allowed: {', '.join(POPULATIONS)}")
    codes.code("category", category, dimension=codes.code("dimension", dimension).code)
    if dimension not in ("all", *SPLITS):
        raise CodeError(f"the microdata of {STUDY} have no {dimension!r}.\n  allowed: all, {', '.join(SPLITS)}")


def among(frame: pd.DataFrame, population: str, dimension: str, category: str) -> pd.DataFrame:
    """The rows of a group; population ``all`` is everyone."""
    inside = pd.Series(True, index=frame.index) if population == "all" else frame["population"] == population
    return frame[inside if dimension == "all" else inside & (frame[dimension] == category)]


def _counted(frame: pd.DataFrame, cell: Cell) -> pd.Series:
    """Which rows a printed count or share counts."""
    if cell.outcome == "people":
        return pd.Series(True, index=frame.index)
    if cell.outcome == "composition":
        return frame["population" if cell.dimension == "background" else cell.dimension] == cell.category
    if cell.outcome == "interview_none":
        return ~frame["held"]
    return frame["held"] if cell.outcome == "interview_held" else frame["form"] == cell.outcome


def _rows(found: _Group, controls: Sequence[str]) -> list[dict]:
    rows = []
    for outcome in EXITS:
        for months in HORIZON_DAYS:
            rows += _assigned(found, found.people, outcome, months, controls)
    for outcome in ("reentry", *FRACTIONS, *FIRST_JOB):
        rows += _assigned(found, found.people, outcome, math.nan, controls)
    for outcome in ALL_JOBS:
        rows += _assigned(found, found.jobs, outcome, math.nan, controls)
    for outcome in EXITS:
        rows += _windows(found, outcome, controls) + _cumulative(found, outcome, controls)
    for outcome in FRACTIONS:
        rows += _fractions(found, outcome, controls)
    return rows


def _keyed(rows: list[dict]) -> pd.DataFrame:
    """Rows with the tables in which the report prints them; a cell that two tables print has two rows."""
    places = _places()
    return pd.DataFrame(
        [{"table": table, **row} for row in rows for table in places.get(row["cell"], ("",))], columns=COLUMNS
    )


@cache
def _places() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for cell in published(STUDY):
        found[cell.cell] = (*found.get(cell.cell, ()), cell.table)
    return found


# ---- levels and effects of assignment ------------------------------------------------------------


def _assigned(found: _Group, frame: pd.DataFrame, outcome: str, horizon: float, controls: Sequence[str]) -> list[dict]:
    """The level in each arm, and the difference: intention to treat."""
    column = outcome if math.isnan(horizon) else f"{outcome}_{horizon:g}"
    known = frame[frame[column].notna()].rename(columns={"person": "who"}).reset_index(drop=True)
    cluster = "who" if outcome in ALL_JOBS else None
    parts = {arm: known[known["arm"] == arm] for arm in ARMS}
    sizes = {arm: part["who"].nunique() for arm, part in parts.items()}
    binary = outcome in (*EXITS, "reentry", "permanent_contract")
    events = {arm: int(part[column].sum()) for arm, part in parts.items()} if binary else {}
    rows = [
        found.row(arm, outcome, horizon, "level")
        | _sizes({arm: sizes[arm]}, {arm: events[arm]} if events else {})
        | _estimate(lambda part=part: _mean(part, column))
        for arm, part in parts.items()
    ]
    effect = _estimate(lambda: itt(known, column, assigned="assigned", controls=controls, cluster=cluster))
    return [*rows, found.row("intensive_vs_basic", outcome, horizon, "effect") | _sizes(sizes, events) | effect]


def _mean(part: pd.DataFrame, column: str) -> Result:
    """A mean with its standard error, over people, or over jobs clustered by person."""
    n, people = len(part), part["who"].nunique()
    if people < 2:
        raise EstimationError(f"{people} people with a value of {column} are too few for a mean.\n  take a wider group")
    mean = float(part[column].mean())
    off = (part[column] - mean).groupby(part["who"]).sum()
    variance = people / (people - 1) * float((off**2).sum()) / n**2
    return Result(
        method="Mean", names=(column,), values=np.array([mean]), vcov=np.array([[variance]]), n=people,
        variance="clustered by person", focus=column, df=people - 1,
    )  # fmt: skip


# ---- effects of interviews -----------------------------------------------------------------------


def _windows(found: _Group, outcome: str, controls: Sequence[str]) -> list[dict]:
    """Each interview apart, and the net effect (Table 3.5)."""
    names = [f"{'individual_vs_group' if kind == INTERVIEWS[0] else 'interview_vs_none'}.{kind}" for kind in INTERVIEWS]
    estimates = _several(
        lambda: window_effects(_until(found.people), outcome, layout=_layout(), controls=controls), [*names, NET]
    )
    rows = [
        found.row(name, outcome, math.nan, "effect") | _at_risk(found.people, outcome, k) | estimates[name]
        for k, name in enumerate(names)
    ]
    net = found.row(NET, outcome, NET_MONTHS, "effect") | _at_risk(found.people, outcome, None)
    return [*rows, net | estimates[NET]]


def _cumulative(found: _Group, outcome: str, controls: Sequence[str]) -> list[dict]:
    """One more interview, and the earlier ones together (Table 3.6)."""
    kinds = {"extra_interview": "effect", "earlier_interviews": "cumulative_effect"}
    names = [f"{comparison}.{service}" for service in CUMULATIVE for comparison in kinds]
    estimates = _several(
        lambda: cumulative_effects(_until(found.people), outcome, layout=_layout(), controls=controls), names
    )
    return [
        found.row(name, outcome, math.nan, kinds[name.split(".")[0]])
        | _at_risk(found.people, outcome, CUMULATIVE[name.split(".")[1]] - 1)
        | estimates[name]
        for name in names
    ]


def _fractions(found: _Group, outcome: str, controls: Sequence[str]) -> list[dict]:
    """One more interview on a fraction (Table 3.7), and four of them (Table 4.1)."""
    estimates = _several(
        lambda: fraction_effects(found.people, outcome, interviews="interviews", controls=controls),
        ["extra_interview", ALL_FOUR],
    )
    sizes = _sizes({arm: int((found.people["arm"] == arm).sum()) for arm in ARMS}, {})
    return [
        found.row(name, outcome, math.nan, "effect") | sizes | estimates[of]
        for name, of in (("extra_interview", "extra_interview"), (NET, ALL_FOUR))
    ]


def _until(people: pd.DataFrame) -> pd.DataFrame:
    """People with only the exits up to the end of the last window."""
    return people.assign(exit_day=people["exit_day"].where(people["exit_day"] <= windows()[-1][1]))


def _layout() -> Layout:
    return Layout(had=HAD, starts=starts())


def _at_risk(people: pd.DataFrame, outcome: str, window: int | None) -> dict:
    """People still on benefit when a window (0–3) opens and those who leave in it; None: everyone, all windows."""
    day = people["exit_day"].astype(float).fillna(math.inf)
    start, end = (windows()[0][0], windows()[-1][1]) if window is None else windows()[window]
    leaves = (day <= end) & ((people["exit_kind"] == "job") | (outcome == "exit_benefit"))
    parts = {arm: (day > start) & (people["arm"] == arm) for arm in ARMS}
    return _sizes(
        {arm: int(part.sum()) for arm, part in parts.items()},
        {arm: int((part & leaves).sum()) for arm, part in parts.items()},
    )


# ---- one row -------------------------------------------------------------------------------------


def _sizes(sizes: Mapping[str, int], events: Mapping[str, int]) -> dict:
    counted = {f"n_{arm}": sizes.get(arm) for arm in ARMS} | {f"events_{arm}": events.get(arm) for arm in ARMS}
    return {"n": sum(sizes.values())} | {name: math.nan if value is None else value for name, value in counted.items()}


def _estimate(estimator: Callable[[], Result]) -> dict:
    """Estimate, standard error and interval of what an estimator says, or why it says nothing."""
    try:
        return _told(estimator())
    except EstimationError as error:
        return _untold(error)


def _several(estimator: object, names: Sequence[str]) -> dict[str, dict]:
    """The same, for each of an estimator's quantities."""
    try:
        result = estimator()
    except EstimationError as error:
        return dict.fromkeys(names, _untold(error))
    return {name: _told(result.of(name)) | {"warnings": _of_window(result.warnings, name)} for name in names}


def _of_window(warnings: Sequence[str], name: str) -> str:
    """Warnings that concern an estimate: those that name no window, or its own; all for the net effect."""
    others = {*INTERVIEWS, *CUMULATIVE} - {name.split(".")[-1]} if name != NET else set()
    return " ".join(warning for warning in warnings if warning.split(":")[0] not in others)


def _told(result: Result) -> dict:
    low, high = result.ci
    warnings = " ".join(result.warnings)
    return {
        "recomputed": result.estimate,
        "se": result.se,
        "ci_low": low,
        "ci_high": high,
        "warnings": warnings,
        "why": "",
    }


def _untold(error: EstimationError) -> dict:
    nothing = dict.fromkeys(("recomputed", "se", "ci_low", "ci_high"), math.nan)
    return nothing | {"warnings": "", "why": str(error).splitlines()[0]}
