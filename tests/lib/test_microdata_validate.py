"""Microdata that do not fit: each kind of fault is named with file, row, column, what was found and what is allowed."""

import copy

import numpy as np
import pandas as pd
import pytest
from watwerkt.errors import MicrodataError
from watwerkt.microdata.store import read_study

from tests.lib import microdata_files as files


@pytest.fixture(autouse=True)
def small(tmp_path_factory):
    with files.small_study(tmp_path_factory.mktemp("small")) as path:
        yield path


def told(folder, **tables) -> str:
    """What is said of the small study with these tables in place of those that fit."""
    with pytest.raises(MicrodataError) as caught:
        read_study(files.write_study(folder, **tables), files.STUDY)
    return str(caught.value)


def warnings(folder, **tables) -> tuple[str, ...]:
    return read_study(files.write_study(folder, **tables), files.STUDY)[0].warnings


def people(**columns):
    return {"persons": files.persons(**columns)}


def spells(**columns):
    return {"spells": files.spells(**columns)}


FAULTS = {
    "a missing column": (
        {"persons": files.persons().drop(columns=["sex", "note"])},
        "persons.csv: columns missing: sex, note.\n  found: person, population, entry, exit, interviews",
    ),
    "a column in other letters": (
        {"persons": files.persons().rename(columns={"part_time": "Part_Time"})},
        "persons.csv: column missing: part_time.\n  rename 'Part_Time' to 'part_time'",
    ),
    "a column nearly right": (
        {"persons": files.persons().rename(columns={"interviews": "interview"})},
        "persons.csv: column missing: interviews.\n  rename 'interview' to 'interviews'",
    ),
    "no value in a required column": (
        people(sex=None),
        "persons.csv, column 'sex': no value in any of 4 rows.\n  a value is required in every row",
    ),
    "no value in a column that may miss some": (
        people(wage=None),
        "persons.csv, column 'wage': no value in any of 4 rows.\n  fill it; see whether the export went wrong",
    ),
    "a missing value": (
        people(sex=["female", None, "male", None]),
        "persons.csv, row 3, column 'sex': is empty (2 rows: 3, 5).\n  a value is required in every row",
    ),
    "a missing key": (
        {"spells": files.spells(person=[1, None, 4])},
        "spells.csv, row 3, column 'person': is empty.\n  a value is required in every row",
    ),
    "an unknown code": (
        people(sex=["female", "vrouw", "x", "vrouw"]),
        "persons.csv, row 3, column 'sex': 'vrouw' is not a code or label of sex in data/codes/category.csv "
        "(3 rows: 3, 4, 5; also 'x').\n  allowed: female (Vrouwen / Women), male (Mannen / Men), unknown (Onbekend",
    ),
    "a code that the list knows, but not this column": (
        people(population=["none", "nonwestern", "respondents", "western"]),
        "persons.csv, row 4, column 'population': 'respondents' is not a code or label in data/codes/population.csv.\n"
        "  allowed: nonwestern (Niet-westerse migratieachtergrond / Non-western background), western (",
    ),
    "text for a number": (
        people(wage=["12.35", "", "veel", "7"]),
        "persons.csv, row 4, column 'wage': 'veel' is not a number.\n  write digits, and a dot as decimal sign: 12.5",
    ),
    "a word for a missing value": (
        people(wage=["12.35", "NA", "8", "7"]),
        "persons.csv, row 3, column 'wage': 'NA' is not a number.\n  leave a missing value empty",
    ),
    "a part of a whole number": (
        people(interviews=[0, 4, 2.5, 1]),
        "persons.csv, row 4, column 'interviews': '2.5' is not a whole number.\n  write digits only: 1238",
    ),
    "a number without end": (
        people(wage=["1e999", "1", "2", "3"]),
        "persons.csv, row 2, column 'wage': '1e999' is not a number",
    ),
    "a whole number too large to hold": (
        people(person=["1", "2", "3", "4" * 20]),
        f"persons.csv, row 5, column 'person': '{'4' * 20}' is not a whole number",
    ),
    "neither true nor false": (
        people(assigned=["true", "false", "2", "perhaps"]),
        "persons.csv, row 4, column 'assigned': '2' is not true or false (2 rows: 4, 5; also 'perhaps').\n"
        "  allowed: true or false, 1 or 0, yes or no, ja or nee",
    ),
    "a value below the range": (
        people(wage=[12.35, -1, 20, -2]),
        "persons.csv, row 3, column 'wage': -1 is out of range (2 rows: 3, 5).\n  allowed: 0 to 200 (euros per hour)",
    ),
    "a date before the experiment": (
        people(entry=pd.to_datetime(["2012-05-01", "2013-01-15", "1900-01-01", "2012-02-29"])),
        "persons.csv, row 4, column 'entry': 1900-01-01 is out of range.\n  allowed: 2012-01-01 to 2014-12-31",
    ),
    "exit before entry": (
        people(exit=pd.to_datetime(["2012-05-01", None, "2016-02-29", "2011-07-01"])),
        "persons.csv, row 5: the benefit ends before it begins: entry 2012-02-29, exit 2011-07-01.\n"
        "  the rule exit_after_entry asks: entry <= exit",
    ),
    "a person who stands twice": (
        people(person=[1, 2, 2, 4]),
        "persons.csv, row 3, column 'person': person 2 stands more than once (2 rows: 3, 4).\n"
        "  person must be unique: one row per person",
    ),
    "a key of two columns that stands twice": (
        spells(spell=[2, 2, 1]),
        "spells.csv, row 2, column 'person, spell': person 1, spell 2 stands more than once (2 rows: 2, 3).\n"
        "  person + spell must be unique: one row per person and spell",
    ),
    "spells of nobody": (
        spells(person=[1, 8, 9]),
        "spells.csv, row 3, column 'person': person 8 is not in intensive/persons.csv (2 rows: 3, 4).\n"
        "  every person must stand in persons",
    ),
    "a table without rows": (
        {"spells": files.spells().head(0)},
        "spells.csv: holds no rows.\n  write one row per record below the header",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_microdata_that_do_not_fit_are_refused_with_place_and_remedy(fault, tmp_path):
    tables, says = FAULTS[fault]
    found = told(tmp_path, **tables)
    assert found.startswith(f"{files.STUDY}/{says}"), found


# ---- units ---------------------------------------------------------------------------------------

UNITS = {
    "percentages for fractions": (
        people(part_time=[50, None, 100, 62.5]), "part_time': 50 is out of range (3 rows: 2, 4, 5)",
        "\n  most values look like percentages: divide by 100"),
    "wages per month for wages per hour": (
        people(wage=[2500.0, None, 1900, 3100]), "wage': 2500 is out of range (3 rows: 2, 4, 5)",
        "\n  most values look like euros per month: divide by the hours worked per month"),
}  # fmt: skip


@pytest.mark.parametrize("fault", UNITS)
def test_a_wrong_unit_is_guessed_from_most_values(fault, tmp_path):
    tables, says, hint = UNITS[fault]
    found = told(tmp_path, **tables)
    assert says in found
    assert found.endswith(hint)


@pytest.mark.parametrize(
    "columns",
    [{"part_time": [0.5, 0.2, 1.0, 62.5]}, {"part_time": [5e6, 5e6, 5e6, 0.1]}, {"part_time": [-50, -60, -70, 0.1]}],
)
def test_a_single_wild_value_or_one_that_fits_no_unit_is_not_taken_for_another_unit(columns, tmp_path):
    assert "look like" not in told(tmp_path, **people(**columns))


@pytest.mark.parametrize(("top", "warned"), [(1.0, True), (1.5, False)])
def test_fractions_where_percentages_are_due_are_warned_of(top, warned, tmp_path, small):
    schema = copy.deepcopy(files.SCHEMA)
    schema["tables"]["spells"]["fields"][2] |= {"unit": "pct", "constraints": {"minimum": 0, "maximum": 100}}
    files.use(schema, small)
    many = pd.DataFrame({"person": 1, "spell": range(20), "days": np.linspace(0, top, 20)})
    said = (
        "intensive/spells.csv, column 'days': every value lies between 0 and 1 (%). "
        "If they are fractions, multiply them by 100."
    )
    assert warnings(tmp_path, spells=many) == ((said,) if warned else ())


# ---- several at once -----------------------------------------------------------------------------


def test_all_problems_of_all_tables_are_told_at_once_each_on_lines_of_its_own(tmp_path):
    found = told(
        tmp_path, persons=files.persons(sex="x", wage=-1.0, person=[1, 1, 3, 4]), spells=files.spells(days="a")
    )
    lines = found.splitlines()
    assert lines[0] == "microdata of intensive: 4 problems."
    assert [line.split(": ")[0] for line in lines[1::2]] == [
        "  intensive/persons.csv, row 2, column 'sex'",
        "  intensive/persons.csv, row 2, column 'wage'",
        "  intensive/persons.csv, row 2, column 'person'",
        "  intensive/spells.csv, row 2, column 'days'",
    ]
    assert all(line.startswith("    ") for line in lines[2::2])


def test_a_file_that_cannot_be_read_does_not_hide_what_is_wrong_with_the_others(tmp_path):
    files.write_study(tmp_path, persons=files.persons(sex="x"))
    (tmp_path / files.STUDY / "spells.csv").write_bytes(b"person,spell,days\n1,\xe9,2\n")
    with pytest.raises(MicrodataError, match=r"2 problems") as caught:
        read_study(tmp_path, files.STUDY)
    assert "spells.csv, row 2: byte 0xe9" in str(caught.value)
    assert "persons.csv, row 2, column 'sex': 'x' is not a code" in str(caught.value)


def test_a_fault_in_a_key_is_not_told_again_as_persons_who_are_missing(tmp_path):
    found = told(tmp_path, persons=files.persons(person=["one", "2", "3", "4"]))
    assert found.startswith("intensive/persons.csv, row 2, column 'person': 'one' is not a whole number")


def test_a_row_in_which_a_side_of_a_rule_is_missing_keeps_the_rule(tmp_path):
    later = pd.to_datetime([None, None, "2016-02-29", None])
    assert warnings(tmp_path, persons=files.persons(exit=later)) == ()


def test_no_more_than_twenty_problems_are_shown_and_the_rest_counted(tmp_path, small):
    schema = copy.deepcopy(files.SCHEMA)
    schema["tables"]["spells"]["fields"] += [files.field(f"x{n}", "integer") for n in range(25)]
    files.use(schema, small)
    found = told(tmp_path, spells=files.spells(**{f"x{n}": "a" for n in range(25)}))
    assert found.startswith("microdata of intensive: 25 problems.")
    assert found.count("is not a whole number") == 20
    assert found.endswith("\n  … and 5 more; mend these first")


def test_only_the_first_rows_are_listed_and_all_are_counted(tmp_path):
    many = pd.concat([files.persons(wage=-1.0)] * 500).assign(person=range(2000))
    assert "-1 is out of range (2,000 rows: 2, 3, 4, 5, 6, …).\n" in told(tmp_path, persons=many)


def test_rows_are_counted_from_the_first_record_where_a_format_has_no_header(tmp_path):
    for ending, row in ((".csv", 4), (".parquet", 3), (".sav", 3), (".dta", 3)):
        found = files.write_study(tmp_path / ending, ending=ending, persons=files.persons(wage=[1.0, 2, -3, 4]))
        with pytest.raises(MicrodataError, match=rf"persons\{ending}, row {row}, column 'wage': -3 is out of range"):
            read_study(found, files.STUDY)


def test_a_value_that_must_be_unique_or_of_a_list_is_held_to_it(tmp_path, small):
    schema = copy.deepcopy(files.SCHEMA)
    schema["tables"]["spells"]["fields"] += [
        files.field("form", "integer", constraints={"enum": [1, 2]}),
        files.field("number", "string", constraints={"unique": True}),
    ]
    files.use(schema, small)
    found = told(tmp_path, spells=files.spells(form=[1, 3, None], number=["a", None, "a"]))
    assert "row 3, column 'form': 3 is not allowed.\n    allowed: 1, 2" in found
    assert "row 2, column 'number': number 'a' stands more than once (2 rows: 2, 4)" in found
    assert warnings(tmp_path / "fits", spells=files.spells(form=[1, 2, None], number=["a", None, None])) == ()


def test_a_reference_that_is_missing_refers_to_nobody_and_is_no_fault(tmp_path, small):
    schema = copy.deepcopy(files.SCHEMA)
    schema["tables"]["spells"]["fields"].append(files.field("partner", "integer"))
    keys = schema["tables"]["spells"]["foreignKeys"]
    keys.append({"fields": ["partner"], "reference": {"table": "persons", "fields": ["person"]}})
    files.use(schema, small)
    assert warnings(tmp_path / "fits", spells=files.spells(partner=[2, None, 1])) == ()
    assert "column 'partner': partner 9 is not in" in told(tmp_path, spells=files.spells(partner=[2, None, 9]))


def test_a_reference_of_two_columns_is_held_to_pairs_that_occur(tmp_path, small):
    schema = copy.deepcopy(files.SCHEMA)
    both = ["person", "spell"]
    key = {"fields": both, "reference": {"table": "spells", "fields": both}}
    hours = copy.deepcopy(files.SPELLS) | {"foreignKeys": [key]}
    del hours["fields"][2]
    schema["tables"]["hours"] = hours
    files.use(schema, small)
    assert warnings(tmp_path / "fits", hours=pd.DataFrame({"person": [1, 4], "spell": [2, 1]})) == ()
    found = told(tmp_path, hours=pd.DataFrame({"person": [1, 4], "spell": [2, 2]}))
    assert "row 3, column 'person, spell': person 4, spell 2 is not in intensive/spells.csv" in found
