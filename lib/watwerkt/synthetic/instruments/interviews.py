"""Follow-up interviews: one after another, each effective for two months, while people leave (Tables 7, 19 and 20).

Half of all people have interviews, so who is still there depends on them; the chain below follows both together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from watwerkt.synthetic.instruments.risks import MONTHS

INTERVIEWS = 5
TALKS = tuple(f"followup_{number}" for number in range(1, INTERVIEWS + 1))
LASTING = 2  # months in which an interview is effective
MOST = 0.9  # largest chance to start in one month

_PULL = np.array([0.0, 0.3, 1.0, 0.7])  # towards a next interview, by months since the last (three or more)


@dataclass(frozen=True, eq=False)
class Chain:
    """People on benefit with and without interviews, shares of all who enter with a profile.

    ``there`` months × profiles: at the start of a month; ``gone`` 2 × months × profiles: left in it for each exit;
    ``reached`` interviews × profiles: had at least so many.
    """

    there: np.ndarray
    gone: np.ndarray
    reached: np.ndarray


def gap_chances(level: float) -> np.ndarray:
    """Chance of the next interview by months since the last, 0 to MONTHS."""
    return np.minimum(level * _PULL, MOST)[np.minimum(np.arange(MONTHS), len(_PULL) - 1)]


def chain(odds: np.ndarray, first: np.ndarray, gaps: np.ndarray, factors: Sequence[np.ndarray]) -> Chain:
    """Follow everyone through the interviews.

    ``odds`` of exit without interviews, 2 × months × profiles; ``first``: chance of the first interview, months ×
    profiles; ``gaps``: :func:`gap_chances` of interviews 2–5; ``factors``: what each interview multiplies the odds by,
    2 × profiles.
    """
    there, gone = np.zeros(odds.shape[1:]), np.zeros(odds.shape)
    reached = []
    flow = _before_first(odds, first, there, gone), np.zeros_like(first)
    before = np.ones_like(factors[0])
    for number, factor in enumerate(factors):
        reached.append(flow[0].sum(axis=0) + flow[1].sum(axis=0))
        chances = gaps[number] if number < len(gaps) else np.zeros(MONTHS)
        flow = _stage(odds, flow, chances, factor, before, there, gone)
        before = factor
    return Chain(there, gone, np.array(reached))


def levels(
    odds: np.ndarray, first: np.ndarray, factors: Sequence[np.ndarray], people: np.ndarray, wanted: Sequence[float]
) -> np.ndarray:
    """Chances of interviews 2–5 by months since the last, with which as many people as wanted have each."""
    gaps: list[np.ndarray] = []
    flow = _before_first(odds, first), np.zeros_like(first)
    before = np.ones_like(factors[0])
    for factor, number in zip(factors, wanted[1:], strict=False):

        def next_flow(level: float, flow=flow, factor=factor, before=before) -> tuple[np.ndarray, np.ndarray]:
            return _stage(odds, flow, gap_chances(level), factor, before)

        def short(level: float, number=number, next_flow=next_flow) -> float:
            return float(sum(part.sum(axis=0) @ people for part in next_flow(level))) - number

        level = brentq(short, 0.0, MOST / _PULL[_PULL > 0].min(), xtol=1e-7)
        gaps.append(gap_chances(level))
        flow, before = next_flow(level), factor
    return np.array(gaps)


def _before_first(
    odds: np.ndarray, first: np.ndarray, there: np.ndarray | None = None, gone: np.ndarray | None = None
) -> np.ndarray:
    """Who has the first interview in each month; adds those who wait for it to ``there`` and ``gone``."""
    waiting, flow = np.ones(odds.shape[2]), np.empty_like(first)
    for month in range(MONTHS):
        flow[month] = waiting * first[month]
        waiting = waiting - flow[month]
        waiting = _leave(waiting, odds[:, month], month, there, gone)
    return flow


def _stage(
    odds: np.ndarray,
    flow: tuple[np.ndarray, np.ndarray],
    chances: np.ndarray,
    factor: np.ndarray,
    before: np.ndarray,
    there: np.ndarray | None = None,
    gone: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Follow those who have one interview until the next: who has that in each month, apart and overlapping with this.

    ``flow``: who has this interview in each month, apart from the one before and overlapping with it.
    """
    apart, overlapping = (np.zeros_like(flow[0]) for _ in range(2))
    waiting = [np.zeros(odds.shape[2]) for _ in _PULL]  # by months since this interview; the last holds all longer
    for month in range(MONTHS):
        waiting = [None, waiting[0], waiting[1], waiting[2] + waiting[3]]
        overlapping[month] = waiting[1] * chances[1]
        apart[month] = waiting[2] * chances[2] + waiting[3] * chances[3]
        now = odds[:, month]
        active = now * factor
        fresh = _leave(flow[0][month], active, month, there, gone)
        fresh = fresh + _leave(flow[1][month], active * before, month, there, gone)
        waiting = [
            fresh,
            _leave(waiting[1] * (1 - chances[1]), active, month, there, gone),
            _leave(waiting[2] * (1 - chances[2]), now, month, there, gone),
            _leave(waiting[3] * (1 - chances[3]), now, month, there, gone),
        ]
    return apart, overlapping


def _leave(
    share: np.ndarray, odds: np.ndarray, month: int, there: np.ndarray | None, gone: np.ndarray | None
) -> np.ndarray:
    """Who stays of a share; adds it to ``there`` and those who leave to ``gone``."""
    stay = share / (1 + odds[0] + odds[1])
    if there is not None and gone is not None:
        there[month] += share
        gone[:, month] += stay * odds
    return stay
