"""Marks, verdicts and directions: loud only where the printed numbers cannot bear them, whatever was rounded."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from watwerkt.audit.checks import (
    MarkOfRatio,
    MarkOfShares,
    NotPrinted,
    SameDirection,
    SameSign,
    Verdict,
    ratio,
    z_range,
)
from watwerkt.uncertainty import Range

from tests.lib.boards import cell, counts, printed, prints

LEGEND = {"*": 0.10, "**": 0.05, "***": 0.01}


# ---- marks of a ratio ----------------------------------------------------------------------------


def mark_of_ratio(estimate, error, legend=LEGEND):
    texts = printed(cell(estimate)), printed(cell(error))
    return MarkOfRatio((0, 1), legend, "A note.").problem(texts)


@pytest.mark.parametrize(
    ("estimate", "error", "expected"),
    [
        ("0.500", "1.000", None),
        ("2.000**", "1.000", None),
        ("2.000", "1.000", "mark **"),
        ("2.000*", "1.000", "mark **"),
        ("-2.000**", "1.000", None),
        ("0.500*", "1.000", "no mark"),
        ("3.000***", "1.000", None),
        ("3.000**", "1.000", "mark ***"),
        ("1.96**", "1.00", None),
        ("1.96*", "1.00", None),  # 1.955 / 1.005 = 1.945
        ("2", "1", None),  # 1.5 / 1.5 = 1
        ("2***", "1", None),  # 2.5 / 0.5 = 5
        ("0.00", "0.00", None),  # a standard error that rounds to nil allows any t
        ("", "1.000", None),
        ("0.500***", "", None),
    ],
)
def test_a_mark_must_fit_estimate_and_standard_error_within_rounding(estimate, error, expected):
    found = mark_of_ratio(estimate, error)
    assert (found.expected if found else None) == expected


def test_a_mark_means_what_the_legend_of_its_table_says():
    """One star at 5% or at 10%: a t of 1.8 is one and not the other."""
    assert mark_of_ratio("1.800*", "1.000", {"*": 0.10, "**": 0.05}) is None
    assert mark_of_ratio("1.800*", "1.000", {"*": 0.05}).expected == "no mark"
    assert mark_of_ratio("1.800", "1.000", {"*": 0.05}) is None
    assert mark_of_ratio("9.000**", "1.000", {"*": 0.10, "**": 0.05}) is None


def test_a_mark_that_the_legend_does_not_explain_is_a_finding():
    found = mark_of_ratio("2.000***", "1.000", {"*": 0.05})
    assert (found.cells, found.expected) == ((0, 1), "a mark of the legend")
    assert found.note == "A note. 2.000*** bears a mark that the legend of the table does not explain."


def test_a_report_may_have_used_a_t_distribution_a_little_wider_than_the_normal():
    assert mark_of_ratio("1.9500**", "1.0000") is None  # 0.5% below 1.96
    assert mark_of_ratio("1.9300**", "1.0000") is not None


@given(estimate=st.integers(-400, 400), error=st.integers(1, 200), at=st.tuples(st.floats(-1, 1), st.floats(-1, 1)))
def test_the_ratio_holds_every_t_that_rounds_to_the_prints(estimate, error, at):
    first, second = printed(cell(f"{estimate / 100:.2f}")), printed(cell(f"{error / 100:.2f}"))
    t = abs(first.value + at[0] * first.half) / (second.value + at[1] * second.half * 0.999)
    found = ratio(first, second)
    assert found.low - 1e-9 <= t <= found.high * (1 + 1e-9)


# ---- marks of shares -----------------------------------------------------------------------------


def mark_of_shares(texts, n, *, letter="", legend=LEGEND, slack=0.01):
    shares, people = prints(*texts), counts(*n)
    check = MarkOfShares((0, 1), 0, letter, ((2,), (3,)), legend, slack, "A note.")
    return check.problem((*shares, *people))


def z(p1, p2, n1, n2):
    """The pooled z of a difference between two shares, as textbooks have it."""
    pooled = (p1 * n1 + p2 * n2) / (n1 + n2)
    return abs(p1 - p2) / math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))


@pytest.mark.parametrize(
    ("texts", "n", "letter", "expected"),
    [
        (("26.8B", "23.6"), ("6774", "6620"), "B", None),
        (("26.8", "23.6"), ("6774", "6620"), "B", "the letter B"),
        (("23.8B", "23.6"), ("6774", "6620"), "B", "no letter B"),
        (("23.8", "23.6"), ("6774", "6620"), "B", None),
        (("23.6", "26.8"), ("6774", "6620"), "B", None),  # the letter stands at the larger share only
        (("23.6B", "26.8"), ("6774", "6620"), "B", "no letter B"),
        (("26.8A,B", "23.6"), ("6774", "6620"), "B", None),
        (("26.8C", "23.6"), ("6774", "6620"), "B", "the letter B"),
        (("26.8***", "23.6"), ("6774", "6620"), "", None),
        (("26.8*", "23.6"), ("6774", "6620"), "", "the mark ***"),
        (("26.8", "23.6"), ("60", "60"), "", None),
        (("26.8**", "23.6"), ("60", "60"), "", "no mark"),
        (("", "23.6"), ("6774", "6620"), "B", None),
        (("26.8", ""), ("6774", "6620"), "B", None),
        (("26.8", "23.6"), ("", "6620"), "B", None),
    ],
)
def test_a_mark_must_fit_the_test_of_two_shares(texts, n, letter, expected):
    found = mark_of_shares(texts, n, letter=letter, legend={"*": 0.05} if letter else LEGEND)
    assert (found.expected if found else None) == expected


def test_the_finding_tells_shares_people_and_z():
    found = mark_of_shares(("26.8", "23.6"), ("6774", "6620"), letter="B", legend={"*": 0.05})
    assert found.cells == (0, 1, 2, 3)
    assert found.note.startswith("A note. 26.8% against 23.6%, with about 6,774 and 6,620 people, gives a z of 4.")
    assert found.note.endswith("printed is no letter B, the numbers call for the letter B.")


def test_more_slack_lets_a_mark_pass_that_a_rougher_test_could_have_given():
    texts, n = ("25.3", "23.6"), ("6774", "6620")
    assert 2.2 < z(0.253, 0.236, 6774, 6620) < 2.4
    assert mark_of_shares(texts, n, legend={"*": 0.05}) is not None
    assert mark_of_shares(texts, n, legend={"*": 0.05}, slack=0.2) is None


def test_people_may_be_a_count_times_a_share_of_it():
    shares, people = prints("26.8", "23.6"), counts("13548", "13240")
    half = prints("50.0", "50.0")
    check = MarkOfShares((0, 1), 0, "", ((2, 4), (3, 5)), LEGEND, 0.01, "A note.")
    assert "with about 6,774 and 6,620 people" in check.problem((*shares, *people, *half)).note


@given(
    p=st.tuples(st.integers(5, 995), st.integers(5, 995)),
    n=st.tuples(st.integers(20, 9000), st.integers(20, 9000)),
    at=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    half=st.sampled_from([0.0005, 0.005, 0.15]),
)
@example(p=(400, 500), n=(1000, 1000), at=(0.9, 0.4), half=0.15)
@example(p=(400, 600), n=(1000, 1000), at=(1.0, -1.0), half=0.05)
def test_the_range_of_z_holds_every_z_that_rounds_to_the_prints(p, n, at, half):
    p = [min(max(share, 1000 * half + 1), 999 - 1000 * half) for share in p]
    ranges = [Range(share / 1000 - half, share / 1000 + half) for share in p]
    true = [share / 1000 + where * half for share, where in zip(p, at, strict=True)]
    found = z_range(*ranges, *(Range(float(count), float(count)) for count in n))
    assert found.low - 1e-9 <= z(*true, *n) <= found.high + 1e-9


# ---- verdicts, signs, and what should not be printed ---------------------------------------------


@pytest.mark.parametrize(
    ("code", "others", "number", "cells", "expected"),
    [
        (0, (0,), "0.3*", None, None),
        (None, (1,), "0.3", None, None),
        (None, (1,), "0.3*", (1, 2), "a verdict that mentions it"),
        (0, (0,), "0.3", (0, 2), "a mark"),
        (None, (1,), "", None, None),
        (0, (0,), "", None, None),
        (None, (), "0.3*", (2,), "a verdict that mentions it"),
    ],
)
def test_a_verdict_goes_with_a_mark_and_a_mark_with_a_verdict(code, others, number, cells, expected):
    texts = (*prints("1", "1", table="T5.3"), printed(cell(number, table="TIII.14")))
    found = Verdict(code, others, 2, "A note.").problem(texts)
    assert ((found.cells, found.expected) if found else (None, None)) == (cells, expected)


def test_numbers_that_the_report_could_not_estimate_are_found_where_they_are_printed():
    check = NotPrinted((0, 1, 2), "A note.")
    assert check.problem(prints("", "", "")) is None
    found = check.problem(prints("1.0", "", "2.0"))
    assert (found.cells, found.expected, found.note) == ((0, 2), "no numbers", "A note. 2 are printed.")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("1.0", "2.0"), None),
        (("-1.0", "2.0"), "above 0"),
        (("1.0", "-2.0"), "below 0"),
        (("0.0", "-2.0"), None),
        (("0.1", "-0.1"), "below 0"),
        (("0", "-1"), None),
        (("", "-1.0"), None),
        (("1.0", ""), None),
    ],
)
def test_two_estimates_must_not_point_in_opposite_directions_whatever_was_rounded(texts, expected):
    found = SameSign((0, 1), "A note.").problem(prints(*texts))
    assert (found.expected if found else None) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("1.0", "20.0", "15.0"), None),
        (("1.0", "15.0", "20.0"), "below 0"),
        (("-1.0", "20.0", "15.0"), "above 0"),
        (("-1.0", "15.0", "20.0"), None),
        (("1.0", "15.0", "15.1"), None),  # 15.05 both
        (("0.0", "15.0", "20.0"), None),
        (("", "15.0", "20.0"), None),
        (("1.0", "", "20.0"), None),
        (("1.0", "15.0", ""), None),
    ],
)
def test_an_effect_must_not_point_against_the_levels_that_it_explains(texts, expected):
    found = SameDirection((0, 1, 2), "A note.").problem(prints(*texts))
    assert (found.expected if found else None) == expected


def test_an_effect_against_its_levels_is_told_with_all_three():
    found = SameDirection((0, 1, 2), "A note.").problem(prints("1.0*", "15.0", "20.0"))
    assert found.cells == (0, 1, 2)
    assert found.note == "A note. Printed is 1.0*; the levels are 15.0 and 20.0."
