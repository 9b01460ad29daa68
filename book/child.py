"""Child processes that never outlive the build, however the build ends."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, also by SIGKILL (Linux; elsewhere nothing happens)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def die_with_parent_in_forks() -> None:
    """As `die_with_parent`, for this process and every process that it forks from now on."""
    die_with_parent()
    os.register_at_fork(after_in_child=die_with_parent)


def run_bound(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], on_line: Callable[[str], None] | None = None
) -> int:
    """Run a command in a process group of its own and return its exit code; each line it prints goes to `on_line`.

    Standard output and standard error arrive together, in order. Whatever ends the wait (Ctrl-C, an exception in
    `on_line`) ends the whole group first.
    """
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        process_group=0,
        preexec_fn=die_with_parent,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if on_line:
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
        if process.stdout is not None:
            process.stdout.close()
