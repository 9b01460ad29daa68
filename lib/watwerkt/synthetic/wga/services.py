"""Services in the three years: conversations, trajectories and instruments, one row each, with the month they start."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

from watwerkt.published import published
from watwerkt.synthetic.wga import people, printed
from watwerkt.synthetic.wga.calibration import exponential, solve
from watwerkt.synthetic.wga.levels import SPLITS, design, shifted, sums
from watwerkt.synthetic.whole import quota

TALKS = ("orientation", "coaching", "evaluation_talk", "other_conversation")
TRAJECTORIES = ("workfit", "modular", "to_work", "training")
KINDS = ("conversations", "trajectories", "wga_instruments")
GROUPS = ("experiment", "regular", "self_reporters", "others")  # the others: controls who did not ask for services
SPREAD = 1.5  # shape of the gamma numbers of conversations: how far people with the same expectation differ; assumed
LATE = 34  # month from which the control group is seen again, just before the end of the three years

Shares = Mapping[str, float]


def group_of(persons: pd.DataFrame) -> np.ndarray:
    """The group whose services a person has; nothing for the earlier inflow, of which none are published."""
    group = persons["arm"].astype(object).where(persons["arm"] != "control", "others")
    group = group.where(persons["self_reporter"] == 0, "self_reporters")
    return group.where(persons["cohort"] == "during", "").to_numpy(object)


@cache
def shares(group: str) -> Shares:
    """Share of a group with each service; of the controls who did not ask, what the printed shares leave."""
    names = ("any_service", *KINDS, *TALKS, *TRAJECTORIES)
    return {name: _remaining(group, lambda arm, name=name: printed.share(arm, name)) for name in names}


@cache
def number(group: str, kind: str) -> float:
    """Mean number of conversations, trajectories or instruments in a group."""
    return _remaining(group, lambda arm: printed.mean_number(arm, kind))


def _remaining(group: str, value) -> float:
    if group != "others":
        return value(group)
    control, own = printed.size("control"), printed.size("self_reporters")
    return max(value("control") * control - value("self_reporters") * own, 0.0) / (control - own)


def drawn_services(rng: np.random.Generator, persons: pd.DataFrame, *, exact: bool) -> pd.DataFrame:
    """All services of the people in the experimental period."""
    group, tables = group_of(persons), []
    for name in GROUPS:
        frame = persons[group == name]
        if len(frame):
            talks = _conversations(rng, name, frame, exact=exact)
            able = frame["person"].isin(talks["person"]).to_numpy() | (name == "others")
            tables += [talks, _trajectories(rng, name, frame, able, exact=exact)]
            some = _among(rng, able, shares(name)["wga_instruments"] * len(frame), exact)
            tables.append(_repeated(rng, frame, some, "wga_instruments", number(name, "wga_instruments"), exact))
    found = pd.concat(tables, ignore_index=True).sort_values(["person", "start_month", "service"], kind="stable")
    found = found.assign(number=found.groupby("person").cumcount() + 1, completed=found["completed"].astype("Int64"))
    return found[["person", "number", "service", "start_month", "completed"]].reset_index(drop=True)


def _conversations(rng: np.random.Generator, group: str, frame: pd.DataFrame, *, exact: bool) -> pd.DataFrame:
    """Kinds first, by their shares; then as many more coaching talks as the mean number asks for."""
    share, people_in = shares(group), len(frame)
    able = _among(rng, np.ones(people_in, bool), share["conversations"] * people_in, exact)
    had = {kind: _among(rng, able, share[kind] * people_in, exact) for kind in TALKS}
    none = able & ~np.any(list(had.values()), axis=0)
    had["orientation"] |= none
    if exact:  # who gets an orientation so that nobody is left out takes the place of another
        others = had["orientation"] & ~none & (had["coaching"] | had["evaluation_talk"] | had["other_conversation"])
        had["orientation"] &= ~_among(rng, others, float(none.sum()), True)
    base = sum(kind.astype(int) for kind in had.values())
    can = had["coaching"] if had["coaching"].any() else able
    expected = _expected(group, frame)
    extra = np.maximum(expected - base, 0.05) * can * rng.gamma(SPREAD, 1 / SPREAD, people_in)
    if exact and group in ("experiment", "regular"):
        x = design(frame)
        extra = extra * np.exp(x @ solve(x, x.T @ np.maximum(expected - base, 0.0), link=exponential, weight=extra))
    extra = _rounded(rng, extra * max(expected.sum() - base.sum(), 0) / max(extra.sum(), 1e-9), exact)
    rows = [_rows(rng, frame, had[kind].astype(int), kind, group) for kind in TALKS]
    return pd.concat([*rows, _rows(rng, frame, extra, "coaching", group)])


def _expected(group: str, frame: pd.DataFrame) -> np.ndarray:
    """Expected number of conversations of each person: Table 3.2 by subgroup, where it is printed."""
    if group not in ("experiment", "regular"):
        return np.full(len(frame), number(group, "conversations"))
    return np.exp(design(frame) @ _slopes(group))


@cache
def _slopes(group: str) -> np.ndarray:
    frame = people.population().query("arm == @group")
    cells = published(printed.STUDY, "T3.2").where(arm=group, service="conversations")
    known = {(c.dimension, c.category): c.number for c in cells}
    values = {(d, c): known.get((d, c)) for d, parts in SPLITS.items() for c in parts}
    levels = shifted(frame, values, number(group, "conversations"), scale="linear")
    return solve(design(frame), sums(frame, levels), link=exponential)


def _trajectories(
    rng: np.random.Generator, group: str, frame: pd.DataFrame, able: np.ndarray, *, exact: bool
) -> pd.DataFrame:
    """Who has a trajectory, then which: Workfit first; those without it fill the other kinds before anyone has two."""
    share, n = shares(group), len(frame)
    some = _favoured(rng, group, frame, able, share["trajectories"] * n, exact)
    had = {"workfit": _among(rng, some, share["workfit"] * n, exact)}
    for kind in TRAJECTORIES[1:]:
        bare = some & ~np.any(list(had.values()), axis=0)
        wanted = share[kind] * n
        alone = kind != "to_work" or group == "others"  # else only beside another trajectory
        first = _among(rng, bare & alone, min(wanted, bare.sum()), exact)
        if kind == "training":
            first |= _among(rng, had["to_work"], _both(group) * n, exact)
        left = some & ~first & (had["workfit"] if kind != "training" else ~had["to_work"])
        had[kind] = first | _among(rng, left, wanted - first.sum(), exact)
    base = sum(kind.sum() for kind in had.values())
    rows = [_rows(rng, frame, had[kind].astype(int), kind, group) for kind in TRAJECTORIES]
    more = max(number(group, "trajectories") * n - base, 0.0)
    repeats = _among(rng, had["workfit"] | had["modular"], more, exact)
    again = np.where(had["modular"], "modular", "workfit")
    rows += [_rows(rng, frame, (repeats & (again == kind)).astype(int), kind, group) for kind in ("modular", "workfit")]
    return _completed(rng, group, pd.concat(rows), exact=exact)


def _both(group: str) -> float:
    """Share with training as well as a to-work trajectory (Table 4.11 prints who had either)."""
    either = printed.level(group, "training_or_to_work_started") if group in printed.ARMS else None
    return 0.0 if either is None else max(shares(group)["training"] + shares(group)["to_work"] - either, 0.0)


def _favoured(
    rng: np.random.Generator, group: str, frame: pd.DataFrame, able: np.ndarray, wanted: float, exact: bool
) -> np.ndarray:
    """Who has a trajectory: by benefit class in proportion to Table 3.2."""
    if group not in ("experiment", "regular"):
        return _among(rng, able, wanted, exact)
    cells = published(printed.STUDY, "T3.2").where(arm=group, service="trajectories", dimension="wga_class")
    factor = {c.category: c.number for c in cells}
    low = people.characteristic(frame, "wga_class", "wga_35_80")
    weight = np.where(low, factor["wga_35_80"], factor["wga_80_100"])
    first = _among(rng, low & able, wanted * weight[low].sum() / weight.sum(), exact)
    return first | _among(rng, ~low & able, wanted * weight[~low].sum() / weight.sum(), exact)


def _completed(rng: np.random.Generator, group: str, rows: pd.DataFrame, *, exact: bool) -> pd.DataFrame:
    """Whether a person's Workfit trajectories ended well (Table 4.11); self-reporters as in the regular group."""
    arm = group if group == "experiment" else "regular"
    among = rows.loc[rows["service"] == "workfit", "person"].drop_duplicates()
    share = printed.level(arm, "workfit_completed")
    well = among[_among(rng, np.ones(len(among), bool), share * len(among), exact)]
    done = rows["person"].isin(well).astype(float).where(rows["service"] == "workfit")
    return rows.assign(completed=done)


def _repeated(
    rng: np.random.Generator, frame: pd.DataFrame, some: np.ndarray, service: str, mean: float, exact: bool
) -> pd.DataFrame:
    more = max(mean * len(frame) - some.sum(), 0.0)
    return _rows(rng, frame, some.astype(int) + _among(rng, some, more, exact), service, "")


def _among(rng: np.random.Generator, able: np.ndarray, wanted: float, exact: bool) -> np.ndarray:
    """About ``wanted`` of those able, at random: by quota, or each with the same chance."""
    chance = min(max(wanted, 0.0) / max(able.sum(), 1), 1.0)
    score = np.where(able, rng.random(len(able)), np.inf)
    if not exact:
        return score < chance
    out = np.zeros(len(able), bool)
    out[np.argsort(score, kind="stable")[: min(round(max(wanted, 0.0)), able.sum())]] = True
    return out


def _rounded(rng: np.random.Generator, value: np.ndarray, exact: bool) -> np.ndarray:
    """Whole numbers with these means; by quota their sum is that of the means."""
    if not exact:
        return np.floor(value + rng.random(len(value))).astype(int)
    return np.diff(np.floor(np.cumsum(value) + 0.5), prepend=0.0).astype(int)


def _rows(rng: np.random.Generator, frame: pd.DataFrame, times: np.ndarray, service: str, group: str) -> pd.DataFrame:
    person = np.repeat(frame["person"].to_numpy(), times)
    if group == "others" and service in TALKS:
        month = rng.integers(LATE, 36, len(person))
    elif service == "orientation":
        month = rng.integers(0, 3, len(person))
    else:
        month = 12 * _years(rng, group, len(person)) + rng.integers(0, 12, len(person))
    return pd.DataFrame({"person": person, "service": service, "start_month": month})


def _years(rng: np.random.Generator, group: str, n: int) -> np.ndarray:
    """Year of a service, in proportion to the conversations per year (Table 3.5)."""
    arm = group if group in ("experiment", "regular") else "regular"
    per_year = [printed_year(arm, horizon) for horizon in (12.0, 24.0, 36.0)]
    return rng.permutation(np.repeat(np.arange(3), quota(per_year, n)))


@cache
def printed_year(arm: str, horizon: float) -> float:
    """Mean number of conversations in the year that ends at a horizon (Table 3.5)."""
    return published(printed.STUDY, "T3.5").one(arm=arm, horizon_months=horizon).number
