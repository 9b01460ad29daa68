"""Discrete-time competing risks: monthly exits to work or otherwise as a multinomial logit on cells (methods B7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from watwerkt.compress import EXITS
from watwerkt.errors import EstimationError
from watwerkt.estimate.design import Cells
from watwerkt.estimate.result import Result

_ROUNDS = 50
_CLOSE = 1e-10  # Newton's decrement, a difference in log-likelihood: the estimates are then exact to the last bits


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model: coefficients as a :class:`Result` (``work:age=25-30``, …), and the cells it was fitted to."""

    result: Result
    cells: Cells
    log_likelihood: float

    @property
    def coefficients(self) -> np.ndarray:
        """2 × k: one row per exit, one column per name of the design."""
        return self.result.values.reshape(2, -1)


def fit(cells: Cells, *, variance: Literal["model", "robust"] = "model") -> Fit:
    """Coefficients of the monthly exits to work and otherwise, by maximum likelihood.

    The chance of exit e in a month is exp(x′βₑ) / (1 + exp(x′β_work) + exp(x′β_other)). All services stand in the
    model at once as states that change over time. Source: Allison (1982), section "multiple kinds of events"; the
    likelihood of cells equals that of person-months up to a constant. Kit: ``competing_multinomial``.

    Parameters
    ----------
    cells
        From :func:`watwerkt.estimate.design.cells_of`.
    variance
        ``model``: the inverse of the information matrix. ``robust``: the sandwich with the scores of single
        person-months, exact from the counts of each cell. A person's months need no clustering: given survival, their
        scores are uncorrelated.

    Raises
    ------
    EstimationError
        An exit that nobody took; a dummy whose people all or never take an exit (perfect separation); dummies that
        follow from each other (singular design).
    """
    _check_events(cells)
    k = len(cells.names)
    beta = _start(cells)
    p = _chances(cells, beta)
    value, (gradient, information) = _log_likelihood(cells, p), _derivatives(cells, p)
    for _ in range(_ROUNDS):
        step = _solved(information, gradient.ravel(), cells).reshape(2, k)
        decrement = float(gradient.ravel() @ step.ravel())
        if decrement < _CLOSE:
            break
        beta, value, gradient, information = _improved(cells, beta, step, value)
    else:
        raise EstimationError(
            f"the model did not settle in {_ROUNDS} rounds (decrement {decrement:.1e}).\n"
            "  look for a service with very few users, and merge its moments"
        )
    bread = np.linalg.inv(information)
    vcov = bread if variance == "model" else bread @ _meat(cells, beta) @ bread
    names = tuple(f"{kind}:{name}" for kind in EXITS for name in cells.names)
    result = Result(
        method="Discrete-time competing risks, multinomial logit",
        names=names,
        values=beta.ravel(),
        vcov=(vcov + vcov.T) / 2,
        n=int(cells.people["people"].sum()),
        variance={"model": "inverse information", "robust": "sandwich over person-months"}[variance],
        focus=names[0],
        diagnostics={"person_months": float(cells.n.sum()), "cells": float(len(cells.n)), "log_likelihood": value},
    )
    return Fit(result, cells, value)


def chances(predictors: np.ndarray) -> np.ndarray:
    """Chances of the exits from their linear predictors; the first axis is the exit."""
    top = np.maximum(predictors.max(axis=0), 0.0)
    odds = np.exp(predictors - top)
    return odds / (np.exp(-top) + odds.sum(axis=0))


def _start(cells: Cells) -> np.ndarray:
    """Begin from each month's own chances: most of what varies."""
    beta = np.zeros((2, len(cells.names)))
    months = cells.situations["month"].to_numpy()[cells.situation]
    people = np.bincount(months, cells.n, cells.plan.horizon)
    gone = np.column_stack([np.bincount(months, cells.exits[:, e], cells.plan.horizon) for e in (0, 1)])
    stayed = np.maximum(people - gone.sum(axis=1), 0.5)
    for place, name in enumerate(cells.names):
        if name.startswith("month="):
            month = int(name.removeprefix("month="))
            beta[:, place] = np.log(np.maximum(gone[month], 0.5) / stayed[month])
    return beta


def _chances(cells: Cells, beta: np.ndarray) -> np.ndarray:
    return chances(np.stack([cells.predictor(one) for one in beta]))


def _derivatives(cells: Cells, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of the log-likelihood (2 × k), and the information matrix (2k × 2k)."""
    gradient = np.stack([cells.total(cells.exits[:, e] - cells.n * p[e]) for e in (0, 1)])
    work, other = (cells.cross(cells.n * p[e] * (1 - p[e])) for e in (0, 1))
    both = -cells.cross(cells.n * p[0] * p[1])
    return gradient, np.block([[work, both], [both.T, other]])


def _log_likelihood(cells: Cells, p: np.ndarray) -> float:
    stay = cells.n - cells.exits.sum(axis=1)
    parts = (stay, 1 - p.sum(axis=0)), (cells.exits[:, 0], p[0]), (cells.exits[:, 1], p[1])
    with np.errstate(divide="ignore"):
        return float(sum((count[count > 0] * np.log(chance[count > 0])).sum() for count, chance in parts))


def _improved(
    cells: Cells, beta: np.ndarray, step: np.ndarray, value: float
) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    """The next coefficients: a whole step of Newton's, or as much of it as raises the likelihood."""
    for size in 0.5 ** np.arange(20):
        tried = beta + size * step
        p = _chances(cells, tried)
        found = _log_likelihood(cells, p)
        if found >= value - 1e-9 * abs(value):
            return tried, found, *_derivatives(cells, p)
    raise EstimationError("no step raises the likelihood.\n  look for a service with very few users")


def _meat(cells: Cells, beta: np.ndarray) -> np.ndarray:
    """Sum over person-months of the outer products of their scores: exact, because outcomes are counted per cell."""
    p = _chances(cells, beta)
    stay = cells.n - cells.exits.sum(axis=1)
    residuals = [((0 - p[0], 0 - p[1]), stay)]
    residuals += [(((e == 0) - p[0], (e == 1) - p[1]), cells.exits[:, e]) for e in (0, 1)]

    def block(first: int, second: int) -> np.ndarray:
        return cells.cross(sum(count * r[first] * r[second] for r, count in residuals))

    work, other, both = block(0, 0), block(1, 1), block(0, 1)
    return np.block([[work, both], [both.T, other]])


# --- what makes an estimate impossible --------------------------------------------------------------------------------


def _check_events(cells: Cells) -> None:
    """Refuse exits that nobody took, and dummies for which one of the outcomes never or always happened."""
    totals = cells.exits.sum(axis=0)
    for kind, total in zip(EXITS, totals, strict=True):
        if not total:
            raise EstimationError(f"nobody left for {kind!r}.\n  the model needs people with each kind of exit")
    months = cells.total(cells.n)
    outcomes = {kind: cells.total(cells.exits[:, place]) for place, kind in enumerate(EXITS)}
    outcomes["stay"] = months - sum(outcomes.values())
    faults = [
        f"{name} ({int(found[place])} months, none ending in {kind!r})"
        for kind, count in outcomes.items()
        for place, name in enumerate(cells.names)
        if (found := months)[place] > 0 and count[place] <= 0
    ]
    if faults:
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise EstimationError(
            f"perfect separation: {'; '.join(faults[:5])}{more}.\n"
            "  merge the moments of a service, or the categories of a characteristic, or leave it out of the plan"
        )


def _solved(information: np.ndarray, gradient: np.ndarray, cells: Cells) -> np.ndarray:
    try:
        lower = np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        raise _singular(information, cells) from None
    if np.diag(lower).min() < 1e-7 * np.sqrt(np.diag(information).max()):
        raise _singular(information, cells)
    return np.linalg.solve(lower.T, np.linalg.solve(lower, gradient))


def _singular(information: np.ndarray, cells: Cells) -> EstimationError:
    """Name the columns that take part in what follows from each other."""
    size = np.sqrt(np.diag(information))
    _, vectors = np.linalg.eigh(information / np.outer(size, size))
    share = np.abs(vectors[:, 0]).reshape(2, -1).max(axis=0)
    named = [cells.names[place] for place in np.argsort(-share)[:4] if share[place] > 0.1]
    return EstimationError(
        f"singular design: {', '.join(named)} follow from each other or have too few exits.\n"
        "  leave one of them out of the plan, or merge moments"
    )
