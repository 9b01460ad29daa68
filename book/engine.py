"""Executing one page by papermill: in a fork of a warm process, or by papermill's own engine in a kernel of its own.

Both engines are nbclient's, driven by papermill; ours only hands it a kernel that lives in this process. So what
becomes an output, when execution stops and what counts as an error is decided by the same code.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import papermill
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from book.notebook import PLACE, placeless, read_chapter, tidy
from book.pages import WARM, Failure, House, Page
from book.process import library_path

if TYPE_CHECKING:
    from book.kernel import Manager

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = re.compile(r"^\s*Cell In\[(\d+)\], line (\d+)", re.MULTILINE)


class WarmEngine(NBClientEngine):
    """papermill's engine with a kernel inside this process, which is given up to the page and must end after it."""

    kernel: ClassVar["Manager | None"] = None  # started already, by the process that this one was forked from

    @classmethod
    def start_kernel(cls) -> None:
        from book.kernel import Manager  # imports IPython

        cls.kernel = cls.kernel or Manager.started()

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **kwargs):
        cls.start_kernel()
        manager, cls.kernel = cls.kernel, None
        manager.enter()
        return super().execute_managed_notebook(nb_man, kernel_name, km=manager, **kwargs)


papermill_engines.register(WARM, WarmEngine)


def execute(
    notebook: NotebookNode, parameters: Mapping[str, Any], *, engine: str, on_cell: Callable[[dict], None]
) -> NotebookNode | Failure:
    """Execute a chapter's notebook; `on_cell` is told the place of each code cell as it begins."""
    begun: list[NotebookNode] = []

    def begin(cell: NotebookNode, cell_index: int) -> None:
        begun.append(cell)
        on_cell(dict(cell.metadata.get(PLACE, {})))

    try:
        return papermill.execute_notebook(
            notebook,
            None,
            parameters=dict(parameters),
            engine_name=WARM if engine == WARM else None,
            progress_bar=False,
            record_timing=False,
            on_cell_execute=begin,
        )
    except PapermillExecutionError as error:
        failed = next(cell for cell in begun if cell.execution_count == error.exec_count)
        return failure(error, failed)


def failure(error: PapermillExecutionError, cell: NotebookNode) -> Failure:
    """What papermill found, and where that is in the chapter."""
    traceback = _COLOUR.sub("", "\n".join(error.traceback))
    inside = [int(line) for number, line in _FRAME.findall(traceback) if int(number) == error.exec_count]
    place = cell.metadata.get(PLACE)
    lines = cell.source.splitlines() or [""]
    offset = min(inside[-1] if inside else 1, len(lines)) - 1
    said = f"{error.ename}: {error.evalue}" if error.evalue else error.ename
    if place is None:
        return Failure(f"{said} (in the parameters that papermill filled in)", code=lines[offset], traceback=traceback)
    return Failure(said, place["cell"], place["line"] + offset, lines[offset].strip(), traceback)


def execute_page(
    notebook: NotebookNode, page: Page, root: Path, *, engine: str, on_cell: Callable[[dict], None]
) -> tuple[NotebookNode | Failure, float]:
    """Execute a page in the current folder; its tidied notebook or what failed, and the seconds that it took."""
    start = time.perf_counter()
    outcome = execute(notebook, page.params, engine=engine, on_cell=on_cell)
    seconds = time.perf_counter() - start
    if isinstance(outcome, Failure):
        return replace(outcome, traceback=placeless(outcome.traceback, root)), seconds
    return tidy(outcome, page, root), seconds


def execute_serial(house: House, pages: Iterable[Page], out_dir: Path) -> dict[str, float]:
    """Run the pages one after another by papermill's own engine, as a script around `papermill` would.

    For comparison: writes ``<out_dir>/<page name>.ipynb`` as papermill leaves it, and returns the seconds per page.
    Raises papermill's error for a page that fails. Kernels find the house's own library.
    """
    seconds = {}
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = library_path(house)
    try:
        for page in pages:
            output = out_dir / f"{page.name}.ipynb"
            output.parent.mkdir(parents=True, exist_ok=True)
            chapter = read_chapter(house, page.chapter).notebook()
            start = time.perf_counter()
            papermill.execute_notebook(
                chapter, output, parameters=dict(page.params), progress_bar=False, cwd=house.root
            )
            seconds[page.name] = time.perf_counter() - start
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return seconds
