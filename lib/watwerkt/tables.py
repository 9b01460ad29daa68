"""Tables of one look: each shows itself, and carries the data behind it for download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from itertools import groupby

import pandas as pd

from watwerkt import codes, formats
from watwerkt.evidence import Effects
from watwerkt.published import Cells
from watwerkt.stamps import Passed, stamped

MIME = "application/vnd.watwerkt.table+json"

LEVEL_COLUMNS = {"intensive": "Intensive", "basic": "Basic"}


@dataclass(frozen=True)
class Label:
    """A label with a second line: a printed Dutch one with its English, or a name with what it means."""

    first: str
    second: str
    lang: str = "nl"

    def __str__(self) -> str:
        return f"{self.first} ({self.second})" if self.second else self.first

    def html(self) -> str:
        """The first line, marked for screen readers where it is Dutch, and the second below it."""
        lang = f' lang="{self.lang}"' if self.lang else ""
        second = f'<span class="ww-second">{escape(self.second)}</span>' if self.second else ""
        return f"<span{lang}>{escape(self.first)}</span>{second}"


@dataclass(frozen=True)
class Table:
    """A table for readers (``shown``: text, as it stands on the page) and the data behind it (``data``)."""

    name: str
    shown: pd.DataFrame
    data: pd.DataFrame
    label: str
    note: str = ""
    numeric: tuple[str, ...] = field(default=())
    cleared: Mapping[str, object] | None = None

    def passed(self, cleared: Passed | None = None, *, public: str = "") -> Table:
        """The table with the disclosure guard's stamp; see :func:`watwerkt.stamps.stamped`."""
        return replace(self, **stamped(self.note, cleared, public))

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        rows = self.data.astype(object).where(self.data.notna(), None).to_numpy().tolist()
        payload = {"name": self.name, "data": {"columns": list(self.data.columns), "rows": rows}, "note": self.note}
        payload |= {"cleared": dict(self.cleared)} if self.cleared else {}
        return {MIME: payload, "text/html": self.html(), "text/plain": self.shown.to_string()}

    def html(self) -> str:
        """The table as HTML: scoped headers, the outer row labels as row groups, every text escaped.

        Written out here because pandas' Styler knows neither ``scope`` nor row groups, which screen readers and narrow
        screens need.
        """
        levels = self.shown.index.nlevels
        inner = ": ".join(str(name) for name in self.shown.index.names[1 if levels > 1 else 0 :] if name)
        body = "".join(_group(self.shown, outer, self.numeric) for outer in _outer_labels(self.shown))
        region = f'role="region" tabindex="0" aria-label="{escape(self.label)}"'
        return (
            f'<div class="ww-table-wrap" {region}><table class="ww-table"><thead>{self._heads(inner)}</thead>'
            f"{body}</table></div>"
        )

    def _heads(self, inner: str) -> str:
        """One row of column heads, or two where columns stand in groups."""
        columns = self.shown.columns
        lower = columns.get_level_values(-1)
        kinds = ["num" if column in self.numeric else "" for column in columns]
        heads = "".join(_head(text, "col", kind) for text, kind in zip(lower, kinds, strict=True))
        row = f"<tr>{_head(inner, 'col', 'ww-corner')}{heads}</tr>"
        if columns.nlevels == 1:
            return row
        groups = [(text, len(list(same))) for text, same in groupby(columns.get_level_values(0))]
        return f'<tr><td class="ww-corner"></td>{"".join(_head(t, "colgroup", "", n) for t, n in groups)}</tr>{row}'


def _head(text: str | Label, scope: str, kind: str = "", span: int = 0) -> str:
    if not text:
        return f'<td class="{kind}"></td>'
    classes = f' class="{kind}"' if kind else ""
    columns = f' colspan="{span}"' if span else ""
    content = text.html() if isinstance(text, Label) else escape(str(text))
    return f'<th scope="{scope}"{classes}{columns}>{content}</th>'


def _outer_labels(shown: pd.DataFrame) -> list[str | None]:
    """Labels of the row groups in order, or one None where rows are not grouped."""
    return list(dict.fromkeys(shown.index.get_level_values(0))) if shown.index.nlevels > 1 else [None]


def _group(shown: pd.DataFrame, outer: str | None, numeric: tuple[str, ...]) -> str:
    part = shown if outer is None else shown.xs(outer, level=0)
    header = "" if not outer else f"<tr>{_head(outer, 'rowgroup', 'ww-group', shown.shape[1] + 1)}</tr>"
    kinds = [' class="num"' if column in numeric else "" for column in shown.columns]
    rows = "".join(
        f"<tr>{_head(_row_label(label), 'row')}{_values(row, kinds)}</tr>"
        for label, row in zip(part.index, part.to_numpy(), strict=True)
    )
    return f"<tbody>{header}{rows}</tbody>"


def _row_label(label: object) -> str | Label:
    """A row label; of several index levels, one text."""
    if isinstance(label, Label):
        return label
    return ": ".join(str(part) for part in label) if isinstance(label, tuple) else str(label)


def _values(row: Sequence[object], kinds: Sequence[str]) -> str:
    return "".join(f"<td{kind}>{escape(str(value))}</td>" for kind, value in zip(kinds, row, strict=True))


def show(
    shown: pd.DataFrame,
    *,
    name: str,
    label: str,
    data: pd.DataFrame | None = None,
    note: str = "",
    numeric: Sequence[str] | None = None,
) -> Table:
    """A table from a data frame whose index holds the row labels.

    Parameters
    ----------
    shown
        What readers see, as text; a MultiIndex makes grouped rows.
    name
        Unique on the page; also the name of the download.
    label
        Says what the table holds, for screen readers.
    data
        What the download holds; by default the shown text.
    numeric
        Columns to align as numbers; by default all.
    """
    numeric = tuple(shown.columns) if numeric is None else tuple(numeric)
    return Table(name, shown, shown.reset_index() if data is None else data, label, note, numeric)


def differences(frame: pd.DataFrame) -> pd.DataFrame:
    """Relative differences as text: numbers by their size, anything else as it is."""
    return frame.map(lambda value: formats.tiny(value) if isinstance(value, float) else f"{value}")


def effects(
    found: Effects,
    *,
    name: str,
    label: str,
    rows: Sequence[str] = ("group", "outcome_label"),
    levels: bool = True,
    labels: Mapping[str, str] | None = None,
    note: str = "",
) -> Table:
    """Effects with their levels, printed marks, intervals, where these come from, and p values.

    ``rows`` names the columns of ``found.frame`` that label the rows; ``labels`` their headings.
    """
    letters = _letters(found)
    headings = {
        "group": "Group", "outcome_label": "Outcome", "horizon_months": "Months", "service_label": "Interview",
        "comparison_label": "What",
        **(labels or {}),
    }  # fmt: skip
    frame = found.frame.assign(
        service_label=[codes.label("service", e.cell.service) if e.cell.service else "" for e in found],
        comparison_label=[codes.label("comparison", e.cell.comparison) for e in found],
        horizon_months=[f"{e.cell.horizon_months:.0f}" if e.cell.horizon_months else "–" for e in found],
    )
    shown = frame[list(rows)].rename(columns=headings)
    shown["Effect"] = [formats.used(e.cell) for e in found]
    shown["95% interval"] = [formats.effect_interval(e) + letters.get(e.how, "") for e in found]
    if levels:
        for arm, heading in LEVEL_COLUMNS.items():
            shown[heading] = [_level(e, getattr(e, arm)) for e in found]
    shown["p"] = [formats.p_value(e.estimate.p) if e.determined else "–" for e in found]
    indexed = shown.set_index([headings.get(row, row) for row in rows])
    notes = " ".join(part for part in (_where_from(letters), *_marks(found), note) if part)
    return Table(name, indexed, found.frame, label, notes, tuple(indexed.columns))


def _letters(found: Effects) -> dict[str, str]:
    """A superscript letter for each way in which the intervals came about; none where there is one way only."""
    ways = list(dict.fromkeys(effect.how for effect in found if effect.estimate.basis))
    return dict(zip(ways, "ᵃᵇᶜᵈᵉᶠᵍʰ" if len(ways) > 1 else [""], strict=False))


def _where_from(letters: Mapping[str, str]) -> str:
    return f"Intervals follow from {'; '.join(f'{letter} {way}'.strip() for way, letter in letters.items())}." * bool(
        letters
    )


def _marks(found: Effects) -> list[str]:
    """A sentence for every printed mark that the counts contradict, or that fits only because numbers are rounded."""
    verdicts = {
        "disagrees": "contradicts group sizes and percentages",
        "within rounding": "fits group sizes and percentages only because printed numbers are rounded",
    }
    return [
        f"The mark of {formats.printed(e.cell)} ({e.cell.reference}, {_what(e.cell)}) {verdicts[e.mark]}."
        for e in found
        if e.mark in verdicts
    ]


def _what(cell) -> str:
    months = f", {cell.horizon_months:.0f} months" if cell.horizon_months else ""
    return f"{codes.label('outcome', cell.outcome).lower()}{months}, {cell.group.lower()}"


def _level(effect, value: float | None) -> str:
    if value is None:
        return "–"
    cell = effect.cell
    return formats.number(value / cell.scale, cell.decimals or 0) + ("%" if cell.unit == "pp" else "")


def mirrored(
    cells: Cells, *, name: str, label: str, rows: str = "row", columns: str = "column", note: str = ""
) -> Table:
    """Printed cells in the arrangement of the report, labels in English, marks and suppressions as printed.

    ``rows`` and ``columns`` name coded columns (``outcome``, ``arm``, …); count and share of a cell share its place.
    """
    places: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        key = (_coded(cell, rows), _coded(cell, columns))
        places.setdefault(key, []).append(formats.printed(cell))
    shown = pd.Series({key: _join(texts) for key, texts in places.items()}).unstack(sort=False)
    shown.index.name, shown.columns.name = None, None
    return Table(name, shown.fillna("–"), cells.frame, label, note, tuple(shown.columns))


def _coded(cell, column: str) -> str:
    if column == "group":
        return cell.group
    if column == "category":
        return codes.label("category", cell.category, dimension=cell.dimension)
    if column == "horizon_months":
        return f"{cell.horizon_months:.0f} months" if cell.horizon_months else "–"
    return codes.label(column, getattr(cell, column))


def _join(texts: Sequence[str]) -> str:
    first, *rest = texts
    return f"{first} ({', '.join(rest)})" if rest else first


def corrections(cells: Cells) -> str:
    """A footnote on the misprints among these cells; empty if there is none."""
    notes = [
        f"{cell.reference}, {_coded(cell, 'group')}: printed {cell.correction.printed:g}, "
        f"read as {cell.correction.corrected:g} ({cell.correction.certainty}). {cell.correction.reason}"
        for cell in cells
        if cell.correction
    ]
    return " ".join(notes)
