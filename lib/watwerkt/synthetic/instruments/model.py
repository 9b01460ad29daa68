"""The data-generating process: a multinomial logit of monthly exits, calibrated to Tables 2 and 6–18."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Literal

import numpy as np

from watwerkt.published import Cells, published
from watwerkt.synthetic.instruments.effects import Shifts, moment, solved
from watwerkt.synthetic.instruments.groups import CRISIS, DIMENSIONS, HISTORY, STUDY, UNKNOWN, Profiles, profiles
from watwerkt.synthetic.instruments.interviews import TALKS, chain
from watwerkt.synthetic.instruments.risks import MONTHS, Risks, of_odds, risks, shifts
from watwerkt.synthetic.instruments.takeup import SERVICES, TakeUp, take_up

Effects = Literal["characteristics", "background"]

# Assumptions, because the report prints nothing of these: the course of log-odds over the months (a bump where the
# shortest entitlement, three months, ends), and how they differ by labour-market history and for who enters in 2009.
COURSE = np.stack([-0.05 * np.arange(MONTHS), 0.03 * np.arange(MONTHS) + 0.5 * np.isin(np.arange(MONTHS), (2, 3))])
BY_HISTORY = {"short": (0.0, 0.0), "long": (0.15, -0.40)}
BY_CRISIS = {"no": (0.0, 0.0), "yes": (-0.20, 0.05)}
FULL = 0.9975  # who has left at most: the report prints 100%
FEWEST = 0.1  # who would stay without services, relative to with them, at least
START = (-2.5, -2.5)  # log-odds from which the search begins

_PASSES, _ROUNDS, _AGREED = 5, 40, 2e-4

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

    @cached_property
    def factors(self) -> dict[str, np.ndarray]:
        """What each service and interview multiplies the odds of exit by, classes × 2 × profiles."""
        return {
            state: np.exp(common.T[:, :, None] + self.shifts.deviation(state, self.people))
            for state, common in self.shifts.common.items()
        }

    @property
    def talk_factors(self) -> list[np.ndarray]:
        """What each interview multiplies the odds of exit by, 2 × profiles."""
        return [self.factors[talk][0] for talk in TALKS]


@cache
def population(name: str, effects: Effects) -> Population:
    """The calibrated process in one population.

    Services change the printed exits, exits change who can start a service, and both change what a shift of log-odds
    does: a few passes make them agree. The last ends with the take-up.
    """
    people = profiles(name)
    wanted = {dimension: _exits(people, dimension) for dimension in DIMENSIONS[name]}
    constant, covariates = np.array(START), _start(people)
    moved = None
    goal, mixed, factors = wanted, None, [np.ones((2, len(people)))] * len(TALKS)
    for _ in range(_PASSES):
        constant, covariates = _fitted(people, goal, constant, covariates)
        base = risks(_log_odds(people, constant, covariates), COURSE)
        mixed = mixed or Mixed(base, base, dict.fromkeys(SERVICES, base.survival[:MONTHS]))
        take = take_up(people, mixed.apart, mixed.there, factors)
        moved = solved(people, base, by_characteristic=effects == "characteristics", before=moved)
        found = Population(people, constant, covariates, base, take, moved)
        mixed, factors = with_services(found), found.talk_factors
        goal = {name: _without(people, name, target, base, mixed.risks) for name, target in wanted.items()}
    return replace(found, take=take_up(people, mixed.apart, mixed.there, factors))


@dataclass(frozen=True, eq=False)
class Mixed:
    """Risks averaged over who has which service when.

    ``apart`` without interviews, ``risks`` with them; ``there`` for every service the share still there and without it,
    months × profiles, had nobody started with it.
    """

    apart: Risks
    risks: Risks
    there: Mapping[str, np.ndarray]


def with_services(found: Population) -> Mixed:
    """Risks with services. Interviews are followed person by person; of other services two at once multiply."""
    odds, waiting = found.base.odds, {}
    hazard = odds / (1 + odds.sum(axis=0))
    for service in SERVICES:
        change, waiting[service] = _one_service(odds, found.take.services[service], service, found.factors[service])
        hazard = hazard * change
    apart = of_odds(hazard / (1 - hazard.sum(axis=0)))
    followed = chain(apart.odds, found.take.services[TALKS[0]], found.take.gaps, found.talk_factors)
    hazard = followed.gone / followed.there
    mixed = of_odds(hazard / (1 - hazard.sum(axis=0)))
    return Mixed(apart, mixed, {service: share * mixed.survival[:MONTHS] for service, share in waiting.items()})


def _one_service(
    odds: np.ndarray, chance: np.ndarray, service: str, factors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """By what one service multiplies the monthly exits (2 × months × profiles); who is without it among those there.

    ``factors``: of the odds, classes × 2 × profiles. The second result is relative to never having started.
    """
    change, relative = np.ones_like(odds), np.empty(odds.shape[1:])
    without, never = np.ones((2, odds.shape[2]))
    users = np.zeros((len(factors), odds.shape[2]))
    for month in range(MONTHS):
        everyone = without + users.sum(axis=0)
        relative[month] = without / everyone / never
        starts, never = without * chance[month], never * (1 - chance[month])
        users[moment(service, month)] += starts
        now = odds[:, month]
        plain = 1 / (1 + now.sum(axis=0))
        without = (without - starts) * plain
        for place, factor in enumerate(factors):
            shifted = now * factor
            stay = 1 / (1 + shifted.sum(axis=0))
            change[:, month] += users[place] / everyone * (factor * stay / plain - 1)
            users[place] *= stay
    return change, relative


# ---- exits without services (Table 2) ------------------------------------------------------------


def _exits(people: Profiles, dimension: str) -> np.ndarray:
    """Exits within the follow-up by category, 2 × categories: near the three printed shares, averaging to everyone's.

    Where the report prints that all leave, nearly all do, and a few more do elsewhere.
    """
    cells = published(STUDY, "T2").where(population=people.population)
    everyone = _three(cells.where(dimension="all"))
    values = people.values[dimension]
    known = {name: _three(cells.where(dimension=dimension, category=name)) for name in values if name != UNKNOWN}
    found = np.stack([known.get(name, everyone) for name in values], axis=1)
    weights = np.bincount(people.codes[dimension], people.people) / people.people.sum()
    found = found + (everyone - found @ weights)[:, None]
    over = np.maximum(found.sum(axis=0) - FULL, 0)
    others = np.where(over > 0, 0.0, (over @ weights) / (weights @ (over == 0)))
    return found + np.stack([np.zeros(len(values)), others - over])


def _three(cells: Cells) -> np.ndarray:
    """Work and other exit, as near as their sum allows to the three shares that are rounded apart (least squares)."""
    work, other, total = (cells.one(outcome=name).number for name in ("exit_job", "exit_other", "exit_benefit"))
    return np.array([work, other]) + (total - work - other) / 3


def _start(people: Profiles) -> Covariates:
    found = {name: np.zeros((2, len(people.values[name]))) for name in DIMENSIONS[people.population]}
    history, crisis = ([table[name] for name in names] for table, names in ((BY_HISTORY, HISTORY), (BY_CRISIS, CRISIS)))
    return found | {"history": np.array(history).T, "crisis": np.array(crisis).T}


def _log_odds(people: Profiles, constant: np.ndarray, covariates: Covariates) -> np.ndarray:
    return constant[:, None] + sum(values[:, people.codes[name]] for name, values in covariates.items())


def _without(people: Profiles, name: str, wanted: np.ndarray, base: Risks, mixed: Risks) -> np.ndarray:
    """Exits without services behind exits as wanted with them, 2 × categories: who stays, and each exit's share."""
    labels, size = people.codes[name], wanted.shape[1]
    before, after = (people.means(one.incidence, labels, size) for one in (base, mixed))
    stay = np.maximum((1 - before.sum(axis=0)) / (1 - after.sum(axis=0)), FEWEST)
    gone = 1 - (1 - wanted.sum(axis=0)) * stay
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
