"""Every published effect with the uncertainty that its study's design and its significance marks imply."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import pandas as pd

from watwerkt import codes
from watwerkt.designs import design
from watwerkt.published import Cell, Cells, published, source
from watwerkt.uncertainty import Estimate, combine, contradicts, difference, se_from_stars, t_range

EXACT = {"counts", "derived"}

MarkFit = Literal["fits", "within rounding", "disagrees", "not testable"]

BASIS_WORDS = {
    "counts": "group sizes and printed percentages",
    "derived": "printed percentages and derived group sizes",
    "stars": "the printed significance mark",
    "bound": "the largest spread that the printed means allow",
    "first_stage": "the difference between the groups as assigned, divided by the difference in take-up",
}


@dataclass(frozen=True)
class Effect:
    """A published effect, its recomputed uncertainty, and whether its printed mark fits what the counts say."""

    cell: Cell
    estimate: Estimate
    intensive: float | None
    basic: float | None
    mark: MarkFit

    @property
    def determined(self) -> bool:
        """True if the standard error is bounded from above, so that there is an interval."""
        return self.estimate.ci is not None

    @property
    def how(self) -> str:
        """Where the interval comes from, in words."""
        named = [BASIS_WORDS[name] for name in self.estimate.basis]
        return " and ".join(named) if named else "nothing that the report prints"

    @property
    def clear_of_zero(self) -> bool:
        """True if the 95% interval exists and leaves zero out."""
        return self.estimate.clear_of_zero


@dataclass(frozen=True)
class Effects:
    """Published effects in printed order."""

    effects: tuple[Effect, ...]

    def __iter__(self) -> Iterator[Effect]:
        return iter(self.effects)

    def __len__(self) -> int:
        return len(self.effects)

    def where(self, **wanted: object) -> Effects:
        """The effects whose cell has these codes; see :meth:`watwerkt.published.Cells.where`."""
        kept = set(Cells(tuple(e.cell for e in self.effects)).where(**wanted).cells)
        return Effects(tuple(e for e in self.effects if e.cell in kept))

    def one(self, **wanted: object) -> Effect:
        """The single effect whose cell has these codes."""
        cell = Cells(tuple(e.cell for e in self.effects)).one(**wanted)
        return next(e for e in self.effects if e.cell == cell)

    @property
    def determined(self) -> Effects:
        """The effects that have an interval."""
        return Effects(tuple(e for e in self.effects if e.determined))

    @property
    def clear_of_zero(self) -> Effects:
        """The effects whose 95% interval leaves zero out."""
        return Effects(tuple(e for e in self.effects if e.clear_of_zero))

    @property
    def testable(self) -> Effects:
        """The effects whose printed mark can be held against group sizes and percentages."""
        return Effects(tuple(e for e in self.effects if e.mark != "not testable"))

    @property
    def disagreeing(self) -> Effects:
        """The effects whose printed mark contradicts what group sizes and percentages say."""
        return Effects(tuple(e for e in self.effects if e.mark == "disagrees"))

    @property
    def borderline(self) -> Effects:
        """The effects whose printed mark fits only because printed numbers are rounded."""
        return Effects(tuple(e for e in self.effects if e.mark == "within rounding"))

    @property
    def frame(self) -> pd.DataFrame:
        """One row per effect: codes, printed value, levels, interval, range of p, basis, and whether the mark fits."""
        return pd.DataFrame([_tidy(effect) for effect in self.effects])


@cache
def effects(study: str) -> Effects:
    """All printed effects of a study, with intervals.

    The standard error is what the study's design says of it (``watwerkt.designs``), intersected with what the printed
    mark implies. Where exact sources and mark contradict each other, the exact sources count and the effect is
    flagged; approximate sources give way to the mark.
    """
    cells = published(study)
    found = [cell for cell in cells.printed if cell.statistic in ("effect", "cumulative_effect")]
    return Effects(tuple(_effect(cell, source(study)["stars"]) for cell in found))


def _effect(cell: Cell, legend: Mapping[str, float]) -> Effect:
    plan = design(cell.study)
    number, half_unit = cell.number, cell.rounding
    known = plan.se_sources(cell)
    exact = [one for one in known if one[0] in EXACT]
    mark = ("stars", se_from_stars(number, half_unit, cell.stars, legend))
    others = [one for one in known if one[0] not in EXACT]
    estimate = combine(number, half_unit, [*exact, mark, *others], _people(cell, plan))
    levels = plan.levels(cell) if cell.comparison == "intensive_vs_basic" else {}
    numbers = {arm: found.number if found else None for arm, found in levels.items()}
    fit = _mark_fit(cell, exact, legend)
    if fit != "disagrees":
        estimate = replace(estimate, mark=t_range(cell.stars, legend))
    return Effect(cell, estimate, numbers.get("intensive"), numbers.get("basic"), fit)


def _mark_fit(cell: Cell, exact: list, legend: Mapping[str, float]) -> MarkFit:
    """Hold the printed mark against the exact sources: as printed, and with everything that rounding allows."""
    if not exact:
        return "not testable"
    if contradicts(combine(cell.number, cell.rounding, exact), cell.stars, legend):
        return "disagrees"
    as_printed = combine(cell.number, 0.0, exact)
    middle = (as_printed.se.low + as_printed.se.high) / 2
    t = abs(cell.number) / middle if middle else math.inf
    allowed = t_range(cell.stars, legend)
    sharp = as_printed.se.high - as_printed.se.low < 0.05 * middle
    return "within rounding" if sharp and t not in allowed else "fits"


def _people(cell: Cell, plan) -> float:
    return sum((size.low + size.high) / 2 for size in plan.sizes(cell).values())


def _tidy(effect: Effect) -> dict[str, object]:
    cell = effect.cell
    names = (
        "table",
        "cell",
        "population",
        "dimension",
        "category",
        "comparison",
        "service",
        "outcome",
        "horizon_months",
    )
    return {
        **{name: getattr(cell, name) for name in names},
        "group": cell.group,
        "outcome_label": codes.label("outcome", cell.outcome),
        "unit": cell.unit,
        "printed": cell.value,
        "stars": cell.stars,
        "intensive": effect.intensive,
        "basic": effect.basic,
        **effect.estimate.tidy(),
        "mark": effect.mark,
    }


def gap(first: Effect, second: Effect) -> Estimate:
    """How much larger the first effect is than the second, with its own interval: the test of a difference."""
    return difference(first.estimate, second.estimate)
