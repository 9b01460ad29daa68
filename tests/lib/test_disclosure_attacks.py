"""Attempts to work out what the guard withholds: by subtraction, by linear programming, over whole families."""

import time
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, linprog, milp
from watwerkt.disclosure import Guard, family
from watwerkt.disclosure.groups import cliques

GUARD = Guard()
NEAR = 1e-3


def people(**counts):
    """People from counts by combination: ``f_y=12`` is twelve people with letters f and y."""
    rows = [key.split("_") for key, count in counts.items() for _ in range(count)]
    return pd.DataFrame(rows, columns=["a", "b", "c", "d"][: len(rows[0])])


def with_events(frame, **events):
    """An outcome ``job`` that so many people of each combination have."""
    frame = frame.assign(job=False)
    for key, count in events.items():
        fits = (frame[["a", "b", "c", "d"][: len(key.split("_"))]] == key.split("_")).all(axis=1)
        frame.loc[frame.index[fits][:count], "job"] = True
    return frame


def shown(verdict, column=""):
    return {group for (group, of), rule in verdict.rules.items() if of == column and not rule}


# ---- one rule at a time ------------------------------------------------------------------------------------------


def test_a_small_group_is_withheld_and_one_of_ten_is_not():
    groups = {"x": {"a": "x"}, "y": {"a": "y"}}
    assert shown(GUARD.protect(family(people(x=9, y=900, z=300), groups))) == {"y"}
    assert shown(GUARD.protect(family(people(x=10, y=900, z=300), groups))) == {"x", "y"}


def test_the_minimum_is_a_setting():
    found = family(people(x=9, y=900, z=300), {"x": {"a": "x"}, "y": {"a": "y"}})
    assert shown(Guard(minimum=5).protect(found)) == {"x", "y"}


def test_a_share_of_nobody_or_everybody_is_withheld():
    groups = {name: {"a": name} for name in "xyzw"}
    frame = with_events(people(x=50, y=50, z=50, w=50), x=0, y=50, z=20, w=30)
    verdict = GUARD.protect(family(frame, groups), outcomes={"job": ["job"]})
    assert shown(verdict, "job") == {"z", "w"}
    assert {verdict.rules[name, "job"] for name in "xy"} == {"group"}


def test_few_people_with_or_without_an_outcome_are_withheld():
    groups = {name: {"a": name} for name in "xyz"}
    frame = with_events(people(x=50, y=50, z=50), x=3, y=46, z=20)
    verdict = GUARD.protect(family(frame, groups), outcomes={"job": ["job"]})
    assert shown(verdict, "job") == {"z"}
    assert {verdict.rules[name, "job"] for name in "xy"} == {"few"}


def test_no_outcome_is_shown_of_a_group_whose_size_is_withheld():
    frame = with_events(people(x=9, y=900, z=300), x=5, y=400, z=100)
    verdict = GUARD.protect(family(frame, {"x": {"a": "x"}, "y": {"a": "y"}}), outcomes={"job": ["job"]})
    assert verdict.rules["x", "job"] == "size"


# ---- subtraction -------------------------------------------------------------------------------------------------


def test_everyone_less_women_does_not_give_the_men_although_no_page_shows_men():
    found = family(people(f=95, m=5), {"everyone": {}, "women": {"a": "f"}})
    assert shown(GUARD.protect(found)) == {"everyone"}


def test_the_outcome_of_men_does_not_follow_from_those_of_everyone_and_women():
    frame = with_events(people(f=100, m=50), f=20, m=5)
    verdict = GUARD.protect(family(frame, {"everyone": {}, "women": {"a": "f"}}), outcomes={"job": ["job"]})
    assert shown(verdict) == {"everyone", "women"}
    assert shown(verdict, "job") == {"everyone"}


def test_that_no_man_has_a_job_does_not_follow_either():
    frame = with_events(people(f=100, m=50), f=20, m=0)
    verdict = GUARD.protect(family(frame, {"everyone": {}, "women": {"a": "f"}}), outcomes={"job": ["job"]})
    assert shown(verdict, "job") == {"everyone"}


def test_a_category_without_a_page_does_not_follow_from_the_others():
    """Everyone less three provinces is the fourth: no difference of two groups, but as near."""
    groups = {"everyone": {}, **{name: {"a": name} for name in "xyz"}}
    verdict = GUARD.protect(family(people(x=100, y=200, z=300, unknown=4), groups))
    assert shown(verdict) == {"everyone", "y", "z"}


def test_people_without_a_known_category_do_not_follow():
    frame = people(x=100, y=200, z=4).replace("z", None)
    verdict = GUARD.protect(family(frame, {"everyone": {}, "x": {"a": "x"}, "y": {"a": "y"}}))
    assert shown(verdict) == {"everyone", "y"}


def test_exits_between_two_horizons_do_not_follow_from_exits_by_each():
    frame = people(x=100, y=100).assign(by_6=[True] * 30 + [False] * 70 + [True] * 40 + [False] * 60)
    frame["by_9"] = frame["by_6"] | frame.index.isin(range(30, 33)) | frame.index.isin(range(140, 170))
    found = family(frame, {"x": {"a": "x"}, "y": {"a": "y"}})
    together = GUARD.protect(found, outcomes={"exit": ["by_6", "by_9"]})
    assert not {("x", "by_6"), ("x", "by_9")} <= {key for key, rule in together.rules.items() if not rule}
    assert {("y", "by_6"), ("y", "by_9")} <= {key for key, rule in together.rules.items() if not rule}


def test_a_hierarchy_does_not_give_its_smallest_leaf():
    """Everyone, two regions, two provinces in each: the small province takes a second one with it, in its region."""
    groups = {"everyone": {}, **{name: {"a": name} for name in "ns"}}
    groups |= {f"{a}{b}": {"a": a, "b": b} for a in "ns" for b in "xy"}
    verdict = GUARD.protect(family(people(n_x=4, n_y=90, s_x=200, s_y=300), groups))
    assert shown(verdict) == {"everyone", "n", "s", "sx", "sy"}


def test_a_two_way_table_with_margins_hides_a_block():
    groups = {"all": {}, **{a: {"a": a} for a in "uvw"}, **{b: {"b": b} for b in "xyz"}}
    groups |= {a + b: {"a": a, "b": b} for a in "uvw" for b in "xyz"}
    counts = {f"{a}_{b}": 30 + 7 * i for i, (a, b) in enumerate(product("uvw", "xyz"))} | {"u_x": 3}
    verdict = GUARD.protect(family(people(**counts), groups))
    hidden = set(groups) - shown(verdict)
    assert "ux" in hidden and len(hidden) == 4
    assert {name[0] for name in hidden} & set("vw") and {name[1] for name in hidden} & set("yz")


def test_a_cube_whose_margins_bound_a_cell_loses_a_margin():
    """The two-way margins of a cube leave one degree of freedom: bounds, not equations, tell the small cells."""
    margins = {f"{i}{x}{j}{y}": {i: x, j: y} for i, j in ("ab", "ac", "bc") for x in "pq" for y in "pq"}
    cells = {"".join(key): dict(zip("abc", key, strict=True)) for key in product("pq", repeat=3)}
    counts = zip(product("pq", repeat=3), (4, 80, 70, 60, 50, 40, 30, 5), strict=True)
    frame, groups = people(**{"_".join(key): count for key, count in counts}), margins | cells
    assert width(frame, groups, margins, cells["ppp"]) == pytest.approx(9)
    verdict = GUARD.protect(family(frame, groups))
    assert not set(margins) <= shown(verdict)
    for name in ("ppp", "qqq"):
        assert width(frame, groups, shown(verdict), cells[name]) >= GUARD.minimum - NEAR


# ---- an adversary who solves for everything ----------------------------------------------------------------------


def cells_of(frame, groups):
    """The finest combinations that may hold people: all whose parts in each clique of the family occur."""
    columns = sorted({column for selector in groups.values() for column in selector})
    if not columns:
        return pd.DataFrame(index=[0])
    cells = pd.DataFrame(list(product(*(sorted(frame[c].unique()) for c in columns))), columns=columns)
    for clique in cliques(tuple(sorted(selector)) for selector in groups.values()):
        if clique:
            cells = cells.merge(frame[list(clique)].drop_duplicates(), on=list(clique))
    return cells


def inside(cells, selector):
    found = np.ones(len(cells), bool)
    for column, value in selector.items():
        found &= (cells[column] == value).to_numpy()
    return found


def among(frame, selector, *, less=None):
    """How many people are in a group, less another."""
    return int((inside(frame, selector) & ~_other(frame, less)).sum())


def _other(cells, selector):
    return np.zeros(len(cells), bool) if selector is None else inside(cells, selector)


def spread(rows, told, target, *, whole=False):
    """Highest less lowest value of a sum over parts that are not below zero (and whole numbers)."""
    ends = []
    for sign in (1.0, -1.0):
        if whole:
            found = milp(
                -sign * target, constraints=LinearConstraint(rows, told, told), integrality=np.ones(len(target))
            )
        else:
            found = linprog(-sign * target, A_eq=rows, b_eq=told, bounds=(0, None), method="highs")
        if found.status in (3, 4):
            return np.inf
        assert found.status == 0
        ends.append(-sign * found.fun)
    return ends[0] - ends[1]


def width(frame, groups, open_groups, selector, *, less=None, whole=False):
    """How far the size of a group, less another, can vary, given the sizes that are shown."""
    cells = cells_of(frame, groups)
    rows = np.array([inside(cells, groups[name]) for name in sorted(open_groups)], float).reshape(-1, len(cells))
    told = np.array([among(frame, groups[name]) for name in sorted(open_groups)], float)
    target = inside(cells, selector) & ~_other(cells, less)
    return spread(rows, told, target.astype(float), whole=whole)


def outcome_width(frame, groups, verdict, selector, value, *, less=None, whole=False):
    """How far the number with (or without) a job in a group, less another, can vary, given what is shown."""
    cells = cells_of(frame, groups)
    rows, told = [], []
    for name in sorted(shown(verdict)):
        here = inside(cells, groups[name])
        rows.append(np.concatenate([here, here]))
        told.append(among(frame, groups[name]))
    for name in sorted(shown(verdict, "job")):
        rows.append(np.concatenate([inside(cells, groups[name]), np.zeros(len(cells))]))
        told.append(among(frame, {**groups[name], "job": True}))
    here, none = inside(cells, selector) & ~_other(cells, less), np.zeros(len(cells))
    target = np.concatenate([here, none] if value else [none, here]).astype(float)
    return spread(np.array(rows, float).reshape(-1, 2 * len(cells)), np.array(told, float), target, whole=whole)


@st.composite
def families(draw):
    """A few dozen to a few thousand people with up to three characteristics, and some groups among them."""
    columns = "abc"[: draw(st.integers(1, 3))]
    levels = {column: "pqrs"[: draw(st.integers(2, 3))] for column in columns}
    combinations = list(product(*levels.values()))
    sizes = draw(st.lists(st.sampled_from([0, 1, 4, 8, 12, 25, 60, 200]), min_size=len(combinations),
                          max_size=len(combinations)))  # fmt: skip
    rows = [combination for combination, size in zip(combinations, sizes, strict=True) for _ in range(size)]
    if len(rows) < 40:
        rows += [combinations[0]] * 40
    frame = pd.DataFrame(rows, columns=list(columns))
    rate, seed = draw(st.sampled_from([0.02, 0.2, 0.5, 0.97])), draw(st.integers(0, 99))
    frame["job"] = np.random.default_rng(seed).random(len(frame)) < rate
    every = [{}, *({c: v} for c in columns for v in levels[c])]
    every += [{c: v, d: w} for c in columns for d in columns if c < d for v in levels[c] for w in levels[d]]
    known = [one for one in every if among(frame, one)]
    picked = draw(st.lists(st.integers(0, len(known) - 1), min_size=1, max_size=12, unique=True))
    groups = {f"g{k}": known[k] for k in picked}
    return frame, groups


def nested(groups):
    """Pairs of groups of which one is said to be a part of the other."""
    return [(a, b) for a in groups for b in groups if groups[a].items() < groups[b].items()]


@given(families())
@settings(max_examples=100)
def test_an_adversary_never_pins_the_size_of_a_withheld_group(case):
    frame, groups = case
    verdict = GUARD.protect(family(frame, groups))
    for name in set(groups) - shown(verdict):
        assert width(frame, groups, shown(verdict), groups[name]) >= GUARD.minimum - NEAR, name


@given(families())
@settings(max_examples=100)
def test_an_adversary_never_pins_a_withheld_number_of_people_with_or_without_a_job(case):
    frame, groups = case
    verdict = GUARD.protect(family(frame, groups), outcomes={"job": ["job"]})
    for name in set(groups) - shown(verdict, "job"):
        for value in (True, False):
            assert outcome_width(frame, groups, verdict, groups[name], value) >= GUARD.minimum - NEAR, (name, value)


@given(families())
@settings(max_examples=60)
def test_an_adversary_never_pins_an_unsafe_number_of_the_people_between_two_groups(case):
    frame, groups = case
    verdict = GUARD.protect(family(frame, groups), outcomes={"job": ["job"]})
    for a, b in nested(groups):
        people_between = among(frame, groups[a], less=groups[b])
        if 0 < people_between < GUARD.minimum:
            found = width(frame, groups, shown(verdict), groups[a], less=groups[b])
            assert found >= GUARD.minimum - NEAR, (a, b)
        for value in (True, False):
            number = among(frame, {**groups[a], "job": value}, less=groups[b])
            if people_between and number < GUARD.minimum:
                found = outcome_width(frame, groups, verdict, groups[a], value, less=groups[b])
                assert found >= GUARD.minimum - NEAR, (a, b, value)


@given(families(), st.sampled_from([0.3, 1.5, 3.0]))
@settings(max_examples=60)
def test_an_adversary_never_tells_a_withheld_sum_more_closely_than_the_largest_amount_allows(case, skew):
    frame, groups = case
    frame = frame.assign(wage=np.random.default_rng(len(frame)).lognormal(7.5, skew, len(frame)))
    verdict = GUARD.protect(family(frame, groups), amounts=["wage"])
    cells = cells_of(frame, groups)
    rows = np.array([inside(cells, groups[name]) for name in sorted(shown(verdict, "wage"))], float)
    told = np.array([_wages(frame, groups[name]).sum() for name in sorted(shown(verdict, "wage"))]) / 1e3
    for name in set(groups) - shown(verdict, "wage"):
        room = spread(rows.reshape(-1, len(cells)), told, inside(cells, groups[name]).astype(float))
        assert room >= 2 * GUARD.percent * _wages(frame, groups[name]).max() / 1e3 - NEAR, name


def _wages(frame, selector):
    return frame.loc[inside(frame, selector), "wage"]


@given(families())
@settings(max_examples=25)
def test_an_adversary_who_knows_that_people_are_whole_pins_no_more(case):
    """The guard bounds fractions of people; in whole numbers a range could be narrower, but by less than one."""
    frame, groups = case
    verdict = GUARD.protect(family(frame, groups), outcomes={"job": ["job"]})
    for name in set(groups) - shown(verdict, "job"):
        assert outcome_width(frame, groups, verdict, groups[name], True, whole=True) >= GUARD.minimum - 1, name


# ---- what a verdict must be besides safe -------------------------------------------------------------------------


@given(families(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_verdict_depends_neither_on_the_order_of_people_nor_of_groups_nor_of_columns(case, random):
    frame, groups = case
    names, rows, columns = list(groups), list(frame.index), list(frame)
    for one in (names, rows, columns):
        random.shuffle(one)
    first = GUARD.protect(family(frame, groups), outcomes={"job": ["job"]})
    again = GUARD.protect(family(frame.loc[rows, columns], {name: groups[name] for name in names}),
                          outcomes={"job": ["job"]})  # fmt: skip
    assert first.rules == again.rules
    assert first.name == again.name


@given(families())
@settings(max_examples=60)
def test_no_size_is_withheld_without_need(case):
    """Showing one more of the sizes withheld for the sake of others would give an unsafe one away."""
    frame, groups = case
    verdict = GUARD.protect(family(frame, groups))
    unsafe = [(groups[name], None) for name, rule in _rules(verdict) if rule == "few"]
    unsafe += [(groups[a], groups[b]) for a, b in nested(groups) if 0 < among(frame, groups[a], less=groups[b]) < 10]
    unsafe += [(one, None) for one in _same_characteristics(frame, groups) if 0 < among(frame, one) < 10]
    for name in [name for name, rule in _rules(verdict) if rule == "complementary"]:
        trial = shown(verdict) | {name}
        assert min(width(frame, groups, trial, one, less=less) for one, less in unsafe) < GUARD.minimum, name


def _rules(verdict):
    return [(group, rule) for (group, column), rule in verdict.rules.items() if not column]


def _same_characteristics(frame, groups):
    """Every group with the characteristics, or some of them, of a listed one."""
    used = {part for one in groups.values() for k in range(1, len(one) + 1) for part in combinations(sorted(one), k)}
    return [dict(zip(part, key, strict=True)) for part in used for key in product(*(frame[c].unique() for c in part))]


@given(st.integers(0, 999))
@settings(max_examples=20)
def test_nothing_is_withheld_where_every_group_is_large_and_every_share_middling(seed):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame({c: generator.choice(list("pqr"), 4000) for c in "abc"})
    frame["job"] = generator.random(4000) < 0.4
    groups = {"": {}, **{c + v: {c: v} for c in "abc" for v in "pqr"}}
    groups |= {f"a{v}{c}{w}": {"a": v, c: w} for c in "bc" for v in "pqr" for w in "pqr"}
    verdict = GUARD.protect(family(frame, groups), outcomes={"job": ["job"]})
    assert set(verdict.rules.values()) == {""}


@pytest.mark.parametrize("categories", [2, 3, 5, 12, 30])
def test_one_small_category_of_one_characteristic_takes_a_single_other_with_it(categories):
    counts = {f"k{i:02}": 100 + i for i in range(categories)} | {"k00": 3}
    groups = {"everyone": {}, **{name: {"a": name} for name in counts}}
    assert set(groups) - shown(GUARD.protect(family(people(**counts), groups))) == {"k00", "k01"}


def test_two_small_categories_that_hold_ten_people_together_take_no_other():
    groups = {"everyone": {}, **{name: {"a": name} for name in "uvwx"}}
    assert shown(GUARD.protect(family(people(u=6, v=5, w=300, x=200), groups))) == {"everyone", "w", "x"}


def test_sixty_groups_with_ten_measures_are_judged_in_seconds():
    generator = np.random.default_rng(7)
    sizes = {"sex": 2, "origin": 3, "age": 8, "education": 5, "history": 4, "province": 6}
    shares = {c: 0.5 ** np.arange(k) / (0.5 ** np.arange(k)).sum() for c, k in sizes.items()}
    frame = pd.DataFrame({c: generator.choice(k, 9000, p=shares[c]) for c, k in sizes.items()})
    frame = frame.assign(**{f"y{j}": generator.random(9000) < 0.3 for j in range(10)})
    groups = {"everyone": {}, **{f"{c} {v}": {c: v} for c, k in sizes.items() for v in range(k)}}
    groups |= {f"origin {o} {c} {v}": {"origin": o, c: v} for o in range(2) for c in ("sex", "age", "education")
               for v in range(sizes[c])}  # fmt: skip
    start = time.process_time()
    verdict = GUARD.protect(family(frame, groups), outcomes={f"y{j}": [f"y{j}"] for j in range(10)})
    assert len(verdict.rules) == len(groups) * 11 >= 59 * 11
    assert time.process_time() - start < 10
