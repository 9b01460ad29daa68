"""Published cells: values as printed, corrections, suppression, and the text's numbers against the tables'."""

import csv
import datetime as dt
import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from watwerkt.codes import codes
from watwerkt.entry import TIDY_COLUMNS
from watwerkt.errors import CodeError, PublishedDataError
from watwerkt.paths import data_dir
from watwerkt.published import Cell, Correction, corrections, field_names, grid, prose, published, source, title

STUDY = "intensive"


@pytest.fixture(scope="module")
def cells():
    return published(STUDY)


def a_cell(**values) -> Cell:
    empty = dict.fromkeys(Cell.__dataclass_fields__, "") | {"horizon_months": None, "correction": None}
    return Cell(**{**empty, "study": STUDY, "table": "T3.2", "status": "printed", **values})


# ---- one cell ------------------------------------------------------------------------------------


@given(
    units=st.integers(-100_000, 100_000),
    decimals=st.integers(0, 4),
    unit=st.sampled_from(["pct", "pp", "days", "eur_per_hour"]),
    offset=st.decimals(Decimal("-0.5"), Decimal("0.5"), places=6),
)
def test_a_printed_value_with_its_rounding_holds_every_value_that_rounds_to_it(units, decimals, unit, offset):
    step = Decimal(10) ** -decimals
    true, printed = (units + offset) * step, units * step
    cell = a_cell(value=float(printed), decimals=decimals, unit=unit)
    scale = 0.01 if unit in ("pct", "pp") else 1.0
    slack = 1e-12 * max(1.0, abs(float(true)))  # binary fractions of decimal numbers
    assert abs(cell.number - float(true) * scale) <= cell.rounding + slack


def test_percentages_and_points_become_fractions_and_other_units_stay():
    assert a_cell(value=35.5, decimals=1, unit="pct").number == pytest.approx(0.355, abs=1e-15)
    assert a_cell(value=-1.2, decimals=1, unit="pp").number == pytest.approx(-0.012, abs=1e-15)
    assert a_cell(value=210.0, decimals=0, unit="days").number == 210.0


def test_rounding_is_half_a_unit_of_the_last_decimal():
    assert a_cell(value=3.5, decimals=1, unit="pp").rounding == pytest.approx(0.0005, abs=1e-18)
    assert a_cell(value=27.0, decimals=0, unit="pct").rounding == pytest.approx(0.005, abs=1e-17)
    assert a_cell(value=1.23, decimals=2, unit="jobs").rounding == pytest.approx(0.005, abs=1e-17)


def test_analyses_use_the_corrected_value_and_the_printed_one_stays():
    cell = a_cell(value=558.0, decimals=0, unit="count", correction=Correction(558.0, 228.0, "certain", "Sum."))
    assert (cell.value, cell.number) == (558.0, 228.0)


def test_a_number_that_is_not_printed_cannot_be_used():
    cell = a_cell(cell="some.cell", value=None, decimals=None, unit="pct", status="suppressed")
    with pytest.raises(
        PublishedDataError, match=r"T3\.2, cell some\.cell: .* no number here \(suppressed\)\.\n  leave"
    ):
        _ = cell.number


def test_a_cell_says_where_it_stands_and_whom_it_is_about():
    cell = a_cell(table="TII.1", population="nonwestern", dimension="sex", category="female")
    assert (cell.reference, cell.group) == ("Table II.1", "Women, non-western background")


# ---- many cells ----------------------------------------------------------------------------------


def test_suppressed_numbers_have_no_value_anywhere(cells):
    hidden = cells.where(status="suppressed")
    assert len(hidden) == 12
    for cell in hidden:
        assert (cell.value, cell.decimals, cell.stars, cell.correction) == (None, None, "", None)
    assert (
        cells.frame.loc[cells.frame["status"] == "suppressed", ["value", "decimals", "corrected"]].isna().all(axis=None)
    )


def test_no_statement_and_no_correction_gives_away_a_suppressed_number(cells):
    hidden = {(cell.table, cell.cell) for cell in cells.where(status="suppressed")}
    told = {tuple(statement.repeats.split(":")) for statement in prose(STUDY).values() if statement.repeats}
    assert not hidden & told
    assert not hidden & {(table, cell) for _, table, cell in corrections()}


def test_tables_come_in_the_order_of_the_report(cells):
    assert list(dict.fromkeys(cell.table for cell in cells)) == [
        *(f"T2.{n}" for n in range(4, 10)),
        *(f"T3.{n}" for n in range(1, 8)),
        "T4.1",
        *(f"TII.{n}" for n in range(1, 8)),
    ]


def test_cells_come_in_printed_order_and_all_of_them(cells):
    for table in dict.fromkeys(cell.table for cell in cells):
        with (data_dir() / "published" / STUDY / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            keys = [row["cell"] for row in csv.DictReader(file)]
        assert [cell.cell for cell in cells.where(table=table)] == keys
        assert [cell.cell for cell in published(STUDY, table)] == keys


def test_cells_are_found_by_any_of_several_codes(cells):
    both = cells.where(table="T3.2", arm=["intensive", "basic"], horizon_months=6)
    assert {cell.arm for cell in both} == {"intensive", "basic"}
    apart = [cells.where(table="T3.2", arm=arm, horizon_months=6) for arm in ("intensive", "basic")]
    assert set(both) == {cell for part in apart for cell in part}
    assert len(both) == 8


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"colour": "red"}, "cells have no column 'colour'"),
        ({"outcome": "exit_work"}, "'exit_work' is not a code in data/codes/outcome.csv"),
        ({"arm": ["basic", "intense"]}, "'intense' is not a code in data/codes/arm.csv"),
        ({"category": "femail"}, "'femail' is not a code in data/codes/category.csv"),
        ({"status": "hidden"}, "'hidden' is not a code in data/codes/status.csv"),
    ],
)
def test_a_misspelt_filter_is_refused_and_does_not_give_an_empty_answer(wanted, says, cells):
    with pytest.raises(CodeError) as caught:
        cells.where(**wanted)
    assert str(caught.value).startswith(says)
    assert "\n  allowed: " in str(caught.value)


def test_codes_that_do_not_apply_can_be_asked_for_as_empty(cells):
    assert {cell.table for cell in cells.where(arm="", table=["T3.2", "T2.4"])} == {"T3.2"}


def test_asking_for_one_cell_names_what_was_found_instead(cells):
    with pytest.raises(
        PublishedDataError, match=r"2 cells fit, one was asked for\.\n  found: T3\.3:nonwestern.*T3\.3:none"
    ):
        cells.one(table="T3.3", arm="basic", outcome="fraction_job")
    with pytest.raises(PublishedDataError, match=r"0 cells fit, one was asked for\.\n  found: none"):
        cells.one(table="T3.3", arm="all")


def test_the_grid_of_a_family_holds_every_combination_once_in_the_order_of_the_code_lists():
    found = grid(STUDY, {"comparison": "intensive_vs_basic"}, ["population", "dimension", "category"])
    assert [tuple(row.values()) for row in found] == [
        ("nonwestern", "all", "all"),
        ("nonwestern", "sex", "female"),
        ("nonwestern", "sex", "male"),
        ("nonwestern", "generation", "first"),
        ("nonwestern", "generation", "second"),
        ("none", "all", "all"),
        ("none", "sex", "female"),
        ("none", "sex", "male"),
    ]


def test_a_grid_over_what_is_no_code_is_refused():
    with pytest.raises(CodeError, match=r"'value' is not a code column\.\n  allowed: population"):
        grid(STUDY, {}, ["value"])


def test_a_table_and_a_report_have_a_title():
    assert title(STUDY, "T3.2") == "Exit from benefit and to a job, by horizon"
    assert source(STUDY)["date"] == "2020-06"


def test_the_legend_of_marks_is_the_one_under_the_reports_tables():
    """ "* Significant op 10%-niveau, ** significant op 5%-niveau" (SEOR 2020, under Table 3.2)."""
    assert source(STUDY)["stars"] == {"*": 0.10, "**": 0.05}


# ---- corrections ---------------------------------------------------------------------------------


def test_corrections_reach_the_cells_they_name_and_no_other(cells):
    corrected = {(cell.table, cell.cell): (cell.value, cell.correction.corrected) for cell in cells if cell.correction}
    assert corrected == {
        ("T2.7", "nonwestern.all.interview_7m.interview_held.count"): (558.0, 228.0),
        ("T3.3", "nonwestern.all.intensive.fraction_other.level"): (28.0, 27.8),
        ("T3.3", "nonwestern.all.basic.fraction_other.level"): (27.8, 28.0),
        ("T3.3", "nonwestern.all.intensive_vs_basic.fraction_other.effect"): (0.2, -0.2),
    }


def test_the_certain_correction_of_table_2_7_follows_from_the_cells_beside_it(cells):
    def count(arm, outcome):
        return cells.one(table="T2.7", population="nonwestern", arm=arm, outcome=outcome, statistic="count").value

    corrected = cells.one(table="T2.7", population="nonwestern", arm="all", outcome="interview_held", statistic="count")
    assert corrected.number == count("basic", "interview_held") + count("intensive", "interview_held")
    assert corrected.number == count("all", "people") - count("all", "interview_none")
    share = cells.one(table="T2.7", population="nonwestern", arm="all", outcome="interview_held", statistic="share")
    assert abs(corrected.number / count("all", "people") - share.number) <= share.rounding


HALF = 0.05  # percentages in these tables have one decimal
SHARES = np.linspace(0.0, 1.0, 10_001)


def possible_wholes(cells, population, dimension, parts, arm):
    """What the whole group's ``fraction_other`` can be, trying every share of the first part that all else allows."""

    def level(outcome, horizon, dim, category):
        return cells.one(
            population=population, dimension=dim, category=category, arm=arm, outcome=outcome,
            horizon_months=horizon, statistic="level",
        ).value  # fmt: skip

    def mixed(outcome, horizon):
        first, second = (level(outcome, horizon, dimension, part) for part in parts)
        return SHARES * first + (1 - SHARES) * second

    fits = np.full(SHARES.shape, True)
    exits = itertools.product(("exit_benefit", "exit_job"), (6, 9, 12))
    for outcome, horizon in [*exits, ("fraction_benefit", None), ("fraction_job", None)]:
        fits &= np.abs(mixed(outcome, horizon) - level(outcome, horizon, "all", "all")) <= 2 * HALF
    mixes = mixed("fraction_other", None)[fits]
    return mixes.min() - 2 * HALF, mixes.max() + 2 * HALF


@pytest.mark.parametrize(("dimension", "parts"), [("sex", ("male", "female")), ("generation", ("first", "second"))])
@pytest.mark.parametrize("arm", ["intensive", "basic"])
def test_the_levels_of_table_3_3_are_what_the_subgroups_mix_to_if_exchanged_and_not_as_printed(
    dimension, parts, arm, cells
):
    low, high = possible_wholes(cells, "nonwestern", dimension, parts, arm)
    cell = cells.one(table="T3.3", population="nonwestern", arm=arm, outcome="fraction_other")
    assert low <= cell.correction.corrected <= high
    assert not low <= cell.value <= high


def test_the_corrected_effect_of_table_3_3_is_the_difference_of_the_corrected_levels(cells):
    other = cells.where(table="T3.3", population="nonwestern", outcome="fraction_other")
    levels = [other.one(arm=arm).correction.corrected for arm in ("intensive", "basic")]
    assert other.one(statistic="effect").correction.corrected == pytest.approx(levels[0] - levels[1], abs=1e-9)


# ---- the text ------------------------------------------------------------------------------------

DIFFERS = {  # what the text says, and what the cell says that it repeats
    "intensive": {"interviews_nonwestern_basic": (732.0, 758.0), "interviews_nonwestern_intensive": (1157.0, 1203.0)},
    "instruments": {},
    "wga": {
        "fraction_days_effect_regular_summary": (1.4, 1.3),
        "fraction_days_without_regular_summary": (11.2, 11.3),
        "fraction_days_effect_regular_s41": (1.4, 1.3),
        "fraction_days_without_regular_s41": (11.2, 11.3),
        "social_influence_effect_s53": (0.10, 0.118),
        "confidence_effect_s53": (0.16, 0.1788),
        "application_actions_effect_s53": (0.62, 0.79),
    },
    "personal": {},
    "via": {},
}
STUDIES = sorted(DIFFERS)


def repeating(study):
    """Numbers of the text with the cells that they repeat."""
    found = {(cell.table, cell.cell): cell for cell in published(study)}
    told = [statement for statement in prose(study).values() if statement.repeats]
    return [(statement, found.get(tuple(statement.repeats.split(":", 1)))) for statement in told]


def test_the_numbers_of_every_study_are_checked_here():
    assert sorted(codes("study")) == STUDIES


@pytest.mark.parametrize("study", ["intensive", "instruments", "wga"])
def test_every_number_of_the_text_that_repeats_a_cell_points_at_one_cell(study):
    assert len(repeating(study)) >= 20, "this test checks too little"
    for statement, cell in repeating(study):
        assert cell is not None, f"{statement.key}: there is no cell {statement.repeats}"
        assert cell.unit == statement.unit, f"{statement.key}: unit {statement.unit}, the cell says {cell.unit}"


@pytest.mark.parametrize("study", STUDIES)
def test_text_and_tables_differ_in_the_known_numbers_and_no_other(study):
    """The text may round more than the table: 9.7 for 9.65."""
    found = {}
    for statement, cell in repeating(study):
        coarser = statement.decimals < cell.decimals
        room = 0.5 * 10.0**-statement.decimals if coarser else 0.0
        if abs(statement.value - cell.value) > room + 1e-9:
            found[statement.key] = (statement.value, cell.value)
    assert found == DIFFERS[study]


def test_dates_in_the_text_are_dates():
    told = prose(STUDY)
    assert told["entry_start"].date == dt.date(2012, 7, 23)
    assert told["observation_end"].date == dt.date(2014, 1, 1)


# ---- columns -----------------------------------------------------------------------------------


def test_code_schema_and_files_have_the_same_columns():
    for path in sorted((data_dir() / "published").rglob("T*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            assert tuple(next(csv.reader(file))) == tuple(field_names()) == TIDY_COLUMNS, path.name
