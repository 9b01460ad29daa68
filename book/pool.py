"""Executing many pages at once, each in a process of its own that is forked from a warm one, within a time limit."""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

from book.errors import BookError
from book.notebook import Chapter
from book.pages import PAPERMILL, WARM, Failure, House, Page
from book.process import command, environment, inputs

_TICK = 0.2  # seconds between looks at clocks
_TRIES = 2


@dataclass(frozen=True)
class Task:
    """A page to execute, with its chapter as it was when the build began."""

    page: Page
    chapter: Chapter


@dataclass(frozen=True)
class Outcome:
    """What became of a page: a `result` as the worker gives it, or a `failure`."""

    task: Task
    result: dict[str, Any] | None
    failure: Failure | None
    retried: bool


class Launcher(Protocol):
    """Starts processes for pages, and knows which have ended."""

    engine: str

    def launch(self, job: IO[str], answer: int) -> int:
        """Start a process that reads its job from the file and writes lines to `answer`; its process id."""

    def ended(self) -> dict[int, int]:
        """Processes that have ended since the last call, with their exit codes (negative: the signal)."""

    def close(self) -> None: ...


def fork_is_safe() -> bool:
    """Whether a Python process with scientific libraries may be forked and go on: on Linux."""
    return sys.platform == "linux" and hasattr(os, "fork")


# --- launchers --------------------------------------------------------------------------------------------------------


class ForkLauncher:
    """Has a warm process fork itself for each page."""

    engine = WARM

    def __init__(self, house: House, private: Path, names: Sequence[str]) -> None:
        self._line, theirs = socket.socketpair()
        self._said = b""
        self._replies: deque[str] = deque()
        self._ended: dict[int, int] = {}
        self._complaints = (private / "warm.log").open("w+", encoding="utf-8", errors="replace")
        with theirs:
            self._server = subprocess.Popen(
                command("serve", theirs.fileno(), os.getpid(), *names),
                cwd=house.root,
                env=environment(house, private),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._complaints,
                stderr=self._complaints,
                start_new_session=True,
            )
        try:
            self.threads = int(self._reply())
        except BaseException:
            self.close()
            raise

    def launch(self, job: IO[str], answer: int) -> int:
        try:
            socket.send_fds(self._line, [b"p"], [job.fileno(), answer])
        except (BrokenPipeError, ConnectionResetError):
            self._give_up()
        return int(self._reply())

    def ended(self) -> dict[int, int]:
        self._line.setblocking(False)
        try:
            with contextlib.suppress(BlockingIOError):
                while True:
                    self._receive()
        finally:
            self._line.setblocking(True)
        ended, self._ended = self._ended, {}
        return ended

    def close(self) -> None:
        self._line.close()
        self._server.kill()
        self._server.wait()
        self._complaints.close()

    def _reply(self) -> str:
        """What the server answers to the last request; what else it says is noted."""
        while not self._replies:
            self._receive()
        return self._replies.popleft()

    def _receive(self) -> None:
        try:
            said = self._line.recv(65536)
        except ConnectionResetError:
            said = b""
        if not said:
            self._give_up()
        *lines, self._said = (self._said + said).split(b"\n")
        for line in lines:
            word, *values = line.decode().split()
            if word == "ended":
                self._ended[int(values[0])] = os.waitstatus_to_exitcode(int(values[1]))
            else:
                self._replies.append(values[0])

    def _give_up(self) -> NoReturn:
        self._server.wait()
        self._complaints.seek(0)
        raise BookError(
            f"EngineError: the process that executes pages ended ({_how(self._server.returncode)}).\n"
            + "".join(f"  {line}\n" for line in self._complaints.read().splitlines()[-20:])
            + "  pages executed before that are in the cache; if memory ran out, use fewer processes: --jobs 1"
        )


class SpawnLauncher:
    """Starts a fresh Python for each page, which runs papermill's own engine: slower, and safe everywhere."""

    engine = PAPERMILL

    def __init__(self, house: House, private: Path) -> None:
        self._house, self._private = house, private
        self._running: dict[int, subprocess.Popen] = {}

    def launch(self, job: IO[str], answer: int) -> int:
        process = subprocess.Popen(
            command("page", job.fileno(), answer),
            cwd=self._house.root,
            env=environment(self._house, self._private),
            pass_fds=[job.fileno(), answer],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._running[process.pid] = process
        return process.pid

    def ended(self) -> dict[int, int]:
        ended = {pid: code for pid, process in self._running.items() if (code := process.poll()) is not None}
        for pid in ended:
            del self._running[pid]
        return ended

    def close(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()


# --- the pool ---------------------------------------------------------------------------------------------------------


@dataclass
class _Running:
    task: Task
    number_of_try: int
    pid: int
    began: float
    place: dict[str, int] = field(default_factory=dict)  # of the code cell that runs now
    said: bytes = b""
    message: dict[str, Any] | None = None  # its last, with the result or the failure


class Pool:
    """Runs pages; use it as a context manager, so that nothing that it started outlives it."""

    def __init__(self, house: House, *, jobs: int, warm: Sequence[str], say: Callable[[str], None]) -> None:
        self._house, self._jobs, self._warm, self._say = house, jobs, warm, say
        self._running: dict[int, _Running] = {}  # by the descriptor that it answers on
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Pool":
        with self._stack:
            private = Path(self._stack.enter_context(_private_folder(self._house)))
            self._selector = self._stack.enter_context(selectors.DefaultSelector())
            self._launcher = self._launch(private)
            self._stack.callback(self._launcher.close)
            self._stack.callback(self._end_all)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _launch(self, private: Path) -> Launcher:
        if not fork_is_safe():
            self._say(f"{sys.platform}: processes cannot be forked safely; papermill's own engine runs every page")
            return SpawnLauncher(self._house, private)
        launcher = ForkLauncher(self._house, private, self._warm)
        if launcher.threads == 1:
            return launcher
        launcher.close()
        self._say("a library that pages import starts threads; papermill's own engine runs every page")
        return SpawnLauncher(self._house, private)

    def run(self, tasks: Sequence[Task], *, tick: Callable[[], None]) -> Iterator[Outcome]:
        """Execute pages, at most `jobs` at once; outcomes come as they are ready. `tick` is called in between."""
        waiting = deque((task, 1) for task in tasks)
        while waiting or self._running:
            while waiting and len(self._running) < self._jobs:
                self._start(*waiting.popleft())
            for key, _ in self._selector.select(_TICK):
                self._hear(key.fd)
            ended = self._launcher.ended()
            for descriptor, running in list(self._running.items()):
                failure = self._failure(descriptor, running, ended)
                if running.message is None and failure is None:
                    continue
                self._end(descriptor)
                hung = failure is not None and running.pid not in ended
                if hung and running.number_of_try < _TRIES:
                    self._say(f"hung, trying once more: {running.task.page}: {failure.error}")
                    waiting.append((running.task, running.number_of_try + 1))
                else:
                    yield _outcome(running, failure)
            tick()

    @property
    def places(self) -> list[tuple[Page, dict[str, int]]]:
        """The pages that run now, each with the place of the cell that it is in."""
        return [(running.task.page, running.place) for running in self._running.values()]

    def _start(self, task: Task, number_of_try: int) -> None:
        page = task.page
        engine = self._launcher.engine if page.engine == WARM else PAPERMILL
        job = {
            "root": str(self._house.root),
            "page": {**asdict(page), "params": dict(page.params)},
            "notebook": task.chapter.notebook(),
            "engine": engine,
            "inputs": inputs(self._house),
        }
        ours, answer = os.pipe()
        os.set_blocking(ours, False)
        with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
            json.dump(job, file)
            file.seek(0)
            try:
                pid = self._launcher.launch(file, answer)
            finally:
                os.close(answer)
        self._running[ours] = _Running(task, number_of_try, pid, time.monotonic())
        self._selector.register(ours, selectors.EVENT_READ)

    def _hear(self, descriptor: int) -> None:
        """Take in what a page's process says."""
        running = self._running[descriptor]
        with contextlib.suppress(BlockingIOError):
            while data := os.read(descriptor, 1 << 20):
                running.said += data
        *lines, running.said = running.said.split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "result" in message or "failure" in message:
                running.message = message
            else:
                running.place = message

    def _failure(self, descriptor: int, running: _Running, ended: dict[int, int]) -> Failure | None:
        """Why a page that has not answered never will."""
        if running.pid in ended:
            self._hear(descriptor)  # it may have answered just before
        if running.message is not None:
            return None
        if running.pid in ended:
            return _failure_here(running, f"its process ended without an answer ({_how(ended[running.pid])})")
        seconds = time.monotonic() - running.began
        if seconds > running.task.page.timeout:
            return _failure_here(running, f"not done after {running.task.page.timeout:g} s, and ended")
        return None

    def _end(self, descriptor: int) -> None:
        """Forget a page's process, and end whatever is left of it."""
        running = self._running.pop(descriptor)
        self._selector.unregister(descriptor)
        os.close(descriptor)
        if running.message is None:
            end_tree(running.pid)
        else:
            end_group(running.pid)

    def _end_all(self) -> None:
        for descriptor in list(self._running):
            self._end(descriptor)


def _private_folder(house: House) -> tempfile.TemporaryDirectory:
    """Where the processes keep what they need while they live; the next build removes it if a killed one left it."""
    work = house.build / "work"
    work.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=work, prefix="run-", ignore_cleanup_errors=True)


def _failure_here(running: _Running, what: str) -> Failure:
    """A failure in the cell that a page was in."""
    place = running.place
    if "line" not in place:
        return Failure(what)
    line = running.task.chapter.text.splitlines()[place["line"] - 1]
    return Failure(what, place["cell"], place["line"], line)


def _outcome(running: _Running, failure: Failure | None) -> Outcome:
    message = running.message or {}
    if "failure" in message:
        failure = Failure(**message["failure"])
    return Outcome(running.task, message.get("result"), failure, retried=running.number_of_try > 1)


def end_group(pid: int) -> None:
    """Kill what is left of the group that a process leads."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, for zombies
        os.killpg(pid, signal.SIGKILL)


def end_tree(pid: int) -> None:
    """Kill the group that a process leads, and descendants that have left the group (kernels do)."""
    import psutil

    try:
        descendants = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        descendants = []
    end_group(pid)
    for process in descendants:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _how(exit_code: int) -> str:
    return f"exit code {exit_code}" if exit_code >= 0 else f"signal {signal.Signals(-exit_code).name}"
