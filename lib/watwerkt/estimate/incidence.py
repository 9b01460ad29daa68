"""Cumulative incidence of competing exits without a model: what share has left for each reason by each month."""

from __future__ import annotations

import numpy as np
import pandas as pd

from watwerkt.errors import EstimationError
from watwerkt.estimate.result import Result


def cumulative_incidence(
    frame: pd.DataFrame, *, months: str, exit_: str, kinds: tuple[str, ...], weights: str | None = None
) -> Result:
    """Share of people who have left for each kind of exit by the end of each month, with censoring.

    Source: Aalen & Johansen (1978); variance by the infinitesimal jackknife, as R's ``survival`` computes it for
    several states. Ties are kept as they are: months are months. Kit: ``cumulative_incidence``.

    Parameters
    ----------
    frame
        One row per person, or per cell with a column of counts.
    months
        Column: month (1, 2, …) at whose end the person left, or was last seen.
    exit_
        Column: the kind of exit; any value that is not in ``kinds`` is none (censored at the end of that month).
    kinds
        The exits, in order.
    weights
        Column with the number of people in a row.

    Returns
    -------
    A result with names ``work:1``, ``work:2``, …, for every month in which somebody left.

    Raises
    ------
    EstimationError
        Missing or negative times, or an exit that nobody took.
    """
    time, kind, count = _checked(frame, months, exit_, kinds, weights)
    grid = np.unique(time[kind >= 0])
    cells = pd.DataFrame({"time": time, "kind": kind, "count": count}).groupby(["time", "kind"], as_index=False).sum()
    at_risk = np.array([cells.loc[cells["time"] >= t, "count"].sum() for t in grid])
    leaving = np.array(
        [
            [cells.loc[(cells["time"] == t) & (cells["kind"] == k), "count"].sum() for t in grid]
            for k in range(len(kinds))
        ]
    )
    hazard = leaving / at_risk
    survival = np.cumprod(1 - hazard.sum(axis=0))
    before = np.concatenate([[1.0], survival[:-1]])
    values = np.cumsum(before * hazard, axis=1)
    influence = _influence(cells, grid, at_risk, hazard, before, values)
    flat = influence.reshape(len(cells), -1)
    return Result(
        method="Cumulative incidence (Aalen–Johansen)",
        names=tuple(f"{name}:{t:g}" for name in kinds for t in grid),
        values=values.ravel(),
        vcov=flat.T @ (cells["count"].to_numpy()[:, None] * flat),
        n=int(count.sum()),
        variance="infinitesimal jackknife",
        focus=f"{kinds[0]}:{grid[-1]:g}",
    )


def _influence(
    cells: pd.DataFrame,
    grid: np.ndarray,
    at_risk: np.ndarray,
    hazard: np.ndarray,
    before: np.ndarray,
    values: np.ndarray,
) -> np.ndarray:
    """What one person of each cell adds to each value, to first order: cells × kinds × months.

    A small change of weight of one person changes the hazard of kind k at time s by (1{leaves for k at s} − hazard) /
    at risk while the person is there; the change runs through the product of survival and through the sum.
    """
    there = (cells["time"].to_numpy()[:, None] >= grid) / at_risk  # cells × months
    mine = (cells["time"].to_numpy()[:, None] == grid) / at_risk
    kinds = len(hazard)
    change = np.stack([mine * (cells["kind"].to_numpy() == k)[:, None] - there * hazard[k] for k in range(kinds)])
    stay = np.maximum(1 - hazard.sum(axis=0), 1e-300)
    log_survival = -np.cumsum(change.sum(axis=0) / stay, axis=1)
    lagged = np.column_stack([np.zeros(len(cells)), log_survival[:, :-1]])
    return np.stack([np.cumsum(before * (change[k] + hazard[k] * lagged), axis=1) for k in range(kinds)], axis=1)


def _checked(
    frame: pd.DataFrame, months: str, exit_: str, kinds: tuple[str, ...], weights: str | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    time = frame[months].to_numpy(float)
    count = np.ones(len(frame)) if weights is None else frame[weights].to_numpy(float)
    wrong = ~(time > 0)
    if wrong.any() or not len(frame):
        found = frame[months].iloc[int(np.argmax(wrong))] if len(frame) else "nobody"
        raise EstimationError(f"column {months!r}: {int(wrong.sum())} rows are not positive, such as {found!r}.")
    kind = np.full(len(frame), -1)
    for place, name in enumerate(kinds):
        kind[(frame[exit_] == name).to_numpy()] = place
        if not count[kind == place].sum():
            raise EstimationError(f"column {exit_!r}: nobody left for {name!r}.\n  leave it out of kinds")
    return time, kind, count
