"""Outcomes in work of each person, drawn from the model: by quota, or independently."""

from __future__ import annotations

from dataclasses import dataclass

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
    SHARES,
    SMALL,
    STAYS,
    WAGE_SPREAD,
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
    blocks = []
    for situation, early, rows in _situations(persons):
        if len(rows):
            frame = persons.loc[rows]
            found = _drawn(rng, situation, frame, early=early, exact=exact)
            blocks.append(_described(rng, situation, frame, found, early=early, exact=exact))
    out = pd.concat(blocks).loc[persons.index].reset_index(drop=True)
    missing = dict.fromkeys(("first_job_month", "permanent_contract", "self_employment"), "Int64")
    return out.astype({**missing, **dict.fromkeys(("job", "job_12h", "job_under_12h", "working"), int)})


def half_year(frame: pd.DataFrame) -> np.ndarray:
    """Cluster of inflow before October 2019, 0 for the earliest; the clusters end in March and September."""
    months = (2019 - frame["inflow_date"].dt.year) * 12 + 9 - frame["inflow_date"].dt.month
    return (HALF_YEARS - 1 - months // 6).to_numpy(int)


def _situations(persons: pd.DataFrame) -> list[tuple[str, bool, pd.Index]]:
    """Situation, whether it is that of the earlier inflow, and the people in it."""
    during, inside = persons["cohort"] == "during", persons["office_type"] == "experiment"
    found = [(arm, False, persons.index[during & (persons["arm"] == arm)]) for arm in printed.ARMS]
    early = [("before", inside), ("regular", ~inside)]
    return [*found, *((situation, True, persons.index[~during & rows]) for situation, rows in early)]


def _drawn(rng: np.random.Generator, situation: str, frame: pd.DataFrame, *, early: bool, exact: bool) -> pd.DataFrame:
    """In the control group self-reporters have outcomes with services; the others make up what the levels leave."""
    if situation != "control":
        return _Block(rng, situation, frame, exact, early=early).drawn()
    asks = frame["self_reporter"] == 1
    first = _Block(rng, "experiment", frame[asks], exact, kind="asks").drawn()
    second = _Block(rng, "control", frame[~asks], exact, kind="refrains", given=(frame, first)).drawn()
    return pd.concat([first, second]).loc[frame.index]


@dataclass
class _Block:
    """People in one situation; ``given``: all of their arm, and those of it who are drawn already."""

    rng: np.random.Generator
    situation: str
    frame: pd.DataFrame
    exact: bool
    kind: str = "all"
    early: bool = False
    given: tuple[pd.DataFrame, pd.DataFrame] | None = None

    def __post_init__(self) -> None:
        self.model, self.part, self.moments = work(), part_of(self.frame, self.kind), design(self.frame)
        clusters = np.eye(HALF_YEARS)[half_year(self.frame)][:, 1:] if self.early else np.empty((len(self.frame), 0))
        self.x = np.hstack([self.moments, clusters])
        self.cells, cell = np.unique(self.x, axis=0, return_inverse=True)
        self.cell, self.made = cell.reshape(-1), {}

    def drawn(self) -> pd.DataFrame:
        """Job, work after three years, size and contract, with what days, hours and wages need."""
        u, people = self._errors(), len(self.frame)
        everyone = np.ones(people, bool)
        index = {o: self.model.index(self.situation, o, self.part) for o in SHARES if o != "self_employment"}
        if self.early:
            shifts = pd.DataFrame(trends(self.situation)).to_numpy()[half_year(self.frame)]
            index |= {o: index[o] + shifts[:, k] for k, o in enumerate(PROBITS)}
        index["working"] = np.minimum(index["working"], index["job"])
        chance = {o: tail(index[o], self.part.asking, self.kind, self.model.tie)[0] for o in PROBITS}
        job = self._pick("job", chance["job"], everyone, u + index["job"])
        working = self._pick("working", chance["working"] / chance["job"], job, u + index["working"])
        self._pick_logistic("job_12h", index["job_12h"], job)
        self._pick_logistic("permanent_contract_jobholders", index["permanent_contract_jobholders"], working)
        if not self.early:
            own = self.model.index(self.situation, "self_employment", self.part)
            self._pick_logistic("self_employment", own, everyone)
        rest = {f"index_{o}": index[o] for o in ("fraction_days", "fraction_hours")}
        rest |= {"error": u, "index_hourly_wage": self.model.index(self.situation, "hourly_wage", self.part)}
        return pd.DataFrame({**{k: v.astype(int) for k, v in self.made.items()}, **rest}, index=self.frame.index)

    def _pick_logistic(self, outcome: str, index: np.ndarray, able: np.ndarray) -> None:
        self._pick(outcome, logistic(index)[0], able, self.rng.logistic(size=len(index)) + index)

    def _pick(self, outcome: str, chance: np.ndarray, able: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Who of those able has an outcome: those with a positive score, or by quota those who score highest."""
        made = able & (score > 0)
        if self.exact:
            expected = np.bincount(self.cell, chance * able, len(self.cells))
            room = np.bincount(self.cell, able, len(self.cells))
            target = self._target(outcome, chance * able)
            counts = whole_counts(expected, self.cells, target, room, self.rng)
            made = able & chosen(self.cell, counts, np.where(able, score, -np.inf))
        self.made[outcome] = made
        return made

    def _target(self, outcome: str, chance: np.ndarray) -> np.ndarray:
        """Totals by column that the levels ask for, and by cluster of inflow; of self-reporters, what is expected."""
        target, columns = self.x.T @ chance, self.moments.shape[1]
        if self.kind != "asks":
            target[:columns] = self._wanted(outcome)
        if self.early and outcome in BY_HALF_YEAR:
            level = target[0] / len(self.frame) + changes(outcome)[1:]
            target[columns:] = self.x[:, columns:].sum(axis=0) * level
        return target

    def _wanted(self, outcome: str) -> np.ndarray:
        arm, drawn = self.given if self.given else (self.frame, None)
        mass = None
        if outcome == "permanent_contract_jobholders":
            at_work = pd.Series(self.made["working"].astype(float), index=self.frame.index)
            parts = [at_work] if drawn is None else [at_work, drawn["working"].astype(float)]
            mass = pd.concat(parts).loc[arm.index].to_numpy()
        total = sums(arm, self.model.levels[self.situation, outcome], mass=mass)
        return total if drawn is None else total - design(arm.loc[drawn.index]).T @ drawn[outcome].to_numpy(float)

    def _errors(self) -> np.ndarray:
        """u; of those who do or do not ask for services, given that."""
        people, tie = len(self.frame), self.model.tie
        if self.kind == "all":
            return self.rng.standard_normal(people)
        share, place = np.clip(self.part.asking, 1e-9, 1 - 1e-9), self.rng.random(people)
        v = ndtri(1 - share + share * place) if self.kind == "asks" else ndtri((1 - share) * place)
        return tie * v + np.sqrt(1 - tie**2) * self.rng.standard_normal(people)


def _described(
    rng: np.random.Generator, situation: str, frame: pd.DataFrame, found: pd.DataFrame, *, early: bool, exact: bool
) -> pd.DataFrame:
    """Days, hours, wage and month of the first job of a block; missing where there is no job."""
    job = found["job"].to_numpy() == 1
    part, hours = _worked(rng, situation, frame, found, exact=exact)
    wage = _wage(rng, found[job])
    if exact and situation != "before":
        wage = wage + printed.level(situation, "hourly_wage") - wage.mean()
    out = pd.DataFrame(0.0, index=frame.index, columns=["fraction_days", "fraction_hours"])
    out.loc[job, "fraction_days"], out.loc[job, "fraction_hours"] = part, hours
    out["first_job_month"] = out["hourly_wage"] = np.nan
    out.loc[job, "first_job_month"] = _first_month(rng, part, found.loc[job, "working"].to_numpy() == 1)
    out.loc[job, "hourly_wage"] = wage.round(2)
    return out.assign(
        job=found["job"],
        job_12h=found["job_12h"],
        job_under_12h=found["job"] - found["job_12h"],
        working=found["working"],
        permanent_contract=found["permanent_contract_jobholders"].where(found["working"] == 1),
        self_employment=np.nan if early else found["self_employment"],
    )


def _worked(
    rng: np.random.Generator, situation: str, frame: pd.DataFrame, found: pd.DataFrame, *, exact: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Days and hours worked by those with a job, as fractions of three years."""
    mine, model = found[found["job"] == 1], work()
    x = design(frame)[(found["job"] == 1).to_numpy()]
    stay = np.where(mine["working"] == 1, STAYS["working"], STAYS["not_working"])
    part = _beta(rng, expit(mine["index_fraction_days"].to_numpy() + stay))
    size = _beta(rng, expit(mine["index_fraction_hours"].to_numpy()))
    low, high = (np.where(mine["job_12h"] == 1, LARGE[k], SMALL[k]) for k in (0, 1))
    if exact:
        totals = {o: sums(frame, model.levels[situation, o]) for o in ("fraction_days", "fraction_hours")}
        part = _tilted(x, part, totals["fraction_days"], np.ones(len(part)))
        size = _tilted(x, size, totals["fraction_hours"] - x.T @ (part * low), part * (high - low))
    return part, part * (low + size * (high - low))


def _beta(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    return np.clip(rng.beta(mean * FIRMNESS, (1 - mean) * FIRMNESS), EDGE, 1 - EDGE)


def _tilted(x: np.ndarray, value: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fractions moved so that, weighted, they have the totals by column of the design."""
    offset = logit(value)
    return expit(offset + x @ solve(x, target, link=logistic, weight=weight, offset=offset))


def _wage(rng: np.random.Generator, found: pd.DataFrame) -> np.ndarray:
    chance, tie = (rng.gamma(SKEW, size=len(found)) - SKEW) / np.sqrt(SKEW), work().wage_tie
    return (found["index_hourly_wage"] + WAGE_SPREAD * (tie * found["error"] + np.sqrt(1 - tie**2) * chance)).to_numpy()


def _first_month(rng: np.random.Generator, part: np.ndarray, working: np.ndarray) -> np.ndarray:
    """The month in which the first job starts: early enough for the days worked, for most of those at work just so."""
    room = MONTHS * (1 - part)
    place = np.where(working, rng.beta(6.0, 1.0, len(part)), rng.random(len(part)))
    return np.clip(np.ceil(room * place), 1, MONTHS)
