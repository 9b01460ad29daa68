"""All that a study prints, tables and text, as one sequence of numbers that rules point into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache

from watwerkt.errors import AuditError
from watwerkt.published import CODED, Cell, prose, published
from watwerkt.uncertainty import Range

KEYS = ("table", *CODED, "horizon_months")
PROSE = "prose"
_SLACK = 1e-9  # sums of decimals are not exact in binary


@dataclass(frozen=True, slots=True)
class Printed:
    """One printed number as the audit reads it: as printed, never corrected, in printed units."""

    table: str
    cell: str
    value: float | None
    half: float
    stars: str
    larger_than: str
    decimals: int

    @property
    def range(self) -> Range:
        """What the printed number can stand for; a count stands for itself."""
        return Range(self.value - self.half - _SLACK, self.value + self.half + _SLACK)

    @property
    def text(self) -> str:
        """The number as printed, with its marks; empty where none is printed."""
        return "" if self.value is None else f"{self.value:.{self.decimals}f}{self.stars}"


@dataclass(frozen=True)
class Board:
    """A study's cells and what they print, in one order; a changed copy has other prints behind the same cells."""

    study: str
    cells: tuple[Cell, ...]
    prints: tuple[Printed, ...]

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def tables(self) -> list[str]:
        """The tables in printed order, the text last."""
        return list(dict.fromkeys(cell.table for cell in self.cells))

    def select(self, patterns: Sequence[str], where: Mapping[str, object], *, rule: str) -> list[int]:
        """Positions of the cells in tables that fit the patterns, with these codes.

        Raises AuditError for a pattern without a table, and for codes without a cell.
        """
        names = set(match_tables(self, patterns, rule=rule))
        known = {name: set(value) if isinstance(value, list | tuple) else {value} for name, value in where.items()}
        found = [
            i
            for i, cell in enumerate(self.cells)
            if cell.table in names and all(getattr(cell, name) in values for name, values in known.items())
        ]
        if not found:
            raise AuditError(
                f"audit rule {rule!r} of {self.study!r}: no cell in {', '.join(patterns)} has {dict(where)}.\n"
                "  compare with the columns of the published table"
            )
        return found

    def changed(self, prints: Mapping[int, Printed]) -> Board:
        """The same cells with other prints at some positions."""
        return replace(self, prints=tuple(prints.get(i, old) for i, old in enumerate(self.prints)))


def match_tables(board: Board, patterns: Iterable[str], *, rule: str) -> list[str]:
    """The tables that fit patterns such as ``T3.2``, ``TII.*``; ``!T1`` leaves one out again."""
    found: list[str] = []
    for pattern in patterns:
        fits = [table for table in board.tables if fnmatchcase(table, pattern.removeprefix("!"))]
        if not fits:
            raise AuditError(
                f"audit rule {rule!r} of {board.study!r}: no table fits {pattern!r}.\n"
                f"  tables: {', '.join(board.tables)}"
            )
        found = [t for t in found if t not in fits] if pattern.startswith("!") else [*found, *fits]
    return list(dict.fromkeys(found))


@cache
def board(study: str) -> Board:
    """Everything that a study prints."""
    cells = (*published(study), *_prose_cells(study))
    return Board(study, cells, tuple(_printed(cell) for cell in cells))


def _printed(cell: Cell) -> Printed:
    decimals = cell.decimals or 0
    exact = cell.statistic in {"count", "assignment"} or cell.unit in {"code", "date", "year", "month"}
    half = 0.0 if exact else 0.5 * 10.0**-decimals
    return Printed(cell.table, cell.cell, cell.value, half, cell.stars, cell.larger_than, decimals)


def _prose_cells(study: str) -> Iterable[Cell]:
    """The numbers of the text, as cells of a table ``prose`` whose keys are the statements' keys."""
    blank = dict.fromkeys(("panel", "population", "dimension", "category", "arm", "comparison", "service"), "")
    for said in prose(study).values():
        yield Cell(
            **blank, study=study, table=PROSE, cell=said.key, row=said.statement, column=said.section, outcome="",
            horizon_months=None, statistic="count" if said.unit == "count" else "", unit=said.unit, value=said.value,
            decimals=said.decimals, stars="", larger_than="", status="printed",
        )  # fmt: skip
