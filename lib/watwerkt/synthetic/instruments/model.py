"""The data-generating process: a multinomial logit of monthly exits, calibrated to Tables 2 and 6–18."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from watwerkt.published import Cells, published
from watwerkt.synthetic.instruments.effects import Shifts, active, solved
from watwerkt.synthetic.instruments.groups import DIMENSIONS, HISTORY, INFLOW, STUDY, UNKNOWN, Profiles, profiles
from watwerkt.synthetic.instruments.risks import MONTHS, Risks, of_odds, risks, shifts
from watwerkt.synthetic.instruments.takeup import TakeUp, take_up

Effects = Literal["characteristics", "background"]

# Assumptions, because the report prints nothing of these: the course of log-odds over the months (a bump where the
# shortest entitlement, three months, ends), and how they differ by labour-market history and year of entry.
COURSE = np.stack([-0.05 * np.arange(MONTHS), 0.03 * np.arange(MONTHS) + 0.5 * np.isin(np.arange(MONTHS), (2, 3))])
BY_HISTORY = {"short": (-0.10, 0.25), "middle": (0.0, 0.0), "long": (0.10, -0.25)}
BY_YEAR = {"2008": (0.0, 0.0), "2009": (-0.20, 0.05), "2010": (-0.10, 0.05)}
FULL = 0.9975  # who has left at most: the report prints 100%
START = (-2.5, -2.5)  # log-odds from which the search begins

_PASSES, _ROUNDS, _AGREED = 2, 40, 1e-5

Covariates = Mapping[str, np.ndarray]  # 2 × values, by characteristic; nil for the first value


@dataclass(frozen=True, eq=False)
class Population:
    """The process in one population: log-odds without services, take-up of services, and what they change.

    ``base`` holds the risks without services.
    """

    people: Profiles
    constant: np.ndarray
    covariates: Covariates
    base: Risks
    take: TakeUp
    shifts: Shifts

    @property
    def log_odds(self) -> np.ndarray:
        """Log-odds of each exit in the first month, 2 × profiles."""
        return _log_odds(self.people, self.constant, self.covariates)

    def deviation(self, state: str) -> np.ndarray:
        """What the characteristics of each profile add to the shift of a state, 2 × profiles."""
        found = np.zeros((2, len(self.people)))
        for name, values in self.shifts.deviations.get(state, {}).items():
            found = found + values[:, self.people.codes[name]]
        return found


@cache
def population(name: str, effects: Effects) -> Population:
    """The calibrated process in one population.

    Services change the printed exits, exits change who can start a service, and both change what a shift of log-odds
    does: a few passes make them agree. The last ends with the take-up.
    """
    people = profiles(name)
    wanted = {dimension: _exits(people, dimension) for dimension in DIMENSIONS[name]}
    constant, covariates = np.array(START), _start(people)
    goal, mixed = wanted, None
    for _ in range(_PASSES):
        constant, covariates = _fitted(people, goal, constant, covariates)
        base = risks(_log_odds(people, constant, covariates), COURSE)
        take = take_up(people, base.survival if mixed is None else mixed.survival)
        moved = solved(people, base, take, by_characteristic=effects == "characteristics")
        found = Population(people, constant, covariates, base, take, moved)
        mixed = with_services(found)
        goal = {name: _without(people, name, target, base, mixed) for name, target in wanted.items()}
    return Population(people, constant, covariates, base, take_up(people, mixed.survival), moved)


def with_services(found: Population) -> Risks:
    """Risks averaged over who has which service when, to first order: effects of two at once add up."""
    odds = found.base.odds
    hazard = odds / (1 + odds.sum(axis=0))
    mixed = hazard
    for state, common in found.shifts.common.items():
        if common.any():
            deviation = found.deviation(state)
            for on, change in zip(active(found.take, state), common.T, strict=True):
                shifted = odds * np.exp(change[:, None] + deviation)[:, None, :]
                mixed = mixed + on * (shifted / (1 + shifted.sum(axis=0)) - hazard)
    return of_odds(mixed / (1 - mixed.sum(axis=0)))


# ---- exits without services (Table 2) ------------------------------------------------------------


def _exits(people: Profiles, dimension: str) -> np.ndarray:
    """Exits within the follow-up by category, 2 × categories: near the three printed shares, averaging to everyone's."""
    cells = published(STUDY, "T2").where(population=people.population)
    everyone = _three(cells.where(dimension="all"))
    values = people.values[dimension]
    known = {name: _three(cells.where(dimension=dimension, category=name)) for name in values if name != UNKNOWN}
    found = np.stack([known.get(name, everyone) for name in values], axis=1)
    weights = np.bincount(people.codes[dimension], people.people) / people.people.sum()
    found = found + (everyone - found @ weights)[:, None]
    return found - np.stack([np.zeros(len(values)), np.maximum(found.sum(axis=0) - FULL, 0)])


def _three(cells: Cells) -> np.ndarray:
    """Work and other exit, as near as their sum allows to the three shares that are rounded apart (least squares)."""
    work, other, total = (cells.one(outcome=name).number for name in ("exit_job", "exit_other", "exit_benefit"))
    return np.array([work, other]) + (total - work - other) / 3


def _start(people: Profiles) -> Covariates:
    found = {name: np.zeros((2, len(people.values[name]))) for name in DIMENSIONS[people.population]}
    history, year = ([table[name] for name in names] for table, names in ((BY_HISTORY, HISTORY), (BY_YEAR, INFLOW)))
    return found | {"history": np.array(history).T, "year": np.array(year).T}


def _log_odds(people: Profiles, constant: np.ndarray, covariates: Covariates) -> np.ndarray:
    return constant[:, None] + sum(values[:, people.codes[name]] for name, values in covariates.items())


def _without(people: Profiles, name: str, wanted: np.ndarray, base: Risks, mixed: Risks) -> np.ndarray:
    """Exits without services behind the exits with them, 2 × categories: who stays, in proportion, and for which exit."""
    labels, size = people.codes[name], wanted.shape[1]
    before, after = (people.means(one.incidence, labels, size) for one in (base, mixed))
    gone = 1 - (1 - wanted.sum(axis=0)) * (1 - before.sum(axis=0)) / (1 - after.sum(axis=0))
    share = (wanted[0] / wanted.sum(axis=0)) + before[0] / before.sum(axis=0) - after[0] / after.sum(axis=0)
    return gone * np.stack([share, 1 - share])


def _fitted(
    people: Profiles, wanted: Covariates, constant: np.ndarray, covariates: Covariates
) -> tuple[np.ndarray, Covariates]:
    """Constant and covariates with which exits by category are as wanted."""
    covariates = dict(covariates)
    for _ in range(_ROUNDS):
        largest = 0.0
        for name, target in wanted.items():
            base = risks(_log_odds(people, constant, covariates), COURSE)
            labels = people.codes[name]
            miss = target - people.means(base.incidence, labels, target.shape[1])
            change = shifts(base, people, labels, miss, 0, MONTHS)
            constant = constant + change[:, 0]
            covariates[name] = covariates[name] + change - change[:, :1]
            largest = max(largest, np.abs(miss).max())
        if largest < _AGREED:
            break
    return constant, covariates
