"""What services do: shifts of the monthly log-odds that give the printed effects (Tables 6–18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from watwerkt.published import Cell, prose, published
from watwerkt.synthetic.instruments.groups import DIMENSIONS, STUDY, Profiles
from watwerkt.synthetic.instruments.interviews import LASTING, TALKS
from watwerkt.synthetic.instruments.risks import EXITS, MONTHS, Risks, possible, shifts
from watwerkt.synthetic.instruments.takeup import BOUGHT, NO_EFFECT, SERVICES, TakeUp

MOMENTS = {"early": 0, "normal": 2, "late": 6}  # first month of each class
TYPICAL = {"early": 1, "normal": 4}  # assumed month of start behind the printed effect of a moment
RIDGE = 5e-6  # a shift of 1 weighs as much as an effect that misses by 0.2 points

ByCategory = Mapping[str, np.ndarray]  # 2 × values, by characteristic


@dataclass(frozen=True)
class Printed:
    """Printed effects on exit to work and on other exit, with the month of start they are taken to hold for."""

    work: Cell
    other: Cell
    start: int

    @property
    def numbers(self) -> np.ndarray:
        """Both effects, as a column."""
        return np.array([[self.work.number], [self.other.number]])


@dataclass(frozen=True)
class Shifts:
    """Log-odds by which services change exits.

    Attributes
    ----------
    common
        For every service and interview, 2 × classes: early, normal and late for bought-in services, else one.
    raw
        For every service with printed effects by characteristic, the shift in each category that gives its effect (in
        the class for which the report presents effects).
    grouped
        The same, moved so that the mean over users is the common shift: what a model by category finds.
    deviations
        For the same, what characteristics add to the common shift, all at once.
    """

    common: Mapping[str, np.ndarray]
    raw: Mapping[str, ByCategory]
    grouped: Mapping[str, ByCategory]
    deviations: Mapping[str, ByCategory]


def presented(state: str) -> int:
    """Month of start for which the report presents effects: 6 for bought-in services, 3 for UWV's own, 2 per interview."""
    known = prose(STUDY)
    if state in TALKS:
        return (TALKS.index(state) + 1) * int(known["interview_gap"].value)
    return int(known["deployment_bought" if state in BOUGHT else "deployment_uwv"].value)


def span(state: str, start: int) -> tuple[int, int]:
    """Months from and before which a state that starts then is active."""
    return start, min(start + LASTING, MONTHS) if state in TALKS else MONTHS


def classes(state: str) -> tuple[str, ...]:
    """The moments that a state tells apart; one without a name where it does not."""
    return tuple(MOMENTS) if state in BOUGHT else ("",)


def moment(state: str, start: int) -> int:
    """Which of its classes a state that starts then belongs to."""
    return sum(start >= first for first in MOMENTS.values()) - 1 if state in BOUGHT else 0


@cache
def printed(name: str, state: str) -> dict[tuple[str, str], Printed]:
    """The printed effects of a state in a population, by dimension and category; everyone's from Tables 6 and 7."""
    pairs: dict[tuple[str, str], dict[str, Cell]] = {}
    for cell in published(STUDY).where(population=name, service=state, statistic="effect").printed:
        pairs.setdefault((cell.dimension, cell.category), {}).setdefault(cell.outcome, cell)
    return {
        key: Printed(pair["exit_job"], pair["exit_other"], TYPICAL.get(key[1], presented(state)))
        for key, pair in pairs.items()
        if key[0] not in ("moment", "moment_interview") or key[1] in TYPICAL
    }


def active(take: TakeUp, state: str) -> list[np.ndarray]:
    """Share of those still there in whom a state is active, months × profiles, for each of its classes."""
    flow = take.started(state)
    if state in TALKS:
        return [sum(np.vstack([np.zeros((lag, flow.shape[1])), flow[: MONTHS - lag]]) for lag in range(LASTING))]
    ends = [*list(MOMENTS.values())[1:], MONTHS] if state in BOUGHT else [MONTHS]
    months = np.arange(MONTHS)[:, None]
    return [
        np.cumsum(np.where((months >= first) & (months < end), flow, 0.0), axis=0)
        for first, end in zip(MOMENTS.values(), ends, strict=False)
    ]


def solved(
    people: Profiles, base: Risks, take: TakeUp, *, by_characteristic: bool, before: Shifts | None = None
) -> Shifts:
    """The shifts of all services and interviews.

    The late class of bought-in services, to which a start after six months belongs, gives the overall effect of
    Table 6, which the report presents for that start. It cannot give the effect printed for late starts as well.
    The search begins at the shifts ``before``.
    """
    common = {state: np.zeros((2, 1)) for state in NO_EFFECT}
    raw, grouped, deviations = {}, {}, {}
    for state in (*SERVICES, *TALKS):
        if state in NO_EFFECT:
            continue
        cells = printed(people.population, state)
        keys = [*(("moment", name) for name in TYPICAL if state in BOUGHT), ("all", "all")]
        guesses = before.common[state] if before else np.zeros((2, len(keys)))
        common[state] = np.hstack(
            [_overall(people, base, state, cells[key], guess) for key, guess in zip(keys, guesses.T, strict=True)]
        )
        if by_characteristic and any(key[0] in DIMENSIONS[people.population] for key in cells):
            middle = common[state][:, -1:]
            apart = _grouped(people, base, state, middle, before.raw[state] if before else {})
            raw[state] = {name: found + middle for name, found in apart.items()}
            weights = _information(people, base, take, state)
            apart = {name: _centred(people, weights, name, found) for name, found in apart.items()}
            grouped[state] = {name: found + middle for name, found in apart.items()}
            deviations[state] = _additive(people, weights, apart)
    return Shifts(common, raw, grouped, deviations)


def nearest(people: Profiles, base: Risks, state: str, cells: list[Printed], labels: np.ndarray) -> np.ndarray:
    """Printed effects, one per label, or the nearest that are possible: 2 × labels."""
    start, stop = span(state, cells[0].start)
    return possible(base, people, labels, np.hstack([cell.numbers for cell in cells]), start, stop)


def _overall(people: Profiles, base: Risks, state: str, cell: Printed, guess: np.ndarray) -> np.ndarray:
    """The shift that gives a printed effect on everyone."""
    labels, (start, stop) = np.zeros(len(people), int), span(state, cell.start)
    wanted = nearest(people, base, state, [cell], labels)
    return shifts(base, people, labels, wanted, start, stop, guess=guess[:, None])


def _grouped(
    people: Profiles, base: Risks, state: str, common: np.ndarray, before: ByCategory
) -> dict[str, np.ndarray]:
    """For each category the shift that gives its printed effect, less the common one; nil where none is printed.

    Shifts that hardly change an effect stay small.
    """
    cells, apart = printed(people.population, state), {}
    start, stop = span(state, presented(state))
    for name in DIMENSIONS[people.population]:
        values, labels = people.values[name], people.codes[name]
        filled = [cells.get((name, value), cells["all", "all"]) for value in values]
        wanted = nearest(people, base, state, filled, labels)
        found = shifts(base, people, labels, wanted, start, stop, ridge=RIDGE, guess=before.get(name))
        apart[name] = np.where([(name, value) in cells for value in values], found - common, 0.0)
    return apart


def _information(people: Profiles, base: Risks, take: TakeUp, state: str) -> np.ndarray:
    """What each profile's users say of the shift of each exit: person-months times p(1 - p), 2 × profiles."""
    hazard = base.odds / (1 + base.odds.sum(axis=0))
    on = sum(active(take, state)) * base.survival[:MONTHS]
    return people.people * (on * hazard * (1 - hazard)).sum(axis=1)


def _centred(people: Profiles, weights: np.ndarray, name: str, found: np.ndarray) -> np.ndarray:
    """Differences by category, less their weighted mean: the models of the report do not agree on it."""
    mass = np.stack([np.bincount(people.codes[name], row, found.shape[1]) for row in weights])
    return found - (found * mass).sum(axis=1, keepdims=True) / mass.sum(axis=1, keepdims=True)


def _additive(people: Profiles, weights: np.ndarray, apart: ByCategory) -> dict[str, np.ndarray]:
    """Deviations by characteristic, together, whose weighted mean within each category is the difference given.

    These are the normal equations of weighted least squares on main effects, so to first order a model with one
    shift for everybody finds the common one, and a model by category those of the categories.
    """
    places = np.cumsum([0, *(found.shape[1] for found in apart.values())])
    design = np.zeros((len(people), places[-1]))
    for first, name in zip(places, apart, strict=False):
        design[np.arange(len(people)), first + people.codes[name]] = 1
    wanted = np.hstack(list(apart.values()))
    made = np.empty_like(wanted)
    for k in range(len(EXITS)):
        square = design.T @ (weights[k][:, None] * design)
        made[k] = np.linalg.lstsq(square, (weights[k] @ design) * wanted[k], rcond=1e-10)[0]
    return dict(zip(apart, np.split(made, places[1:-1], axis=1), strict=True))
