"""Chapters as notebooks: read from MyST Markdown with their source lines, and put into one form once executed."""

import ast
import hashlib
import re
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from book.errors import BookError
from book.pages import House, Page

PLACE = "book"  # metadata of a cell: {"cell": its number among the code cells, "line": its first line in the chapter}
PARAMETERS, INJECTED = "parameters", "injected-parameters"
HIDDEN = "remove-cell"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$", re.DOTALL | re.MULTILINE)
# What a kernel puts before the number of a cell in warnings and tracebacks: a folder named for its process.
_CELL_FILE = re.compile(rf"(?:{re.escape(tempfile.gettempdir())}|/tmp)/ipykernel_\d+/")


@dataclass(frozen=True)
class Chapter:
    """A chapter file, read. `lines` holds the line in the file at which the text of each cell begins."""

    path: str
    text: str
    front: Mapping[str, Any]
    cells: tuple[NotebookNode, ...]
    lines: tuple[int, ...]

    @property
    def code(self) -> list[str]:
        return [cell.source for cell in self.cells if cell.cell_type == "code" and cell.source.strip()]

    @property
    def body(self) -> str:
        """The text below the front matter."""
        return _FRONT_MATTER.sub("", self.text, count=1).removeprefix("\n")

    @property
    def declared(self) -> list[str] | None:
        """The names that the cell tagged `parameters` assigns, in order; None if there is no such cell."""
        tagged = [(cell, line) for cell, line in zip(self.cells, self.lines, strict=True) if PARAMETERS in _tags(cell)]
        if len(tagged) > 1:
            lines = ", ".join(str(line) for _, line in tagged)
            raise BookError(
                f"ChapterError: {self.path}, lines {lines}: {len(tagged)} cells are tagged 'parameters'.\n"
                "  allowed is one; papermill would fill in the first and leave the others as they are"
            )
        return _assigned(self.path, *tagged[0]) if tagged else None

    def notebook(self) -> NotebookNode:
        """The notebook to execute; each code cell knows its number and its line in the chapter."""
        notebook = nbformat.v4.new_notebook(metadata={"kernelspec": dict(KERNEL)})
        number = 0
        for cell, line in zip(self.cells, self.lines, strict=True):
            fresh = nbformat.from_dict(cell)
            place = {"line": line}
            if cell.cell_type == "code":
                number += 1
                place["cell"] = number
            fresh.metadata[PLACE] = place
            notebook.cells.append(fresh)
        return notebook


def read_chapter(house: House, path: str) -> Chapter:
    """Read a chapter file, given its path from the root of the house."""
    try:
        text = (house.root / path).read_text("utf-8")
    except FileNotFoundError:
        raise BookError(f"ChapterError: {path}: there is no such file.\n  _toc.yml lists the chapters") from None
    except UnicodeDecodeError as error:
        raise BookError(
            f"ChapterError: {path}, byte {error.start}: {error.object[error.start : error.start + 1]!r} is not UTF-8.\n"
            "  save the file as UTF-8"
        ) from None
    return parse_chapter(path, text)


@cache
def parse_chapter(path: str, text: str) -> Chapter:
    """A chapter from its text."""
    front, length = _front_matter(path, text)
    from jupytext.myst import MystMetadataParsingError, myst_to_notebook  # slow to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # jupytext warns of cells in two languages
            notebook = myst_to_notebook("\n" * text[:length].count("\n") + text[length:], add_source_map=True)
    except (MystMetadataParsingError, yaml.YAMLError, UserWarning) as error:
        raise BookError(f"ChapterError: {path}: {' '.join(str(error).split())}.\n  see the MyST-NB manual") from None
    except nbformat.ValidationError as error:
        raise BookError(f"ChapterError: {path}: the options of a code cell: {error.message}.") from None
    lines = text.splitlines()
    starts = [
        _first_line(cell.source, lines, start)
        for cell, start in zip(notebook.cells, notebook.metadata.source_map, strict=True)
    ]
    return Chapter(path, text, front, tuple(notebook.cells), tuple(starts))


def _front_matter(path: str, text: str) -> tuple[dict[str, Any], int]:
    """What the front matter says, and where it ends in the text."""
    found = _FRONT_MATTER.match(text)
    if not found:
        return {}, 0
    try:
        front = yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 2}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise BookError(
            f"ChapterError: {path}{where}: the front matter is not YAML: {problem}.\n"
            "  the front matter is what stands between the two lines '---' at the top of the file"
        ) from None
    if not isinstance(front, dict | NoneType):
        raise BookError(
            f"ChapterError: {path}, line 2: the front matter is {_kind(front)}, not a mapping.\n"
            "  write it as 'key: value' lines"
        )
    return front or {}, found.end()


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else f"the text {value!r}" if isinstance(value, str) else repr(value)


def _first_line(source: str, lines: list[str], start: int) -> int:
    """The line, counted from 1, at which a cell's text begins; jupytext gives that of its fence, or one before it."""
    wanted = source.splitlines()
    for index in range(max(start - 1, 0), len(lines) - len(wanted) + 1):
        if lines[index : index + len(wanted)] == wanted:
            return index + 1
    return max(start, 1)


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _assigned(path: str, cell: NotebookNode, line: int) -> list[str]:
    try:
        tree = ast.parse(cell.source)
    except SyntaxError as error:
        raise BookError(
            f"ChapterError: {path}, line {line + (error.lineno or 1) - 1}: the cell tagged 'parameters' is not Python: "
            f"{error.msg}.\n  write assignments only: name = value"
        ) from None
    targets: list[ast.expr] = []
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets += statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets.append(statement.target)
    return [target.id for target in targets if isinstance(target, ast.Name)]


# --- once executed ----------------------------------------------------------------------------------------------------


def tidy(notebook: NotebookNode, page: Page, root: Path) -> NotebookNode:
    """An executed notebook in the one form that the same inputs always give: no times, no places of this machine.

    Stream outputs that follow each other become one per stream (a kernel cuts them where its clock says so), and cell
    ids follow from the page and the place of the cell.
    """
    tidied = nbformat.v4.new_notebook(
        metadata={"kernelspec": dict(KERNEL), "language_info": notebook.metadata.get("language_info", {})}
    )
    if page.params:
        tidied.metadata["papermill"] = {"parameters": dict(page.params)}
    for index, cell in enumerate(notebook.cells):
        fresh = nbformat.from_dict(cell)
        fresh.id = hashlib.sha256(f"{page.name}\0{index}".encode()).hexdigest()[:12]
        for key in ("papermill", "execution"):
            fresh.metadata.pop(key, None)
        if {PARAMETERS, INJECTED} & set(_tags(fresh)) and HIDDEN not in _tags(fresh):
            fresh.metadata["tags"] = [*_tags(fresh), HIDDEN]
        if not fresh.metadata.get("tags", True):
            del fresh.metadata["tags"]
        if fresh.cell_type == "code":
            fresh.outputs = [_without_places(output, root) for output in merged_streams(fresh.outputs)]
        tidied.cells.append(fresh)
    return tidied


def merged_streams(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Outputs in which every run of streams has become one stdout and one stderr, in that order."""
    merged: list[NotebookNode] = []
    run: dict[str, str] = {}

    def end_run() -> None:
        for name in sorted(run, key=("stdout", "stderr").index):
            merged.append(nbformat.v4.new_output("stream", name=name, text=run[name]))
        run.clear()

    for output in outputs:
        if output.output_type == "stream":
            run[output.name] = run.get(output.name, "") + output.text
        else:
            end_run()
            merged.append(output)
    end_run()
    return merged


def _without_places(output: NotebookNode, root: Path) -> NotebookNode:
    """The output without folders of this machine in what is written to streams and in tracebacks."""
    if output.output_type == "stream":
        output.text = placeless(output.text, root)
    elif output.output_type == "error":
        output.traceback = [placeless(line, root) for line in output.traceback]
    return output


def placeless(text: str, root: Path) -> str:
    """Text in which paths begin at the root of the house, and cells have the same file name in every process."""
    text = _CELL_FILE.sub("ipykernel/", text).replace(f"{root}/", "")
    home = Path.home()
    return text.replace(f"~/{root.relative_to(home)}/", "") if root.is_relative_to(home) else text
