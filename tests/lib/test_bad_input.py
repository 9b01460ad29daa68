"""Bad input to ``make data`` and to what reads its work: named with its file, and never written over what was good."""

import pytest
from watwerkt import audit, entry, package
from watwerkt.errors import PublishedDataError, WatWerktError
from watwerkt.published import listed, prose, published, source, table_facts


def replace(name, old, new, *, count=1, **options):
    return lambda data: data.change(name, lambda text: text.replace(old, new, count), **options)


def append(name, text):
    return lambda data: data.change(name, lambda before: before + text)


def nothing(data):
    """Leave the data as they are."""


# ---- make data -----------------------------------------------------------------------------------

GROUPS = "entry/wga/groups/coding.yml"
INTENSIVE = "entry/intensive/coding.yml"
UNFIT = {
    "a setting misspelt": (
        replace(GROUPS, "marks: footnote", "mark: footnote"), f"data/{GROUPS}, T", "mark is no key of a table"),
    "a value of a setting misspelt": (
        replace(GROUPS, "marks: footnote", "marks: foot"), f"data/{GROUPS}, T", "allowed: significance, footnote"),
    "a notation misspelt": (
        replace("entry/wga/design/coding.yml", "decimal: point", "decimal: dot"), "data/entry/wga/design/coding.yml, T",
        "decimal: 'dot'.\n  allowed: comma, point"),
    "a column of codes misspelt": (
        replace(INTENSIVE, "arm: basic", "arms: basic"), f"data/{INTENSIVE}, T", "arms is no code or setting"),
    "a table without title": (
        replace(INTENSIVE, "  title: ", "  titel: "), f"data/{INTENSIVE}, T2.4", "title missing.\n  required: title"),
    "a table without columns": (
        replace(INTENSIVE, "  columns:", "  kolommen:"), f"data/{INTENSIVE}, T2.4", "columns missing"),
    "a coding without tables": (
        lambda data: data.write("entry/instruments/groups/coding.yml", ""), "data/entry/instruments/groups/coding.yml",
        "holds no table"),
    "a coding that is a list": (
        lambda data: data.write("entry/instruments/groups/coding.yml", "- T1"),
        "data/entry/instruments/groups/coding.yml", "holds no table"),
    "a coding that is not UTF-8": (
        lambda data: data.write("entry/instruments/groups/coding.yml", b"T1: \xe9"),
        "data/entry/instruments/groups/coding.yml", "cannot be read as YAML"),
    "two columns of one meaning": (
        replace(INTENSIVE, "Basisdienstverlening: {arm: basic}", "Basisdienstverlening: {arm: intensive}"),
        "data/published/intensive/T2.4.csv, row", "cell must be unique in a table"),
    "a code that no list knows": (
        replace(INTENSIVE, "arm: basic", "arm: bassic", count=-1), "data/published/intensive/T2.4.csv, row 2",
        "column 'arm': 'bassic' is not a code in data/codes/arm.csv"),
    "a list outside its enum": (
        replace("published/personal/facts.csv", ",design,", ",desing,"), "data/published/personal/facts.csv, row 2",
        "'desing' is not allowed"),
    "a list with a key twice": (
        replace("published/personal/facts.csv", "personal,aim,", "personal,commission,"),
        "data/published/personal/facts.csv, row 3", "the key commission stands in row 2"),
    "a list without schema": (
        lambda data: data.path("schemas/facts.json").unlink(), "data/published/personal/facts.csv",
        "its schema schemas/facts.json does not exist"),
    "a number of the text with a key twice": (
        replace("published/via/prose.csv", "via,programme_start_year,", "via,pilots,"),
        "data/published/via/prose.csv, row 3", "'pilots' stands twice"),
    "a second reading with a key twice": (
        replace("entry/via/prose.csv", "pilots,8\n", "pilots,9\npilots,8\n"), "data/entry/via/prose.csv, row 3",
        "'pilots' stands twice"),
    "no numbers of a text": (
        lambda data: data.path("published/via/prose.csv").unlink(), "data/published/via/prose.csv", "cannot be read"),
    "no corrections": (
        lambda data: data.path("published/corrections.csv").unlink(), "data/published/corrections.csv",
        "cannot be read"),
    "a correction without reason": (
        append("published/corrections.csv", "intensive,T3.2,some.cell,1,2,certain,\n"),
        "data/published/corrections.csv, row", "column 'reason': is empty"),
    "a code list without English": (
        replace("codes/rule.csv", "Parts and totals", ""), "data/codes/rule.csv, row 2", "column 'en': is empty"),
    "a code list with a code twice": (
        append("codes/severity.csv", "certain,a,b,C.\n"), "data/codes/severity.csv, row 5",
        "the key certain stands in row 2"),
}  # fmt: skip


@pytest.mark.parametrize("fault", UNFIT)
def test_make_data_does_not_write_what_the_library_would_refuse_to_read(fault, data_copy, capsys):
    spoil, where, says = UNFIT[fault]
    spoil(data_copy)
    before = {path: path.read_bytes() for path in data_copy.root.rglob("*") if path.is_file()}
    assert package.main() == 1
    told = capsys.readouterr().err
    assert told.startswith(f"PublishedDataError: {where}"), told
    assert says in told
    assert str(data_copy.root) not in told, "the message shows folders of this machine"
    assert {path: path.read_bytes() for path in data_copy.root.rglob("*") if path.is_file()} == before


def test_differences_between_the_two_passes_are_counted_for_readers_and_not_hidden(data_copy):
    data_copy.change("entry/intensive/second.csv", lambda text: text.replace('"27,8%"', '"28,7%"', 1))
    assert entry.entered(data_copy.path("entry/intensive")).differences == 1


# ---- what reads its work -------------------------------------------------------------------------

PROSE = "published/via/prose.csv"
READ = {
    "a table that only its sidecar remembers": (
        lambda data: data.path("published/wga/T4.2.csv").unlink(), lambda: published("wga"),
        "data/published/wga/T4.2.csv: there is no such file"),
    "rows of another study": (
        replace("published/wga/T4.2.csv", "wga,T4.2,", "via,T4.2,"), lambda: published("wga", "T4.2"),
        "data/published/wga/T4.2.csv, row 2, column 'study': 'via' does not belong here.\n  allowed: 'wga'"),
    "a list of another study": (
        replace("published/personal/facts.csv", "personal,aim,", "via,aim,"), lambda: listed("personal", "facts"),
        "data/published/personal/facts.csv, row 3, column 'study': 'via' does not belong here.\n  allowed: 'personal'"),
    "a text of another study": (
        replace(PROSE, "via,pilots", "wga,pilots"), lambda: prose("via"),
        f"data/{PROSE}, row 2, column 'study': 'wga' does not belong here"),
    "an unknown unit in a text": (
        replace(PROSE, ",8,0,count", ",8,0,cuont"), lambda: prose("via"),
        f"data/{PROSE}, row 2, column 'unit': 'cuont' is not a code in data/codes/unit.csv.\n  allowed: count"),
    "decimals that the number does not have": (
        replace(PROSE, ",8,0,count", ",8.5,0,count"), lambda: prose("via"),
        f"data/{PROSE}, row 2, column 'decimals': 8.5 has not 0.\n  write value and decimals as printed"),
    "a number that is no date": (
        nothing, lambda: prose("via")["pilots"].date,
        "pilots: its unit is 'count'.\n  only a value with the unit 'date'"),
    "a sidecar without the book's own facts": (
        replace("published/wga/T4.2.json", '"watwerkt"', '"wat"'), lambda: table_facts("wga", "T4.2"),
        "data/published/wga/T4.2.json: watwerkt missing.\n  write it anew with: make data"),
    "a schema that is no JSON": (
        lambda data: data.write("schemas/facts.json", "{"), lambda: listed("personal", "facts"),
        "data/schemas/facts.json: not JSON"),
    "a study without source": (
        replace("sources.json", '"via"', '"vai"'), lambda: source("via"),
        "data/sources.json: says nothing of 'via'.\n  add its title, authors and date"),
    "sources that are no JSON": (
        lambda data: data.write("sources.json", "{"), lambda: source("via"), "data/sources.json: not JSON"),
    "a list that is no list": (
        nothing, lambda: listed("intensive", "T3.2"), "there is no list 'T3.2'.\n  lists: facts, pilots"),
}  # fmt: skip


@pytest.mark.parametrize("fault", READ)
def test_a_fault_in_published_data_is_named(fault, data_copy):
    spoil, ask, says = READ[fault]
    spoil(data_copy)
    with pytest.raises(WatWerktError) as caught:
        ask()
    assert isinstance(caught.value, PublishedDataError)
    assert str(caught.value).startswith(says)
    assert "\n  " in str(caught.value)


def test_a_table_that_is_missing_is_named_with_the_next_step():
    with pytest.raises(PublishedDataError, match=r"tables here: T2\.1, .*\n  .*make data"):
        published("wga", "T9.9")


@pytest.mark.parametrize("name", ["published/personal/facts", "codes/rule"])
def test_a_missing_sidecar_of_a_list_is_not_sought_in_the_coding_of_tables(name, data_copy):
    data_copy.path(f"{name}.json").unlink()
    with pytest.raises(PublishedDataError, match=r"write it with: make data") as caught:
        listed("personal", "facts") if "facts" in name else audit.audit()
    assert str(caught.value).startswith(f"data/{name}.csv: its sidecar ")
    assert "coding.yml" not in str(caught.value)


def test_a_code_list_that_is_not_utf_8_stops_make_data_with_its_row(data_copy, capsys):
    data_copy.write("codes/status.csv", data_copy.path("codes/status.csv").read_bytes() + b"a,\xe9,c,D.\n")
    assert package.main() == 1
    assert "data/codes/status.csv, row 6: byte 0xe9 is not UTF-8" in capsys.readouterr().err
