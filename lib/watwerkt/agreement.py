"""How near our estimators come to other software, as a table for a page."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from watwerkt import kits, tables
from watwerkt.tables import Table

HEADS = {"numbers": "Numbers", "estimate": "Estimates", "se": "Standard errors", "p": "p values", "other": "Other"}


def table(compared: pd.DataFrame, *, name: str, by: Literal["kit", "estimator"] = "kit") -> Table:
    """Numbers compared, and the largest relative difference by kind; one row per kit.

    ``compared`` comes from :func:`watwerkt.kits.compare_all`. ``by`` puts the comparison or the estimator first.
    """
    found = kits.summary(compared)
    heads = {column: head for column, head in HEADS.items() if column in found}
    first, second = ("title", "software") if by == "kit" else ("estimator", "title")
    named = found["estimator"].str.replace(r"^[AB]\d+ ", "", regex=True).str.capitalize()
    found = found.assign(estimator=named.str.replace("imr", "IMR").str.replace("romano–wolf", "Romano–Wolf"))
    rows = [tables.Label(one, two, "") for one, two in zip(found[first], found[second], strict=True)]
    shown = found.set_index(pd.Index(rows, name="Compared on" if by == "kit" else "Method"))[list(heads)]
    shown = tables.differences(shown.rename(columns=heads))
    label = "Largest relative difference from other software"
    return tables.show(shown, name=name, label=label, data=found).passed(public="numbers of reference kits")
