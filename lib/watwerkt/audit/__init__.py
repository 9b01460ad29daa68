"""The audit: what the reports' own numbers say about each other (methods A8).

Rules stand in ``data/audit/<study>.yml``; :mod:`relations` turns them into :mod:`checks` of printed cells. Every
printed number is taken with the interval that rounding leaves, and as printed: corrections play no part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from watwerkt import codes
from watwerkt.audit.board import PROSE, Board, board
from watwerkt.audit.disclosure import derivable, withheld_cells
from watwerkt.audit.findings import SEVERITIES, Finding, Problem, finding, frame
from watwerkt.audit.relations import Relation, relations
from watwerkt.audit.structure import Layout, layout, structural

__all__ = [
    "Finding", "audit", "audited", "board", "covered", "exported", "findings", "frame", "rules_of", "withheld",
]  # fmt: skip


@cache
def rules_of(study: str) -> tuple[Relation, ...]:
    """The relations of a study, with their checks."""
    return tuple(relations(board(study)))


@cache
def layout_of(study: str) -> Layout:
    """How the cells of a study stand together."""
    return layout(board(study).cells)


@cache
def withheld(study: str) -> frozenset[tuple[str, str]]:
    """Printed cells that pages leave out, because suppressed numbers would follow from them: (table, cell)."""
    return withheld_cells(board(study), rules_of(study))


@cache
def findings(study: str) -> tuple[Finding, ...]:
    """What the audit finds in a study, most severe first."""
    return audited(board(study), rules_of(study), layout_of(study))


def audited(printed: Board, rules: Iterable[Relation], known: Layout) -> tuple[Finding, ...]:
    """Put every check to the prints of a board; also those that compare whole rows and labels."""
    found: dict[str, Finding] = {}
    for relation in rules:
        for problem in problems(printed, relation):
            one = finding(printed, problem, rule=relation.rule, relation=relation.id, severity=relation.severity)
            found.setdefault(one.id, one)
    for one in (*structural(printed, known), *derivable(printed, rules)):
        found.setdefault(one.id, one)
    return tuple(sorted(found.values(), key=lambda f: SEVERITIES.index(f.severity)))


def problems(printed: Board, relation: Relation) -> list[Problem]:
    """What the checks of a relation find; one problem for all where they have one cause."""
    found = [problem for check in relation.checks if (problem := check.problem(printed.prints))]
    if len(found) < 2 or not relation.merge:
        return found
    cells = tuple(dict.fromkeys(i for problem in found for i in problem.cells))
    return [Problem(cells, found[0].expected, f"{relation.merge} The first of {len(found)}: {found[0].note}")]


@dataclass(frozen=True)
class Covered:
    """How much of the printed numbers the checks reach."""

    checks: int
    cells: int
    share: float


@cache
def covered(study: str = "") -> Covered:
    """How many checks there are, how many printed numbers take part in one, and their share; of all studies or one."""
    studies = [study] if study else list(codes.codes("study"))
    checks, reached, printed = 0, 0, 0
    for one in studies:
        touched = {i for relation in rules_of(one) for check in relation.checks for i in check.cells}
        present = {i for i, p in enumerate(board(one).prints) if p.value is not None and p.table != PROSE}
        checks += sum(len(relation.checks) for relation in rules_of(one))
        reached, printed = reached + len(touched & present), printed + len(present)
    return Covered(checks, reached, reached / printed if printed else 0.0)


def audit() -> tuple[Finding, ...]:
    """The findings of all studies, in the order of the studies."""
    return tuple(found for study in codes.codes("study") for found in findings(study))


def exported() -> str:
    """All findings as the text of ``data/audit.json``."""
    return json.dumps([found.as_dict() for found in audit()], ensure_ascii=False, indent=1) + "\n"
