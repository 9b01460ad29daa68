"""How near the microdata of a study come to its published figures: what the generators were made to meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pandas as pd

from watwerkt.errors import MicrodataError
from watwerkt.synthetic import instruments, intensive, wga

Tables = Mapping[str, pd.DataFrame]

_KNOWN: Mapping[str, tuple[Callable[[], pd.DataFrame], Callable[[Tables], pd.DataFrame]]] = MappingProxyType(
    {
        "instruments": (instruments.targets, instruments.margins),
        "intensive": (intensive.targets, intensive.margins),
        "wga": (wga.targets, wga.margins),
    }
)
POINTS = ("pct", "pp")


def compared(study: str, tables: Tables) -> pd.DataFrame:
    """Each published figure that a generator aims at, and the same figure of these microdata, in printed units.

    Columns: table, cell, unit, published, synthetic, difference (absolute).

    Raises MicrodataError for a study without a generator.
    """
    if study not in _KNOWN:
        raise MicrodataError(f"there is no generator of {study!r}.\n  allowed: {', '.join(_KNOWN)}")
    targets, margins = _KNOWN[study]
    found = targets().merge(margins(tables), on=["table", "cell"], validate="one_to_one")
    scale = found["unit"].isin(POINTS).map({True: 100.0, False: 1.0})
    for column in ("published", "synthetic"):
        found[column] = found[column] * scale
    found["difference"] = (found["published"] - found["synthetic"]).abs()
    return found[["table", "cell", "unit", "published", "synthetic", "difference"]]


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """By table and unit: how many figures, and the median and largest difference."""
    by = found.groupby(["table", "unit"], sort=False)["difference"]
    return by.agg(figures="size", median="median", largest="max").reset_index()
