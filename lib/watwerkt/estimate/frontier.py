"""Why no weights reach a target: which one, and what could be reached (for ``watwerkt.estimate.balancing``)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

from watwerkt.errors import EstimationError

TILT_LIMIT = 1e4  # multipliers beyond this, per standard deviation, have left for infinity
SUSPECT = 1e-8  # a weight this small beside its base weight may stand for zero
_SAME = 1e-9
_NO_WEIGHT = 1e-7  # the largest smallest weight, times n, that the linear programme tells from zero


def spread(z: np.ndarray) -> np.ndarray:
    """The standard deviation of each column, to bring moments to one size; 1 for a column that never varies."""
    found = z.std(axis=0)
    return np.where(found > 0, found, 1.0)


def refuse_targets(values: np.ndarray, goals: np.ndarray, names: Sequence[str], group: str) -> None:
    """Raise EstimationError for the first target (of m) that no respondents' values (n × m) lie around."""
    lows, highs = values.min(axis=0), values.max(axis=0)
    for j in sorted(range(len(names)), key=lambda j: goals[j] != 0):  # a category at nil is why another is at one
        name, goal, low, high = names[j], goals[j], lows[j], highs[j]
        slack = _SAME * max(1.0, abs(goal))
        if low < goal < high or (low == high and abs(goal - low) <= slack):
            continue
        column, _, moment = name.partition(": ")
        if moment not in ("mean", "variance") and high == 0:
            why, mend = f"no respondent is in it, its target is {goal:.4g}", "merge it with another category"
        elif moment not in ("mean", "variance") and goal == 0:
            why, mend = "there are respondents in it, its target is 0", "leave them out before weighting"
        else:
            why = f"the target {goal:.6g} is not inside the respondents' range, {low:.6g} to {high:.6g}"
            mend = f"give up this target, or coarsen {column!r}"
        raise EstimationError(f"the weights cannot balance {name!r} (group {group}): {why}.\n  {mend}")


def refuse_edge(z: np.ndarray, names: Sequence[str], group: str, ratio: np.ndarray, *, reached: bool) -> None:
    """Raise EstimationError if no positive weights make the weighted columns of ``z`` (n × k, less targets) zero.

    ``ratio`` is each weight over its base weight, and ``reached`` whether Newton's method got there.
    """
    if reached and ratio.min() >= SUSPECT:
        return
    gaps = _gaps(z)
    if gaps.any():
        missed = "; ".join(
            f"{names[j]} stays {abs(gaps[j]):.4g} too {'low' if gaps[j] > 0 else 'high'}" for j in np.flatnonzero(gaps)
        )
        raise EstimationError(
            f"the weights cannot balance all targets together (group {group}): nearest, {missed}.\n"
            "  give up one of the targets, or merge categories"
        )
    if _least_weight(z) <= _NO_WEIGHT:
        raise EstimationError(
            f"the weights cannot balance group {group}: the targets leave some respondents no weight at all.\n"
            "  give up one of the targets, merge categories, or leave those respondents out"
        )
    if not reached:
        raise EstimationError(
            f"the weights of group {group} did not settle: a target lies very near the edge of what can be reached.\n"
            "  give up one of the targets, or merge categories"
        )


def _gaps(z: np.ndarray) -> np.ndarray:
    """What is missing from each moment (k) when all come as near to their targets as weights allow; 0 where reached."""
    n, k = z.shape
    scale = spread(z)
    cost = np.concatenate([np.zeros(n), np.ones(2 * k)])
    equal = np.vstack([np.hstack([(z / scale).T, np.eye(k), -np.eye(k)]), np.hstack([np.ones(n), np.zeros(2 * k)])])
    found = linprog(cost, A_eq=equal, b_eq=np.concatenate([np.zeros(k), [1.0]]), method="highs")
    if not found.success:
        raise EstimationError(
            f"the weights did not settle, and the reason was not found: {found.message}.\n  use fewer targets"
        )
    gap = (found.x[n : n + k] - found.x[n + k :]) * scale
    return np.where(np.abs(gap) > _NO_WEIGHT * scale, gap, 0.0)


def _least_weight(z: np.ndarray) -> float:
    """The largest that the smallest weight can be, times n, under the targets; 1 where equal weights reach them."""
    n = len(z)
    scale = spread(z)
    u = z / scale
    equal = np.vstack([np.hstack([u.T, u.sum(axis=0)[:, None] / n]), np.ones(n + 1)])
    goal = np.concatenate([np.zeros(n), [-1.0]])
    found = linprog(goal, A_eq=equal, b_eq=np.concatenate([np.zeros(u.shape[1]), [1.0]]), method="highs")
    return float(-found.fun) if found.success else 0.0
