"""A small study of monthly exits with services, for tests: what it draws from is known."""

import numpy as np
import pandas as pd
from watwerkt.compress import MOMENTS, Plan

PLAN = Plan(
    {"sex": ("female", "male"), "population": ("no_nonwestern", "nonwestern")},
    services={"jobhunting": MOMENTS, "training": MOMENTS}, interviews=2, horizon=8,
)  # fmt: skip
TRUTH = {
    "work:sex=male": 0.2, "work:population=nonwestern": -0.3, "work:jobhunting=early": 0.5,
    "work:jobhunting=normal": 0.2, "work:jobhunting=late": -0.3, "work:followup_1": 0.3,
    "other:sex=male": -0.1, "other:population=nonwestern": 0.2, "other:jobhunting=early": -0.2,
}  # fmt: skip
MONTHS = {"work": (-2.2, -0.05), "other": (-3.0, 0.03)}


def tables(people: int, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Persons, services and interviews drawn from TRUTH and MONTHS."""
    frame = pd.DataFrame({name: rng.choice(values, people) for name, values in PLAN.covariates.items()})
    starts = {name: _sometimes(rng, people, 0.5) for name in (*PLAN.services, *PLAN.talks)}
    alive = np.ones(people, bool)
    frame["months_observed"], frame["exit"] = PLAN.horizon, "none"
    for month in range(PLAN.horizon):
        odds = {kind: np.exp(_predictor(kind, month, frame, starts)) for kind in MONTHS}
        total, draw = 1 + sum(odds.values()), rng.random(people)
        chance = {kind: one / total for kind, one in odds.items()}
        leaves = alive & (draw < chance["work"] + chance["other"])
        frame.loc[leaves, "months_observed"] = month + 1
        frame.loc[leaves, "exit"] = np.where(draw[leaves] < chance["work"][leaves], "work", "other")
        alive &= ~leaves
    frame.insert(0, "person", np.arange(1, people + 1))
    seen = {name: (start >= 0) & (start < frame["months_observed"].to_numpy()) for name, start in starts.items()}
    services = [
        pd.DataFrame({"person": frame["person"][seen[n]], "service": n, "start_month": starts[n][seen[n]]})
        for n in PLAN.services
    ]
    interviews = [
        pd.DataFrame({"person": frame["person"][seen[n]], "number": k, "month": starts[n][seen[n]]})
        for k, n in enumerate(PLAN.talks, start=1)
    ]
    return {"persons": frame, "services": pd.concat(services), "interviews": pd.concat(interviews)}


def expanded(given: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per person-month, made by plain pandas: outcome, month, covariates, a column per state."""
    persons = given["persons"]
    rows = persons.loc[persons.index.repeat(persons["months_observed"])].reset_index(drop=True)
    rows["month"] = rows.groupby("person").cumcount()
    last = rows["month"] == rows["months_observed"] - 1
    rows["outcome"] = rows["exit"].where(last & rows["exit"].isin(MONTHS), "stay")
    for name in PLAN.services:
        starts = given["services"].query("service == @name").set_index("person")["start_month"]
        start = rows["person"].map(starts)
        begun = start <= rows["month"]
        rows[name] = np.select([~begun, start < 2, start < 6], [0, 1, 2], 3)
    for number, name in enumerate(PLAN.talks, start=1):
        these = given["interviews"][given["interviews"]["number"] == number]
        start = rows["person"].map(these.set_index("person")["month"])
        rows[name] = ((start <= rows["month"]) & (rows["month"] < start + PLAN.lasting)).astype(int)
    return rows


def _sometimes(rng: np.random.Generator, people: int, share: float) -> np.ndarray:
    return np.where(rng.random(people) < share, rng.integers(0, PLAN.horizon, people), -1)


def _predictor(kind: str, month: int, frame: pd.DataFrame, starts: dict[str, np.ndarray]) -> np.ndarray:
    level, slope = MONTHS[kind]
    total = np.full(len(frame), level + slope * month)
    for name, value in ((n.partition(":")[2], v) for n, v in TRUTH.items() if n.startswith(kind)):
        column, _, wanted = name.partition("=")
        if column in PLAN.covariates:
            total += value * (frame[column] == wanted)
        elif column in PLAN.services:
            start = starts[column]
            moment = np.select([start < 0, start < 2, start < 6], ["never", "early", "normal"], "late")
            total += value * ((moment == wanted) & (start <= month))
        else:
            start = starts[column]
            total += value * ((start >= 0) & (start <= month) & (month < start + PLAN.lasting))
    return total
