"""Reading microdata: the same data in CSV, Parquet, SPSS and Stata are the same table; a file that cannot be read is
named."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from watwerkt.errors import MicrodataError
from watwerkt.microdata.store import read_study
from watwerkt.schema import sha256

from tests.conftest import clear_caches
from tests.lib import microdata_files as files


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with files.small_study(tmp_path_factory.mktemp("small")) as path:
        yield path


def read(folder, table="persons"):
    return read_study(folder, files.STUDY)[0].tables[table]


def refusal(folder) -> str:
    with pytest.raises(MicrodataError) as caught:
        read_study(folder, files.STUDY)
    return str(caught.value)


# ---- four formats, one table ---------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=30)
people = st.fixed_dictionaries(
    {
        "person": st.integers(-(2**53), 2**53),
        "sex": st.sampled_from(["female", "male", "unknown"]),
        "population": st.sampled_from(["nonwestern", "western", "none", None]),
        "entry": st.dates(dt.date(2012, 1, 1), dt.date(2014, 12, 31)),
        "exit": st.none() | st.dates(dt.date(2015, 1, 1)),
        "interviews": st.none() | st.integers(0, 12),
        "part_time": st.none() | st.floats(0, 1),
        "wage": st.none() | st.floats(0, 200),
        "assigned": st.booleans(),
        "found_work": st.none() | st.booleans(),
        "note": st.none() | texts,
    }
)
COMPLETE = {
    "person": 0, "sex": "female", "population": "none", "entry": dt.date(2012, 2, 29), "exit": dt.date(9999, 12, 31),
    "interviews": 1, "part_time": 0.1, "wage": 0.1 + 0.2, "assigned": True, "found_work": False, "note": "NA",
}  # fmt: skip
EMPTY = COMPLETE | dict.fromkeys(["population", "exit", "interviews", "part_time", "wage", "found_work", "note"])


def as_frame(rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    days = {name: pd.to_datetime(frame[name]).astype("datetime64[us]") for name in ("entry", "exit")}
    kinds = {"person": "int64", "interviews": "Int64", "found_work": "boolean", "part_time": "float64",
             "wage": "float64", "note": "str", "population": "str"}  # fmt: skip
    return frame.assign(**days).astype(kinds)


@settings(max_examples=40)
@given(st.lists(people, max_size=6, unique_by=lambda row: row["person"]))
@example([EMPTY | {"person": 2**53}])
@example([COMPLETE | {"person": 5, "note": ' "', "wage": 5e-324}, EMPTY | {"person": 7, "note": " "}])
def test_the_same_people_in_any_format_are_the_same_table_in_values_and_types(tmp_path_factory, rows):
    rows = [COMPLETE, *(row for row in rows if row["person"] != 0)]
    frame, folder = as_frame(rows), tmp_path_factory.mktemp("formats")
    found = {}
    for ending in files.FORMATS:
        files.write_study(folder / ending, ending=ending, persons=frame, spells=files.spells(person=0, spell=[1, 2, 3]))
        found[ending] = read(folder / ending)
    notes = frame["note"].str.strip()  # no format but SPSS drops the padding of a text by itself
    expected = frame.assign(note=notes.where(notes != ""))
    for ending in files.FORMATS:
        assert_frame_equal(found[ending], expected, check_exact=True)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint64", "Int16", "object", "category"])
def test_a_whole_number_that_a_format_stores_in_another_type_stays_one(dtype, tmp_path):
    stored = files.persons(interviews=pd.Series([0, 4, 7, 12]).astype(dtype))
    found = read(files.write_study(tmp_path, ending=".parquet", persons=stored))
    assert found["interviews"].tolist() == [0, 4, 7, 12]
    assert str(found["interviews"].dtype) == "Int64"


@pytest.mark.parametrize("text", ["3", "3.0", "3e0", "3.00E+00"])
def test_a_whole_number_in_the_notation_of_another_program_stays_one(text, tmp_path):
    found = read(files.write_study(tmp_path, persons=files.persons(interviews=[text] * 4)))
    assert found["interviews"].tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_number_of_a_person_beyond_what_a_double_holds_is_not_rounded(ending, tmp_path):
    person = [900719925474099301, 2, 3, 4]
    folder = files.write_study(
        tmp_path, ending=ending, persons=files.persons(person=person), spells=files.spells(person=2, spell=[1, 2, 3])
    )
    assert read(folder)["person"].tolist() == person


def test_categories_and_dates_of_parquet_from_other_programs_are_read(tmp_path):
    frame = files.persons().astype({"sex": "category"})
    table = pa.Table.from_pandas(files.write_study(tmp_path, ending=".parquet") and frame, preserve_index=False)
    columns = {"entry": table["entry"].cast(pa.date32()), "exit": table["exit"].cast(pa.timestamp("s")),
               "note": table["note"].cast(pa.large_string())}  # fmt: skip
    for name, column in columns.items():
        table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table.replace_schema_metadata(), tmp_path / files.STUDY / "persons.parquet")
    assert_frame_equal(read(tmp_path), read(files.write_study(tmp_path / "csv")))


def test_a_person_named_by_text_keeps_it_when_a_format_holds_it_as_number(tmp_path):
    found = read(files.write_study(tmp_path, ending=".sav", persons=files.persons(note=[7.0, np.nan, 1234567.0, -3])))
    assert found["note"].fillna("").tolist() == ["7", "", "1234567", "-3"]


# ---- value labels, missing values, dates of SPSS and Stata ----------------------------------------

NUMBERED = files.persons(sex=[1, 2, 3, 1], population=[1, 2, np.nan, 3], found_work=[1, np.nan, 2, 1])
LABELLED = {
    "codes": (
        {1: "female", 2: "male", 3: "unknown"},
        {1: "none", 2: "nonwestern", 3: "western"},
        {1: "true", 2: "false"},
    ),
    "Dutch": (
        {1: "Vrouwen", 2: "MANNEN ", 3: "Onbekend"},
        {1: "Geen migratieachtergrond", 2: "Niet-westerse migratieachtergrond", 3: "Westerse migratieachtergrond"},
        {1: "Ja", 2: "Nee"},
    ),
    "English": (
        {1: "Women", 2: "men", 3: "Sex unknown"},
        {1: "No migration background", 2: "Non-western background", 3: "Western background"},
        {1: "yes", 2: "no"},
    ),
}


@pytest.mark.parametrize("ending", [".sav", ".dta"])
@pytest.mark.parametrize("language", LABELLED)
def test_numbers_with_value_labels_become_the_codes_that_the_labels_name(language, ending, tmp_path):
    labels = dict(zip(("sex", "population", "found_work"), LABELLED[language], strict=True))
    files.write_study(tmp_path, ending=ending)
    files.write(NUMBERED, tmp_path / files.STUDY / f"persons{ending}", variable_value_labels=labels)
    assert_frame_equal(read(tmp_path), read(files.write_study(tmp_path / "csv")))


def test_text_with_value_labels_becomes_the_code_that_the_label_names(tmp_path):
    files.write_study(tmp_path, ending=".sav")
    coded = files.persons(sex=["V", "M", "?", "V"])
    labels = {"sex": {"V": "Vrouwen", "M": "Mannen", "?": "Onbekend"}}
    files.write(coded, tmp_path / files.STUDY / "persons.sav", variable_value_labels=labels)
    assert read(tmp_path)["sex"].tolist() == ["female", "male", "unknown", "female"]


@pytest.mark.parametrize("text", ["Vrouwen", "FEMALE", "women"])
def test_a_label_in_a_csv_becomes_its_code(text, tmp_path):
    assert read(files.write_study(tmp_path, persons=files.persons(sex=text)))["sex"].tolist() == ["female"] * 4


@pytest.mark.parametrize("ending", [".sav", ".dta"])
@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({1: "Vrouwen", 2: "Mannen", 3: "Divers"}, "'3' (labelled 'Divers') is not a code or label of sex"),
        ({1: "Vrouwen", 2: "Mannen"}, "'3' is not a code or label of sex in data/codes/category.csv"),
    ],
)
def test_a_value_whose_label_no_list_knows_is_refused_with_those_allowed(labels, says, ending, tmp_path):
    files.write_study(tmp_path, ending=ending)
    files.write(files.persons(sex=[1, 2, 3, 1]), tmp_path / files.STUDY / f"persons{ending}",
                variable_value_labels={"sex": labels})  # fmt: skip
    assert refusal(tmp_path) == (
        f"intensive/persons{ending}, row 3, column 'sex': {says}"
        f"{'' if 'Divers' not in says else ' in data/codes/category.csv'}.\n"
        "  allowed: female (Vrouwen / Women), male (Mannen / Men), unknown (Onbekend / Sex unknown)"
    )


def test_a_label_that_two_codes_share_names_neither(tmp_path, small):
    listed = small.parents[2] / "codes" / "category.csv"
    before = listed.read_bytes()
    sidecar = listed.with_suffix(".json")
    facts = sidecar.read_bytes()
    listed.write_bytes(before.replace(b"sex,male,Mannen,Men,", b"sex,male,Vrouwen,Men,"))
    old, new = (sha256(raw).encode() for raw in (before, listed.read_bytes()))
    sidecar.write_bytes(facts.replace(old, new))
    clear_caches()
    try:
        assert "'Vrouwen' is not a code or label" in refusal(
            files.write_study(tmp_path, persons=files.persons(sex="Vrouwen"))
        )
    finally:
        listed.write_bytes(before)
        sidecar.write_bytes(facts)
        clear_caches()


def test_values_that_spss_declares_missing_are_missing(tmp_path):
    files.write_study(tmp_path, ending=".sav")
    coded = files.persons(
        interviews=[0, 4, 99, 12], wage=[12.35, -8, 20.0, 0.1 + 0.2], note=["é", "?", "a, b; c", 'say "so"']
    )
    missing = {"interviews": [99], "wage": [{"lo": -9, "hi": -1}], "note": ["?"]}
    files.write(coded, tmp_path / files.STUDY / "persons.sav", missing_ranges=missing)
    assert_frame_equal(read(tmp_path), read(files.write_study(tmp_path / "csv")))


def test_values_that_stata_declares_missing_are_missing(tmp_path):
    files.write_study(tmp_path, ending=".dta")
    path = tmp_path / files.STUDY / "spells.dta"
    pyreadstat.write_dta(pd.DataFrame({"person": [1, 1, 4], "spell": [1, 2, 1], "days": [30.0, "a", 400.0]}), str(path),
                         missing_user_values={"days": ["a"]})  # fmt: skip
    assert read(tmp_path, "spells")["days"].isna().tolist() == [False, True, False]


def test_a_number_with_a_value_label_is_told_since_it_may_stand_for_a_missing_value(tmp_path):
    files.write_study(tmp_path, ending=".sav")
    files.write(files.persons(interviews=[0, 4, 9, 9]), tmp_path / files.STUDY / "persons.sav",
                variable_value_labels={"interviews": {9: "weet niet", 8: "weigert"}})  # fmt: skip
    assert read_study(tmp_path, files.STUDY)[0].warnings == (
        "intensive/persons.sav, column 'interviews': values with a label count as numbers: 9 (weet niet). "
        "If they stand for missing values, declare them so in the file.",
    )


# ---- CSV -----------------------------------------------------------------------------------------

HEADER = "person,spell,days\n"


def spells_csv(folder, raw):
    files.write_study(folder)
    path = folder / files.STUDY / "spells.csv"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return folder


@pytest.mark.parametrize(
    "raw",
    [
        b"person;spell;days\r\n1;1;30\r\n1;2;12.5\r\n",
        b"\xef\xbb\xbfperson,spell,days\n1,1,30\n1,2,12.5",
        b'"days","person","spell"\n"30"," 1 ","1"\n12.5,1,2\n\n\n',
        b"person,spell,days\r1,1,30\r1,2,12.5\r",
    ],
)
def test_a_csv_of_another_program_is_read(raw, tmp_path):
    found = read(spells_csv(tmp_path, raw), "spells")
    assert found.to_dict("list") == {"person": [1, 1], "spell": [1, 2], "days": [30.0, 12.5]}


UNREADABLE = {
    "tabs for commas": (
        "person\tspell\tdays\n1\t1\t30\n",
        "row 1: columns are separated by tabs.\n  separate them by commas",
    ),
    "bars for commas": ("person|spell|days\n1|1|30\n", "row 1: columns are separated by bars"),
    "decimal commas": (
        "person;spell;days\n1;1;30\n1;2;12,5\n",
        "row 3, column 'days': '12,5' is not a number.\n  use a dot as decimal sign: 12.5",
    ),
    "decimal commas and thousands": (
        "person;spell;days\n1;1;1.012,5\n",
        "row 2, column 'days': '1.012,5' is not a number.\n  use a dot as decimal sign: 1012.5",
    ),
    "decimal commas between commas": (
        HEADER + "1,1,30\n1,2,12,5\n",
        "row 3: 4 values where 3 columns stand.\n  give every column one",
    ),
    "a row too short": (HEADER + "1,1,30\n1,2\n", "row 3: 2 values where 3 columns stand"),
    "an empty row": (HEADER + "1,1,30\n\n1,2,5\n", "spells.csv, row 3, column 'person': is empty"),
    "a quote left open in the last column": (
        HEADER + '1,1,"30\n1,2,5\n',
        "row 2: a quote is opened and not closed on its row",
    ),
    "a quote left open in the first column": (HEADER + '"1,1,30\n1,2,5\n', "row 2: "),
    "a quote left open before another": (HEADER + '1,1,"30\n1,2,5"\n4,1,2\n', "row 2: a quote is opened"),
    "a column that stands twice": ("person,spell,days,days\n1,1,30,30\n", "row 1: 'days' stands twice"),
    "latin-1": (
        HEADER.encode() + b"1,1,30\n1,2,\xe9\n",
        "row 3: byte 0xe9 is not UTF-8.\n  save the file as CSV in UTF-8",
    ),
    "utf-16": ((HEADER + "1,1,30\n").encode("utf-16"), "is text in UTF-16, not CSV"),
    "an Excel file": (b"PK\x03\x04" + b"\0" * 40, "is an Excel or zip file, not CSV"),
    "zero bytes": (HEADER.encode() + b"1,1,\0\n", "holds zero bytes"),
    "nothing at all": (b"", "columns missing: person, spell, days.\n  found: none"),
    "a header alone": (HEADER, "holds no rows"),
    "no header": ("1,1,30\n1,2,5\n", "row 1: '1' stands twice"),
}


@pytest.mark.parametrize("fault", UNREADABLE)
def test_a_csv_that_cannot_be_read_is_refused_with_row_and_remedy(fault, tmp_path):
    raw, says = UNREADABLE[fault]
    told = refusal(spells_csv(tmp_path, raw))
    assert "intensive/spells.csv" in told
    assert says in told
    assert "\n  " in told


# ---- other formats -------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".parquet", ".sav", ".dta"])
@pytest.mark.parametrize("damage", ["cut", "text"])
def test_a_damaged_file_is_named_with_its_format(ending, damage, tmp_path):
    path = files.write_study(tmp_path, ending=ending) / files.STUDY / f"persons{ending}"
    path.write_bytes(b"person,sex\n1,female\n" if damage == "text" else path.read_bytes()[:-40])
    told = refusal(tmp_path)
    kind = {".parquet": "Parquet", ".sav": "SPSS", ".dta": "Stata"}[ending]
    assert told.startswith(f"intensive/persons{ending}: cannot be read as {kind} (")
    assert "anew" in told


def test_spss_text_that_is_not_in_its_encoding_is_named(tmp_path):
    path = files.write_study(tmp_path, ending=".sav") / files.STUDY / "persons.sav"
    raw = path.read_bytes()
    path.write_bytes(raw.replace("é".encode(), b"\xff\xfe"))
    assert raw != path.read_bytes()
    assert refusal(tmp_path).startswith("intensive/persons.sav: cannot be read as SPSS (Unable to convert string")


def test_a_date_after_all_dates_is_named(tmp_path):
    path = files.write_study(tmp_path, ending=".sav") / files.STUDY / "persons.sav"
    days = {"entry": 13_569_206_400.0, "exit": 1e12}
    pyreadstat.write_sav(files.persons(**days), str(path), variable_format={"entry": "DATE11", "exit": "DATE11"})
    assert refusal(tmp_path) == (
        "intensive/persons.sav: holds a date after the year 9999.\n  mend the date, or declare it missing"
    )


DAYS = {
    "a number in SPSS": (".sav", [20130415.0] * 4, "  give the column the type of a date"),
    "a time of day": (
        ".parquet",
        pd.to_datetime(["2013-01-01 09:30"] * 4),
        "is not a date (4 rows: 1, 2, 3, 4).\n  write a day without time",
    ),
    "a time zone": (
        ".parquet",
        pd.to_datetime(["2013-01-01"] * 4).tz_localize("UTC"),
        "a day without time of day and without",
    ),
    "day first": (".csv", ["15-04-2013"] * 4, "\n  write dates as year-month-day: 2013-04-15"),
    "a day that does not exist": (".csv", ["2013-02-30"] * 4, "'2013-02-30' is not a date"),
    "a week": (".csv", ["2013-W07-1"] * 4, "'2013-W07-1' is not a date"),
}


@pytest.mark.parametrize("fault", DAYS)
def test_what_is_no_day_is_refused_with_the_way_to_write_one(fault, tmp_path):
    ending, entry, says = DAYS[fault]
    files.write_study(tmp_path, ending=ending)
    frame = files.persons(entry=entry)
    files.write(frame.assign(entry=frame["entry"].astype(str)) if ending == ".csv" else frame,
                tmp_path / files.STUDY / f"persons{ending}")  # fmt: skip
    told = refusal(tmp_path)
    assert told.startswith(f"intensive/persons{ending}, row {2 if ending == '.csv' else 1}, column 'entry': ")
    assert says in told
    assert "(4 rows: " in told


def test_only_the_wanted_columns_of_a_wide_file_are_read_and_the_others_told(tmp_path):
    for ending in files.FORMATS:
        wide = files.persons(v1=1.0, v2="x")
        found, _ = read_study(files.write_study(tmp_path / ending, ending=ending, persons=wide), files.STUDY)
        assert_frame_equal(found.tables["persons"], read(files.write_study(tmp_path / f"{ending}-as-asked")))
        assert found.warnings == (
            f"intensive/persons{ending}: columns that the schema does not know were left out: v1, v2.",
        )
