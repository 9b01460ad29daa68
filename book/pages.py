"""What the steps of the build hand to each other: where the house stands, its pages, and the pages once executed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from book.errors import BookError

CHAPTER_FOLDERS = ("chapters", "book/matter")

WARM, PAPERMILL = "warm", "papermill"  # engines: a fork of a process with the libraries loaded, or a kernel per page

Value = str | int | float | bool


@dataclass(frozen=True)
class House:
    """Where things are. Everything that the build makes is under `build`; nothing else is ever written."""

    root: Path

    @classmethod
    def here(cls) -> "House":
        """The house at or above the current folder, or else the one that this program is part of."""
        for folder in (Path.cwd(), *Path.cwd().parents, Path(__file__).resolve().parent.parent):
            if (folder / "_toc.yml").is_file() and (folder / "chapters").is_dir():
                return cls(folder.resolve())
        raise BookError(
            f"HouseError: {Path.cwd()}: neither this folder nor one above it holds _toc.yml and chapters/.\n"
            "  run the command in the root of the repository"
        )

    @property
    def toc(self) -> Path:
        return self.root / "_toc.yml"

    @property
    def lib(self) -> Path:
        return self.root / "lib"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def build(self) -> Path:
        return self.root / "_build"

    @property
    def cache(self) -> Path:
        return self.build / "cache"

    @property
    def lock(self) -> Path:
        return self.build / "lock"

    def relative(self, path: Path) -> str:
        """A path inside the house as messages and files name it: from the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()


@dataclass(frozen=True)
class Page:
    """One page of the site: a chapter, or one member of the family that a chapter with ``over:`` stands for."""

    chapter: str  # "chapters/intensive/exits.md", from the root of the house
    name: str  # the docname on the site: "intensive/exits", "intensive/subgroup/nonwestern-female"
    params: Mapping[str, Value] = field(default_factory=dict)  # empty unless a family
    executable: bool = False  # has code cells
    family: bool = False
    timeout: float = 120  # seconds that the page may take
    engine: str = WARM

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.chapter} ({given})" if given else self.chapter


@dataclass(frozen=True)
class Executed:
    """A page with its executed notebook, which lies in the cache and must not be changed there."""

    page: Page
    notebook: Path
    seconds: float  # what the page took when it was executed
    reused: bool
    retried: bool
    reads: tuple[str, ...]  # files under data/ that the page read, from the root
    modules: tuple[str, ...]  # watwerkt modules that it depends on
    microdata: Mapping[str, str] = field(default_factory=dict)  # studies whose microdata it read: synthetic or supplied


@dataclass(frozen=True)
class Failure:
    """Why a page could not be executed, in terms of its chapter."""

    error: str  # "ZeroDivisionError: division by zero"
    cell: int | None = None  # number among the code cells of the chapter; None: not in one of them
    line: int | None = None  # in the chapter file
    code: str = ""  # that line
    traceback: str = ""


def docname(chapter: str) -> str:
    """The name on the site of a chapter file: no leading folder, no extension."""
    stem = chapter.removesuffix(".md")
    for folder in CHAPTER_FOLDERS:
        if stem.startswith(folder + "/"):
            return stem.removeprefix(folder + "/")
    raise ValueError(f"{chapter} lies in none of {', '.join(CHAPTER_FOLDERS)}")
