"""Who gets which service, and when: monthly chances to start among those still on benefit (Tables 3–5, 19 and 20)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from watwerkt.published import Cell, prose, published
from watwerkt.synthetic.instruments.groups import DIMENSIONS, STUDY, Profiles, size
from watwerkt.synthetic.instruments.interviews import INTERVIEWS, MOST, TALKS, levels
from watwerkt.synthetic.instruments.risks import MONTHS, Risks

BOUGHT = (
    "jobhunting",
    "placement",
    "application_letters",
    "regular_trajectory",
    "iro",
    "training",
    "short_training",
)
UWV = ("competency_test", "workshop")
NO_EFFECT = ("trial_placement", "start_self_employment", "work_on_self_employment")  # the report could establish none
SERVICES = (*UWV, *NO_EFFECT, *BOUGHT)

_ROUNDS, _AGREED = 60, 1e-4
_DEEP = 60.0  # log of one over the smallest chance to start
_SPREAD = 1.5  # bounds of the slope of the log-chance to start by month


@dataclass(frozen=True, eq=False)
class TakeUp:
    """Chances to start, for those still on benefit.

    ``services``: months × profiles, by name; also of the first interview. ``gaps``: of interviews 2–5 by months since
    the last.
    """

    services: Mapping[str, np.ndarray]
    gaps: np.ndarray


def take_up(people: Profiles, apart: Risks, there: Mapping[str, np.ndarray], factors: Sequence[np.ndarray]) -> TakeUp:
    """Chances to start with which shares are as printed.

    ``apart``: risks with all services but interviews; ``there``: for every service the share still there without it,
    had nobody started with it, months × profiles; ``factors``: what each interview multiplies the odds of exit by,
    2 × profiles.
    """
    chances = {service: _service(service, people, there[service]) for service in SERVICES}
    chances[TALKS[0]] = _service(TALKS[0], people, apart.survival[:MONTHS])
    wanted = np.cumsum([cell.number for cell in user_cells(TALKS[0], people.population)][::-1])[::-1]
    return TakeUp(chances, levels(apart.odds, chances[TALKS[0]], factors, people.people, wanted))


def user_cells(service: str, population: str) -> list[Cell]:
    """The printed cells that tell how many people of a population got a service."""
    table = "T20" if population == "nonwestern" else "T19"
    names = [f"interviews_total_{n}" for n in range(1, INTERVIEWS + 1)] if service == TALKS[0] else [service]
    return list(published(STUDY, table).where(service=names, outcome="people"))


def _service(service: str, people: Profiles, there: np.ndarray) -> np.ndarray:
    """Chances to start one service, months × profiles."""
    name = "followup_interview" if service == TALKS[0] else service
    cells = published(STUDY, "T3", "T4", "T5").where(population=people.population, service=name)
    share = next(cell.number for cell in cells if cell.dimension == "all")
    if counted := user_cells(service, people.population):
        share = sum(cell.number for cell in counted) / size(people.population)
    shape = _shape(people.mean(there), share, _mean_start(service), first=int(service == TALKS[0]))
    margins = [_margin(dimension, cells, people, share) for dimension in DIMENSIONS[people.population]]
    rate = np.ones(len(people))
    margins = [(np.zeros(len(people), int), np.array([share])), *(found for found in margins if found)]
    for _ in range(_ROUNDS):
        before = rate
        for labels, wanted in margins:
            used = (_starts(_capped(shape, rate)) * there).sum(axis=0)
            rate = rate * (wanted / people.means(used[None], labels, len(wanted))[0])[labels]
        if np.abs(rate / before - 1).max() < _AGREED:
            break
    return _capped(shape, rate)


def _margin(dimension: str, cells, people: Profiles, share: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Labels of the printed categories and their shares, made to agree with the share of everybody.

    What the report suppresses is one label, to which nothing but the rest of the total is known.
    """
    printed = {cell.category: cell.number for cell in cells.printed if cell.dimension == dimension}
    if not printed:
        return None
    labels = people.labels(dimension, tuple(printed))
    labels = np.where(labels < 0, len(printed), labels)
    weights = np.bincount(labels, people.people, len(printed) + 1) / people.people.sum()
    found = np.array(list(printed.values()))
    if weights[-1] == 0:
        return labels, found * share / (found @ weights[:-1])
    return labels, np.append(found, (share - found @ weights[:-1]) / weights[-1])


def _mean_start(service: str) -> float:
    """Months after the start of the benefit at which the service starts on average, by the notes to the tables."""
    known = prose(STUDY)
    if service == TALKS[0]:
        return known["note_interview_gap"].value
    return known["deployment_bought" if service in BOUGHT else "deployment_uwv"].value


def _shape(there: np.ndarray, share: float, mean: float, *, first: int) -> np.ndarray:
    """Chances by month, geometric from month ``first`` on, with this share and mean month of start, or the nearest."""
    months = np.arange(MONTHS)

    def chances(slope: float) -> np.ndarray:
        relative = np.where(months >= first, np.exp(slope * (months - first)), 0.0)
        top = np.log(MOST / relative[relative > 0].min())
        level = brentq(lambda x: _starts(np.minimum(relative * np.exp(x), MOST)) @ there - share, -_DEEP, top)
        return np.minimum(relative * np.exp(level), MOST)

    def gap(slope: float) -> float:
        starts = _starts(chances(slope)) * there
        return (starts @ months) / starts.sum() - mean

    if gap(-_SPREAD) > 0 or gap(_SPREAD) < 0:
        return chances(-_SPREAD if gap(-_SPREAD) > 0 else _SPREAD)
    return chances(brentq(gap, -_SPREAD, _SPREAD))


def _capped(shape: np.ndarray, rate: np.ndarray) -> np.ndarray:
    return np.minimum(shape[:, None] * rate, MOST)


def _starts(chance: np.ndarray) -> np.ndarray:
    """Share that starts in each month (the first axis), if nobody leaves."""
    waiting = np.cumprod(1 - chance, axis=0)
    return chance * np.concatenate([np.ones_like(chance[:1]), waiting[:-1]])
