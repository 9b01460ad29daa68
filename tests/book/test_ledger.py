"""The replication ledger: one line per number, from the page that recomputed it, as a page and as a file."""

import csv

import pytest

from book import ledger
from book.errors import BookError
from book.outputs import LEDGER
from book.outputs import ledger as entries
from book.pages import House, Page
from tests.book.small_book import REPOSITORY, code, prose

HOUSE = House(REPOSITORY)
COLUMNS = [
    "study", "table", "cell", "layer", "published", "low", "high", "recomputed", "ci_low", "ci_high", "verdict", "why",
    "quantity", "unit",
]  # fmt: skip


def row(cell="a", recomputed=1.9, verdict="rounding", page="intensive/replication", **changed):
    numbers = [2.0, 1.95, 2.05, recomputed, 1.0, 2.8]
    values = ["intensive", "T3.2", cell, "synthetic", *numbers, verdict, "It | fits.", "value", "pp"]
    return dict(zip(COLUMNS, values, strict=True), page=page) | changed


NOT_THERE = {"recomputed": None, "ci_low": None, "ci_high": None, "verdict": "not_recomputed", "why": "No data."}


def test_a_page_that_recomputed_a_number_goes_before_one_that_could_not():
    for rows in ([row(**NOT_THERE, page="b"), row()], [row(), row(**NOT_THERE, page="b")]):
        (kept,) = ledger.merged(rows)
        assert kept["page"] == "intensive/replication"


def test_two_pages_that_find_different_numbers_stop_the_build_by_name():
    with pytest.raises(BookError, match=r"intensive T3\.2, cell a: one finds 1\.9 and other finds 2\.1"):
        ledger.merged([row(page="one"), row(page="other", recomputed=2.1)])
    assert len(ledger.merged([row(page="one"), row(page="other")])) == 1


def test_a_mark_and_a_value_of_one_cell_are_two_lines():
    assert len(ledger.merged([row(), row(quantity="p")])) == 2


def test_the_file_holds_every_line_with_missing_numbers_empty():
    written = ledger.as_csv([row(), row("b", **NOT_THERE)]).decode().splitlines()
    first, second = csv.DictReader(written)
    assert (first["recomputed"], first["page"], second["recomputed"]) == ("1.9", "intensive/replication", "")
    assert ledger.as_csv([]) == b""


def test_the_page_counts_lists_what_differs_and_says_why_the_rest_is_missing():
    rows = [row(), row("b", verdict="differs", recomputed=-3.25), row("c", **NOT_THERE), row("d", **NOT_THERE)]
    text = ledger.filled("\n\n".join(ledger.MARKS), rows, HOUSE)
    assert "| 1 | 0 | 1 | 2 |" in text
    assert "| 3.2 | Estimator on synthetic microdata | It / fits. | 2 (1 to 2.8) |" in text
    assert "| Estimator on synthetic microdata | No data. | 2 |" in text
    assert "<!--" not in text


def test_a_long_list_ends_with_how_many_more_there_are():
    rows = [row(str(number), verdict="differs", why=f"Reason {number}.") for number in range(ledger._LONGEST + 7)]
    assert "The file</a> holds 7 more." in ledger.filled(ledger.MARKS[1], rows, HOUSE)


def test_lines_from_microdata_must_have_passed_the_guard():
    made = row()
    payload = {"columns": COLUMNS, "rows": [[made[name] for name in COLUMNS]]}
    page = Page("chapters/intensive/replication.md", "intensive/replication")

    def notebook(**more):
        return {"cells": [prose("# A"), code("…", {"output_type": "display_data", "data": {LEDGER: payload | more}})]}

    assert entries(page, notebook()) == [made]
    with pytest.raises(BookError, match="has not passed the disclosure guard"):
        entries(page, notebook(), label="Synthetic microdata")
    assert entries(page, notebook(cleared={"guard": {}}), label="Synthetic microdata") == [made]


def test_a_sum_that_fails_is_one_line_with_its_first_numbers():
    rows = [row(str(number), verdict="differs", published=101_412.0 + number) for number in range(6)]
    text = ledger.filled(ledger.MARKS[1], rows, HOUSE)
    assert text.count("It / fits.") == 1
    assert "101,412 (1 to 2.8), 101,413 (1 to 2.8)" in text
    assert "101,415 (1 to 2.8) … |" in text
