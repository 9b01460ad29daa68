"""``python -m watwerkt.microdata``: what it tells a researcher before a build."""

import pandas as pd
import pytest
from watwerkt.microdata.__main__ import main

from tests.lib import microdata_files as files


@pytest.fixture(autouse=True)
def small(tmp_path_factory):
    with files.small_study(tmp_path_factory.mktemp("small")) as path:
        yield path


def test_files_that_fit_are_said_to_fit_with_their_rows_and_notes(tmp_path, capsys):
    folder = files.write_study(tmp_path, ending=".sav", persons=files.persons(extra=1.0))
    (folder / "docs").mkdir()
    assert main(["check", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "intensive: fits (persons 4 rows, spells 3 rows; from persons.sav, spells.sav)",
        "  note: intensive/persons.sav: columns that the schema does not know were left out: extra.",
        "not a study, ignored: docs",
    ]


def test_files_that_do_not_fit_fail_with_what_is_wrong(tmp_path, capsys):
    folder = files.write_study(tmp_path, persons=files.persons(wage=-1.0))
    assert main(["check", str(folder)]) == 1
    assert capsys.readouterr().out == (
        "intensive: does not fit.\nintensive/persons.csv, row 2, column 'wage': -1 is out of range "
        "(4 rows: 2, 3, 4, 5).\n  allowed: 0 to 200 (euros per hour)\n\n"
    )


def test_a_folder_that_is_not_there_fails(tmp_path, capsys):
    assert main(["check", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.startswith("MicrodataError: ")


def test_the_description_names_every_column_with_type_unit_limits_and_codes_in_both_languages(capsys):
    assert main(["describe", files.STUDY]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in (
        "persons: Persons (Personen)", "one row per person", "person integer yes person en (person nl)",
        "sex string yes sex en (sex nl)", "female Vrouwen / Women", "unknown Onbekend / Sex unknown",
        "wage number eur_per_hour wage en (wage nl)", "0 to 200", "2012-01-01 to 2014-12-31",
        "entry <= exit, else: the benefit ends before it begins", "one row per person and spell",
        "every person stands in persons",
    ):  # fmt: skip
        assert line in lines


def test_a_template_holds_the_header_of_every_table_and_replaces_nothing(tmp_path, capsys):
    assert main(["describe", files.STUDY, "--template", str(tmp_path)]) == 0
    path = tmp_path / files.STUDY / "persons.csv"
    assert pd.read_csv(path).columns.tolist() == files.persons().columns.tolist()
    assert capsys.readouterr().out.splitlines()[0] == f"wrote {path}"
    path.write_text("mine")
    assert main(["describe", files.STUDY, "--template", str(tmp_path)]) == 1
    assert "persons.csv" in capsys.readouterr().err
    assert path.read_text() == "mine"


def test_a_filled_template_fits(tmp_path):
    main(["describe", files.STUDY, "--template", str(tmp_path)])
    for name, frame in {"persons": files.persons(), "spells": files.spells()}.items():
        path = tmp_path / files.STUDY / f"{name}.csv"
        files.write(frame[pd.read_csv(path).columns], path)
    assert main(["check", str(tmp_path)]) == 0


def test_an_unknown_study_is_refused_with_those_that_exist(capsys):
    with pytest.raises(SystemExit):
        main(["describe", "via"])
    assert "intensive" in capsys.readouterr().err
