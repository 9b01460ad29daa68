"""The Data Package: every committed file follows from the entries and code lists, and tools of others accept it."""

import hashlib
import json
from shutil import copytree

import pytest
from watwerkt import package
from watwerkt.errors import PublishedDataError
from watwerkt.paths import data_dir

from tests.lib.reports import LISTS, STUDIES, TABLES

LISTED = {f"published/{study}/{name}.csv" for study, names in LISTS.items() for name in names}
HAND_MADE = {"published/corrections.csv", *(f"published/{study}/prose.csv" for study in STUDIES), *LISTED}
PASSES = ("entry/intensive/first.csv", "entry/intensive/second.csv")


@pytest.fixture(scope="module")
def made():
    return package.files(data_dir())


@pytest.fixture(scope="module")
def described():
    return json.loads((data_dir() / "datapackage.json").read_text(encoding="utf-8"))


def test_every_committed_file_is_what_the_entries_and_code_lists_give_byte_for_byte(made):
    differing = [path.relative_to(data_dir()) for path, raw in made.items() if path.read_bytes() != raw]
    assert differing == [], "run: make data"


def test_nothing_stands_among_the_published_data_that_nothing_gives(made):
    data = data_dir()
    stand = {path for path in (data / "published").rglob("*") if path.is_file()} | set((data / "codes").glob("*.json"))
    strangers = stand - set(made) - {data / name for name in HAND_MADE}
    assert strangers == set()


@pytest.mark.parametrize("study", STUDIES)
def test_all_tables_of_a_report_are_there_in_its_own_order(study, described):
    told = [resource["watwerkt"] for resource in described["resources"] if "watwerkt" in resource]
    tables = [place["table"] for place in told if place["study"] == study and "table" in place]
    assert tables == [*TABLES[study], "prose"]


@pytest.mark.parametrize("study", STUDIES)
def test_all_lists_in_words_of_a_document_are_there_each_with_a_schema_of_its_own(study, described):
    found = {r["watwerkt"]["list"]: r for r in described["resources"] if "list" in r.get("watwerkt", {})
             and r["watwerkt"]["study"] == study}  # fmt: skip
    assert set(found) == set(LISTS.get(study, ()))
    for name, resource in found.items():
        schema = json.loads((data_dir() / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
        assert resource["schema"] == f"schemas/{name}.json"
        assert (resource["title"], resource["description"]) == (schema["title"], schema["description"])


def test_no_two_resources_share_a_name_or_a_path(described):
    for key in ("name", "path"):
        values = [resource[key] for resource in described["resources"]]
        assert len(values) == len(set(values)), key


def test_every_resource_says_what_it_holds_where_it_comes_from_and_under_which_licence(described):
    for resource in described["resources"]:
        lacking = [
            key for key in ("name", "title", "description", "schema", "sources", "licenses") if not resource.get(key)
        ]
        assert not lacking, f"{resource['path']} has no {lacking}"


def test_hash_and_size_of_every_resource_are_those_of_its_file(described):
    for resource in described["resources"]:
        raw = (data_dir() / resource["path"]).read_bytes()
        assert resource["hash"] == "sha256:" + hashlib.sha256(raw).hexdigest(), resource["path"]
        assert resource["bytes"] == len(raw), resource["path"]


def test_every_sidecar_is_the_resource_of_the_package(described):
    for resource in described["resources"]:
        sidecar = (data_dir() / resource["path"]).with_suffix(".json")
        assert json.loads(sidecar.read_text(encoding="utf-8")) == resource


def test_every_csv_of_published_data_and_codes_is_a_resource(described):
    data = data_dir()
    stand = {
        path.relative_to(data).as_posix() for name in ("published", "codes") for path in (data / name).rglob("*.csv")
    }
    assert stand == {resource["path"] for resource in described["resources"]}


def validate(path):
    from frictionless import Package  # imported here: it takes half a second

    return Package(str(path)).validate()


def test_frictionless_finds_no_error_in_the_data_package(described):
    report = validate(data_dir() / "datapackage.json")
    assert report.valid, report.flatten(["name", "rowNumber", "fieldName", "message"])
    assert report.stats["tasks"] == len(described["resources"])


def test_frictionless_refuses_a_table_with_a_comma_decimal(data_copy):
    data_copy.set_cell("T3.2", "nonwestern.all.intensive.exit_benefit.6.level", value='"27,8"')
    report = validate(data_copy.path("datapackage.json"))
    faults = {tuple(fault) for fault in report.flatten(["rowNumber", "fieldName"])}
    assert (2, "value") in faults


# ---- make data -----------------------------------------------------------------------------------


def snapshot(data_copy):
    return {path: path.read_bytes() for path in sorted(data_copy.root.rglob("*")) if path.is_file()}


def test_a_second_run_writes_nothing(data_copy, capsys):
    before = snapshot(data_copy)
    assert package.main() == 0
    assert snapshot(data_copy) == before
    out = capsys.readouterr().out
    assert "intensive: 21 tables, 685 printed cells and 51 numbers in the text entered twice, 0 differences" in out
    assert out.count("entered twice, 0 differences") == len(STUDIES)
    assert out.endswith("; 0 written anew\n")


def test_entries_that_differ_end_with_code_1_and_change_no_file(data_copy, capsys):
    data_copy.change(PASSES[0], lambda text: text.replace('"27,8%"', '"28,7%"', 1))
    before = snapshot(data_copy)
    assert package.main() == 1
    assert snapshot(data_copy) == before
    assert capsys.readouterr().err.startswith(
        "PublishedDataError: data/entry/intensive: the two entries differ in 1 of"
    )


def test_a_number_changed_in_both_entries_changes_its_table_its_sidecar_and_the_package_only(data_copy):
    for name in PASSES:
        data_copy.change(name, lambda text: text.replace('"27,8%"', '"28,7%"', 1))
    before = snapshot(data_copy)
    assert package.main() == 0
    after = snapshot(data_copy)
    changed = {path.relative_to(data_copy.root).as_posix() for path in after if after[path] != before.get(path)}
    tidy = {"published/intensive/T3.2.csv", "published/intensive/T3.2.json"}
    assert changed == {*tidy, "datapackage.json", "dataset.jsonld"}
    assert ",28.7,1," in data_copy.text("published/intensive/T3.2.csv")


def refused(data_copy, capsys):
    """What ``make data`` says of bad input; it must end with code 1 and leave every file as it was."""
    before = snapshot(data_copy)
    assert package.main() == 1
    assert snapshot(data_copy) == before
    return capsys.readouterr().err


def test_a_table_described_in_two_parts_is_refused_and_no_file_changes(data_copy, capsys):
    """Else one of the two would win, and nobody would know which."""
    copytree(data_copy.path("entry/instruments/groups"), data_copy.path("entry/instruments/other"))
    assert refused(data_copy, capsys) == (
        "PublishedDataError: data/entry/instruments/other: T1 is described in another part, too.\n  keep one\n"
    )


def test_a_number_of_the_text_that_the_second_reading_gives_otherwise_stops_make_data(data_copy, capsys):
    data_copy.change(
        "entry/personal/prose.csv", lambda text: text.replace("interim_reports,2\n", "interim_reports,3\n")
    )
    assert "interim_reports: first '2', second '3'" in refused(data_copy, capsys)


def test_a_missing_second_reading_of_a_text_stops_make_data(data_copy, capsys):
    data_copy.path("entry/via/prose.csv").unlink()
    assert "data/entry/via/prose.csv: cannot be read" in refused(data_copy, capsys)


def test_a_list_changed_by_hand_gets_a_new_hash_and_no_table_changes(data_copy):
    """Lists have no second reading: what stands in the file is described anew."""
    data_copy.change("published/personal/facts.csv", lambda text: text.replace("Who does", "Who did"), rehash=False)
    before = snapshot(data_copy)
    assert package.main() == 0
    after = snapshot(data_copy)
    changed = {path.relative_to(data_copy.root).as_posix() for path in after if after[path] != before.get(path)}
    assert changed == {"published/personal/facts.json", "datapackage.json", "dataset.jsonld"}


def test_a_printed_text_that_cannot_be_read_names_table_row_and_column(data_copy):
    for name in ("first.csv", "second.csv"):
        data_copy.change(f"entry/wga/reach/{name}", lambda text: text.replace("experiment\n", "expirement\n", 1))
    with pytest.raises(PublishedDataError, match=r"^TI\.1 / .*: 'expirement' holds 'expirement', which the coding"):
        package.files(data_copy.root)
