"""Bad input: each fault in a file of data gives one error that says what, where, found, allowed, next step."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from watwerkt import codes
from watwerkt.errors import CodeError, PublishedDataError, WatWerktError
from watwerkt.paths import data_dir
from watwerkt.published import check_corrections, corrections, prose, published
from watwerkt.schema import read, read_plain

TABLE = "published/intensive/T3.2.csv"
FIRST = "nonwestern.all.intensive.exit_benefit.6.level"  # the cell in row 2
SUPPRESSED = "nonwestern.all.intensive.reentry.level"  # the cell in row 6
CORRECTION_COLUMNS = ("study", "table", "cell", "printed", "corrected", "certainty", "reason")


def rewrite(name: str, edit: Callable[[str], str], *, rehash: bool = True):
    return lambda data: data.change(name, edit, rehash=rehash)


def cell(key: str = FIRST, **values: str):
    return lambda data: data.set_cell("T3.2", key, **values)


def replace(name: str, old: str, new: str, *, count: int = 1):
    return rewrite(name, lambda text: text.replace(old, new, count))


def repeat_row_2(text: str) -> str:
    header, first, *rest = text.splitlines(keepends=True)
    return "".join([header, first, first, *rest])


def swap_first_columns(text: str) -> str:
    return text.replace("study,table,", "table,study,", 1)


def latin_1_in_row_4(data) -> None:
    lines = data.path(TABLE).read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"Totale", b"Total\xe9")
    data.write(TABLE, b"".join(lines))


def delete(name: str):
    return lambda data: data.path(name).unlink()


CORRECTIONS = "published/corrections.csv"
KNOWN = len(read_plain(data_dir() / CORRECTIONS, CORRECTION_COLUMNS))
APPENDED = KNOWN + 2  # the row of a correction that a test adds


def correction(study: str = "intensive", table: str = "T3.2", cell: str = FIRST, printed: str = "27.8"):
    line = f"{study},{table},{cell},{printed},1,certain,For a test.\n"
    return rewrite(CORRECTIONS, lambda text: text + line)


@dataclass(frozen=True)
class Bad:
    """One fault, and what its message must say."""

    name: str
    fault: Callable
    says: tuple[str, ...]
    where: str = f"data/{TABLE}"
    ask: Callable = lambda: published("intensive", "T3.2")


BAD = [
    Bad("column_renamed", replace(TABLE, "unit,value,", "unit,waarde,"),
        ("row 1", "unknown: waarde", "missing: value", "allowed, in this order: study, table, cell, panel")),
    Bad("columns_in_another_order", rewrite(TABLE, swap_first_columns),
        ("row 1", "the order differs", "allowed, in this order: study, table")),
    Bad("file_empty", rewrite(TABLE, lambda text: ""),
        ("row 1", "missing: study, table", "allowed, in this order")),
    Bad("decimal_comma", cell(value='"27,8"'),
        ("row 2, column 'value'", "'27,8' is not a number", "use a dot as decimal sign: 27.8")),
    Bad("dutch_thousands_and_decimals", cell(value='"1.238,5"'),
        ("row 2, column 'value'", "'1.238,5' is not a number", "write digits only")),
    Bad("percent_sign_in_value", cell(value="27.8%"),
        ("row 2, column 'value'", "'27.8%' is not a number", "write digits only")),
    Bad("not_a_number", cell(value="nan"), ("row 2, column 'value'", "'nan' is not a number", "write digits only")),
    Bad("decimals_not_whole", cell(decimals="1.0"), ("row 2, column 'decimals'", "'1.0' is not a whole number")),
    Bad("decimals_out_of_range", cell(decimals="9"),
        ("row 2, column 'decimals'", "9 is out of range", "allowed: 0 to 6")),
    Bad("horizon_negative", cell(horizon_months="-6"),
        ("row 2, column 'horizon_months'", "-6 is out of range", "allowed: 0 to")),
    Bad("mark_unknown", cell(stars="****"),
        ("row 2, column 'stars'", "'****' is not allowed", "allowed: '', '*', '**'")),
    Bad("required_value_empty", cell(outcome=""), ("row 2, column 'outcome'", "is empty", "a value is required here")),
    Bad("table_id_malformed", replace(TABLE, "intensive,T3.2,", "intensive,3.2,"),
        ("row 2, column 'table'", "'3.2' is not allowed", "allowed: what fits the pattern T[0-9IVX]+")),
    Bad("key_twice", rewrite(TABLE, repeat_row_2), ("row 3", f"the key {FIRST} stands in row 2", "must be unique")),
    Bad("code_unknown", cell(population="nonwest"),
        ("row 2, column 'population'", "'nonwest'", "data/codes/population.csv", "allowed: all, nonwestern, western")),
    Bad("category_of_another_dimension", cell(category="male"),
        ("row 2, column 'category'", "'male'", "of dimension 'all'", "allowed: all")),
    Bad("study_unknown", replace(TABLE, "\nintensive,", "\nintense,"),
        ("row 2, column 'study'", "'intense' does not belong here", "allowed: 'intensive'")),
    Bad("row_of_another_table", replace(TABLE, "intensive,T3.2,", "intensive,T3.3,"),
        ("row 2, column 'table'", "'T3.3' does not belong here", "allowed: 'T3.2'")),
    Bad("printed_without_value", cell(value=""),
        ("row 2, column 'value'", "'' does not go with status 'printed'", "allowed: a number with 'printed'")),
    Bad("suppressed_with_value", cell(SUPPRESSED, value="1.2"),
        ("row 6, column 'value'", "'1.2' does not go with status 'suppressed'", "nothing with any other status")),
    Bad("status_unknown", cell(status="hidden"),
        ("row 2, column 'status'", "'hidden'", "data/codes/status.csv", "allowed: printed, suppressed")),
    Bad("byte_not_utf8", latin_1_in_row_4, ("row 4", "byte 0xe9 is not UTF-8", "save the file as UTF-8")),
    Bad("row_too_short", replace(TABLE, ",,,printed\n", ",,printed\n"),
        ("row 2", "20 values where 21 columns stand", "give every column a value")),
    Bad("row_too_long", replace(TABLE, ",,,printed\n", ",,,,printed\n"),
        ("row 2", "22 values where 21 columns stand", "quotes around a text that holds a comma")),
    Bad("quote_left_open", rewrite(TABLE, lambda text: text.rstrip("\n") + ',"open\n'),
        ("row ", "not CSV", "close every quote")),
    Bad("sidecar_missing", delete("published/intensive/T3.2.json"),
        ("its sidecar T3.2.json is missing", "write it with: make data")),
    Bad("hash_differs", rewrite(TABLE, lambda text: text.replace(",27.8,", ",27.9,"), rehash=False),
        ("its hash is ", "its sidecar says ", "data/entry", "make data")),
    Bad("sidecar_not_json", rewrite("published/intensive/T3.2.json", lambda text: text[:-5]),
        ("not JSON", "make data"), where="data/published/intensive/T3.2.json"),
    Bad("sidecar_without_title_and_hash",
        rewrite("published/intensive/T3.2.json", lambda text: text.replace('"title": "Exit', '"titel": "Exit')
                .replace('"hash":', '"hasj":')),
        ("title, hash missing", "make data"), where="data/published/intensive/T3.2.json"),
    Bad("schema_missing", delete("schemas/published.json"), ("schemas/published.json does not exist", "restore it")),
    Bad("table_missing", delete(TABLE), ("there is no such file", "tables here: ", "T3.1", "T3.3", "make data")),
    Bad("correction_of_another_value", correction(printed="27.9"),
        (f"row {APPENDED}, column 'printed'", "27.9 is not what T3.2", FIRST, "the table says: 27.8"),
        f"data/{CORRECTIONS}"),
    Bad("correction_of_a_suppressed_value", correction(cell=SUPPRESSED, printed="1.1"),
        (f"row {APPENDED}, column 'printed'", "1.1 is not what T3.2", SUPPRESSED, "the table says: suppressed"),
        f"data/{CORRECTIONS}"),
    Bad("correction_of_no_cell", correction(cell="no.such.cell"),
        (f"row {APPENDED}, column 'cell'", "'no.such.cell'", "data/published/intensive/T3.2.csv", "copy the key"),
        f"data/{CORRECTIONS}"),
    Bad("correction_in_an_unknown_study", correction(study="intense"),
        (f"row {APPENDED}, column 'study'", "'intense'", "allowed: intensive"), f"data/{CORRECTIONS}"),
    Bad("correction_certainty_unknown", replace(CORRECTIONS, ",certain,", ",sure,"),
        ("row 2, column 'certainty'", "'sure' is not allowed", "allowed: 'certain', 'likely'"), f"data/{CORRECTIONS}"),
    Bad("prose_value_with_comma", replace("published/intensive/prose.csv", ",9237,", ',"9,237",'),
        ("row 8, column 'value'", "'9,237' is not a number", "use a dot"), "data/published/intensive/prose.csv",
        lambda: prose("intensive")),
    Bad("code_list_without_english", replace("codes/arm.csv", "Totaal,All groups,", "Totaal,,"),
        ("row 4, column 'en'", "is empty", "a value is required here"), "data/codes/arm.csv",
        lambda: codes.codes("arm")),
    Bad("code_twice", replace("codes/arm.csv", "\nall,", "\nbasic,"),
        ("row 4", "the key basic stands in row 2", "code must be unique"), "data/codes/arm.csv",
        lambda: codes.codes("arm")),
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_input_is_refused_with_file_place_and_next_step(bad, data_copy):
    bad.fault(data_copy)
    with pytest.raises(WatWerktError) as caught:
        bad.ask()
    message = str(caught.value)
    assert isinstance(caught.value, PublishedDataError)
    assert message.startswith(bad.where), message
    assert not [part for part in bad.says if part not in message], message
    assert str(data_copy.root.parent) not in message, "the message shows folders of this machine"
    assert "\n  " in message, "the message does not say what to do"


def test_the_copied_data_are_accepted_as_they_are(data_copy):
    """Without this, the table above could pass because every copy is refused."""
    assert len(published("intensive")) == 765
    assert len(corrections()) == KNOWN > 0
    assert check_corrections() == []


def test_a_correction_in_a_table_that_does_not_exist_is_reported(data_copy):
    correction(table="T9.9", cell="some.cell", printed="1")(data_copy)
    (fault,) = check_corrections()
    assert fault.startswith(f"data/{CORRECTIONS}, row {APPENDED}, column 'cell'")
    assert "'some.cell' in data/published/intensive/T9.9.csv" in fault


def test_a_table_that_nobody_published_is_refused_with_the_tables_that_exist():
    with pytest.raises(
        PublishedDataError, match=r"T9\.9\.csv: there is no such file\.\n  tables here: .*T2\.4, .*TII\.7"
    ):
        published("intensive", "T9.9")


def test_an_unknown_study_is_refused_with_the_studies_that_exist():
    with pytest.raises(CodeError, match=r"'extensive' is not a code in data/codes/study\.csv\.\n  allowed: intensive"):
        published("extensive")


def test_an_unreadable_file_is_named(data_copy):
    path = data_copy.path(TABLE)
    path.unlink()
    path.mkdir()
    with pytest.raises(PublishedDataError, match=rf"^data/{TABLE}: cannot be read \("):
        published("intensive", "T3.2")


def test_rows_come_back_as_they_stand_in_the_file():
    rows, sidecar = read(data_dir() / "codes" / "arm.csv")
    assert [row["code"] for row in rows][:3] == ["basic", "intensive", "all"]
    assert rows[0]["nl"] == "Basisdienstverlening"
    assert sidecar["title"] == "Codes: arm"
