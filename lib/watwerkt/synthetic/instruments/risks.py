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
EVERYONE, GROUP = (2.0, 1.0), (1.5, 0.5)  # shifts (of one exit, of both up) that bound the effects taken as possible

_ROUNDS, _CLOSE, _STEP, _LEAST, _MOST = 40, 1e-6, 1e-5, 1e-12, 1e9


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
    base: Risks,
    people: Profiles,
    labels: np.ndarray,
    shift: np.ndarray,
    start: int,
    stop: int,
    *,
    times: np.ndarray | float = 1.0,
) -> np.ndarray:
    """The mean effect within each label of a shift (2 × labels) of log-odds; ``times`` multiplies odds as well."""
    factor = np.exp(shift)[:, labels] * times
    return people.means(effect(base, factor, start, stop), labels, shift.shape[1])


def possible(
    base: Risks, people: Profiles, labels: np.ndarray, wanted: np.ndarray, start: int, stop: int
) -> np.ndarray:
    """Effects as wanted (2 × labels), or as near as the shifts of EVERYONE, or of a GROUP, come to them.

    Nobody can leave who has left, or more than everybody. The effect on exit to work gives way only after that on
    other exit.
    """

    most, up = EVERYONE if wanted.shape[1] == 1 else GROUP

    def at(work: float, other: float) -> np.ndarray:
        shift = np.tile([[work], [other]], wanted.shape[1])
        return mean_effects(base, people, labels, shift, start, stop)

    work = np.clip(wanted[0], at(-most, 0)[0], at(most, 0)[0])
    total = np.clip(work + wanted[1], at(-most, -most).sum(axis=0), at(up, up).sum(axis=0))
    return np.stack([work, np.clip(total - work, at(0, -most)[1], at(0, most)[1])])


def shifts(
    base: Risks,
    people: Profiles,
    labels: np.ndarray,
    wanted: np.ndarray,
    start: int,
    stop: int,
    *,
    ridge: float = 0.0,
    guess: np.ndarray | None = None,
    times: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Shifts of log-odds (2 × labels) whose mean effects within labels are as wanted (2 × labels).

    Least squares by Levenberg & Marquardt with Broyden's slopes, within ±LIMIT, for all labels at once. ``ridge`` keeps
    shifts small that hardly change an effect: it weighs their squares against the squares of what effects miss. The
    search begins at ``guess``; odds are multiplied by ``times`` (2 × profiles) as well.
    """
    size = wanted.shape[1]

    def missed(shift: np.ndarray) -> np.ndarray:
        return mean_effects(base, people, labels, shift, start, stop, times=times) - wanted

    def loss(shift: np.ndarray, miss: np.ndarray) -> np.ndarray:
        return (miss**2).sum(axis=0) + ridge * (shift**2).sum(axis=0)

    found, damping = np.zeros((2, size)) if guess is None else guess, np.full(size, _LEAST)
    miss = missed(found)
    slope = np.stack([(missed(found + _STEP * np.eye(2)[k][:, None]) - miss) / _STEP for k in (0, 1)], axis=1)
    for _ in range(_ROUNDS):
        tried = np.clip(found + _step(slope, miss, found, damping, ridge), -LIMIT, LIMIT)
        moved = tried - found
        if (np.abs(moved).max(axis=0) < _CLOSE).all():
            break
        miss_tried = missed(tried)
        length = np.maximum((moved**2).sum(axis=0), 1e-30)
        surprise = miss_tried - miss - np.einsum("kic,ic->kc", slope, moved)
        slope = slope + np.einsum("kc,ic->kic", surprise / length, moved)
        better = loss(tried, miss_tried) < loss(found, miss)
        found, miss = np.where(better, tried, found), np.where(better, miss_tried, miss)
        damping = np.clip(np.where(better, damping / 10, damping * 100), _LEAST, _MOST)
    return found


def _step(slope: np.ndarray, miss: np.ndarray, at: np.ndarray, damping: np.ndarray, ridge: float) -> np.ndarray:
    """The damped step of least squares for each label; ``slope`` is effects × shifts × labels."""
    squares = np.einsum("kic,kjc->cij", slope, slope) + ridge * np.eye(2)
    damped = squares + damping[:, None, None] * np.eye(2) * np.einsum("cii->c", squares)[:, None, None]
    gradient = np.einsum("kic,kc->ci", slope, miss) + ridge * at.T
    return -np.linalg.solve(damped, gradient[:, :, None])[:, :, 0].T
