"""Arithmetic on ranges: what an equation may hold, and what its sides can be."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watwerkt.audit.expressions import GRAMMAR, equation
from watwerkt.errors import AuditError
from watwerkt.uncertainty import Range


def terms(**ranges):
    """Terms by name: a pair is one cell, a list of pairs many."""
    return {
        name: [Range(*one) for one in (found if isinstance(found, list) else [found])] for name, found in ranges.items()
    }


def right(text, **ranges):
    found = equation(f"x == {text}").right(terms(**ranges))
    return found.low, found.high


# ---- grammar -------------------------------------------------------------------------------------


def test_an_equation_knows_its_names_its_sums_and_what_it_predicts():
    found = equation("total == sum(parts) + 2 * other")
    assert (found.compare, found.result) == ("==", "total")
    assert (found.names, found.many) == ({"total", "parts", "other"}, {"parts"})
    assert equation("whole == mean(parts, people)").many == {"parts", "people"}


def test_a_side_that_is_no_single_name_predicts_nothing():
    assert equation("sum(parts) == 100").result == ""
    assert equation("2 * total == a").result == ""


@pytest.mark.parametrize(("text", "compare"), [("a == b", "=="), ("a < b", "<"), ("a > b", ">"), ("  a > 0\n", ">")])
def test_an_equation_compares_in_one_of_three_ways(text, compare):
    assert equation(text).compare == compare


@pytest.mark.parametrize("text", ["a = b", "a ==", "", "a == (b", "== b", "a == b c"])
def test_what_cannot_be_parsed_is_no_equation(text):
    with pytest.raises(AuditError) as caught:
        equation(text)
    message = str(caught.value)
    assert message.startswith(f"{text!r} is no equation (")
    assert message.endswith(f"\n  allowed: {GRAMMAR}")


@pytest.mark.parametrize("text", ["a", "a + b", "a == b == c", "a <= b", "a != b", "a < b < c", "not a", "a is b"])
def test_an_equation_holds_one_comparison_and_no_other_kind(text):
    with pytest.raises(AuditError) as caught:
        equation(text)
    assert str(caught.value) == f"{text!r} is no equation: it holds no single ==, < or >.\n  allowed: {GRAMMAR}"


@pytest.mark.parametrize(
    "part",
    ["a ** 2", "a // b", "a % b", "max(a, b)", "sum(a, b)", "sum(a + b)", "sum(2)", "mean(a)", "mean(a, 2)", "a.b",
     "a[0]", "'text'", "+a", "~a", "__import__('os')", "(lambda: 1)()", "[a]", "a if b else c", "a and b"],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused_and_never_run(part):
    with pytest.raises(AuditError) as caught:
        equation(f"x == 1 + ({part})")
    message = str(caught.value)
    assert "is not allowed in an equation" in message
    assert message.endswith(f"\n  allowed: {GRAMMAR}")


@pytest.mark.parametrize("text", ["sum(parts) == 2 * parts", "parts == sum(parts)", "a == mean(b, a)"])
def test_a_name_stands_for_one_cell_or_for_many_and_not_for_both(text):
    with pytest.raises(AuditError) as caught:
        equation(text)
    assert "stands for one cell and for many.\n  use two terms" in str(caught.value)


# ---- ranges --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", (11.0, 24.0)),
        ("a - b", (-19.0, -6.0)),
        ("a * b", (10.0, 80.0)),
        ("b / a", (2.5, 20.0)),
        ("-a", (-4.0, -1.0)),
        ("a * -1", (-4.0, -1.0)),
        ("2 * (a + 1) / 10", (0.4, 1.0)),
        ("100 * a / b", (5.0, 40.0)),
        ("7", (7.0, 7.0)),
        ("2 - 3 - 4", (-5.0, -5.0)),
        ("2 + 3 * 4", (14.0, 14.0)),
    ],
)
def test_a_side_is_everything_that_its_terms_allow(text, expected):
    assert right(text, a=(1, 4), b=(10, 20)) == pytest.approx(expected)


def test_a_divisor_that_may_be_nil_allows_anything():
    assert right("a / b", a=(1, 4), b=(-0.05, 0.05)) == (-math.inf, math.inf)


def test_a_sum_adds_up_every_cell_of_its_term():
    assert right("sum(a)", a=[(1, 2), (10, 20), (100, 200)]) == (111.0, 222.0)
    assert right("sum(a)", a=(1, 2)) == (1.0, 2.0)


def test_a_mean_weighs_each_cell_with_its_own_count():
    assert right("mean(a, n)", a=[(10, 11), (30, 31)], n=[(300, 300), (100, 100)]) == pytest.approx((15.0, 16.0))


def test_the_mean_of_one_value_is_that_value_whatever_its_weight():
    assert right("mean(a, n)", a=[(10, 11)] * 3, n=[(5, 5), (1, 1), (9, 9)]) == pytest.approx((10.0, 11.0))


ranges = st.tuples(st.integers(-50, 50), st.integers(0, 20)).map(lambda r: (r[0], r[0] + r[1]))
TEXTS = ["a + b - c", "a * b", "(a - b) * 3 + c", "a / (b * b + 1)", "-(a - c) / 4", "a * (b + c)"]


@given(a=ranges, b=ranges, c=ranges, text=st.sampled_from(TEXTS), places=st.tuples(*[st.floats(0, 1, width=16)] * 3))
def test_no_value_within_the_terms_leaves_the_range(a, b, c, text, places):
    inside = {
        name: low + (high - low) * p
        for (name, (low, high)), p in zip({"a": a, "b": b, "c": c}.items(), places, strict=True)
    }
    low, high = right(text, a=a, b=b, c=c)
    value = eval(text, {"__builtins__": {}}, inside)
    slack = 1e-9 * max(1.0, abs(value))
    assert low - slack <= value <= high + slack


@given(a=ranges, b=ranges, c=ranges)
def test_a_range_is_no_wider_than_its_terms_make_it_where_each_stands_once(a, b, c):
    """Every name once: both ends are values at some corner."""
    corners = [x * y - z for x in a for y in b for z in c]
    assert right("a * b - c", a=a, b=b, c=c) == (min(corners), max(corners))


# ---- what holds ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left", "other", "holds"),
    [
        ("a == b", (1, 2), (2, 3), True),
        ("a == b", (1, 2), (2.1, 3), False),
        ("a == b", (1, 5), (2, 3), True),
        ("a < b", (1, 5), (0, 2), True),
        ("a < b", (3, 5), (0, 2), False),
        ("a < b", (2, 5), (0, 2), True),
        ("a > b", (0, 2), (1, 5), True),
        ("a > b", (0, 2), (3, 5), False),
        ("a > b", (0, 3), (3, 5), True),
    ],
)
def test_an_equation_holds_if_some_values_within_rounding_make_it_true(text, left, other, holds):
    assert equation(text).holds(terms(a=left, b=other)) is holds
