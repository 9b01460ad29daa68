"""Which numbers of a family of pages may be shown: rules for single numbers, then what follows from several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from scipy import sparse

from watwerkt.disclosure.groups import Family, Groups
from watwerkt.disclosure.suppression import Problem, suppress
from watwerkt.errors import DisclosureError

Rules = dict[tuple[str, str], str]  # (group, column) → the rule by which the number is withheld, or nothing
PEOPLE = ""  # the column that counts everyone in a group


def sizes(family: Family, minimum: int) -> Rules:
    """Which group sizes may be shown."""
    people = family.sums(np.ones(len(family.people)))
    listed, watched = family.listed.rows @ people, family.watched.rows @ people
    primary = few(listed, minimum)
    problem = Problem(
        people, family.ties, family.listed.rows, np.full(len(listed), float(minimum)), listed, primary,
        *_chosen(family.watched.rows, few(watched, minimum), minimum),
    )  # fmt: skip
    rules = np.where(primary, "few", "")
    return _named(family, PEOPLE, rules, suppress(problem))


def outcomes(family: Family, columns: Sequence[str], *, known: Rules, minimum: int) -> Rules:
    """Which numbers of people with these outcomes may be shown, where the sizes that may be shown are.

    ``columns`` are booleans; those of one measure together (exits after 6, 9 and 12 months, of which each holds the one
    before).
    """
    patterns, people = _patterns(family, columns)
    truth = family.counts(people, len(patterns))
    listed, size = family.listed.rows, family.listed.rows @ truth.sum(axis=1)
    unsized = np.array([bool(known[name, PEOPLE]) for name in family.names])
    number, whole = (listed @ truth @ patterns).T.ravel(), np.tile(size, len(columns))
    alike, scarce = (number == 0) | (number == whole), few(number, minimum) | few(whole - number, minimum)
    rules = np.select([np.tile(unsized, len(columns)), alike, scarce], ["size", "group", "few"], "")
    ties = sparse.kron(family.ties, np.eye(len(patterns)))
    sized = sparse.kron(listed[np.flatnonzero(~unsized)], np.ones((1, len(patterns))))
    problem = Problem(
        truth.ravel(),
        sparse.vstack([ties, sized], format="csr"),
        sparse.vstack([sparse.kron(listed, column[None, :]) for column in patterns.T], format="csr"),
        np.full(len(number), float(minimum)), whole, rules != "",
        *_watched_outcomes(family, truth, _sets(patterns), unsized, minimum),
    )  # fmt: skip
    hidden = suppress(problem)
    parts = np.split(rules, len(columns)), np.split(hidden, len(columns))
    found: Rules = {}
    for column, rule, out in zip(columns, *parts, strict=True):
        found |= _named(family, column, rule, out)
    return found


def amounts(
    family: Family, column: str, *, known: Rules, minimum: int, largest: int, largest_share: float, percent: float
) -> Rules:
    """Which sums and means of an amount may be shown: dominance, by the (n, k) and the p% rule.

    An amount is never below zero; people without one do not take part. Source: Hundepool et al. (2012), section 4.2.
    """
    each = _amounts(family, column)
    dominated = partial(_dominated, family, each=each, minimum=minimum, largest=largest, largest_share=largest_share,
                        percent=percent)  # fmt: skip
    (rules, need), (unlisted, need_unlisted) = dominated(family.listed), dominated(family.watched)
    rules = np.where([bool(known[name, PEOPLE]) for name in family.names], "size", rules)
    scale = minimum / need.min()  # the solver's tolerances are made for counts
    truth = family.sums(np.nan_to_num(each)) * scale
    watch = unlisted != ""
    problem = Problem(
        truth, family.ties, family.listed.rows, need * scale, family.listed.rows @ truth, rules != "",
        family.watched.rows[np.flatnonzero(watch)], need_unlisted[watch] * scale,
    )  # fmt: skip
    return _named(family, column, rules, suppress(problem))


def few(counts: np.ndarray, minimum: int) -> np.ndarray:
    return (counts > 0) & (counts < minimum)


def _named(family: Family, column: str, rules: Iterable[str], hidden: np.ndarray) -> Rules:
    return {
        (name, column): str(rule) or ("complementary" if out else "")
        for name, rule, out in zip(family.names, rules, hidden, strict=True)
    }


def _chosen(rows: sparse.csr_array, which: np.ndarray, minimum: int) -> tuple[sparse.csr_array, np.ndarray]:
    places = np.flatnonzero(which)
    return rows[places], np.full(len(places), float(minimum))


def _values(family: Family, column: str) -> pd.Series:
    if column not in family.people:
        raise DisclosureError(f"the people have no column {column!r}.\n  allowed: {', '.join(family.people.columns)}")
    return family.people[column]


# ---- outcomes ----------------------------------------------------------------------------------------------------


def _patterns(family: Family, columns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The combinations of outcomes that occur (patterns × columns), and each person's pattern.

    That nobody has an outcome, or everyone, is not common knowledge: nobody's pattern may be among them.
    """
    for column in columns:
        values = _values(family, column)
        if values.dtype != bool and (values.isna().any() or not values.isin([0, 1]).all()):
            raise DisclosureError(
                f"the outcome {column!r} is not true or false for everyone.\n"
                "  make a column of booleans; leave people without an outcome out of the family"
            )
    bits = 1 << np.arange(len(columns))
    coded = sum(bit * family.people[column].to_numpy(bool) for bit, column in zip(bits, columns, strict=True))
    occurring = np.unique(coded)
    never = [bit for bit in bits if not (occurring & bit).any()]
    known = np.union1d(occurring, [0, *never])
    return (known[:, None] & bits > 0).astype(float), np.searchsorted(known, coded)


def _sets(patterns: np.ndarray) -> np.ndarray:
    """Sets of patterns of which a number could follow: each outcome, what is between two, and the rest."""
    base = patterns.T > 0
    less = [a & ~b for a in base for b in base if not (b & ~a).any()]
    every = [*base, *less, base.any(axis=0)]
    every += [~one for one in every]
    return np.unique([one for one in every if one.any() and not one.all()] or np.zeros((0, len(patterns))), axis=0)


def _watched_outcomes(
    family: Family, truth: np.ndarray, sets: np.ndarray, unsized: np.ndarray, minimum: int
) -> tuple[sparse.csr_array, np.ndarray]:
    """Numbers that no page shows and that may not follow: small, nil or everyone; and sizes that are withheld."""
    groups = sparse.vstack([family.listed.rows, family.watched.rows], format="csr")
    size = groups @ truth.sum(axis=1)
    withheld = few(size, minimum)
    withheld[: len(unsized)] |= unsized
    rows = [sparse.kron(groups[np.flatnonzero(withheld)], np.ones((1, truth.shape[1])))]
    for one in sets.astype(float):
        number = groups @ truth @ one
        unsafe = (size > 0) & (few(number, minimum) | (number == 0))
        rows.append(sparse.kron(groups[np.flatnonzero(unsafe)], one[None, :]))
    stacked = sparse.vstack(rows, format="csr")
    return stacked, np.full(stacked.shape[0], float(minimum))


# ---- amounts -----------------------------------------------------------------------------------------------------


def _amounts(family: Family, column: str) -> np.ndarray:
    each = pd.to_numeric(_values(family, column)).to_numpy(float, na_value=np.nan)
    if (each < 0).any() or np.isinf(each).any() or not np.nansum(each) > 0:
        raise DisclosureError(f"the amounts in {column!r} are not all finite and above zero.\n  show a count instead")
    return each


def _dominated(
    family: Family, groups: Groups, *, each: np.ndarray, minimum: int, largest: int, largest_share: float,
    percent: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The rule that each group's sum breaks, and how wide its range must be once withheld.

    Twice the protection levels of Hundepool et al. (2012), and at least twice p% of the group's largest amount or of
    the mean, so that no contribution can be told to within p%.
    """
    mean = float(np.nanmean(each))
    rules, need = [], []
    for i in range(len(groups)):
        inside = each[family.members(groups, i)]
        inside = np.sort(inside[~np.isnan(inside)])[::-1]
        total, top, first = inside.sum(), inside[:largest].sum(), max(inside, default=0.0)
        rest = inside[2:].sum()
        broken = {
            "few": 0 < len(inside) < minimum,
            "group": len(inside) > 0 and total == 0,
            "dominance": top > largest_share * total or rest < percent * first,
        }
        rules.append(next((rule for rule, is_broken in broken.items() if is_broken), ""))
        need.append(2 * max(percent * max(first, mean), top / largest_share - total))
    return np.array(rules, dtype=object), np.array(need)
