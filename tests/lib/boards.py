"""Small boards made by hand: a few printed cells, so that a test of the audit can say what stands where."""

from dataclasses import replace

from watwerkt.audit.board import Board, Printed
from watwerkt.published import Cell

STUDY = "via"  # a study without tables, so that nothing of a real report comes in
EMPTY = dict.fromkeys(("panel", "arm", "comparison", "service", "stars", "larger_than"), "")
BASE = {
    "population": "all",
    "dimension": "all",
    "category": "all",
    "outcome": "job",
    "statistic": "level",
    "unit": "pct",
}
COUNT = {"statistic": "count", "unit": "count", "outcome": "people"}
HEAD = "- id: some_rule\n  rule: total\n  note: Some cells belong together.\n"  # of a rule in data/audit/via.yml
KEYED = ("population", "category", "arm", "comparison", "service", "outcome", "horizon_months", "statistic")


def cell(text: str, *, table: str = "T1", key: str = "", **codes) -> Cell:
    """A cell that prints ``text``, such as ``12.3**`` or ``26.8B,C``; an empty text is a suppressed number."""
    codes = {**EMPTY, **BASE, "horizon_months": None, **codes}
    number = text.rstrip("ABCD,")
    digits = number.rstrip("*")
    decimals = len(digits.partition(".")[2])
    codes = {"row": codes["category"], "column": codes["arm"], **codes}
    return Cell(
        **{
            **codes,
            "study": STUDY,
            "table": table,
            "cell": key or ".".join(str(codes[name]) for name in KEYED if codes[name] not in ("", None)),
            "value": float(digits) if digits else None,
            "decimals": decimals if digits else None,
            "stars": number[len(digits) :],
            "larger_than": text[len(number) :],
            "status": codes.get("status", "printed" if digits else "suppressed"),
        }
    )


def count(text: str, **codes) -> Cell:
    """A printed number of people."""
    return cell(text, **{**COUNT, **codes})


def printed(cell: Cell) -> Printed:
    """What the cell prints; counts are exact, all else is rounded to its last decimal."""
    half = 0.0 if cell.statistic == "count" else 0.5 * 10.0 ** -(cell.decimals or 0)
    return Printed(cell.table, cell.cell, cell.value, half, cell.stars, cell.larger_than, cell.decimals or 0)


def board(*cells: Cell, study: str = STUDY) -> Board:
    """A board of these cells, in this order."""
    cells = tuple(replace(one, study=study) for one in cells)
    return Board(study, cells, tuple(printed(one) for one in cells))


def prints(*texts: str, **codes) -> tuple[Printed, ...]:
    """Prints alone, for checks that know their cells by place."""
    return tuple(printed(cell(text, key=f"c{place}", **codes)) for place, text in enumerate(texts))


def counts(*texts: str) -> tuple[Printed, ...]:
    """Printed numbers of people, exact."""
    return prints(*texts, **COUNT)


def keys(board: Board, relations) -> list[list[str]]:
    """The cells of each check of some relations, as ``table:cell``."""
    return [
        [f"{board.cells[i].table}:{board.cells[i].cell}" for i in check.cells]
        for relation in relations
        for check in relation.checks
    ]
