"""Competing risks by month for profiles of people: incidence, the effect of a shift in the odds, and its inverse.

Arrays have the exits (work, other) first, then months, then profiles. Odds are relative to staying, as in a
multinomial logit; a shift of the log-odds multiplies them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watwerkt.synthetic.instruments.groups import Profiles

MONTHS = 18
EXITS = ("work", "other")
LIMIT = 2.5  # largest shift of log-odds: odds times twelve
KEPT = 0.9  # of what can be lost or won at most, where a printed effect asks for more

_ROUNDS, _CLOSE, _STEP, _STUCK = 60, 1e-9, 1e-5, 1e6


@dataclass(frozen=True, eq=False)
class Risks:
    """Monthly exits without any service.

    ``odds`` 2 × months × profiles; ``survival`` months + 1 × profiles: still there at the start of a month; ``ahead``
    2 × months + 1 × profiles: chance of each exit from the start of a month until the end, for those still there.
    """

    odds: np.ndarray
    survival: np.ndarray
    ahead: np.ndarray

    @property
    def incidence(self) -> np.ndarray:
        """Chance of each exit within the follow-up, 2 × profiles."""
        return self.ahead[:, 0]


def risks(log_odds: np.ndarray, month: np.ndarray) -> Risks:
    """Risks from log-odds by profile (2 × profiles) and by month (2 × months)."""
    return of_odds(np.exp(month)[:, :, None] * np.exp(log_odds)[:, None, :])


def of_odds(odds: np.ndarray) -> Risks:
    """Risks from odds, 2 × months × profiles."""
    stay = 1 / (1 + odds.sum(axis=0))
    survival = np.vstack([np.ones(odds.shape[2]), np.cumprod(stay, axis=0)])
    ahead = np.zeros((2, odds.shape[1] + 1, odds.shape[2]))
    for month in reversed(range(odds.shape[1])):
        ahead[:, month] = stay[month] * (odds[:, month] + ahead[:, month + 1])
    return Risks(odds, survival, ahead)


def effect(base: Risks, factor: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Change in the incidence of each exit if odds are multiplied from month ``start`` until before ``stop``."""
    there = base.survival[start]
    found = -there * base.ahead[:, start]
    for month in range(start, stop):
        odds = base.odds[:, month] * factor
        there = there / (1 + odds[0] + odds[1])
        found = found + there * odds
    return found + there * base.ahead[:, stop]


def mean_effects(
    base: Risks, people: Profiles, labels: np.ndarray, shift: np.ndarray, start: int, stop: int
) -> np.ndarray:
    """The mean effect within each label of a shift (2 × labels) of log-odds."""
    factor = np.exp(shift)[:, labels]
    return people.means(effect(base, factor, start, stop), labels, shift.shape[1])


def possible(
    base: Risks, people: Profiles, labels: np.ndarray, wanted: np.ndarray, start: int, stop: int
) -> np.ndarray:
    """Effects as wanted, or as far as they are possible: nobody can leave who has left, or more than everybody.

    The effect on exit to work gives way only after that on other exit.
    """
    size = wanted.shape[1]
    there = base.survival[start]
    lose = people.means(there * base.ahead[:, start] - base.survival[stop] * base.ahead[:, stop], labels, size)
    room = people.means((1 - base.incidence.sum(axis=0))[None], labels, size)[0]
    work, other = np.maximum(wanted, -KEPT * lose)
    other = np.clip(other, -KEPT * lose[1], np.maximum(KEPT * room - work, -KEPT * lose[1]))
    return np.stack([np.minimum(work, KEPT * room - other), other])


def shifts(
    base: Risks, people: Profiles, labels: np.ndarray, wanted: np.ndarray, start: int, stop: int
) -> np.ndarray:
    """Shifts of log-odds (2 × labels) whose mean effects within labels are as wanted (2 × labels).

    Damped Newton (Levenberg & Marquardt) within ±LIMIT, for all labels at once; where the wanted effect lies outside,
    the shift that comes nearest.
    """
    size = wanted.shape[1]
    found, damping = np.zeros((2, size)), np.full(size, 1e-9)
    miss = mean_effects(base, people, labels, found, start, stop) - wanted
    for _ in range(_ROUNDS):
        if ((np.abs(miss).max(axis=0) < _CLOSE) | (damping > _STUCK)).all():
            break
        slope = _slopes(base, people, labels, found, start, stop, miss + wanted)
        squares = np.einsum("kic,kjc->cij", slope, slope)
        scale = np.maximum(np.einsum("cii->ci", squares), 1e-12)
        gradient = np.einsum("kic,kc->ci", slope, miss)
        step = np.linalg.solve(squares + damping[:, None, None] * np.einsum("ci,ij->cij", scale, np.eye(2)),
                               gradient[:, :, None])[:, :, 0].T  # fmt: skip
        tried = np.clip(found - step, -LIMIT, LIMIT)
        miss_tried = mean_effects(base, people, labels, tried, start, stop) - wanted
        better = (miss_tried**2).sum(axis=0) < (miss**2).sum(axis=0)
        found, miss = np.where(better, tried, found), np.where(better, miss_tried, miss)
        damping = np.clip(np.where(better, damping / 10, damping * 30), 1e-9, 1e9)
    return found


def _slopes(base: Risks, people: Profiles, labels: np.ndarray, at: np.ndarray, start: int, stop: int, value: np.ndarray):
    """Derivatives of the mean effects by the two shifts: effects × shifts × labels."""
    moved = [at + _STEP * np.eye(2)[k][:, None] for k in (0, 1)]
    return np.stack([(mean_effects(base, people, labels, m, start, stop) - value) / _STEP for m in moved], axis=1)
