"""What is wrong with microdata, in words: where, what was found, how often, what is allowed, and a guess why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent

import numpy as np
import pandas as pd

from watwerkt.codes import label
from watwerkt.errors import MicrodataError
from watwerkt.microdata.convert import as_text
from watwerkt.microdata.schema import Field

SHOWN = 20
_LISTED_CODES = 12
_MISSING_WORDS = {"na", "n/a", "#n/a", "nan", "null", "none", "missing", ".", "-", "onbekend", "unknown"}
_NOUNS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date",
    "string": "text",
}
_NEXT = {
    "integer": "write digits only: 1238",
    "number": "write digits, and a dot as decimal sign: 12.5",
    "boolean": "allowed: true or false, 1 or 0, yes or no, ja or nee",
    "date": "write dates as year-month-day: 2013-04-15",
    "string": "write it as text, or as a whole number",
}
# Units in which a file may hold a column by mistake: how many of the mistaken unit make one of the right one.
_MISTAKEN = {
    "eur_per_hour": (156.0, "euros per month", "divide by the hours worked per month"),
    "months": (30.4, "days", "divide by the days of a month, 30.4"),
    "weeks": (7.0, "days", "divide by 7"),
    "eur": (100.0, "eurocents", "divide by 100"),
}
_FRACTIONS = (100.0, "percentages", "divide by 100")


@dataclass(frozen=True)
class Problem:
    """One kind of fault in one place: the first ``rows`` that have it, and how many there are."""

    where: str
    what: str
    then: str
    column: str = ""
    rows: tuple[int, ...] = ()
    count: int = 0
    more: str = ""

    def __str__(self) -> str:
        place = self.where + (f", row {self.rows[0]}" if self.rows else "")
        place += f", column '{self.column}'" if self.column else ""
        listed = ", ".join(map(str, self.rows)) + (", …" if self.count > len(self.rows) else "")
        told = f"{self.count:,} rows: {listed}" if self.count > 1 else ""
        counts = "; ".join(part for part in (told, self.more) if part)
        return f"{place}: {self.what}{f' ({counts})' if counts else ''}.\n  {self.then}"


def refuse(problems: Sequence[Problem | str], where: str) -> None:
    """Raise MicrodataError with up to :data:`SHOWN` problems; nothing happens where there are none."""
    if len(problems) == 1:
        raise MicrodataError(str(problems[0]))
    if problems:
        shown = indent("\n".join(map(str, problems[:SHOWN])), "  ")
        rest = len(problems) - SHOWN
        more = f"\n  … and {rest} more; mend these first" if rest > 0 else ""
        raise MicrodataError(f"{where}: {len(problems)} problems.\n{shown}{more}")


def unfit(field: Field, values: Sequence[object], labelled: str) -> tuple[str, str, str]:
    """What to say of distinct values that are not of the field's type: what, which others, and the next step."""
    first, others = values[0], [repr(as_text(value)) for value in values[1:4]]
    more = f"also {', '.join(others)}{', …' if len(values) > 4 else ''}" if others else ""
    shown = repr(as_text(first)) + (f" (labelled {labelled!r})" if labelled else "")
    if field.code_list:
        within = f" of {field.dimension}" if field.dimension else ""
        return f"{shown} is not a code or label{within} in data/codes/{field.code_list}.csv", more, _codes(field)
    return f"{shown} is not {_NOUNS[field.type]}", more, _advice(field, first)


def outside(field: Field, values: pd.Series, mask: np.ndarray) -> str:
    """What is allowed; with a guess at the unit if most values lie outside and would fit in another one."""
    allowed = f"allowed: {limits(field)}{unit_of(field)}"
    factor, name, then = _mistaken(field)
    numbers = values.dropna()
    if field.type == "date" or not factor or mask.sum() <= len(numbers) / 2:
        return allowed
    fitting = numbers / factor
    if field.maximum is not None and (fitting <= field.maximum).mean() >= 0.9 and (values[mask] > field.maximum).all():
        return f"{allowed}\n  most values look like {name}: {then}"
    return allowed


def limits(field: Field) -> str:
    """The range of a field in words."""
    low, high = field.minimum, field.maximum
    if low is None or high is None:
        return f"{low} or more" if high is None else f"{high} or less"
    return f"{low} to {high}"


def unit_of(field: Field) -> str:
    """The unit of a field in brackets, as part of a sentence; empty where it has none."""
    return f" ({label('unit', field.unit)})" if field.unit else ""


def _mistaken(field: Field) -> tuple[float, str, str]:
    if field.type == "number" and field.maximum == 1:
        return _FRACTIONS
    return _MISTAKEN.get(field.unit, (0.0, "", ""))


def _advice(field: Field, value: object) -> str:
    text = as_text(value)
    if text.casefold() in _MISSING_WORDS:
        return "leave a missing value empty"
    if field.type in ("integer", "number") and re.fullmatch(r"-?\d{1,3}(\.?\d{3})*,\d+", text):
        return f"use a dot as decimal sign: {text.replace('.', '').replace(',', '.')}"
    if field.type == "date":
        if isinstance(value, int | float):
            return "give the column the type of a date; in SPSS, Stata and Parquet a date is no bare number"
        if not isinstance(value, str):
            return "write a day without time of day and without time zone"
    return _NEXT[field.type]


def _codes(field: Field) -> str:
    listed = [f"{key} ({code.nl} / {code.en})" for key, code in field.codes.items()]
    rest = len(listed) - _LISTED_CODES
    more = f" and {rest} more; all are listed by: python -m watwerkt.microdata describe" if rest > 0 else ""
    return f"allowed: {', '.join(listed[:_LISTED_CODES])}{more}"
