"""Every check: silent where the prints can all be right, and where one is suppressed; loud where they cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watwerkt.audit.checks import Holds, Missing, Rising, Same, shown
from watwerkt.audit.expressions import equation
from watwerkt.uncertainty import Range

from tests.lib.boards import cell, counts, printed, prints


def holds(text, **terms):
    places = {name: place if isinstance(place, tuple) else (place,) for name, place in terms.items()}
    return Holds(equation(text), places, "A note.")


SUM = holds("total == a + b", total=0, a=1, b=2)

# ---- equations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "right"),
    [
        (("5.0", "2.0", "3.0"), True),
        (("5.1", "2.0", "3.0"), True),  # 2.04 + 3.04 = 5.08
        (("5.15", "2.0", "3.0"), False),
        (("5.2", "2.0", "3.0"), False),
        (("4.9", "2.0", "3.0"), True),
        (("5", "2", "3"), True),
        (("6", "2", "3"), True),  # 2.4 + 3.4 = 5.8
        (("7", "2", "3"), False),
        (("-1.0", "2.0", "-3.0"), True),
        (("1.0", "2.0", "-3.0"), False),
    ],
)
def test_a_sum_is_wrong_only_where_no_values_within_rounding_make_it_right(texts, right):
    assert (SUM.problem(prints(*texts)) is None) == right


@given(a=st.integers(-500, 500), b=st.integers(-500, 500), off=st.sampled_from([-2, -1, 0, 1, 2]))
def test_a_sum_of_numbers_of_one_decimal_may_miss_by_one_and_a_half_last_digits_and_no_more(a, b, off):
    found = SUM.problem(prints(*(f"{n / 10:.1f}" for n in (a + b + off, a, b))))
    assert (found is None) == (abs(off) <= 1)


@pytest.mark.parametrize(("texts", "right"), [(("50", "30", "20"), True), (("51", "30", "20"), False)])
def test_counts_are_exact_and_must_add_up_to_the_person(texts, right):
    assert (SUM.problem(counts(*texts)) is None) == right


@pytest.mark.parametrize("texts", [("", "2.0", "9.0"), ("5.0", "", "9.0"), ("5.0", "2.0", "")])
def test_nothing_is_said_of_a_sum_with_a_suppressed_number(texts):
    assert SUM.problem(prints(*texts)) is None


def test_a_wrong_sum_names_its_cells_from_the_predicted_one_on_and_what_the_others_allow():
    found = holds("total == a + b", a=1, b=2, total=0).problem(counts("558", "18", "210"))
    assert (found.cells, found.expected, found.severity) == ((0, 1, 2), "228", "")
    assert found.note == "A note. Printed is 558; the other cells allow 228."


def test_what_rounding_leaves_is_shown_with_one_decimal_more():
    found = SUM.problem(prints("9.0", "2.0", "3.0"))
    assert (found.expected, found.note) == (
        "4.90 to 5.10", "A note. Printed is 9.0; the other cells allow 4.90 to 5.10.",
    )  # fmt: skip


def test_a_sum_without_a_predicted_cell_shows_what_the_left_side_is():
    found = holds("sum(parts) == 100", parts=(0, 1)).problem(prints("60.0", "30.0"))
    assert (found.cells, found.expected) == ((0, 1), "100.0")
    assert found.note == "A note. What is printed gives 89.90 to 90.10; the other cells allow 100.0."


@pytest.mark.parametrize(
    ("text", "texts", "right", "expected"),
    [
        ("a < b", ("3.1", "3.0"), True, ""),
        ("a < b", ("3.2", "3.0"), False, "at most 3.1"),
        ("a > b", ("2.9", "3.0"), True, ""),
        ("a > b", ("2.8", "3.0"), False, "at least 2.9"),
    ],
)
def test_a_comparison_is_wrong_only_beyond_rounding(text, texts, right, expected):
    found = holds(text, a=0, b=1).problem(prints(*texts))
    assert (found is None) == right
    assert right or found.expected == expected


def test_a_claim_about_one_number_speaks_of_no_other_cells():
    found = holds("effect < 0", effect=0).problem(prints("1.9"))
    assert found.note == "A note. Printed is 1.9; that would be at most 0.0."


@pytest.mark.parametrize(
    ("low", "high", "decimals", "text"),
    [
        (228, 228, 0, "228"),
        (1.95, 2.05, 1, "1.95 to 2.05"),
        (1.96, 1.99, 1, "2.0"),
        (-0.04, 0.04, 1, "0.0"),
        (-0.04, -0.01, 1, "-0.04 to -0.01"),
        (0.01, 0.04, 1, "0.01 to 0.04"),
        (-1.5, 2.5, 0, "-1.5 to 2.5"),
        (-0.33, -0.27, 0, "-0.3"),
    ],
)
def test_a_range_is_shown_without_a_minus_before_zero_and_no_finer_than_needed(low, high, decimals, text):
    assert shown(Range(low, high), decimals) == text


# ---- missing parts -------------------------------------------------------------------------------


def test_a_missing_part_is_what_total_and_other_parts_leave():
    found = Missing(0, (1, 2), "a third part", "A note.").problem(prints("2.0", "1.5", "0.2"))
    assert (found.cells, found.expected) == ((0, 1, 2), "a third part of 0.15 to 0.45")


@pytest.mark.parametrize("texts", [("", "1.5", "0.2"), ("2.0", "", "0.2")])
def test_a_missing_part_is_not_told_where_another_is_suppressed(texts):
    assert Missing(0, (1, 2), "a third part", "A note.").problem(prints(*texts)) is None


# ---- repeated numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "right"),
    [
        (("9.7", "9.65"), True),
        (("9.7", "9.64"), False),
        (("9.7", "9.75"), True),
        (("9.7", "9.76"), False),
        (("3.8", "3.8", "3.8"), True),
        (("3.8", "3.9"), False),  # they share the one point 3.85: that is no agreement
        (("4", "3.5", "4.5"), False),  # each fits 4, but not each other
        (("4", "3.8", "3.84"), True),
        (("0.0", "-0.0"), True),
        (("", "5.0"), True),
        (("", "5.0", "5.2"), False),
        (("", ""), True),
    ],
)
def test_repeated_numbers_must_be_able_to_be_one_number(texts, right):
    check = Same(tuple(range(len(texts))), marks=False, note="A note.")
    assert (check.problem(prints(*texts)) is None) == right


def test_repeated_counts_must_agree_to_the_person():
    check = Same((0, 1), marks=False, note="A note.")
    assert check.problem(counts("732", "732")) is None
    assert check.problem(counts("732", "733")) is not None


def test_what_a_repeated_number_should_be_is_what_most_of_the_other_places_print():
    check = Same((0, 1, 2, 3), marks=True, note="A note.")
    assert check.problem(prints("732", "758", "760", "758")).expected == "758"
    assert check.problem(prints("5.0", "5.0", "5.2", "5.0")).expected == "5.2"
    assert check.problem(prints("2.6*", "2.6", "2.6", "2.6**")).expected == "2.6"


def test_a_suppressed_repetition_is_no_part_of_the_finding():
    found = Same((0, 1, 2), marks=False, note="A note.").problem(prints("", "5.0", "5.2"))
    assert found.cells == (1, 2)


def test_other_marks_on_the_same_number_are_found_only_where_marks_must_agree_and_are_less_sure():
    texts = prints("2.6***", "2.6**")
    assert Same((0, 1), marks=False, note="A note.").problem(texts) is None
    found = Same((0, 1), marks=True, note="A note.").problem(texts)
    assert found.severity == "likely"
    assert "The number agrees, its significance mark does not" in found.note


def test_places_of_a_repeated_number_are_told_in_words():
    texts = tuple(
        printed(cell(text, table=table)) for text, table in (("1.4", "prose"), ("1.3", "TS.1"), ("1.3", "T4.7"))
    )
    found = Same((0, 1, 2), marks=False, note="A note.").problem(texts)
    assert found.note == "A note. It is printed as 1.4 in the text and 1.3 in Table S.1 and Table 4.7."
    text = Same((0, 1), marks=False, note="A note.").problem(prints("5.0", "5.2", table="prose"))
    assert text.note == "A note. It is printed as 5.0 and 5.2 in the text."


# ---- shares that can only grow -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "wrong"),
    [
        (("10.0", "20.0", "30.0"), None),
        (("10.0", "10.0", "10.0"), None),
        (("10.0", "9.9", "10.0"), None),  # 9.95 both
        (("10.0", "9.8", "30.0"), (1, 0)),
        (("10.0", "", "9.8"), (2, 0)),
        (("", "", "9.8"), None),
        (("10.0", "20.0", "15.0"), (2, 1)),
    ],
)
def test_a_growing_share_must_not_fall_below_the_one_printed_before_it(texts, wrong):
    found = Rising((0, 1, 2), "A note.").problem(prints(*texts))
    assert (found.cells if found else None) == wrong


def test_a_fall_says_what_the_later_share_must_be_at_least():
    found = Rising((0, 1), "A note.").problem(prints("10.0", "8.0"))
    assert (found.expected, found.note) == ("at least 10.0", "A note. Printed is 8.0 after 10.0.")
