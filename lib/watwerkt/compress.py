"""Person-months compressed to cells with sufficient statistics, written once in Ibis for any of its engines.

A person who is followed for ten months is ten rows in a model of monthly exits. Rows that agree on everything that the
model looks at are one *cell*: how many there were, and how many of them left for work or otherwise. A model fitted to
the cells gives the same estimates as one fitted to the rows. The same expressions run on DuckDB, inside this process,
and on Spark, for whoever holds a whole population's history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from watwerkt.errors import EstimationError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends import BaseBackend

EXITS = ("work", "other")
TABLES = ("persons", "services", "interviews")
MOMENTS = (2, 6)  # months from which a start is normal, and late (Heyma & Vervliet 2020, Table 8)
KEYS = ("profile", "month", "state")


@dataclass(frozen=True)
class Plan:
    """What the model looks at.

    Attributes
    ----------
    covariates
        Columns of ``persons`` and their values; the first value of each is the base.
    services
        Services that, once begun, last: each is a state whose class is the moment of deployment. The value is the month
        (from nought) in which each later class begins: ``MOMENTS``, (2, 6), makes months 0–1 early, 2–5 normal, 6 and
        later late; () makes one class.
    interviews
        How many numbered interviews there are; each is a state for ``lasting`` months.
    horizon
        Months of follow-up.
    """

    covariates: Mapping[str, tuple[str, ...]]
    services: Mapping[str, tuple[int, ...]]
    interviews: int = 5
    lasting: int = 2
    horizon: int = 18

    @property
    def talks(self) -> tuple[str, ...]:
        """The names of the interviews' states."""
        return tuple(f"followup_{number}" for number in range(1, self.interviews + 1))

    @property
    def states(self) -> dict[str, int]:
        """Every state and how many values it has; nought is not (yet) begun, or over."""
        classes = {name: len(later) + 2 for name, later in self.services.items()}
        return {**classes, **dict.fromkeys(self.talks, 2)}


def cells(persons: ir.Table, services: ir.Table, interviews: ir.Table, plan: Plan) -> ir.Table:
    """The cells of the person-months: profile, month, state, n, work, other.

    Parameters
    ----------
    persons
        One row per person: ``person``, the covariates, ``months_observed`` (at least 1), ``exit`` (``work``, ``other``
        or anything else for none), which happens in the last month observed.
    services
        ``person``, ``service``, ``start_month`` (from nought); the first start of each service counts.
    interviews
        ``person``, ``number`` (from one), ``month``.

    Returns
    -------
    An Ibis expression with one row per cell. ``profile`` and ``state`` are numbers in a mixed base that
    :func:`unpacked` takes apart; ``n`` counts person-months, ``work`` and ``other`` those that ended in that exit.
    """
    import ibis

    base = _timelines(persons, services, interviews, plan)
    base = base.group_by(list(base.columns)).aggregate(people=base.count())  # alike from beginning to end: one row
    long = base.mutate(month=ibis.range(0, base.months_observed).unnest().cast("int64"))
    last = long.month == long.months_observed - 1
    rows = long.select(
        "profile",
        "month",
        state=_packed([_state(long, name, plan) for name in plan.states], list(plan.states.values())),
        people=long.people,
        **{kind: (last & (long.exit == kind)).ifelse(long.people, 0) for kind in EXITS},
    )
    counted = {kind: rows[kind].sum().cast("int64") for kind in EXITS}
    return rows.group_by(list(KEYS)).aggregate(n=rows.people.sum().cast("int64"), **counted).order_by(list(KEYS))


def profiles(persons: ir.Table, plan: Plan) -> ir.Table:
    """How many people entered with each profile: profile, people."""
    coded = persons.select(profile=_profile(persons, plan))
    return coded.group_by("profile").aggregate(people=coded.count().cast("int64")).order_by("profile")


def unpacked(numbers: Sequence[int] | np.ndarray, sizes: Mapping[str, int]) -> pd.DataFrame:
    """The values of each part of packed numbers, in small integers; the inverse of the packing in :func:`cells`."""
    left = np.asarray(numbers, dtype=np.int64)
    parts = {}
    for name, size in sizes.items():
        left, rest = np.divmod(left, size)
        parts[name] = rest.astype(np.int8 if size < 128 else np.int32)
    return pd.DataFrame(parts)


def compressed(tables: Mapping[str, pd.DataFrame], plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells and profiles of data frames, by DuckDB in this process, in one order whatever the order of the rows.

    Raises
    ------
    EstimationError
        A covariate has a value that the plan does not name, or nobody is followed for a month.
    """
    check(tables["persons"], plan)
    engine = duckdb()
    named = [in_memory(tables[name]) for name in TABLES]
    return collect(cells(*named, plan), engine), collect(profiles(named[0], plan), engine)


def in_memory(frame: pd.DataFrame) -> ir.Table:
    """A data frame as a table for Ibis; by way of Arrow, which knows pandas' texts and missing integers."""
    import ibis

    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))


def duckdb() -> BaseBackend:
    """DuckDB inside this process, as an engine of Ibis."""
    import ibis

    return ibis.duckdb.connect()


def collect(found: ir.Table, engine: BaseBackend) -> pd.DataFrame:
    """What an expression gives, computed by an engine of Ibis, as a data frame."""
    return engine.to_pyarrow(found).to_pandas()


def check(persons: pd.DataFrame, plan: Plan) -> None:
    """Refuse people whom the plan cannot place."""
    for name, allowed in plan.covariates.items():
        if set(persons[name].unique()) - set(allowed):
            unknown = ~persons[name].isin(allowed)
            first = persons.loc[unknown, name].iloc[0]
            raise EstimationError(
                f"persons, column {name!r}: {int(unknown.sum())} people have a value that the plan does not name, "
                f"such as {first!r}.\n  allowed: {', '.join(allowed)}"
            )
    short = ~persons["months_observed"].between(1, plan.horizon)
    if short.any():
        found = persons.loc[short, "months_observed"].iloc[0]
        raise EstimationError(
            f"persons, column 'months_observed': {int(short.sum())} people are followed for {found!r} months or the "
            f"like.\n  allowed: 1 to {plan.horizon}"
        )


def _timelines(persons: ir.Table, services: ir.Table, interviews: ir.Table, plan: Plan) -> ir.Table:
    """One row per person: profile, follow-up, exit, and the month in which each state begins."""
    starts = {name: services.start_month.min(where=services.service == name).cast("int64") for name in plan.services}
    talks = {
        name: interviews.month.min(where=interviews.number == number).cast("int64")
        for number, name in enumerate(plan.talks, start=1)
    }
    base = persons.select("person", "months_observed", "exit", profile=_profile(persons, plan))
    for table, columns in ((services, starts), (interviews, talks)):
        if columns:
            wide = table.group_by("person").aggregate(**columns).rename(whose="person")
            base = base.left_join(wide, base.person == wide.whose).drop("whose")
    return base.drop("person")


def _profile(persons: ir.Table, plan: Plan) -> ir.IntegerValue:
    places = [
        persons[name].cases(*[(value, place) for place, value in enumerate(values)])
        for name, values in plan.covariates.items()
    ]
    return _packed(places, [len(values) for values in plan.covariates.values()])


def _state(long: ir.Table, name: str, plan: Plan) -> ir.IntegerValue:
    """The value of a state in a month: the class of its moment once begun; an interview is over after a while."""
    import ibis

    begin = long[name]
    waiting = begin.isnull() | (begin > long.month)
    if name in plan.services:
        later = [(begin < month, value) for value, month in enumerate(plan.services[name], start=1)]
        return ibis.cases((waiting, 0), *later, else_=len(plan.services[name]) + 1)
    return ibis.cases((waiting | (long.month >= begin + plan.lasting), 0), else_=1)


def _packed(places: Sequence[ir.IntegerValue], sizes: Sequence[int]) -> ir.IntegerValue:
    """Several small numbers as one, in a mixed base; the first varies fastest."""
    import ibis

    strides = np.concatenate([[1], np.cumprod([int(size) for size in sizes])[:-1]]).tolist() if sizes else []
    terms = [place.cast("int64") * int(stride) for place, stride in zip(places, strides, strict=True)]
    return reduce(lambda total, term: total + term, terms) if terms else ibis.literal(0, type="int64")


def statistics(table: ir.Table, outcome: str, *, by: Sequence[str]) -> ir.Table:
    """People who agree on everything that a linear model looks at, as one row: n, Σy and Σy² of the outcome.

    They are sufficient for least squares, two-stage least squares and their HC1 and clustered variances
    (:mod:`watwerkt.estimate.grouped`). Source: Wong et al. (2021), section on conditionally sufficient statistics.

    Returns an Ibis expression with the columns of ``by``, ``n``, ``total`` and ``squares``, in the order of ``by``.
    """
    y = table[outcome].cast("float64")
    sums = {"n": table.count().cast("int64"), "total": y.sum(), "squares": (y * y).sum()}
    return table.group_by(list(by)).aggregate(**sums).order_by(list(by))
