"""What a page read, recorded while it runs, so that the page can be executed anew when that changes."""

# The hook is called for whatever a page opens, of any type and spelling, thousands of times: no Path objects there.
# ruff: noqa: PTH100, PTH109, PTH113, PTH118, PTH123, PTH208

import hashlib
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from glob import has_magic
from pathlib import Path
from threading import get_ident
from typing import Any

from book.library import PACKAGE

_NOT_INPUTS = (".venv", "_build", "book", ".git")
_LISTINGS = {"os.listdir", "os.scandir"}
_OTHER_PROCESSES = {"subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.exec", "os.spawn", "os.posix_spawn"}


@dataclass
class Reads:
    """Files and folders by path from the root, with a hash of what was there (None: nothing was)."""

    files: dict[str, str | None] = field(default_factory=dict)
    folders: dict[str, str | None] = field(default_factory=dict)

    def unchanged(self, root: Path, known: "Hashes") -> bool:
        return all(known.file(root / path) == found for path, found in self.files.items()) and all(
            known.folder(root / path) == found for path, found in self.folders.items()
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Reads":
        return cls(dict(value["files"]), dict(value["folders"]))

    def to_json(self) -> dict[str, Any]:
        return {"files": dict(sorted(self.files.items())), "folders": dict(sorted(self.folders.items()))}


class Hashes:
    """Hashes of files and folders, each computed once; an instance is for one build step, not to be kept."""

    def __init__(self) -> None:
        self._files: dict[Path, str | None] = {}
        self._folders: dict[Path, str | None] = {}

    def file(self, path: Path) -> str | None:
        if path not in self._files:
            self._files[path] = hash_of_file(path)
        return self._files[path]

    def folder(self, path: Path) -> str | None:
        if path not in self._folders:
            self._folders[path] = hash_of_names(path)
        return self._folders[path]


def hash_of_file(path: str | os.PathLike[str]) -> str | None:
    """SHA-256 of a regular file that can be read, else None."""
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def hash_of_names(path: str | os.PathLike[str]) -> str | None:
    """A hash of the names in a folder, leaving out what editors and systems put there; None if it is no folder."""
    try:
        names = os.listdir(path)
    except OSError:
        return None
    kept = sorted(name for name in names if not name.startswith((".", "__pycache__")) and not name.endswith("~"))
    return hashlib.sha256("\0".join(kept).encode("utf-8", "surrogateescape")).hexdigest()


class Trace:
    """Records, from `start` on, what this process reads under the root and under the folders of other inputs.

    Each file is hashed when it is opened, before its content is read: if it changes later, the recorded hash is the
    old one, and the page is executed once more than needed rather than once less. With a file under ``data/`` the
    names in its folder and in those above it are recorded, because looking whether a file exists leaves no trace.
    """

    def __init__(self, root: Path, *, also: Sequence[Path] = ()) -> None:
        self.reads = Reads()
        self.other_processes = False  # something was started whose reads cannot be seen from here
        self._root = str(root)
        self._roots = tuple(str(folder) + os.sep for folder in (root, *also))
        skipped = [os.path.join(root, name) for name in _NOT_INPUTS] + [sys.prefix, sys.base_prefix]
        self._skipped = tuple(place + os.sep for place in skipped)
        self._named = tuple(str(folder) + os.sep for folder in also)
        self._data = str(root / "data") + os.sep
        self._busy: set[int] = set()  # threads in which the hook itself is reading

    def start(self) -> None:
        """From now on, until the process ends: an audit hook cannot be taken away."""
        sys.addaudithook(self._hook)

    def modules(self) -> list[str]:
        """The modules of the package that are loaded now."""
        return sorted(name for name in sys.modules if name.partition(".")[0] == PACKAGE)

    def _hook(self, event: str, arguments: tuple) -> None:
        if self._busy and get_ident() in self._busy:
            return
        if event == "open":
            self._note(self._opened, *arguments)
        elif event in _LISTINGS:
            if not sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
                self._note(self._listed, arguments[0])
        elif event == "glob.glob":
            self._note(self._globbed, arguments[0])
        elif event == "sqlite3.connect":
            self._note(self._opened, arguments[0], "r", 0)
        elif event in _OTHER_PROCESSES:
            self.other_processes = True

    def _note(self, record, *arguments) -> None:
        self._busy.add(get_ident())
        try:
            record(*arguments)
        finally:
            self._busy.discard(get_ident())

    def _opened(self, path: object, mode: str | None, flags: int) -> None:
        writes = flags & os.O_ACCMODE == os.O_WRONLY if mode is None else mode[:1] in "wax" and "+" not in mode
        name = None if writes else self._inside(path)
        if name is None or name in self.reads.files:
            return
        self.reads.files[name] = hash_of_file(os.path.join(self._root, name))
        if (self._root + os.sep + name).startswith(self._data):
            for folder in Path(name).parents[:-1]:
                self._listed(os.path.join(self._root, folder))

    def _listed(self, path: object) -> None:
        name = self._inside(os.getcwd() if path is None else path)
        if name is not None and name not in self.reads.folders:
            self.reads.folders[name] = hash_of_names(os.path.join(self._root, name))

    def _globbed(self, pattern: object) -> None:
        """A pattern without wildcards only looks whether a file is there; others list folders, which is seen."""
        if isinstance(pattern, str) and not has_magic(pattern):
            self._opened(pattern, "r", 0)

    def _inside(self, path: object) -> str | None:
        """The path from the root, with forward slashes, if the path is one to record; links count at both ends."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        given = os.path.abspath(os.fsdecode(path))
        for place in dict.fromkeys((given, os.path.realpath(given))):
            if self._counts(place + os.sep):
                name = os.path.relpath(_source(place), self._root)
                return name.replace(os.sep, "/")
        return None

    def _counts(self, place: str) -> bool:
        """A folder that is named as an input counts, even inside one that is skipped."""
        return place.startswith(self._named) or (place.startswith(self._roots) and not place.startswith(self._skipped))


def _source(path: str) -> str:
    """The Python file that a compiled file was made from; other paths as they are."""
    if path.endswith(".pyc"):
        try:
            return importlib.util.source_from_cache(path)
        except ValueError:
            pass
    return path
