"""Whole rows and whole sets of labels: copied rows, copied estimates, exchanged and shared labels."""

import pytest
from watwerkt.audit.structure import (
    copied_estimates,
    exchanged_labels,
    layout,
    repeated_rows,
    shared_labels,
    structural,
)

from tests.lib.boards import board, cell

OUTCOMES = ("exit_job", "exit_other", "exit_benefit", "job", "job_12h", "working")
NUMBERS = ("-3.2", "-10.1", "-13.3", "-4.9", "-5.1", "-10.1")


def row(*texts, label="Universitair", **codes):
    """A row of one table: the same group, one outcome per column."""
    return [cell(text, row=label, outcome=o, **codes) for text, o in zip(texts, OUTCOMES, strict=False)]


def found(kind, *cells):
    printed = board(*cells)
    return list(kind(layout(printed.cells), printed.prints)), printed


def rows_found(*cells):
    return found(repeated_rows, *cells)[0]


# ---- copied rows ---------------------------------------------------------------------------------


def test_a_row_under_another_service_is_found_as_copied():
    (problem,) = rows_found(*row(*NUMBERS, table="T8", service="training"), *row(*NUMBERS, table="T11", service="iro"))
    assert problem.cells == (*range(6, 12), *range(6))
    assert problem.note.startswith(
        "Two rows hold the same 6 numbers (-3.2, -10.1, -13.3, -4.9, -5.1, -10.1): Table 8, Universitair and "
        "Table 11, Universitair."
    )


def test_a_row_under_another_group_of_the_same_table_is_found_as_copied():
    first, second = (row(*NUMBERS, label=g, category=g, dimension="sex") for g in ("male", "female"))
    assert len(rows_found(*first, *second)) == 1


def test_a_row_that_differs_in_one_number_is_no_copy():
    other = (*NUMBERS[:-1], "-10.2")
    assert rows_found(*row(*NUMBERS, service="training"), *row(*other, label="b", service="iro")) == []


def test_marks_do_not_hide_a_copied_row():
    marked = tuple(f"{text}*" for text in NUMBERS)
    assert len(rows_found(*row(*NUMBERS, service="training"), *row(*marked, label="b", service="iro"))) == 1


def test_rows_that_print_the_same_quantities_in_two_tables_are_no_copies():
    """Table 4.2 repeats the levels of Table 4.1: that is as it should be."""
    assert rows_found(*row(*NUMBERS, table="T1"), *row(*NUMBERS, table="T2")) == []


@pytest.mark.parametrize(
    "numbers",
    [("0", "0", "0", "0"), ("1", "2", "3"), ("5.1", "5.1", "5.1", "5.1"), ("12.34", "56.78"), ("0.1", "0.2", "0.3")],
    ids=["zeros", "few digits", "one number", "two numbers", "small numbers"],
)
def test_short_rows_can_recur_by_chance_and_are_passed_over(numbers):
    assert rows_found(*row(*numbers, service="training"), *row(*numbers, label="b", service="iro")) == []


def test_rows_of_codes_may_recur():
    codes = [row(*NUMBERS, label=s, service=s, unit="code") for s in ("training", "iro")]
    assert rows_found(*codes[0], *codes[1]) == []


def test_suppressed_rows_are_no_copies_of_each_other():
    nothing = ("",) * 6
    assert rows_found(*row(*nothing, service="training"), *row(*nothing, label="b", service="iro")) == []


def test_three_rows_alike_are_three_pairs():
    cells = [c for s in ("training", "iro", "jobhunting") for c in row(*NUMBERS, label=s, service=s)]
    assert len(rows_found(*cells)) == 3


# ---- copied estimates ----------------------------------------------------------------------------


def regression(coefficient, error, **codes):
    codes = {"dimension": "covariate", "category": "age", "unit": "coefficient", "row": "Leeftijd", **codes}
    return [cell(coefficient, statistic="coefficient", **codes), cell(error, statistic="se", **codes)]


def test_a_coefficient_with_its_standard_error_in_an_equation_for_another_outcome_is_found():
    problems, _ = found(
        copied_estimates,
        *regression("0.0346***", "0.007", table="TII.1", outcome="job"),
        *regression("0.0346***", "0.007", table="TII.2", outcome="self_employment"),
    )
    assert [problem.cells for problem in problems] == [(2, 0)]
    assert "(0.0346 and 0.007) in equations for different outcomes" in problems[0].note


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        (("0.0346***", "0.008"), "self_employment"),
        (("0.0347***", "0.007"), "self_employment"),
        (("0.0346***", "0.007"), "job"),
    ],
    ids=["other error", "other coefficient", "same outcome"],
)
def test_an_estimate_that_differs_or_is_of_the_same_outcome_is_no_copy(second, outcome):
    problems, _ = found(
        copied_estimates,
        *regression("0.0346***", "0.007", table="TII.1", outcome="job"),
        *regression(*second, table="TII.2", outcome=outcome),
    )
    assert problems == []


def test_estimates_of_few_digits_can_recur_by_chance():
    problems, _ = found(
        copied_estimates,
        *regression("0.006", "0.006", table="TII.1", outcome="job"),
        *regression("0.006", "0.006", table="TII.2", outcome="self_employment"),
    )
    assert problems == []


# ---- exchanged labels ----------------------------------------------------------------------------


def shares(table, mental, muscles, arm="experiment", **codes):
    return [
        cell(text, table=table, dimension="condition", category=category, arm=arm, outcome="composition",
             statistic="share", **codes)
        for text, category in ((mental, "mental"), (muscles, "musculoskeletal"))
    ]  # fmt: skip


BOTH = [*shares("T2.3", "25.2", "44.6"), *shares("T2.3", "24.6", "44.6", arm="control")]


def test_two_labels_that_changed_places_between_tables_are_found_once_with_all_cells():
    crossed = [*shares("T2.5", "44.5", "25.1"), *shares("T2.5", "44.6", "24.5", arm="control")]
    (problem,), printed = found(exchanged_labels, *BOTH, *crossed)
    assert sorted(problem.cells) == list(range(len(printed)))
    assert "have changed places between Tables 2.3 and 2.5: 25.2 and 44.6 in the one are 44.5 and 25.1" in problem.note


@pytest.mark.parametrize(
    "second",
    [
        [*shares("T2.5", "25.2", "44.6"), *shares("T2.5", "24.6", "44.6", arm="control")],
        [*shares("T2.5", "44.5", "25.1"), *shares("T2.5", "24.6", "44.6", arm="control")],
        [*shares("T2.5", "44.5", "25.5"), *shares("T2.5", "44.6", "24.5", arm="control")],
        [],
    ],
    ids=["as they should be", "in one column only", "not the same numbers", "no second table"],
)
def test_labels_are_exchanged_only_if_every_column_says_so(second):
    problems, _ = found(exchanged_labels, *BOTH, *second)
    assert problems == []


def test_categories_of_nearly_the_same_share_are_not_called_exchanged():
    problems, _ = found(exchanged_labels, *shares("T2.3", "25.1", "25.2"), *shares("T2.5", "25.2", "25.1"))
    assert problems == []


def test_groups_of_other_people_are_not_compared():
    problems, _ = found(
        exchanged_labels, *shares("T2.3", "25.2", "44.6"), *shares("T2.5", "44.6", "25.2", population="respondents")
    )
    assert problems == []


# ---- shared labels -------------------------------------------------------------------------------


def mechanism(table, category, panel="Inzicht in stappen"):
    return cell("0.31", table=table, dimension="mechanism", category=category, unit="coefficient", panel=panel)


def test_two_mechanisms_in_tables_of_one_name_are_found():
    printed = board(mechanism("TIII.9", "search_intention"), mechanism("TIII.16", "insight_steps"))
    (problem,) = shared_labels(layout(printed.cells))
    assert problem.cells == (0, 1)
    assert "Tables III.9 and III.16 bear the same name, 'inzicht in stappen'" in problem.note


def test_one_mechanism_in_two_tables_and_two_names_are_as_they_should_be():
    printed = board(
        mechanism("TIII.9", "search_intention"), mechanism("TIII.10", "search_intention"),
        mechanism("TIII.11", "insight_steps", panel="Iets anders"),
    )  # fmt: skip
    assert list(shared_labels(layout(printed.cells))) == []


# ---- all together --------------------------------------------------------------------------------


def test_every_finding_carries_its_rule_and_how_sure_it_is():
    printed = board(
        *row(*NUMBERS, table="T8", service="training"), *row(*NUMBERS, table="T11", service="iro"),
        *regression("0.0346***", "0.007", table="TII.1", outcome="job"),
        *regression("0.0346***", "0.007", table="TII.2", outcome="self_employment"),
        *BOTH, *shares("T2.5", "44.5", "25.1"), *shares("T2.5", "44.6", "24.5", arm="control"),
        mechanism("TIII.9", "search_intention"), mechanism("TIII.16", "insight_steps"),
    )  # fmt: skip
    made = [(f.relation, f.rule, f.severity) for f in structural(printed, layout(printed.cells))]
    assert made == [
        ("repeated_row", "duplicate", "likely"),
        ("copied_estimate", "duplicate", "suspicion"),
        ("exchanged_labels", "label", "likely"),
        ("shared_label", "label", "likely"),
    ]


def test_a_layout_is_the_same_whatever_is_printed():
    cells = row(*NUMBERS, service="training")
    assert (
        layout(board(*cells).cells).rows == layout(board(*row("1", "2", "3", "4", "5", "6", service="iro")).cells).rows
    )


def test_numbers_of_the_text_form_no_rows():
    texts = [cell(n, table="prose", key=f"k{i}{j}", row=f"r{j}") for j in (0, 1) for i, n in enumerate(NUMBERS)]
    assert layout(board(*texts).cells).rows == ()
