"""Static pictures of charts: SVG for the page, SVG and PNG to download, and the script that makes charts interactive.

vl_convert draws without a browser and without network; it starts threads, so it is imported in worker processes only.
What it made is kept in ``_build/cache/charts`` under a key of everything that the pictures depend on.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from book import svg
from book.child import die_with_parent
from book.errors import BookError

# Drawn and measured in the generic family, which is there on every machine; the page and the file name better ones.
_FONT = "sans-serif"
_PAPER = "#fffdf9"
_SCRIPT = "vega.js"


@dataclass(frozen=True)
class Chart:
    where: str  # for messages: page, chapter and chart
    name: str  # unique on its page
    alt: str
    wide: Mapping
    narrow: Mapping

    @property
    def key(self) -> str:
        """What the pictures depend on: the specs, the name (ids in the SVG), the text alternative and the tools."""
        content = json.dumps([self.name, self.alt, self.wide, self.narrow], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(f"{_tools()}\n{content}".encode()).hexdigest()


@dataclass(frozen=True)
class Drawn:
    folder: Path

    @property
    def wide(self) -> str:
        return (self.folder / "wide.svg").read_text("utf-8")

    @property
    def narrow(self) -> str:
        return (self.folder / "narrow.svg").read_text("utf-8")

    @property
    def picture_svg(self) -> Path:
        return self.folder / "picture.svg"

    @property
    def picture_png(self) -> Path:
        return self.folder / "picture.png"


@contextlib.contextmanager
def drawers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that draw; each starts when there is work for it, so that without work there is none."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start_drawer) as pool:
        yield pool


def begin(store: Path, pool: ProcessPoolExecutor, *, jobs: int) -> None:
    """Where nothing has been drawn yet: make the script and load vl_convert while pages are executed.

    Executing begins with imports, which keep one core busy and leave the others idle.
    """
    script = vega_script(store)
    if not script.exists():
        pool.submit(_bundle, script.parent)
        for _ in range(jobs - 1):
            pool.submit(_load)


def draw(charts: Iterable[Chart], store: Path, pool: ProcessPoolExecutor) -> dict[str, Drawn]:
    """Draw every chart that `store` does not hold yet, and make the script; {key: pictures} for all charts."""
    wanted = {chart.key: chart for chart in charts}
    drawn = {key: Drawn(_folder(store, key)) for key in wanted}
    missing = [wanted[key] for key, pictures in drawn.items() if not pictures.folder.is_dir()]
    script = vega_script(store)
    try:
        if wanted and not script.exists():
            pool.submit(_bundle, script.parent).result()
        failures = [failure for failure in pool.map(_draw_one, missing, [store] * len(missing)) if failure]
    except BrokenProcessPool:
        raise BookError(
            "ChartError: a process that draws charts was killed from outside, perhaps for want of memory.\n"
            "  build again, with fewer processes: python -m book build --jobs 1"
        ) from None
    if failures:
        raise BookError("\n".join(failures))
    return drawn


def vega_script(store: Path) -> Path:
    """The one file with vega, vega-lite and vega-embed that the site serves itself; it sets `window.vegaEmbed`.

    It is there once a chart has been drawn.
    """
    return _folder(store, hashlib.sha256(f"{_tools()}\n{_SCRIPT}".encode()).hexdigest()) / _SCRIPT


@cache
def _tools() -> str:
    code = hashlib.sha256()
    for source in (__file__, svg.__file__):
        code.update(Path(source).read_bytes())
    return f"vl-convert {version('vl-convert-python')} {code.hexdigest()}"


def _folder(store: Path, key: str) -> Path:
    return store / key[:2] / key


def _start_drawer() -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and ends us


def _load() -> None:
    """The first picture of a process takes half a second more."""
    import vl_convert

    vl_convert.vegalite_to_svg({"mark": "point", "data": {"values": []}})


def _draw_one(chart: Chart, store: Path) -> str | None:
    """Draw one chart into the store; the message if vl_convert cannot."""
    import vl_convert

    def as_svg(spec: Mapping) -> str:
        return vl_convert.vegalite_to_svg(_prepared(spec), allowed_base_urls=[])

    try:
        wide, narrow = as_svg(chart.wide), as_svg(chart.narrow)
        on_paper = svg.on_background(wide, _PAPER)
        made = {
            "wide.svg": svg.inline(wide, prefix=f"svg-{chart.name}-wide-"),
            "narrow.svg": svg.inline(narrow, prefix=f"svg-{chart.name}-narrow-"),
            "picture.svg": svg.standalone(on_paper, title=chart.alt),
            "picture.png": vl_convert.svg_to_png(on_paper, scale=2),
        }
    except ValueError as error:  # what vl_convert raises for a spec it cannot draw, and svg for a colour it cannot map
        return f"ChartError: {chart.where}: {' '.join(str(error).split())[:600]}"
    _keep(made, _folder(store, chart.key))
    return None


def _prepared(spec: Mapping) -> dict:
    config = {**spec.get("config", {}), "aria": False, "font": _FONT}
    config.pop("background", None)
    return {**spec, "background": "transparent", "config": config}


def _bundle(folder: Path) -> None:
    if folder.is_dir():
        return
    import vl_convert

    # the bundle declares short names at top level; in a function they cannot meet those of another script
    _keep({_SCRIPT: f"(()=>{{{vl_convert.javascript_bundle()}\n}})();\n"}, folder)


def _keep(made: Mapping[str, str | bytes], folder: Path) -> None:
    """Write the files and move them into the store in one step; another build may have been there first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    for name, content in made.items():
        (fresh / name).write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        fresh.rename(folder)
    except OSError:
        shutil.rmtree(fresh)
        if not folder.is_dir():
            raise


def forget_unused(store: Path, used: Iterable[Path], *, days: int = 30) -> None:
    """Remove what no build has used for `days`; mark what this build used."""
    for folder in used:
        os.utime(folder)
    kept = set(used)
    limit = max((folder.stat().st_mtime for folder in kept), default=0) - days * 86400
    for folder in store.glob("*/*"):
        if folder not in kept and folder.stat().st_mtime < limit:
            shutil.rmtree(folder)
