"""Jobs: when people work, beside the benefit or after it, in how many jobs, of what kind.

Per arm, population, sex and generation: employed days after the benefit and beside it follow from the printed benefit,
job and other fractions (which overlap: they add up to more than 1); employed days are then cut into jobs, so that
people with a job have the printed number of jobs and length of the first one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from watwerkt.synthetic.intensive import levels
from watwerkt.synthetic.intensive.people import cell_levels, cells
from watwerkt.synthetic.whole import solve, spread

BESIDE = 0.15  # share of people who work beside the benefit for a while
LATER = 0.15  # of people who left for another reason: share who find a job afterwards
ROOM = 1.1  # times the days wanted: what the people who work could work at most
DELAY = 0.6  # of the days after the exit: until which these find a job at the latest
POWER = (0.0, 30.0)  # of a number between 0 and 1: the larger, the fewer days
CUTS = 4  # into so many jobs more a stretch of work is cut at most
SHORTEST = 12  # days: a stretch is cut only if its jobs last so long on average
SWITCH, LONG = 0.6, 1.0  # how much a second cut comes after a first one elsewhere; how much long stretches come first
HOURS_SPREAD = 0.35  # to either side of the mean part-time factor
WAGE_SPREAD = 0.3  # standard deviation of the logarithm of what wages are above the least
LEAST_HOURS, LEAST_WAGE = 0.1, 6.0
JOB = ["permanent", "part_time_factor", "hourly_wage"]


def spells(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Job spells of all people: place of the person, start and end day (within the days followed), what job it is."""
    found = [
        _block(rng, block)
        for _, block in people.groupby(["arm", "pattern", people["population"] == "none"], sort=False)
    ]
    return pd.concat(found, ignore_index=True)


def _block(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    stretches = _stretches(rng, people)
    employed = people.loc[stretches["person"].unique()]
    found = [
        _cut(rng, stretches[stretches["person"].isin(part.index)], number=number, length=length)
        for number, length, part in _by_cell(employed, "number_of_jobs", "first_job_length")
    ]
    jobs = pd.concat(found, ignore_index=True)
    return _quality(rng, jobs, people)


def _by_cell(people: pd.DataFrame, *outcomes: str) -> list[tuple]:
    """Levels of outcomes, and the people, per sex and generation."""
    wanted = [cell_levels(people, outcome).to_numpy() for outcome in outcomes]
    return [(*(found[rows[0]] for found in wanted), people.iloc[rows]) for rows in cells(people)]


# ---- when people work ----------------------------------------------------------------------------


def _stretches(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Stretches of work: who, first day, day after the last, and in what order."""
    found = []
    for benefit, job, other, part in _by_cell(people, "fraction_benefit", "fraction_job", "fraction_other"):
        after = 1 - benefit - other
        found += [_beside(rng, part, job - after), _after(rng, part, after)]
    every = pd.concat(found, ignore_index=True)
    every = every[every["end"] > every["start"]].sort_values(["person", "start"], ignore_index=True)
    return every.assign(order=every.groupby("person").cumcount())


def _beside(rng: np.random.Generator, people: pd.DataFrame, wanted: float) -> pd.DataFrame:
    """Work beside the benefit, before the exit."""
    entry = levels.starts()[0]
    room = people["exit_day"].fillna(people["followed_days"]).to_numpy() - entry
    chosen = _chosen(rng, room / _seen(people), wanted * len(people), round(BESIDE * len(people)))
    some, room, draw = people[chosen], room[chosen], spread(rng, chosen.sum())
    days = _fitted(room, draw, _seen(some), wanted * len(people))
    start = entry + np.floor(spread(rng, len(some)) * (room - days))
    return pd.DataFrame({"person": some.index, "start": start, "end": start + days})


def _after(rng: np.random.Generator, people: pd.DataFrame, wanted: float) -> pd.DataFrame:
    """Work after the exit: at once for who leaves for a job, later for some others; until a return to benefit."""
    gone = people[people["exit_day"].notna()]
    to_job = (gone["kind"] == "job").to_numpy()
    day = gone["exit_day"].to_numpy()
    until = gone["back_from"].fillna(gone["followed_days"]).to_numpy()
    start = np.where(to_job, day, day + np.ceil(DELAY * spread(rng, len(gone)) * (until - day)))
    share = (until - start) / _seen(gone)
    others = _chosen(
        rng,
        np.where(to_job, 0.0, share),
        wanted * len(people) - share[to_job].sum(),
        round(LATER * (~to_job).sum()),
        ~to_job,
    )
    keep = to_job | others
    days = _fitted(
        (until - start)[keep], spread(rng, keep.sum()), _seen(gone[keep]), wanted * len(people), least=to_job[keep]
    )
    return pd.DataFrame({"person": gone.index[keep], "start": start[keep], "end": start[keep] + days})


def _chosen(
    rng: np.random.Generator, share: np.ndarray, wanted: float, number: int, among: np.ndarray | None = None
) -> np.ndarray:
    """Who works: so many, by chance, or more where the shares of the days that they could work fall short."""
    order = rng.permutation(len(share) if among is None else np.flatnonzero(among))
    least = int(np.searchsorted(np.cumsum(share[order]), ROOM * wanted)) + 1
    chosen = np.zeros(len(share), bool)
    chosen[order[: max(number, least)]] = True
    return chosen


def _seen(people: pd.DataFrame) -> np.ndarray:
    return people["followed_days"].to_numpy() - levels.starts()[0]


def _fitted(
    room: np.ndarray, draw: np.ndarray, seen: np.ndarray, wanted: float, *, least: np.ndarray | int = 0
) -> np.ndarray:
    """Days worked within the room there is, such that the shares of the days seen add up to what is wanted."""

    def days(power: float) -> np.ndarray:
        return np.maximum(np.rint(room * draw**power), least)

    return days(solve(lambda power: float((days(power) / seen).sum()), wanted, low=POWER[0], high=POWER[1]))


# ---- in how many jobs ----------------------------------------------------------------------------


def _cut(rng: np.random.Generator, stretches: pd.DataFrame, *, number: float, length: float) -> pd.DataFrame:
    """Stretches of work cut into jobs that follow each other."""
    stretches = stretches.reset_index(drop=True)
    days = (stretches["end"] - stretches["start"]).to_numpy()
    first = (stretches["order"] == 0).to_numpy()
    cuts = _cuts(rng, days, round(number * first.sum()) - len(stretches))
    draw = spread(rng, len(days))

    def lengths(power: float) -> np.ndarray:
        """Days of the first job of each stretch: all, or at least one and leaving one for each other job."""
        return np.where(cuts > 0, np.clip(np.rint(days * draw**power), 1, days - cuts), days)

    even = np.maximum(np.floor(days / (cuts + 1)), 1)
    power = solve(lambda p: float(lengths(p)[first].mean()), length, low=POWER[0], high=POWER[1])
    opening = np.where(first, lengths(power), np.where(cuts > 0, even, days))
    person = np.repeat(np.arange(len(days)), cuts + 1)
    nth = np.arange(len(person)) - np.repeat(np.cumsum(cuts + 1) - cuts - 1, cuts + 1)
    rest = (days - opening) / np.maximum(cuts, 1)

    def edge(n: np.ndarray) -> np.ndarray:
        later = opening[person] + np.rint((n - 1) * rest[person])
        return stretches["start"].to_numpy()[person] + np.where(n == 0, 0, later)

    return pd.DataFrame(
        {"person": stretches["person"].to_numpy()[person], "start": edge(nth), "end": edge(nth + 1),
         "first": first[person] & (nth == 0)}
    )  # fmt: skip


def _cuts(rng: np.random.Generator, days: np.ndarray, wanted: int) -> np.ndarray:
    """How often each stretch is cut: in all as often as wanted, long ones rather, only where there is room."""
    nth = np.arange(1, CUTS + 1)
    turn = (rng.random(len(days)) - LONG * days / days.max())[:, None] + SWITCH * (nth - 1)
    turn[days[:, None] < SHORTEST * (nth + 1)] = np.inf
    places = np.argsort(turn, axis=None, kind="stable")[: max(wanted, 0)]
    places = places[np.isfinite(turn.ravel()[places])]
    return np.bincount(places // CUTS, minlength=len(days))


# ---- what jobs -----------------------------------------------------------------------------------


def _quality(rng: np.random.Generator, jobs: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Contract, hours and wage: the share of permanent first jobs, and the means over all jobs."""
    who = people.loc[jobs["person"]].reset_index(drop=True)
    hours = cell_levels(who, "parttime_factor").to_numpy()
    wages = cell_levels(who, "hourly_wage").to_numpy()
    firsts = cell_levels(who[jobs["first"]], "permanent_contract")
    permanent = np.zeros(len(jobs), bool)
    part_time, wage = np.empty(len(jobs)), np.empty(len(jobs))
    for rows in cells(who):
        first = jobs["first"].to_numpy()[rows]
        share = firsts[rows[first][0]]
        for among in (rows[first], rows[~first]):
            permanent[rng.permutation(among)[: round(share * len(among))]] = True
        even = spread(rng, len(rows))
        room = min(hours[rows[0]] - LEAST_HOURS, 1 - hours[rows[0]], HOURS_SPREAD)
        part_time[rows] = _mean(hours[rows[0]] + room * (2 * even - 1), hours[rows[0]])
        drawn = np.exp(WAGE_SPREAD * rng.standard_normal(len(rows)))
        above = wages[rows[0]] - LEAST_WAGE
        wage[rows] = _mean(LEAST_WAGE + above * drawn / drawn.mean(), wages[rows[0]])
    return jobs.assign(permanent=permanent, part_time_factor=part_time, hourly_wage=wage)


def _mean(values: np.ndarray, wanted: float) -> np.ndarray:
    """Values in hundredths whose mean is as near to what is wanted as hundredths allow."""
    cents = np.rint(100 * values).astype(int)
    off = round(100 * wanted * len(values)) - int(cents.sum())
    cents[: abs(off) % len(cents)] += np.sign(off)
    return (cents + np.sign(off) * (abs(off) // len(cents))) / 100
