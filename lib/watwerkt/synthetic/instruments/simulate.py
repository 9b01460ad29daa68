"""People on benefit month by month: services start, and some leave."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from watwerkt.synthetic.instruments.effects import moment
from watwerkt.synthetic.instruments.groups import DIMENSIONS, Profiles, counts, inflow_months
from watwerkt.synthetic.instruments.interviews import INTERVIEWS, TALKS
from watwerkt.synthetic.instruments.model import COURSE, Population
from watwerkt.synthetic.instruments.risks import EXITS, MONTHS
from watwerkt.synthetic.instruments.takeup import SERVICES
from watwerkt.synthetic.whole import quota

_NEVER = -1


class Draw:
    """Chance, with or without quotas.

    With quotas everyone still has the stated chance, but people are taken at equal steps of the summed chances, in an
    order that groups those who are alike and is otherwise random (systematic sampling, Madow 1949).
    """

    def __init__(self, rng: np.random.Generator, *, exact: bool) -> None:
        self._rng, self._exact = rng, exact

    def order(self, groups: np.ndarray) -> np.ndarray:
        """An order of people for :meth:`taken`, anew for every draw that must not hang together with another."""
        return np.argsort(groups + self._rng.random(len(groups))) if self._exact else np.arange(len(groups))

    def taken(self, chance: np.ndarray) -> np.ndarray:
        """Who is taken, given chances below one in a drawn order."""
        if not self._exact:
            return self._rng.random(len(chance)) < chance
        steps = np.floor(np.cumsum(chance) + self._rng.random()).astype(np.int64)
        return np.diff(steps, prepend=0) > 0

    def profiles(self, people: Profiles, number: int) -> np.ndarray:
        """A profile for each of so many people, in the order of profiles."""
        ends = np.cumsum(people.people) / people.people.sum()
        points = self._rng.random(number)
        if self._exact:
            points = (np.arange(number) + points[:1]) / number
        return np.sort(np.minimum(np.searchsorted(ends, points, side="right"), len(people) - 1))

    def spread(self, number: int) -> np.ndarray:
        """Numbers between nought and one in a random order, evenly spread with quotas."""
        points = self._rng.permutation(number) + 0.5 if self._exact else self._rng.random(number) * number
        return points / max(number, 1)


def simulated(found: Population, people: int, rng: np.random.Generator, *, exact: bool) -> dict[str, pd.DataFrame]:
    """Persons, services and interviews of so many people of one population; ``person`` counts from nought."""
    draw = Draw(rng, exact=exact)
    profile = draw.profiles(found.people, people)
    codes = {name: values[profile] for name, values in found.people.codes.items()}
    if exact:
        profile, codes = _repaired(found.people, codes, rng)
    exit_, last, starts, talks = _followed(found, profile, draw)
    values = {name: np.array(found.people.values[name]) for name in codes}
    columns = {name: values[name][codes[name]] for name in codes if name != "crisis"}
    persons = pd.DataFrame(
        {
            "person": np.arange(people),
            "population": found.people.population,
            **columns,
            "inflow_month": _inflow(codes["crisis"], draw),
            "months_observed": np.where(exit_ == _NEVER, MONTHS, last + 1),
            "exit": np.array([*EXITS, "none"])[exit_],
            "exit_month": pd.array(np.where(exit_ == _NEVER, 0, last), dtype="Int64"),
        }
    )
    persons.loc[exit_ == _NEVER, "exit_month"] = pd.NA
    return {"persons": persons, "services": _long(starts, "service", "start_month", SERVICES),
            "interviews": _long(talks, "number", "month", range(1, INTERVIEWS + 1))}  # fmt: skip


def _repaired(
    people: Profiles, codes: Mapping[str, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The same people, of whom a few get another value of a characteristic, until each adds up as in Table 1."""
    codes = {name: values.copy() for name, values in codes.items()}
    for name in DIMENSIONS[people.population]:
        wanted = quota(list(counts(people.population, name).values()), len(codes[name]))
        over = np.bincount(codes[name], minlength=len(wanted)) - wanted
        leave = [rng.choice(np.flatnonzero(codes[name] == k), n, replace=False) for k, n in enumerate(over) if n > 0]
        moved = np.concatenate([np.zeros(0, int), *leave])
        codes[name][rng.permutation(moved)] = np.repeat(np.arange(len(over)), np.maximum(-over, 0))
    profile = np.ravel_multi_index(tuple(codes.values()), tuple(len(people.values[name]) for name in codes))
    order = np.argsort(profile, kind="stable")
    return profile[order], {name: values[order] for name, values in codes.items()}


def _inflow(crisis: np.ndarray, draw: Draw) -> np.ndarray:
    """A month of entry for everyone, in or out of the crisis."""
    found = np.empty(len(crisis), "datetime64[M]")
    for place, (months, shares) in enumerate(inflow_months().values()):
        who = np.flatnonzero(crisis == place)
        found[who] = months[np.minimum(np.searchsorted(np.cumsum(shares), draw.spread(len(who))), len(months) - 1)]
    return found.astype("datetime64[us]")


def _followed(
    found: Population, profile: np.ndarray, draw: Draw
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Exit and month of exit by person; month of start by service and person; month by interview and person."""
    people = len(profile)
    odds, course = np.exp(found.log_odds), np.exp(COURSE)
    exit_, last = np.full(people, _NEVER), np.full(people, MONTHS - 1)
    starts, talks = (np.full((n, people), _NEVER, np.int8) for n in (len(SERVICES), INTERVIEWS))
    change, talk = np.ones((2, people)), np.ones((2, 2, people))  # factors of odds: services; interviews by parity
    factors, talk_factors = found.factors, found.talk_factors
    there = np.arange(people)
    for month in range(MONTHS):
        order = there[draw.order(profile[there])]
        for place, service in enumerate(SERVICES):
            chance = found.take.services[service][month, profile[order]] * (starts[place, order] == _NEVER)
            who = order[draw.taken(chance)]
            starts[place, who] = month
            change[:, who] *= factors[service][moment(service, month)][:, profile[who]]
        talk[month % 2] = 1.0
        for place, who in _interviews(found, profile, order, talks, month, draw):
            talk[month % 2][:, who] = talk_factors[place][:, profile[who]]
        order = there[draw.order(profile[there])]
        now = odds[:, profile[order]] * course[:, month, None] * change[:, order] * talk[:, :, order].prod(axis=0)
        total = now.sum(axis=0)
        gone = draw.taken(total / (1 + total))
        who = order[gone]
        exit_[who] = np.where(draw.taken(now[0, gone] / total[gone]), 0, 1)
        last[who] = month
        there = there[exit_[there] == _NEVER]
    return exit_, last, starts, talks


def _interviews(
    found: Population, profile: np.ndarray, order: np.ndarray, talks: np.ndarray, month: int, draw: Draw
) -> list[tuple[int, np.ndarray]]:
    """Who has which interview this month, written into ``talks``; at most one each."""
    held = []
    for place in range(INTERVIEWS):
        waiting = order[talks[place, order] == _NEVER]
        if place == 0:
            chance = found.take.services[TALKS[0]][month, profile[waiting]]
        else:
            waiting = waiting[talks[place - 1, waiting] != _NEVER]
            chance = found.take.gaps[place - 1, month - talks[place - 1, waiting]]
        held.append((place, waiting[draw.taken(chance)]))
    for place, who in held:
        talks[place, who] = month
    return held


def _long(found: np.ndarray, name: str, month: str, values) -> pd.DataFrame:
    """One row per person and start, from a month for everyone or none."""
    person, place = np.nonzero(found.T != _NEVER)
    return pd.DataFrame({"person": person, name: np.array(values)[place], month: found[place, person].astype("int64")})
