"""The catalogue of every printed number: the data that its page searches, and the plain list of tables."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from watwerkt import codes, formats, texts
from watwerkt.audit import withheld
from watwerkt.published import Cell, Statement, prose, published, studies, title

WITHHELD = ("not shown", "", "", "", "", "not_shown", "")  # for a number from which a suppressed one would follow
TEXT = ("", "Number in the text", "Getal in de tekst")  # the kind of a number that stands in no table
DATES = {"date", "month", "quarter", "year"}
LABELLED = ("arm", "comparison", "service", "outcome", "statistic", "unit")  # [code, English, Dutch]


@dataclass(frozen=True)
class Row:
    """A printed number as the page needs it; every field goes into a list of distinct values of its own.

    ``place`` is study, table, title, address of the page; ``group`` is population, dimension, category, and the English
    and Dutch words for the group and the dimension; ``number`` is what is shown, then value, decimals, stars,
    larger_than, status and the corrected value as in the published files, all text.
    """

    place: tuple[str, ...]
    key: str
    panel: str
    row: str
    column: str
    group: tuple[str, ...]
    arm: tuple[str, ...]
    comparison: tuple[str, ...]
    service: tuple[str, ...]
    outcome: tuple[str, ...]
    months: str
    statistic: tuple[str, ...]
    unit: tuple[str, ...]
    number: tuple[str, ...]

    @property
    def printed(self) -> bool:
        """True if there is a number to show."""
        return bool(self.number[1])


def rows() -> list[Row]:
    """Every cell of every table, then every number in the texts, study by study."""
    found: list[Row] = []
    for study in codes.codes("study"):
        hidden = withheld(study)
        if study in studies():
            found += [_of_cell(cell, hidden) for cell in published(study)]
        found += [_of_statement(study, said, hidden) for said in prose(study).values()]
    return found


def script() -> str:
    """The text of a script that gives the page of the catalogue its data, as ``window.wwCells``.

    Each field of :class:`Row` is a list of its distinct values, in the order of the code lists, and for every row the
    number of its value. Numbers that pages withhold are not in it; suppressed ones never were.
    """
    listed = rows()
    fields = {name: _coded(name, [getattr(row, name) for row in listed]) for name in Row.__dataclass_fields__}
    labels = {code.code: [code.en, code.nl] for code in codes.codes("study").values()}
    data = {"rows": len(listed), "studies": labels, "fields": fields}
    return f"window.wwCells = {json.dumps(data, ensure_ascii=False, separators=(',', ':'))};\n"


def address(study: str, table: str = "") -> str:
    """The page of a table, or of the numbers in a report's text, from the root of the site."""
    return f"data/table/{study}-{table}.html" if table else f"data/text/{study}.html"


def _of_cell(cell: Cell, hidden: Iterable[tuple[str, str]]) -> Row:
    key = (cell.population, cell.category, cell.arm, cell.comparison, cell.service, cell.outcome)
    months = "" if cell.horizon_months is None else f"{cell.horizon_months:g}"
    usual = ".".join(part for part in (*key, months, cell.statistic) if part)
    return Row(
        (cell.study, cell.table, title(cell.study, cell.table), address(cell.study, cell.table)),
        "" if cell.cell == usual else cell.cell,  # the page puts the usual one together itself
        cell.panel,
        cell.row,
        cell.column,
        _group(cell),
        *(_label(name, getattr(cell, name)) for name in LABELLED[:4]),
        months,
        *(_label(name, getattr(cell, name)) for name in LABELLED[4:]),
        WITHHELD if (cell.table, cell.cell) in hidden else _number(cell),
    )


def _of_statement(study: str, said: Statement, hidden: Iterable[tuple[str, str]]) -> Row:
    """A number in the text: its section stands for the panel, its statement for the row."""
    return Row(
        (study, "", "Numbers in the text", address(study)),
        said.key,
        said.section,
        said.statement,
        "",
        ("",) * 7,
        *(_label(name, "") for name in LABELLED[:4]),
        "",
        TEXT,
        _unit(said.unit),
        WITHHELD if tuple(said.repeats.split(":", 1)) in hidden else _said(said),
    )


def _unit(unit: str) -> tuple[str, ...]:
    """The label of a unit; texts have some that are words already, and dates, which need none."""
    return _label("unit", unit) if unit in codes.codes("unit") else (unit, "" if unit in DATES else unit, "")


def _said(said: Statement) -> tuple[str, ...]:
    text = formats.number(said.value, said.decimals) + ("%" if said.unit == "pct" else "")
    shown = texts.amount(said) if said.unit in DATES else text
    return (shown, f"{said.value:.{said.decimals}f}", str(said.decimals), "", "", "printed", "")


def _number(cell: Cell) -> tuple[str, ...]:
    """What is shown, and the fields of the published file. A sign or word stands as the report prints it."""
    text = formats.as_printed(cell) if cell.unit == "code" else formats.printed(cell)
    if cell.value is None:
        return (text, "", "", cell.stars, cell.larger_than, cell.status, "")
    value, decimals = f"{cell.value:.{cell.decimals}f}", str(cell.decimals)
    corrected = f"{cell.correction.corrected:.{cell.decimals}f}" if cell.correction else ""
    return (text, value, decimals, cell.stars, cell.larger_than, cell.status, corrected)


def _label(name: str, key: str) -> tuple[str, ...]:
    return (key, codes.label(name, key), codes.label(name, key, language="nl")) if key else ("", "", "")


def _group(cell: Cell) -> tuple[str, ...]:
    who = (cell.population, cell.dimension, cell.category)
    words = (codes.group_label(*who), codes.group_label(*who, language="nl"))
    dimension = codes.code("dimension", cell.dimension)
    return (*who, *words, dimension.en, dimension.nl)


def _coded(name: str, values: list) -> dict[str, list]:
    known = list(dict.fromkeys(values))
    if name in LABELLED:
        known.sort(key=lambda value: _order(name, value[0]))
    elif name == "group":
        known.sort(key=_group_order)
    elif name == "months":
        known.sort(key=lambda months: float(months or 0))
    at = {value: place for place, value in enumerate(known)}
    return {"values": known, "at": [at[value] for value in values]}


def _order(name: str, key: str) -> int:
    return codes.codes(name)[key].order if key in codes.codes(name) else -1


def _group_order(group: tuple[str, ...]) -> tuple[int, ...]:
    population, dimension, category = group[:3]
    place = codes.codes("category")[dimension, category].order if dimension else -1
    return (_order("dimension", dimension), place, _order("population", population))


class Listed:
    """The tables of a study and its text, with links to their pages; stands on the catalogue's page."""

    def __init__(self, study: str):
        self.study = study

    def _repr_html_(self) -> str:
        name = escape(codes.label("study", self.study))
        counts: dict[str, int] = {}
        for cell in published(self.study) if self.study in studies() else ():
            counts[cell.table] = counts.get(cell.table, 0) + (cell.value is not None)
        entries = [
            (f"Table {t.removeprefix('T')}", address(self.study, t), title(self.study, t), n) for t, n in counts.items()
        ]
        entries.append(("Text", address(self.study), "Numbers and lists in the text", len(prose(self.study))))
        body = "".join(_entry(*entry) for entry in entries)
        return (
            f'<h3 id="tables-{self.study}">{name}</h3><div class="ww-table-wrap ww-finder-list" role="region" '
            f'tabindex="0" aria-label="{name}: tables and text"><table class="ww-table"><thead><tr>'
            '<th scope="col">Where</th><th scope="col">What it shows</th><th scope="col" class="num">Numbers</th>'
            f"</tr></thead><tbody>{body}</tbody></table></div>"
        )


def _entry(where: str, page: str, what: str, numbers: int) -> str:
    link = f'<a href="{page.removeprefix("data/")}">{escape(where)}</a>'
    return f'<tr><th scope="row">{link}</th><td>{escape(what)}</td><td class="num">{numbers:,}</td></tr>'


def tables_of(study: str) -> Listed:
    """The tables of a study and its text, to show on the catalogue's page."""
    return Listed(study)
