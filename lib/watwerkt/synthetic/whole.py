"""Whole people: counts that keep to several shares at once, quotas, and a parameter that gives a wanted mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp, nnls

EQUAL = 1e4  # weight of an equation that must hold, against 1 for one that only smooths
NODES = 30  # of branch and bound: a limit that no clock has a say in, so that a seed always gives the same people
CLOSE = 0.1  # of the total difference: how much better other whole numbers might still be
HALVINGS = 36


def nearest(rows: Sequence[np.ndarray], wanted: Sequence[float], weights: Sequence[float]) -> np.ndarray:
    """Numbers ≥ 0 that come nearest to ``rows @ x = wanted`` by weighted least squares (Lawson & Hanson 1974)."""
    scale = np.asarray(weights, float)
    return nnls(np.asarray(rows) * scale[:, None], np.asarray(wanted) * scale)[0]


def whole(
    real: np.ndarray,
    rows: np.ndarray,
    wanted: np.ndarray,
    *,
    total: int,
    upper: np.ndarray | None = None,
) -> np.ndarray:
    """Whole numbers next to ``real`` that add up to ``total`` with the least Σ|rows @ y − wanted|.

    Each is ``real`` rounded up or down (one further where ``total`` asks for it), and at most ``upper``.
    """
    bins, checks = len(real), len(rows)
    low, high = np.floor(real + 1e-9), np.ceil(real - 1e-9)
    if upper is not None:
        low, high = np.minimum(low, upper), np.minimum(high, upper)
    if not low.sum() <= total <= high.sum():
        low, high = np.maximum(low - 1, 0), high + 1 if upper is None else np.minimum(high + 1, upper)
    sides = np.vstack([np.hstack([rows, -np.eye(checks)]), np.hstack([-rows, -np.eye(checks)])])
    found = milp(
        np.concatenate([np.zeros(bins), np.ones(checks)]),
        integrality=np.concatenate([np.ones(bins), np.zeros(checks)]),
        bounds=Bounds(np.concatenate([low, np.zeros(checks)]), np.concatenate([high, np.full(checks, np.inf)])),
        constraints=[
            LinearConstraint(sides, -np.inf, np.concatenate([wanted, -wanted])),
            LinearConstraint(np.concatenate([np.ones(bins), np.zeros(checks)])[None, :], total, total),
        ],
        options={"node_limit": NODES, "mip_rel_gap": CLOSE},
    )
    if found.x is None:
        raise ValueError(f"no whole numbers add up to {total}: {found.message}")
    return np.rint(found.x[:bins]).astype(int)


def quota(shares: Sequence[float], people: int) -> np.ndarray:
    """Whole numbers that add up to ``people`` in these proportions, by largest remainder."""
    ideal = np.asarray(shares, float) / np.sum(shares) * people
    counts = np.floor(ideal).astype(int)
    counts[np.argsort(counts - ideal, kind="stable")[: people - counts.sum()]] += 1
    return counts


def by_quota(rng: np.random.Generator, shares: Mapping[str, float], people: int) -> np.ndarray:
    """One category per person, in random order, with quotas in these proportions."""
    return rng.permutation(np.repeat(list(shares), quota(list(shares.values()), people)))


def spread(rng: np.random.Generator, people: int) -> np.ndarray:
    """One number between 0 and 1 per person, in random order, spread evenly."""
    return (rng.permutation(people) + 0.5) / max(people, 1)


def solve(mean: Callable[[float], float], wanted: float, *, low: float, high: float) -> float:
    """The parameter at which ``mean``, which falls as it grows, is what is wanted; an end where none reaches it."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if mean(middle) > wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
