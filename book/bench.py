"""The benchmarks, each against a stated peer in the same run, as ratios (``python -m book bench``).

All of it happens in a copy of the working tree in a temporary folder: the sources are not touched. Only ratios are
judged; seconds depend on the machine.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from book.build import say, tell
from book.errors import BookError
from book.pages import House, Page
from book.process import cores
from book.release import build_lock, work_folder

SMALL_PAGES = 40
PEER_PAGES = 5  # papermill takes the same time for each of them
ROUNDS = 3
_SMALL_PAGE = """---
kernelspec: {{name: python3, display_name: Python 3}}
---
# Small page {number}

```{{code-cell}} ipython3
import pandas as pd
import scipy.stats
import statsmodels.api as sm
```

```{{code-cell}} ipython3
sample = pd.DataFrame({{"x": range(20), "y": [value**2 + {number} for value in range(20)]}})
fitted = sm.OLS(sample["y"], sm.add_constant(sample["x"])).fit()
```

```{{code-cell}} ipython3
fitted.params.round(3)
```
"""

_PEER = """
import json, time, papermill
seconds = []
for source, target, given in json.load(open("jobs.json")):
    start = time.perf_counter()
    papermill.execute_notebook(source, target, given, progress_bar=False, kernel_name="python3")
    seconds.append(time.perf_counter() - start)
json.dump(seconds, open("seconds.json", "w"))
"""


@dataclass(frozen=True)
class Result:
    name: str
    ours: float  # seconds
    peer: float | None = None  # seconds
    wanted: float | None = None  # the least ratio, or the most seconds
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.peer / self.ours if self.peer else None

    @property
    def reached(self) -> bool:
        if self.wanted is None:
            return True
        return self.ratio >= self.wanted if self.ratio is not None else self.ours < self.wanted

    def row(self) -> str:
        peer = f"{self.peer:.2f} s" if self.peer else ""
        ratio = f"{self.ratio:.1f}×" if self.ratio else ""
        wanted = "" if self.wanted is None else f"≥ {self.wanted:g}×" if self.peer else f"< {self.wanted:g} s"
        return f"| {self.name} | {self.ours:.2f} s | {peer} | {ratio} | {wanted} | {self.note} |"


def bench(house: House, *, quick: bool = False, record: bool = False) -> list[Result]:
    """Run them, print the table, write it to ``_build/bench.json``; an error if a bound is missed.

    ``record``: those of the estimators also go into the file that the page on scale shows.
    """
    from book.bench_estimators import estimators

    with tempfile.TemporaryDirectory(prefix="watwerkt-bench-") as folder:
        results = [small_pages(house, Path(folder) / "small")]
        if not quick:
            results.append(audit(house))
            results += estimators(house, record=record)
            results += whole_site(house, Path(folder) / "site")
    tell("")
    say("| what | ours | peer | ratio | wanted | |")
    say("| --- | --: | --: | --: | --: | --- |")
    for result in results:
        say(result.row())
    record = [{**vars(result), "ratio": result.ratio, "reached": result.reached} for result in results]
    house.build.mkdir(exist_ok=True)
    text = json.dumps({"cores": cores(), "python": sys.version.split()[0], "results": record}, indent=1)
    (house.build / "bench.json").write_text(text + "\n", "utf-8")
    missed = [result.name for result in results if not result.reached]
    if missed:
        raise BookError(f"BenchError: _build/bench.json: below the bound: {'; '.join(missed)}.")
    return results


# --- small pages ------------------------------------------------------------------------------------------------------


def small_pages(house: House, folder: Path) -> Result:
    """Seconds per page of three cells with our engine, imports of the warm parent included, against papermill.

    The least of some rounds, and of some pages: what the machine does besides only ever adds time.
    """
    small = copy_of(house, folder)
    for chapter in (small.root / "chapters").rglob("*.md"):
        chapter.unlink()
    entries = []
    for number in range(SMALL_PAGES):
        name = f"chapters/small/page-{number:02}"
        (small.root / name).parent.mkdir(exist_ok=True)
        (small.root / f"{name}.md").write_text(_SMALL_PAGE.format(number=number), "utf-8")
        entries.append({"file": name})
    matter = [path.relative_to(small.root).as_posix() for path in (small.root / "book" / "matter").rglob("*.md")]
    entries += [{"file": name.removesuffix(".md")} for name in matter if name != "book/matter/index.md"]
    toc = {"format": "jb-book", "root": "book/matter/index", "chapters": entries}
    small.toc.write_text(json.dumps(toc), "utf-8")

    ours = min(_run_anew(small) for _ in range(ROUNDS)) / SMALL_PAGES
    tell("bench    small pages, papermill …")
    peer = min(_papermill(small, _pages(small)[:PEER_PAGES], folder / "papermill"))
    note = f"ours: {SMALL_PAGES} pages, imports included; peer: serial papermill, one kernel per page"
    return Result("small page, executed", ours, peer, 15, note)


# --- the audit --------------------------------------------------------------------------------------------------------


def audit(house: House) -> Result:
    """Load and audit the whole evidence base, against plain pandas and loops over rows."""
    tell("bench    audit …")
    command = [sys.executable, "-m", "book.audit_peer"]
    rounds = []
    for _ in range(ROUNDS):
        done = subprocess.run(
            command, cwd=house.root, env=_environment(house), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BookError(f"BenchError: book.audit_peer failed:\n{done.stderr.strip()}")
        rounds.append(json.loads(done.stdout))
    ours, peer = (min(found[name] for found in rounds) for name in ("ours", "peer"))
    note = "ours: every rule, schemas and hashes checked; peer: equations and repetitions only, cells found by iterrows"
    return Result("evidence base, loaded and audited", ours, peer, 3, note)


def _run_anew(house: House) -> float:
    shutil.rmtree(house.build, ignore_errors=True)
    return _timed(lambda: _book(house, "run"), "small pages, ours")


# --- the whole site ---------------------------------------------------------------------------------------------------


def whole_site(house: House, folder: Path) -> list[Result]:
    """A clean build against serial papermill and `jupyter-book build`; then a rebuild, and one after an edit."""
    site = copy_of(house, folder)
    clean = _timed(lambda: _book(site, "build"), "clean build, ours")
    total = _record(site)["totals"]
    again = _timed(lambda: _book(site, "build"), "rebuild, nothing changed")
    idle = _record(site)["totals"]["executed"]
    chapter = _edit_one(site)
    edited = _timed(lambda: _book(site, "build"), "rebuild, one chapter edited")
    ran = [page for page in _record(site)["pages"] if not page["reused"]]
    strangers = sorted({page["chapter"] for page in ran} - {chapter})
    if idle or strangers or not ran:
        raise BookError(
            f"BenchError: {chapter}: with nothing changed {idle} pages were executed; after an edit of this chapter "
            f"{len(ran)}, of other chapters: {', '.join(strangers) or 'none'}."
        )
    tell("bench    whole site, papermill …")
    peer = sum(_papermill(site, _pages(site), folder / "papermill"))
    source = _staged(site)
    peer += _timed(lambda: _jupyter_book(site, source), "whole site, jupyter-book build")
    note = f"{total['pages']} pages, {total['executable']} executed; peer: serial papermill, then jupyter-book build"
    return [
        Result("whole site, from nothing", clean, peer, 4, note),
        Result("rebuild, nothing changed", again, None, 3, "0 pages executed"),
        Result(f"{chapter} edited", edited, None, None, f"executed: {', '.join(page['name'] for page in ran)}"),
    ]


def _edit_one(house: House) -> str:
    """Add a sentence and a line of code to the first page that is no family; return its chapter."""
    page = next(page for page in _pages(house) if not page.family)
    path = house.root / page.chapter
    path.write_text(path.read_text("utf-8") + "\nOne more sentence.\n\n```{code-cell} ipython3\n6 * 7\n```\n", "utf-8")
    return page.chapter


# --- ours and theirs --------------------------------------------------------------------------------------------------


def copy_of(house: House, folder: Path) -> House:
    """The working tree without anything built: what git knows or would add; without git, everything."""
    listed = subprocess.run(
        ["git", "-C", house.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (house.root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(house.root / name, folder / name)
    else:
        shutil.copytree(house.root, folder, ignore=shutil.ignore_patterns("_build", ".venv", ".git", "__pycache__"))
    return House(folder)


def _environment(house: House) -> dict[str, str]:
    """The copy's own library and program, not the installed ones."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(house.root), str(house.lib)])}


def _book(house: House, *arguments: str) -> None:
    _done([sys.executable, "-m", "book", *arguments], house)


def _papermill(house: House, pages: Iterable[Page], folder: Path) -> list[float]:
    """Seconds per page: one after another, each in a kernel of its own; importing papermill and converting is free."""
    from book.notebook import read_chapter

    folder.mkdir()
    jobs = []
    for number, page in enumerate(pages):
        source = folder / f"{number}.ipynb"
        source.write_text(json.dumps(read_chapter(house, page.chapter).notebook()), "utf-8")
        jobs.append((str(source), str(folder / f"{number}-executed.ipynb"), dict(page.params)))
    (folder / "jobs.json").write_text(json.dumps(jobs), "utf-8")
    _done([sys.executable, "-c", _PEER], house, cwd=folder)
    return json.loads((folder / "seconds.json").read_text("utf-8"))


def _staged(house: House) -> Path:
    """The source tree as we stage it, notebooks executed and charts drawn: what `jupyter-book build` starts from."""
    from book.draw import drawers
    from book.expand import expand
    from book.provenance import provenance
    from book.run import run
    from book.stage import plan

    with build_lock(house, say=tell), drawers(cores()) as pool:
        pages = expand(house)
        staged = plan(house, pages, run(house, pages, jobs=cores()), provenance(house.root), pool)
        source = work_folder(house, "jupyter-book") / "source"
        staged.tree.write(source)
    return source


def _jupyter_book(house: House, source: Path) -> None:
    program = Path(sys.executable).with_name("jupyter-book")
    _done([str(program), "build", "--all", "-q", str(source)], house)


def _pages(house: House) -> list[Page]:
    from book.expand import expand

    return [page for page in expand(house) if page.executable]


def _record(house: House) -> dict:
    return json.loads((house.build / "html" / "data" / "build.json").read_text("utf-8"))


def _done(command: list[str], house: House, *, cwd: Path | None = None) -> None:
    done = subprocess.run(
        command, cwd=cwd or house.root, env=_environment(house), capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).splitlines()[-30:])
        raise BookError(f"BenchError: {' '.join(command[:4])}: exit code {done.returncode}.\n{last}")


def _timed(function: Callable[[], None], name: str) -> float:
    tell(f"bench    {name} …")
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
