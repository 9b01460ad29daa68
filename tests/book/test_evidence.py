"""The files of the evidence base are made once per state of data and library, and a failure is told."""

import pytest

from book import evidence
from book.errors import BookError
from book.pages import House

GOOD = """
import sys
from pathlib import Path
folder = Path(sys.argv[1])
folder.mkdir(parents=True)
(folder / "audit.json").write_text(Path("data/x.csv").read_text())
"""


@pytest.fixture
def house(tmp_path):
    for name, text in {
        "lib/watwerkt/__init__.py": "",
        "lib/watwerkt/export.py": GOOD,
        "data/x.csv": "1",
        "requirements.txt": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return House(tmp_path)


def test_files_are_made_once_and_anew_when_data_or_library_change(house):
    first = evidence.make(house)
    before = (first / "audit.json").stat().st_mtime_ns
    assert evidence.make(house) == first and (first / "audit.json").stat().st_mtime_ns == before
    (house.data / "x.csv").write_text("2")
    second = evidence.make(house)
    assert second != first and not first.exists()
    assert (second / "audit.json").read_text() == "2"
    (house.lib / "watwerkt/export.py").write_text(GOOD + "\n")
    assert evidence.make(house) != second


def test_a_failure_is_told_and_leaves_nothing_half_made(house):
    (house.lib / "watwerkt/export.py").write_text("raise SystemExit('PublishedDataError: data/x.csv: no good')")
    with pytest.raises(BookError, match=r"EvidenceError: .*\n  PublishedDataError: data/x\.csv: no good"):
        evidence.make(house)
    assert not list((house.cache / "evidence").iterdir())


def test_a_house_without_an_evidence_base_makes_none(tmp_path):
    assert evidence.make(House(tmp_path)) is None


def test_the_future_gives_the_folder_while_the_build_goes_on(house):
    with evidence.exporting(house) as exported:
        assert exported.result().is_dir()
