"""Where the published numbers come from, for readers: how they were entered, what was corrected."""

from __future__ import annotations

import json
from html import escape

import pandas as pd

from watwerkt import codes, entry, formats, linked, tables
from watwerkt.paths import data_dir
from watwerkt.published import FRACTIONS, Cell, Correction, corrections, published


def entered() -> pd.DataFrame:
    """Per study: tables, printed cells, numbers, numbers in the text, and differences between the two passes."""
    rows = {study: entry.entered(data_dir() / "entry" / study) for study in codes.codes("study")}
    names = list(entry.Entered.__dataclass_fields__)
    return pd.DataFrame([[getattr(e, n) for n in names] for e in rows.values()], index=list(rows), columns=names)


class Described:
    """The evidence base as linked data (schema.org), for search engines; shows nothing."""

    def _repr_html_(self) -> str:
        whole = json.loads((data_dir() / linked.FILE).read_text(encoding="utf-8"))
        return linked.script({key: value for key, value in whole.items() if key != "hasPart"}, root="../")


def entry_table() -> tables.Table:
    """How much of each study was entered twice, and where the two passes differ."""
    frame = entered()
    heads = {
        "tables": "Tables", "cells": "Printed cells", "numbers": "Numbers in tables",
        "statements": "Numbers in the text", "differences": "Differences left",
    }  # fmt: skip
    shown = pd.concat([frame, frame.sum().to_frame("all").T]).rename(columns=heads).map(lambda n: f"{n:,.0f}")
    labels = [codes.label("study", study) if study != "all" else "All" for study in shown.index]
    shown.index = pd.Index(labels, name="Study")
    data = pd.concat([frame, frame.sum().to_frame("all").T]).rename_axis("study").reset_index()
    return tables.show(shown, name="entry", label="Numbers entered twice", data=data)


class Corrections:
    """Every correction as a block of words: where, what is printed, what the book uses, how sure, and why."""

    def _repr_html_(self) -> str:
        groups: dict[tuple, list[tuple[str, Correction]]] = {}
        for (study, table, cell), made in corrections().items():
            groups.setdefault((study, table, made.certainty, made.reason), []).append((cell, made))
        return f'<div class="ww-findings">{"".join(_block(*key, cells) for key, cells in groups.items())}</div>'


def _block(study: str, table: str, certainty: str, reason: str, made: list[tuple[str, Correction]]) -> str:
    name = f'<a href="table/{study}-{table}.html">Table {table.removeprefix("T")}</a>'
    lines = "".join(f"<li>{_line(published(study, table).one(cell=cell), c)}</li>" for cell, c in made)
    return (
        f'<article class="ww-finding"><p class="ww-finding-head"><strong class="ww-{certainty}">'
        f"{certainty.capitalize()}</strong> <span>{escape(codes.label('study', study))} · {name}</span></p>"
        f"<ul>{lines}</ul><p>{escape(formats.with_minus(reason))}</p></article>"
    )


def _line(cell: Cell, made: Correction) -> str:
    percent = "%" if cell.unit in FRACTIONS else ""
    used = formats.number(made.corrected, cell.decimals or 0) + percent
    where = ", ".join(dict.fromkeys(part for part in (cell.panel, cell.row, cell.column) if part))
    return f'<span lang="nl">{escape(where)}</span>: printed {formats.as_printed(cell)}, used {used}'


def correction_frame() -> pd.DataFrame:
    """Every correction, one row each."""
    keys = [(s, t, c, m.printed, m.corrected, m.certainty, m.reason) for (s, t, c), m in corrections().items()]
    return pd.DataFrame(keys, columns=["study", "table", "cell", "printed", "corrected", "certainty", "reason"])
