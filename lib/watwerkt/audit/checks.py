"""What can be asked of a few printed cells. A check knows its cells and says what is wrong with them, or None.

Checks read nothing but the prints they are handed, so that the same checks can be put to a changed evidence base
(:mod:`watwerkt.audit.quality`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Protocol

from watwerkt.audit.board import Printed
from watwerkt.audit.expressions import Equation
from watwerkt.audit.findings import Problem
from watwerkt.uncertainty import Range, t_range

Prints = Sequence[Printed]
TOUCH = 1e-6  # 3.8 and 3.9 share the single point 3.85: that is no agreement


class Check(Protocol):
    """One question to some printed cells."""

    cells: tuple[int, ...]

    def problem(self, prints: Prints) -> Problem | None:
        """What is wrong, or None."""


def shown(found: Range, decimals: int) -> str:
    """A range for readers, one decimal finer than the print where rounding left room."""
    low, high = (_plain(end, decimals) for end in (found.low, found.high))
    if low == high and (float(low) != 0 or 0.0 in found):
        return low
    return " to ".join(dict.fromkeys(_plain(end, decimals + 1) for end in (found.low, found.high)))


def _plain(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


@dataclass(frozen=True)
class Holds:
    """An equation between terms."""

    equation: Equation
    terms: Mapping[str, tuple[int, ...]]
    note: str

    @property
    def cells(self) -> tuple[int, ...]:
        """The term that the others predict first."""
        names = sorted(self.terms, key=lambda name: name != self.equation.result)
        return tuple(dict.fromkeys(i for name in names for i in self.terms[name]))

    def problem(self, prints: Prints) -> Problem | None:
        """The left side lies outside what the right side allows."""
        if any(prints[i].value is None for i in self.cells):
            return None
        ranges = {name: [prints[i].range for i in places] for name, places in self.terms.items()}
        if self.equation.holds(ranges):
            return None
        lead = prints[self.cells[0]]
        allowed = self._allowed(ranges, lead.decimals)
        told = f"Printed is {lead.text}"
        if not self.equation.result:
            told = f"What is printed gives {shown(self.equation.left(ranges), lead.decimals)}"
        return Problem(self.cells, allowed, f"{self.note} {told}; {self._basis} {allowed}.")

    @property
    def _basis(self) -> str:
        return "the other cells allow" if len(self.cells) > 1 else "that would be"

    def _allowed(self, ranges, decimals: int) -> str:
        right = self.equation.right(ranges)
        if self.equation.compare == "==":
            return shown(right, decimals)
        word, end = ("at most", right.high) if self.equation.compare == "<" else ("at least", right.low)
        return f"{word} {end:.{decimals}f}"


@dataclass(frozen=True)
class Missing:
    """A part that the report leaves blank and that follows from the total and the other parts."""

    total: int
    parts: tuple[int, ...]
    name: str
    note: str

    @property
    def cells(self) -> tuple[int, ...]:
        """The total first."""
        return (self.total, *self.parts)

    def problem(self, prints: Prints) -> Problem | None:
        """The part is missing; the others tell it within rounding."""
        if any(prints[i].value is None for i in self.cells):
            return None
        left = reduce(operator.sub, (prints[i].range for i in self.parts), prints[self.total].range)
        expected = f"{self.name} of {shown(left, prints[self.total].decimals)}"
        return Problem(self.cells, expected, f"{self.note} The printed parts leave room for {expected}.")


@dataclass(frozen=True)
class Same:
    """The same quantity, printed in several places."""

    cells: tuple[int, ...]
    marks: bool
    note: str

    def problem(self, prints: Prints) -> Problem | None:
        """Two prints differ by more than rounding, or carry different marks."""
        present = [i for i in self.cells if prints[i].value is not None]
        if len(present) < 2:
            return None
        room = min(prints[i].range.high for i in present) - max(prints[i].range.low for i in present)
        if room < TOUCH and len({prints[i].value for i in present}) > 1:
            note = f"{self.note} It is printed as {_places(prints, present)}."
            return Problem(tuple(present), _other(prints, present), note)
        if self.marks and len({prints[i].stars for i in present}) > 1:
            note = f"{self.note} The number agrees, its significance mark does not: {_places(prints, present)}."
            return Problem(tuple(present), _other(prints, present), note, "likely")
        return None


@dataclass(frozen=True)
class Rising:
    """Shares that can only grow with time."""

    cells: tuple[int, ...]
    note: str

    def problem(self, prints: Prints) -> Problem | None:
        """A later share lies below an earlier one."""
        for before, after in pairwise(i for i in self.cells if prints[i].value is not None):
            if prints[after].range.high < prints[before].range.low:
                expected = f"at least {prints[before].text}"
                note = f"{self.note} Printed is {prints[after].text} after {prints[before].text}."
                return Problem((after, before), expected, note)
        return None


@dataclass(frozen=True)
class MarkOfRatio:
    """A significance mark against the estimate divided by its printed standard error."""

    cells: tuple[int, int]
    legend: Mapping[str, float]
    note: str

    def problem(self, prints: Prints) -> Problem | None:
        """|t| lies outside the range that the mark stands for, whatever was rounded."""
        estimate, error = (prints[i] for i in self.cells)
        if estimate.value is None or error.value is None:
            return None
        t = ratio(estimate, error)
        if estimate.stars and estimate.stars not in self.legend:
            note = f"{self.note} {estimate.text} bears a mark that the legend of the table does not explain."
            return Problem(self.cells, "a mark of the legend", note)
        if t.meet(_widened(t_range(estimate.stars, self.legend))) is not None:
            return None
        mark = next((s for s in ("***", "**", "*", "") if s in ("", *self.legend) and _fits(t, s, self.legend)), "")
        expected = f"mark {mark}" if mark else "no mark"
        note = f"{self.note} {estimate.text} divided by {error.text} is {shown(t, 1)}, which calls for {expected}."
        return Problem(self.cells, expected, note)


@dataclass(frozen=True)
class MarkOfShares:
    """A significance mark against the test that two shares and the numbers behind them allow."""

    shares: tuple[int, int]
    marked: int
    letter: str
    people: tuple[tuple[int, ...], tuple[int, ...]]
    legend: Mapping[str, float]
    slack: float
    note: str

    @property
    def cells(self) -> tuple[int, ...]:
        """The marked cell first."""
        return tuple(dict.fromkeys((self.marked, *self.shares, *self.people[0], *self.people[1])))

    def problem(self, prints: Prints) -> Problem | None:
        """|z| lies outside the range that the mark stands for."""
        if any(prints[i].value is None for i in self.cells):
            return None
        first, second = (prints[i] for i in self.shares)
        counts = [reduce(operator.mul, (_amount(prints[i]) for i in places)) for places in self.people]
        if min(count.low for count in counts) <= 0:
            return None
        z = z_range(first.range.scaled(0.01), second.range.scaled(0.01), *counts)
        marked = prints[self.marked]
        mark = marked.stars
        if self.letter:
            mark = "*" if self.letter in marked.larger_than else ""
            z = self._of_larger(z, first.range, second.range)
        if z.meet(_widened(t_range(mark, self.legend), self.slack)) is not None:
            return None
        right = next(s for s in ("***", "**", "*", "") if s in ("", *self.legend) and _fits(z, s, self.legend))
        said, wanted = (_mark_words(s, self.letter) for s in (mark, right))
        numbers = " and ".join(f"{(n.low + n.high) / 2:,.0f}" for n in counts)
        note = (
            f"{self.note} {first.text.rstrip('*')}% against {second.text.rstrip('*')}%, with about {numbers} people, "
            f"gives a z of {shown(z, 1)}; printed is {said}, the numbers call for {wanted}."
        )
        return Problem(self.cells, wanted, note)

    @staticmethod
    def _of_larger(z: Range, first: Range, second: Range) -> Range:
        """What z can be for a letter, which only the larger share bears: shares that print alike may be either."""
        if first.meet(second) is not None:
            return Range(0.0, z.high)
        return z if first.low > second.high else Range(0.0, 0.0)


def _amount(printed: Printed) -> Range:
    """A count as it is; a share as a fraction."""
    return printed.range if printed.half == 0 and printed.decimals == 0 else printed.range.scaled(0.01)


def _mark_words(mark: str, letter: str) -> str:
    if letter:
        return f"the letter {letter}" if mark else f"no letter {letter}"
    return f"the mark {mark}" if mark else "no mark"


def ratio(estimate: Printed, error: Printed) -> Range:
    """What |estimate / standard error| can be, over both roundings."""
    size = Range(max(abs(estimate.value) - estimate.half, 0.0), abs(estimate.value) + estimate.half)
    low = max(error.value - error.half, 0.0)
    return Range(size.low / (error.value + error.half), size.high / low if low else math.inf)


def z_range(p1: Range, p2: Range, n1: Range, n2: Range) -> Range:
    """What the pooled z of a difference between two shares can be, over the rounding of both."""
    gap = p1 - p2
    least = 0.0 if 0.0 in gap else min(abs(gap.low), abs(gap.high))
    most = max(abs(gap.low), abs(gap.high))
    pooled = [(a * n1.high + b * n2.high) / (n1.high + n2.high) for a, b in ((p1.low, p2.low), (p1.high, p2.high))]
    variance = [max(p * (1 - p), 1e-12) for p in (min(max(p, 0.0), 1.0) for p in pooled)]
    if min(pooled) <= 0.5 <= max(pooled):
        variance.append(0.25)
    widest = math.sqrt(max(variance) * (1 / n1.low + 1 / n2.low))
    finest = math.sqrt(min(variance) * (1 / n1.high + 1 / n2.high))
    return Range(least / widest, most / finest)


def _widened(t: Range, slack: float = 0.01) -> Range:
    """The range of a mark, a little wider: a report may use a t distribution, or round before it compares."""
    return Range(t.low * (1 - slack), t.high * (1 + slack))


def _fits(t: Range, mark: str, legend: Mapping[str, float]) -> bool:
    return t.meet(t_range(mark, legend)) is not None


@dataclass(frozen=True)
class Verdict:
    """A verdict in a code table against the mark of the number that it judges."""

    code: int | None
    others: tuple[int, ...]
    part: int
    note: str

    @property
    def cells(self) -> tuple[int, ...]:
        """The verdict, or those that stand in its place, then the number."""
        return (self.part,) if self.code is None and not self.others else (*self._verdicts, self.part)

    @property
    def _verdicts(self) -> tuple[int, ...]:
        return (self.code,) if self.code is not None else self.others

    def problem(self, prints: Prints) -> Problem | None:
        """A verdict without a mark, or a mark without a verdict."""
        part = prints[self.part]
        if part.value is None or bool(part.stars) == (self.code is not None):
            return None
        if part.stars:
            note = f"{self.note} {_place(part.table)} prints {part.text}; the verdict does not mention it."
            return Problem(self.cells, "a verdict that mentions it", note)
        return Problem(self.cells, "a mark", f"{self.note} {_place(part.table)} prints {part.text}, without a mark.")


@dataclass(frozen=True)
class NotPrinted:
    """Numbers that the report says it could not estimate."""

    cells: tuple[int, ...]
    note: str

    def problem(self, prints: Prints) -> Problem | None:
        """They are printed all the same."""
        present = tuple(i for i in self.cells if prints[i].value is not None)
        return Problem(present, "no numbers", f"{self.note} {len(present)} are printed.") if present else None


@dataclass(frozen=True)
class SameSign:
    """Two estimates of one effect, with the same instrument."""

    cells: tuple[int, int]
    note: str

    def problem(self, prints: Prints) -> Problem | None:
        """One is above zero and the other below, whatever was rounded."""
        first, second = (prints[i] for i in self.cells)
        if first.value is None or second.value is None:
            return None
        if (first.range.low > 0 and second.range.high < 0) or (first.range.high < 0 and second.range.low > 0):
            expected = "above 0" if second.value > 0 else "below 0"
            return Problem(self.cells, expected, f"{self.note} Printed are {first.text} and {second.text}.")
        return None


@dataclass(frozen=True)
class SameDirection:
    """An effect and the difference between the two levels that it explains."""

    cells: tuple[int, int, int]
    note: str

    def problem(self, prints: Prints) -> Problem | None:
        """One is above zero and the other below, whatever was rounded."""
        effect, first, second = (prints[i] for i in self.cells)
        if None in (effect.value, first.value, second.value):
            return None
        gap = first.range - second.range
        if (effect.range.low > 0 and gap.high < 0) or (effect.range.high < 0 and gap.low > 0):
            expected = "above 0" if gap.low > 0 else "below 0"
            note = f"{self.note} Printed is {effect.text}; the levels are {first.text} and {second.text}."
            return Problem(self.cells, expected, note)
        return None


def _other(prints: Prints, present: Sequence[int]) -> str:
    """What the first cell would print if another were right; the most frequent of the others."""
    others = [prints[i].text for i in present[1:] if prints[i].text != prints[present[0]].text]
    return max(others, key=others.count)


def _places(prints: Prints, cells: Sequence[int]) -> str:
    """Prints and the tables that hold them, in words: ``1.4 in the text and 1.3 in Tables S.1 and 4.7``."""
    tables: dict[str, list[str]] = {}
    for i in cells:
        tables.setdefault(prints[i].text, []).append(prints[i].table)
    if len({table for found in tables.values() for table in found}) == 1:
        return f"{_listed(tables)} in {_place(prints[cells[0]].table)}"
    return _listed(f"{text} in {_listed(dict.fromkeys(map(_place, found)))}" for text, found in tables.items())


def _listed(parts) -> str:
    *most, last = list(parts)
    return f"{', '.join(most)} and {last}" if most else last


def _place(table: str) -> str:
    return "the text" if table == "prose" else f"Table {table.removeprefix('T')}"
