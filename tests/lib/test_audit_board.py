"""The board: every printed number once, as printed, with what rounding leaves; and how rules find cells on it."""

import pytest
from watwerkt import audit
from watwerkt.audit.board import PROSE, match_tables
from watwerkt.errors import AuditError
from watwerkt.published import prose, published

from tests.lib.boards import board, cell, count, printed
from tests.lib.reports import STUDIES, TABLES

SMALL = board(
    cell("10.0", table="T2", arm="experiment"),
    cell("12.5", table="T2", arm="control"),
    cell("", table="T10", arm="experiment"),
    count("1238", table="T10", arm="control", horizon_months=6.0),
    cell("3.2**", table="TII.1", statistic="effect", unit="pp"),
    cell("8", table=PROSE, key="pilots", population="", dimension="", category="", outcome="", statistic=""),
)


def select(patterns, where=(), of=SMALL):
    return of.select(patterns, dict(where), rule="some_rule")


def refused(patterns, where=(), of=SMALL):
    with pytest.raises(AuditError) as caught:
        select(patterns, where, of)
    return str(caught.value)


# ---- what stands on it ---------------------------------------------------------------------------


@pytest.mark.parametrize("study", STUDIES)
def test_every_cell_of_a_study_and_every_number_of_its_text_stands_there_once(study):
    found = audit.board(study)
    said = list(prose(study))
    assert [(c.table, c.cell) for c in found.cells] == [
        *((c.table, c.cell) for c in published(study)), *((PROSE, key) for key in said),
    ]  # fmt: skip
    assert len(found) == len(found.cells) == len(found.prints)
    assert found.tables == [*TABLES[study], PROSE]


@pytest.mark.parametrize("study", STUDIES)
def test_prints_are_what_the_cells_print_and_never_what_corrections_make_of_them(study):
    for one, shown in zip(audit.board(study).cells, audit.board(study).prints, strict=True):
        assert (shown.table, shown.cell, shown.value) == (one.table, one.cell, one.value)
        assert (shown.stars, shown.larger_than, shown.decimals) == (one.stars, one.larger_than, one.decimals or 0)


def test_the_misprint_of_table_2_7_stands_there_as_misprinted():
    (place,) = audit.board("intensive").select(
        ["T2.7"], {"cell": "nonwestern.all.interview_7m.interview_held.count"}, rule="test"
    )
    assert audit.board("intensive").prints[place].text == "558"


@pytest.mark.parametrize("study", STUDIES)
def test_counts_dates_and_codes_are_exact_and_all_else_is_rounded_to_its_last_decimal(study):
    for one, shown in zip(audit.board(study).cells, audit.board(study).prints, strict=True):
        exact = one.statistic in ("count", "assignment") or one.unit in ("count", "code", "date", "year", "month")
        assert shown.half == (0.0 if exact else 0.5 * 10.0**-shown.decimals), (one.table, one.cell)


def test_a_print_allows_both_edges_of_its_rounding_and_no_more():
    shown = printed(cell("3.5"))
    assert 3.45 in shown.range
    assert 3.55 in shown.range
    assert 3.4499 not in shown.range
    assert 3.5501 not in shown.range


def test_a_count_allows_itself_only():
    shown = printed(count("1238"))
    assert 1238.0 in shown.range
    assert 1238.001 not in shown.range


@pytest.mark.parametrize("text", ["27.8", "-0.02", "558", "3.2***", "-0.0443*", "0.10"])
def test_a_print_shows_itself_with_its_decimals_and_marks(text):
    assert printed(cell(text)).text == text


def test_a_suppressed_print_shows_nothing():
    assert printed(cell("")).text == ""


def test_a_changed_board_has_other_prints_behind_the_same_cells():
    other = printed(cell("99.9"))
    changed = SMALL.changed({1: other})
    assert changed.cells == SMALL.cells
    assert [shown.text for shown in changed.prints] == ["10.0", "99.9", "", "1238", "3.2**", "8"]
    assert SMALL.prints[1].text == "12.5"


# ---- finding cells -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "tables"),
    [
        (["T2"], ["T2"]),
        (["T*"], ["T2", "T10", "TII.1"]),
        (["T*", "!T10"], ["T2", "TII.1"]),
        (["T*", "!T*", "T10"], ["T10"]),
        (["TII.*", "T2"], ["TII.1", "T2"]),
        (["T2", "T2"], ["T2"]),
        (["prose"], ["prose"]),
        (["T?"], ["T2"]),
    ],
)
def test_patterns_find_tables_and_an_exclamation_mark_leaves_them_out_again(patterns, tables):
    assert match_tables(SMALL, patterns, rule="some_rule") == tables


@pytest.mark.parametrize("pattern", ["T3", "t2", "!T3", "T2.*"])
def test_a_pattern_without_a_table_is_refused_with_the_tables_that_exist(pattern):
    assert refused(["T2", pattern]) == (
        f"audit rule 'some_rule' of 'via': no table fits {pattern!r}.\n  tables: T2, T10, TII.1, prose"
    )


@pytest.mark.parametrize(
    ("patterns", "where", "places"),
    [
        (["T*"], {"arm": "experiment"}, [0, 2]),
        (["T*"], {"arm": ["experiment", "control"]}, [0, 1, 2, 3]),
        (["T2", "T10"], {"arm": "control", "statistic": "count"}, [3]),
        (["T*"], {"horizon_months": 6}, [3]),
        (["T*"], {"horizon_months": None}, [0, 1, 2, 4]),
        (["T*"], {"horizon_months": [6, None], "arm": "control"}, [1, 3]),
        (["T*"], {"comparison": "", "arm": ""}, [4]),
        (["prose"], {"cell": "pilots"}, [5]),
    ],
)
def test_cells_are_selected_by_their_codes_in_printed_order(patterns, where, places):
    assert select(patterns, where) == places


def test_a_suppressed_cell_is_selected_too_so_that_no_rule_falls_silent():
    assert 2 in select(["T10"])


def test_codes_without_a_cell_are_refused_with_what_was_asked():
    assert refused(["T2", "T10"], {"arm": "regular"}) == (
        "audit rule 'some_rule' of 'via': no cell in T2, T10 has {'arm': 'regular'}.\n"
        "  compare with the columns of the published table"
    )


def test_numbers_of_the_text_are_cells_of_a_table_of_their_own():
    found = audit.board("intensive")
    (place,) = found.select([PROSE], {"cell": "interviews_nonwestern_basic"}, rule="test")
    one = found.cells[place]
    assert (one.table, one.value, one.unit, one.statistic, one.column) == (PROSE, 732.0, "count", "count", "2.4")
    assert found.prints[place].half == 0.0
