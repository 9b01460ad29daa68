"""From the staged source tree to HTML: strict Sphinx on all cores, with nothing loaded that a page does not need."""

import hashlib
import os
import pprint
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from book.child import run_bound
from book.errors import BookError, counted
from book.pages import House, Page
from book.provenance import Provenance
from book.stage import EXTRA, Staged

OUR_EXTENSION = "book.sphinx_ext"
NUMBERING = "sphinx_multitoc_numbering"
# Loaded by Jupyter Book unless told otherwise; each puts scripts on every page or asks another host for something.
_NOT_NEEDED = {
    "sphinx.ext.intersphinx",
    "sphinx_comments",
    "sphinx_copybutton",
    "sphinx_jupyterbook_latex",
    "sphinx_thebe",
    "sphinx_togglebutton",
}
# What the look depends on is set by our extension; these are about where things are and what is executed.
_SETTINGS = {
    "html_extra_path": [EXTRA],
    "nb_execution_mode": "off",
    "nb_ipywidgets_js": {},
    "nb_output_stderr": "remove-warn",
    "use_jupyterbook_latex": False,
}
_WITHOUT_PAGE = {"404.html", "genindex.html", "search.html"}
_FROM_EXTRA = ("data/", "files/", "sources/")
_TRACES = (".buildinfo", ".buildinfo.bak", "_sources", "reports")
_CODE = {".py", ".html", ".css", ".js", ".json", ".svg", ".conf", ".woff2"}

_WARNING = re.compile(
    r"(?:(?P<path>.*?)(?::(?P<line>\d+))?(?::<[^>]*>:\d*)?: )?(?P<level>WARNING|ERROR|SEVERE|CRITICAL): (?P<text>.*)"
)
_PROGRESS = re.compile(r"(reading sources|writing output)\.\.\. \[ *(\d+)%\]")


@dataclass(frozen=True)
class Warned:
    page: Page | None
    place: str  # "" where Sphinx names none
    text: str

    def __str__(self) -> str:
        where = f"{self.page}{self.place}" if self.page else f"the site{self.place}"
        return f"BindError: {where}: {self.text}"


def digest(house: House, staged: Staged) -> str:
    """sha256 over everything that the site is made of: sources, this program and the theme, the locked packages."""
    return hashlib.sha256(f"{staged.tree.digest()}\n{_program(house)}".encode()).hexdigest()


def _program(house: House) -> str:
    made = hashlib.sha256(f"{sys.version}\n".encode())
    for path in sorted((house.root / "book").rglob("*")):
        if path.suffix in _CODE and path.is_file():
            made.update(f"{house.relative(path)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    lock = house.root / "requirements.txt"
    made.update(lock.read_bytes() if lock.exists() else b"")
    return made.hexdigest()


def bind(
    house: House,
    staged: Staged,
    work: Path,
    made_from: Provenance,
    *,
    jobs: int,
    progress: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write the source tree into `work` and build it; the folder with the HTML, or an error with every warning.

    A `work` folder that an earlier bind used is built incrementally.
    """
    source, html, doctrees = work / "source", work / "html", work / "doctrees"
    unfinished, program = work / "unfinished", work / "program"
    known = program.read_text() if program.exists() else None
    if unfinished.exists() or known != _program(house):  # killed in the middle, or made by other code
        for folder in (source, html, doctrees):
            shutil.rmtree(folder, ignore_errors=True)
    unfinished.touch()
    program.write_text(_program(house))
    staged.tree.add("conf.py", conf(staged))
    staged.tree.write(source)
    warnings, code, printed = _sphinx(house, work, made_from, jobs=jobs, progress=progress)
    found = parsed(warnings, source, staged.pages)
    if found or code:
        _read_again(found, source, doctrees)
        unfinished.unlink()
        raise BookError(_complaint(found, printed))
    drop_stale(html, staged)
    compare_pages(html, staged.pages)
    unfinished.unlink()
    return html


def finish(html: Path, site: Path, *, move: bool) -> None:
    """Put the HTML where the site is completed, without what only Sphinx needs."""
    if move:
        html.rename(site)
    else:
        shutil.copytree(html, site)
    for path in (site / name for name in _TRACES):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# --- Sphinx -----------------------------------------------------------------------------------------------------------


def conf(staged: Staged) -> str:
    """The text of conf.py: Jupyter Book's translation of `_config.yml`, then what this book insists on."""
    config = yaml.safe_load(staged.tree.read("_config.yml"))
    wanted = (config.get("sphinx") or {}).get("extra_extensions") or ()
    dropped = {OUR_EXTENSION, *_NOT_NEEDED} - (set(wanted) - {OUR_EXTENSION})
    if not re.search(rb"^[\s-]*numbered:", staged.tree.read("_toc.yml"), flags=re.M):
        dropped.add(NUMBERING)
    settings = _jupyter_book_settings(config)
    extensions = [name for name in settings["extensions"] if name not in dropped]
    settings |= {**_SETTINGS, "extensions": [*extensions, OUR_EXTENSION]}  # ours has the last word
    lines = [f"{name} = {pprint.pformat(value, width=100)}" for name, value in sorted(settings.items())]
    return _CONF.format(settings="\n".join(lines))


_CONF = '''"""Written by book/bind.py from _config.yml: changes made here are lost."""

from book.child import die_with_parent_in_forks

{settings}

die_with_parent_in_forks()
'''


def _jupyter_book_settings(config: dict) -> dict:
    import jsonschema
    from jupyter_book.config import get_final_config

    try:
        settings, _ = get_final_config(
            user_yaml=config, cli_config={"latex_individualpages": False}, raise_on_invalid=True
        )
    except (jsonschema.ValidationError, ValueError) as error:
        message = error.message if isinstance(error, jsonschema.ValidationError) else str(error)
        raise BookError(
            f"ConfigError: _config.yml:\n{message}\n  allowed keys: https://jupyterbook.org/v1/customize/config.html"
        ) from None
    return settings


def _sphinx(
    house: House, work: Path, made_from: Provenance, *, jobs: int, progress: Callable[[str], None]
) -> tuple[str, int, list[str]]:
    warnings = work / "warnings.txt"
    warnings.unlink(missing_ok=True)
    printed: list[str] = []

    def on_line(line: str) -> None:
        printed.append(line)
        step = _PROGRESS.search(line)
        if step:
            progress(f"{step[1]} {step[2]}%")

    strict = ["-n", "-W", "--keep-going", "--no-color", "-w", str(warnings)]
    places = ["-d", str(work / "doctrees"), str(work / "source"), str(work / "html")]
    code = run_bound(
        "sphinx",
        *(*strict, "-j", str(jobs), "-b", "html", *places),
        cwd=house.root,
        env=_environment(house, made_from),
        on_line=on_line,
    )
    (work / "sphinx.log").write_text("\n".join(printed), "utf-8")
    return warnings.read_text("utf-8") if warnings.exists() else "", code, printed


def _environment(house: House, made_from: Provenance) -> dict[str, str]:
    paths = [str(house.root), str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
    fixed = {
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(path for path in dict.fromkeys(paths) if path),
        "SOURCE_DATE_EPOCH": str(made_from.epoch),
        "PYTHONWARNINGS": "ignore::DeprecationWarning",
    }
    return {**os.environ, **fixed}


# --- what Sphinx complained of ----------------------------------------------------------------------------------------


def parsed(warnings: str, source: Path, pages: Sequence[Page]) -> list[Warned]:
    """The warnings of a build, each once, with the page they come from."""
    by_name = {page.name: page for page in pages}
    found: dict[str, Warned] = {}
    for match, text in _warnings(warnings):
        path = Path(match["path"] or ".")
        inside = path.relative_to(source) if path.is_relative_to(source) else path
        page = by_name.get(inside.with_suffix("").as_posix())
        place = _place(match["line"], path) if page else (f" ({inside.as_posix()})" if match["path"] else "")
        warned = Warned(page, place, text)
        found[str(warned)] = warned
    return list(found.values())


def _warnings(text: str) -> Iterator[tuple[re.Match, str]]:
    """Each warning with all of its lines."""
    current: tuple[re.Match, list[str]] | None = None
    for line in text.splitlines():
        start = _WARNING.fullmatch(line)
        if start:
            if current:
                yield current[0], "\n  ".join(current[1])
            current = (start, [start["text"]])
        elif current and line.strip():
            current[1].append(line.strip())
    if current:
        yield current[0], "\n  ".join(current[1])


def _place(line: str | None, path: Path) -> str:
    """myst-nb counts 10000 lines for each cell of a notebook, and in a cell from 2."""
    if line is None:
        return ""
    cell, row = divmod(int(line), 10000)
    if path.suffix == ".ipynb" and cell:
        return f", cell {cell}, line {max(row - 1, 1)}"
    return f", line {line}"


def _complaint(found: Sequence[Warned], printed: Sequence[str]) -> str:
    if found:
        listed = "\n".join(str(warned) for warned in found)
        return f"{listed}\n  {counted(len(found), 'warning')}: every one fails the build; mend the chapters named above"
    last = "\n".join(f"  {line}" for line in printed[-15:])
    return f"BindError: Sphinx ended without a site. Its last lines:\n{last}"


def _read_again(found: Sequence[Warned], source: Path, doctrees: Path) -> None:
    """Have the next incremental build see the pages that were warned of, although they have not changed."""
    files = [source / f"{warned.page.name}{suffix}" for warned in found if warned.page for suffix in (".ipynb", ".md")]
    if not found or not all(warned.page for warned in found):
        shutil.rmtree(doctrees, ignore_errors=True)
    for path in files:
        if path.exists():
            path.touch()


# --- the result -------------------------------------------------------------------------------------------------------


def drop_stale(html: Path, staged: Staged) -> None:
    """Remove what an earlier incremental build wrote for pages and files that are gone."""
    expected = {f"{page.name}.html" for page in staged.pages} | _WITHOUT_PAGE
    expected |= {name.removeprefix(f"{EXTRA}/") for name in staged.tree if name.startswith(f"{EXTRA}/")}
    for path in sorted(html.rglob("*")):
        name = path.relative_to(html).as_posix()
        if path.is_file() and name not in expected and (path.suffix == ".html" or name.startswith(_FROM_EXTRA)):
            path.unlink()


def compare_pages(html: Path, pages: Sequence[Page]) -> None:
    """Every page of the grid is there, and no other; else an error that names the difference."""
    expected: Mapping[str, Page] = {f"{page.name}.html": page for page in pages}
    skipped = ("_static/", "files/", "sources/")
    there = {path.relative_to(html).as_posix() for path in html.rglob("*.html")} - _WITHOUT_PAGE
    there = {name for name in there if not name.startswith(skipped)}
    missing = [f"{page} has no page {name}" for name, page in expected.items() if name not in there]
    extra = [f"{name} belongs to no chapter" for name in sorted(there - set(expected))]
    if missing or extra:
        listed = "\n".join(f"  {line}" for line in (*missing, *extra))
        raise BookError(f"BindError: the site has {len(there)} pages, the grid {len(expected)}:\n{listed}")
