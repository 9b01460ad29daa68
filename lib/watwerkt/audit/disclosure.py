"""Suppressed numbers that the numbers around them give away. No derived number leaves this module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from watwerkt.audit.board import Board
from watwerkt.audit.checks import Holds
from watwerkt.audit.findings import Finding, Problem, finding
from watwerkt.audit.relations import Relation

_ZERO = 1e-9


def derivable(printed: Board, rules: Iterable[Relation]) -> Iterator[Finding]:
    """Suppressed counts that sums and shares of the same table give away: a weakness, said without the counts."""
    for table in printed.tables:
        hidden = [i for i, c in enumerate(printed.cells) if c.table == table and c.status == "suppressed"]
        hidden = [i for i in hidden if printed.cells[i].statistic == "count"]
        if given_away := sorted(_determined(_sums(printed, rules, table), hidden)):
            places = ", ".join(_words(printed, i) for i in given_away)
            note = (
                f"Table {table.removeprefix('T')} suppresses {len(hidden)} counts of few people, but prints enough "
                f"around them to work out {len(given_away)} of them or nearly so: {places}. "
                "This book does not show what they are."
            )
            problem = Problem(tuple(given_away), "a further suppressed number in the same rows or columns", note)
            yield finding(printed, problem, rule="disclosure", relation="suppressed_numbers", severity="certain")


def withheld_cells(printed: Board, rules: Iterable[Relation]) -> frozenset[tuple[str, str]]:
    """Printed totals that pages leave out, because suppressed counts would follow from them: (table, cell).

    The totals of every row and column that holds a suppressed count; without them nothing is determined.
    """
    found: set[tuple[str, str]] = set()
    for table in printed.tables:
        hidden = {i for i, c in enumerate(printed.cells) if c.table == table and c.status == "suppressed"}
        for equation in _sums(printed, rules, table) if hidden else ():
            if hidden & set(equation):
                totals = (i for i, sign in equation.items() if sign < 0 and i not in hidden)
                found |= {(table, printed.cells[i].cell) for i in totals if printed.cells[i].statistic == "count"}
    return frozenset(found)


def _sums(printed: Board, rules: Iterable[Relation], table: str) -> list[dict[int, float]]:
    """Sums and shares of counts in a table, as equations with a coefficient for each count."""
    found = []
    for relation in rules:
        for check in relation.checks:
            if not isinstance(check, Holds) or any(printed.cells[i].table != table for i in check.cells):
                continue
            if relation.rule == "total" and check.equation.compare == "==" and check.equation.result:
                if all(printed.cells[i].statistic == "count" for i in check.cells):
                    result = check.terms[check.equation.result]
                    found.append({i: -1.0 if i in result else 1.0 for i in check.cells})
            elif relation.rule == "share" and {"share", "count"} <= set(check.terms) and len(check.terms) == 3:
                share, count, whole = check.cells
                if printed.prints[share].value is not None:
                    found.append({count: 1.0, whole: -printed.prints[share].value / 100})
    return found


def _determined(sums: list[dict[int, float]], hidden: list[int]) -> set[int]:
    """The hidden cells that the sums determine: those on which all solutions agree."""
    rows = [[equation.get(i, 0.0) for i in hidden] for equation in sums]
    rows = [row for row in rows if any(row)]
    if not rows:
        return set()
    _, values, basis = np.linalg.svd(np.array(rows))
    free = basis[int((values > _ZERO).sum()) :]
    return {cell for k, cell in enumerate(hidden) if not (np.abs(free[:, k]) > _ZERO).any()}


def _words(printed: Board, i: int) -> str:
    cell = printed.cells[i]
    return f"{cell.row} ({', '.join(part for part in (cell.panel, cell.column) if part)})"
