"""The microdata that pages read: synthetic, or a researcher's own (``make book MICRODATA=<folder>``).

They stand in ``_build/cache/microdata``, made by `watwerkt.provide` in processes of their own, once per state of what
they are made from. What cannot be used is told before any page runs, and leaves what was there.
"""

import hashlib
import json
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
    """Make sure of the microdata of every study, and say where each has its own from: synthetic or supplied."""
    studies = [path.stem for path in sorted((house.data / "schemas" / "microdata").glob("*.json"))]
    if not studies:
        return {}
    given = _given(source, studies)
    wanted = {study: _digest(house, study, source if study in given else None) for study in studies}
    made = _made(house)
    stale = [study for study in studies if made.get(study) != wanted[study] or not _manifest(house, study).is_file()]
    if stale:
        _record(house, {study: digest for study, digest in made.items() if study not in stale})
        with ThreadPoolExecutor(max(jobs, 1)) as pool:
            faults = list(pool.map(lambda study: _provide(house, study, source if study in given else None), stale))
        done = [study for study, fault in zip(stale, faults, strict=True) if fault is None]
        _record(house, {study: wanted[study] for study in studies if study in done or study not in stale})
        if told := [fault for fault in faults if fault]:
            raise BookError("\n".join(told) + "\n  nothing was executed; the last good site is as it was")
    return {study: origin(house, study) for study in studies}


def folder(house: House) -> Path:
    """Where the microdata stand: one folder per study."""
    return house.cache / "microdata"


def origin(house: House, study: str) -> str:
    """Synthetic or supplied, as the study's manifest says."""
    return json.loads(_manifest(house, study).read_bytes())["origin"]


def warnings(house: House, study: str) -> list[str]:
    """What was noticed when the study's files were taken in: columns left out, labels ignored."""
    return list(json.loads(_manifest(house, study).read_bytes()).get("warnings", ()))


def studies_read(house: House, reads: Mapping[str, str | None]) -> list[str]:
    """The studies whose microdata are among the files that a page read."""
    here = house.relative(folder(house)) + "/"
    return sorted({path.removeprefix(here).split("/")[0] for path in reads if path.startswith(here)})


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


def _provide(house: House, study: str, source: Path | None) -> str | None:
    """Make one study's microdata; what is wrong, if anything."""
    arguments = [study, str(folder(house)), *(["--source", str(source)] if source else [])]
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


def _manifest(house: House, study: str) -> Path:
    return folder(house) / study / "manifest.json"


def _made(house: House) -> dict[str, str]:
    try:
        return dict(json.loads((folder(house) / "made.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}


def _record(house: House, made: Mapping[str, str]) -> None:
    write(folder(house) / "made.json", json.dumps(dict(made), indent=1).encode(), root=house.root)
