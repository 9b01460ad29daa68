"""Whole builds of a tiny house through the command line: what readers have survives whatever happens to a build."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from book import report
from book.pages import House
from tests.book.small_book import REPOSITORY
from tests.book.tiny_house import chapter, make_house, write

GLUE = "from myst_nb import glue\nglue('{key}', {value}, display=False)"
CHAPTERS = {
    "chapters/a.md": chapter(
        "from watwerkt import charts", GLUE.format(key="twice", value="charts.double(21)"), front="description: A\n"
    )
    + "\nThe answer is {glue:text}`twice`.\n",
    "chapters/b.md": chapter("from watwerkt import codes", GLUE.format(key="n", value="len(codes.grid('service'))"))
    + "\nThere are {glue:text}`n` services.\n",
    "chapters/f.md": chapter(
        GLUE.format(key="shown", value="service"), parameters='service = ""', front="over: {codes: service}\n"
    )
    + "\nThis is {glue:text}`shown`.\n",
    "chapters/s.md": "# A static page\n\nText.\n",
}


def new_house(root) -> House:
    house = make_house(root, CHAPTERS)
    write(root, "_config.yml", "title: Tiny\nauthor: Nobody\nonly_build_toc_files: true\n")
    write(root, "data/schemas/identifiers.csv", "name\nrinpersoon\n")
    return house


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "book", *arguments]


def book(house: House, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*arguments), cwd=house.root, env=environment(), capture_output=True, text=True, check=False
    )


def built(house: House, *arguments: str) -> dict:
    """Build, successfully; the record of the build."""
    done = book(house, "build", *arguments)
    assert done.returncode == 0, done.stderr
    return record(house)


def record(house: House) -> dict:
    return json.loads((house.build / "html/data/build.json").read_text("utf-8"))


def executed(of: dict) -> set[str]:
    return {page["name"] for page in of["pages"] if not page["reused"]}


def text(house: House, page: str) -> str:
    return (house.build / "html" / f"{page}.html").read_text("utf-8")


def whole(house: House) -> bool:
    return report.is_whole((house.build / "html").resolve())


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    """A house that is built; tests work on copies."""
    house = new_house(tmp_path_factory.mktemp("master") / "house")
    built(house)
    return house


@pytest.fixture
def house(master, tmp_path):
    shutil.copytree(master.root, tmp_path / "house", symlinks=True)
    return House(tmp_path / "house")


def edit(house: House, name: str, old: str, new: str) -> None:
    path = house.root / name
    before = path.read_text("utf-8")
    assert old in before
    path.write_text(before.replace(old, new), "utf-8")


# --- what is built, and when ------------------------------------------------------------------------------------------


def test_a_build_is_complete_and_tells_what_it_did(master):
    said = record(master)
    assert said["totals"] == {"pages": 6, "executable": 4, "executed": 4, "reused": 0, "retried": 0}
    assert said["warnings"] == 0
    assert {"expand", "microdata", "run", "stage", "bind", "check"} == set(said["seconds"])
    page = next(page for page in said["pages"] if page["name"] == "b")
    assert (page["chapter"], page["reads"]) == ("chapters/b.md", ["data/codes/service.csv"])
    assert json.loads((master.build / "html/data/numbers.json").read_text()) == {
        "a": {"twice": 42},
        "b": {"n": 2},
        "f/mediation": {"shown": "mediation"},
        "f/training": {"shown": "training"},
    }
    assert whole(master)
    assert ">42</span>" in text(master, "a")


def test_with_nothing_changed_nothing_is_executed_or_bound(house):
    before = (house.build / "html").resolve()
    said = built(house)
    assert executed(said) == set()
    assert "bind" not in said["seconds"]
    assert (house.build / "html").resolve() == before
    assert sum(said["seconds"].values()) < 3


def test_a_changed_constant_of_the_library_shows_on_the_pages_that_use_it_and_executes_no_others(house):
    edit(house, "lib/watwerkt/helper.py", "FACTOR = 2", "FACTOR = 3")
    assert executed(built(house)) == {"a"}
    assert ">63</span>" in text(house, "a")


def test_a_changed_value_in_the_data_shows_on_the_pages_that_read_it(house):
    edit(house, "data/codes/service.csv", "training,Training\n", "")
    assert {"b"} <= executed(built(house)) <= {"b", "f/mediation"}
    assert ">1</span>" in text(house, "b")
    assert not (house.build / "html/f/training.html").exists()
    assert "f/training" not in json.loads((house.build / "html/data/numbers.json").read_text())


def test_an_edited_chapter_executes_only_its_own_pages(house):
    edit(house, "chapters/f.md", "This is", "Here is")
    assert executed(built(house)) <= {"f/training", "f/mediation"}
    assert "Here is" in text(house, "f/training")


def test_a_damaged_site_is_bound_anew(house):
    (house.build / "html/a.html").write_text("damaged")
    said = built(house)
    assert "bind" in said["seconds"]
    assert ">42</span>" in text(house, "a")
    (house.build / "html/b.html").unlink()
    built(house)
    assert whole(house)


def test_two_clean_builds_in_two_folders_are_byte_identical_but_for_the_record(master, tmp_path):
    other = House(tmp_path / "another folder")
    shutil.copytree(master.root, other.root, ignore=shutil.ignore_patterns("_build"))
    built(other, "--jobs", "1")
    one, two = ((house.build / "html/data/checksums.txt").read_text() for house in (master, other))
    assert len(one.splitlines()) > 20
    assert one == two


def test_an_incremental_build_shows_the_change_and_leaves_the_released_site_alone(house):
    before = (house.build / "html").resolve()
    edit(house, "chapters/s.md", "Text.", "Other text.")
    assert book(house, "build", "--incremental").returncode == 0
    edit(house, "chapters/s.md", "Other text.", "New text.")
    assert book(house, "build", "--incremental").returncode == 0
    assert "New text." in (house.build / "preview/s.html").read_text()
    assert (house.build / "html").resolve() == before
    assert executed(built(house)) == set()
    assert "New text." in text(house, "s")


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("chapters/a.md", "charts.double(21)", "1 / 0", "chapters/a.md, line 13, cell 2: ZeroDivisionError"),
        ("chapters/a.md", "{glue:text}`twice`", "{glue:text}`thrice`", "BindError: chapters/a.md, cell 4, line 1: "),
        ("chapters/s.md", "Text.", '<a href="gone.html">x</a>', "CheckError: s.html, line "),
        (
            "_config.yml",
            "title: Tiny",
            "title: [",
            "ConfigError: _config.yml, line 3, column 21 (in what begins on line 1)",
        ),
        ("_toc.yml", "- file: chapters/a", "- file: chapters/z", "_toc.yml: 'chapters/z' is in the table of contents"),
    ],
)
def test_a_fault_is_one_clear_message_and_the_last_good_site_stays(house, name, old, new, told):
    before = (house.build / "html").resolve()
    edit(house, name, old, new)
    done = book(house, "build")
    assert done.returncode == 1
    assert told in done.stderr
    assert not any(line.startswith("Traceback") for line in done.stderr.splitlines())  # only that of a cell, indented
    assert (house.build / "html").resolve() == before
    assert whole(house)
    edit(house, name, new, old)
    assert executed(built(house)) <= {"a"}


def processes_in(house: House) -> list[str]:
    """Processes that work in the house (Linux)."""
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in found if str(house.root) in line and "ps -eo" not in line]


def interrupted(house: House, number: signal.Signals, seconds: float) -> subprocess.CompletedProcess:
    """A build that gets a signal after some seconds."""
    process = subprocess.Popen(
        command("build"), cwd=house.root, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(seconds)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.mark.parametrize("seconds", [1.0, 2.5])
def test_ctrl_c_is_one_line_and_exit_130_and_leaves_nothing_running(house, seconds):
    (house.root / "chapters/s.md").write_text("# Another page\n")
    edit(house, "chapters/a.md", "charts.double(21)", "(__import__('time').sleep(2), charts.double(21))[1]")
    done = interrupted(house, signal.SIGINT, seconds)
    assert done.returncode == 130
    assert done.stderr.strip().splitlines()[-1] == "interrupted: the last good site is as it was"
    assert "Traceback" not in done.stderr
    assert whole(house)
    time.sleep(0.2)
    assert processes_in(house) == []


def kill_builds(house: House, times: int) -> None:
    """Kill builds at random moments; the site must be whole after each, and the next build must just work."""
    chance = random.Random(7)
    start = time.monotonic()
    built(house)
    edit(house, "chapters/s.md", "Text.", "Text 0.")
    usual = time.monotonic() - start + 3
    for number in range(times):
        edit(house, "chapters/s.md", f"Text {number}.", f"Text {number + 1}.")
        done = interrupted(house, signal.SIGKILL, chance.uniform(0, usual))
        assert done.returncode in (0, -signal.SIGKILL)
        assert whole(house)
    built(house)
    assert f"Text {times}." in text(house, "s")
    assert [path.name for path in (house.build / "work").iterdir()] == []


def test_builds_killed_at_random_moments_leave_a_whole_site(house):
    kill_builds(house, 3)


@pytest.mark.campaign
def test_campaign_of_thirty_builds_killed_at_random_moments(house):
    kill_builds(house, 30)


# --- disks ------------------------------------------------------------------------------------------------------------


def mounted(script: str, house: House) -> subprocess.CompletedProcess:
    """Run a shell script that may mount, in a namespace of its own."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("this machine does not allow mounting in a namespace of one's own")
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=house.root,
        env={**environment(), "BOOK": " ".join(command())},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk_is_named_and_costs_nothing(house):
    (house.root / "chapters/s.md").write_text("# Another page\n")
    script = """
        cp -a _build kept; mount -t tmpfs -o size=8m none _build; cp -a kept/. _build/
        dd if=/dev/zero of=_build/filler bs=4k 2>/dev/null
        $BOOK build; echo "exit $?"
        cd _build/html && sha256sum --check --quiet data/checksums.txt && echo whole
    """
    done = mounted(script, house)
    assert "exit 1\nwhole\n" in done.stdout
    assert "no space is left on the disk" in done.stderr.lower() or "No space left on device" in done.stderr


def test_a_read_only_output_folder_is_named_and_costs_nothing(house):
    (house.root / "chapters/s.md").write_text("# Another page\n")
    script = """
        mount --bind _build _build; mount -o remount,bind,ro _build
        $BOOK build; echo "exit $?"
        cd _build/html && sha256sum --check --quiet data/checksums.txt && echo whole
    """
    done = mounted(script, house)
    assert "exit 1\nwhole\n" in done.stdout
    assert "_build/lock: the file system is read-only" in done.stderr
    assert "Traceback" not in done.stderr
