"""A printed table as it stands in the report: its rows, columns and blocks, with the labels in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

import pandas as pd

from watwerkt import audit, codes, formats, linked
from watwerkt.published import Cell, Cells, described, published, sidecar, table_facts, title
from watwerkt.tables import Label, Table

SAID_BY = ("population", "category", "service", "outcome", "comparison", "arm", "horizon_months", "statistic")
NOT_SHOWN = "not shown"


@dataclass(frozen=True)
class Facts:
    """What a page says about a printed table."""

    title: str
    caption: str
    section: str
    cells: int
    suppressed: int
    withheld: int
    marks: str

    @property
    def about(self) -> str:
        """Section, size, marks, and what the report and this page leave out, in sentences."""
        parts = [f"It stands in section {self.section} of the report and prints {self.cells} numbers.", self.marks]
        if self.suppressed:
            parts.append(f"The report leaves out {self.suppressed} numbers because few people stand behind them.")
        if self.withheld:
            parts.append(f"This page leaves out {self.withheld} totals, too: the others would follow from them.")
        return " ".join(part for part in parts if part)


class Intro:
    """What stands above a mirrored table: what it shows, and the same for search engines (schema.org)."""

    def __init__(self, study: str, table: str):
        self.facts = facts(study, table)
        self.described = sidecar(study, table)

    def _repr_html_(self) -> str:
        told = self.facts
        words = f"<p><strong>{escape(told.title)}.</strong> {escape(told.caption)} {escape(told.about)}</p>"
        path = str(self.described["path"])
        files = (
            f'<p>Files: <a download href="../{path}">{path.rpartition("/")[2]}</a>, one row per number; '
            f'<a href="../{path.removesuffix(".csv")}.json">what is known of it</a> (source, section, licence).</p>'
        )
        return words + files + linked.script(linked.table(self.described), root="../../")


def intro(study: str, table: str) -> Intro:
    """Words and linked data to stand above a mirrored table."""
    return Intro(study, table)


def facts(study: str, table: str) -> Facts:
    """Title, section, and how many numbers the table prints and leaves out."""
    cells = published(study, table)
    told = table_facts(study, table)
    hidden = _withheld(study, table, cells)
    return Facts(
        title(study, table),
        described(study, table),
        str(told["section"]),
        len(cells.printed),
        sum(cell.status == "suppressed" for cell in cells),
        len(hidden),
        _marks(cells, told),
    )


def _marks(cells: Cells, told: Mapping[str, object]) -> str:
    """What the marks of the table mean, in a sentence; empty if it has none."""
    used = {cell.stars for cell in cells if cell.stars}
    legend = told.get("stars") or {}
    levels = [f"{mark} means p < {level:g}" for mark, level in legend.items() if mark in used]
    parts = [f"{', '.join(levels)}."] if levels else []
    if any(cell.larger_than for cell in cells):
        parts.append("A letter after a number means: significantly larger than in the column of that letter.")
    return " ".join(parts)


def table(study: str, name: str) -> Table:
    """The table as printed, with a decimal point, and its cells as data.

    Numbers from which suppressed ones would follow are left out, from the data, too.
    """
    cells = published(study, name)
    hidden = _withheld(study, name, cells)
    shown = Cells(tuple(cell for cell in cells if cell.cell not in hidden))
    places: dict[tuple[str, str], dict[str, list[Cell]]] = {}
    for cell in cells:
        places.setdefault((cell.panel, cell.row), {}).setdefault(cell.column, []).append(cell)
    columns = list(dict.fromkeys(column for row in places.values() for column in row))
    texts = [[_text(row.get(column, ()), hidden) for column in columns] for row in places.values()]
    rows = _labelled(list(places), [_flat(row) for row in places.values()])
    heads = _heads(columns, [[c for row in places.values() for c in row.get(column, ())] for column in columns])
    frame = pd.DataFrame(texts, index=rows, columns=heads)
    label = f"Table {name.removeprefix('T')}: {title(study, name)}"
    return Table("printed", frame, shown.frame, label, _footnotes(cells), tuple(heads))


def _withheld(study: str, table: str, cells: Cells) -> set[str]:
    """Cells left out because suppressed numbers would follow from them; asks the audit only where there are any."""
    if not any(cell.status == "suppressed" for cell in cells):
        return set()
    return {cell for where, cell in audit.withheld(study) if where == table}


def _flat(row: Mapping[str, list[Cell]]) -> list[Cell]:
    return [cell for cells in row.values() for cell in cells]


def _text(cells: Iterable[Cell], hidden: set[str]) -> str:
    """All numbers of one printed cell: the first, and the others in brackets."""
    texts = [NOT_SHOWN if cell.cell in hidden else formats.as_printed(cell) for cell in cells]
    if not texts:
        return ""
    first, *rest = texts
    joined = " / ".join(texts) if all(cell.unit == "code" for cell in cells) else f"{first} ({' – '.join(rest)})"
    return joined if rest else first


def _labelled(places: list[tuple[str, str]], cells: list[list[Cell]]) -> pd.Index:
    """Row labels in both languages, in blocks where the report has blocks."""
    panels = list(dict.fromkeys(panel for panel, _ in places))
    labels: list[Label] = []
    for panel in panels:
        among = [k for k, (of, _) in enumerate(places) if of == panel]
        labels += _labels([places[k][1] for k in among], [cells[k] for k in among])
    if panels == [""]:
        return pd.Index(labels, dtype=object)
    blocks = _labels(panels, [_flat_of(places, cells, panel) for panel in panels])
    named = dict(zip(panels, blocks, strict=True))
    return pd.MultiIndex.from_arrays([[named[panel] if panel else "" for panel, _ in places], labels])


def _flat_of(places: list[tuple[str, str]], cells: list[list[Cell]], panel: str) -> list[Cell]:
    return [cell for (of, _), found in zip(places, cells, strict=True) if of == panel for cell in found]


def _heads(printed: list[str], cells: list[list[Cell]]) -> pd.Index:
    """Column labels in both languages; two rows of them where every label has an upper and a lower part."""
    split = [label.rsplit(", ", 1) for label in printed]
    uppers = [part[0] for part in split]
    if all(len(part) == 2 for part in split) and len(printed) > 1 and len(set(uppers)) < len(printed):
        above = dict(zip(dict.fromkeys(uppers), _labels(*_by_upper(uppers, cells)), strict=True))
        below: list[Label] = []
        for upper in above:
            among = [k for k, name in enumerate(uppers) if name == upper]
            below += _labels([split[k][1] for k in among], [cells[k] for k in among])
        return pd.MultiIndex.from_arrays([[above[name] for name in uppers], below])
    return pd.Index(_labels(printed, cells), dtype=object)


def _by_upper(uppers: list[str], cells: list[list[Cell]]) -> tuple[list[str], list[list[Cell]]]:
    names = list(dict.fromkeys(uppers))
    return names, [[c for of, found in zip(uppers, cells, strict=True) if of == name for c in found] for name in names]


def _labels(printed: list[str], cells: list[list[Cell]]) -> list[Label]:
    """Each printed label with its English: the codes that all its cells share and that not all labels share."""
    told = [{name: _shared(found, name) for name in SAID_BY} for found in cells]
    varying = [name for name in SAID_BY if len({row[name] for row in told}) > 1]
    english = [
        ", ".join(dict.fromkeys(_word(row[name], name, found) for name in varying if row[name] is not None))
        for row, found in zip(told, cells, strict=True)
    ]
    return [Label(nl, en if en.lower() != nl.lower() else "") for nl, en in zip(printed, english, strict=True)]


def _shared(cells: list[Cell], name: str) -> object:
    values = {getattr(cell, name) for cell in cells}
    value = values.pop() if len(values) == 1 else None
    return None if value == "" else value


def _word(value: object, name: str, cells: list[Cell]) -> str:
    if name == "horizon_months":
        return f"{value:.0f} months"
    dimension = cells[0].dimension if name == "category" else None
    return codes.label(name, str(value), dimension=dimension)


def _footnotes(cells: Cells) -> str:
    return " ".join(
        f"{cell.row}, {cell.column}: printed {cell.correction.printed:g}, read as {cell.correction.corrected:g} "
        f"({cell.correction.certainty}). {cell.correction.reason}"
        for cell in cells
        if cell.correction
    )
