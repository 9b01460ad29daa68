"""The processes in which pages are executed: the warm one that forks, and one for each page.

Nothing of the house is imported in the warm process: it loads other libraries only, so that a page that imports
`watwerkt` reads the files as they are now, its reads are seen, and no module that the page did not ask for has left a
trace (a theme, an option, a filled cache).
"""

import contextlib
import gc
import json
import logging
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nbformat

from book.child import die_with_parent
from book.engine import WarmEngine, execute_page
from book.library import PACKAGE
from book.notebook import placeless
from book.pages import PAPERMILL, Failure, Page
from book.process import PROGRAM
from book.trace import Trace


def main(arguments: list[str]) -> None:
    """Entry of the command lines that `book.process` makes."""
    sys.path[:] = [place for place in sys.path if place not in ("", PROGRAM)]
    del sys.argv[1:]
    kind, *rest = arguments
    if kind == "serve":
        connection, parent, *names = rest
        serve(int(connection), int(parent), names)
    elif kind == "page":
        die_with_parent()
        run_page(*map(int, rest))
    else:
        answer_grids(*rest)


# --- the warm process -------------------------------------------------------------------------------------------------


def serve(connection: int, parent: int, names: Iterable[str]) -> None:
    """Import what pages need, then fork one process for each pair of descriptors that arrives (job, answer).

    Answers in lines: ``ready <threads>`` once, ``forked <pid>`` for each job, ``ended <pid> <wait status>``.
    """
    die_with_parent()
    if os.getppid() != parent:
        return
    _warm_up(names)
    server = os.getpid()
    wake, wakened = os.pipe()
    for end in (wake, wakened):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakened, warn_on_full_buffer=False)
    with socket.socket(fileno=connection) as line:
        line.sendall(f"ready {_threads()}\n".encode())
        while True:
            ready, _, _ = select.select([line, wake], [], [])
            if wake in ready:
                os.read(wake, 4096)
                _report_ended(line)
            if line in ready:
                _, descriptors, _, _ = socket.recv_fds(line, 1, 2)
                if not descriptors:
                    return
                pid = os.fork()
                if pid == 0:
                    line.close()
                    _become_page(*descriptors, server=server, closing=(wake, wakened))
                for descriptor in descriptors:
                    os.close(descriptor)
                line.sendall(f"forked {pid}\n".encode())


def _report_ended(line: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            line.sendall(f"ended {pid} {status}\n".encode())


def _threads() -> int:
    return max(threading.active_count(), len(list(Path("/proc/self/task").iterdir())))


def _warm_up(names: Iterable[str]) -> None:
    """Import libraries, and do once what they put off until they are first used."""
    import tornado.platform.asyncio  # noqa: F401

    gc.disable()  # importing makes much and drops little
    for name in names:
        with contextlib.suppress(ImportError, AttributeError):  # the page that imports it will say so
            pkgutil.resolve_name(name)
    if "altair" in sys.modules and "pandas" in sys.modules:
        import altair
        import pandas

        altair.Chart(pandas.DataFrame({"x": [0]})).mark_point().encode(x="x:Q").to_dict()  # loads the schema, narwhals
    loaded = sorted(name for name in sys.modules if name.partition(".")[0] == PACKAGE)
    if loaded:
        raise RuntimeError(f"the warm process has loaded {', '.join(loaded)}: pages would not see their reads")
    WarmEngine.start_kernel()
    gc.enable()
    gc.collect()
    gc.freeze()  # children share what is there now


# --- the process of a page --------------------------------------------------------------------------------------------


def _become_page(job: int, answer: int, *, server: int, closing: Iterable[int]) -> None:
    """Run a page in this fork; never returns."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in closing:
            os.close(descriptor)
        die_with_parent()
        if os.getppid() == server:
            _fresh_randomness()
            run_page(job, answer)
    finally:
        os._exit(0)


def run_page(job: int, answer: int) -> None:
    """Read the job from one descriptor, execute its page, and write lines of JSON to the other.

    Lines: ``{"cell": …, "line": …}`` as each code cell begins, then one with ``result`` or ``failure``.
    """
    os.set_inheritable(answer, False)
    if os.getpid() != os.getsid(0):
        os.setsid()
    with os.fdopen(job, encoding="utf-8") as file:
        given = json.load(file)
    _without_terminal()

    def say(message: dict[str, Any]) -> None:
        data = memoryview((json.dumps(message) + "\n").encode())
        while data:
            data = data[os.write(answer, data) :]

    try:
        say(_executed(given, on_cell=say))
    except Exception as error:  # whatever it is, it ends this page only, and the text says what it is
        said = f"{type(error).__name__}: {error}"
        text = placeless("".join(traceback.format_exception(error)), Path(given["root"]))
        say({"failure": asdict(Failure(said, traceback=text))})


def _executed(given: dict[str, Any], *, on_cell) -> dict[str, Any]:
    root = Path(given["root"])
    page = Page(**given["page"])
    os.chdir(root)
    sys.path.insert(next(i for i, place in enumerate(sys.path) if place.endswith("-packages")), "")  # as kernels do
    trace = Trace(root, also=[Path(folder) for folder in given["inputs"]])
    if given["engine"] != PAPERMILL:
        trace.start()
    notebook = nbformat.from_dict(given["notebook"])
    outcome, seconds = execute_page(notebook, page, root, engine=given["engine"], on_cell=on_cell)
    if isinstance(outcome, Failure):
        return {"failure": asdict(outcome)}
    result = {
        "notebook": nbformat.writes(outcome) + "\n",
        "seconds": seconds,
        "reads": trace.reads.to_json(),
        "modules": trace.modules(),
        "traced": given["engine"] != PAPERMILL and not trace.other_processes,
    }
    return {"result": result}


def _without_terminal() -> None:
    """Keep what the libraries around the page write off the terminal; the page's own output is caught elsewhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    for name in ("papermill", "traitlets", "ipykernel", "asyncio"):  # would reach the page through its sys.stderr
        logging.getLogger(name).addHandler(logging.NullHandler())


def _fresh_randomness() -> None:
    """Undo what a fork shares: NumPy's global generator (that of `random` looks after itself)."""
    if "numpy.random" in sys.modules:
        import numpy as np

        np.random.seed()


# --- the process of grids ---------------------------------------------------------------------------------------------


def answer_grids(root: str) -> None:
    """Read requests for grids from stdin, and write to stdout what `watwerkt` answers and what it read for that."""
    answer = os.dup(1)
    os.dup2(2, 1)  # a library that prints must not spoil the answer
    requests = json.load(sys.stdin)
    os.chdir(root)
    trace = Trace(Path(root))
    trace.start()
    from watwerkt.errors import WatWerktError

    grids: list[dict[str, Any]] = []
    for request in requests:
        try:
            grids.append({"rows": _grid(**request)})
        except WatWerktError as error:
            grids.append({"error": str(error)})
    with os.fdopen(answer, "w", encoding="utf-8") as file:
        json.dump({"grids": grids, "reads": trace.reads.to_json(), "modules": trace.modules()}, file)


def _grid(kind: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The only place where the build asks the library for a grid."""
    if kind == "codes":
        from watwerkt import codes

        return codes.grid(arguments["codes"])
    from watwerkt import published

    return published.grid(arguments["published"], arguments["where"], arguments["by"])
