"""What the report prints, by who, arm and outcome, and the sizes that go with it."""

from __future__ import annotations

import math
from functools import cache

from watwerkt.designs import intensive as design
from watwerkt.published import prose, published

STUDY = design.STUDY
ARMS = design.ARMS
PARTS = design.PARTS
SPLITS = {"nonwestern": ("sex", "generation"), "none": ("sex",)}
HORIZONS = (6, 9, 12, 15)
EXITS = {"exit_benefit": ("job", "other"), "exit_job": ("job",)}

Key = tuple[str, str, str, str, str, float | None]


@cache
def _levels() -> dict[Key, float]:
    found = published(STUDY).where(statistic="level").printed
    return {(c.population, c.dimension, c.category, c.arm, c.outcome, c.horizon_months): c.number for c in found}


def level(
    population: str,
    arm: str,
    outcome: str,
    horizon: int | None = None,
    *,
    dimension: str = "all",
    category: str = "all",
) -> float:
    """A printed level (corrected), percentages as fractions; KeyError where the report prints none."""
    return _levels()[population, dimension, category, arm, outcome, horizon]


@cache
def count(population: str, arm: str, service: str, outcome: str) -> int:
    """People with an interview of a kind in a form, or due for it (Tables 2.6–2.9); 0 where the row is not printed."""
    found = published(STUDY).where(population=population, arm=arm, service=service, outcome=outcome, statistic="count")
    return int(sum(cell.number for cell in found.printed))


@cache
def size(population: str, arm: str) -> int:
    """People in a population and arm (Table 2.4)."""
    return int(design.group_size(population, "all", "all", arm).low)


@cache
def first_size(population: str, dimension: str, arm: str) -> int:
    """Men, or people of the first generation: the whole number with which the printed levels go best.

    Among the numbers that the levels allow (:func:`watwerkt.designs.intensive.group_size`) and, where it prints the
    share, Table 3.1; the best one makes levels times sizes nearest to whole numbers of people, in both parts.
    """
    first, second = PARTS[dimension]
    people, allowed = size(population, arm), design.group_size(population, dimension, first, arm)
    shares = published(STUDY, "T3.1").where(population=population, category=first, arm=arm).cells
    low, high = allowed.low, allowed.high
    for cell in shares:
        low, high = max(low, (cell.number - cell.rounding) * people), min(high, (cell.number + cell.rounding) * people)

    def misfit(one: int) -> float:
        parts = ((first, one), (second, people - one))
        counts = [
            level(population, arm, outcome, horizon, dimension=dimension, category=category) * n
            for outcome in EXITS
            for horizon in HORIZONS[:3]
            for category, n in parts
        ]
        return sum(abs(found - round(found)) for found in counts)

    return min(range(math.ceil(low), math.floor(high) + 1), key=misfit)


def first_share(population: str, dimension: str, arm: str) -> float:
    """Share of men, or of people of the first generation."""
    return first_size(population, dimension, arm) / size(population, arm)


@cache
def followed_share() -> float:
    """Share of people followed for 15 months: the middle of what every printed mark at 15 months allows."""
    allowed = design.share_followed_by_marks(HORIZONS[-1])
    return (allowed.low + allowed.high) / 2


@cache
def days(key: str) -> int:
    """A day or number of weeks from the report's text, in days."""
    told = prose(STUDY)[key]
    return int(told.value) * (7 if told.unit == "weeks" else 1)


def starts() -> tuple[int, ...]:
    """Days on benefit from which the four interviews are held: 91, 162, 253, 344."""
    return tuple(days(f"start_{kind}") for kind in design.INTERVIEWS)
