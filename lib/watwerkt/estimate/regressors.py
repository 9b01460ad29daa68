"""From the columns of a table to regressors: checks that name column and row, and dummies of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from watwerkt.errors import EstimationError

CONSTANT = "constant"
_RANK = 1e-9  # a column of unit length with less than this left beside the others says nothing of its own


def checked(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The columns, if each exists once without missing or infinite values; EstimationError names the first fault."""
    for column in dict.fromkeys(columns):
        found = list(frame.columns).count(column)
        if found != 1:
            known = ", ".join(map(repr, dict.fromkeys(frame.columns)))
            raise EstimationError(
                f"there {'is no column' if not found else f'are {found} columns'} {column!r} in the table.\n"
                f"  give one of: {known}"
            )
        _refuse(frame[column], frame[column].isna(), "missing")
        if pd.api.types.is_numeric_dtype(frame[column]):
            _refuse(frame[column], ~np.isfinite(frame[column].astype(float)), "not finite")
    return frame[list(dict.fromkeys(columns))]


def numeric(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column as floating-point numbers; EstimationError if it holds text, or one value only."""
    values = frame[column]
    if not pd.api.types.is_numeric_dtype(values):
        raise EstimationError(
            f"column {column!r} is no number: its first value is {values.iloc[0]!r}.\n"
            f"  make a column of numbers of it, or of 0 and 1: (frame[{column!r}] == ...).astype(float)"
        )
    values = values.astype(float)
    if values.nunique() == 1:
        raise EstimationError(
            f"column {column!r} never varies: it is {values.iloc[0]:g} for all {len(values)} people.\n"
            "  with no events, or nothing else, there is no effect to estimate: take a wider group or another column"
        )
    return values


def binary(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column of 0 and 1 with at least two people each; EstimationError otherwise."""
    if len(frame) and not (pd.api.types.is_numeric_dtype(frame[column]) and frame[column].isin([0, 1]).all()):
        other = frame[column][~frame[column].isin([0, 1])].astype(object).head(1)
        raise EstimationError(
            f"column {column!r} holds {other.tolist()[0]!r} in row {other.index[0]}; allowed: 0 and 1.\n"
            f"  make an indicator of it: (frame[{column!r}] == ...).astype(float)"
        )
    values = frame[column].astype(float)
    ones = int(values.sum())
    for value, people in ((0, len(values) - ones), (1, ones)):
        if people < 2:
            raise EstimationError(
                f"column {column!r}: {'one person has' if people else 'nobody has'} {value}, of {len(values)} people.\n"
                "  a group needs at least two people; take a wider group"
            )
    return values


def regressors(frame: pd.DataFrame, columns: Sequence[str], *, bases: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Columns as numbers: numeric ones as they are, categories as dummies ``column=category`` without the base.

    The base is ``bases[column]``, or the first category in alphabetical order. Raises EstimationError if a column has
    one value only, or a base does not occur.
    """
    bases = bases or {}
    if unknown := set(bases) - set(columns):
        raise EstimationError(
            f"a base is given for {min(unknown)!r}, which is no control.\n  controls: {list(columns)}"
        )
    parts = [pd.DataFrame(index=frame.index)]
    for column in columns:
        if pd.api.types.is_numeric_dtype(frame[column]):
            parts.append(numeric(frame, column).to_frame())
            continue
        if pd.api.types.is_datetime64_any_dtype(frame[column]):
            raise EstimationError(
                f"column {column!r} holds dates, which are neither numbers nor categories.\n"
                "  make a number of them (days since a date) or periods (text)"
            )
        parts.append(_dummies(frame[column].astype(str), bases.get(column)))
    return pd.concat(parts, axis=1)


def refuse_collinear(matrix: pd.DataFrame, *, purpose: str) -> None:
    """Raise EstimationError naming the first column that is a combination of those before it, and these."""
    people, count = matrix.shape
    if people <= count:
        raise EstimationError(
            f"{people} people are too few for {purpose} with {count} coefficients.\n"
            "  take fewer controls, merge their categories, or take a wider group"
        )
    unit = matrix.to_numpy() / np.sqrt((matrix.to_numpy() ** 2).sum(axis=0))
    left = np.abs(np.diag(np.linalg.qr(unit, mode="r")))
    if (left > _RANK).all():
        return
    place = int(np.argmax(left <= _RANK))
    weights = np.linalg.lstsq(unit[:, :place], unit[:, place], rcond=None)[0]
    others = [repr(name) for name, weight in zip(matrix.columns, weights, strict=False) if abs(weight) > _RANK**0.5]
    raise EstimationError(
        f"{purpose}: column {matrix.columns[place]!r} follows from {', '.join(others)}: "
        "their effects cannot be told apart.\n  leave one of them out"
    )


def _dummies(values: pd.Series, base: str | None) -> pd.DataFrame:
    categories = sorted(values.unique())
    base = categories[0] if base is None else base
    if base not in categories:
        raise EstimationError(
            f"column {values.name!r}: nobody is in the base category {base!r}.\n  allowed: {', '.join(categories)}"
        )
    if len(categories) == 1:
        raise EstimationError(
            f"column {values.name!r} never varies: all {len(values)} people are {base!r}.\n  leave it out"
        )
    rest = [category for category in categories if category != base]
    indicators = (values.to_numpy()[:, None] == np.array(rest, dtype=object)).astype(float)
    return pd.DataFrame(indicators, index=values.index, columns=[f"{values.name}={category}" for category in rest])


def _refuse(values: pd.Series, bad: pd.Series, what: str) -> None:
    if not bad.any():
        return
    row, count = values.index[bad.to_numpy()][0], int(bad.sum())
    raise EstimationError(
        f"column {values.name!r}: {count} of {len(values)} values {'is' if count == 1 else 'are'} {what}, "
        f"the first in row {row}.\n  fill them in, or leave these people out and say so"
    )
