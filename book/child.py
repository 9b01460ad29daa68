"""Child processes that never outlive the build, however the build ends."""

import ctypes
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from book.process import PROGRAM

_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from book.child import run_module; run_module(*sys.argv[2:])"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, also by SIGKILL (Linux; elsewhere nothing happens)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def die_with_parent_in_forks() -> None:
    """As `die_with_parent`, for every process that this one forks from now on."""
    os.register_at_fork(after_in_child=die_with_parent)


def start(module: str, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, **options) -> subprocess.Popen:
    """Start ``python -m module`` bound to this process, in a process group of its own; text comes out of it."""
    command = [sys.executable, "-c", _BOOT, PROGRAM, str(os.getpid()), module, *arguments]
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="replace",
        process_group=0,
        **options,
    )


def run_module(parent: str, module: str, *arguments: str) -> None:
    """In the new process: what ``python -m module`` does, once it is sure to end with its parent."""
    die_with_parent()
    if os.getppid() != int(parent):  # it died before we could ask to be told
        os._exit(1)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def run_bound(
    module: str,
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    on_line: Callable[[str], None] = lambda line: None,
) -> int:
    """Run ``python -m module`` bound to this process and return its exit code; each line it prints goes to `on_line`.

    Standard output and standard error arrive together, in order. Whatever ends the wait (Ctrl-C, an exception in
    `on_line`) ends the whole process group first.
    """
    process = start(module, *arguments, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            on_line(line.rstrip("\n"))
        return process.wait()
    finally:
        end_group(process)


def end_group(process: subprocess.Popen) -> None:
    """Kill what is left of the process group that `process` leads, and reap the leader."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says PermissionError for a group of zombies
        pass
    finally:
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
