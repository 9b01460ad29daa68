"""The guard: what passes, what is withheld, what is refused, and what a table says of it."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from watwerkt.audit.disclosure import _determined
from watwerkt.disclosure import Guard, family
from watwerkt.disclosure.groups import cliques
from watwerkt.errors import DisclosureError
from watwerkt.estimate.result import Result

GUARD = Guard()
COUNTS = st.integers(2, 400) | st.just(0)


def table(people, in_job=None, **more):
    frame = pd.DataFrame({"group": [f"g{i}" for i in range(len(people))], "people": people, **more})
    if in_job is not None:
        frame["in_job"] = in_job
        frame["share"] = frame["in_job"] / frame["people"]
    return frame


def statuses(cleared):
    return cleared.frame["status"].tolist()


# ---- a table of separate groups ----------------------------------------------------------------------------------


def test_a_small_row_loses_all_its_numbers_and_takes_the_next_smallest_with_it():
    cleared = GUARD.clear(
        table([8, 400, 60, 200], [4, 200, 30, 100]), counts=["people", "in_job"], of={"in_job": "people"}
    )
    assert statuses(cleared) == ["suppressed", "shown", "suppressed", "shown"]
    hidden = cleared.frame.loc[[0, 2], ["people", "in_job", "share"]]
    assert hidden.isna().all(axis=None)
    assert cleared.frame["group"].tolist() == ["g0", "g1", "g2", "g3"]
    assert cleared.frame.loc[1, "share"] == 0.5


def test_a_safe_table_passes_unchanged():
    frame = table([80, 400], [40, 200])
    cleared = GUARD.clear(frame, counts=["people", "in_job"], of={"in_job": "people"})
    pd.testing.assert_frame_equal(cleared.frame.drop(columns="status"), frame, check_dtype=False)
    assert cleared.statement == ""


def test_the_guard_changes_neither_its_input_nor_what_it_gave_before():
    frame = table([8, 400, 60])
    before = frame.copy()
    cleared = GUARD.clear(frame, counts=["people"])
    pd.testing.assert_frame_equal(frame, before)
    given_away = cleared.frame
    given_away["people"] = 1
    assert cleared.frame["people"].isna().sum() == 2


@pytest.mark.parametrize(("in_job", "status"), [(0, "suppressed"), (9, "suppressed"), (10, "shown"), (50, "shown"),
                                                (51, "suppressed"), (60, "suppressed")])  # fmt: skip
def test_a_share_near_nobody_or_everybody_is_withheld(in_job, status):
    cleared = GUARD.clear(
        table([60, 300, 200], [in_job, 150, 100]), counts=["people", "in_job"], of={"in_job": "people"}
    )
    assert statuses(cleared)[0] == status


def test_a_row_of_nobody_is_shown():
    assert statuses(GUARD.clear(table([0, 300, 200]), counts=["people"])) == ["shown"] * 3


def test_the_rows_withheld_hold_enough_people_of_every_kind_together():
    """Two rows of 6 and 50 people with 6 and 3 jobs: nine jobs between them are not enough."""
    cleared = GUARD.clear(
        table([12, 50, 90, 200], [6, 3, 40, 100]), counts=["people", "in_job"], of={"in_job": "people"}
    )
    assert statuses(cleared) == ["suppressed", "suppressed", "suppressed", "shown"]


def test_a_total_is_shown_and_protects_its_parts():
    frame = table([8, 400, 60, 468]).set_index("group")
    cleared = GUARD.clear(frame, counts=["people"], total="g3")
    assert statuses(cleared) == ["suppressed", "shown", "suppressed", "shown"]


def test_a_small_total_is_withheld():
    frame = table([4, 4, 8]).set_index("group")
    assert statuses(GUARD.clear(frame, counts=["people"], total="g2")) == ["suppressed"] * 3


@given(st.lists(COUNTS, min_size=1, max_size=9), st.data())
def test_no_withheld_row_of_a_table_follows_from_the_others_and_their_sum(people, data):
    in_job = [data.draw(st.integers(0, n)) for n in people]
    frame = table(people, in_job)
    cleared = GUARD.clear(frame, counts=["people", "in_job"], of={"in_job": "people"})
    hidden = frame[cleared.frame["status"] == "suppressed"]
    enough = min(frame["people"].sum(), frame["in_job"].sum(), (frame["people"] - frame["in_job"]).sum()) >= 10
    if len(hidden) and enough:
        assert min(hidden["people"].sum(), hidden["in_job"].sum(), (hidden["people"] - hidden["in_job"]).sum()) >= 10
        assert len(hidden) > 1
    open_rows = frame[cleared.frame["status"] == "shown"]
    assert not open_rows["people"].between(1, 9).any()


@given(st.lists(COUNTS, min_size=2, max_size=9), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(people, random):
    order = list(range(len(people)))
    random.shuffle(order)
    frame = table(people)
    first, again = (GUARD.clear(one, counts=["people"]).frame for one in (frame, frame.iloc[order]))
    pd.testing.assert_frame_equal(first, again.loc[first.index])


@given(st.lists(COUNTS, min_size=2, max_size=9))
def test_what_was_cleared_passes_again_unchanged(people):
    frame = GUARD.clear(table(people), counts=["people"]).frame
    left = frame[frame["status"] == "shown"].drop(columns="status")
    if len(left):
        again = GUARD.clear(left, counts=["people"]).frame
        pd.testing.assert_frame_equal(again.drop(columns="status"), left)


def test_whole_numbers_stay_whole_and_amounts_are_rounded():
    frame = table([80, 400, 5, 60], wage=[1234.0, 1991.0, 1500.0, 1555.0])
    cleared = GUARD.clear(frame, counts=["people"], rounding={"wage": 100})
    assert cleared.frame["people"].tolist()[:2] == [80, 400]
    assert str(cleared.frame["people"].dtype) == "Int64"
    assert cleared.frame["wage"].dropna().tolist() == [1200.0, 2000.0]


# ---- what a table says of it -------------------------------------------------------------------------------------


def test_the_statement_says_how_many_numbers_are_withheld_and_why_numbers_are():
    cleared = GUARD.clear(table([8, 400, 60, 200]), counts=["people"])
    assert cleared.statement.startswith("Withheld to protect people: 2 of 4 numbers. A number is withheld where fewer ")
    assert "fewer than 10 people" in cleared.statement
    assert cleared.withheld == {"few": 1, "complementary": 1}


def test_readers_are_not_told_that_a_withheld_share_is_nobody_or_everybody():
    frames = [table([60, 300, 200], [events, 150, 100]) for events in (0, 5, 60)]
    options = {"counts": ["people", "in_job"], "of": {"in_job": "people"}}
    told = {(one.statement, json.dumps(one.stamp)) for one in (GUARD.clear(frame, **options) for frame in frames)}
    assert len(told) == 1


def test_neither_statement_nor_stamp_nor_repr_of_a_verdict_holds_a_withheld_number():
    frame = pd.DataFrame({"a": ["x"] * 7 + ["y"] * 911, "job": [True] * 3 + [False] * 915})
    verdict = GUARD.protect(family(frame, {"x": {"a": "x"}, "y": {"a": "y"}}), outcomes={"job": ["job"]})
    cleared = verdict.clear(pd.DataFrame({"group": ["x", "y"], "n": [7, 911]}), {"n": [("{group}", "")]})
    told = repr(verdict) + verdict.frame.to_string() + json.dumps(cleared.stamp) + cleared.statement
    assert "911" not in told
    assert " 7" not in told


def test_the_stamp_survives_json_and_tells_settings_and_numbers():
    cleared = Guard(minimum=20).clear(table([8, 400, 60, 200]), counts=["people"])
    stamp = json.loads(json.dumps(cleared.stamp))
    assert stamp == {
        "guard": {"minimum": 20, "largest": 2, "largest_share": 0.9, "percent": 0.1, "dof": 10},
        "cells": 4,
        "withheld": 2,
        "family": "",
    }


def test_the_standard_values_are_those_of_the_research_services():
    assert (GUARD.minimum, GUARD.largest, GUARD.largest_share, GUARD.percent, GUARD.dof) == (10, 2, 0.90, 0.10, 10)


# ---- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (table([1, 1, 1]), {}, "every row of the table is one person"),
        (table([80, None, 90]), {}, "'people' is no number of people"),
        (table([80, 7.5, 90]), {}, "'people' is no number of people"),
        (table([80, -7, 90]), {}, "'people' is no number of people"),
        (table([80, 90], [81, 40]), {"counts": ["people", "in_job"], "of": {"in_job": "people"}}, "is above 'people'"),
        (table([80, 90]), {"counts": []}, "needs the counts"),
        (table([80, 90]), {"counts": ["persons"]}, "'persons' is not among them"),
        (table([80, 90]), {"of": {"in_job": "people"}}, "'in_job' is not among them"),
        (table([80, 90, 200]), {"total": 2}, "not the sum of the others"),
        (table([80, 90]).set_index(pd.Index(["a", "a"])), {}, "names a row twice"),
        (table([80, 90]).assign(wage=[1200.0, "–"]), {}, "'wage' holds numbers among texts"),
        (table([80, 90]).assign(status=""), {}, "has a column 'status'"),
        (table([80, 90]), {"rounding": {"wage": 10}}, "'wage' cannot be rounded"),
    ],
)  # fmt: skip
def test_a_table_without_sound_counts_is_refused(frame, options, message):
    with pytest.raises(DisclosureError, match=message):
        GUARD.clear(frame, **{"counts": ["people"], **options})


@pytest.mark.parametrize(
    "settings", [{"minimum": 1}, {"largest_share": 1.0}, {"percent": 0.0}, {"dof": 0}, {"largest": 0}]
)
def test_a_guard_that_guards_nothing_cannot_be_made(settings):
    with pytest.raises(ValueError, match="a guard has a minimum"):
        Guard(**settings)


# ---- a family of pages -------------------------------------------------------------------------------------------


def crowd():
    frame = pd.DataFrame({"sex": ["f"] * 300 + ["m"] * 206, "arm": (["new", "old"] * 253)})
    frame["job"] = [i % 3 == 0 for i in range(len(frame))]
    frame.loc[(frame["sex"] == "m") & (frame["arm"] == "old"), "job"] = False
    return frame


def crowd_groups():
    sexes = {"Everyone": {}, "Women": {"sex": "f"}, "Men": {"sex": "m"}}
    arms = {f"{name}, {arm}": {**one, "arm": arm} for name, one in sexes.items() for arm in ("new", "old")}
    return sexes | arms


def test_an_effect_that_rests_on_a_withheld_number_is_withheld():
    verdict = GUARD.protect(family(crowd(), crowd_groups()), outcomes={"job": ["job"]})
    assert verdict.rules["Men, old", "job"] == "group"
    page = pd.DataFrame({"group": ["Everyone", "Men"], "n": [506, 206], "effect": [0.1, 0.2]})
    both = [("{group}, new", "job"), ("{group}, old", "job")]
    cleared = verdict.clear(page, {"n": [("{group}", "")], "effect": both})
    assert cleared.frame["n"].tolist() == [506, 206]
    assert pd.isna(cleared.frame.loc[1, "effect"])
    assert statuses(cleared)[1] == "suppressed"
    assert cleared.stamp["family"] == verdict.name != ""


def test_all_pages_of_a_family_carry_one_name_and_other_settings_another():
    found = family(crowd(), crowd_groups())
    assert GUARD.protect(found).name == GUARD.protect(found).name
    assert GUARD.protect(found).name != Guard(minimum=20).protect(found).name


def test_a_number_that_does_not_say_what_it_rests_on_is_refused():
    verdict = GUARD.protect(family(crowd(), crowd_groups()))
    page = pd.DataFrame({"group": ["Men"], "n": [206], "effect": [0.2]})
    with pytest.raises(DisclosureError, match="'effect' does not say what it rests on"):
        verdict.clear(page, {"n": [("{group}", "")]})
    with pytest.raises(DisclosureError, match="the verdict knows no number 'job' of the group 'Men'"):
        verdict.clear(page, {"n": [("{group}", "")], "effect": [("{group}", "job")]})


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({}, "needs groups and people"),
        ({"x": {"gender": "f"}}, "no column 'gender'"),
        ({"x": {"sex": "v"}}, "holds nobody with sex = 'v'"),
        ({"x": {"sex": "f", "arm": "new", "job": "maybe"}}, "holds nobody with job"),
    ],
)
def test_a_family_with_an_unknown_group_is_refused(groups, message):
    with pytest.raises(DisclosureError, match=message):
        family(crowd(), groups)


def test_a_group_of_known_categories_that_nobody_combines_is_refused():
    with pytest.raises(DisclosureError, match="group 'x' holds nobody"):
        family(crowd(), {"x": {"sex": "m", "arm": "old", "job": True}})


@pytest.mark.parametrize("values", [[True, None], [0, 2], ["yes", "no"]])
def test_an_outcome_that_is_not_true_or_false_for_everyone_is_refused(values):
    frame = crowd().assign(job=values * 253)
    with pytest.raises(DisclosureError, match="'job' is not true or false for everyone"):
        GUARD.protect(family(frame, crowd_groups()), outcomes={"job": ["job"]})


def test_a_column_in_two_measures_or_in_none_is_refused():
    found = family(crowd(), crowd_groups())
    with pytest.raises(DisclosureError, match="'job' stands in two measures"):
        GUARD.protect(found, outcomes={"a": ["job"], "b": ["job"]})
    with pytest.raises(DisclosureError, match="no column 'exit'"):
        GUARD.protect(found, outcomes={"exit": ["exit"]})


def test_an_outcome_that_everyone_has_is_withheld_everywhere():
    frame = crowd().assign(job=True)
    verdict = GUARD.protect(family(frame, crowd_groups()), outcomes={"job": ["job"]})
    assert {rule for (_, column), rule in verdict.rules.items() if column == "job"} == {"group"}


def test_the_audit_that_finds_derivable_counts_in_reports_finds_none_in_a_guarded_table():
    """The other check of this book on suppressed counts, put to a two-way table that the guard has judged."""
    counts = {("u", "x"): 4, ("u", "y"): 80, ("v", "x"): 70, ("v", "y"): 7, ("w", "x"): 50, ("w", "y"): 40}
    frame = pd.DataFrame([key for key, count in counts.items() for _ in range(count)], columns=["a", "b"])
    groups = {a: {"a": a} for a in "uvw"} | {b: {"b": b} for b in "xy"} | {"all": {}}
    groups |= {a + b: {"a": a, "b": b} for a, b in counts}
    verdict = GUARD.protect(family(frame, groups))
    names = sorted(groups)
    sums = [{names.index(a): -1.0, **{names.index(a + b): 1.0 for b in "xy"}} for a in "uvw"]
    sums += [{names.index(b): -1.0, **{names.index(a + b): 1.0 for a in "uvw"}} for b in "xy"]
    sums += [{names.index("all"): -1.0, **{names.index(one): 1.0 for one in part}} for part in ("uvw", "xy")]
    small = [names.index("ux"), names.index("vy")]
    assert _determined(sums, small) == set(small)
    hidden = [i for i, name in enumerate(names) if not verdict.shown(name)]
    assert set(small) <= set(hidden)
    assert _determined(sums, hidden) == set()


# ---- amounts -----------------------------------------------------------------------------------------------------


def wages(**groups):
    return pd.DataFrame([(name, wage) for name, found in groups.items() for wage in found], columns=["a", "wage"])


@pytest.mark.parametrize(
    ("group", "rule"),
    [
        ([100.0] * 30, ""),
        ([10_000.0, 9_000.0] + [100.0] * 20, "dominance"),  # two earn 90.5%
        ([10_000.0, 8_000.0] + [100.0] * 20, ""),  # two earn exactly 90%
        ([10_000.0, 1_000.0] + [30.0] * 30, "dominance"),  # what others earn is less than 10% of the largest
        ([100.0] * 9, "size"),
        ([100.0] * 9 + [None] * 30, "few"),
        ([0.0] * 30, "group"),
    ],
)
def test_a_sum_that_few_dominate_is_withheld(group, rule):
    frame = wages(x=group, y=[90.0] * 400, z=[110.0] * 500)
    found = family(frame, {name: {"a": name} for name in "xyz"})
    assert GUARD.protect(found, amounts=["wage"]).rules["x", "wage"] == rule


def test_a_dominated_sum_does_not_follow_from_the_total():
    frame = wages(x=[50_000.0] + [100.0] * 20, y=[900.0] * 400, z=[1_100.0] * 500)
    found = family(frame, {"all": {}, **{name: {"a": name} for name in "xyz"}})
    rules = GUARD.protect(found, amounts=["wage"]).rules
    assert [rules[name, "wage"] for name in ("all", "x", "y", "z")] == ["", "dominance", "complementary", ""]


def test_a_dominated_sum_of_people_without_a_page_does_not_follow():
    frame = wages(x=[50_000.0] + [100.0] * 20, y=[900.0] * 400)
    rules = GUARD.protect(family(frame, {"all": {}, "y": {"a": "y"}}), amounts=["wage"]).rules
    assert (rules["all", "wage"], rules["y", "wage"]) == ("", "complementary")


@pytest.mark.parametrize("wage", [[-1.0] * 40, [np.inf] * 40, [0.0] * 40, [None] * 40])
def test_amounts_that_are_below_zero_or_do_not_exist_are_refused(wage):
    found = family(wages(x=wage), {"x": {"a": "x"}})
    with pytest.raises(DisclosureError, match="'wage' are not all finite and above zero"):
        GUARD.protect(found, amounts=["wage"])


# ---- models and quantiles ----------------------------------------------------------------------------------------


def result(n=200, names=("effect", "constant"), df=float("inf")):
    k = len(names)
    return Result("Ordinary least squares", names, np.arange(k) + 1.0, np.eye(k), n, "HC1", names[0], df)


def design(n=200, treated=100):
    return pd.DataFrame({"treated": [True] * treated + [False] * (n - treated), "age": np.arange(n)})


def test_a_model_on_enough_people_passes_with_its_numbers():
    cleared = GUARD.model(result(), design=design())
    pd.testing.assert_frame_equal(cleared.frame.drop(columns="status"), result().tidy(), check_dtype=False)
    assert cleared.stamp["withheld"] == 0


@pytest.mark.parametrize(
    ("found", "used", "options", "message"),
    [
        (result(n=9), design(9, 5), {}, "fewer than 10 people"),
        (result(n=11), design(11, 5), {}, "9 degrees of freedom"),
        (result(n=30), design(30, 15), {"parameters": 25}, "5 degrees of freedom"),
        (result(df=7.0), design(), {}, "7 degrees of freedom"),
        (result(), design(treated=9), {}, "'treated' rests on fewer than 10 people"),
        (result(), design(treated=191), {}, "'treated' rests on fewer than 10 people"),
    ],
)
def test_a_model_on_few_people_or_degrees_of_freedom_is_refused(found, used, options, message):
    with pytest.raises(DisclosureError, match=message):
        GUARD.model(found, design=used, **options)


def test_a_refused_model_does_not_tell_how_few_people_it_rests_on():
    with pytest.raises(DisclosureError) as refused:
        GUARD.model(result(), design=design(treated=7))
    assert "7" not in str(refused.value)


def test_a_quantile_is_no_single_persons_value():
    values = pd.Series(np.arange(100.0) ** 2)
    cleared = GUARD.quantiles(values, [0.25, 0.5, 0.75])
    assert cleared.frame["quantile"].tolist() == [(np.arange(k - 5, k + 5.0) ** 2).mean() for k in (25, 50, 75)]
    assert not set(cleared.frame["quantile"]) & set(values)


@pytest.mark.parametrize("share", [0.0, 1.0, 0.05, 0.95, -0.1, 1.1])
def test_a_least_or_greatest_value_and_a_quantile_on_few_people_are_refused(share):
    with pytest.raises(DisclosureError, match="on one side"):
        GUARD.quantiles(pd.Series(np.arange(100.0)), [share])


# ---- characteristics that hang together --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ([()], [()]),
        ([("a",), ("b",)], [("a",), ("b",)]),
        ([("a", "b"), ("b", "c"), ("b",)], [("a", "b"), ("b", "c")]),
        ([("a", "b"), ("b", "c"), ("a", "c")], [("a", "b", "c")]),
        ([("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("d", "e")], [("a", "b", "c", "d"), ("d", "e")]),
        ([("a", "b", "c"), ("a", "b"), ("b", "c"), ("a", "c")], [("a", "b", "c")]),
    ],
)  # fmt: skip
def test_characteristics_in_a_cycle_become_one_table_and_those_in_a_tree_stay_apart(edges, found):
    assert cliques(edges) == found
