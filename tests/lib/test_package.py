"""The Data Package: every committed file follows from the entries and code lists, and tools of others accept it."""

import hashlib
import json

import pytest
from watwerkt import package
from watwerkt.paths import data_dir

HAND_MADE = {"published/corrections.csv", "published/intensive/prose.csv"}
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


def test_all_tables_of_the_report_are_there(described):
    tables = {resource["watwerkt"]["table"] for resource in described["resources"] if "watwerkt" in resource}
    wanted = {f"T2.{n}" for n in range(4, 10)} | {f"T3.{n}" for n in range(1, 8)} | {f"TII.{n}" for n in range(1, 8)}
    assert tables == wanted | {"T4.1", "prose"}


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
    assert "intensive: 685 printed cells entered twice, 0 differences" in out
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
    assert changed == {"published/intensive/T3.2.csv", "published/intensive/T3.2.json", "datapackage.json"}
    assert ",28.7,1," in data_copy.text("published/intensive/T3.2.csv")
