"""The evidence base for other programs: the same numbers in every format, each with a README."""

import csv
import io
import json
import zipfile

import duckdb
import pytest
from watwerkt import audit, codes, export
from watwerkt.published import prose, published, studies


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("evidence")
    export.write(made)
    return made


@pytest.fixture(scope="module")
def database(folder):
    with duckdb.connect(str(folder / "wat-werkt.duckdb"), read_only=True) as opened:
        yield opened


def test_the_database_holds_every_printed_cell_with_the_value_that_the_library_reads(database):
    found = database.execute('SELECT study, "table", cell, value, corrected, status FROM cells').fetchall()
    wanted = [
        (c.study, c.table, c.cell, c.value, c.correction.corrected if c.correction else None, c.status)
        for study in studies()
        for c in published(study)
    ]
    assert found == wanted


def test_texts_lists_codes_corrections_and_findings_are_there(database):
    def count(table):
        return database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]

    assert count("prose") == sum(len(prose(study)) for study in codes.codes("study"))
    assert count("pilots") == 8
    assert count("findings") == len(audit.audit())
    assert count("codes") > 200 and count("corrections") > 0


def test_csv_parquet_and_database_hold_the_same_rows(folder, database):
    with zipfile.ZipFile(folder / "wat-werkt-csv.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("wat-werkt/cells.csv").decode())))
    assert len(rows) == database.execute("SELECT count(*) FROM cells").fetchone()[0]
    with zipfile.ZipFile(folder / "wat-werkt-parquet.zip") as archive:
        archive.extract("wat-werkt/cells.parquet", folder / "out")
    parquet = str(folder / "out/wat-werkt/cells.parquet")
    same = database.execute(
        "SELECT count(*) FROM (SELECT * FROM cells EXCEPT SELECT * FROM read_parquet(?))", [parquet]
    ).fetchone()
    assert same == (0,)


def test_a_suppressed_number_is_empty_in_every_format(database):
    statuses = database.execute("SELECT DISTINCT status FROM cells WHERE value IS NULL").fetchall()
    assert ("printed",) not in statuses and ("suppressed",) in statuses


def test_every_format_has_a_readme_that_names_its_tables(folder, database):
    for name in ("wat-werkt-csv.zip", "wat-werkt-parquet.zip"):
        with zipfile.ZipFile(folder / name) as archive:
            assert "- cells: " in archive.read("wat-werkt/README.txt").decode()
    assert "- cells: " in database.execute("SELECT text FROM readme").fetchone()[0]
    assert "wat-werkt.duckdb" in (folder / "README.txt").read_text()


def test_the_audit_is_a_list_of_findings_in_the_promised_form(folder):
    found = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    keys = {"id", "study", "tables", "cells", "rule", "expected", "severity", "note"}
    assert found and all(set(entry) == keys for entry in found)
    assert all(set(cell) == {"table", "cell", "printed"} for entry in found for cell in entry["cells"])


def test_the_same_data_give_the_same_bytes(folder, tmp_path):
    export.write(tmp_path)
    for path in sorted(folder.glob("*.*")):
        if path.suffix != ".duckdb":
            assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_bad_data_are_told_and_nothing_is_written(data_copy, tmp_path, monkeypatch, capsys):
    data_copy.change("codes/severity.csv", lambda text: text.replace("Likely", "", 1))
    monkeypatch.setattr("sys.argv", ["export", str(tmp_path / "out")])
    assert export.main() == 1
    assert "PublishedDataError: data/codes/severity.csv, row 3, column 'en'" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*"))
