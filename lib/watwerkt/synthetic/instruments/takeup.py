"""Who gets which service, and when: monthly chances to start among those still on benefit (Tables 3–5, 19 and 20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from watwerkt.published import Cell, prose, published
from watwerkt.synthetic.instruments.groups import DIMENSIONS, STUDY, Profiles, size
from watwerkt.synthetic.instruments.risks import MONTHS

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
NO_EFFECT = ("trial_placement", "start_self_employment", "work_on_self_employment")  # the report could not establish any
SERVICES = (*UWV, *NO_EFFECT, *BOUGHT)
INTERVIEWS = 5
TALKS = tuple(f"followup_{number}" for number in range(1, INTERVIEWS + 1))
LASTING = 2  # months in which an interview is effective

_MOST = 0.9  # largest chance to start in one month
_ROUNDS = 60
_GAPS = np.array([0.0, 0.3, 1.0] + [0.7] * (MONTHS - 3))  # pull towards a next interview, by months since the last
_DEEP = 60.0  # log of one over the smallest chance to start
_SPREAD = 1.5  # bounds of the slope of the log-chance to start by month


@dataclass(frozen=True, eq=False)
class TakeUp:
    """Chances to start: ``services`` by name, months × profiles; ``gaps`` for interviews 2–5, by months since the last.

    ``services`` also holds ``followup_1``, the first interview.
    """

    services: Mapping[str, np.ndarray]
    gaps: np.ndarray

    def started(self, service: str) -> np.ndarray:
        """Share that would have started in each month (months × profiles), if nobody left."""
        if service in TALKS[1:]:
            before = self.started(TALKS[TALKS.index(service) - 1])
            return _convolved(before, self.gaps[TALKS.index(service)])
        return _first(self.services[service])


def take_up(people: Profiles, survival: np.ndarray) -> TakeUp:
    """Chances to start whose shares are as printed, for people who leave as ``survival`` (months + 1 × profiles) says."""
    there = survival[:MONTHS]
    chances = {service: _service(service, people, there) for service in (*SERVICES, TALKS[0])}
    flow = _first(chances[TALKS[0]])
    meeting = (flow * people.people) @ there.T  # first interview in month s and still there in month t
    gaps, kernel = [np.zeros(MONTHS)], np.eye(MONTHS)[0]
    for wanted in _interviewed(people.population)[1:]:
        level = brentq(lambda x, k=kernel, w=wanted: _reached(meeting, k, x) - w, 1e-6, 1 / _GAPS.max())
        gaps.append(_kernel(level))
        kernel = np.convolve(kernel, gaps[-1])[:MONTHS]
    return TakeUp(chances, np.array(gaps))


def hazards_of_gaps(take: TakeUp) -> np.ndarray:
    """Chance of the next interview by months since the last, interviews × months, for who is still waiting."""
    waiting = 1 - np.cumsum(take.gaps, axis=1) + take.gaps
    return np.divide(take.gaps, waiting, out=np.zeros_like(take.gaps), where=waiting > 1e-12)


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
            used = (_first(_capped(shape, rate)) * there).sum(axis=0)
            rate = rate * (wanted / people.means(used[None], labels, len(wanted))[0])[labels]
        if np.abs(rate / before - 1).max() < 1e-7:
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
    """Chances by month, geometric from month ``first`` on, with the wanted share and mean month of start."""
    months = np.arange(MONTHS)

    def chances(slope: float) -> np.ndarray:
        relative = np.where(months >= first, np.exp(slope * (months - first)), 0.0)
        top = np.log(_MOST / relative[relative > 0].min())
        level = brentq(lambda x: _first(np.minimum(relative * np.exp(x), _MOST)) @ there - share, -_DEEP, top)
        return np.minimum(relative * np.exp(level), _MOST)

    def gap(slope: float) -> float:
        starts = _first(chances(slope)) * there
        return (starts @ months) / starts.sum() - mean

    return chances(brentq(gap, -_SPREAD, _SPREAD))


def _capped(shape: np.ndarray, rate: np.ndarray) -> np.ndarray:
    return np.minimum(shape[:, None] * rate, _MOST)


def _first(chance: np.ndarray) -> np.ndarray:
    """Share that starts in each month (the first axis), if nobody leaves."""
    waiting = np.cumprod(1 - chance, axis=0)
    return chance * np.concatenate([np.ones_like(chance[:1]), waiting[:-1]])


def _interviewed(population: str) -> np.ndarray:
    """People with at least 1, 2, …, 5 interviews (Tables 19 and 20)."""
    exactly = [cell.number for cell in user_cells(TALKS[0], population)]
    return np.cumsum(exactly[::-1])[::-1]


def _kernel(level: float) -> np.ndarray:
    """Share that has the next interview so many months after the last, if nobody leaves."""
    return _first(np.minimum(_GAPS * level, _MOST))


def _reached(meeting: np.ndarray, kernel: np.ndarray, level: float) -> float:
    """People who come to a next interview."""
    months = np.arange(MONTHS)
    apart = months[None, :] - months[:, None]
    longer = np.convolve(kernel, _kernel(level))[:MONTHS]
    return float((meeting * np.where(apart >= 0, longer[np.maximum(apart, 0)], 0.0)).sum())


def _convolved(flow: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    found = np.zeros_like(flow)
    for apart in range(1, MONTHS):
        found[apart:] += kernel[apart] * flow[:-apart]
    return found
