"""The data-generating process: a multinomial logit of monthly exits, calibrated to Tables 2 and 6–18."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from watwerkt.published import Cell, prose, published
from watwerkt.synthetic.instruments.groups import DIMENSIONS, HISTORY, INFLOW, STUDY, UNKNOWN, Profiles, profiles
from watwerkt.synthetic.instruments.risks import EXITS, MONTHS, Risks, effect, of_odds, possible, risks, shifts
from watwerkt.synthetic.instruments.takeup import BOUGHT, LASTING, NO_EFFECT, SERVICES, TALKS, UWV, TakeUp, take_up

Effects = Literal["characteristics", "background"]
OUTCOMES = {"exit_job": "work", "exit_other": "other"}
MOMENTS = {"early": 0, "normal": 2, "late": 6}  # first month of each class

# Assumptions, because the report prints nothing of these: the course of log-odds over the months (a bump where the
# shortest entitlement, three months, ends), and how they differ by labour-market history and year of entry.
COURSE = np.stack([-0.05 * np.arange(MONTHS), 0.03 * np.arange(MONTHS) + 0.5 * np.isin(np.arange(MONTHS), (2, 3))])
BY_HISTORY = {"short": (-0.10, 0.25), "middle": (0.0, 0.0), "long": (0.10, -0.25)}
BY_YEAR = {"2008": (0.0, 0.0), "2009": (-0.20, 0.05), "2010": (-0.10, 0.05)}
FULL = 0.9975  # who has left at most: the report prints 100%
TYPICAL = {"early": 1, "normal": 4}  # month of start at which the printed effect of a moment is taken to hold

_PASSES, _ROUNDS = 3, 40


@dataclass(frozen=True, eq=False)
class Population:
    """The process in one population.

    Attributes
    ----------
    covariates
        For every characteristic its values' log-odds, 2 × values, 0 for the first; ``constant`` 2.
    shifts
        For every service and interview the log-odds of its state, 2 × classes (early, normal, late; or one).
    deviations
        For every service and interview what its values of a characteristic add to that, 2 × values, by characteristic.
    """

    people: Profiles
    constant: np.ndarray
    covariates: Mapping[str, np.ndarray]
    base: Risks
    take: TakeUp
    shifts: Mapping[str, np.ndarray]
    deviations: Mapping[str, Mapping[str, np.ndarray]]

    @property
    def log_odds(self) -> np.ndarray:
        """Log-odds of each exit in the first month, 2 × profiles."""
        return _log_odds(self.people, self.constant, self.covariates)

    def deviation(self, state: str) -> np.ndarray:
        """What the characteristics of each profile add to the shift of a state, 2 × profiles."""
        found = np.zeros((2, len(self.people)))
        for name, values in self.deviations.get(state, {}).items():
            found = found + values[:, self.people.codes[name]]
        return found


@dataclass(frozen=True)
class Printed:
    """A pair of printed effects, on exit to work and on other exit, with the month of start it is taken to hold for."""

    work: Cell
    other: Cell
    start: int

    @property
    def numbers(self) -> np.ndarray:
        """Both effects, as a column."""
        return np.array([[self.work.number], [self.other.number]])


@cache
def population(name: str, effects: Effects) -> Population:
    """The calibrated process in one population.

    Services change the printed exits, exits change who can start a service, and both change what a shift of log-odds
    does: three passes make them agree.
    """
    people = profiles(name)
    wanted = {dimension: _exits(people, dimension) for dimension in DIMENSIONS[name]}
    through, found = np.zeros((2, len(people))), None
    survival = None
    for _ in range(_PASSES):
        constant, covariates = _fitted(people, wanted, through, found)
        base = risks(_log_odds(people, constant, covariates), COURSE)
        take = take_up(people, base.survival if survival is None else survival)
        found = Population(people, constant, covariates, base, take, *_effects(people, base, take, effects))
        mixed = with_services(found)
        through, survival = mixed.incidence - base.incidence, mixed.survival
    return replace(found, take=take_up(people, survival))


def with_services(found: Population) -> Risks:
    """Risks averaged over who has which service when, to first order: no person has two at once."""
    base, odds = found.base, found.base.odds
    stay = 1 / (1 + odds.sum(axis=0))
    hazard, mixed = odds * stay, odds * stay
    for state, shift in found.shifts.items():
        if not shift.any():
            continue
        deviation = found.deviation(state)
        for on, change in zip(active(found.take, state), shift.T, strict=True):
            shifted = odds * np.exp(change[:, None] + deviation)[:, None, :]
            mixed = mixed + on * (shifted / (1 + shifted.sum(axis=0)) - hazard)
    return of_odds(mixed / (1 - mixed.sum(axis=0)))


def active(take: TakeUp, state: str) -> list[np.ndarray]:
    """Share of those still there in whom a state is active, months × profiles, for each of its classes."""
    flow = take.started(state)
    if state in TALKS:
        return [sum(np.vstack([np.zeros((lag, flow.shape[1])), flow[: MONTHS - lag]]) for lag in range(LASTING))]
    if state not in BOUGHT:
        return [np.cumsum(flow, axis=0)]
    ends = [*list(MOMENTS.values())[1:], MONTHS]
    months = np.arange(MONTHS)[:, None]
    return [
        np.cumsum(np.where((months >= first) & (months < end), flow, 0.0), axis=0)
        for first, end in zip(MOMENTS.values(), ends, strict=True)
    ]


def span(state: str, start: int) -> tuple[int, int]:
    """Months from and before which a state that starts then is active."""
    return start, min(start + LASTING, MONTHS) if state in TALKS else MONTHS


def presented(state: str) -> int:
    """Month of start for which the report presents effects: 6 for bought-in services, 3 for UWV's own, 2 per interview."""
    known = prose(STUDY)
    if state in TALKS:
        return (TALKS.index(state) + 1) * int(known["interview_gap"].value)
    return int(known["deployment_bought" if state in BOUGHT else "deployment_uwv"].value)


@cache
def printed(name: str, state: str) -> dict[tuple[str, str], Printed]:
    """The printed effects of a state in a population, by dimension and category; everyone's from Tables 6 and 7."""
    cells = published(STUDY).where(population=name, service=state, statistic="effect").printed
    first: dict[tuple[str, str], dict[str, Cell]] = {}
    for cell in cells:
        first.setdefault((cell.dimension, cell.category), {}).setdefault(cell.outcome, cell)
    return {
        key: Printed(pair["exit_job"], pair["exit_other"], TYPICAL.get(key[1], presented(state)))
        for key, pair in first.items()
        if key[0] != "moment_interview" and key != ("moment", "late")
    }


# ---- exits without services (Table 2) ------------------------------------------------------------


def _exits(people: Profiles, dimension: str) -> np.ndarray:
    """Exits within the follow-up by category, 2 × categories: near the three printed shares, averaging to everyone's.

    Work, other and total are rounded apart; what is taken is the nearest pair of shares.
    """
    cells = published(STUDY, "T2").where(population=people.population)
    everyone = _three(cells.where(dimension="all"))
    named = people.values[dimension]
    known = {name: _three(cells.where(dimension=dimension, category=name)) for name in named if name != UNKNOWN}
    found = np.stack([known.get(name, everyone) for name in named], axis=1)
    labels = people.codes[dimension]
    weights = np.bincount(labels, people.people) / people.people.sum()
    found = found + (everyone - found @ weights)[:, None]
    over = np.maximum(found.sum(axis=0) - FULL, 0)
    return found - np.stack([np.zeros_like(over), over])


def _three(cells) -> np.ndarray:
    work, other, total = (cells.one(outcome=name).number for name in ("exit_job", "exit_other", "exit_benefit"))
    return np.array([work, other]) + (total - work - other) / 3


def _log_odds(people: Profiles, constant: np.ndarray, covariates: Mapping[str, np.ndarray]) -> np.ndarray:
    return constant[:, None] + sum(values[:, people.codes[name]] for name, values in covariates.items())


def _fitted(
    people: Profiles, wanted: Mapping[str, np.ndarray], through: np.ndarray, before: Population | None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Constant and covariates with which exits by category are as wanted, less what comes ``through`` services."""
    constant = np.array([-2.5, -2.5]) if before is None else before.constant
    covariates = {name: np.zeros((2, len(people.values[name]))) for name in wanted}
    if before is not None:
        covariates = {name: before.covariates[name] for name in wanted}
    covariates |= {"history": np.array([BY_HISTORY[one] for one in HISTORY]).T}
    covariates |= {"year": np.array([BY_YEAR[one] for one in INFLOW]).T}
    for _ in range(_ROUNDS):
        largest = 0.0
        for name, target in wanted.items():
            base = risks(_log_odds(people, constant, covariates), COURSE)
            labels, size = people.codes[name], target.shape[1]
            miss = target - people.means(base.incidence + through, labels, size)
            change = shifts(base, people, labels, miss, 0, MONTHS)
            constant = constant + change[:, 0]
            covariates[name] = covariates[name] + change - change[:, :1]
            largest = max(largest, np.abs(miss).max())
        if largest < 1e-6:
            break
    return constant, covariates


# ---- what services do (Tables 6–18) --------------------------------------------------------------


def _effects(
    people: Profiles, base: Risks, take: TakeUp, effects: Effects
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    """Shifts of every state and, if asked for, their deviations by characteristic."""
    found = {state: np.zeros((2, 1)) for state in NO_EFFECT}
    deviations = {}
    for state in (*SERVICES, *TALKS):
        if state in NO_EFFECT:
            continue
        classes = (("moment", "early"), ("moment", "normal"), ("all", "all")) if state in BOUGHT else (("all", "all"),)
        cells = printed(people.population, state)
        found[state] = np.hstack([_solved(people, base, state, [cells[key]]) for key in classes])
        if effects == "characteristics":
            deviations[state] = _deviations(people, base, take, state, found[state][:, -1])
    return found, deviations


def _solved(
    people: Profiles, base: Risks, state: str, cells: list[Printed], labels: np.ndarray | None = None
) -> np.ndarray:
    """The shifts that give printed effects, one per label."""
    labels = np.zeros(len(people), int) if labels is None else labels
    start, stop = span(state, cells[0].start)
    wanted = possible(base, people, labels, np.hstack([cell.numbers for cell in cells]), start, stop)
    return shifts(base, people, labels, wanted, start, stop)


def _deviations(
    people: Profiles, base: Risks, take: TakeUp, state: str, common: np.ndarray
) -> dict[str, np.ndarray]:
    """Additive deviations by characteristic, 2 × values each, whose mean over users is nil.

    For each category a model with one shift per category would find the shift that gives the printed effect. Among
    users, weighted as that model weights them, the deviations of everyone in the category average to what that shift
    differs from the common one; first the differences of a characteristic are made to average to nil. So a model with
    a common shift finds the common one, a model by category finds those of the categories, to first order.
    """
    cells = printed(people.population, state)
    names = [name for name in DIMENSIONS[people.population] if any(key[0] == name for key in cells)]
    if not names:
        return {}
    weights = _information(people, base, take, state)
    apart = {}
    for name in names:
        values = [value for value in people.values[name] if (name, value) in cells]
        filled = [cells.get((name, value), cells["all", "all"]) for value in people.values[name]]
        found = _solved(people, base, state, filled, people.codes[name]) - common[:, None]
        found = np.where(np.isin(people.values[name], values), found, 0.0)
        apart[name] = found
    return _additive(people, weights, apart)


def _additive(people: Profiles, weights: np.ndarray, apart: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Main effects whose weighted means by category are those given, made to average to nil (normal equations)."""
    places = np.cumsum([0, *(found.shape[1] for found in apart.values())])
    made: dict[str, np.ndarray] = {name: np.zeros_like(found) for name, found in apart.items()}
    design = np.zeros((len(people), places[-1]))
    for first, name in zip(places, apart, strict=False):
        design[np.arange(len(people)), first + people.codes[name]] = 1
    for k in range(len(EXITS)):
        mass = weights[k] @ design
        wanted = np.concatenate(
            [found[k] - found[k] @ mass[a:b] / mass[a:b].sum() for found, a, b in zip(apart.values(), places, places[1:], strict=False)]
        )
        solved = np.linalg.lstsq(design.T @ (weights[k][:, None] * design), mass * wanted, rcond=1e-10)[0]
        for name, a, b in zip(apart, places, places[1:], strict=False):
            made[name][k] = solved[a:b]
    return made


def _information(people: Profiles, base: Risks, take: TakeUp, state: str) -> np.ndarray:
    """What each profile's users say of the shift of each exit: person-months times p(1 - p), 2 × profiles."""
    hazard = base.odds / (1 + base.odds.sum(axis=0))
    on = sum(active(take, state)) * base.survival[:MONTHS]
    return people.people * (on * hazard * (1 - hazard)).sum(axis=1)


__all__ = ["EXITS", "UWV", "Population", "active", "effect", "population", "presented", "printed", "span"]
