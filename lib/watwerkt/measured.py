"""What was measured of this book's own software, and recorded (``make bench RECORD=yes``)."""

from __future__ import annotations

import pandas as pd

from watwerkt.errors import PublishedDataError
from watwerkt.paths import data_dir, shown

COLUMNS = ["model", "way", "rows", "seconds", "mb"]
WAYS = {
    ("iv", "cells"): "This book, on cells",
    ("iv", "linearmodels"): "linearmodels, on rows",
    ("iv", "pyfixest"): "pyfixest, on rows",
    ("months", "cells"): "This book, on cells",
    ("months", "rows"): "statsmodels, on rows",
    ("months", "full"): "This book, both populations",
}


def estimators() -> pd.DataFrame:
    """Seconds and memory (MB above the libraries) of each way to fit a model, by number of rows.

    Columns: model (``iv``, ``months``), way, rows, seconds, mb, label.
    """
    path = data_dir() / "bench" / "estimators.csv"
    if not path.exists():
        raise PublishedDataError(f"{shown(path)}: there is no such file.\n  measure: make bench RECORD=yes")
    found = pd.read_csv(path)
    if list(found.columns) != COLUMNS:
        raise PublishedDataError(f"{shown(path)}: the columns are {list(found.columns)}.\n  allowed: {COLUMNS}")
    return found.assign(label=[WAYS[key] for key in zip(found["model"], found["way"], strict=True)])


def ratio(found: pd.DataFrame, model: str, ours: str, peer: str, column: str) -> float:
    """How many times as much the peer needs as we do, at our largest size; beyond the peer's own largest in proportion
    to the rows."""
    first, second = (
        found[(found["model"] == model) & (found["way"] == way)].sort_values("rows").iloc[-1] for way in (ours, peer)
    )
    return float(second[column] * (first["rows"] / second["rows"]) / first[column])
