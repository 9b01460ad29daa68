"""How good the audit is: errors planted for it to find (methods A8).

An audit that finds nothing looks the same as an audit of clean reports. So errors are planted one at a time among the
printed numbers that take part in no finding. False alarms are counted in :mod:`watwerkt.audit.agreeing`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import chain, pairwise

import numpy as np
import pandas as pd

from watwerkt import codes
from watwerkt.audit import board, layout_of, rules_of
from watwerkt.audit.board import PROSE, Board, Printed
from watwerkt.audit.checks import (
    Check,
    Holds,
    MarkOfRatio,
    MarkOfShares,
    Prints,
    Rising,
    Same,
    SameDirection,
    SameSign,
    Verdict,
)  # fmt: skip
from watwerkt.audit.disclosure import derivable
from watwerkt.audit.findings import Finding, finding
from watwerkt.audit.relations import Relation, legend
from watwerkt.audit.structure import Layout, Row, structural
from watwerkt.audit.weights import Between
from watwerkt.errors import AuditError
from watwerkt.published import Cell

STUDIES = ("intensive", "instruments", "wga")
OUTCOME_COLUMNS = ("study", "kind", "kind_label", "table", "cell", "cells", "covered", "detected", "rules", "size")
NO_NUMBERS = {"code", "date", "month"}  # units whose digits are ours, not the report's
ROUNDS = 12  # through all places, until enough errors are planted
COLUMN_LETTERS = {"experiment": "A", "control": "B", "regular": "C", "self_reporters": "D"}

Change = Mapping[int, Printed]  # what some cells print instead
Place = tuple[Row, ...]  # a cell, a row or a column, and others like it


@dataclass(frozen=True)
class Base:
    """What a study prints, what the audit asks of it, and what it finds."""

    board: Board
    rules: tuple[Relation, ...]
    layout: Layout

    @cached_property
    def asked(self) -> tuple[tuple[Relation, Check], ...]:
        """Every check, with the relation that it belongs to."""
        return tuple((relation, check) for relation in self.rules for check in relation.checks)

    @cached_property
    def readers(self) -> Mapping[int, list[int]]:
        """The places in :attr:`asked` of the checks that know a cell."""
        found: dict[int, list[int]] = defaultdict(list)
        for place, (_, check) in enumerate(self.asked):
            for i in check.cells:
                found[i].append(place)
        return dict(found)

    @cached_property
    def known(self) -> Mapping[str, Finding]:
        """The findings in what is printed, by name, one for each check."""
        found = [*self.findings(self.board, range(len(self.asked)), self.layout), *derivable(self.board, self.rules)]
        return {one.id: one for one in found}

    @cached_property
    def clean(self) -> frozenset[int]:
        """The cells that take part in no finding."""
        blamed = {(c.table, c.cell) for one in self.known.values() for c in one.cells}
        return frozenset(i for i, p in enumerate(self.board.prints) if (p.table, p.cell) not in blamed)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The clean cells that print a number: where errors are planted."""
        cells, prints = self.board.cells, self.board.prints
        return tuple(i for i in sorted(self.clean) if prints[i].value is not None and cells[i].unit not in NO_NUMBERS)

    @cached_property
    def rows_by_numbers(self) -> Mapping[tuple[str, ...], list[Row]]:
        """The rows that print the same numbers."""
        found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in self.layout.rows:
            found[_numbers(self.board, row)].append(row)
        return dict(found)

    def findings(self, printed: Board, places: Iterable[int], layout: Layout) -> Iterator[Finding]:
        """What some checks, and the comparison of some rows and labels, find in a board."""
        for relation, check in (self.asked[place] for place in places):
            if problem := check.problem(printed.prints):
                yield finding(printed, problem, rule=relation.rule, relation=relation.id, severity=relation.severity)
        yield from structural(printed, layout)

    def caught(self, change: Change) -> dict[str, str]:
        """The findings in a changed copy that are not in what is printed: their names and rules."""
        printed = self.board.changed(change)
        found = self.findings(printed, self.touching(change), self._alike(printed, set(change)))
        return {one.id: one.rule for one in found if one.id not in self.known}

    def touching(self, cells: Iterable[int]) -> list[int]:
        """The places in :attr:`asked` of the checks that know any of these cells."""
        return list(dict.fromkeys(place for i in cells for place in self.readers.get(i, ())))

    def _alike(self, printed: Board, cells: set[int]) -> Layout:
        """The rows, estimates and labels that a change of these cells can make alike."""
        rows = {row for row in self.layout.rows if not cells.isdisjoint(row)}
        rows |= {other for row in rows for other in self.rows_by_numbers.get(_numbers(printed, row), ())}
        labels = [
            t for t in self.layout.categories if not all(cells.isdisjoint(c) for d in t.values() for c in d.values())
        ]
        estimates = () if all(map(cells.isdisjoint, self.layout.estimates)) else self.layout.estimates
        return replace(self.layout, rows=tuple(rows), categories=tuple(labels), estimates=estimates, names={})


@cache
def base(study: str) -> Base:
    """The evidence base of a study, as printed."""
    return Base(board(study), rules_of(study), layout_of(study))


def _numbers(printed: Board, row: Row) -> tuple[str, ...]:
    return tuple(printed.prints[i].text.rstrip("*") for i in row)


# ---- what an error does: of a number's text, another text; the same where the error is impossible ----------------


def _digit_changed(text: str, generator: np.random.Generator) -> str:
    places = [k for k, sign in enumerate(text) if sign.isdigit()]
    k = places[generator.integers(len(places))]
    least = 1 if k == places[0] and text[k + 1 : k + 2].isdigit() else 0  # no report prints 05.2
    return text[:k] + str(generator.choice([d for d in "0123456789"[least:] if d != text[k]])) + text[k + 1 :]


def _digits_exchanged(text: str, generator: np.random.Generator) -> str:
    places = [k for k, sign in enumerate(text) if sign.isdigit()]
    pairs = [(a, b) for a, b in pairwise(places) if text[a] != text[b]]
    pairs = [(a, b) for a, b in pairs if a > places[0] or b > a + 1 or text[b] != "0"]  # no report prints 05.2
    if not pairs:
        return text
    a, b = pairs[generator.integers(len(pairs))]
    return text[:a] + text[b] + text[a + 1 : b] + text[a] + text[b + 1 :]


def _sign_flipped(text: str, generator: np.random.Generator) -> str:
    return text.removeprefix("-") if text.startswith("-") else f"-{text}"


def _decimal_shifted(text: str, generator: np.random.Generator) -> str:
    decimals = len(text.partition(".")[2])
    return f"{float(text) * generator.choice([0.1, 10.0]):.{decimals}f}" if decimals else text


def _in_one_cell(other: Callable[[str, np.random.Generator], str]) -> Callable[..., Change]:
    """An error in the text of one number as a change of the board."""

    def made(base: Base, place: Place, generator: np.random.Generator) -> Change:
        ((i,),) = place
        old = base.board.prints[i]
        text = other(f"{old.value:.{old.decimals}f}", generator)
        return {i: replace(old, value=float(text) + 0.0)}  # no -0.0

    return made


def _mark_changed(base: Base, place: Place, generator: np.random.Generator) -> Change:
    """Another star of the table's legend; or one letter more or less, of those of the table's other columns."""
    ((i,),), board = place, base.board
    cell, old = board.cells[i], board.prints[i]
    table = [k for k, other in enumerate(board.cells) if other.table == cell.table]
    if any(board.prints[k].larger_than for k in table):
        arms = {board.cells[k].arm for k in table} & set(COLUMN_LETTERS) - {cell.arm}
        letter = str(generator.choice(sorted(COLUMN_LETTERS[arm] for arm in arms)))
        return {i: replace(old, larger_than=",".join(sorted({*old.larger_than.split(",")} - {""} ^ {letter})))}
    known = [mark for mark in ("", *legend(board.study, cell.table)) if mark != old.stars]
    return {i: replace(old, stars=str(generator.choice(known)))}


def _exchanged(base: Base, place: Place, generator: np.random.Generator) -> Change:
    first, second = place[0], place[generator.integers(1, len(place))]
    return {**_copied(base, first, second), **_copied(base, second, first)}


def _pasted(base: Base, place: Place, generator: np.random.Generator) -> Change:
    return _copied(base, place[0], place[generator.integers(1, len(place))])


def _copied(base: Base, onto: Row, source: Row) -> Change:
    """The numbers and marks of one row in the cells of another; every number keeps its decimals."""
    made = {}
    for i, j in zip(onto, source, strict=True):
        old, new = base.board.prints[i], base.board.prints[j]
        made[i] = replace(new, table=old.table, cell=old.cell, half=0.5 * 10.0**-new.decimals if old.half else 0.0)
    return made


# ---- where it can be planted: cells; or rows and columns, each with others like it -------------------------------


def _cells(base: Base) -> list[Place]:
    return [((i,),) for i in base.numbers]


def _cells_with_sign(base: Base) -> list[Place]:
    """Cells of a statistic and unit that the study prints below zero somewhere."""
    kinds = {i: (base.board.cells[i].statistic, base.board.cells[i].unit) for i in base.numbers}
    signed = {kind for i, kind in kinds.items() if base.board.prints[i].value < 0}
    return [((i,),) for i, kind in kinds.items() if kind in signed]


def _cells_with_marks(base: Base) -> list[Place]:
    """Cells of a statistic and group that carry stars or letters somewhere in their table."""
    kinds = [(c.table, c.statistic, c.unit, c.arm) for c in base.board.cells]
    marked = {kind for kind, p in zip(kinds, base.board.prints, strict=True) if p.stars or p.larger_than}
    return [((i,),) for i in base.numbers if kinds[i] in marked]


def _rows_alike(base: Base) -> list[Place]:
    """Each row with the rows of its table that have the same columns in the same units."""
    return _alike(base, base.layout.rows, lambda cells: [(c.table, c.column, c.statistic, c.unit) for c in cells])


def _rows_of_one_kind(base: Base) -> list[Place]:
    """Each row with the rows of any table that print as many numbers of the same kinds, with the same legend."""
    starred = {p.table for p in base.board.prints if p.stars}
    marks = {table: tuple(legend(base.board.study, table)) for table in starred}
    return _alike(
        base, base.layout.rows, lambda cells: [marks.get(cells[0].table), *((c.statistic, c.unit) for c in cells)]
    )


def _columns_alike(base: Base) -> list[Place]:
    """Each column with the columns of its table that print the same quantities in the same rows."""
    columns: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, cell in enumerate(base.board.cells):
        if cell.table != PROSE:
            columns[cell.table, cell.column].append(i)
    among = map(tuple, columns.values())
    return _alike(base, among, lambda cells: [(c.table, c.panel, c.row, c.statistic, c.unit) for c in cells])


def _alike(base: Base, among: Iterable[Row], key: Callable[[list[Cell]], list]) -> list[Place]:
    """Rows that agree in a key, of those in which all cells print clean numbers."""
    groups: dict[tuple, list[Row]] = defaultdict(list)
    for row in among:
        if set(row) <= set(base.numbers):
            groups[tuple(key([base.board.cells[i] for i in row]))].append(row)
    return [(one, *(o for o in group if o != one)) for group in groups.values() if len(group) > 1 for one in group]


_KINDS: Mapping[str, tuple[Callable[[Base], list[Place]], Callable[..., Change]]] = {
    "digit_changed": (_cells, _in_one_cell(_digit_changed)),
    "digits_exchanged": (_cells, _in_one_cell(_digits_exchanged)),
    "sign_flipped": (_cells_with_sign, _in_one_cell(_sign_flipped)),
    "decimal_shifted": (_cells, _in_one_cell(_decimal_shifted)),
    "rows_exchanged": (_rows_alike, _exchanged),
    "row_pasted": (_rows_of_one_kind, _pasted),
    "labels_exchanged": (_columns_alike, _exchanged),
    "mark_changed": (_cells_with_marks, _mark_changed),
}


# ---- planting and finding ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planted:
    """One error: what some cells of a study print instead."""

    study: str
    kind: str
    change: Change


def plant(bases: Sequence[Base], *, count: int = 1000, generator: np.random.Generator) -> tuple[Planted, ...]:
    """Make up errors for the audit to find, as many of each kind, in numbers that take part in no finding.

    No two are the same; each changes a printed number or, for ``mark_changed``, a mark. Rows and columns change places,
    or a row is pasted over another, only where both print the same kinds of numbers: such errors are hardest to see.
    Raises AuditError if the evidence bases have no room for so many.
    """
    shares = [(count + k) // len(_KINDS) for k in reversed(range(len(_KINDS)))]
    made = (_planted(bases, kind, share, generator) for kind, share in zip(_KINDS, shares, strict=True))
    return tuple(chain.from_iterable(made))


def _planted(bases: Sequence[Base], kind: str, count: int, generator: np.random.Generator) -> list[Planted]:
    where, make = _KINDS[kind]
    places = [(base, place) for base in bases for place in where(base)]
    made: dict[tuple, Planted] = {}
    for k in chain.from_iterable(generator.permutation(len(places)) for _ in range(ROUNDS)):
        if len(made) == count:
            break
        base, place = places[k]
        prints, change = base.board.prints, make(base, place, generator)
        change = {i: change[i] for i in sorted(change) if change[i] != prints[i]}
        if change and (kind == "mark_changed" or _size(prints, change)):
            made.setdefault((base.board.study, *change.items()), Planted(base.board.study, kind, change))
    if len(made) < count:
        raise AuditError(
            f"{count} errors of kind {kind!r} were asked for; the evidence bases have room for {len(made)}.\n"
            "  plant fewer, or in more studies"
        )
    return list(made.values())


def _size(prints: Prints, change: Change) -> float:
    """The largest change of a number, in units of the last decimal that was printed."""
    return max(round(abs(new.value - prints[i].value) * 10.0 ** prints[i].decimals, 6) for i, new in change.items())


@dataclass(frozen=True)
class Outcome:
    """What became of a planted error: whether a check compares the changed cells, and which rules found it.

    ``size`` is the largest change of a number in units of its last printed decimal; NaN for a mark.
    """

    planted: Planted
    cells: tuple[tuple[str, str], ...]
    covered: bool
    rules: tuple[str, ...]
    size: float

    @property
    def detected(self) -> bool:
        """True if the audit has a finding that it does not have without the error."""
        return bool(self.rules)


@dataclass(frozen=True)
class Detection:
    """Planted errors and what became of them."""

    outcomes: tuple[Outcome, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """One row per planted error; ``table`` and ``cell`` are those of the first changed cell."""
        rows = [
            (o.planted.study, o.planted.kind, codes.label("planted", o.planted.kind), *o.cells[0], len(o.cells),
             o.covered, o.detected, ", ".join(o.rules), o.size)
            for o in self.outcomes
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(OUTCOME_COLUMNS))

    @property
    def by_kind(self) -> pd.DataFrame:
        """One row per kind: how many were planted, how many lie where a check compares numbers, how many were found."""
        groups = self.frame.groupby(["kind", "kind_label"], sort=False)
        found = groups.agg(planted=("covered", "size"), covered=("covered", "sum"), detected=("detected", "sum"))
        found["rate"] = found["detected"] / found["planted"]
        found["rate_covered"] = found["detected"] / found["covered"]
        return found.reset_index()


def detection(bases: Iterable[Base], planted: Iterable[Planted]) -> Detection:
    """Put the audit to each error alone: found, if there is a finding that the printed numbers do not have."""
    known = {base.board.study: base for base in bases}
    return Detection(tuple(_outcome(known[one.study], one) for one in planted))


def _outcome(base: Base, planted: Planted) -> Outcome:
    prints, marks = base.board.prints, planted.kind == "mark_changed"
    rules = tuple(dict.fromkeys(base.caught(planted.change).values()))
    checks = (base.asked[place][1] for place in base.touching(planted.change))
    covered = bool(rules) or any(planted.change.keys() & set(compared(check, prints, marks=marks)) for check in checks)
    cells = tuple((prints[i].table, prints[i].cell) for i in planted.change)
    return Outcome(planted, cells, covered, rules, math.nan if marks else _size(prints, planted.change))


def compared(check: Check, prints: Prints, *, marks: bool = False) -> tuple[int, ...]:
    """The cells whose numbers, or whose marks, a check compares; none where too little is printed to compare."""
    present = tuple(i for i in check.cells if prints[i].value is not None)
    complete = len(present) == len(check.cells)
    match check:
        case Same() | Rising():
            return present if len(present) > 1 and (not marks or getattr(check, "marks", False)) else ()
        case Between():
            full = [(c.whole, *c.parts) for c in check.columns if {c.whole, *c.parts} <= set(present)]
            return () if marks else tuple(dict.fromkeys(chain.from_iterable(full)))
        case Holds() | SameSign() | SameDirection() if complete and not marks:
            return present
        case MarkOfRatio() if complete:
            return present[:1] if marks else present
        case MarkOfShares() if complete:
            return (check.marked,) if marks else (*check.shares, *check.people[0], *check.people[1])
        case Verdict(part=part) if marks and prints[part].value is not None:
            return (part,)
    return ()
