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
_WEIGHT = 1e-6  # a column with less weight in the separating direction has no part in it
_REFUSED = (ConvergenceWarning, HessianInversionWarning, PerfectSeparationWarning)

Fitted = TypeVar("Fitted")


def separating_columns(matrix: pd.DataFrame, outcome: np.ndarray) -> list[str]:
    """The columns of a direction that separates those with the outcome from those without; empty if there is none.

    Linear programme of Konis (2007): the most that Σ s·x'b can be for |b| ≤ 1 with s·x'b ≥ 0 for everyone, where s is
    1 with the outcome and −1 without, and x'b = 0 for outcomes in between. Above nil there is (quasi-)complete
    separation (Albert & Anderson 1984).
    """
    scaled = matrix.to_numpy(float) / np.abs(matrix.to_numpy(float)).max(axis=0)
    between = (outcome > 0) & (outcome < 1)
    signed = scaled[~between] * np.where(outcome[~between] > 0, 1.0, -1.0)[:, None]
    ties = {"A_eq": scaled[between], "b_eq": np.zeros(between.sum())} if between.any() else {}
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1), **ties)
    if not found.success or -found.fun < _WEIGHT:
        return []
    return [str(name) for name, weight in zip(matrix.columns, found.x, strict=True) if abs(weight) > _WEIGHT]


def fitted_without_separation(
    fit: Callable[[], Fitted], matrix: pd.DataFrame, outcome: np.ndarray, *, name: str, constant: str
) -> Fitted:
    """What ``fit`` returns (a statsmodels result of a binary outcome), unless the columns separate the outcome.

    Raises EstimationError that names the separating columns, or says that the likelihood has no maximum.
    """
    try:
        with warnings.catch_warnings():
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
    cause = f"{', '.join(map(repr, columns))} separates" if len(columns) == 1 else f"{columns} together separate"
    raise EstimationError(
        f"{name!r}: {cause} those with 1 from those with 0 without error.\n"
        "  leave the column out, merge its categories, or leave the people out for whom the outcome is certain"
        if columns
        else f"{name!r}: the likelihood found no maximum.\n  look for columns on very different scales"
    )
