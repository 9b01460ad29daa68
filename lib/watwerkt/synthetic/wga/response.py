"""Who answers the surveys, and the weights that make those who do resemble their group."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from watwerkt.published import published
from watwerkt.synthetic.wga import people, printed
from watwerkt.synthetic.wga.calibration import chosen, logistic, solve, whole_counts

MARGINS = {  # Table 2.3: the first category of each follows from the others
    "sex": ("male", "female"),
    "age": ("18-29", "30-39", "40-49", "50-59", "60_over"),
    "education": ("lower", "middle", "higher", "education_unknown"),
    "wga_class": ("wga_35_80", "wga_80_100", "iva"),
    "condition": ("mental", "musculoskeletal", "other_condition"),
}

ROUNDS = 300
SETTLED = 1e-10


def traits(frame: pd.DataFrame) -> np.ndarray:
    """A constant and the categories of the five characteristics of Table 2.3."""
    columns = [people.characteristic(frame, d, c) for d, categories in MARGINS.items() for c in categories[1:]]
    return np.column_stack([np.ones(len(frame)), *columns]).astype(float)


@cache
def rate(arm: str, wave: str) -> float:
    """Share of a group that answered a wave, or ``both`` (Table 2.2)."""
    return published(printed.STUDY, "T2.2").one(arm=arm, outcome=f"response_{wave}").number


@cache
def coefficients(arm: str) -> np.ndarray:
    """Logistic model of answering the second wave that gives respondents the make-up of Table 2.3."""
    frame = people.population().query("arm == @arm")
    x = traits(frame)
    return solve(x, _composition(arm) * rate(arm, "t1") * len(frame), link=logistic)


@cache
def _composition(arm: str) -> np.ndarray:
    """Shares of the columns of :func:`traits` among respondents to the second wave."""
    found = [1.0]
    for dimension, categories in MARGINS.items():
        cells = published(printed.STUDY, "T2.3").where(arm=arm, population="respondents", dimension=dimension)
        shares = {cell.category: cell.number for cell in cells}
        found += [shares[c] / sum(shares.values()) for c in categories[1:]]
    return np.array(found)


def respondents(rng: np.random.Generator, persons: pd.DataFrame, *, exact: bool) -> pd.DataFrame:
    """Whether each person answered the first (``t0``) and the second (``t1``) wave."""
    out = pd.DataFrame(False, index=persons.index, columns=["t0", "t1"])
    for arm in printed.ARMS:
        rows = persons.index[(persons["cohort"] == "during") & (persons["arm"] == arm)]
        if len(rows):
            out.loc[rows] = _arm(rng, arm, traits(persons.loc[rows]), exact=exact)
    return out


def _arm(rng: np.random.Generator, arm: str, x: np.ndarray, *, exact: bool) -> np.ndarray:
    chance = logistic(x @ coefficients(arm))[0]
    cells, cell = np.unique(x, axis=0, return_inverse=True)
    cell, room = cell.reshape(-1), np.bincount(cell.reshape(-1), minlength=len(cells))
    luck = rng.random((3, len(x)))
    share = {wave: rate(arm, wave) for wave in ("t0", "t1", "both")}
    again = share["both"] / share["t1"]
    first_only = (share["t0"] - share["both"]) * len(x)
    earlier = np.minimum(chance * first_only / (chance * (1 - chance)).sum(), 1.0)
    if not exact:
        late = luck[0] < chance
        return np.column_stack([np.where(late, luck[1] < again, luck[2] < earlier), late])
    expected = np.bincount(cell, chance, len(cells))
    counts = whole_counts(expected, cells, _composition(arm) * round(share["t1"] * len(x)), room, rng)
    late = chosen(cell, counts, luck[0])
    both = np.zeros(len(x), bool)
    both[np.flatnonzero(late)[np.argsort(luck[1][late])[: round(share["both"] * len(x))]]] = True
    odds = np.where(late, np.inf, luck[2] / earlier)
    only = np.argsort(odds, kind="stable")[: round(first_only)]
    both[only] = True
    return np.column_stack([both, late])


def weights(persons: pd.DataFrame, answered: np.ndarray) -> np.ndarray:
    """Weights of those who answered that give them, per group, the make-up of their group; they average 1 in each.

    Raking, which ends at the weights of entropy balancing (Deville & Särndal 1992; Hainmueller 2012) where those exist;
    in a group too small for them it ends near them. Categories that nobody who answered is in are left out.
    """
    out = np.zeros(len(persons))
    for arm in printed.ARMS:
        group = ((persons["cohort"] == "during") & (persons["arm"] == arm)).to_numpy()
        rows = group & answered
        if rows.any():
            out[rows] = _raked(persons[rows], persons[group])
    return out


def _raked(some: pd.DataFrame, group: pd.DataFrame) -> np.ndarray:
    splits = []
    for dimension, categories in MARGINS.items():
        members = [people.characteristic(some, dimension, c) for c in categories]
        shares = np.array([people.characteristic(group, dimension, c).mean() for c in categories])
        place, seen = np.argmax(members, axis=0), np.array([m.any() for m in members])
        splits.append((place, shares * seen / (shares @ seen) * len(some)))
    weight = np.ones(len(some))
    for _ in range(ROUNDS):
        before = weight
        for place, goal in splits:
            have = np.bincount(place, weight, len(goal))
            weight = weight * np.divide(goal, have, out=np.ones(len(goal)), where=have > 0)[place]
        if np.abs(weight - before).max() < SETTLED:
            break
    return weight
