"""What a report says outside its tables: the numbers in its text, and its lists in words."""

from __future__ import annotations

from html import escape

import pandas as pd

from watwerkt import formats, tables
from watwerkt.paths import data_dir
from watwerkt.published import LISTS, Statement, listed, prose
from watwerkt.schema import load_schema

HIDDEN = {"study", "key"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec")
UNIT_WORDS = {
    "pct": "%", "pp": "points", "eur": "euros", "eur_per_hour": "euros per hour", "count": "", "number": "",
}  # fmt: skip


def summary(study: str) -> str:
    """How many numbers and lists stand on the page, in a sentence."""
    names = [schema(name)["title"].lower() for name in present(study)]
    also = f" Besides, as lists in own words: {', '.join(names)}." if names else ""
    return f"Its text gives {len(prose(study))} numbers about its design and results.{also}"


def present(study: str) -> list[str]:
    """The lists that a study has."""
    return [name for name in LISTS if (data_dir() / "published" / study / f"{name}.csv").exists()]


def schema(name: str) -> dict:
    """The schema of a list: its title, description and fields."""
    return load_schema(f"schemas/{name}.json", data_dir() / "schemas")


def numbers(study: str) -> tables.Table:
    """The numbers in the text, one row each."""
    said = list(prose(study).values())
    shown = pd.DataFrame(
        {
            "Number": [amount(s) for s in said],
            "Section": [s.section for s in said],
            "Also in": [_place(s.repeats) for s in said],
        },
        index=pd.Index([s.statement for s in said], name="Statement"),
    )
    columns = ("key", "statement", "value", "decimals", "unit", "section", "repeats", "source")
    data = pd.DataFrame([[getattr(s, c) for c in columns] for s in said], columns=list(columns))
    return tables.show(shown, name="numbers", label="Numbers in the text", data=data, numeric=())


def amount(said: Statement) -> str:
    """A number of the text with its unit, dates as dates."""
    digits = f"{said.value:.0f}"
    if said.unit == "date":
        return f"{int(digits[6:])} {MONTHS[int(digits[4:6]) - 1]} {digits[:4]}"
    if said.unit == "month":
        return f"{MONTHS[int(digits[4:6]) - 1]} {digits[:4]}"
    if said.unit == "quarter":
        return f"quarter {digits[4:]} of {digits[:4]}"
    if said.unit == "year":
        return digits
    unit = UNIT_WORDS.get(said.unit, said.unit)
    return formats.number(said.value, said.decimals) + (unit if unit == "%" else f" {unit}".rstrip())


def _place(repeats: str) -> str:
    return f"Table {repeats.partition(':')[0].removeprefix('T')}" if repeats else ""


class Lists:
    """The lists of a study, each as a block of headed entries that reads on a phone as well."""

    def __init__(self, study: str):
        self.study = study

    def _repr_html_(self) -> str:
        return "".join(self._one(name) for name in present(self.study))

    def _one(self, name: str) -> str:
        about, rows = schema(name), listed(self.study, name)
        fields = [field for field in about["fields"] if field["name"] not in HIDDEN]
        entries = "".join(_entry(row, fields) for row in rows.to_dict("records"))
        address = f"data/published/{self.study}/{name}.csv"
        return (
            f'<section class="ww-list"><p class="ww-list-title" id="{name}"><strong>{escape(about["title"])}</strong>. '
            f'{escape(about["description"])} <a download href="../../{address}">CSV</a></p>{entries}</section>'
        )


def _entry(row: dict[str, str], fields: list[dict]) -> str:
    """One entry: its title, and what else it says as a list of terms."""
    head = row.get("title") or row.get("label_en") or ""
    rest = [f for f in fields if row[f["name"]] and f["name"] not in ("title", "label_en")]
    terms = "".join(f"<dt>{escape(f['title'])}</dt><dd>{escape(_words(row[f['name']]))}</dd>" for f in rest)
    return f'<details class="ww-entry"><summary>{escape(head)}</summary><dl>{terms}</dl></details>'


def _words(value: str) -> str:
    return value.replace("_", " ") if value.replace("_", "").isalpha() and value.islower() else value


def lists(study: str) -> Lists:
    """The lists of a study, to show on a page."""
    return Lists(study)
