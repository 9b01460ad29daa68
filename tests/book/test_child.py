"""Child processes end with the build, whatever ends it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from book import child
from tests.book.small_book import REPOSITORY

# A module that starts a process of its own, says both ids, and would go on for long.
LASTING = """
import os, subprocess, sys, time
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(os.getpid(), other.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    (tmp_path / "lasting.py").write_text(LASTING)
    (tmp_path / "brief.py").write_text("import sys; print(sys.argv); print('é', file=sys.stderr); sys.exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(found.strip()) and not found.strip().startswith("Z")


def ends(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_a_module_runs_as_with_python_m_and_its_lines_and_exit_code_arrive(modules):
    lines = []
    code = child.run_bound("brief", "one", "two", cwd=modules, env=os.environ, on_line=lines.append)
    assert code == 3
    assert sorted(lines) == sorted([f"['{modules / 'brief.py'}', 'one', 'two']", "é"])


def test_an_interrupted_wait_ends_the_child_and_what_it_started(modules):
    pids = []

    def on_line(line):
        pids.extend(map(int, line.split()))
        raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        child.run_bound("lasting", cwd=modules, env=os.environ, on_line=on_line)
    assert time.monotonic() - start < 20
    assert len(pids) == 2
    assert all(ends(pid) for pid in pids)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process of its parent's death")
def test_a_killed_parent_takes_its_child_along(modules):
    script = (
        "import os\nfrom pathlib import Path\nfrom book import child\n"
        "child.run_bound('lasting', cwd=Path('.'), env=os.environ, on_line=lambda line: print(line, flush=True))\n"
    )
    path = os.pathsep.join([str(REPOSITORY), str(modules)])
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=modules,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    pid, other = map(int, parent.stdout.readline().split())
    try:
        assert alive(pid)
        parent.kill()
        parent.wait()
        assert ends(pid)
    finally:
        parent.stdout.close()
        os.kill(other, signal.SIGKILL)  # of a group of its own: only this test started it so


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process of its parent's death")
def test_forks_of_a_child_die_with_it(modules):
    (modules / "forking.py").write_text(
        "import os, time\nfrom book.child import die_with_parent_in_forks\ndie_with_parent_in_forks()\n"
        "pid = os.fork()\nif pid:\n    print(pid, flush=True)\ntime.sleep(60)\n"
    )
    process = child.start("forking", cwd=Path(modules), stdout=subprocess.PIPE)
    pid = int(process.stdout.readline())
    assert alive(pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert ends(pid)
    process.stdout.close()
