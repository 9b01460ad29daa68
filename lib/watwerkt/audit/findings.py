"""What the audit says: one finding per contradiction between printed numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from watwerkt import codes
from watwerkt.audit.board import Board

COLUMNS = (
    "id", "study", "rule", "rule_label", "severity", "severity_label", "tables", "cells", "printed", "expected", "note",
)  # fmt: skip
SEVERITIES = ("certain", "likely", "suspicion")


@dataclass(frozen=True)
class Problem:
    """What a check found wrong: the cells that contradict each other, and what the others would allow."""

    cells: tuple[int, ...]
    expected: str
    note: str
    severity: str = ""


@dataclass(frozen=True)
class FoundCell:
    """A printed cell that takes part in a finding."""

    table: str
    cell: str
    printed: str


@dataclass(frozen=True)
class Finding:
    """Printed numbers that cannot all be right, or that raise a question.

    ``expected`` is what the first cell could print if the others are right; ``severity`` says how sure it is that
    something is wrong, not how much it matters.
    """

    id: str
    study: str
    rule: str
    relation: str
    severity: str
    cells: tuple[FoundCell, ...]
    expected: str
    note: str

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables concerned, in the order of the cells."""
        return tuple(dict.fromkeys(cell.table for cell in self.cells))

    def as_dict(self) -> dict[str, object]:
        """The finding as ``data/audit.json`` holds it."""
        return {
            "id": self.id,
            "study": self.study,
            "tables": list(self.tables),
            "cells": [{"table": c.table, "cell": c.cell, "printed": c.printed} for c in self.cells],
            "rule": self.rule,
            "expected": self.expected,
            "severity": self.severity,
            "note": self.note,
        }


def finding(board: Board, problem: Problem, *, rule: str, relation: str, severity: str) -> Finding:
    """A problem as a finding, with a short name that stays the same as long as the cells do."""
    cells = tuple(FoundCell(board.prints[i].table, board.prints[i].cell, board.prints[i].text) for i in problem.cells)
    places = "|".join(f"{c.table}:{c.cell}" for c in cells)
    short = hashlib.sha256(f"{relation}|{places}".encode()).hexdigest()[:6]
    return Finding(
        f"{board.study}-{relation}-{short}", board.study, rule, relation, problem.severity or severity, cells,
        problem.expected, problem.note,
    )  # fmt: skip


def frame(found: Iterable[Finding]) -> pd.DataFrame:
    """Findings as a table, one row each, worst first within a study."""
    rows = [
        {
            "id": f.id,
            "study": f.study,
            "rule": f.rule,
            "rule_label": codes.label("rule", f.rule),
            "severity": f.severity,
            "severity_label": codes.label("severity", f.severity),
            "tables": ", ".join(f.tables),
            "cells": len(f.cells),
            "printed": "; ".join(f"{c.table} {c.cell}: {c.printed or 'not printed'}" for c in f.cells),
            "expected": f.expected,
            "note": f.note,
        }
        for f in found
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
