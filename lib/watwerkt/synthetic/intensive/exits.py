"""When and how people leave the benefit: shares by bin of days that give the printed levels and interview effects.

A bin is a stretch of days on benefit, of a cohort, with a kind of exit. Cohorts: people followed for 15 months or more,
and the others, since the 15-month levels are of the first only. Edges are the starts of the interviews and the horizons
of Table 3.2, with steps of at most a month between them: so the windows of the interviews and the horizons of the
levels can both be met, although they cross.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from watwerkt.designs import intensive as design
from watwerkt.published import prose, published
from watwerkt.replication.intensive_outcomes import HORIZON_DAYS, windows
from watwerkt.synthetic.intensive import levels
from watwerkt.synthetic.whole import EQUAL, nearest, whole

COHORTS = ("long", "short")
KINDS = ("job", "other")
STEP = 31  # days: the longest bin
ROUNDS = 12  # of solving for the effects of interviews, whose denominators depend on the solution
PRINTED = 2_000  # weight of a printed number, between an equation that must hold and smoothness
SMOOTH, ALIKE = 0.6, 0.2  # weights: a bin like the next one, one cohort like the other
WINDOW = 0.5  # weight of a window's edge against that of a horizon, in whole people


@dataclass(frozen=True)
class Bin:
    """Exits after day ``low``, up to ``high`` (None: the day before the observation ends), or nobody leaves (stay)."""

    cohort: str
    kind: str
    low: int = 0
    high: int | None = None


@cache
def followed(cohort: str) -> range:
    """Days from the start of the benefit to the end of the observation, over the days on which people could enter."""
    told = prose(levels.STUDY)
    entry = levels.days("entry_week")
    first, last, end = (told[key].date for key in ("entry_start", "entry_end", "observation_end"))
    split = HORIZON_DAYS[levels.HORIZONS[-1]] + 1
    return range(split, (end - first).days + entry + 1) if cohort == "long" else range((end - last).days + entry, split)


@cache
def bins() -> tuple[Bin, ...]:
    """All bins of an arm."""
    knots = sorted({*(day for window in windows() for day in window), *HORIZON_DAYS.values()})
    edges = [
        low + (high - low) * step // steps
        for low, high in pairwise(knots)
        for steps in [math.ceil((high - low) / STEP)]
        for step in range(steps)
    ]
    found = []
    for cohort, stop in zip(COHORTS, (HORIZON_DAYS[15], HORIZON_DAYS[12]), strict=True):
        days = [*(day for day in edges if day < stop), stop, None]
        found += [Bin(cohort, kind, low, high) for kind in KINDS for low, high in pairwise(days)]
        found.append(Bin(cohort, "stay"))
    return tuple(found)


def left(day: int, kinds: tuple[str, ...] = KINDS, cohort: str | None = None, *, after: int = 0) -> np.ndarray:
    """Share of each bin's people who leave up to a day and after another, for bins of these kinds of exit."""
    chosen = np.array([b.kind in kinds and b.low >= after and cohort in (None, b.cohort) for b in bins()])
    return chosen * np.array([_gone(b, day) for b in bins()])


@cache
def _gone(b: Bin, day: int) -> float:
    """1 or 0, since days that are asked for are edges; in between only in the last bin, which ends at various days."""
    if b.high is not None:
        return float(b.high <= day)
    room = np.array(followed(b.cohort)) - 1 - b.low
    return float(np.mean(np.clip((day - b.low) / np.maximum(room, 1), 0, 1)))


@cache
def _in_cohort(cohort: str) -> np.ndarray:
    return np.array([b.cohort == cohort for b in bins()], dtype=float)


@cache
def _benefit() -> np.ndarray:
    """Expected share of the observation period on benefit, by bin."""
    entry = levels.starts()[0]
    found = []
    for b in bins():
        end = np.array(followed(b.cohort))
        middle = (b.low + (end if b.high is None else b.high)) / 2
        found.append(1.0 if b.kind == "stay" else float(np.mean((middle - entry) / (end - entry))))
    return np.array(found)


def printed(population: str, arm: str, dimension: str = "all", category: str = "all") -> tuple[np.ndarray, np.ndarray]:
    """Rows and targets, per person of the group, of the printed levels of exits and of the benefit fraction.

    The row of a 15-month level compares leavers with people followed so long, whatever their number.
    """
    rows, wanted = [], []
    who = {"dimension": dimension, "category": category}
    for outcome, kinds in levels.EXITS.items():
        for horizon in levels.HORIZONS[:3]:
            rows.append(left(HORIZON_DAYS[horizon], kinds))
            wanted.append(levels.level(population, arm, outcome, horizon, **who))
        share = levels.level(population, arm, outcome, 15, **who)
        rows.append(left(HORIZON_DAYS[15], kinds, "long") - share * _in_cohort("long"))
        wanted.append(0.0)
    rows.append(_benefit())
    wanted.append(levels.level(population, arm, "fraction_benefit", **who))
    return np.array(rows), np.array(wanted)


@cache
def _smooth() -> np.ndarray:
    """Rows that are nil where exits per day do not change from bin to bin, nor differ between cohorts."""
    share = {"long": levels.followed_share(), "short": 1 - levels.followed_share()}
    place = {b: n for n, b in enumerate(bins())}

    def per_day(b: Bin) -> np.ndarray:
        last = b.high or np.mean(followed(b.cohort))
        row = np.zeros(len(place))
        row[place[b]] = STEP / (last - b.low) / share[b.cohort]
        return row

    rows = [
        SMOOTH * (per_day(one) - per_day(two))
        for one, two in pairwise(bins())
        if (one.cohort, one.kind, one.high) == (two.cohort, two.kind, two.low)
    ]
    for b in bins():
        other = [c for c in bins() if (c.cohort, c.kind, c.low) == ("long", b.kind, b.low) and b.kind != "stay"]
        rows += [ALIKE * (per_day(c) - per_day(b)) for c in other if b.cohort == "short"]
    return np.array(rows)


@cache
def shares(population: str) -> dict[str, np.ndarray]:
    """Shares of people by bin, one array per arm, that give the levels of Tables 3.2 and 3.3 and the effects of 3.5."""
    n, arms = len(bins()), levels.ARMS
    rows, wanted, weights = [], [], []

    def add(row: np.ndarray, target: float, weight: float, arm: str) -> None:
        rows.append(np.concatenate([row if one == arm else np.zeros(n) for one in arms]))
        wanted.append(target)
        weights.append(weight)

    for arm in arms:
        for cohort, share in zip(COHORTS, (levels.followed_share(), 1 - levels.followed_share()), strict=True):
            add(_in_cohort(cohort), share, EQUAL, arm)
        for row, target in zip(*printed(population, arm), strict=True):
            add(row, target, PRINTED, arm)
        for row in _smooth():
            add(row, 0.0, 1.0, arm)
    found = nearest(rows, wanted, weights)
    for _ in range(ROUNDS):
        effects = _effects(population, *np.split(found, 2))
        more, targets = [row for row, _ in effects], [target for _, target in effects]
        found = nearest([*rows, *more], [*wanted, *targets], [*weights, *[PRINTED / 2] * len(effects)])
    return dict(zip(arms, np.split(found, 2), strict=True))


def _effects(population: str, *now: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Rows and targets of Table 3.5: difference in the exit share of a window, and effect times difference in take-up.

    Shares are of those still on benefit when the window opens, taken from the solution ``now``.
    """
    found = []
    for number, (start, end) in enumerate(windows()):
        at_risk = [1 - left(start) @ one for one in now]
        took = [
            taken(population, arm, number) / (levels.size(population, arm) * still)
            for arm, still in zip(levels.ARMS, at_risk, strict=True)
        ]
        for outcome, kinds in levels.EXITS.items():
            cell = published(levels.STUDY, "T3.5").one(
                population=population, service=design.INTERVIEWS[number], outcome=outcome
            )
            row = left(end, kinds, after=start)
            found.append((np.concatenate([row / at_risk[0], -row / at_risk[1]]), cell.number * (took[0] - took[1])))
    return found


def taken(population: str, arm: str, number: int) -> int:
    """People who had interview ``number`` (0–3): the first one individually, the others in any form."""
    forms = ("interview_individual",) if number == 0 else design.HELD
    return sum(levels.count(population, arm, design.INTERVIEWS[number], form) for form in forms)


@cache
def counts(population: str, arm: str, people: int) -> np.ndarray:
    """Whole people by bin."""
    real = shares(population)[arm]
    rows, wanted = printed(population, arm)
    edges = np.array([WINDOW * left(end, kinds) for _, end in windows() for kinds in levels.EXITS.values()])
    return whole(
        real * people,
        np.vstack([rows, edges, _in_cohort("long")]),
        np.concatenate([wanted * people, edges @ real * people, [round(levels.followed_share() * people)]]),
        total=people,
    )


@cache
def first_counts(population: str, arm: str, dimension: str, total: int) -> np.ndarray:
    """Of the whole people by bin (``total`` together), those in the first part of a split (men, first generation)."""
    by_bin = counts(population, arm, total)
    n, people = len(by_bin), round(levels.first_share(population, dimension, arm) * total)
    parts = list(zip(levels.PARTS[dimension], (people, total - people), strict=True))
    rows, wanted = [], []
    for place, (category, size) in enumerate(parts):
        found, targets = printed(population, arm, dimension, category)
        zero = np.zeros_like(found)
        rows.append(np.hstack([zero, found] if place else [found, zero]))
        wanted.append(targets * size)
    exact, targets = np.vstack(rows), np.concatenate(wanted)
    fair = by_bin * people / total
    equal, like = np.hstack([np.eye(n), np.eye(n)]), np.hstack([np.eye(n), np.zeros((n, n))])
    thin = 1 / np.sqrt(np.maximum(by_bin, 0.5))
    real = nearest(
        [*equal, like.sum(axis=0), *exact, *like],
        [*by_bin, people, *targets, *fair],
        [*np.full(n + 1, EQUAL), *np.full(len(exact), PRINTED), *thin],
    )[:n]
    halves, rest = exact[:, :n] - exact[:, n:], targets - exact[:, n:] @ by_bin
    return whole(np.minimum(real, by_bin), halves, rest, total=people, upper=by_bin.astype(float))
