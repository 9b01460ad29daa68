"""A page is executed anew when anything that it was made from has changed, and only then."""

import errno
import json
import os
import shutil
import time
from pathlib import Path

import nbformat
import pytest

from book.cache import PageCache, write
from book.errors import BookError
from book.expand import expand
from book.library import Library, imports_of, imports_of_cell
from book.pages import House
from book.run import run
from book.trace import Hashes
from tests.book.tiny_house import chapter, make_house
from tests.book.tiny_house import write as write_file

GRID = "over: {codes: service}\n"
CHAPTERS = {
    "chapters/plain.md": chapter("1 + 1"),
    "chapters/charts.md": chapter("from watwerkt import charts", "charts.double(4)"),
    "chapters/trial.md": chapter("from watwerkt import published\n[row['value'] for row in published.rows('trial')]"),
    "chapters/other.md": chapter("import watwerkt.published as p\nlen(p.rows('other'))"),
    "chapters/listing.md": chapter("import os\nsorted(os.listdir('data/codes'))"),
    "chapters/probe.md": chapter(
        "try:\n    open('data/notes.txt')\nexcept FileNotFoundError:\n    print('no notes')\nelse:\n    print('notes')"
    ),
    "chapters/exists.md": chapter("import pathlib\nopen('data/published/trial.csv').close()",
                                  "pathlib.Path('data/published/third.csv').exists()"),
    "chapters/hidden.md": chapter("import importlib\nimportlib.import_module('watwerkt.' + 'unused').NOTHING"),
    "chapters/outside.md": chapter("import subprocess\nsubprocess.run(['true']).returncode"),
    "chapters/setting.md": chapter("import os\nos.environ.get('WATWERKT_LANGUAGE')"),
    "chapters/family.md": chapter("service", front=GRID, parameters="service = ''"),
}  # fmt: skip
EVERYTHING = {
    "plain", "charts", "trial", "other", "listing", "probe", "exists", "hidden", "outside", "setting",
    "family/training", "family/mediation",
}  # fmt: skip


@pytest.fixture(scope="module")
def executed_house(tmp_path_factory) -> Path:
    """A house whose pages are all executed and kept; tests change copies of it."""
    house = make_house(tmp_path_factory.mktemp("house"), CHAPTERS)
    assert executed_pages(house) == EVERYTHING
    return house.root


@pytest.fixture
def house(executed_house, tmp_path) -> House:
    return House(Path(shutil.copytree(executed_house, tmp_path / "house")))


def executed_pages(house: House) -> set[str]:
    """Run all pages; the names of those that were not reused."""
    return {executed.page.name for executed in run(house, expand(house)) if not executed.reused}


def shown(house: House, name: str) -> str:
    page = next(page for page in expand(house) if page.name == name)
    (executed,) = run(house, [page])
    output = nbformat.read(executed.notebook, as_version=4).cells[-1].outputs[0]
    return output.get("text") or output["data"]["text/plain"]


def test_nothing_is_executed_when_nothing_has_changed_wherever_the_house_stands(house):
    assert executed_pages(house) == set()


def edit(name: str, old: str, new: str):
    def change(root: Path) -> None:
        path = root / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    return change


def add(name: str, text: str = ""):
    return lambda root: write_file(root, name, text)


CHANGES = {
    "the text of a chapter": (edit("chapters/plain.md", "# Title", "# Another title"), {"plain"}, "plain", "2"),
    "the code of a chapter": (edit("chapters/plain.md", "1 + 1", "1 + 2"), {"plain"}, "plain", "3"),
    "a value in a data file": (
        edit("data/published/trial.csv", "new,m,2", "new,m,9"),
        {"trial", "exists", "outside"},
        "trial",
        "['1', '9', '3']",
    ),
    "a module behind an imported one": (
        edit("lib/watwerkt/helper.py", "FACTOR = 2", "FACTOR = 3"),
        {"charts", "outside"},
        "charts",
        "12",
    ),
    "a module that only running the page could tell": (
        edit("lib/watwerkt/unused.py", "NOTHING = 0", "NOTHING = 1"),
        {"hidden", "outside"},
        "hidden",
        "1",
    ),
    "the package's own file": (
        edit("lib/watwerkt/__init__.py", "", "VERSION = 1\n"),
        {"charts", "trial", "other", "hidden", "outside"},
        "charts",
        "8",
    ),
    "a file in a folder that was listed": (
        add("data/codes/animal.csv", "code\n"),
        {"listing", "outside"},
        "listing",
        "['animal.csv', 'service.csv']",
    ),
    "a file that was opened in vain": (
        add("data/notes.txt"),
        {"probe", "trial", "other", "exists", "outside"},
        "probe",
        "notes\n",
    ),
    "a file that was only looked for": (
        add("data/published/third.csv"),
        {"exists", "trial", "other", "outside"},
        "exists",
        "True",
    ),
    "the code list behind a family": (
        edit("data/codes/service.csv", "mediation", "jobhunting"),
        {"family/jobhunting", "outside"},
        "family/jobhunting",
        "'jobhunting'",
    ),
    "the locked requirements": (edit("requirements.txt", "==1", "==2"), EVERYTHING, "plain", "2"),
    "nothing that a page depends on": (add("README.md", "Hello"), set(), "plain", "2"),
}


@pytest.mark.parametrize(("change", "expected", "page", "text"), CHANGES.values(), ids=CHANGES)
def test_a_change_executes_the_pages_that_depend_on_it_and_they_show_it(house, change, expected, page, text):
    change(house.root)
    assert executed_pages(house) == expected
    assert shown(house, page) == text
    assert executed_pages(house) == set()


def test_undoing_a_change_shows_the_old_numbers_again(house):
    name = "data/published/trial.csv"
    before = (house.root / name).read_text()
    edit(name, "new,m,2", "new,m,9")(house.root)
    executed_pages(house)
    (house.root / name).write_text(before)
    assert shown(house, "trial") == "['1', '2', '3']"


def test_a_setting_of_the_library_executes_pages_anew(house, monkeypatch):
    monkeypatch.setenv("WATWERKT_LANGUAGE", "nl")
    assert shown(house, "setting") == "'nl'"


def test_data_outside_the_house_count_where_the_library_is_told_of_them(house, monkeypatch, tmp_path):
    monkeypatch.setenv("WATWERKT_DATA", str(tmp_path / "micro"))
    write_file(tmp_path, "micro/people.csv", "7")
    write_file(
        house.root,
        "chapters/setting.md",
        chapter("import os\nopen(os.environ['WATWERKT_DATA'] + '/people.csv').read()"),
    )
    assert shown(house, "setting") == "'7'"
    write_file(tmp_path, "micro/people.csv", "8")
    assert shown(house, "setting") == "'8'"


DAMAGES = {
    "the notebook is cut off": lambda entry: entry.with_suffix(".ipynb").write_text(
        entry.with_suffix(".ipynb").read_text()[:-40]
    ),
    "the notebook is changed": lambda entry: edit(entry.with_suffix(".ipynb").name, "Title", "Titel")(entry.parent),
    "the notebook is missing": lambda entry: entry.with_suffix(".ipynb").unlink(),
    "the facts are cut off": lambda entry: entry.write_text(entry.read_text()[:-40]),
    "the facts are empty": lambda entry: entry.write_bytes(b""),
    "the facts are something else": lambda entry: entry.write_text('{"seconds": []}'),
    "the facts are a list": lambda entry: entry.write_text("[]"),
    "the facts are missing": lambda entry: entry.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_does_not_exist(house, damage):
    page = next(page for page in expand(house) if page.name == "plain")
    cache = PageCache(house)
    entry = house.cache / "pages" / f"{cache.key(page)}.json"
    assert cache.get(page, entry.stem)
    damage(entry)
    assert PageCache(house).get(page, entry.stem) is None


def test_a_damaged_entry_is_written_anew(house):
    for notebook in (house.cache / "pages").glob("*.ipynb"):
        notebook.write_text("{")
    assert executed_pages(house) == EVERYTHING
    assert executed_pages(house) == set()


def test_two_clean_runs_give_the_same_notebooks_without_traces_of_time_or_place(house):
    cells = ("import warnings\nwarnings.warn('look')", "import sys\nfrom watwerkt import codes\nprint(codes.__file__)",
             "print(1, flush=True)\nimport time; time.sleep(0.3)\nprint(2)\nprint(3, file=sys.stderr)")  # fmt: skip
    write_file(house.root, "chapters/plain.md", chapter(*cells))
    pages = expand(house)
    texts = []
    for _ in range(2):
        shutil.rmtree(house.cache)
        texts.append({executed.page.name: executed.notebook.read_text() for executed in run(house, pages)})
    assert texts[0] == texts[1]
    for text in texts[0].values():
        assert str(house.root) not in text
        assert "_time" not in text
        assert "duration" not in text
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_an_executed_page_says_what_it_read_and_which_modules_it_depends_on(house):
    by_name = {executed.page.name: executed for executed in run(house, expand(house))}
    assert by_name["trial"].reads == ("data/published/trial.csv",)
    assert by_name["probe"].reads == ()
    assert by_name["charts"].modules == ("watwerkt", "watwerkt.charts", "watwerkt.helper")
    assert by_name["plain"].modules == ()
    assert by_name["plain"].seconds > 0


def test_parameters_are_hidden_and_injected(house):
    page = next(page for page in expand(house) if page.name == "family/training")
    (executed,) = run(house, [page])
    cells = [cell for cell in nbformat.read(executed.notebook, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.metadata.get("tags", []) for cell in cells] == [
        ["parameters", "remove-cell"],
        ["injected-parameters", "remove-cell"],
        [],
    ]
    assert cells[2].outputs[0]["data"]["text/plain"] == "'training'"


def test_entries_that_no_build_uses_are_removed_in_the_end(house):
    pages = house.cache / "pages"
    entries = sorted(pages.glob("*.json"))
    long_ago = time.time() - 31 * 24 * 60 * 60
    os.utime(entries[0], (long_ago, long_ago))
    part = pages / ".left-behind.part"
    part.touch()
    os.utime(part, (long_ago, long_ago))
    PageCache(house).prune()
    assert not entries[0].exists()
    assert not entries[0].with_suffix(".ipynb").exists()
    assert not part.exists()
    assert all(entry.exists() and entry.with_suffix(".ipynb").exists() for entry in entries[1:])


def test_an_entry_that_is_used_is_kept(house):
    long_ago = time.time() - 31 * 24 * 60 * 60
    for entry in (house.cache / "pages").glob("*.json"):
        os.utime(entry, (long_ago, long_ago))
    assert executed_pages(house) == set()
    assert len(list((house.cache / "pages").glob("*.json"))) == len(EVERYTHING)


def test_a_full_disk_is_one_clear_error_and_loses_nothing(house, monkeypatch):
    edit("chapters/plain.md", "1 + 1", "1 + 2")(house.root)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(BookError) as error:
            executed_pages(house)
    assert "CacheError: _build/cache/pages: cannot be written: No space left on device" in str(error.value)
    assert not list((house.cache / "pages").glob("*.part"))
    assert executed_pages(house) == {"plain"}


def test_a_cache_that_cannot_be_written_is_one_clear_error(house):
    shutil.rmtree(house.cache)
    house.cache.write_text("in the way")
    with pytest.raises(BookError, match=r"_build/cache\S*: cannot be written"):
        executed_pages(house)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "folder" / "file"
    write(target, b"old", root=tmp_path)
    with pytest.raises(TypeError):
        write(target, None, root=tmp_path)
    assert target.read_bytes() == b"old"
    assert list(target.parent.iterdir()) == [target]


# --- what chapters import ---------------------------------------------------------------------------------------------

IMPORTS = {
    "import watwerkt.a.b as c": {"watwerkt.a.b"},
    "from watwerkt import a, b": {"watwerkt.a", "watwerkt.b"},
    "from watwerkt.a import b": {"watwerkt.a.b"},
    "if x:\n    import pandas as pd": {"pandas"},
    "try:\n    from scipy import stats\nexcept ImportError:\n    pass": {"scipy.stats"},
    "%matplotlib inline\n!ls\nimport json": {"json"},
    "%%time\nimport json": {"json"},
}


@pytest.mark.parametrize(("source", "expected"), IMPORTS.items())
def test_imports_of_a_cell(source, expected):
    assert imports_of_cell(source).names == expected


def test_imports_inside_functions_and_for_type_checkers_are_lazy():
    found = imports_of(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\nelse:\n    import b\n"
        "def f():\n    import c\nfrom . import d\nfrom ..e import f\n",
        package="watwerkt.x",
    )
    assert found.names == {"typing.TYPE_CHECKING", "b", "watwerkt.x.d", "watwerkt.e.f"}
    assert found.lazy == {"a", "c"}


def test_the_closure_of_imports_goes_through_packages_and_stars(tmp_path):
    files = {
        "__init__.py": "",
        "one.py": "from watwerkt.sub import *",
        "sub/__init__.py": "from . import inner",
        "sub/inner.py": "def f():\n    from watwerkt import late",
        "sub/other.py": "import pandas",
        "late.py": "import scipy.stats",
        "apart.py": "import numpy",
    }
    for name, text in files.items():
        write_file(tmp_path, f"watwerkt/{name}", text)
    library = Library(tmp_path)
    reached = library.closure(["from watwerkt import one"])
    assert reached == [
        "watwerkt", "watwerkt.late", "watwerkt.one", "watwerkt.sub", "watwerkt.sub.inner", "watwerkt.sub.other",
    ]  # fmt: skip
    assert library.others(reached, ["import altair"], lazy=False) == ["altair", "pandas", "scipy.stats"]
    assert library.closure(["this is no Python"]) == sorted(library.modules)
    assert library.closure(["x = 1"]) == []


def test_a_module_that_is_not_python_is_still_an_input(tmp_path):
    write_file(tmp_path, "watwerkt/__init__.py", "")
    write_file(tmp_path, "watwerkt/broken.py", "def f(:\n")
    assert Library(tmp_path).closure(["from watwerkt import broken"]) == ["watwerkt", "watwerkt.broken"]


def test_the_facts_of_an_entry_name_only_paths_from_the_root(house):
    for facts in (house.cache / "pages").glob("*.json"):
        reads = json.loads(facts.read_text())["reads"]
        assert all(not name.startswith(("/", "..")) for kind in reads.values() for name in kind)
        assert all(Hashes().file(house.root / name) == found for name, found in reads["files"].items())
