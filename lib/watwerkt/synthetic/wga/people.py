"""The people and the offices: who they are, when and where they came, and which group they fell into."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import qmc

from watwerkt.published import published
from watwerkt.synthetic.wga.calibration import by_rank, logistic, solve
from watwerkt.synthetic.wga.printed import ARMS, STUDY, composition, size
from watwerkt.synthetic.whole import quota

POPULATION_SEED = 20191001  # the people from whom independent samples are drawn
AGES = {"18-29": (18, 30), "30-39": (30, 40), "40-49": (40, 50), "50-59": (50, 60), "60-66": (60, 67)}
SPANS = {**AGES, "60_over": (60, 200), "under_35": (0, 35), "35-55": (35, 56), "55_over": (56, 200)}

# Order in which a higher score gives a later category; the ties between the scores are assumed, no table prints them.
TRAITS = {
    "age": tuple(AGES),
    "sex": ("male", "female"),
    "marital": ("unmarried", "married"),
    "education": ("education_unknown", "lower", "middle", "higher"),
    "wga_class": ("wga_35_80", "wga_80_100", "iva"),
    "conditions": ("single_condition", "multiple_conditions"),
    "condition": ("musculoskeletal", "other_condition", "mental"),
    "sickness_benefit": ("not_from_sickness_benefit", "from_sickness_benefit"),
    "job_at_start": ("no_job", "job"),
}
TIES = {
    ("age", "marital"): 0.35,
    ("age", "education"): -0.10,
    ("age", "condition"): -0.20,
    ("age", "sickness_benefit"): -0.15,
    ("sex", "condition"): 0.10,
    ("marital", "sickness_benefit"): -0.15,
    ("education", "wga_class"): -0.05,
    ("conditions", "wga_class"): 0.10,
    ("sickness_benefit", "job_at_start"): -0.60,
}

DURING = ("2019-10-01", "2021-04-30")
BEFORE = ("2017-01-01", "2019-09-30")
REGISTERS_END = pd.Timestamp("2024-04-30")  # assumed: three years after the last inflow


def offices() -> pd.DataFrame:
    """The offices of the study with their type (Table I.1); the four that were left out are not in it."""
    cells = published(STUDY, "TI.1").where(arm=["experiment", "regular"])
    return pd.DataFrame({"office": [c.category for c in cells], "office_type": [c.arm for c in cells]})


def people_during(rng: np.random.Generator, people: int) -> pd.DataFrame:
    """The people of the three groups in the experimental period, by quota."""
    sizes = dict(zip(ARMS, quota([size(arm) for arm in ARMS], people), strict=True))
    asking = round(size("self_reporters") / size("control") * sizes["control"])
    blocks = [_arm(rng, arm, n, asking if arm == "control" else 0) for arm, n in sizes.items()]
    return pd.concat(blocks, ignore_index=True)


@cache
def population() -> pd.DataFrame:
    """The people of the report's size from whom independent samples are drawn."""
    return people_during(np.random.default_rng(POPULATION_SEED), sum(size(arm) for arm in ARMS))


def drawn_during(rng: np.random.Generator, people: int) -> pd.DataFrame:
    """People drawn independently from the population; at experimental offices chance decides on the group."""
    frame = population()
    rows = rng.integers(0, len(frame), people)
    drawn = frame.iloc[rows].reset_index(drop=True)
    inside = (drawn["arm"] != "regular").to_numpy()
    share = size("experiment") / (size("experiment") + size("control"))
    drawn.loc[inside, "arm"] = np.where(rng.random(inside.sum()) < share, "experiment", "control")
    asks = (rng.random(people) < asking(drawn)) & (drawn["arm"] == "control")
    return drawn.assign(self_reporter=asks.astype(int), received_services=_received(drawn["arm"], asks))


def people_before(rng: np.random.Generator, during: pd.DataFrame, *, exact: bool) -> pd.DataFrame:
    """The earlier inflow: people like those of the study, as many a month, who all had regular services."""
    blocks = []
    for inside in (True, False):
        like = during[(during["arm"] != "regular") == inside]
        n = round(len(like) * _months(*BEFORE) / _months(*DURING))
        rows = rng.permutation(np.resize(rng.permutation(len(like)), n)) if exact else rng.integers(0, len(like), n)
        block = like.iloc[rows].reset_index(drop=True)
        blocks.append(block.assign(arm=None, self_reporter=0, received_services=1, inside=inside))
    return pd.concat(blocks, ignore_index=True)


def placed(rng: np.random.Generator, people: pd.DataFrame, cohort: str, *, exact: bool) -> pd.DataFrame:
    """Adds the office and the day of inflow; offices differ in size but in nothing else."""
    first, last = (pd.Timestamp(day) for day in (DURING if cohort == "during" else BEFORE))
    inside = people["inside"] if "inside" in people else people["arm"] != "regular"
    listed, office = offices(), np.empty(len(people), dtype=object)
    for kind, rows in (("experiment", inside.to_numpy()), ("regular", ~inside.to_numpy())):
        names = listed.loc[listed["office_type"] == kind, "office"].to_numpy()
        weight = 0.5 + np.linspace(0, 1, len(names))
        if exact:
            office[rows] = by_rank(rng.random(rows.sum()), weight, names)
        else:
            office[rows] = rng.choice(names, rows.sum(), p=weight / weight.sum())
    days = (last - first).days + 1
    place = (rng.permutation(len(people)) + 0.5) / len(people) if exact else rng.random(len(people))
    inflow = (first + pd.to_timedelta((place * days).astype(int), unit="D")).as_unit("us")
    followed = (REGISTERS_END - inflow).days
    return people.assign(cohort=cohort, office=office, inflow_date=inflow, days_followed=followed)


def characteristic(frame: pd.DataFrame, dimension: str, category: str) -> np.ndarray:
    """Who belongs to a category of Tables 2.3 and 2.5."""
    if dimension == "all":
        return np.ones(len(frame), bool)
    if dimension == "age":
        low, high = SPANS[category]
        age = frame["age"].to_numpy()
        return (age >= low) & (age < high)
    return frame[dimension].to_numpy(object) == category


def subgroup(frame: pd.DataFrame, dimension: str, category: str) -> np.ndarray:
    """Who belongs to a subgroup of Tables 3.2, 4.19 and I.10, where lower education takes in middle education.

    That reading is ours: only with it do the levels by education average to those of everyone.
    """
    if (dimension, category) == ("education", "lower"):
        return frame["education"].isin(["lower", "middle"]).to_numpy()
    if category == "not_mental":
        return (frame["condition"] != "mental").to_numpy()
    return characteristic(frame, dimension, category)


def asking(frame: pd.DataFrame) -> np.ndarray:
    """Each person's chance of asking for services when in the control group."""
    values = logistic(_traits(frame) @ _asking_model())[0]
    return np.where(frame["wga_class"] == "iva", 0.0, values)


@cache
def _asking_model() -> np.ndarray:
    frame = population()
    rows = frame[(frame["arm"] == "control") & (frame["wga_class"] != "iva")]
    x = _traits(rows)
    return solve(x, x.T @ rows["self_reporter"].to_numpy(float), link=logistic)


def _traits(frame: pd.DataFrame) -> np.ndarray:
    columns = [np.ones(len(frame))]
    for dimension, categories in TRAITS.items():
        skip = (categories[0], "iva", "job", "no_job")
        columns += [characteristic(frame, dimension, c).astype(float) for c in categories if c not in skip]
    return np.column_stack(columns)


def _arm(rng: np.random.Generator, arm: str, people: int, asks: int) -> pd.DataFrame:
    if not asks:
        frame = _characteristics(rng, people, {d: composition(arm, d) for d in TRAITS})
        return frame.assign(arm=arm, self_reporter=0, received_services=1)
    own = {d: composition("self_reporters", d) for d in TRAITS}
    rest = {
        d: {c: max(v * people - own[d].get(c, 0.0) * asks, 0.0) for c, v in composition(arm, d).items()} for d in TRAITS
    }
    first = _characteristics(rng, asks, own).assign(self_reporter=1, received_services=1)
    second = _characteristics(rng, people - asks, rest).assign(self_reporter=0, received_services=0)
    return pd.concat([first, second], ignore_index=True).assign(arm=arm)


def _characteristics(rng: np.random.Generator, people: int, shares: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    names = list(TRAITS)
    tie = np.eye(len(names))
    for (one, other), value in TIES.items():
        tie[names.index(one), names.index(other)] = tie[names.index(other), names.index(one)] = value
    even = ndtri(qmc.Halton(len(names), rng=rng).random(people))  # so that groups differ only in what is printed
    scores = even @ np.linalg.cholesky(tie).T
    found = {
        name: by_rank(scores[:, k], [shares[name].get(c, 0.0) for c in TRAITS[name]], TRAITS[name])
        for k, name in enumerate(names)
    }
    return pd.DataFrame({**found, "age": _years(found["age"], scores[:, 0])})


def _years(band: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Whole years, spread evenly over each band in the order of the score."""
    years = np.empty(len(band), int)
    for name, (low, high) in AGES.items():
        rows = np.flatnonzero(band == name)
        place = (np.argsort(np.argsort(score[rows])) + 0.5) / max(len(rows), 1)
        years[rows] = low + (place * (high - low)).astype(int)
    return years


def _received(arm: pd.Series, asks: pd.Series) -> np.ndarray:
    return ((arm != "control") | asks).astype(int).to_numpy()


def _months(first: str, last: str) -> int:
    return len(pd.period_range(first, last, freq="M"))
