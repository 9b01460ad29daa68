"""What shows only when whole rows and whole sets of labels are compared: copied rows and exchanged labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from watwerkt import codes
from watwerkt.audit.board import PROSE, Board
from watwerkt.audit.checks import Prints
from watwerkt.audit.findings import Finding, Problem, finding
from watwerkt.published import Cell

LEAST_NUMBERS = 3  # a row of fewer numbers can recur by chance
NEAR = 0.15  # points by which two tables may differ that were made from slightly different files
LEAST_IN_ESTIMATE = 4  # significant digits in which a coefficient and its standard error must agree
LEAST_INFORMATION = 7  # significant digits in which a row must agree to be suspect


Row = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """How the cells of a study stand together; the same whatever is printed in them."""

    cells: tuple[Cell, ...]
    rows: tuple[Row, ...]
    categories: tuple[dict[str, dict[str, list[int]]], ...]  # per quantity: table, category, cells
    estimates: tuple[tuple[int, int], ...]  # coefficient and standard error
    names: dict[str, dict[str, tuple[str, int]]]  # printed name of a mechanism: table, code and first cell


def layout(cells: tuple[Cell, ...]) -> Layout:
    """Work out rows, quantities and labels once for all prints."""
    rows: dict[tuple, list[int]] = defaultdict(list)
    categories: dict[tuple, dict] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    names: dict[str, dict[str, tuple[str, int]]] = defaultdict(dict)
    errors = {_estimate_key(c): i for i, c in enumerate(cells) if c.statistic == "se"}
    estimates = []
    for i, cell in enumerate(cells):
        if cell.table == PROSE:
            continue
        if cell.unit != "code":
            rows[cell.table, cell.panel, cell.row].append(i)
        if cell.category not in ("", "all") and cell.status == "printed" and cell.unit == "pct":
            key = (cell.population, cell.dimension, cell.service, cell.outcome, cell.horizon_months, cell.statistic)
            categories[key][cell.table][cell.category].append(i)
        if cell.statistic == "coefficient" and _estimate_key(cell) in errors:
            estimates.append((i, errors[_estimate_key(cell)]))
        if cell.dimension == "mechanism" and cell.unit == "coefficient":
            names[cell.panel.rpartition(":")[2].strip().lower()].setdefault(cell.table, (cell.category, i))
    several = tuple(tables for tables in categories.values() if len(tables) > 1)
    return Layout(cells, tuple(map(tuple, rows.values())), several, tuple(estimates), names)


def _estimate_key(cell: Cell) -> tuple:
    return cell.table, cell.category, cell.outcome, cell.dimension


def structural(printed: Board, known: Layout) -> Iterator[Finding]:
    """Findings about rows and labels of a board."""
    for problem in repeated_rows(known, printed.prints):
        yield finding(printed, problem, rule="duplicate", relation="repeated_row", severity="likely")
    for problem in copied_estimates(known, printed.prints):
        yield finding(printed, problem, rule="duplicate", relation="copied_estimate", severity="suspicion")
    for problem in exchanged_labels(known, printed.prints):
        yield finding(printed, problem, rule="label", relation="exchanged_labels", severity="likely")
    for problem in shared_labels(known):
        yield finding(printed, problem, rule="label", relation="shared_label", severity="likely")


def repeated_rows(known: Layout, prints: Prints) -> Iterator[Problem]:
    """Rows of the same numbers that should say different things."""
    by_numbers: dict[tuple, list[Row]] = defaultdict(list)
    for row in known.rows:
        numbers = tuple(prints[i].text.rstrip("*") for i in row)
        if len(set(filter(None, numbers))) >= LEAST_NUMBERS and _information(numbers) >= LEAST_INFORMATION:
            by_numbers[numbers].append(row)
    for alike in by_numbers.values():
        for first, second in combinations(alike, 2):
            if not _same_quantities(known.cells, first, second):
                one, two = (_row_words(known.cells, row) for row in (first, second))
                texts = [prints[i].text for i in first if prints[i].text]
                note = (
                    f"Two rows hold the same {len(texts)} numbers ({', '.join(texts)}): {one} and {two}. One seems to "
                    "be copied from the other."
                )
                yield Problem((*second, *first), "other numbers in one of the two rows", note)


def _information(numbers: Sequence[str]) -> int:
    """Significant digits in all numbers together: how unlikely it is that two rows agree by chance."""
    return sum(len(n.lstrip("-0.").replace(".", "")) for n in numbers)


def _same_quantities(cells: Sequence[Cell], first: Row, second: Row) -> bool:
    """True if the rows print the same things by their codes, whatever the table."""
    names = ("population", "category", "service", "outcome", "horizon_months", "statistic")
    one, two = ([tuple(getattr(cells[i], n) for n in names) for i in row] for row in (first, second))
    return one == two


def _row_words(cells: Sequence[Cell], row: Row) -> str:
    cell = cells[row[0]]
    place = " / ".join(part for part in (cell.panel, cell.row) if part)
    return f"Table {cell.table.removeprefix('T')}, {place}"


def copied_estimates(known: Layout, prints: Prints) -> Iterator[Problem]:
    """The same coefficient with the same standard error for the same variable in two equations."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for estimate, error in known.estimates:
        numbers = prints[estimate].text.rstrip("*"), prints[error].text
        if _information(numbers) >= LEAST_IN_ESTIMATE:
            found[numbers].append(estimate)
    for numbers, places in found.items():
        for first, second in combinations(places, 2):
            one, two = known.cells[first], known.cells[second]
            if one.outcome != two.outcome and one.category == two.category:
                note = (
                    f"{one.row} in Table {one.table.removeprefix('T')} and {two.row} in Table "
                    f"{two.table.removeprefix('T')} have the same coefficient and standard error "
                    f"({' and '.join(numbers)}) in equations for different outcomes."
                )
                yield Problem((second, first), "another coefficient or standard error in one of the two", note)


def shared_labels(known: Layout) -> Iterator[Problem]:
    """Two tables that bear the name of one mechanism, though their rows are about two."""
    for label, tables in known.names.items():
        for (one, (a, i)), (two, (b, j)) in combinations(tables.items(), 2):
            if a != b:
                first, second = (codes.label("category", c, dimension="mechanism").lower() for c in (a, b))
                note = (
                    f"Tables {one.removeprefix('T')} and {two.removeprefix('T')} bear the same name, '{label}'. By the "
                    f"report's own verdicts (Table 5.3) the one is about {first}, the other about {second}."
                )
                yield Problem((i, j), "another name for one of the tables", note)


def exchanged_labels(known: Layout, prints: Prints) -> Iterator[Problem]:
    """Two categories whose numbers in one table are those of the other category in another table.

    Compared are the cells that agree in everything but table and category; the exchange must fit all of them, and the
    labels as printed must fit none within rounding.
    """
    for tables in known.categories:
        for one, two in combinations(tables, 2):
            shared = [c for c in tables[one] if c in tables[two]]
            for a, b in combinations(shared, 2):
                yield from _exchange(known.cells, prints, tables[one], tables[two], a, b)


def _exchange(cells: Sequence[Cell], prints: Prints, one: dict, two: dict, a: str, b: str) -> Iterator[Problem]:
    pairs = [
        (i, j, k, m)
        for i in one[a] for j in one[b] for k in two[a] for m in two[b]
        if len({cells[x].arm for x in (i, j, k, m)}) == 1 and len({cells[x].comparison for x in (i, j, k, m)}) == 1
    ]  # fmt: skip
    if not pairs:
        return
    crossed = all(_near(prints, i, m) and _near(prints, j, k) for i, j, k, m in pairs)
    straight = any(_near(prints, i, k) or _near(prints, j, m) for i, j, k, m in pairs)
    if crossed and not straight:
        i, j, k, m = pairs[0]
        first, second = (codes.label("category", c, dimension=cells[i].dimension).lower() for c in (a, b))
        tables = [cells[x].table.removeprefix("T") for x in (i, k)]
        note = (
            f"{first.capitalize()} and {second} have changed places between Tables {tables[0]} and {tables[1]}: "
            f"{prints[i].text} and {prints[j].text} in the one are {prints[k].text} and {prints[m].text} in the other, "
            "and so in every column."
        )
        yield Problem(tuple(dict.fromkeys(x for pair in pairs for x in pair)), "the same labels in both tables", note)


def _near(prints: Prints, i: int, j: int) -> bool:
    return None not in (prints[i].value, prints[j].value) and abs(prints[i].value - prints[j].value) <= NEAR
