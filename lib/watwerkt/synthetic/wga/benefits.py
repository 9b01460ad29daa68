"""Benefits after three years: classes, sums, and the state of each person every six months."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

from watwerkt.published import prose, published
from watwerkt.synthetic.wga import people, printed
from watwerkt.synthetic.wga.calibration import exponential, logistic, solve
from watwerkt.synthetic.wga.levels import extra_effect, taking
from watwerkt.synthetic.whole import quota

EVERYONE = ("all", "all")
SHARES = ("to_follow_up_benefit", "iva", "recovered", "from_80_100_to_35_80")
AMOUNTS = ("benefit_sum", "sickness_benefit_sum", "unemployment_benefit_sum")
TOLD = {"sickness_benefit_sum": "sickness_benefit_effect_s73", "unemployment_benefit_sum": "ww_benefit_effect_s73"}
WITHOUT = {"sickness_benefit_sum": 1200.0, "unemployment_benefit_sum": 300.0}  # euro without services: assumed
PAID = {
    "benefit_sum": 1.0,
    "sickness_benefit_sum": 0.12,
    "unemployment_benefit_sum": 0.06,
}  # share that has any: assumed
SHAPE = {"benefit_sum": 4.0, "sickness_benefit_sum": 1.5, "unemployment_benefit_sum": 1.5}  # of gamma amounts: assumed
TILTS = {  # log odds or logs of amounts by characteristic: assumed
    "to_follow_up_benefit": {("wga_class", "wga_80_100"): 0.2},
    "iva": {("wga_class", "wga_80_100"): 0.9, ("age", "55_over"): 0.4, ("wga_class", "iva"): 3.0},
    "recovered": {("wga_class", "wga_35_80"): 0.5, ("age", "under_35"): 0.5},
    "from_80_100_to_35_80": {("age", "under_35"): 0.3},
    "benefit_sum": {("wga_class", "wga_80_100"): 0.15, ("age", "under_35"): -0.1},
    "sickness_benefit_sum": {("sickness_benefit", "from_sickness_benefit"): 0.2},
    "unemployment_benefit_sum": {("sickness_benefit", "from_sickness_benefit"): 0.2},
}
MONTHS = (6, 12, 18, 24, 30, 36)
ENDS = ("state_recovered", "state_iva", "state_pension", "state_deceased", "state_other", "state_detention")
STATES = ("state_35_80", "state_80_100", *ENDS)


@cache
def constants() -> Mapping[tuple[str, str], float]:
    """The constant of each outcome in each situation that gives its level."""
    frame = people.population()
    by = {arm: frame[frame["arm"] == arm] for arm in printed.ARMS} | {"before": frame[frame["arm"] != "regular"]}
    found: dict[tuple[str, str], float] = {}
    for outcome in (*SHARES, *AMOUNTS):
        wanted = levels(outcome)
        for situation in ("experiment", "regular", "control", "before"):
            rows, share = by[situation], 0.0
            weight = able(found, situation, outcome, rows)
            target = wanted[situation] * len(rows)
            if situation == "control":
                share = people.asking(rows)
                target -= share @ mean(found, "experiment", outcome, rows)
            link = logistic if outcome in SHARES else exponential
            ones, offset = np.ones((len(rows), 1)), _tilt(rows, outcome)
            found[situation, outcome] = float(
                solve(ones, np.array([target]), link=link, weight=(1 - share) * weight, offset=offset)[0]
            )
    return found


@cache
def levels(outcome: str) -> Mapping[str, float]:
    """The level of everyone in each situation; ``before``: at experimental offices in the earlier inflow."""
    frame = people.population()
    inside = frame[frame["arm"] != "regular"]
    first_stage = taking(inside, people.asking(inside))
    if outcome in TOLD:
        with_services = WITHOUT[outcome] + prose(printed.STUDY)[TOLD[outcome]].value
        control = with_services - first_stage * (with_services - WITHOUT[outcome])
        return dict.fromkeys(("experiment", "regular", "before"), with_services) | {"control": control}
    found = {arm: printed.level(arm, outcome) for arm in printed.ARMS}
    one = {arm: {EVERYONE: value} for arm, value in found.items()}
    return found | {"before": found["experiment"] - extra_effect(one, EVERYONE, outcome, first_stage)}


def mean(found: Mapping[tuple[str, str], float], situation: str, outcome: str, frame: pd.DataFrame) -> np.ndarray:
    """Expected outcome of each person."""
    link = logistic if outcome in SHARES else exponential
    return able(found, situation, outcome, frame) * link(found[situation, outcome] + _tilt(frame, outcome))[0]


def able(found: Mapping[tuple[str, str], float], situation: str, outcome: str, frame: pd.DataFrame) -> np.ndarray:
    """Each person's chance that nothing else rules the outcome out: who is on IVA has not recovered, and so on."""
    chance = np.ones(len(frame))
    if outcome in ("recovered", "from_80_100_to_35_80"):
        chance = chance - mean(found, situation, "iva", frame)
    if outcome == "from_80_100_to_35_80":
        chance = chance - mean(found, situation, "recovered", frame)
        chance = chance * people.characteristic(frame, "wga_class", "wga_80_100")
    return chance


def drawn_benefits(rng: np.random.Generator, persons: pd.DataFrame, *, exact: bool) -> pd.DataFrame:
    """Benefit outcomes, one row per person, in the order of ``persons``."""
    out = pd.DataFrame(index=persons.index)
    blocks = [(situation, persons.loc[rows]) for situation, rows in _blocks(persons) if len(rows)]
    for outcome in SHARES:
        out[outcome] = 0
        for situation, frame in blocks:
            free = _free(out.loc[frame.index], outcome, frame)
            score = constants()[situation, outcome] + _tilt(frame, outcome) + rng.logistic(size=len(frame))
            out.loc[frame.index, outcome] = _top(score, free, mean(constants(), situation, outcome, frame), exact)
    for outcome in AMOUNTS:
        out[outcome] = 0.0
        for situation, frame in blocks:
            expected, shape = mean(constants(), situation, outcome, frame), SHAPE[outcome]
            some = rng.random(len(frame)) < PAID[outcome]
            value = expected * some / PAID[outcome] * rng.gamma(shape, 1 / shape, len(frame))
            value = value * expected.sum() / value.sum() if exact else value
            out.loc[frame.index, outcome] = value.round(2)
    return out


def _blocks(persons: pd.DataFrame) -> list[tuple[str, pd.Index]]:
    during, inside = persons["cohort"] == "during", persons["office_type"] == "experiment"
    served = persons["received_services"] == 1
    rows = {
        "experiment": during & (persons["arm"] == "experiment"),
        "control": during & inside & ~served,
        "regular": ~inside & during,
        "before": ~during & inside,
    }
    asks = during & (persons["self_reporter"] == 1)
    more = [("experiment", asks), ("regular", ~during & ~inside)]
    return [(name, persons.index[mask]) for name, mask in [*rows.items(), *more]]


def _free(drawn: pd.DataFrame, outcome: str, frame: pd.DataFrame) -> np.ndarray:
    free = np.ones(len(frame), bool)
    if outcome in ("recovered", "from_80_100_to_35_80"):
        free &= (drawn["iva"] == 0).to_numpy()
    if outcome == "from_80_100_to_35_80":
        free &= (drawn["recovered"] == 0).to_numpy() & people.characteristic(frame, "wga_class", "wga_80_100")
    return free


def _top(score: np.ndarray, free: np.ndarray, expected: np.ndarray, exact: bool) -> np.ndarray:
    if not exact:
        return (free & (score > 0)).astype(int)
    out = np.zeros(len(score), int)
    out[np.argsort(np.where(free, -score, np.inf), kind="stable")[: round(expected.sum())]] = 1
    return out


def _tilt(frame: pd.DataFrame, outcome: str) -> np.ndarray:
    return sum(v * people.characteristic(frame, *group) for group, v in TILTS[outcome].items())


def drawn_states(
    rng: np.random.Generator, persons: pd.DataFrame, benefits: pd.DataFrame, *, exact: bool
) -> pd.DataFrame:
    """Benefit state of the experiment and control group every six months, one row per person and month."""
    tables = []
    for arm, table in (("experiment", "TI.11"), ("control", "TI.12")):
        rows = persons.index[(persons["cohort"] == "during") & (persons["arm"] == arm)]
        path = _path(rng, table, persons.loc[rows], exact=exact)
        tables.append(_walk(rng, persons.loc[rows], benefits.loc[rows], path))
    return pd.concat(tables, ignore_index=True)


@cache
def state_shares(table: str) -> pd.DataFrame:
    """Printed shares of the states by month, scaled to add up to 1."""
    cells = published(printed.STUDY, table)
    shares = pd.DataFrame(
        {state: [cells.one(outcome=state, horizon_months=float(m)).number for m in MONTHS] for state in STATES}, MONTHS
    )
    return shares.div(shares.sum(axis=1), axis=0)


def _path(rng: np.random.Generator, table: str, frame: pd.DataFrame, *, exact: bool) -> pd.DataFrame:
    """People in each state by month: by quota, or drawn so that every step has the printed chances."""
    shares = state_shares(table)
    if exact:
        return pd.DataFrame([quota(row, len(frame)) for row in shares.to_numpy()], MONTHS, STATES)
    place = rng.random(len(frame))
    ends = np.cumsum(shares.to_numpy(), axis=1)
    counts = [
        np.bincount(np.minimum(np.searchsorted(row, place), len(STATES) - 1), minlength=len(STATES)) for row in ends
    ]
    return pd.DataFrame(counts, MONTHS, STATES)


def _walk(rng: np.random.Generator, frame: pd.DataFrame, benefits: pd.DataFrame, path: pd.DataFrame) -> pd.DataFrame:
    """Moves people between states so that each month has those of ``path``; nobody comes back from outside the WIA."""
    state = np.where(frame["wga_class"] == "wga_35_80", "state_35_80", "state_80_100").astype(object)
    state[(frame["wga_class"] == "iva").to_numpy()] = "state_iva"
    prefer = _preferences(rng, frame, benefits)
    found = []
    for month in MONTHS:
        for end in ENDS:
            need = int(path.loc[month, end] - (state == end).sum())
            staying = np.isin(state, ("state_35_80", "state_80_100"))
            best = np.argsort(np.where(staying, -prefer[end], np.inf), kind="stable")[: max(need, 0)]
            state[best] = end
        _balance(state, path.loc[month], prefer["from_80_100_to_35_80"])
        found.append(pd.DataFrame({"person": frame["person"].to_numpy(), "month": month, "state": state.copy()}))
    return pd.concat(found, ignore_index=True)


def _preferences(rng: np.random.Generator, frame: pd.DataFrame, benefits: pd.DataFrame) -> dict[str, np.ndarray]:
    """Who moves first to each state: those whom the outcomes after three years put there, the oldest to a pension."""
    chance = {end: rng.random(len(frame)) for end in (*ENDS, "from_80_100_to_35_80")}
    for end, outcome in (("state_recovered", "recovered"), ("state_iva", "iva")):
        chance[end] = chance[end] + benefits[outcome].to_numpy()
    settled = (benefits["iva"] + benefits["recovered"]).to_numpy()
    for end in ENDS[2:]:
        chance[end] = chance[end] - settled
    chance["state_pension"] = chance["state_pension"] + frame["age"].to_numpy()
    chance["from_80_100_to_35_80"] = chance["from_80_100_to_35_80"] + benefits["from_80_100_to_35_80"].to_numpy()
    return chance


def _balance(state: np.ndarray, wanted: pd.Series, prefer: np.ndarray) -> None:
    """Moves people between the two classes of the WGA until each has its number."""
    more = int(wanted["state_35_80"] - (state == "state_35_80").sum())
    old, new = ("state_80_100", "state_35_80") if more > 0 else ("state_35_80", "state_80_100")
    order = np.argsort(np.where(state == old, -prefer if more > 0 else prefer, np.inf), kind="stable")
    state[order[: abs(more)]] = new
