"""Who enters unemployment benefit: profiles of characteristics with their numbers, so that Table 1 comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from watwerkt.published import prose, published

STUDY = "instruments"
POPULATIONS = ("nonwestern", "no_nonwestern")
DIMENSIONS = {
    "nonwestern": ("sex", "age", "education", "generation", "origin"),
    "no_nonwestern": ("sex", "age", "education"),
}
UNKNOWN = "education_unknown"
YOUNG = ("16-25", "25-30", "30-35")
WIDER = {"25-45": ("25-30", "30-35", "35-40", "40-45"), "45-62": ("45-50", "50-55", "55-60", "60-62")}

# Assumptions, because the report prints nothing of these: how many people enter in a month of each year, relative to
# the others, and that a long labour-market history is more common at higher ages.
HISTORY = ("short", "long")
CRISIS = ("no", "yes")  # entered in 2009
INFLOW = {"2008": 0.80, "2009": 1.15, "2010": 1.05}
MONTHS_OF_YEAR = {"2008": (4, 12), "2009": (1, 12), "2010": (1, 9)}

_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class Profiles:
    """All combinations of characteristics in one population, and how many people have each.

    ``codes`` holds for every characteristic an array with the place of its value in ``values``; ``people`` is real.
    """

    population: str
    values: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, np.ndarray]
    people: np.ndarray

    def __len__(self) -> int:
        return len(self.people)

    def mean(self, numbers: np.ndarray) -> np.ndarray:
        """The mean over people of numbers by profile (the last axis)."""
        return numbers @ self.people / self.people.sum()

    def means(self, numbers: np.ndarray, labels: np.ndarray, size: int) -> np.ndarray:
        """The mean over people within each label, for numbers of shape (2, profiles)."""
        total = np.bincount(labels, self.people, size)
        return np.stack([np.bincount(labels, self.people * row, size) for row in numbers]) / total

    def labels(self, dimension: str, categories: Sequence[str]) -> np.ndarray:
        """For every profile the place of its category among those given; -1 where it is none of them."""
        place = {}
        for number, category in enumerate(categories):
            for value in WIDER.get(category, (category,)):
                place[value] = number
        return np.array([place.get(value, -1) for value in self.values[dimension]])[self.codes[dimension]]


@cache
def counts(population: str, dimension: str) -> dict[str, int]:
    """People by category as Table 1 prints them; people of unknown education are who is left."""
    table = published(STUDY, "T1").where(population=population, statistic="count")
    found = {cell.category: int(cell.number) for cell in table.where(dimension=dimension)}
    rest = int(table.one(dimension="all").number) - sum(found.values())
    return found | ({UNKNOWN: rest} if rest and dimension == "education" else {})


def size(population: str) -> int:
    """Number of people in a population."""
    return counts(population, "all")["all"]


@cache
def profiles(population: str) -> Profiles:
    """The profiles of a population: Table 1 for each characteristic, and what the text adds on generation and origin.

    Given those, characteristics are independent: the table that is raked is full of ones (Deming & Stephan, 1940).
    """
    values = {name: tuple(counts(population, name)) for name in DIMENSIONS[population]}
    values |= {"history": HISTORY, "crisis": CRISIS}
    grid = np.indices([len(v) for v in values.values()]).reshape(len(values), -1)
    made = Profiles(population, values, dict(zip(values, grid, strict=True)), np.ones(grid.shape[1]))
    margins = [
        (made.codes[name], np.array(list(counts(population, name).values()), float)) for name in DIMENSIONS[population]
    ]
    if population == "nonwestern":
        margins += _second_generation(made)
    start = _history(made) * _crisis(made)
    return Profiles(population, values, made.codes, raked(start, margins))


def raked(start: np.ndarray, margins: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Weights that keep the pattern of ``start`` and add up to each margin (labels, totals); label -1 is left alone."""
    weights, margins = start.astype(float), list(margins)
    for _ in range(_ROUNDS):
        before = weights
        for labels, totals in margins:
            inside = labels >= 0
            found = np.bincount(labels[inside], weights[inside], len(totals))
            weights = np.where(inside, weights * (totals / found)[labels], weights)
        if np.abs(weights - before).max() < 1e-9:
            break
    return weights


def inflow_months() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The months (``datetime64[M]``) in which people enter in and out of the crisis, and the share of each."""
    found: dict[str, tuple[list, list]] = {name: ([], []) for name in CRISIS}
    for year, (first, last) in MONTHS_OF_YEAR.items():
        months, shares = found[crisis_of(year)]
        months += [np.datetime64(f"{year}-{month:02d}") for month in range(first, last + 1)]
        shares += [INFLOW[year]] * (last - first + 1)
    return {name: (np.array(months), np.array(shares) / sum(shares)) for name, (months, shares) in found.items()}


def crisis_of(year: str) -> str:
    """Whether people who enter in a year enter in the crisis."""
    return CRISIS[int(year == "2009")]


def _second_generation(made: Profiles) -> list[tuple[np.ndarray, np.ndarray]]:
    """What the text says of young people: their share in the second generation, and their origins by generation."""
    said = {key: statement.value / 100 for key, statement in prose(STUDY).items() if statement.unit == "pct"}
    total = counts("nonwestern", "generation")
    everyone = sum(counts("nonwestern", "age")[band] for band in YOUNG)
    second = said["under_35_second_generation"] * total["second"]
    young = np.isin(made.codes["age"], [made.values["age"].index(band) for band in YOUNG])
    later = made.codes["generation"] == made.values["generation"].index("second")
    main = made.codes["origin"] != made.values["origin"].index("other_nonwestern")
    ages = np.array([total["first"] - everyone + second, everyone - second, total["second"] - second, second])
    first_main = (1 - said["young_first_generation_other_origins"]) * (everyone - second)
    second_main = said["young_second_generation_main_origins"] * second
    origins = np.array([everyone - second - first_main, first_main, second - second_main, second_main])
    return [(2 * later + young, ages), (np.where(young, 2 * later + main, -1), origins)]


def _history(made: Profiles) -> np.ndarray:
    long = 0.1 + 0.8 * made.codes["age"] / (len(made.values["age"]) - 1)
    return np.where(made.codes["history"] == HISTORY.index("long"), long, 1 - long)


def _crisis(made: Profiles) -> np.ndarray:
    volume = np.zeros(len(CRISIS))
    for year, (first, last) in MONTHS_OF_YEAR.items():
        volume[CRISIS.index(crisis_of(year))] += INFLOW[year] * (last - first + 1)
    return (volume / volume.sum())[made.codes["crisis"]]
