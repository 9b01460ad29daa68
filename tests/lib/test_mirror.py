"""Printed tables as they stand in the report: nothing lost, nothing added, labels in both languages."""

import re
from html.parser import HTMLParser

import pytest
from watwerkt import audit, formats, mirror
from watwerkt.published import published, studies

TABLES = [(study, table) for study in studies() for table in dict.fromkeys(c.table for c in published(study))]


@pytest.mark.parametrize(("study", "table"), TABLES, ids=lambda value: value)
def test_every_number_of_a_table_stands_on_its_page_but_for_those_that_give_suppressed_ones_away(study, table):
    shown = mirror.table(study, table)
    texts = " ".join(shown.shown.to_numpy().ravel().tolist())
    hidden = {cell for where, cell in audit.withheld(study) if where == table}
    for cell in published(study, table):
        if cell.cell not in hidden:
            assert formats.as_printed(cell) in texts
    assert len(shown.data) == len(published(study, table)) - len(hidden)


def test_totals_that_give_suppressed_numbers_away_are_neither_shown_nor_in_the_data():
    shown = mirror.table("intensive", "T2.5")
    hidden = [c for c in published("intensive", "T2.5") if (c.table, c.cell) in audit.withheld("intensive")]
    assert [cell.service for cell in hidden] == ["all_contacts"] * 3
    assert (shown.shown == mirror.NOT_SHOWN).to_numpy().sum() + sum(
        text.startswith(f"{mirror.NOT_SHOWN} (") for text in shown.shown.to_numpy().ravel()
    ) == len(hidden)
    assert not set(shown.data["cell"]) & {cell.cell for cell in hidden}
    total = max(cell.value for cell in hidden)
    assert f"{total:,.0f}" not in shown.html()


@pytest.mark.parametrize(
    ("study", "table", "printed"),
    [
        ("wga", "T4.2", "3.2%*** (26.8% – 23.6%)"),
        ("wga", "T5.1", "−3.7% (0.024)"),
        ("wga", "T2.6", "9.65 B,C,D"),
        ("wga", "T5.3", "Direct effect / −Moderation"),
        ("wga", "T7.1", "−€ 421"),
        ("intensive", "T2.5", "758 (39%)"),
        ("instruments", "T6", "−0.0%"),
        ("instruments", "T19", "not estimated"),
        ("wga", "T3.1", "+"),
        ("wga", "TI.1", "Experiment group"),
    ],
)
def test_a_cell_reads_as_in_the_report_with_a_decimal_point(study, table, printed):
    assert printed in mirror.table(study, table).shown.to_numpy()


class Grid(HTMLParser):
    """Columns that each row of a table spans."""

    def __init__(self):
        super().__init__()
        self.rows: list[int] = []

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append(0)
        elif tag in ("td", "th"):
            self.rows[-1] += int(dict(attrs).get("colspan", 1))


@pytest.mark.parametrize(("study", "table"), [("instruments", "T8"), ("wga", "T4.3"), ("wga", "T3.4")])
def test_every_row_of_a_table_with_grouped_columns_and_rows_is_as_wide_as_the_others(study, table):
    grid = Grid()
    grid.feed(mirror.table(study, table).html())
    assert len(set(grid.rows)) == 1


def test_a_dutch_label_is_marked_as_dutch_and_has_its_english_below_it():
    html = mirror.table("instruments", "T8").html()
    assert '<span lang="nl">Vrouwen</span><span class="ww-second">Women</span>' in html
    assert html.count("Populatie met niet-westerse migratieachtergrond") == 1  # one head over three columns


def test_the_page_says_what_marks_mean_and_what_is_left_out():
    assert "* means p < 0.1" in mirror.facts("wga", "T4.2").about
    assert "letter after a number" in mirror.facts("wga", "T4.1").about
    about = mirror.facts("intensive", "T2.5").about
    assert "leaves out 6 numbers" in about and "leaves out 3 totals" in about


def test_a_correction_is_told_below_the_table_and_the_print_stays():
    shown = mirror.table("intensive", "T2.7")
    assert "printed 558, read as 228 (certain)" in shown.note
    assert any(text.startswith("558") for text in shown.shown.to_numpy().ravel())


def test_the_linked_data_of_a_page_lead_to_the_file_of_the_table():
    html = mirror.intro("wga", "T4.2")._repr_html_()
    (address,) = re.findall(r'"contentUrl": "([^"]+)"', html)
    assert address == "../../data/published/wga/T4.2.csv"
