"""The microdata that pages read: synthetic, or a researcher's own (``make book MICRODATA=<folder>``).

They stand in ``_build/cache/microdata``, made by `watwerkt.provide` in processes of their own, once per state of what
they are made from. What cannot be used is told before any page runs, and leaves what was there.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from book.cache import write
from book.errors import BookError
from book.library import PACKAGE, Library
from book.pages import House
from book.process import environment

MODULE = f"{PACKAGE}.provide"
SYNTHETIC, SUPPLIED = "synthetic", "supplied"


def provide(house: House, source: Path | None = None, *, jobs: int = 1) -> dict[str, str]:
    """Make sure of the microdata of every study, and say which each has: synthetic or supplied.

    The synthetic ones are there in any case, for pages that hold estimates against a known truth.
    """
    studies = [path.stem for path in sorted((house.data / "schemas" / "microdata").glob("*.json"))]
    if not studies:
        return {}
    given = _given(source, studies)
    _forget(house, [study for study in studies if study not in given])
    wanted = {study: _digest(house, study, None) for study in studies}
    wanted |= {f"{SUPPLIED}/{study}": _digest(house, study, source) for study in given}
    made = _made(house)
    stale = [name for name in wanted if made.get(name) != wanted[name] or not _manifest(house, name).is_file()]
    if stale:
        _record(house, {name: digest for name, digest in made.items() if name not in stale})
        with ThreadPoolExecutor(max(jobs, 1)) as pool:
            faults = list(pool.map(lambda name: _provide(house, name, source), stale))
        done = [name for name, fault in zip(stale, faults, strict=True) if fault is None]
        _record(house, {name: digest for name, digest in wanted.items() if name in done or name not in stale})
        if told := [fault for fault in faults if fault]:
            raise BookError("\n".join(told) + "\n  nothing was executed; the last good site is as it was")
    return {study: SUPPLIED if study in given else SYNTHETIC for study in studies}


def folder(house: House) -> Path:
    """Where the microdata stand: one folder per study, and those of a researcher in ``supplied``."""
    return house.cache / "microdata"


def warnings(house: House, study: str, origin: str) -> list[str]:
    """What was noticed when the study's files were taken in: columns left out, labels ignored."""
    name = f"{SUPPLIED}/{study}" if origin == SUPPLIED else study
    return list(json.loads(_manifest(house, name).read_bytes()).get("warnings", ()))


def studies_read(house: House, reads: Mapping[str, str | None]) -> dict[str, str]:
    """The studies whose microdata are among the files that a page read, and which these were."""
    here = house.relative(folder(house)) + "/"
    parts = [path.removeprefix(here).split("/") for path, found in reads.items() if path.startswith(here) and found]
    read = {study: SYNTHETIC for study, *_ in parts if study != SUPPLIED}
    return dict(sorted((read | {study: SUPPLIED for first, study, *_ in parts if first == SUPPLIED}).items()))


def _forget(house: House, studies: list[str]) -> None:
    """Remove what an earlier build was given for these studies."""
    there = folder(house) / SUPPLIED
    for study in studies:
        for path in [there / study, *there.glob(f".{study}-*")]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _given(source: Path | None, studies: list[str]) -> list[str]:
    """The studies of which the researcher's folder holds files."""
    if source is None:
        return []
    there = [study for study in studies if (source / study).is_dir()]
    if not there:
        found = ", ".join(sorted(path.name for path in source.iterdir())) if source.is_dir() else "no such folder"
        raise BookError(
            f"MicrodataError: {source}: there are no microdata of a study; found: {found or 'nothing'}.\n"
            f"  allowed are folders called {', '.join(studies)}; what they hold: "
            "python -m watwerkt.microdata describe <study>"
        )
    return there


def _provide(house: House, name: str, source: Path | None) -> str | None:
    """Make the microdata ``<study>`` or ``supplied/<study>``; what is wrong, if anything."""
    study = name.removeprefix(f"{SUPPLIED}/")
    arguments = [study, str(folder(house)), *(["--source", str(source)] if study != name else [])]
    with tempfile.TemporaryDirectory(prefix="watwerkt-") as private:
        done = subprocess.run(
            [sys.executable, "-m", MODULE, *arguments],
            cwd=house.root,
            env=environment(house, Path(private)),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if done.returncode == 0:
        return None
    return f"MicrodataError: the microdata of '{study}' cannot be used:\n{(done.stderr or done.stdout).strip()}"


def _digest(house: House, study: str, source: Path | None) -> str:
    """What a study's microdata are made from: files given, or generator and published figures; schema, codes, lock."""
    cell = "from watwerkt.microdata import store" + ("" if source else f"\nfrom watwerkt.synthetic import {study}")
    library = Library(house.lib)
    files = [library.modules[name] for name in library.closure([cell])]
    files += [house.lib / PACKAGE / "provide.py", house.root / "requirements.txt"]
    files += [house.data / "schemas" / "microdata" / f"{study}.json", *(house.data / "codes").rglob("*")]
    files += (source / study).rglob("*") if source else _evidence(house, study)
    digest = hashlib.sha256(f"{sys.version}\0{source or ''}".encode())
    for path in sorted(path for path in files if path.is_file()):
        with path.open("rb") as file:
            digest.update(f"{path}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def _evidence(house: House, study: str) -> Iterator[Path]:
    yield from (house.data / "published" / study).rglob("*")
    yield from (house.data / "published").glob("corrections.*")
    yield house.data / "sources.json"


def _manifest(house: House, name: str) -> Path:
    return folder(house) / name / "manifest.json"


def _made(house: House) -> dict[str, str]:
    try:
        return dict(json.loads((folder(house) / "made.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}


def _record(house: House, made: Mapping[str, str]) -> None:
    write(folder(house) / "made.json", json.dumps(dict(made), indent=1).encode(), root=house.root)
