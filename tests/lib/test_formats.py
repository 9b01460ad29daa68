"""One number format for all tables and charts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watwerkt import formats
from watwerkt.evidence import effects
from watwerkt.published import published
from watwerkt.uncertainty import Range

STUDY = "intensive"


def read(text: str) -> float:
    return float(text.replace("−", "-").replace("+", "").replace(",", ""))


@given(value=st.floats(-1e7, 1e7), decimals=st.integers(0, 4), signed=st.booleans())
def test_a_shown_number_reads_back_as_the_rounded_number(value, decimals, signed):
    shown = formats.number(value, decimals, signed=signed)
    assert read(shown) == round(value, decimals)
    assert "-" not in shown, "a hyphen stands for a minus sign"


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "shown"),
    [
        (1234567.0, 0, False, "1,234,567"),
        (-1.25, 2, False, "−1.25"),
        (3.5, 1, True, "+3.5"),
        (-3.5, 1, True, "−3.5"),
        (-0.04, 1, False, "0.0"),
        (0.04, 1, True, "0.0"),
        (-0.0, 0, True, "0"),
    ],
)
def test_signs_and_thousands_are_written_as_the_house_writes_them(value, decimals, signed, shown):
    assert formats.number(value, decimals, signed=signed) == shown


def test_bounds_are_joined_by_a_word_so_that_no_dash_is_read_as_a_minus():
    assert formats.interval(-0.42, 4.2) == "−0.4 to 4.2"


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.612, 0.614, "0.61"),
        (0.18, 0.194, "0.18 to 0.19"),
        (0.0, 0.0049, "<0.01"),
        (0.0049, 0.012, "<0.01 to 0.01"),
        (0.005, 0.005, "0.01"),
        (0.999, 1.0, "1.00"),
    ],
)
def test_p_values_show_two_decimals_and_never_nought(low, high, shown):
    assert formats.p_value(Range(low, high)) == shown


@pytest.fixture(scope="module")
def cells():
    return published(STUDY)


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ({"table": "T2.4", "population": "none", "arm": "basic"}, "3,483"),
        ({"table": "T3.2", "cell": "nonwestern.all.basic.exit_benefit.6.level"}, "29.0%"),
        ({"table": "T3.2", "cell": "none.all.intensive_vs_basic.exit_benefit.12.effect"}, "+1.9*"),
        ({"table": "T3.2", "cell": "nonwestern.all.intensive_vs_basic.exit_benefit.6.effect"}, "−1.2"),
        ({"table": "T3.2", "cell": "nonwestern.all.basic.reentry.level"}, "suppressed"),
        ({"table": "T2.7", "cell": "nonwestern.all.interview_7m.interview_held.count"}, "558"),
    ],
)
def test_a_cell_is_shown_as_printed_with_its_mark_misprint_and_suppression(where, shown, cells):
    assert formats.printed(cells.one(**where)) == shown


def test_a_cell_as_used_shows_the_corrected_value(cells):
    misprint = cells.one(table="T3.3", population="nonwestern", statistic="effect", outcome="fraction_other")
    assert (formats.printed(misprint), formats.used(misprint)) == ("+0.2", "−0.2")
    sound = cells.one(table="T3.3", population="none", statistic="effect", outcome="fraction_other")
    assert formats.used(sound) == formats.printed(sound) == "+0.4"


def test_every_cell_of_the_report_can_be_shown(cells):
    for cell in cells:
        shown = formats.printed(cell)
        digits = "".join(character for character in shown if character.isdigit())
        if cell.value is None:
            assert digits == ""
        else:
            assert read(shown.rstrip("*").rstrip("%")) == cell.value
            assert len(digits) >= cell.decimals + 1
            assert shown.endswith(cell.stars)


@pytest.mark.parametrize(
    ("table", "cell", "shown"),
    [
        ("T3.2", "none.all.intensive_vs_basic.exit_benefit.12.effect", "−0.4 to 4.2"),
        ("T3.4", "none.all.intensive_vs_basic.number_of_jobs.effect", "at least ±0.04"),
        ("T3.2", "nonwestern.all.intensive_vs_basic.reentry.effect", "not known"),
    ],
)
def test_an_interval_is_shown_in_printed_units_or_says_what_is_missing(table, cell, shown):
    assert formats.effect_interval(effects(STUDY).one(table=table, cell=cell)) == shown


def test_the_interval_of_days_has_no_more_decimals_than_the_report_prints():
    effect = effects(STUDY).one(table="T3.4", population="nonwestern", outcome="first_job_length")
    low, _, high = formats.effect_interval(effect).partition(" to ")
    assert (read(low), read(high)) == (round(effect.estimate.low), round(effect.estimate.high))
    assert "." not in low + high


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.3e-15, "3 × 10⁻¹⁵"), (-2.0e-4, "−2 × 10⁻⁴"), (0.0, "0"), (0.0123, "0.012"), (float("nan"), "–")],
)
def test_a_tiny_number_is_shown_by_its_size(value, text):
    assert formats.tiny(value) == text
