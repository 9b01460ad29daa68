"""Data entry: two passes that agree on every cell, in every part of every study, and on every number of the texts."""

import csv

import pytest
import yaml
from watwerkt import codes, entry
from watwerkt.errors import PublishedDataError
from watwerkt.paths import data_dir

from tests.lib.reports import STUDIES, TABLES, WITH_TABLES

FOLDER = "entry/intensive"
PASSES = (f"{FOLDER}/first.csv", f"{FOLDER}/second.csv")


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def folder(study):
    return data_dir() / "entry" / study


# ---- parts ---------------------------------------------------------------------------------------

PARTS = [part for study in WITH_TABLES for part in entry.parts(folder(study))]


def test_the_studies_in_the_tests_are_those_of_the_code_list():
    assert set(codes.codes("study")) == set(STUDIES)


@pytest.mark.parametrize("study", STUDIES)
def test_the_parts_of_a_study_describe_all_its_tables_and_each_once(study):
    described = [table for part in entry.parts(folder(study)) for table in entry.read_coding(part)]
    assert sorted(described) == sorted(TABLES[study])


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.relative_to(data_dir() / "entry").as_posix())
def test_the_two_entries_agree_on_every_cell_that_the_coding_expects(part):
    count, differences = entry.compare(part)
    assert differences == []
    assert count == len(rows(part / "first.csv")) == len(rows(part / "second.csv")) > 100


def test_every_folder_with_a_pass_is_a_part():
    """A part whose coding.yml got lost would drop out without a word."""
    typed = {path.parent for name in ("first.csv", "second.csv") for path in (data_dir() / "entry").rglob(name)}
    assert typed == set(PARTS)


@pytest.mark.parametrize("study", STUDIES)
def test_what_was_entered_twice_is_counted_over_all_parts_and_published_as_counted(study):
    twice = entry.entered(folder(study))
    tables = [rows(data_dir() / "published" / study / f"{table}.csv") for table in TABLES[study]]
    assert (twice.tables, twice.numbers) == (len(TABLES[study]), sum(map(len, tables)))
    assert twice.cells == sum(len(rows(part / "first.csv")) for part in entry.parts(folder(study)))
    assert twice.statements == len(rows(folder(study) / "prose.csv"))
    assert twice.differences == 0


def test_a_part_elsewhere_in_the_folder_of_a_study_is_found(data_copy):
    data_copy.path("entry/via/pilots").mkdir()
    data_copy.path("entry/via/pilots/coding.yml").write_text("{}", encoding="utf-8")
    assert entry.parts(data_copy.path("entry/via")) == [data_copy.path("entry/via/pilots")]


# ---- what the coding expects ---------------------------------------------------------------------

CODING = """
T9.1:
  cells: bracketed
  bracket: {statistic: se}
  codes: {population: all, unit: pct}
  panels:
    Vrouwen:
      codes: {category: female, unit: pp}
      rows:
        Baan: {outcome: job, cells: number}
    Mannen: {category: male}
  rows:
    Uitkering: {outcome: exit_benefit}
  columns:
    Experimentgroep: {arm: experiment}
    Verschil: {unit: eur, statistic: effect}
  blank:
    - {panel: Mannen, columns: [Verschil]}
"""


def test_rows_may_stand_in_a_panel_or_in_the_table_and_blank_cells_are_not_expected():
    expected = list(entry.places(yaml.safe_load(CODING)))
    assert [place.key for place in expected] == [
        ("T9.1", "Vrouwen", "Baan", "Experimentgroep"),
        ("T9.1", "Vrouwen", "Baan", "Verschil"),
        ("T9.1", "Mannen", "Uitkering", "Experimentgroep"),
    ]


def test_codes_of_column_row_and_panel_lie_over_those_of_the_table_in_that_order():
    baan, verschil, uitkering = (place.codes for place in entry.places(yaml.safe_load(CODING)))
    assert (baan["unit"], verschil["unit"], uitkering["unit"]) == ("pp", "eur", "pct")
    assert (baan["category"], uitkering["category"]) == ("female", "male")
    assert (baan["population"], uitkering["outcome"]) == ("all", "exit_benefit")


def test_how_a_cell_reads_can_be_said_of_the_table_and_otherwise_of_one_row():
    kinds = [place.codes["cells"] for place in entry.places(yaml.safe_load(CODING))]
    assert kinds == ["number", "number", "bracketed"]


# ---- the two passes ------------------------------------------------------------------------------


def test_a_number_typed_differently_in_one_pass_is_found(data_copy):
    data_copy.change(PASSES[1], lambda text: text.replace('"27,8%"', '"28,7%"', 1))
    count, (difference,) = entry.compare(data_copy.path("entry/intensive"))
    assert count == 685
    assert (difference.first, difference.second) == ("27,8%", "28,7%")
    assert str(difference).endswith("I-dvl / 6 maanden: first '27,8%', second '28,7%'")
    with pytest.raises(PublishedDataError) as caught:
        entry.tidy(data_copy.path("entry/intensive"), "intensive")
    message = str(caught.value)
    assert message.startswith("data/entry/intensive: the two entries differ in 1 of 685 cells.\n  T3.2 / Totale")
    assert message.endswith("settle each against the printed report, in both files")


@pytest.mark.parametrize("passes", [PASSES[:1], PASSES[1:], PASSES])
def test_a_cell_that_a_pass_or_both_passes_lack_is_found(passes, data_copy):
    for name in passes:
        data_copy.change(name, lambda text: text.replace("T2.4,,Totaal,Onbekend,14\n", ""))
    _, (difference,) = entry.compare(data_copy.path("entry/intensive"))
    assert difference.place == ("T2.4", "", "Totaal", "Onbekend")


def test_a_cell_that_both_passes_type_but_the_coding_does_not_know_is_not_lost(data_copy):
    for name in PASSES:
        data_copy.change(name, lambda text: text + "T2.4,,Totaal,Nieuwe kolom,7\n")
    _, (difference,) = entry.compare(data_copy.path("entry/intensive"))
    assert str(difference) == "T2.4 / Totaal / Nieuwe kolom: first '7', second '7' (coding.yml knows no such cell)"


def test_a_cell_entered_twice_is_refused(data_copy):
    data_copy.change(PASSES[0], lambda text: text + "T2.4,,Totaal,Onbekend,15\n")
    with pytest.raises(
        PublishedDataError, match=r"first\.csv, row 687: T2\.4 / Totaal / Onbekend is entered twice\.\n  keep one"
    ):
        entry.compare(data_copy.path("entry/intensive"))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda raw: raw.replace(b"printed", b"gedrukt", 1), "row 1: wrong columns (unknown: gedrukt"),
        (lambda raw: raw.replace(b"Totaal", b"Tot\xe9al", 1), "row 2: byte 0xe9 is not UTF-8"),
        (lambda raw: raw.replace(b",4.617", b",4,617", 1), "row 2: 6 values where 5 columns stand"),
    ],
    ids=["column", "byte", "decimal comma without quotes"],
)
def test_a_damaged_pass_is_refused_with_file_and_row(fault, says, data_copy):
    data_copy.write(PASSES[0], fault(data_copy.path(PASSES[0]).read_bytes()))
    with pytest.raises(PublishedDataError) as caught:
        entry.compare(data_copy.path("entry/intensive"))
    assert str(caught.value).startswith(f"data/{PASSES[0]}, {says}")


def test_a_missing_pass_is_named(data_copy):
    data_copy.path(PASSES[1]).unlink()
    with pytest.raises(PublishedDataError, match=rf"^data/{PASSES[1]}: cannot be read"):
        entry.compare(data_copy.path("entry/intensive"))


def test_a_coding_that_is_not_yaml_is_refused(data_copy):
    data_copy.change("entry/intensive/coding.yml", lambda text: text + "\n  - {: oops")
    with pytest.raises(PublishedDataError, match=r"^data/entry/intensive/coding\.yml: cannot be read as YAML"):
        entry.compare(data_copy.path("entry/intensive"))


def test_a_count_that_cannot_be_read_is_refused_with_its_place(data_copy):
    for name in PASSES:
        data_copy.change(name, lambda text: text.replace("758 (39%)", "758 [39%]"))
    with pytest.raises(PublishedDataError, match=r"T2\.5 / Niet-westerse .* / Gesprek / Basis.*: '758 \[39%\]' is not"):
        entry.tidy(data_copy.path("entry/intensive"), "intensive")


# ---- the second reading of the numbers in the text -----------------------------------------------

FIRST, SECOND = "published/via/prose.csv", "entry/via/prose.csv"


def check(data_copy):
    return entry.check_prose(data_copy.path(FIRST), data_copy.path(SECOND))


def disagreement(data_copy):
    with pytest.raises(PublishedDataError) as caught:
        check(data_copy)
    return str(caught.value)


@pytest.mark.parametrize("study", STUDIES)
def test_both_readings_of_every_text_agree_on_every_number(study):
    first = data_dir() / "published" / study / "prose.csv"
    assert entry.check_prose(first, folder(study) / "prose.csv") == len(rows(first)) > 40


def test_a_number_of_the_text_read_differently_is_found(data_copy):
    data_copy.change(SECOND, lambda text: text.replace("pilots,8\n", "pilots,9\n"))
    assert disagreement(data_copy) == (
        f"data/{FIRST} and data/{SECOND}: the two readings differ in 1 of 69 numbers.\n"
        "  pilots: first '8', second '9'\n  settle each against the report, in both files"
    )


def test_decimals_count_because_they_say_how_much_was_rounded(data_copy):
    data_copy.change(SECOND, lambda text: text.replace("pilots,8\n", "pilots,8.0\n"))
    assert "pilots: first '8', second '8.0'" in disagreement(data_copy)


def test_a_number_that_the_second_reading_lacks_is_found(data_copy):
    data_copy.change(SECOND, lambda text: text.replace("pilots,8\n", ""))
    assert "1 of 69 numbers.\n  pilots: first '8', second None" in disagreement(data_copy)


def test_a_number_that_the_first_reading_lacks_is_found(data_copy):
    data_copy.change(SECOND, lambda text: text + "brochures,3\n")
    assert "1 of 69 numbers.\n  brochures: first None, second '3'" in disagreement(data_copy)


def test_readings_in_another_order_are_the_same(data_copy):
    def turned(text):
        head, *lines = text.splitlines(keepends=True)
        return "".join([head, *reversed(lines)])

    data_copy.change(SECOND, turned)
    assert check(data_copy) == 69


def test_every_difference_is_named_up_to_twenty_and_all_are_counted(data_copy):
    data_copy.write(SECOND, "key,value\n")
    message = disagreement(data_copy)
    assert "differ in 69 of 69 numbers" in message
    assert message.count("second None") == 20


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda raw: raw.replace(b"key,value", b"key,printed", 1), "row 1: wrong columns (unknown: printed; missing"),
        (lambda raw: raw.replace(b"pilots,8", b"pilots", 1), "row 2: 1 values where 2 columns stand"),
        (lambda raw: raw.replace(b"pilots,8", b"pil\xf6ts,8", 1), "row 2: byte 0xf6 is not UTF-8"),
    ],
    ids=["column", "no value", "byte"],
)
def test_a_damaged_second_reading_is_refused_with_file_and_row(fault, says, data_copy):
    data_copy.write(SECOND, fault(data_copy.path(SECOND).read_bytes()))
    assert disagreement(data_copy).startswith(f"data/{SECOND}, {says}")


def test_a_missing_second_reading_is_named(data_copy):
    data_copy.path(SECOND).unlink()
    assert disagreement(data_copy).startswith(f"data/{SECOND}: cannot be read")
