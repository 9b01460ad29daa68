"""What services do: shifts of the monthly log-odds that give the printed effects (Tables 6–18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from watwerkt.published import Cell, prose, published
from watwerkt.synthetic.instruments.groups import DIMENSIONS, STUDY, Profiles
from watwerkt.synthetic.instruments.interviews import LASTING, TALKS
from watwerkt.synthetic.instruments.risks import MONTHS, Risks, possible, shifts
from watwerkt.synthetic.instruments.takeup import BOUGHT, NO_EFFECT, SERVICES

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
    deviations
        For those with printed effects by characteristic, what each value adds, 2 × values.
    """

    common: Mapping[str, np.ndarray]
    deviations: Mapping[str, ByCategory]

    def deviation(self, state: str, people: Profiles) -> np.ndarray:
        """What the characteristics of each profile add to the shift of a state, 2 × profiles."""
        found = np.zeros((2, len(people)))
        for name, values in self.deviations.get(state, {}).items():
            found = found + values[:, people.codes[name]]
        return found


def presented(state: str) -> int:
    """Month of start for which the report presents effects: 6 if bought in, 3 if UWV's own, 2 per interview."""
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


def solved(people: Profiles, base: Risks, *, by_characteristic: bool, before: Shifts | None = None) -> Shifts:
    """The shifts of all services and interviews, so that true mean effects are those printed for everyone.

    The late class of bought-in services, to which a start after six months belongs, gives the overall effect of
    Table 6, which the report presents for that start. It cannot give the effect printed for late starts as well.
    The search begins at the shifts ``before``.
    """
    common, deviations = {state: np.zeros((2, 1)) for state in NO_EFFECT}, {}
    nobody, everyone = Shifts({}, {}), np.zeros(len(people), int)
    for state in (*SERVICES, *TALKS):
        if state in NO_EFFECT:
            continue
        cells = printed(people.population, state)
        keys = [*(("moment", name) for name in TYPICAL if state in BOUGHT), ("all", "all")]
        guess = before.common[state] if before else np.zeros((2, len(keys)))
        if by_characteristic:
            old = (before or nobody).deviations.get(state, {})
            deviations[state] = _deviations(people, base, state, guess[:, -1:], old)
        times = np.exp(Shifts({}, deviations).deviation(state, people))
        columns = []
        for place, key in enumerate(keys):
            start, stop = span(state, cells[key].start)
            wanted = nearest(people, base, state, [cells[key]], everyone)
            columns.append(
                shifts(base, people, everyone, wanted, start, stop, guess=guess[:, place : place + 1], times=times)
            )
        common[state] = np.hstack(columns)
    return Shifts(common, deviations)


def nearest(people: Profiles, base: Risks, state: str, cells: list[Printed], labels: np.ndarray) -> np.ndarray:
    """Printed effects, one per label, or the nearest that are possible: 2 × labels."""
    start, stop = span(state, cells[0].start)
    return possible(base, people, labels, np.hstack([cell.numbers for cell in cells]), start, stop)


def _deviations(
    people: Profiles, base: Risks, state: str, common: np.ndarray, old: ByCategory
) -> dict[str, np.ndarray]:
    """Additive deviations by characteristic with which mean effects by category are as printed, or near.

    The effects by category do not average to that on everyone, nor to the same for each characteristic: they are moved
    until they do. Deviations that hardly change an effect stay small. One round per characteristic, from the old ones.
    """
    made, (start, stop) = dict(old), span(state, presented(state))
    for name in DIMENSIONS[people.population]:
        wanted = _moved(people, base, state, name)
        if wanted is None:
            continue
        values = made.get(name, np.zeros_like(wanted))
        others = common + sum(
            (found[:, people.codes[other]] for other, found in made.items() if other != name), np.zeros((2, 1))
        )
        values = shifts(base, people, people.codes[name], wanted, start, stop, ridge=RIDGE, guess=values,
                        times=np.exp(others))  # fmt: skip
        weights = np.bincount(people.codes[name], people.people)
        made[name] = values - (values @ weights / weights.sum())[:, None]
    return made


def _moved(people: Profiles, base: Risks, state: str, name: str) -> np.ndarray | None:
    """Effects by category, 2 × values, moved to average to that on everyone; None where none is printed."""
    cells, values, labels = printed(people.population, state), people.values[name], people.codes[name]
    if not any((name, value) in cells for value in values):
        return None
    filled = [cells.get((name, value), cells["all", "all"]) for value in values]
    found = nearest(people, base, state, filled, labels)
    weights = np.bincount(labels, people.people)
    return found + cells["all", "all"].numbers - (found @ weights / weights.sum())[:, None]
