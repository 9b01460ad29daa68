"""Least squares and two-stage least squares on cells with sufficient statistics, for millions of people.

People with the same instruments, receipt, controls and cluster are one row of ``n``, ``total`` (Σy) and ``squares``
(Σy²), as :func:`watwerkt.compress.statistics` makes them. Estimates, HC1 and clustered variances are those of the rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from watwerkt.errors import EstimationError
from watwerkt.estimate.regressors import CONSTANT, checked, numeric, refuse_collinear, regressors
from watwerkt.estimate.result import Result

STATISTICS = ["n", "total", "squares"]
WEAK = 10.0  # F of the first stage; Staiger & Stock (1997)


def iv(
    cells: pd.DataFrame,
    *,
    endogenous: str,
    instrument: str,
    controls: Sequence[str] = (),
    cluster: str | None = None,
    bases: Mapping[str, str] | None = None,
) -> Result:
    """Effect of an endogenous column with one instrument, by two-stage least squares.

    The same numbers as :func:`watwerkt.estimate.linear.iv` gives for the rows. Source: Wong et al. (2021); the HC1
    meat of a cell is Σ(y − xβ)² = Σy² − 2 xβ Σy + n (xβ)². Kit: ``iv_simulated``, by the test that compares both.

    Parameters
    ----------
    cells
        One row per cell: ``n``, ``total``, ``squares`` and the columns named.
    endogenous, instrument, controls, cluster, bases
        As in :func:`watwerkt.estimate.linear.iv`; ``cluster`` is one of the columns that cells agree on.

    Raises
    ------
    EstimationError
        As for the rows; and cells whose statistics cannot be (Σy² below (Σy)²/n).
    """
    table = _table(cells, [endogenous, instrument, *controls, *([cluster] if cluster else [])])
    constant = pd.DataFrame({CONSTANT: 1.0}, index=table.index)
    exog = pd.concat([constant, regressors(table, controls, bases=bases)], axis=1)
    x = pd.concat([exog, numeric(table, endogenous)], axis=1)
    z = pd.concat([exog, numeric(table, instrument)], axis=1)
    refuse_collinear(x, purpose="the regression")
    refuse_collinear(z, purpose="the first stage")
    groups = None if cluster is None else pd.factorize(table[cluster])[0]
    return _fitted("Two-stage least squares on cells", table, x, z, groups, endogenous, cluster)


def ols(
    cells: pd.DataFrame,
    *,
    of: str,
    controls: Sequence[str] = (),
    cluster: str | None = None,
    bases: Mapping[str, str] | None = None,
) -> Result:
    """Coefficients of a linear regression; otherwise as :func:`iv`, and as :func:`watwerkt.estimate.linear.ols`."""
    table = _table(cells, [of, *controls, *([cluster] if cluster else [])])
    constant = pd.DataFrame({CONSTANT: 1.0}, index=table.index)
    x = pd.concat([constant, numeric(table, of), regressors(table, controls, bases=bases)], axis=1)
    refuse_collinear(x, purpose="the regression")
    groups = None if cluster is None else pd.factorize(table[cluster])[0]
    return _fitted("Least squares on cells", table, x, x, groups, of, cluster)


def _table(cells: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    table = checked(cells, [*columns, *STATISTICS]).reset_index(drop=True)
    impossible = table["squares"] * table["n"] < table["total"] ** 2 * (1 - 1e-9) - 1e-9
    if (table["n"] <= 0).any() or impossible.any():
        row = int(np.argmax(impossible | (table["n"] <= 0)))
        found = ", ".join(f"{table[name][row]:g}" for name in STATISTICS)
        raise EstimationError(
            f"cell {row}: n, total and squares of {found} cannot be.\n"
            "  a cell holds people, the sum of their outcomes, and the sum of the squares"
        )
    return table


def _fitted(
    method: str, table: pd.DataFrame, x: pd.DataFrame, z: pd.DataFrame, groups: np.ndarray | None,
    focus: str, cluster: str | None,
) -> Result:  # fmt: skip
    n, total, squares = (table[name].to_numpy(float) for name in STATISTICS)
    xs, zs, people = x.to_numpy(), z.to_numpy(), float(n.sum())
    fitted = zs @ np.linalg.solve(zs.T @ (n[:, None] * zs), zs.T @ (n[:, None] * xs))
    bread = np.linalg.inv(fitted.T @ (n[:, None] * xs))
    values = bread @ (fitted.T @ total)
    left = people - xs.shape[1]
    if left <= 0:
        raise EstimationError(f"{people:g} people are too few for {xs.shape[1]} coefficients.\n  take fewer controls")
    at = xs @ values
    variance, df, diagnostics = "HC1", left, {"cells": float(len(n))}
    if groups is None:
        meat = people / left * (fitted.T @ ((squares - 2 * at * total + n * at**2)[:, None] * fitted))
    else:
        count = int(groups.max()) + 1
        scores = np.stack([np.bincount(groups, column) for column in (fitted * (total - n * at)[:, None]).T], axis=1)
        meat = count / (count - 1) * (people - 1) / left * (scores.T @ scores)
        variance, df = f"clustered by {cluster}", count - 1
        diagnostics["clusters"] = float(count)
    vcov = bread @ meat @ bread.T
    warnings: tuple[str, ...] = ()
    if z is not x:
        strength = _first_stage(n, xs[:, -1], zs, groups, people)
        diagnostics["first_stage_f"] = strength
        if strength < WEAK:
            warnings = (f"The instrument is weak: F = {strength:.1f}, below {WEAK:.0f}.",)
    return Result(
        method=method, names=tuple(x.columns), values=values, vcov=(vcov + vcov.T) / 2, n=round(people),
        variance=variance, focus=focus, df=df, warnings=warnings, diagnostics=diagnostics,
    )  # fmt: skip


def _first_stage(n: np.ndarray, d: np.ndarray, z: np.ndarray, groups: np.ndarray | None, people: float) -> float:
    """F of the instrument, which is the last column of z, with the variance asked for."""
    bread = np.linalg.inv(z.T @ (n[:, None] * z))
    values = bread @ (z.T @ (n * d))
    rest = d - z @ values
    if groups is None:
        meat = people / (people - z.shape[1]) * (z.T @ ((n * rest**2)[:, None] * z))
    else:
        count = int(groups.max()) + 1
        scores = np.stack([np.bincount(groups, column) for column in (z * (n * rest)[:, None]).T], axis=1)
        meat = count / (count - 1) * (people - 1) / (people - z.shape[1]) * (scores.T @ scores)
    variance = float((bread @ meat @ bread)[-1, -1])
    return float(values[-1] ** 2 / variance) if variance > 0 else math.inf
