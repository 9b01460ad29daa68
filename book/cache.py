"""Executed pages, kept between builds and reused only while everything that they were made from is the same.

An entry is found by its key: chapter text, parameters, the modules of `watwerkt` that the chapter imports (through
each other too), the locked requirements and what is installed, Python, settings, and the part of this program that
executes. It holds then what the page read while it ran, which must be unchanged as well. An entry that is damaged in
any way does not exist.
"""

import contextlib
import hashlib
import json
import os
import platform
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from book.errors import BookError
from book.library import PACKAGE, Library
from book.notebook import Chapter, read_chapter
from book.pages import House, Page
from book.trace import Hashes, Reads

_FORMAT = 1
_DAY = 24 * 60 * 60
_KEPT = 30 * _DAY  # for entries that no build has used
_PROGRAM = ("engine.py", "kernel.py", "notebook.py", "pages.py", "process.py", "trace.py", "worker.py")
_SETTINGS = f"{PACKAGE.upper()}_"  # environment variables that begin so may change results


@dataclass(frozen=True)
class Entry:
    """A page as it was executed."""

    notebook: Path
    seconds: float
    reads: Reads
    modules: tuple[str, ...]


class PageCache:
    """The cache as one build sees it: every file of the house is looked at once, before any page runs."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._folder = house.cache / "pages"
        self._hashes = Hashes()
        self._chapters: dict[str, Chapter] = {}
        self._modules: dict[str, list[str]] = {}
        self.library = Library(house.lib)

    def chapter(self, page: Page) -> Chapter:
        """The chapter as it was when this build first read it."""
        if page.chapter not in self._chapters:
            self._chapters[page.chapter] = read_chapter(self._house, page.chapter)
        return self._chapters[page.chapter]

    def modules(self, page: Page) -> list[str]:
        """The modules of `watwerkt` that the page's chapter imports, directly or through each other."""
        if page.chapter not in self._modules:
            self._modules[page.chapter] = self.library.closure(self.chapter(page).code)
        return self._modules[page.chapter]

    def key(self, page: Page) -> str:
        """A name for everything about the page that can be known without running it."""
        parts = {
            "format": _FORMAT,
            "page": [page.chapter, page.name, dict(page.params), page.engine],
            "chapter": hashlib.sha256(self.chapter(page).text.encode()).hexdigest(),
            "modules": {name: self._hashes.file(self.library.modules[name]) for name in self.modules(page)},
            "requirements": self._hashes.file(self._house.root / "requirements.txt"),
            "settings": settings(),
            "machine": machine(),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def get(self, page: Page, key: str) -> Entry | None:
        """The page as it was executed from the same inputs, if it was, and if what was kept is whole."""
        notebook, facts = self._places(key)
        try:
            kept = json.loads(facts.read_bytes())
            entry = Entry(notebook, kept["seconds"], Reads.from_json(kept["reads"]), tuple(kept["modules"]))
            whole = kept["notebook"] == hashlib.sha256(notebook.read_bytes()).hexdigest()
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not whole or not entry.reads.unchanged(self._house.root, self._hashes):
            return None
        self._mark_used(facts)
        return entry

    def put(self, page: Page, key: str, result: Mapping[str, Any]) -> Entry:
        """Keep what a page's process gave."""
        reads = Reads.from_json(result["reads"]) if result["traced"] else self.everything
        modules = tuple(sorted({*self.modules(page), *result["modules"]}))
        notebook, facts = self._places(key)
        text = result["notebook"].encode()
        kept = {
            "page": str(page),
            "seconds": result["seconds"],
            "notebook": hashlib.sha256(text).hexdigest(),
            "reads": reads.to_json(),
            "modules": modules,
        }
        write(notebook, text, root=self._house.root)
        write(facts, json.dumps(kept, indent=1).encode(), root=self._house.root)
        return Entry(notebook, result["seconds"], reads, modules)

    def prune(self) -> None:
        """Remove entries that no build has used for long, and what killed builds left half written."""
        now = time.time()
        for path in self._folder.glob("*"):
            kept = _KEPT if path.suffix in (".json", ".ipynb") else _DAY
            used = path.with_suffix(".json") if path.suffix == ".ipynb" else path
            with contextlib.suppress(OSError):  # gone already, or not ours to remove: no build depends on it
                if not used.exists() or now - used.stat().st_mtime > kept:
                    path.unlink()

    @cached_property
    def everything(self) -> Reads:
        """All of the data and of the library, as reads: for pages whose own reads could not be seen."""
        root = self._house.root
        found = [
            path
            for folder in (self._house.data, self._house.lib, self._house.cache / "microdata")
            for path in [folder, *folder.rglob("*")]
            if not any(part == "__pycache__" or part.endswith(".egg-info") for part in path.parts)
        ]
        return Reads(
            {path.relative_to(root).as_posix(): self._hashes.file(path) for path in found if path.is_file()},
            {path.relative_to(root).as_posix(): self._hashes.folder(path) for path in found if path.is_dir()},
        )

    def _places(self, key: str) -> tuple[Path, Path]:
        return self._folder / f"{key}.ipynb", self._folder / f"{key}.json"

    @staticmethod
    def _mark_used(facts: Path) -> None:
        with contextlib.suppress(OSError):  # on a read-only disk nothing is pruned either
            if time.time() - facts.stat().st_mtime > _DAY:
                os.utime(facts)


def settings() -> dict[str, str]:
    """The environment variables that may change results."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(_SETTINGS)}


@cache
def machine() -> dict[str, Any]:
    """What executes pages, apart from the house: Python, the libraries installed, this program."""
    installed = sorted(
        {
            path.name
            for scheme in ("purelib", "platlib")
            for path in Path(sysconfig.get_path(scheme)).glob("*.dist-info")
        }
    )
    here = Path(__file__).parent
    return {
        "python": sys.version,
        "platform": [sys.platform, platform.machine()],
        "installed": installed,
        "program": {name: hashlib.sha256((here / name).read_bytes()).hexdigest() for name in _PROGRAM},
    }


def kept(house: House, name: str, key: Mapping[str, Any], compute: Callable[[], tuple[Any, Reads]]) -> Any:
    """A JSON value kept in ``cache/<name>.json`` while its key and what it was read from are the same."""
    place = house.cache / f"{name}.json"
    wanted = json.loads(json.dumps({**key, "machine": machine()}))
    try:
        found = json.loads(place.read_bytes())
        if found["key"] == wanted and Reads.from_json(found["reads"]).unchanged(house.root, Hashes()):
            return found["value"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    value, reads = compute()
    write(place, json.dumps({"key": wanted, "reads": reads.to_json(), "value": value}).encode(), root=house.root)
    return value


def write(path: Path, content: bytes, *, root: Path) -> None:
    """Write a file in one step: whoever looks sees the old one or the whole new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
            part = Path(file.name)
            try:
                file.write(content)
                file.close()
                part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        shown = path.parent.relative_to(root).as_posix() if path.is_relative_to(root) else path.parent
        raise BookError(
            f"CacheError: {shown}: cannot be written: {error.strerror or error}.\n"
            "  free some space or make the folder writable, and run the command again; "
            "pages executed before that are kept, and the last good site is as it was"
        ) from error
