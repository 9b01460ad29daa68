"""Totals between their parts: one set of group shares must serve all columns, whatever was rounded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watwerkt.audit.weights import Between, Column
from watwerkt.uncertainty import Range

from tests.lib.boards import prints


def between(*columns, limits=(), rest=0.0, floor=0.0, ceiling=0.0):
    """A check of columns, each given as the printed total and its printed parts; and its prints."""
    texts = [text for whole, *parts in columns for text in (whole, *parts)]
    size = len(columns[0])
    places = tuple(Column(k * size, tuple(range(k * size + 1, (k + 1) * size))) for k in range(len(columns)))
    check = Between(places, tuple(Range(*one) for one in limits), rest, floor, ceiling, "A note.")
    return check, prints(*texts)


def problem(*columns, **limits):
    check, texts = between(*columns, **limits)
    return check.problem(texts)


# ---- one column ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "right"),
    [
        (("15.0", "10.0", "20.0"), True),
        (("10.0", "10.0", "20.0"), True),
        (("20.1", "10.0", "20.0"), True),  # 20.05 both
        (("20.2", "10.0", "20.0"), False),
        (("9.8", "10.0", "20.0"), False),
        (("9.9", "10.0", "20.0"), True),
        (("15.0", "10.0", "20.0", "30.0"), True),
        (("31.0", "10.0", "20.0", "30.0"), False),
        (("-2.0", "-1.0", "-3.0"), True),
        (("0.0", "-1.0", "-3.0"), False),
    ],
)
def test_a_total_must_lie_between_its_parts_within_rounding(column, right):
    assert (problem(column) is None) == right


@pytest.mark.parametrize("column", [("", "10.0", "20.0"), ("25.0", "", "20.0"), ("25.0", "10.0", "")])
def test_nothing_is_said_of_a_column_with_a_suppressed_number(column):
    assert problem(column) is None


def test_a_column_with_a_suppressed_number_does_not_excuse_the_others():
    assert problem(("", "10.0", "20.0"), ("25.0", "10.0", "20.0")).cells == (3, 4, 5)


def test_a_total_outside_its_parts_names_them_and_what_they_allow():
    found = problem(("25.0", "10.0", "20.0"))
    assert (found.cells, found.expected) == ((0, 1, 2), "9.95 to 20.05")
    assert found.note == "A note. Printed is 25.0; its parts (10.0, 20.0) allow 9.95 to 20.05."


# ---- one set of weights for all columns ----------------------------------------------------------

HALF = ("15.0", "10.0", "20.0")


def test_columns_that_ask_for_other_weights_cannot_both_be_right():
    """Each total lies between its parts, but the one at half the way and the other near the end."""
    assert problem(HALF) is None
    assert problem(("38.0", "30.0", "40.0")) is None
    assert problem(HALF, ("38.0", "30.0", "40.0")) is not None
    assert problem(HALF, ("35.0", "30.0", "40.0")) is None


def test_the_column_without_which_all_others_fit_is_to_blame():
    found = problem(HALF, ("35.0", "30.0", "40.0"), ("58.0", "50.0", "60.0"), ("75.0", "70.0", "80.0"))
    assert found.cells == (6, 7, 8)
    assert found.expected == "54.85 to 55.15"
    assert found.note == "A note. Against the other columns stands 58.0 where they leave room for 54.85 to 55.15."


def test_two_columns_that_contradict_each_other_share_the_blame():
    assert problem(HALF, ("38.0", "30.0", "40.0")).cells == (0, 1, 2, 3, 4, 5)


def test_two_totals_that_have_changed_places_are_found_and_told():
    """Table 3.3 of intensive prints 28.0 and 27.8 where it must be the other way round."""
    found = problem(HALF, ("35.0", "30.0", "40.0"), ("75.0", "50.0", "60.0"), ("55.0", "70.0", "80.0"))
    assert found is not None  # outside its parts: told of each column by itself
    found = problem(
        ("15.0", "10.0", "20.0"), ("16.0", "11.0", "21.0"), ("15.6", "10.2", "20.2"), ("15.2", "10.6", "20.6")
    )
    assert found.note.endswith("They fit if 15.2 and 15.6 change places.")


def test_two_parts_that_have_changed_places_are_told_too():
    found = problem(
        ("15.0", "10.0", "20.0"), ("17.0", "12.0", "22.0"), ("16.0", "15.0", "21.0"), ("20.0", "11.0", "25.0")
    )
    assert found.note.endswith("They fit if 11.0 and 15.0 change places.")


def test_columns_that_no_exchange_makes_right_tell_of_none():
    assert "change places" not in problem(HALF, ("38.0", "30.0", "40.0"), ("45.0", "40.0", "50.0")).note


# ---- what is known of the weights ----------------------------------------------------------------


def test_limits_narrow_what_a_total_can_be():
    assert problem(("12.0", "10.0", "20.0"), limits=[(0.7, 0.9), (0.1, 0.3)]) is None
    found = problem(("15.0", "10.0", "20.0"), limits=[(0.7, 0.9), (0.1, 0.3)])
    assert found.expected == "10.95 to 13.05"


def test_people_in_none_of_the_parts_can_pull_the_total_as_far_as_their_share_and_values_go():
    column = ("21.0", "10.0", "20.0")
    assert problem(column) is not None
    assert problem(column, rest=0.05, ceiling=100.0) is None  # 0.95 * 20 + 0.05 * 100 = 24
    assert problem(column, rest=0.05, ceiling=20.0) is not None
    assert problem(("25.0", "10.0", "20.0"), rest=0.05, ceiling=100.0).expected == "9.45 to 24.05"


def test_people_in_none_of_the_parts_have_one_share_in_all_columns():
    """Alone each column needs a rest of 1.25%, but at opposite ends for the same two groups."""
    rest = {"rest": 0.05, "ceiling": 100.0}
    columns = ("21.0", "10.0", "20.0"), ("10.0", "10.0", "20.0")
    assert all(problem(column, **rest) is None for column in columns)
    assert problem(*columns, **rest) is not None


# ---- prints of real mixtures ---------------------------------------------------------------------


@settings(max_examples=40)
@given(
    weights=st.lists(st.integers(1, 20), min_size=2, max_size=4),
    data=st.data(),
    decimals=st.integers(0, 2),
    columns=st.integers(1, 5),
)
def test_the_prints_of_any_real_mixture_are_accepted(weights, data, decimals, columns):
    shares = np.array(weights) / sum(weights)
    values = st.lists(st.floats(0, 60), min_size=len(weights), max_size=len(weights))
    parts = [np.array(data.draw(values)) for _ in range(columns)]
    texts = [[f"{n:.{decimals}f}" for n in (shares @ one, *one)] for one in parts]
    assert problem(*texts) is None


@settings(max_examples=25)
@given(share=st.floats(0.2, 0.8), off=st.sampled_from([-3.0, 3.0]), at=st.integers(0, 4))
def test_a_total_that_is_off_by_more_than_rounding_allows_is_found_at_its_place(share, off, at):
    parts = [(10.0, 50.0), (12.0, 47.0), (30.0, 80.0), (5.0, 35.0), (20.0, 66.0)]
    wholes = [share * a + (1 - share) * b + (off if k == at else 0.0) for k, (a, b) in enumerate(parts)]
    found = problem(*([f"{n:.1f}" for n in (whole, *part)] for whole, part in zip(wholes, parts, strict=True)))
    assert found.cells == (3 * at, 3 * at + 1, 3 * at + 2)
    low, _, high = found.expected.partition(" to ")
    assert float(low) - 0.05 <= wholes[at] - off <= float(high or low) + 0.05
