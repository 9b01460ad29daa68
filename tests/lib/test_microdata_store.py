"""Putting microdata down for a build and loading them: what is loaded is what was checked, or it is refused."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from watwerkt import microdata
from watwerkt.errors import MicrodataError

from tests.lib import microdata_files as files

FIT = {"persons": files.persons(), "spells": files.spells()}


@pytest.fixture(autouse=True)
def small(tmp_path_factory):
    with files.small_study(tmp_path_factory.mktemp("small")) as path:
        yield path


@pytest.fixture
def saved(tmp_path):
    microdata.save(FIT, tmp_path, files.STUDY, origin="synthetic", made_from={"seed": 7, "people": 4})
    return tmp_path / files.STUDY


def manifest(folder) -> dict:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def content(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(says, *, folder):
    with pytest.raises(MicrodataError, match=says) as caught:
        microdata.load(files.STUDY, folder=folder)
    assert str(caught.value).endswith("\n  run make book, or: python -m watwerkt.synthetic")


# ---- save and load -------------------------------------------------------------------------------


def test_what_is_loaded_is_what_was_saved_in_the_types_of_the_schema(saved):
    found = microdata.load(files.STUDY, folder=saved.parent)
    assert (found.study, found.origin, found.warnings) == (files.STUDY, "synthetic", ())
    assert found.made_from == {"seed": 7, "people": 4}
    assert list(found.tables) == ["persons", "spells"]
    assert_frame_equal(found["persons"], files.persons(), check_exact=True)
    assert_frame_equal(found.tables["spells"], files.spells(), check_exact=True)


def test_tables_made_in_other_types_or_order_are_put_down_in_those_of_the_schema(tmp_path):
    other = files.persons().astype(
        {"person": "float64", "interviews": "float64", "assigned": "int8", "sex": "category"}
    )
    tables = FIT | {"persons": other[other.columns[::-1]]}
    found = microdata.save(tables, tmp_path, files.STUDY, origin="synthetic")
    assert_frame_equal(found["persons"], files.persons(), check_exact=True)


def test_few_made_up_people_may_leave_a_column_empty_that_may_miss_values(tmp_path):
    few = {"persons": files.persons(wage=float("nan")), "spells": files.spells()}
    assert microdata.save(few, tmp_path, files.STUDY, origin="synthetic")["persons"]["wage"].isna().all()


def test_the_manifest_vouches_for_every_file_and_says_where_it_came_from(saved):
    facts = manifest(saved)
    assert (facts["study"], facts["origin"], facts["warnings"]) == (files.STUDY, "synthetic", [])
    assert facts["made_from"] == {"seed": 7, "people": 4}
    assert set(content(saved)) == {"manifest.json", "persons.parquet", "spells.parquet"}
    for name, frame in FIT.items():
        raw = (saved / f"{name}.parquet").read_bytes()
        assert facts["tables"][name] == {
            "file": f"{name}.parquet", "rows": len(frame), "sha256": hashlib.sha256(raw).hexdigest(),
        }  # fmt: skip


def test_the_same_tables_give_the_same_bytes_so_that_the_build_sees_no_change(saved):
    before = content(saved)
    microdata.save(FIT, saved.parent, files.STUDY, origin="synthetic", made_from={"seed": 7, "people": 4})
    assert content(saved) == before


def test_what_a_chapter_does_to_its_table_does_not_reach_the_next(saved):
    found = microdata.load(files.STUDY, folder=saved.parent)
    mine = found["persons"]
    mine["wage"] = 0.0
    mine.loc[0, "sex"] = "male"
    assert_frame_equal(found["persons"], files.persons(), check_exact=True)


def test_the_path_of_a_table_is_a_parquet_file_that_other_programs_read(saved):
    found = microdata.load(files.STUDY, folder=saved.parent)
    assert len(pd.read_parquet(found.path("spells"))) == 3
    with pytest.raises(MicrodataError, match=r"no table 'people'\.\n  tables: persons, spells"):
        found.path("people")
    with pytest.raises(MicrodataError, match=r"no table 'people'"):
        found["people"]


def test_the_folder_is_the_one_that_the_environment_names_else_that_of_the_build(saved, small, monkeypatch):
    monkeypatch.setenv("WATWERKT_MICRODATA", str(saved.parent))
    assert microdata.load(files.STUDY).made_from["seed"] == 7
    monkeypatch.delenv("WATWERKT_MICRODATA")
    refused(r"^_build/cache/microdata/intensive: there are no microdata of intensive here\.", folder=None)
    built = small.parents[3] / "_build" / "cache" / "microdata"
    microdata.save(FIT, built, files.STUDY, origin="synthetic", made_from={"seed": 8})
    assert microdata.load(files.STUDY).made_from["seed"] == 8


def test_the_manifest_is_opened_by_python_and_before_any_table(saved):
    program = (
        "import sys\n"
        "from watwerkt import microdata\n"
        "sys.addaudithook(lambda event, given: print(given[0]) if event == 'open' else None)\n"
        f"microdata.load({files.STUDY!r})"
    )
    environment = os.environ | {"WATWERKT_MICRODATA": str(saved.parent)}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    opened = [Path(line) for line in ran.stdout.split() if line.startswith(str(saved))]
    assert [path.name for path in opened] == ["manifest.json", "persons.parquet", "spells.parquet"]


# ---- what is not as it was -----------------------------------------------------------------------


def test_a_file_changed_after_it_was_checked_is_refused_before_any_page_uses_it(saved):
    files.write(files.spells(days=0.0), saved / "spells.parquet")
    refused(r"spells\.parquet: is not the file that its manifest vouches for", folder=saved.parent)


def test_a_file_changed_while_a_page_runs_is_refused(saved):
    found = microdata.load(files.STUDY, folder=saved.parent)
    files.write(files.spells(days=0.0), saved / "spells.parquet")
    with pytest.raises(MicrodataError, match="is not the file that its manifest vouches for"):
        found["spells"]


def test_a_file_that_is_gone_is_named(saved):
    (saved / "spells.parquet").unlink()
    refused(r"spells\.parquet: cannot be read \(No such file", folder=saved.parent)


@pytest.mark.parametrize("text", ["{", "\xff", "{}", '{"study": "wga"}'])
def test_a_damaged_manifest_is_named(text, saved):
    (saved / "manifest.json").write_text(text, encoding="latin-1")
    refused(r"manifest\.json: (cannot be read|does not list the tables of intensive)", folder=saved.parent)


def test_tables_made_for_an_older_schema_are_refused(saved, small):
    schema = json.loads(json.dumps(files.SCHEMA).replace('"spell"', '"number"'))
    files.use(schema, small)
    with pytest.raises(MicrodataError, match=r"made for other columns than the schema has now\.\n  run make book"):
        microdata.load(files.STUDY, folder=saved.parent)["spells"]


def test_the_tables_of_another_study_are_refused(saved, small):
    schema = json.loads(json.dumps(files.SCHEMA).replace('"spells"', '"periods"'))
    files.use(schema, small)
    refused("does not list the tables of intensive that the schema asks for", folder=saved.parent)


# ---- the former state ----------------------------------------------------------------------------

UNFIT = {
    "values out of range": FIT | {"persons": files.persons(wage=-1.0)},
    "a table left out": {"persons": files.persons()},
    "a table too many": FIT | {"people": files.persons()},
    "a column of two types": FIT | {"spells": files.spells(days=pd.Series([1, "a", 2.5], dtype=object))},
}


@pytest.mark.parametrize("fault", UNFIT)
def test_tables_that_do_not_fit_leave_the_former_ones(fault, saved):
    before = content(saved)
    with pytest.raises(MicrodataError):
        microdata.save(UNFIT[fault], saved.parent, files.STUDY, origin="synthetic")
    assert content(saved) == before
    assert len(list(saved.parent.iterdir())) == 2


@pytest.mark.parametrize("place", ["pandas.DataFrame.to_parquet", "pathlib.Path.write_text", "pathlib.Path.symlink_to",
                                   "pathlib.Path.replace", "shutil.rmtree"])  # fmt: skip
def test_a_run_that_is_killed_leaves_a_whole_state_and_the_next_one_tidies_up(place, saved, monkeypatch):
    def kill(*_, **__):
        raise KeyboardInterrupt

    later = FIT | {"spells": files.spells(days=99.0)}
    with monkeypatch.context() as patch:
        patch.setattr(place, kill)
        with pytest.raises(KeyboardInterrupt):
            microdata.save(later, saved.parent, files.STUDY, origin="synthetic")
    days = microdata.load(files.STUDY, folder=saved.parent)["spells"]["days"]
    assert days.tolist() == ([99.0] * 3 if place == "shutil.rmtree" else files.spells()["days"].tolist())
    microdata.save(later, saved.parent, files.STUDY, origin="synthetic")
    assert microdata.load(files.STUDY, folder=saved.parent)["spells"]["days"].tolist() == [99.0] * 3
    assert len(list(saved.parent.iterdir())) == 2


def test_a_folder_of_someone_else_is_not_replaced(tmp_path):
    files.write_study(tmp_path, ending=".parquet")
    with pytest.raises(MicrodataError, match=r"intensive: was not written by this program\.\n  move it away"):
        microdata.save(FIT, tmp_path, files.STUDY, origin="synthetic")
    assert len(list((tmp_path / files.STUDY).iterdir())) == 2


def test_nobody_else_on_the_machine_can_read_what_was_put_down(saved):
    assert saved.stat().st_mode & 0o077 == 0


# ---- a researcher's folder -----------------------------------------------------------------------


@pytest.mark.parametrize("ending", [*files.FORMATS, ".CSV"])
def test_files_of_a_researcher_are_taken_in_and_said_to_be_supplied(ending, tmp_path):
    source = files.write_study(tmp_path / "source", ending=ending.lower(), persons=files.persons(extra=1))
    for path in (source / files.STUDY).iterdir():
        path.rename(path.with_suffix(ending))
    (source / files.STUDY / ".persons.csv").write_text("")
    (source / files.STUDY / "~$persons.csv").write_text("")
    (source / files.STUDY / "readme.txt").write_text("")
    microdata.take_in(source, files.STUDY, tmp_path / "kept")
    found = microdata.load(files.STUDY, folder=tmp_path / "kept")
    assert found.origin == "supplied"
    assert found.warnings == (
        f"intensive/persons{ending}: columns that the schema does not know were left out: extra.",
    )
    assert set(found.made_from["files"]) == {f"persons{ending}", f"spells{ending}"}
    assert_frame_equal(found["persons"], files.persons(), check_exact=True)


CHOICES = {
    "a table missing": (
        ["persons.csv", "people.csv"],
        "intensive: table 'spells' is missing; found: people.csv, persons.csv.\n"
        "  add spells.csv or spells.parquet or spells.sav or spells.dta",
    ),
    "no files": ([], "intensive: table 'persons' is missing; found: no files"),
    "several files for a table": (
        ["persons.csv", "persons.sav", "spells.csv"],
        "intensive: table 'persons' stands in several files: persons.csv, persons.sav.\n  keep one of them",
    ),
    "a file type that cannot be read": (
        ["persons.xlsx", "spells.csv"],
        "intensive/persons.xlsx: files of type .xlsx cannot be read.\n  allowed: .csv, .parquet, .sav, .dta",
    ),
    "a compressed file": (
        ["persons.csv.gz", "spells.csv"],
        "table 'persons' is missing; found: persons.csv.gz, spells.csv",
    ),
}


@pytest.mark.parametrize("fault", CHOICES)
def test_the_wrong_files_are_named_with_those_that_are_needed(fault, tmp_path):
    names, says = CHOICES[fault]
    fit = files.write_study(tmp_path / "fit")
    folder = tmp_path / "source" / files.STUDY
    folder.mkdir(parents=True)
    for name in names:
        table = name.partition(".")[0]
        (folder / name).write_bytes((fit / files.STUDY / f"{table.replace('people', 'persons')}.csv").read_bytes())
    with pytest.raises(MicrodataError) as caught:
        microdata.take_in(tmp_path / "source", files.STUDY, tmp_path / "kept")
    assert says in str(caught.value)
    assert not (tmp_path / "kept").exists()


def test_a_data_file_that_is_no_table_is_told_since_its_name_may_be_misspelt(tmp_path):
    source = files.write_study(tmp_path / "source")
    files.write(files.spells(), source / files.STUDY / "jobs.csv")
    assert microdata.take_in(source, files.STUDY, tmp_path / "kept").warnings == (
        "intensive/jobs.csv: no table of this study has this name; it was left out.",
    )


def test_the_studies_in_a_folder_are_those_that_have_a_schema(tmp_path):
    (files.write_study(tmp_path) / "via").mkdir()
    assert microdata.studies_in(tmp_path) == [files.STUDY]


def test_a_folder_without_a_study_is_refused_with_what_it_holds(tmp_path):
    with pytest.raises(
        MicrodataError, match=r"nowhere: is no folder\.\n  name the folder that holds one folder per study"
    ):
        microdata.studies_in(tmp_path / "nowhere")
    files.write(files.persons(), tmp_path / "persons.csv")
    with pytest.raises(MicrodataError, match=r"no folder of a study; found: persons\.csv\.\n  allowed: intensive"):
        microdata.studies_in(tmp_path)
    with pytest.raises(
        MicrodataError, match=r"intensive: is no folder\.\n  put the tables of intensive there: persons, spells"
    ):
        microdata.take_in(tmp_path, files.STUDY, tmp_path / "kept")
