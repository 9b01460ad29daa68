"""Texts and lists of the reports on their pages."""

import pytest
from watwerkt import codes, texts
from watwerkt.published import Statement, listed, prose


@pytest.mark.parametrize("study", list(codes.codes("study")))
def test_every_number_of_a_text_and_every_entry_of_a_list_stands_on_the_page(study):
    table = texts.numbers(study)
    assert list(table.data["key"]) == list(prose(study))
    html = texts.lists(study)._repr_html_()
    assert html.count("<details") == sum(len(listed(study, name)) for name in texts.present(study))


@pytest.mark.parametrize(
    ("value", "decimals", "unit", "shown"),
    [
        (20121201, 0, "date", "1 Dec 2012"),
        (202008, 0, "month", "Aug 2020"),
        (20203, 0, "quarter", "quarter 3 of 2020"),
        (2018, 0, "year", "2018"),
        (2.0, 1, "pp", "2.0 points"),
        (-962, 0, "eur", "−962 euros"),
        (51.4, 1, "pct", "51.4%"),
        (9237, 0, "count", "9,237"),
        (3, 0, "months", "3 months"),
    ],
)
def test_a_number_of_the_text_reads_with_its_unit(value, decimals, unit, shown):
    assert texts.amount(Statement("k", "s", value, decimals, unit, "1", "", "")) == shown


def test_all_eight_pilots_and_all_companion_studies_are_there():
    assert [int(n) for n in listed("via", "pilots")["number"]] == list(range(1, 9))
    companions = listed("via", "companions")
    assert set(companions["book_study"]) >= {"instruments", "intensive"}
    assert len(companions) == 8


def test_text_of_a_list_is_escaped(data_copy):
    data_copy.change("published/via/pilots.csv", lambda text: text.replace("Choice of study", "<b>Choice", 1))
    assert "&lt;b&gt;Choice" in texts.lists("via")._repr_html_()
