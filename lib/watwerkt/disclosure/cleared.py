"""A table that has passed the guard: unsafe numbers are missing, and a note and a stamp say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Number

import pandas as pd

from watwerkt.errors import DisclosureError

STATUS = "status"
RULES = ("few", "group", "dominance", "size", "complementary")
REASONS = (
    "A number is withheld where fewer than {minimum} people stand behind it, where it would say that all people of a "
    "group are alike, where a few large amounts make it up, or where one of these would follow from it."
)


@dataclass(frozen=True)
class Cleared:
    """What may be shown of a table made from microdata.

    Attributes
    ----------
    settings
        The settings of the guard.
    cells
        How many numbers were put to the guard.
    withheld
        How many of them are withheld, by rule: for authors. Readers are not told by which rule, since "all alike" of a
        single withheld share would give it away.
    family
        Names the verdict on a family of pages, the same on each of them; empty for a table of its own.
    """

    settings: Mapping[str, float]
    cells: int
    withheld: Mapping[str, int]
    family: str
    _frame: pd.DataFrame

    @property
    def frame(self) -> pd.DataFrame:
        """The table, with missing values for what is withheld and a column ``status`` (shown, suppressed)."""
        return self._frame.copy()

    @property
    def statement(self) -> str:
        """A sentence for the note under the table."""
        if not self.withheld:
            return ""
        what = f"{sum(self.withheld.values())} of {self.cells} numbers"
        return f"Withheld to protect people: {what}. {REASONS.format(**self.settings)}"

    @property
    def stamp(self) -> dict[str, object]:
        """Proof of passage, for the payload of a table or chart: settings, numbers put and withheld, family."""
        return {
            "guard": dict(self.settings),
            "cells": self.cells,
            "withheld": sum(self.withheld.values()),
            "family": self.family,
        }


def cleared(
    frame: pd.DataFrame,
    rules: Mapping[str, list[str]],
    *,
    settings: Mapping[str, float],
    rounding: Mapping[str, float] | None = None,
    family: str = "",
) -> Cleared:
    """Withhold the numbers with a rule: ``rules`` holds, for each column of numbers, a rule or nothing for each row."""
    if STATUS in frame:
        raise DisclosureError(f"the table has a column {STATUS!r}, which the guard writes.\n  give it another name")
    if unknown := sorted(set(rounding or {}) - set(rules)):
        raise DisclosureError(f"{unknown[0]!r} cannot be rounded.\n  allowed: {', '.join(rules)}")
    for column in frame.columns.difference(list(rules)):
        if frame[column].dtype == object and any(isinstance(value, Number) for value in frame[column].dropna()):
            raise DisclosureError(f"{column!r} holds numbers among texts.\n  make it a column of numbers")
    made = frame.copy()
    for column, base in (rounding or {}).items():
        made[column] = (made[column] / base).round() * base
    for column, broken in rules.items():
        numbers = made[column].astype("Int64") if pd.api.types.is_integer_dtype(made[column]) else made[column]
        made[column] = numbers.mask([bool(rule) for rule in broken])
    held = [any(by_row) for by_row in zip(*rules.values(), strict=True)]
    made[STATUS] = ["suppressed" if one else "shown" for one in held]
    count = Counter(rule for broken in rules.values() for rule in broken if rule)
    withheld = {rule: count[rule] for rule in RULES if count[rule]}
    return Cleared(dict(settings), sum(map(len, rules.values())), withheld, family, made)
