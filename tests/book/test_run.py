"""Pages run apart from each other and within their limit; what fails is told at the end, and nothing is left behind."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from book import pool
from book.errors import BookError, RunFailed
from book.expand import expand
from book.progress import Progress
from book.run import run
from tests.book.tiny_house import chapter, make_house, write

PROGRAM = str(Path(pool.__file__).resolve().parent.parent)


def outputs(executed) -> list[str]:
    """What each code cell shows as plain text."""
    notebook = nbformat.read(executed.notebook, as_version=4)
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [output.get("text") or output["data"]["text/plain"] for output in shown]


def numbers(shown: str) -> list[float]:
    return [float(number) for number in shown.strip("()").split(",")]


def run_all(house, **options):
    pages = expand(house)
    return {executed.page.name: executed for executed in run(house, pages, **options)}


def test_no_state_leaks_from_one_page_to_another(tmp_path):
    cells = (
        "import os, random, builtins\nimport numpy as np\nimport pandas as pd\nfrom watwerkt import helper",
        "sorted(name for name in globals() if name.startswith('leak')), hasattr(builtins, 'leak'), helper.FACTOR, "
        "pd.get_option('display.max_rows'), os.environ.get('LEAK'), os.path.basename(os.getcwd())",
        "(random.random(), np.random.rand())",
        "leaked = 1; builtins.leak = 1; helper.FACTOR = 9; pd.set_option('display.max_rows', 7)\n"
        "os.environ['LEAK'] = 'x'; os.chdir('data'); random.seed(1); np.random.seed(1)",
    )
    chapters = {f"chapters/p{number}.md": chapter(*cells) for number in range(3)}
    house = make_house(tmp_path / "house", chapters)
    shown = [outputs(executed) for executed in run_all(house, jobs=1).values()]
    assert [first for first, _ in shown] == ["([], False, 2, 60, None, 'house')"] * 3
    assert len({number for _, drawn in shown for number in numbers(drawn)}) == 6


def test_all_failures_are_told_together_and_every_other_page_is_kept(tmp_path, capsys):
    front = "over: {codes: service}\n"
    house = make_house(
        tmp_path,
        {
            "chapters/good.md": chapter("1"),
            "chapters/bad.md": chapter("start = 0", "import sys\n\n1 / start  # here"),
            "chapters/family.md": chapter("{'training': 1}[service]", front=front, parameters="service = ''"),
        },
    )
    with pytest.raises(RunFailed) as error:
        run_all(house)
    told = str(error.value)
    assert error.value.failed == 2
    assert "1. chapters/bad.md, line 13, cell 2: ZeroDivisionError: division by zero\n   code: 1 / start" in told
    assert "2. chapters/family.md, line 13, cell 2: KeyError: 'mediation'\n   parameters: service='mediation'" in told
    assert "| ----> 3 1 / start  # here" in told
    assert "\x1b" not in told
    assert str(tmp_path) not in told
    write(tmp_path, "chapters/bad.md", chapter("1"))
    write(tmp_path, "chapters/family.md", chapter("service", front=front, parameters="service = ''"))
    assert {name for name, executed in run_all(house).items() if executed.reused} == {"good"}


def test_a_hung_page_is_ended_named_and_retried_once(tmp_path, capfd):
    hangs = chapter("1", "import time\ntime.sleep(60)", front="timeout: 1\n")
    house = make_house(tmp_path, {"chapters/hangs.md": hangs, "chapters/good.md": chapter("1")})
    began = time.monotonic()
    with pytest.raises(RunFailed) as error:
        run_all(house)
    assert time.monotonic() - began < 30
    assert "chapters/hangs.md, line 12, cell 2: not done after 1 s, and ended" in str(error.value)
    assert "code: import time" in str(error.value)
    assert "tried twice" in str(error.value)
    assert capfd.readouterr().err.count("hung, trying once more: chapters/hangs.md") == 1


def test_a_page_that_hangs_once_only_is_reported_as_retried(tmp_path, capfd):
    cell = (
        "import pathlib, subprocess, time\n"
        "marker = pathlib.Path('_build/marker')\n"
        "if not marker.exists():\n"
        "    child = subprocess.Popen(['sleep', '60'])\n"
        "    marker.write_text(str(child.pid))\n"
        "    time.sleep(60)\n"
        "'done'"
    )
    house = make_house(tmp_path, {"chapters/once.md": chapter(cell, front="timeout: 2\n")})
    house.build.mkdir()
    executed = run_all(house)["once"]
    assert executed.retried
    assert outputs(executed) == ["'done'"]
    assert not alive(int((house.build / "marker").read_text()))
    assert not run_all(house)["once"].retried


def test_a_hung_kernel_of_papermills_own_engine_is_ended_too(tmp_path):
    cell = "import os, pathlib, time\npathlib.Path('_build/pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    hangs = chapter(cell, front="timeout: 4\nengine: papermill\n")
    house = make_house(tmp_path, {"chapters/hangs.md": hangs})
    house.build.mkdir()
    with pytest.raises(RunFailed, match="not done after 4 s"):
        run_all(house)
    until(lambda: not alive(int((house.build / "pid").read_text())))


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("import os\nos._exit(7)", "its process ended without an answer (exit code 7)"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "(signal SIGSEGV)"),
    ],
)
def test_a_page_whose_process_dies_is_a_failure_in_its_cell(tmp_path, cell, told):
    house = make_house(tmp_path, {"chapters/dies.md": chapter("1", cell), "chapters/good.md": chapter("1")})
    with pytest.raises(RunFailed) as error:
        run_all(house)
    assert "chapters/dies.md, line 11, cell 2: its process ended" in str(error.value)
    assert told in str(error.value)
    assert error.value.failed == 1


def test_at_most_that_many_pages_run_at_once(tmp_path):
    cell = "import time\nbegan = time.time(); time.sleep(0.3)\nbegan, time.time()"
    house = make_house(tmp_path, {f"chapters/p{number}.md": chapter(cell) for number in range(4)})

    def most_at_once(jobs: int) -> int:
        spans = [numbers(outputs(executed)[0]) for executed in run_all(house, jobs=jobs).values()]
        for number in range(4):
            write(tmp_path, f"chapters/p{number}.md", chapter(cell + f"  # again {jobs}"))
        return max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)

    assert most_at_once(1) == 1
    assert 2 <= most_at_once(3) <= 3  # 3, but for a machine that is too busy to begin the third in time


def test_pages_come_back_in_their_order_and_pages_without_code_do_not(tmp_path):
    house = make_house(
        tmp_path,
        {
            "chapters/slow.md": chapter("import time\ntime.sleep(0.3)"),
            "chapters/text.md": "# T\n",
            "chapters/z.md": chapter("1"),
        },
    )
    executed = run_all(house)
    assert list(executed) == ["slow", "z"]
    assert executed["slow"].seconds >= 0.3 > 0 < executed["z"].seconds


@pytest.mark.parametrize("how", ["the platform cannot fork", "a library starts a thread"])
def test_where_forking_is_not_safe_papermill_runs_the_pages_and_that_is_said(tmp_path, monkeypatch, capfd, how):
    cells = ("import threads_at_import", "1 + 1") if "thread" in how else ("1 + 1",)
    house = make_house(tmp_path / "house", {"chapters/a.md": chapter(*cells)})
    starts = "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n"
    write(tmp_path, "site/threads_at_import.py", starts)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    if "platform" in how:
        monkeypatch.setattr(pool, "fork_is_safe", lambda: False)
    executed = run_all(house)["a"]
    assert outputs(executed) == ["2"]
    assert "papermill's own engine runs every page" in capfd.readouterr().err
    assert "data/published/other.csv" in executed.reads


def test_a_warm_process_that_cannot_start_is_one_clear_error(tmp_path, monkeypatch):
    house = make_house(tmp_path / "house", {"chapters/a.md": chapter("import broken_library")})
    write(tmp_path, "site/broken_library.py", "raise RuntimeError('built for another Python')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    with pytest.raises(BookError, match="the process that executes pages ended") as error:
        run_all(house)
    assert "built for another Python" in str(error.value)


def test_a_warm_process_that_is_killed_is_one_clear_error(tmp_path):
    kills = chapter("import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)")
    house = make_house(tmp_path, {"chapters/a.md": kills, "chapters/b.md": chapter("1")})
    with pytest.raises(BookError, match=r"the process that executes pages ended \(signal SIGKILL\)"):
        run_all(house, jobs=1)


def test_libraries_are_loaded_beforehand_and_the_house_is_not(tmp_path):
    cell = "import sys\nloaded = set(sys.modules)\nimport fractions_of_time, watwerkt.charts, helper_in_house\n"
    cell += "[name in loaded for name in ('fractions_of_time', 'watwerkt', 'helper_in_house')]"
    house = make_house(tmp_path / "house", {"chapters/a.md": chapter(cell)})
    write(tmp_path, "house/helper_in_house.py", "")
    write(tmp_path, "site/fractions_of_time.py", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path / "site"))
        assert outputs(run_all(house)["a"]) == ["[True, False, False]"]


# --- being ended ------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from book.expand import expand
from book.pages import House
from book.run import run
house = House(Path(sys.argv[2]))
try:
    run(house, expand(house), jobs=2)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)])
def test_however_a_run_is_ended_no_process_outlives_it(tmp_path, how, code):
    sleeps = "import os, pathlib, time\npathlib.Path(f'_build/{os.getpid()}.pid').touch()\ntime.sleep(60)"
    house = make_house(tmp_path, {f"chapters/p{number}.md": chapter(sleeps) for number in range(3)})
    house.build.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, PROGRAM, str(tmp_path)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    until(lambda: len(list(house.build.glob("*.pid"))) == 2)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 3  # the warm process and two pages
    process.send_signal(how)
    assert process.wait(timeout=10) == code
    until(lambda: not any(alive(child.pid) for child in children))
    assert len(list(house.build.glob("*.pid"))) == 2  # no page was begun afterwards


def test_pages_do_not_inherit_descriptors(tmp_path):
    cell = (
        "import os\nfolder = '/proc/self/fd/'\n"
        "[os.readlink(folder + number) for number in os.listdir(folder) if os.path.lexists(folder + number)]"
    )
    house = make_house(tmp_path, {"chapters/a.md": chapter(cell)})
    lock = os.open(tmp_path / "lock-file", os.O_CREAT | os.O_RDWR)
    try:
        (shown,) = outputs(run_all(house)["a"])
    finally:
        os.close(lock)
    assert "lock-file" not in shown


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come about within 20 s")


# --- progress ---------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_live_line_with_all_counts():
    screen = Terminal()
    progress = Progress(4, show=None, stream=screen)
    progress.count(reused=True)
    progress.begin()
    progress.count()
    progress.count(failed=True)
    text = progress.text("group/new-f")
    assert text.startswith("run      3 of 4 pages, 1 left, 1 reused, 1 failed, about 0 s to go  group/new-f")
    progress.say("something lasting")
    progress.end()
    assert screen.getvalue().endswith("something lasting\n\r\x1b[K") or screen.getvalue().endswith(
        "something lasting\n"
    )
    assert "\n" not in screen.getvalue().removesuffix("\r\x1b[K")[:-1]


def test_elsewhere_there_are_plain_lines_now_and_then(monkeypatch):
    paper = io.StringIO()
    moments = iter(range(0, 1000, 4))
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    progress = Progress(20, show=None, stream=paper)
    progress.begin()
    for _ in range(20):
        progress.count()
    progress.end()
    lines = paper.getvalue().splitlines()
    assert 4 < len(lines) < 20
    assert all(line.startswith("run      ") and "\x1b" not in line for line in lines)
