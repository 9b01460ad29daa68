"""What is known of the data-generating process: its coefficients, and the effects that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from watwerkt.synthetic.instruments.effects import MOMENTS, Printed, classes, nearest, presented, printed, span
from watwerkt.synthetic.instruments.groups import CRISIS, DIMENSIONS, INFLOW, POPULATIONS, crisis_of
from watwerkt.synthetic.instruments.interviews import TALKS
from watwerkt.synthetic.instruments.model import COURSE, Effects, Population, population
from watwerkt.synthetic.instruments.risks import EXITS, MONTHS, mean_effects
from watwerkt.synthetic.instruments.takeup import BOUGHT, SERVICES

COLUMNS = (
    "quantity", "value", "kind", "population", "service", "moment", "start", "dimension", "category", "outcome",
    "table", "cell", "published", "possible",
)  # fmt: skip
TYPICAL_LATE = 9  # assumed month of start of a late deployment


def truth(*, effects: Effects = "background", populations: Sequence[str] = POPULATIONS) -> pd.DataFrame:
    """What is known of the data-generating process of these populations, one row per quantity.

    ``kind`` tells them apart:

    - ``coefficient``: log-odds of the monthly exits, named as the estimator names them (``work:iro=late``,
      ``other:month=3``, ``work:age=25-30``). The first value of a covariate is its base; the two populations have
      coefficients of their own.
    - ``deviation``: what a characteristic adds to the log-odds of a state (``work:iro:age=55-60``), whatever the
      moment; nil on average over people. None of these with ``effects="background"``.
    - ``effect``: change in the incidence of an exit within 18 months if a service starts in month ``start``, and no
      other does, averaged over everyone who enters (``work:iro:6``).
    - ``effect_in_group``: the same, averaged over a category.

    Columns: quantity, value, kind, population, service, moment, start (months), dimension, category, outcome; and for
    effects that the report prints table, cell, published, and possible: the nearest effect that is, since some printed
    effects would make more people leave than there are.
    """
    rows = [row for name in populations for row in _rows(population(name, effects))]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(found: Population) -> Iterator[dict]:
    yield from _baseline(found)
    for state in (*SERVICES, *TALKS):
        yield from _coefficients(found, state)
        yield from _effects(found, state)
        yield from _in_groups(found, state)


def _row(found: Population, kind: str, quantity: str, value: float, exit_: str, **known: object) -> dict:
    about = {"population": found.people.population, "dimension": "all", "category": "all", "moment": "", "service": ""}
    return {"quantity": quantity, "value": float(value), "kind": kind, "outcome": exit_, **about, **known}


def _baseline(found: Population) -> Iterator[dict]:
    for k, exit_ in enumerate(EXITS):
        for month in range(MONTHS):
            value = found.constant[k] + COURSE[k, month]
            yield _row(found, "coefficient", f"{exit_}:month={month}", value, exit_)
        for name, category, value in _covariates(found, k):
            known = {"dimension": name, "category": category}
            yield _row(found, "coefficient", f"{exit_}:{name}={category}", value, exit_, **known)


def _covariates(found: Population, k: int) -> Iterator[tuple[str, str, float]]:
    for name, values in found.covariates.items():
        if name == "crisis":
            yield from (("year", year, values[k, CRISIS.index(crisis_of(year))]) for year in INFLOW)
        else:
            yield from zip([name] * values.shape[1], found.people.values[name], values[k], strict=True)


def _coefficients(found: Population, state: str) -> Iterator[dict]:
    for k, exit_ in enumerate(EXITS):
        for place, moment in enumerate(classes(state)):
            name = f"{exit_}:{state}" + (f"={moment}" if moment else "")
            yield _row(found, "coefficient", name, found.shifts.common[state][k, place], exit_,
                       service=state, moment=moment)  # fmt: skip
        for dimension, values in found.shifts.deviations.get(state, {}).items():
            for category, value in zip(found.people.values[dimension], values[k], strict=True):
                yield _row(found, "deviation", f"{exit_}:{state}:{dimension}={category}", value, exit_,
                           service=state, dimension=dimension, category=category)  # fmt: skip


def _effects(found: Population, state: str) -> Iterator[dict]:
    """Effects on everyone: at the month of start that the report presents, and at one of each other moment."""
    cells = printed(found.people.population, state)
    everyone = np.zeros(len(found.people), int)
    times = np.exp(found.shifts.deviation(state, found.people))
    keys = [("", presented(state), ("all", "all"))]
    if state in BOUGHT:
        pairs = [(name, ("moment", name)) for name in MOMENTS]
        keys += [(name, cells[key].start if key in cells else TYPICAL_LATE, key) for name, key in pairs]
    for moment, start, key in keys:
        shift = found.shifts.common[state][:, [classes(state).index(moment) if moment else -1]]
        begin, end = span(state, start)
        values = mean_effects(found.base, found.people, everyone, shift, begin, end, times=times)[:, 0]
        source = cells.get(key)
        known = {"service": state, "moment": moment, "start": start}
        kept = nearest(found.people, found.base, state, [source], everyone)[:, 0] if source else None
        for k, exit_ in enumerate(EXITS):
            about = _source(source, k, None if kept is None else kept[k])
            yield _row(found, "effect", f"{exit_}:{state}:{start}", values[k], exit_, **known, **about)


def _in_groups(found: Population, state: str) -> Iterator[dict]:
    """Effects in the categories for which the report prints them."""
    cells = printed(found.people.population, state)
    for name in DIMENSIONS[found.people.population]:
        labels, values = found.people.codes[name], found.people.values[name]
        if not any((name, value) in cells for value in values):
            continue
        shift = np.tile(found.shifts.common[state][:, -1:], len(values))
        times = np.exp(found.shifts.deviation(state, found.people))
        start, stop = span(state, presented(state))
        effects = mean_effects(found.base, found.people, labels, shift, start, stop, times=times)
        filled = [cells.get((name, value), cells["all", "all"]) for value in values]
        kept = nearest(found.people, found.base, state, filled, labels)
        for place, value in enumerate(values):
            for k, exit_ in enumerate(EXITS):
                known = {"service": state, "start": start, "dimension": name, "category": value}
                known |= _source(cells.get((name, value)), k, kept[k, place])
                quantity = f"{exit_}:{state}:{name}={value}:{start}"
                yield _row(found, "effect_in_group", quantity, effects[k, place], exit_, **known)


def _source(source: Printed | None, k: int, possible: float | None) -> dict:
    if source is None:
        return {}
    cell = (source.work, source.other)[k]
    return {"table": cell.table, "cell": cell.cell, "published": cell.number, "possible": possible}
