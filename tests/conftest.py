"""Fixtures that tests share: a copy of the data that a test may break."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import pytest
from hypothesis import settings
from watwerkt.paths import data_dir
from watwerkt.schema import sha256

# The same examples in every run, and no clock: a test that fails must fail again.
settings.register_profile("watwerkt", derandomize=True, deadline=None, database=None)
settings.load_profile("watwerkt")


def clear_caches() -> None:
    """Forget what every function of the library remembers, so that it reads the data anew."""
    modules = [module for name, module in list(sys.modules.items()) if name.split(".")[0] == "watwerkt"]
    for found in {id(value): value for module in modules for value in vars(module).values()}.values():
        if hasattr(found, "cache_clear"):
            found.cache_clear()


class DataCopy:
    """A copy of ``data/`` that the library reads instead of the real one."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        return self.root / name

    def text(self, name: str) -> str:
        return self.path(name).read_text(encoding="utf-8")

    def write(self, name: str, content: str | bytes, *, rehash: bool = True) -> None:
        """Write a file; ``rehash`` makes its sidecar agree, so that the hash does not hide what else is wrong."""
        path = self.path(name)
        before = path.read_bytes() if path.exists() else b""
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        sidecar = path.with_suffix(".json")
        if rehash and path.suffix == ".csv" and sidecar.exists():
            described = sidecar.read_text(encoding="utf-8")
            sidecar.write_text(described.replace(sha256(before), sha256(path.read_bytes())), encoding="utf-8")
        clear_caches()

    def change(self, name: str, edit: Callable[[str], str], *, rehash: bool = True) -> None:
        """Edit the text of a file; an edit that changes nothing is an error of the test."""
        before = self.text(name)
        after = edit(before)
        assert after != before, f"the edit of {name} changed nothing"
        self.write(name, after, rehash=rehash)

    def set_cell(self, table: str, cell: str, *, of: str = "intensive", **values: str) -> None:
        """Give one row of ``published/<of>/<table>.csv`` other values."""
        name = f"published/{of}/{table}.csv"
        header = self.text(name).splitlines()[0].split(",")

        def edit(text: str) -> str:
            lines = text.splitlines()
            (place,) = [number for number, line in enumerate(lines) if f",{cell}," in line]
            tail = lines[place].rsplit(",", len(header) - 6)  # the printed labels before these columns hold commas
            for column, value in values.items():
                tail[header.index(column) - 5] = value
            lines[place] = ",".join(tail)
            return "\n".join(lines) + "\n"

        self.change(name, edit)


@pytest.fixture
def data_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataCopy]:
    """A copy of the data in a temporary folder, which the library reads until the test ends."""
    copy = DataCopy(copytree(data_dir(), tmp_path / "data"))
    monkeypatch.setenv("WATWERKT_DATA", str(copy.root))
    clear_caches()
    yield copy
    monkeypatch.undo()
    clear_caches()
