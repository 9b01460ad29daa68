"""Models that reproduce printed totals: moment equations, printed levels made to agree, and whole people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtr, ndtri

from watwerkt.synthetic.whole import quota

Link = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # from index to mean and slope

STEPS = 100
HALVINGS = 30
CLOSE = 1e-7  # of the largest target: far below one person
NODES = 24  # of the average over people's willingness to ask for services
SWAPS = 1000
CANDIDATES = 60
SETTLED = 1e-9


def logistic(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability of a logistic model, and its slope."""
    p = expit(index)
    return p, p * (1 - p)


def normal(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability of a probit, and its slope."""
    return ndtr(index), np.exp(-0.5 * index**2) / np.sqrt(2 * np.pi)


def identity(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A linear model."""
    return index, np.ones_like(index)


def exponential(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A log-linear model."""
    mean = np.exp(np.clip(index, -30, 30))
    return mean, mean


def solve(
    design: np.ndarray,
    target: np.ndarray,
    *,
    link: Link,
    weight: np.ndarray | float = 1.0,
    offset: np.ndarray | float = 0.0,
    moments: np.ndarray | None = None,
) -> np.ndarray:
    """Coefficients b with Σ weight · link(offset + design b) · moments = target, by Newton's method.

    With moments equal to the design (as when none are given) these are the score equations of a generalised linear
    model whose sufficient statistics are the printed totals. Raises ValueError where no coefficients reach them.
    """
    moments = design if moments is None else moments
    b = np.zeros(design.shape[1])

    def gap(at: np.ndarray) -> np.ndarray:
        return target - moments.T @ (link(offset + design @ at)[0] * weight)

    left = gap(b)
    for _ in range(STEPS):
        if np.abs(left).max() <= CLOSE * max(np.abs(target).max(), 1.0):
            return b
        slope = link(offset + design @ b)[1] * weight
        step = np.linalg.lstsq(moments.T @ (design * slope[:, None]), left, rcond=1e-12)[0]
        tries = (b + step * 0.5**half for half in range(HALVINGS))
        better = next((one for one in tries if np.abs(gap(one)).sum() < np.abs(left).sum()), None)
        if better is None:
            break
        b, left = better, gap(better)
    raise ValueError(f"no model has these totals; {np.abs(left).max():.3g} off")


def tail(index: np.ndarray, asking: np.ndarray | None, kind: str, tie: float) -> tuple[np.ndarray, np.ndarray]:
    """P(u > −index), and its slope, for everyone (``all``) or for those who do or do not ask for services.

    u and the willingness to ask v are standard normal with correlation ``tie``; a share ``asking`` has the highest v.
    """
    if kind == "all":
        return normal(index)
    rest = np.sqrt(1 - tie**2)
    value, slope = np.zeros_like(index), np.zeros_like(index)
    for v in willingness(asking, kind):
        one, steep = normal((index + tie * v) / rest)
        value, slope = value + one / NODES, slope + steep / rest / NODES
    return value, slope


def mean_error(index: np.ndarray, asking: np.ndarray | None, kind: str, tie: float) -> np.ndarray:
    """E[u | u > −index] · P(u > −index) for the same people."""
    if kind == "all":
        return normal(index)[1]
    rest, total = np.sqrt(1 - tie**2), np.zeros_like(index)
    for v in willingness(asking, kind):
        chance, density = normal((index + tie * v) / rest)
        total += (tie * v * chance + rest * density) / NODES
    return total


def willingness(asking: np.ndarray, kind: str) -> list[np.ndarray]:
    """Values of v, evenly spread over those who ask for services or over those who do not."""
    places, asking = (np.arange(NODES) + 0.5) / NODES, np.clip(asking, 1e-9, 1 - 1e-9)
    if kind == "asks":
        return [ndtri(1 - asking + asking * p) for p in places]
    return [ndtri((1 - asking) * p) for p in places]


def agreed(
    levels: Mapping[str, float | None], shares: Mapping[str, float], total: float, *, scale: str = "logit"
) -> dict[str, float]:
    """Levels of the parts that add up to the printed total: all shifted alike, as odds or (``linear``) as amounts.

    A part without a printed level has the level that the others leave over, at least a third of the total.
    """
    known = {k: v for k, v in levels.items() if v is not None}
    left = sum(share for k, share in shares.items() if k not in known)
    if left > 0:
        rest = (total - sum(shares[k] * v for k, v in known.items())) / left
        known |= dict.fromkeys((k for k in shares if k not in known), float(np.clip(rest, total / 3, 2 * total)))
    share = np.array([shares[k] for k in known])
    share, value = share / share.sum(), np.array(list(known.values()))
    if scale == "linear":
        return dict(zip(known, value + total - share @ value, strict=True))
    value = logit(np.clip(value, 1e-6, 1 - 1e-6))
    shift = brentq(lambda c: share @ expit(value + c) - total, -30, 30, xtol=1e-13)
    return dict(zip(known, expit(value + shift), strict=True))


def reconciled(late: float, taking: float, extra: float, basic: float) -> tuple[float, float]:
    """Effects of extra against regular and of regular against no services that go with that of extra against none.

    In one model LATE · take-up = (extra v regular) + take-up · (regular v none). Where the printed ones leave a gap,
    each term takes half of it.
    """
    gap = late * taking - (extra + taking * basic)
    return extra + gap / 2, basic + gap / (2 * taking)


def whole_counts(
    expected: np.ndarray, cells: np.ndarray, target: np.ndarray, room: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Whole people per cell near ``expected``, at most ``room``; their totals by column of ``cells`` near ``target``.

    Systematic rounding, then single steps and swaps as long as they bring the totals closer.
    """
    ends = np.floor(np.cumsum(expected) + rng.random())
    counts = np.minimum(np.diff(ends, prepend=0.0), room)
    low = np.maximum(np.floor(expected) - 1, 0)
    high = np.minimum(np.ceil(expected) + 1, room)
    gap = target - cells.T @ counts
    size = (cells**2).sum(axis=1)
    for _ in range(SWAPS):
        pull = 2 * cells @ gap
        up = np.where(counts < high, size - pull, np.inf)
        down = np.where(counts > low, size + pull, np.inf)
        moves = [(up.min(), [(up.argmin(), 1)]), (down.min(), [(down.argmin(), -1)])]
        best, steps = min(moves, key=lambda move: move[0])
        if not best < -SETTLED:
            best, steps = _swap(up, down, cells)
        if not best < -SETTLED:
            break
        for place, step in steps:
            counts[place] += step
            gap = gap - step * cells[place]
    return counts.astype(int)


def _swap(up: np.ndarray, down: np.ndarray, cells: np.ndarray) -> tuple[float, list[tuple[int, int]]]:
    """The best move of one person from a cell to another, among the most promising cells."""
    more, less = np.argsort(up)[:CANDIDATES], np.argsort(down)[:CANDIDATES]
    both = up[more][:, None] + down[less][None, :] - 2 * cells[more] @ cells[less].T
    both[more[:, None] == less[None, :]] = np.inf
    first, second = np.unravel_index(both.argmin(), both.shape)
    return both[first, second], [(more[first], 1), (less[second], -1)]


def chosen(cell: np.ndarray, counts: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Whether each person is among the ``counts`` of their cell with the highest score."""
    order = np.lexsort((-score, cell))
    rank = np.empty(len(cell), int)
    rank[order] = np.arange(len(cell)) - np.searchsorted(cell[order], cell[order])
    return rank < counts[cell]


def by_rank(score: np.ndarray, shares: Sequence[float], labels: Sequence[str]) -> np.ndarray:
    """Labels by quota, from the lowest score to the highest."""
    values = np.empty(len(score), dtype=object)
    values[np.argsort(score, kind="stable")] = np.repeat(np.array(labels, dtype=object), quota(shares, len(score)))
    return values
