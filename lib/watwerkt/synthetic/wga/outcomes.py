"""Outcomes in work of each person, drawn from the model: by quota, or independently."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri

from watwerkt.synthetic.wga import printed
from watwerkt.synthetic.wga.calibration import chosen, logistic, solve, tail, whole_counts
from watwerkt.synthetic.wga.levels import design, sums
from watwerkt.synthetic.wga.model import (
    HALF_YEARS,
    LARGE,
    PROBITS,
    SMALL,
    STAYS,
    WAGE_SPREAD,
    Work,
    changes,
    part_of,
    trends,
    work,
)

FIRMNESS = 2.5  # of the beta draws of days and hours: how alike people with the same expectation are
SKEW = 4.0  # shape of the gamma errors of wages: few people far below, some far above
EDGE = 1e-4
BY_HALF_YEAR = ("job", "working", "job_12h")  # quotas by cluster of inflow as well
MONTHS = 36


def drawn_outcomes(rng: np.random.Generator, persons: pd.DataFrame, *, exact: bool) -> pd.DataFrame:
    """Work within and after three years, one row per person, in the order of ``persons``."""
    model, blocks = work(), []
    for situation, rows in _situations(persons):
        if not len(rows):
            continue
        frame = persons.loc[rows]
        if situation == "control":
            found = _control(rng, model, frame, exact=exact)
        else:
            found = _block(rng, model, situation, frame, exact=exact)
        blocks.append(_described(rng, model, situation, frame, found, exact=exact))
    out = pd.concat(blocks).loc[persons.index].reset_index(drop=True)
    whole = ("first_job_month", "permanent_contract", "self_employment")
    return out.astype(
        {**dict.fromkeys(whole, "Int64"), "job": int, "job_12h": int, "job_under_12h": int, "working": int}
    )


def half_year(frame: pd.DataFrame) -> np.ndarray:
    """Cluster of inflow before October 2019, 0 for the earliest; the clusters end in March and September."""
    months = (2019 - frame["inflow_date"].dt.year) * 12 + 9 - frame["inflow_date"].dt.month
    return (HALF_YEARS - 1 - months // 6).to_numpy(int)


def _situations(persons: pd.DataFrame) -> list[tuple[str, pd.Index]]:
    during, inside = persons["cohort"] == "during", persons["office_type"] == "experiment"
    found = [(arm, persons.index[during & (persons["arm"] == arm)]) for arm in printed.ARMS]
    return [*found, ("before", persons.index[~during & inside]), ("regular_before", persons.index[~during & ~inside])]


def _control(rng: np.random.Generator, model: Work, frame: pd.DataFrame, *, exact: bool) -> pd.DataFrame:
    """Self-reporters have services and their outcomes; the others make up what the printed levels leave."""
    asks = frame["self_reporter"] == 1
    first = _block(rng, model, "experiment", frame[asks], kind="asks", exact=exact)
    second = _block(rng, model, "control", frame[~asks], kind="refrains", exact=exact, given=(frame, first))
    return pd.concat([first, second]).loc[frame.index]


def _block(
    rng: np.random.Generator,
    model: Work,
    situation: str,
    frame: pd.DataFrame,
    *,
    exact: bool,
    kind: str = "all",
    given: tuple[pd.DataFrame, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Job, work after three years, size and contract; ``given``: the whole arm, and those of it who are drawn already."""
    name = "regular" if situation == "regular_before" else situation
    part, u = part_of(frame, kind), _errors(rng, model, frame, kind)
    index = {o: model.index(name, o, part) for o in ("job", "working", "job_12h", "permanent_contract_jobholders")}
    early = situation.endswith("before")
    if early:
        shifts = pd.DataFrame(trends(name)).to_numpy()[half_year(frame)]
        index |= {o: index[o] + shifts[:, k] for k, o in enumerate(PROBITS)}
    index["working"] = np.minimum(index["working"], index["job"])
    chance = {o: tail(index[o], part.asking, kind, model.tie)[0] for o in PROBITS}
    pick = _picker(rng, model, name, frame, kind=kind, exact=exact, given=given, early=early)
    job = pick("job", chance["job"], np.ones(len(frame), bool), u + index["job"])
    working = pick("working", chance["working"] / chance["job"], job, u + index["working"])
    noise = rng.logistic(size=(2, len(frame)))
    large = pick("job_12h", logistic(index["job_12h"])[0], job, noise[0] + index["job_12h"])
    lasting = index["permanent_contract_jobholders"]
    permanent = pick("permanent_contract_jobholders", logistic(lasting)[0], working, noise[1] + lasting)
    found = {"job": job, "working": working, "job_12h": large, "permanent_contract_jobholders": permanent}
    rest = {"error": u, "index": index["job"]}
    if ("regular" if early else name, "self_employment") in model.coefficients and not early:
        own = model.index(name, "self_employment", part)
        everyone = np.ones(len(frame), bool)
        found["self_employment"] = pick(
            "self_employment", logistic(own)[0], everyone, rng.logistic(size=len(frame)) + own
        )
    part_names = ("fraction_days", "fraction_hours", "hourly_wage")
    rest |= {f"index_{o}": model.index(name, o, part) for o in part_names}
    return pd.DataFrame({**{k: v.astype(int) for k, v in found.items()}, **rest}, index=frame.index)


def _picker(
    rng: np.random.Generator,
    model: Work,
    situation: str,
    frame: pd.DataFrame,
    *,
    kind: str,
    exact: bool,
    given: tuple[pd.DataFrame, pd.DataFrame] | None,
    early: bool,
) -> Callable[[str, np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """A function that says who of those ``able`` have an outcome: a positive score, or by quota those who score highest."""
    x = design(frame)
    columns = x.shape[1]
    if early:
        x = np.hstack([x, np.eye(HALF_YEARS)[half_year(frame)][:, 1:]])
    cells, cell = np.unique(x, axis=0, return_inverse=True)
    cell, made = cell.reshape(-1), {}

    def pick(outcome: str, chance: np.ndarray, able: np.ndarray, score: np.ndarray) -> np.ndarray:
        if not exact:
            return able & (score > 0)
        expected = np.bincount(cell, chance * able, len(cells))
        room = np.bincount(cell, able, len(cells))
        target = x.T @ (chance * able)
        if kind != "asks":
            target[:columns] = _wanted(model, situation, outcome, frame, given, made)
        if early and outcome in BY_HALF_YEAR:
            sizes = x[:, columns:].sum(axis=0)
            target[columns:] = sizes * (target[0] / len(frame) + changes(outcome)[1:])
        counts = whole_counts(expected, cells, target, room, rng)
        made[outcome] = able & chosen(cell, counts, np.where(able, score, -np.inf))
        return made[outcome]

    return pick


def _wanted(model: Work, situation: str, outcome: str, frame: pd.DataFrame, given, made: dict) -> np.ndarray:
    """Totals by column of the design that the levels ask of a block."""
    arm, drawn = given if given else (frame, None)
    found = model.levels[situation, outcome]
    mass = None
    if outcome == "permanent_contract_jobholders":
        at_work = pd.Series(made["working"].astype(float), index=frame.index)
        if drawn is not None:
            at_work = pd.concat([at_work, drawn["working"].astype(float)])
        mass = at_work.loc[arm.index].to_numpy()
    total = sums(arm, found, mass=mass)
    return total if drawn is None else total - design(arm.loc[drawn.index]).T @ drawn[outcome].to_numpy(float)


def _errors(rng: np.random.Generator, model: Work, frame: pd.DataFrame, kind: str) -> np.ndarray:
    """u; of those who do or do not ask for services, given that."""
    if kind == "all":
        return rng.standard_normal(len(frame))
    share, place = np.clip(part_of(frame).asking, 1e-9, 1 - 1e-9), rng.random(len(frame))
    v = ndtri(1 - share + share * place) if kind == "asks" else ndtri((1 - share) * place)
    return model.tie * v + np.sqrt(1 - model.tie**2) * rng.standard_normal(len(frame))


def _described(
    rng: np.random.Generator, model: Work, situation: str, frame: pd.DataFrame, found: pd.DataFrame, *, exact: bool
) -> pd.DataFrame:
    """Days, hours, wage and month of the first job of a block; missing where there is no job."""
    name = "regular" if situation == "regular_before" else situation
    job, working = found["job"].to_numpy() == 1, found["working"].to_numpy() == 1
    x = design(frame)[job]
    stay = np.where(working[job], STAYS["working"], STAYS["not_working"])
    part = _beta(rng, expit(found["index_fraction_days"].to_numpy()[job] + stay))
    size = _beta(rng, expit(found["index_fraction_hours"].to_numpy()[job]))
    low, high = (np.where(found["job_12h"].to_numpy()[job] == 1, LARGE[k], SMALL[k]) for k in (0, 1))
    wage = _wage(rng, model, found[job])
    if exact:
        totals = {o: sums(frame, model.levels[name, o]) for o in ("fraction_days", "fraction_hours")}
        part = _tilted(x, part, totals["fraction_days"], np.ones(len(part)))
        size = _tilted(x, size, totals["fraction_hours"] - x.T @ (part * low), part * (high - low))
        if name != "before":
            wage = wage + printed.level(name, "hourly_wage") - wage.mean()
    out = pd.DataFrame(0.0, index=frame.index, columns=["fraction_days", "fraction_hours"])
    out.loc[job, "fraction_days"], out.loc[job, "fraction_hours"] = part, part * (low + size * (high - low))
    out["first_job_month"] = np.nan
    out.loc[job, "first_job_month"] = _first_month(rng, part, working[job])
    out["hourly_wage"] = np.nan
    out.loc[job, "hourly_wage"] = wage.round(2)
    permanent = found["permanent_contract_jobholders"].where(working)
    own = found.get("self_employment", np.nan)
    large = found["job_12h"]
    return out.assign(
        job=found["job"], job_12h=large, job_under_12h=found["job"] - large, working=found["working"],
        permanent_contract=permanent, self_employment=own,
    )  # fmt: skip


def _beta(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    return np.clip(rng.beta(mean * FIRMNESS, (1 - mean) * FIRMNESS), EDGE, 1 - EDGE)


def _tilted(x: np.ndarray, value: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fractions moved so that, weighted, they have the totals by column of the design."""
    offset = logit(value)
    return expit(offset + x @ solve(x, target, link=logistic, weight=weight, offset=offset))


def _wage(rng: np.random.Generator, model: Work, found: pd.DataFrame) -> np.ndarray:
    chance = (rng.gamma(SKEW, size=len(found)) - SKEW) / np.sqrt(SKEW)
    tie = model.wage_tie
    return (found["index_hourly_wage"] + WAGE_SPREAD * (tie * found["error"] + np.sqrt(1 - tie**2) * chance)).to_numpy()


def _first_month(rng: np.random.Generator, part: np.ndarray, working: np.ndarray) -> np.ndarray:
    """The month in which the first job starts: early enough for the days worked, for most of those at work just so."""
    room = MONTHS * (1 - part)
    place = np.where(working, rng.beta(6.0, 1.0, len(part)), rng.random(len(part)))
    return np.clip(np.ceil(room * place), 1, MONTHS)
