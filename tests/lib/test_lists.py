"""Lists in words, and what a table says of itself: every list keeps its schema, and a fault in one is named."""

import csv
import io
import json
import re

import pytest
from watwerkt import codes
from watwerkt.errors import CodeError, PublishedDataError
from watwerkt.paths import data_dir
from watwerkt.published import LISTS, listed, prose, published, source, table_facts, table_key
from watwerkt.schema import load_schema

from tests.lib.reports import LISTS as LISTED
from tests.lib.reports import STUDIES, TABLES, WITH_TABLES

EVERY = [(study, name) for study, names in LISTED.items() for name in names]
FACTS = "published/personal/facts.csv"


def facts():
    return listed("personal", "facts")


# ---- what stands in them -------------------------------------------------------------------------


def test_the_lists_of_the_tests_are_those_of_the_library_and_of_the_folders():
    assert {name for _, name in EVERY} == set(LISTS)
    stand = {
        (path.parent.name, path.stem) for name in LISTS for path in (data_dir() / "published").rglob(f"{name}.csv")
    }
    assert stand == set(EVERY)


@pytest.mark.parametrize(("study", "name"), EVERY)
def test_a_list_comes_back_row_by_row_as_it_stands_in_the_file(study, name):
    with (data_dir() / "published" / study / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = listed(study, name)
    assert found.to_dict("records") == rows
    assert len(rows) >= 4
    assert set(found["study"]) == {study}


@pytest.mark.parametrize(("study", "name"), EVERY)
def test_a_list_says_in_its_schema_what_it_is_and_what_each_column_holds(study, name):
    schema = load_schema(f"schemas/{name}.json", data_dir())
    assert list(listed(study, name).columns) == [field["name"] for field in schema["fields"]]
    assert schema["title"]
    assert schema["description"].endswith(".")
    assert all(field["title"] for field in schema["fields"])


@pytest.mark.parametrize(("study", "name"), EVERY)
def test_no_text_of_a_list_has_spaces_at_its_ends_or_doubled(study, name):
    for row in listed(study, name).to_dict("records"):
        wrong = [column for column, text in row.items() if text != text.strip() or "  " in text]
        assert not wrong, (row["key"], wrong)


def test_a_date_of_a_fact_is_as_precise_as_it_says():
    lengths = {"day": 10, "month": 7, "season": 7, "year": 4, "": 0}
    for study in ("personal", "via"):
        for row in listed(study, "facts").to_dict("records"):
            assert len(row["date"]) in {lengths[row["precision"]], 4 if row["precision"] == "season" else -1}, row[
                "key"
            ]


def test_companion_studies_that_this_book_holds_are_studies_of_this_book():
    told = set(listed("via", "companions")["book_study"]) - {""}
    assert told
    assert told <= set(codes.codes("study"))


@pytest.mark.parametrize("name", ["companions", "pilots"])
def test_numbered_lists_count_from_one_without_a_gap(name):
    numbers = [int(n) for n in listed("via", name)["order" if name == "companions" else "number"]]
    assert numbers == list(range(1, len(numbers) + 1))


# ---- bad input -----------------------------------------------------------------------------------


def says(ask):
    with pytest.raises(PublishedDataError) as caught:
        ask()
    return str(caught.value)


def latin_1(data):
    data.write(FACTS, data.path(FACTS).read_bytes().replace(b"SEO", b"S\xc9O", 1))


def replace(old, new, *, name=FACTS, **options):
    return lambda data: data.change(name, lambda text: text.replace(old, new, 1), **options)


@pytest.mark.parametrize(
    ("fault", "where", "parts"),
    [
        (replace("study,key,kind", "study,key,kinds"), "row 1: ",
         ("wrong columns (unknown: kinds; missing: kind)", "allowed, in this order: study, key, kind, title")),
        (replace("study,key,", "key,study,"), "row 1: ", ("the order differs", "allowed, in this order: study, key")),
        (replace(",design,", ",desing,"), "row 2, column 'kind': ",
         ("'desing' is not allowed", "allowed: 'design', 'question', 'substudy', 'finding'")),
        (replace("personal,aim,", "personal,Aim,"), "row 3, column 'key': ",
         ("'Aim' is not allowed", "allowed: what fits the pattern [a-z][a-z0-9_]*")),
        (replace("personal,aim,", "personal,commission,"), "row 3: ",
         ("the key commission stands in row 2, too", "key must be unique")),
        (replace("personal,aim,", "persona,aim,"), "row 3, column 'study': ",
         ("'persona' is not a code in data/codes/study.csv", "allowed: intensive")),
        (replace("Who does the study", ""), "row 2, column 'title': ", ("is empty", "a value is required here")),
        (latin_1, "row 2: ", ("byte 0xc9 is not UTF-8", "save the file as UTF-8")),
        (replace("personal,aim,design", "personal,aim"), "row 3: ", ("7 values where 8 columns stand",)),
    ],
    ids=["column", "order", "enum", "pattern", "key twice", "study", "empty", "byte", "value missing"],
)  # fmt: skip
def test_a_fault_in_a_list_is_named_with_file_row_and_column(fault, where, parts, data_copy):
    fault(data_copy)
    message = says(facts)
    assert message.startswith(f"data/{FACTS}, {where}")
    assert not [part for part in parts if part not in message], message
    assert "\n  " in message


def test_a_list_whose_sidecar_is_missing_is_refused(data_copy):
    data_copy.path(FACTS).with_suffix(".json").unlink()
    message = says(facts)
    assert message.startswith(f"data/{FACTS}: its sidecar facts.json is missing.\n  ")
    assert "make data" in message


def test_a_list_changed_by_hand_is_refused_until_make_data_has_seen_it(data_copy):
    replace("Who does", "Who did", rehash=False)(data_copy)
    assert "its sidecar says" in says(facts)
    assert "run: make data" in says(facts)


def test_a_list_whose_schema_is_missing_is_refused(data_copy):
    data_copy.path("schemas/facts.json").unlink()
    assert says(facts) == f"data/{FACTS}: its schema schemas/facts.json does not exist in data/.\n  restore it"


def test_a_list_that_a_study_does_not_have_is_refused_with_those_that_it_has():
    message = says(lambda: listed("personal", "pilots"))
    assert message.startswith("data/published/personal/pilots.csv: there is no such file.\n")
    assert "facts" in message.partition("\n")[2]


@pytest.mark.parametrize("column", ["nl", "en", "definition"])
@pytest.mark.parametrize("name", ["rule", "severity", "status"])
def test_a_code_without_a_translation_or_definition_is_refused(name, column, data_copy):
    path = f"codes/{name}.csv"
    rows = list(csv.DictReader(data_copy.text(path).splitlines()))
    rows[1][column] = ""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    data_copy.write(path, text.getvalue())
    assert says(lambda: codes.codes(name)) == (
        f"data/{path}, row 3, column '{column}': is empty.\n  a value is required here"
    )


def test_a_table_that_the_data_package_lists_but_nobody_finds_is_named_with_those_that_are_there(data_copy):
    package = json.loads(data_copy.text("datapackage.json"))
    assert "published/wga/T4.2.csv" in {resource["path"] for resource in package["resources"]}
    data_copy.path("published/wga/T4.2.csv").unlink()
    message = says(lambda: published("wga", "T4.2"))
    assert message.startswith("data/published/wga/T4.2.csv: there is no such file.\n  ")
    assert "T4.1, " in message
    assert says(lambda: table_facts("wga", "T4.2")) == message


def test_a_cell_key_that_two_rows_of_a_table_share_is_refused(data_copy):
    name = "published/wga/T4.2.csv"
    key = data_copy.text(name).splitlines()[1].split(",")[2]
    other = data_copy.text(name).splitlines()[2].split(",")[2]
    data_copy.change(name, lambda text: text.replace(f",{other},", f",{key},", 1))
    assert says(lambda: published("wga", "T4.2")) == (
        f"data/{name}, row 3: the key {key} stands in row 2, too.\n  cell must be unique in a table"
    )


@pytest.mark.parametrize(
    ("old", "new", "place", "part"),
    [
        ("via,programme_start_year,", "via,pilots,", "row 3: ", "the key pilots stands in row 2, too"),
        (",repeats,source\n", ",repeats,bron\n", "row 1: ", "unknown: bron; missing: source"),
        (",8,0,count", ",8,nul,count", "row 2, column 'decimals': ", "'nul' is not a whole number"),
        (",8,0,count", ",acht,0,count", "row 2, column 'value': ", "'acht' is not a number"),
        (",8,0,count", ",,0,count", "row 2, column 'value': ", "is empty"),
        ("via,pilots,", "vai,pilots,", "row 2, column 'study': ", "'vai' is not a code in data/codes/study.csv"),
    ],
)
def test_a_fault_in_the_numbers_of_a_text_is_named(old, new, place, part, data_copy):
    replace(old, new, name="published/via/prose.csv")(data_copy)
    message = says(lambda: prose("via"))
    assert message.startswith(f"data/published/via/prose.csv, {place}")
    assert part in message


# ---- numbers of the texts, and tables ------------------------------------------------------------


@pytest.mark.parametrize("study", STUDIES)
def test_every_number_of_a_text_is_written_with_the_decimals_that_it_claims(study):
    with (data_dir() / "published" / study / "prose.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert len(row["value"].partition(".")[2]) == int(row["decimals"]), row["key"]
            assert row["study"] == study
    assert {key: one.key for key, one in prose(study).items()} == {key: key for key in prose(study)}


@pytest.mark.parametrize("study", STUDIES)
def test_dates_of_a_text_are_dates(study):
    """Units date, month, quarter and year hold numbers such as 20120723, 202008, 20213 and 2018."""
    shapes = {"date": r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])", "month": r"(19|20)\d\d(0[1-9]|1[0-2])",
              "quarter": r"(19|20)\d\d[1-4]", "year": r"(19|20)\d\d"}  # fmt: skip
    for one in prose(study).values():
        if one.unit in shapes:
            assert re.fullmatch(shapes[one.unit], f"{one.value:.0f}"), one.key


def test_a_number_of_a_text_says_whose_number_it_is_where_the_document_names_a_source():
    """The brochure of via quotes Statistics Netherlands and others; the reports give their own numbers."""
    assert {one.source for one in prose("via").values()} - {""}
    assert {one.source for one in prose("intensive").values()} == {""}


@pytest.mark.parametrize("study", WITH_TABLES)
def test_tables_come_in_the_order_of_the_report(study):
    assert list(dict.fromkeys(cell.table for cell in published(study))) == list(TABLES[study])
    assert sorted(TABLES[study], key=table_key) == list(TABLES[study])


def test_a_summary_goes_before_chapters_and_chapters_before_appendices():
    mixed = ["TII.1", "T10", "T3.10", "TI.12", "T3.9", "TS.1", "T2.1", "TI.2", "TIII.5", "T4"]
    assert sorted(mixed, key=table_key) == [
        "TS.1", "T2.1", "T3.9", "T3.10", "T4", "T10", "TI.2", "TI.12", "TII.1", "TIII.5",
    ]  # fmt: skip


@pytest.mark.parametrize("study", WITH_TABLES)
def test_a_table_says_which_study_table_and_section_it_is_and_what_its_marks_mean(study):
    for table in TABLES[study]:
        told = table_facts(study, table)
        assert (told["study"], told["table"]) == (study, table)
        assert told["section"]
        marks = {cell.stars for cell in published(study, table)} - {""}
        assert set(told.get("stars", source(study)["stars"])) >= marks, table


def test_facts_about_a_table_that_does_not_exist_are_refused():
    with pytest.raises(PublishedDataError, match=r"T9\.9\.csv: there is no such file"):
        table_facts("wga", "T9.9")


def test_an_unknown_study_has_no_tables():
    with pytest.raises(CodeError, match=r"'persona' is not a code in data/codes/study\.csv"):
        published("persona")
