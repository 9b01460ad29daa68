"""Suppressed numbers that the numbers around them give away: found, named by place, and never told."""

import json
import re

import numpy as np
import pytest
from watwerkt import audit
from watwerkt.audit.checks import Holds
from watwerkt.audit.disclosure import derivable, withheld_cells
from watwerkt.audit.expressions import equation
from watwerkt.audit.relations import Relation

from tests.lib.boards import board, cell, count
from tests.lib.reports import STUDIES, WITH_TABLES

ARMS = ("basic", "intensive", "all")
SECRET = 4711  # a number that stands nowhere else


def table(*rows, **codes):
    """Counts of a table, one row per service, one column per arm."""
    services = ("interview", "workshop", "trial_placement")
    return [
        count(text, arm=arm, service=service, row=service, column=arm, panel="", **codes)
        for service, texts in zip(services, rows, strict=False)
        for arm, text in zip(ARMS, texts, strict=True)
    ]


def rule(text, *terms, kind="total"):
    checks = tuple(Holds(equation(text), places, "A note.") for places in terms)
    return Relation("some_rule", kind, "certain", checks)


def row_sums(rows):
    places = [{"whole": (3 * k + 2,), "parts": (3 * k, 3 * k + 1)} for k in range(rows)]
    return rule("whole == sum(parts)", *places)


def given_away(printed, *rules):
    return [(f.cells, f.note) for f in derivable(printed, rules)]


def places(printed, *rules):
    found = list(derivable(printed, rules))
    assert len(found) <= 1
    return [cell.cell for cell in found[0].cells] if found else []


# ---- what is given away --------------------------------------------------------------------------


def test_one_suppressed_count_beside_its_total_is_given_away():
    printed = board(*table(("", "200", str(200 + SECRET))))
    assert places(printed, row_sums(1)) == [printed.cells[0].cell]


def test_two_suppressed_counts_of_one_sum_are_not():
    assert places(board(*table(("", "", "300"))), row_sums(1)) == []


def test_a_suppressed_total_is_given_away_by_its_parts():
    printed = board(*table(("100", "200", "")))
    assert places(printed, row_sums(1)) == [printed.cells[2].cell]


def test_sums_along_rows_and_columns_together_give_away_what_neither_does_alone():
    printed = board(*table(("", "", "300"), ("", "40", "50"), ("110", "240", "350")))
    columns = rule("whole == sum(parts)", {"whole": (6,), "parts": (0, 3)}, {"whole": (7,), "parts": (1, 4)})
    assert places(printed, row_sums(2)) == [printed.cells[3].cell]
    assert places(printed, columns) == [printed.cells[1].cell]
    assert places(printed, row_sums(2), columns) == [printed.cells[i].cell for i in (0, 1, 3)]


def test_a_block_in_which_every_row_and_column_lacks_two_is_not_given_away():
    printed = board(*table(("", "", "300"), ("", "", "50"), ("110", "240", "350")))
    columns = rule("whole == sum(parts)", {"whole": (6,), "parts": (0, 3)}, {"whole": (7,), "parts": (1, 4)})
    assert places(printed, row_sums(2), columns) == []


def test_a_share_with_its_whole_gives_a_count_away():
    cells = table(("", "200", "300"))
    cells.append(cell("33", statistic="share", arm="basic", service="interview"))
    printed = board(*cells)
    share = rule("share == 100 * count / whole", {"share": (3,), "count": (0,), "whole": (2,)}, kind="share")
    assert places(printed, share) == [printed.cells[0].cell]
    assert places(printed) == []


def test_a_suppressed_share_gives_nothing_away():
    cells = table(("", "", "300"))
    cells.append(cell("", statistic="share", arm="basic", service="interview"))
    share = rule("share == 100 * count / whole", {"share": (3,), "count": (0,), "whole": (2,)}, kind="share")
    assert places(board(*cells), share) == []


def test_a_comparison_gives_nothing_away():
    assert places(board(*table(("", "200", "300"))), rule("whole > part", {"whole": (2,), "part": (0,)})) == []


def test_a_table_without_suppressed_counts_has_no_finding():
    assert given_away(board(*table(("100", "200", "300"))), row_sums(1)) == []


def test_a_sum_over_two_tables_is_not_that_tables_weakness():
    cells = [*table(("", "200", ""), table="T1"), count("300", table="T2", arm="all", service="interview")]
    assert given_away(board(*cells), rule("whole == sum(parts)", {"whole": (3,), "parts": (0, 1)})) == []


# ---- what is said of it --------------------------------------------------------------------------


def test_the_derived_value_appears_in_no_field_of_the_finding():
    """The check must not do what it warns of: neither the value, nor what is left without the printed numbers."""
    printed = board(*table(("", "200", str(200 + SECRET)), ("300", "400", "700")))
    (found,) = derivable(printed, [row_sums(2)])
    told = json.dumps(found.as_dict()) + repr(found)
    assert str(SECRET) not in told
    assert "4,711" not in told
    assert not re.search(r"4911|\b200\b", told), "not even the numbers from which it follows"
    assert [one.printed for one in found.cells] == [""]


def test_the_finding_names_place_rule_and_how_many():
    printed = board(*table(("", "200", "300"), ("", "", "700")))
    (found,) = derivable(printed, [row_sums(2)])
    assert (found.rule, found.relation, found.severity) == ("disclosure", "suppressed_numbers", "certain")
    assert found.expected == "a further suppressed number in the same rows or columns"
    assert found.note == (
        "Table 1 suppresses 3 counts of few people, but prints enough around them to work out 1 of them or nearly so: "
        "interview (basic). This book does not show what they are."
    )


@pytest.mark.parametrize("study", WITH_TABLES)
def test_no_finding_about_suppressed_numbers_holds_a_number_beyond_its_table_and_how_many(study):
    for found in audit.findings(study):
        if found.rule == "disclosure":
            hidden = sum(c.status == "suppressed" and c.statistic == "count" and c.table == found.tables[0]
                         for c in audit.board(study).cells)  # fmt: skip
            allowed = {*re.findall(r"\d+", found.tables[0]), str(hidden), str(len(found.cells))}
            labels = {
                text for c in audit.board(study).cells if c.table == found.tables[0] for text in (c.row, c.column)
            }
            note = found.note
            for label in sorted(labels, key=len, reverse=True):
                note = note.replace(label, "")
            assert set(re.findall(r"\d+", note)) <= allowed
            assert {one.printed for one in found.cells} == {""}


@pytest.mark.parametrize("study", STUDIES)
def test_no_finding_of_any_rule_speaks_of_a_suppressed_number(study):
    """A sum that lacks a suppressed part would say what it leaves for it."""
    suppressed = {(c.table, c.cell) for c in audit.board(study).cells if c.status == "suppressed"}
    for found in audit.findings(study):
        if found.rule != "disclosure":
            assert not suppressed & {(one.table, one.cell) for one in found.cells}, found.id


def test_table_2_5_of_intensive_gives_all_its_suppressed_counts_away():
    (found,) = [one for one in audit.findings("intensive") if one.rule == "disclosure"]
    assert found.tables == ("T2.5",)
    hidden = {c.cell for c in audit.board("intensive").cells if c.table == "T2.5" and c.status == "suppressed"}
    assert {one.cell for one in found.cells} == hidden
    assert len(hidden) == 6


# ---- what pages leave out ------------------------------------------------------------------------


def test_the_totals_of_rows_with_a_suppressed_count_are_withheld_and_no_other():
    printed = board(*table(("", "200", "300"), ("300", "400", "700")))
    assert withheld_cells(printed, [row_sums(2)]) == {("T1", printed.cells[2].cell)}


def test_nothing_is_withheld_from_a_table_without_suppressed_counts():
    assert withheld_cells(board(*table(("100", "200", "300"))), [row_sums(1)]) == frozenset()


@pytest.mark.parametrize("study", STUDIES)
def test_what_is_withheld_is_a_printed_count_beside_suppressed_ones(study):
    cells = {(c.table, c.cell): c for c in audit.board(study).cells}
    suppressed = {c.table for c in cells.values() if c.status == "suppressed"}
    for place in audit.withheld(study):
        assert (cells[place].status, cells[place].statistic) == ("printed", "count")
        assert cells[place].table in suppressed


def determined(rows, unknown):
    """Unknowns on which all solutions of the homogeneous equations agree, by plain elimination."""
    matrix = np.array([[row.get(i, 0.0) for i in unknown] for row in rows])
    rank = np.linalg.matrix_rank(matrix)
    return {i for k, i in enumerate(unknown) if np.linalg.matrix_rank(np.delete(matrix, k, axis=1)) < rank}


@pytest.mark.parametrize("study", WITH_TABLES)
def test_with_the_withheld_totals_left_out_no_sum_of_counts_gives_a_suppressed_one_away(study):
    printed = audit.board(study)
    left_out = audit.withheld(study)
    hidden = {i for i, c in enumerate(printed.cells) if c.status == "suppressed" and c.statistic == "count"}
    unknown = sorted(hidden | {i for i, c in enumerate(printed.cells) if (c.table, c.cell) in left_out})
    sums = [
        {i: -1.0 if i in check.terms[check.equation.result] else 1.0 for i in check.cells}
        for relation in audit.rules_of(study) if relation.rule == "total"
        for check in relation.checks
        if isinstance(check, Holds) and check.equation.result and check.equation.compare == "=="
        and all(printed.cells[i].statistic == "count" for i in check.cells)
    ]  # fmt: skip
    rows = [row for row in sums if set(row) & set(unknown)]
    assert not (determined(rows, unknown) & hidden if rows else set())
