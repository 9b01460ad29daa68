"""Microdata in the build: made once per state, told on every page that reads them, never shown past the guard."""

import json

import pytest

from book import microdata, origin
from book.errors import BookError
from book.expand import expand
from book.outputs import exhibits
from book.pages import Executed, Page
from book.run import run
from tests.book.small_book import chart, code, prose, table
from tests.book.tiny_house import chapter, make_house, write

PROVIDE = """\
import json, os, pathlib, sys
from watwerkt.synthetic import trial

study, folder, *source = sys.argv[1:]
here = pathlib.Path(folder) / ("supplied" if source else "") / study
text = (pathlib.Path(source[1]) / study / "people.csv").read_text() if source else trial.PEOPLE
if "rubbish" in text:
    sys.exit("people.csv, row 2, column 'age': 'rubbish' is not a number.")
here.mkdir(parents=True, exist_ok=True)
(here / "people.csv").write_text(text)
(here / "manifest.json").write_text(json.dumps({"origin": "supplied" if source else "synthetic"}))
with open(pathlib.Path(folder) / "calls.txt", "a") as log:
    log.write(study + "\\n")
"""
LIBRARY = {
    "provide.py": PROVIDE,
    "synthetic/__init__.py": "",
    "synthetic/trial.py": "PEOPLE = 'age\\n34\\n'\n",
    "microdata/__init__.py": "",
    "microdata/store.py": "",
    "people.py": (
        "import json, os, pathlib\n\n\n"
        "def ages():\n"
        "    here = pathlib.Path(os.environ['WATWERKT_MICRODATA'])\n"
        "    try:\n"
        "        open(here / 'supplied' / 'trial' / 'manifest.json').close()\n"
        "        here = here / 'supplied' / 'trial'\n"
        "    except FileNotFoundError:\n"
        "        here = here / 'trial'\n"
        "    with open(here / 'manifest.json') as file:\n"
        "        json.load(file)\n"
        "    with open(here / 'people.csv') as file:\n"
        "        return file.read().split()[1:]\n"
    ),
}
DATA = {
    "schemas/microdata/trial.json": "{}",
    "codes/origin.csv": "code,nl,en,definition\nsynthetic,a,Made up,Not real.\n",
}
CHAPTERS = {
    "chapters/people.md": chapter("from watwerkt.people import ages\nages()"),
    "chapters/plain.md": chapter("1 + 1"),
}


@pytest.fixture
def house(tmp_path):
    return make_house(tmp_path / "house", CHAPTERS, library=LIBRARY, data=DATA)


def executed(house, source=None):
    microdata.provide(house, source)
    return {one.page.name: one for one in run(house, expand(house), jobs=1)}


def calls(house):
    return (microdata.folder(house) / "calls.txt").read_text().split()


def test_microdata_are_made_once_and_anew_when_their_generator_changes(house):
    assert microdata.provide(house) == {"trial": "synthetic"}
    microdata.provide(house)
    assert calls(house) == ["trial"]
    write(house.root, "lib/watwerkt/synthetic/trial.py", "PEOPLE = 'age\\n35\\n'\n")
    microdata.provide(house)
    assert calls(house) == ["trial", "trial"]


def test_a_page_that_reads_microdata_says_so_and_is_executed_anew_when_they_change(house):
    first = executed(house)
    assert (first["people"].microdata, first["plain"].microdata) == ({"trial": "synthetic"}, {})
    assert all(one.reused for one in executed(house).values())
    write(house.root, "lib/watwerkt/synthetic/trial.py", "PEOPLE = 'age\\n35\\n'\n")
    again = executed(house)
    assert (again["people"].reused, again["plain"].reused) == (False, True)
    assert "35" in again["people"].notebook.read_text()


def test_files_of_a_researcher_take_the_place_of_the_synthetic_ones_and_leave_again(house, tmp_path):
    write(tmp_path, "mine/trial/people.csv", "age\n77\n")
    found = executed(house, tmp_path / "mine")
    assert found["people"].microdata == {"trial": "supplied"}
    assert "77" in found["people"].notebook.read_text()
    assert "77" not in executed(house)["people"].notebook.read_text()


def test_files_that_do_not_fit_stop_the_build_with_what_is_wrong_and_leave_what_was_there(house, tmp_path):
    microdata.provide(house)
    write(tmp_path, "mine/trial/people.csv", "age\nrubbish\n")
    with pytest.raises(BookError, match=r"'trial' cannot be used:\npeople\.csv, row 2, column 'age'"):
        microdata.provide(house, tmp_path / "mine")
    assert "34" in executed(house)["people"].notebook.read_text()
    assert microdata.provide(house) == {"trial": "synthetic"}


def test_a_folder_without_a_study_is_refused_with_the_names_that_are_allowed(house, tmp_path):
    (tmp_path / "mine" / "something").mkdir(parents=True)
    with pytest.raises(BookError, match=r"found: something[\s\S]*folders called trial"):
        microdata.provide(house, tmp_path / "mine")
    with pytest.raises(BookError, match="no such folder"):
        microdata.provide(house, tmp_path / "nowhere")


# --- what stands on such a page ---------------------------------------------------------------------------------------

STAMP = {"guard": {"minimum": 10}, "cells": 3, "withheld": {}, "family": ""}
PAGE = Page("chapters/people.md", "people")


def notebook(*outputs):
    return {"cells": [prose("# People\n"), code("…", *outputs)]}


@pytest.mark.parametrize("output", [chart("ages"), table("ages")], ids=["chart", "table"])
def test_a_chart_or_table_without_the_guard_s_stamp_is_refused_on_such_a_page(output):
    with pytest.raises(BookError, match=r"DisclosureError: .* 'ages' .* has not passed the disclosure guard"):
        exhibits(PAGE, notebook(output), label="Made up")
    assert exhibits(PAGE, notebook(output))  # elsewhere it is free


def test_downloads_and_pictures_of_microdata_say_what_they_are():
    (found,) = exhibits(PAGE, notebook(chart("ages", cleared=STAMP)), label="Made up")
    assert found.csv().decode().splitlines() == ["who,x,made_from", "women,1.25,Made up", "<b>men</b>,,Made up"]
    assert [spec["title"]["text"] for spec in (found.chart.wide, found.chart.narrow)] == ["Made up", "Made up"]


def test_what_is_declared_public_stays_as_it_is():
    (found,) = exhibits(PAGE, notebook(table("levels", cleared={"public": "printed numbers"})), label="Made up")
    assert found.csv().decode().splitlines() == ["who,n", "women,3"]


def test_the_notice_stands_under_the_heading_in_the_words_of_the_code_list(house):
    made = notebook()
    origin.with_notice(made, house, "synthetic")
    assert made["cells"][0]["source"].startswith(
        "# People\n\n:::{div} ww-origin ww-origin-synthetic\n**Made up.** Not real."
    )


def test_one_supplied_study_makes_the_page_a_page_of_supplied_microdata(tmp_path):
    def page(**found):
        return Executed(PAGE, tmp_path, 0.1, False, False, (), (), found)

    assert origin.of_page(page(a="synthetic", b="supplied")) == "supplied"
    assert origin.of_page(page(a="synthetic")) == "synthetic"
    assert origin.of_page(page()) is None


def test_the_record_of_the_build_says_which_pages_read_microdata(house, tmp_path):
    from book.provenance import Provenance
    from book.report import build_record

    made_from = Provenance("1", "0" * 40, False, "2026-01-01", "0" * 64, "", "")
    record = build_record(made_from, list(executed(house).values()), pages=2, digest="x", stages={}, incremental=False)
    assert {page["name"]: page["microdata"] for page in record["pages"]} == {
        "people": {"trial": "synthetic"}, "plain": {},
    }  # fmt: skip
    assert json.dumps(record)
