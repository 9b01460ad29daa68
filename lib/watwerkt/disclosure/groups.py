"""Groups of people whose numbers are published together, as sums over parts of the population (methods E).

Pages of a family overlap: women, the first generation, women of the first generation. What follows from them jointly is
a question to their finest common parts. Those can be many thousands, but need not be written out: if the pages form a
tree (an acyclic hypergraph of characteristics), counts that agree pairwise belong to some population, so that the
tables of the single cliques with their common margins say the same (Dobra & Fienberg 2000). Characteristics that form a
cycle, as three two-way tables do, are taken in one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse

from watwerkt.errors import DisclosureError

Selector = Mapping[str, object]
Columns = tuple[str, ...]

_SURPRISING = 10  # an empty combination is common knowledge if chance would have put so many people there


@dataclass(frozen=True)
class Groups:
    """Groups as unions of parts: one row of 0 and 1 per group, and the clique whose parts they are."""

    rows: sparse.csr_array
    clique: np.ndarray

    def __len__(self) -> int:
        return self.rows.shape[0]


@dataclass(frozen=True)
class Family:
    """The groups that the pages of a family speak of.

    Attributes
    ----------
    names
        The groups, sorted.
    listed
        The groups as unions of parts, in the order of ``names``.
    watched
        Groups that no page shows but that could follow from those that pages do: the difference of two (everyone less
        women), and those with the same characteristics (a category without a page).
    ties
        Rows that are nil for every population: two cliques give their common characteristics the same margin.
    position
        cliques × people: the part that each person belongs to.
    """

    names: tuple[str, ...]
    listed: Groups
    watched: Groups
    ties: sparse.csr_array
    position: np.ndarray = field(repr=False)
    people: pd.DataFrame = field(repr=False)

    @property
    def parts(self) -> int:
        """How many parts there are, over all cliques."""
        return self.listed.rows.shape[1]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum of a value per person in each part."""
        return sum(np.bincount(places, values, minlength=self.parts) for places in self.position)

    def counts(self, kind: np.ndarray, kinds: int) -> np.ndarray:
        """Number of people of each kind (0, 1, …) in each part: parts × kinds."""
        size = self.parts * kinds
        found = sum(np.bincount(places * kinds + kind, minlength=size) for places in self.position)
        return found.reshape(self.parts, kinds).astype(float)

    def members(self, groups: Groups, i: int) -> np.ndarray:
        """Booleans over people: who belongs to a group."""
        inside = groups.rows[[i]].toarray()[0] > 0
        return inside[self.position[groups.clique[i]]]


def family(people: pd.DataFrame, groups: Mapping[str, Selector]) -> Family:
    """The groups of a family of pages, from the microdata of everyone.

    Parameters
    ----------
    people
        One row per person, everyone whom any page speaks of, whatever page asks.
    groups
        For each group its characteristics: ``{"Everyone": {}, "Women": {"sex": "female"}}``. All groups of all pages,
        those of a single arm of an experiment among them.

    Raises
    ------
    DisclosureError
        No group, a column that the people do not have, a group without anyone.
    """
    names = tuple(sorted(groups))
    columns = _columns(people, groups)
    codes = {column: _levels(people[column]) for column in columns}
    wanted = [{column: _level(codes[column], name, column, value) for column, value in sorted(groups[name].items())}
              for name in names]  # fmt: skip
    tables = [
        _Table(clique, codes, len(people))
        for clique in cliques([*(tuple(sorted(one)) for one in wanted), *_excluding(codes)])
    ]
    starts = np.cumsum([0, *(len(table.levels) for table in tables)])
    listed = [_in_table(tables, one) for one in wanted]
    for name, (_, row) in zip(names, listed, strict=True):
        if not row.any():
            raise DisclosureError(f"group {name!r} holds nobody.\n  leave it out, or correct {dict(groups[name])}")
    return Family(
        names,
        _groups(listed, starts),
        _groups(_watched(tables, wanted), starts),
        _ties(tables, starts),
        np.array([table.places + start for table, start in zip(tables, starts[:-1], strict=True)]),
        people,
    )


# ---- characteristics ---------------------------------------------------------------------------------------------


def _columns(people: pd.DataFrame, groups: Mapping[str, Selector]) -> list[str]:
    if not groups or people.empty:
        raise DisclosureError("a family needs groups and people.\n  name at least one group, such as {'Everyone': {}}")
    columns = sorted({column for selector in groups.values() for column in selector})
    if unknown := [column for column in columns if column not in people]:
        raise DisclosureError(f"the people have no column {unknown[0]!r}.\n  allowed: {', '.join(people.columns)}")
    return columns


def _levels(column: pd.Series) -> tuple[np.ndarray, list[object]]:
    """The level of each person, and the levels; a missing value is a level of its own."""
    return pd.factorize(column, sort=True, use_na_sentinel=False)


def _level(known: tuple[np.ndarray, Iterable[object]], name: str, column: str, value: object) -> int:
    found = [i for i, level in enumerate(known[1]) if level == value or (pd.isna(level) and pd.isna(value))]
    if not found:
        allowed = ", ".join(map(str, known[1][:12]))
        raise DisclosureError(f"group {name!r} holds nobody with {column} = {value!r}.\n  allowed: {allowed}")
    return found[0]


def _excluding(codes: Mapping[str, tuple[np.ndarray, Iterable[object]]]) -> list[Columns]:
    """Pairs of characteristics that exclude each other somewhere, which anyone knows: men are not mothers."""
    found = []
    for first, second in combinations(codes, 2):
        (a, of_a), (b, of_b) = codes[first], codes[second]
        both = np.zeros((len(of_a), len(of_b)))
        np.add.at(both, (a, b), 1)
        expected = both.sum(axis=1, keepdims=True) * both.sum(axis=0, keepdims=True) / len(a)
        if ((both == 0) & (expected >= _SURPRISING)).any():
            found.append((first, second))
    return found


def cliques(edges: Iterable[Columns]) -> list[Columns]:
    """Sets of characteristics in a tree that hold every edge; those that form a cycle become one set.

    Source: the reduction of Graham, Yu & Ozsoyoglu (Beeri, Fagin, Maier & Yannakakis 1983).
    """
    kept = {frozenset(edge) for edge in edges} | {frozenset()}
    core = set(kept)
    while True:
        lonely = {c for edge in core for c in edge if sum(c in other for other in core) == 1}
        cut = {edge - lonely for edge in core}
        cut = {edge for edge in cut if not any(edge < other for other in cut)}
        if cut == core:
            break
        core = cut
    kept.add(frozenset().union(*core))
    return sorted(tuple(sorted(edge)) for edge in kept if not any(edge < other for other in kept))


class _Table:
    """The combinations of a clique's characteristics that occur, and each person's place among them."""

    def __init__(self, columns: Columns, codes: Mapping, people: int) -> None:
        self.columns = columns
        coded = np.column_stack([codes[column][0] for column in columns]) if columns else np.zeros((people, 1), int)
        self.levels, places = np.unique(coded, axis=0, return_inverse=True)
        self.places = places.ravel()

    def inside(self, selector: Mapping[str, int]) -> np.ndarray:
        """Booleans over combinations: those of a group."""
        found = np.ones(len(self.levels), bool)
        for column, level in selector.items():
            found &= self.levels[:, self.columns.index(column)] == level
        return found

    def every(self, sets: Iterable[Columns]) -> Iterator[np.ndarray]:
        """All groups with these sets of characteristics, or with some of a set."""
        for some in sorted({part for one in sets for k in range(1, len(one) + 1) for part in combinations(one, k)}):
            coded = self.levels[:, [self.columns.index(column) for column in some]]
            for levels in np.unique(coded, axis=0):
                yield (coded == levels).all(axis=1)


# ---- groups ------------------------------------------------------------------------------------------------------


def _in_table(tables: list[_Table], selector: Mapping[str, int]) -> tuple[int, np.ndarray]:
    """The first clique that holds a group's characteristics, and the group's combinations there."""
    place = next(i for i, table in enumerate(tables) if set(selector) <= set(table.columns))
    return place, tables[place].inside(selector)


def _watched(tables: list[_Table], wanted: list[dict[str, int]]) -> list[tuple[int, np.ndarray]]:
    """Groups that no page shows: differences of two that pages do, and all with the same characteristics as one."""
    found: dict[tuple[int, bytes], np.ndarray] = {}
    for place, table in enumerate(tables):
        here = [one for one in wanted if set(one) <= set(table.columns)]
        rows = [table.inside(one) for one in here]
        less = [a & ~b for a in rows for b in rows if not (b & ~a).any()]
        present = {row.tobytes() for row in rows}
        for row in (*table.every({tuple(sorted(one)) for one in here}), *less):
            if row.any() and row.tobytes() not in present:
                found[place, row.tobytes()] = row
    return [(place, found[place, key]) for place, key in sorted(found)]


def _groups(found: list[tuple[int, np.ndarray]], starts: np.ndarray) -> Groups:
    rows = sparse.lil_array((len(found), int(starts[-1])))
    for i, (place, inside) in enumerate(found):
        rows[i, starts[place] + np.flatnonzero(inside)] = 1.0
    return Groups(rows.tocsr(), np.array([place for place, _ in found], int))


def _ties(tables: list[_Table], starts: np.ndarray) -> sparse.csr_array:
    """Each clique agrees with the one of those before it with which it shares most, in the order of a tree."""
    rows = []
    joined, left = [0], list(range(1, len(tables)))
    while left:
        shared = [(len(set(tables[a].columns) & set(tables[b].columns)), -b, -a) for b in left for a in joined]
        _, b, a = max(shared)
        first, second = tables[-a], tables[-b]
        common = sorted(set(first.columns) & set(second.columns))
        margins = [table.levels[:, [table.columns.index(c) for c in common]] for table in (first, second)]
        for levels in np.unique(margins[0], axis=0):
            row = np.zeros(starts[-1])
            for sign, table, margin in ((1.0, -a, margins[0]), (-1.0, -b, margins[1])):
                row[starts[table] + np.flatnonzero((margin == levels).all(axis=1))] = sign
            rows.append(row)
        joined.append(-b)
        left.remove(-b)
    return sparse.csr_array(np.array(rows).reshape(-1, int(starts[-1])))
