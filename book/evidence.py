"""The evidence base as files for other programs: `python -m watwerkt.export`, run once per state of the data."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from book.errors import BookError
from book.pages import House
from book.process import environment

MODULE = "watwerkt.export"


@contextmanager
def exporting(house: House) -> Iterator[Future]:
    """Make the files while pages are executed; the future gives their folder, or None if there is nothing to make."""
    with ThreadPoolExecutor(1, thread_name_prefix="evidence") as pool:
        yield pool.submit(make, house)


def make(house: House) -> Path | None:
    """The folder with the files of the evidence base, made anew only if data, library or locked packages changed."""
    if not (house.lib / Path(*MODULE.split(".")).with_suffix(".py")).exists():
        return None
    store = house.cache / "evidence"
    folder = store / _digest(house)
    if not folder.is_dir():
        store.mkdir(parents=True, exist_ok=True)
        for old in store.iterdir():
            shutil.rmtree(old)
        with tempfile.TemporaryDirectory(dir=store, prefix=".") as private:
            made = Path(private) / "made"
            _export(house, made, Path(private))
            made.rename(folder)
    return folder


def _export(house: House, target: Path, private: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", MODULE, str(target)],
        cwd=house.root,
        env=environment(house, private),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = "\n".join(f"  {line}" for line in (done.stderr or done.stdout).strip().splitlines()[-15:])
        raise BookError(f"EvidenceError: the files of the evidence base could not be made:\n{said}")


def _digest(house: House) -> str:
    """What the files are made from: data, library, locked packages, Python."""
    digest = hashlib.sha256(sys.version.encode())
    files = [*house.data.rglob("*"), *(house.lib / "watwerkt").rglob("*.py"), house.root / "requirements.txt"]
    for path in sorted(path for path in files if path.is_file()):
        digest.update(f"{house.relative(path)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:32]
