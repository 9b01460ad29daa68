"""What a design of the simulation study is: made-up data with a known truth, and an estimator that does not know it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from watwerkt.errors import WatWerktError
from watwerkt.estimate.result import Result


class SimulationError(WatWerktError):
    """Results of the simulation study that are missing, edited, or no longer what the library gives."""


class Draw(NamedTuple):
    """What an estimator said of one made-up data set.

    ``estimate`` and ``se`` are NaN where the method gives none. A ``low`` above ``high`` stands for everything but the
    gap between them. Of a test, ``estimate`` is the p value and the rest is NaN.
    """

    estimate: float
    se: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Design:
    """One made-up study, drawn again and again.

    Attributes
    ----------
    name, study
        Its key in ``DESIGNS`` and in the file of results; the code of the study that it resembles.
    function
        The function under study, as ``module.function`` of ``watwerkt.estimate`` (or ``pooling``).
    estimator, quantity, process
        For readers: the estimator with its variance, what it estimates, and how data are made up.
    truth
        The quantity's true value, exactly: closed form or deterministic integration. Of a test, the share of data sets
        in which it may raise a false alarm.
    draw
        Makes up one data set and applies the estimator.
    measures
        ``interval``: does the 95% interval hold the truth? ``test``: is p at most 5% though nothing is there?
    limit
        What is known to keep it from the wanted share; empty where nothing is.
    """

    name: str
    study: str
    function: str
    estimator: str
    quantity: str
    process: str
    truth: Callable[[], float]
    draw: Callable[[np.random.Generator], Draw]
    measures: Literal["interval", "test"] = "interval"
    limit: str = ""

    def nth(self, number: int) -> Draw:
        """The draw of this number, the same whoever computes it and in whatever order."""
        return self.draw(generator(self.name, number))


def generator(name: str, number: int) -> np.random.Generator:
    """Random numbers of one draw of one design: child ``number`` of a seed sequence that the name fixes."""
    seeds = np.random.SeedSequence(zlib.crc32(name.encode()), spawn_key=(number,))
    return np.random.Generator(np.random.PCG64(seeds))


def drawn(found: Result) -> Draw:
    """What a result says of the quantity in its focus."""
    return Draw(found.estimate, found.se, *found.ci)


def arms(first: int, second: int) -> np.ndarray:
    """Ones for the first arm, then zeros for the second."""
    return np.repeat([1.0, 0.0], [first, second])


def happens(rng: np.random.Generator, chance: np.ndarray) -> np.ndarray:
    """0 or 1 for each person, by that person's chance."""
    return (rng.random(len(chance)) < chance).astype(float)
