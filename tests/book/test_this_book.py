"""Campaigns over this very book, not over a small one made for tests (``make campaign``)."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from book.bench import copy_of
from book.engine import execute_serial
from book.expand import expand
from book.notebook import tidy
from book.pages import House
from book.run import run

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.campaign


def built(house: House) -> dict[str, bytes]:
    """The files of the site that a clean build of the house gives.

    Without the record of the run, and without the DuckDB file, whose format has a random part, and its checksum.
    """
    subprocess.run([sys.executable, "-m", "book", "build"], cwd=house.root, check=True, capture_output=True)
    site = house.build / "html"
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file() and path.name not in ("build.json", "checksums.txt") and path.suffix != ".duckdb"
    }


def test_every_page_is_what_papermills_own_engine_gives(tmp_path):
    house = copy_of(House(ROOT), tmp_path / "house")
    pages = expand(house)
    executed = run(house, pages)
    execute_serial(house, [done.page for done in executed], tmp_path / "peer")
    for done in executed:
        page, notebook = done.page, nbformat.read(done.notebook, 4)
        peer = tidy(nbformat.read(tmp_path / "peer" / f"{page.name}.ipynb", 4), page, house.root)
        assert notebook == peer, page.name


def test_two_clean_builds_are_byte_identical(tmp_path):
    first, second = (built(copy_of(House(ROOT), tmp_path / name)) for name in ("one", "two"))
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []
