"""Perfect separation: columns that tell without error who has a binary outcome, so that no finite estimate exists."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    HessianInversionWarning,
    PerfectSeparationError,
    PerfectSeparationWarning,
)

from watwerkt.errors import EstimationError

_SURE = 1e-7  # a fitted probability this close to 0 or 1 asks for the full search
_ABOVE_NIL = 1e-6  # what the linear programme leaves of nil
_REFUSED = (ConvergenceWarning, HessianInversionWarning, PerfectSeparationWarning)

Fitted = TypeVar("Fitted")


def separating_columns(matrix: pd.DataFrame, outcome: np.ndarray) -> list[str]:
    """The columns, constant included, that tell who has the outcome; empty if none do.

    First columns that do so alone; otherwise the fewest that still do so together, in the order of the matrix.
    """
    if alone := [str(name) for name in matrix if _alone(matrix[name].to_numpy(float), outcome)]:
        return alone
    needed = list(matrix.columns)
    if not _separates(matrix, outcome):
        return []
    for name in matrix.columns:
        rest = [other for other in needed if other != name]
        if rest and _separates(matrix[rest], outcome):
            needed = rest
    return [str(name) for name in needed]


def _alone(column: np.ndarray, outcome: np.ndarray) -> bool:
    with_it, without = column[outcome > 0], column[outcome < 1]
    if column.min() == column.max() or not len(with_it) or not len(without):
        return False
    return with_it.min() >= without.max() or with_it.max() <= without.min()


def _separates(matrix: pd.DataFrame, outcome: np.ndarray) -> bool:
    """Linear programme of Konis (2007): whether Σ s·x'b can exceed nil for |b| ≤ 1 with s·x'b ≥ 0 for everyone.

    s is 1 with the outcome and −1 without; x'b = 0 for outcomes in between. Above nil there is complete or
    quasi-complete separation (Albert & Anderson 1984).
    """
    scaled = matrix.to_numpy(float) / np.abs(matrix.to_numpy(float)).max(axis=0)
    between = (outcome > 0) & (outcome < 1)
    signed = scaled[~between] * np.where(outcome[~between] > 0, 1.0, -1.0)[:, None]
    ties = {"A_eq": scaled[between], "b_eq": np.zeros(between.sum())} if between.any() else {}
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1), **ties)
    return bool(found.success and -found.fun > _ABOVE_NIL)


def fitted_without_separation(
    fit: Callable[[], Fitted], matrix: pd.DataFrame, outcome: np.ndarray, *, name: str, constant: str
) -> Fitted:
    """What ``fit`` returns (a statsmodels result of a binary outcome), unless the columns separate the outcome.

    Raises EstimationError that names the separating columns, or says that the likelihood has no maximum.
    """
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            for category in _REFUSED:
                warnings.simplefilter("error", category)
            model = fit()
        sure = np.asarray(model.predict(matrix.to_numpy(float)))
        if model.converged and sure.min() > _SURE and sure.max() < 1 - _SURE:
            return model
    except (*_REFUSED, PerfectSeparationError, np.linalg.LinAlgError):
        model = None
    columns = [column for column in separating_columns(matrix, outcome) if column != constant]
    if not columns and model is not None and model.converged:
        return model
    if not columns:
        raise EstimationError(
            f"{name!r}: the likelihood found no maximum.\n  look for columns on very different scales"
        )
    raise EstimationError(
        f"{name!r}: {', '.join(map(repr, columns))} {'separates' if len(columns) == 1 else 'separate'} those with 1 "
        "from those with 0 without error.\n"
        "  leave the column out, merge its categories, or leave the people out for whom the outcome is certain"
    )
