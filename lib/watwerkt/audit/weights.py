"""A total lies between the parts it is made of: one set of weights must serve all columns (methods A8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import linprog

from watwerkt.audit.board import Printed
from watwerkt.audit.checks import Prints, shown
from watwerkt.audit.findings import Problem
from watwerkt.uncertainty import Range


@dataclass(frozen=True)
class Column:
    """One column of a table: the total, and the parts in a fixed order."""

    whole: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Between:
    """Columns in which the same parts make up the same total.

    ``limits`` bounds the weight of each part where other cells tell it; ``rest`` is the weight that people in none of
    the parts can have (their value may be anything from ``floor`` to ``ceiling``).
    """

    columns: tuple[Column, ...]
    limits: tuple[Range, ...]
    rest: float
    floor: float
    ceiling: float
    note: str

    @property
    def cells(self) -> tuple[int, ...]:
        """Totals first."""
        return tuple(dict.fromkeys([*(c.whole for c in self.columns), *(i for c in self.columns for i in c.parts)]))

    def problem(self, prints: Prints) -> Problem | None:
        """No weights fit all columns; to blame is the smallest set of columns without which some do."""
        columns = [c for c in self.columns if _complete(c, prints)]
        if not columns or self._fits(columns, prints):
            return None
        for column in columns:
            if not self._fits([column], prints):
                return self._outside(column, prints)
        blamed = self._blamed(columns, prints)
        swapped = self._exchange(columns, prints)
        told = f" {swapped}" if swapped else ""
        cells = tuple(dict.fromkeys(i for c in blamed for i in (c.whole, *c.parts)))
        others = [c for c in columns if c not in blamed]
        room = [self._allowed(c, others, prints) for c in blamed] if others else []
        if not room or None in room:
            note = f"{self.note} No single set of group shares fits all {len(columns)} columns together.{told}"
            return Problem(cells, "one set of group shares for all columns", note)
        wholes = [prints[c.whole] for c in blamed]
        ranges = [shown(allowed, whole.decimals) for allowed, whole in zip(room, wholes, strict=True)]
        against = "; ".join(f"{w.text} where they leave room for {r}" for w, r in zip(wholes, ranges, strict=True))
        return Problem(cells, ranges[0], f"{self.note} Against the other columns stands {against}.{told}")

    def _blamed(self, columns: Sequence[Column], prints: Prints) -> list[Column]:
        """The smallest set of columns whose removal makes the rest fit, if there is one such set only."""
        for size in range(1, min(4, len(columns) - 1)):
            sets = [
                left_out
                for left_out in combinations(columns, size)
                if self._fits([c for c in columns if c not in left_out], prints)
            ]
            if sets:
                return list(sets[0]) if len(sets) == 1 else list(dict.fromkeys(c for left in sets for c in left))
        return list(columns)

    def _outside(self, column: Column, prints: Prints) -> Problem:
        whole = prints[column.whole]
        allowed = self._allowed(column, [], prints) or Range(
            min(prints[i].range.low for i in column.parts), max(prints[i].range.high for i in column.parts)
        )
        expected = shown(allowed, whole.decimals)
        parts = ", ".join(prints[i].text for i in column.parts)
        note = f"{self.note} Printed is {whole.text}; its parts ({parts}) allow {expected}."
        return Problem((column.whole, *column.parts), expected, note)

    def _exchange(self, columns: Sequence[Column], prints: Prints) -> str:
        """Two cells of one row or total whose exchange makes everything fit, in words; empty if none does."""
        if len(columns) < 2:
            return ""
        for place in range(-1, len(columns[0].parts)):
            for a in range(len(columns)):
                for b in range(a):
                    first, second = (_at(columns[k], place) for k in (a, b))
                    if prints[first].value == prints[second].value:
                        continue
                    trial = {first: prints[second], second: prints[first]}
                    if self._fits(columns, _Changed(prints, trial)):
                        return f"They fit if {prints[first].text} and {prints[second].text} change places."
        return ""

    def _system(self, columns: Sequence[Column], prints: Prints) -> tuple[np.ndarray, np.ndarray]:
        """Rows a·w ≤ b that say: some values within rounding make each total the weighted mean of its parts."""
        rows, bounds = [], []
        for column in columns:
            whole, parts = prints[column.whole].range, [prints[i].range for i in column.parts]
            rows.append([p.low for p in parts] + [self.floor])
            bounds.append(whole.high)
            rows.append([-p.high for p in parts] + [-self.ceiling])
            bounds.append(-whole.low)
        return np.array(rows), np.array(bounds)

    def _fits(self, columns: Sequence[Column], prints: Prints) -> bool:
        if not columns:
            return True
        a, b = self._system(columns, prints)
        return linprog(np.zeros(a.shape[1]), A_ub=a, b_ub=b, **self._weights()).status == 0

    def _allowed(self, column: Column, others: Sequence[Column], prints: Prints) -> Range | None:
        """What the total of a column can be, given its parts and the weights that the other columns allow."""
        limits = self._weights()
        if others:
            limits["A_ub"], limits["b_ub"] = self._system(others, prints)
        parts = [prints[i].range for i in column.parts]
        low = linprog([p.low for p in parts] + [self.floor], **limits)
        high = linprog([-p.high for p in parts] + [-self.ceiling], **limits)
        return Range(low.fun, -high.fun) if low.status == 0 and high.status == 0 else None

    def _weights(self) -> dict:
        count = len(self.columns[0].parts)
        limits = [(r.low, r.high) for r in self.limits] or [(0.0, 1.0)] * count
        return {"A_eq": np.ones((1, count + 1)), "b_eq": [1.0], "bounds": [*limits, (0.0, self.rest)]}


class _Changed(Sequence):
    """Prints with a few of them replaced."""

    def __init__(self, prints: Prints, changes: dict[int, Printed]):
        self._prints, self._changes = prints, changes

    def __getitem__(self, i):
        return self._changes.get(i, self._prints[i])

    def __len__(self) -> int:
        return len(self._prints)


def _at(column: Column, place: int) -> int:
    return column.whole if place < 0 else column.parts[place]


def _complete(column: Column, prints: Prints) -> bool:
    return all(prints[i].value is not None for i in (column.whole, *column.parts))
