"""Where microdata are kept for a build: one folder per study, with a manifest that vouches for every table."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NoReturn, get_args

import pandas as pd

from watwerkt.errors import MicrodataError
from watwerkt.microdata import readers
from watwerkt.microdata.problems import Problem
from watwerkt.microdata.schema import StudySchema, studies, study_schema
from watwerkt.microdata.validate import Fitted, fit
from watwerkt.paths import data_dir, shown

Origin = Literal["synthetic", "supplied"]

SUPPLIED = "supplied"

_MANIFEST = "manifest.json"
_KEYS = ("study", "origin", "tables", "warnings", "made_from")
_MAKE = "run make book, or: python -m watwerkt.synthetic"


@dataclass(frozen=True)
class Microdata:
    """The microdata of one study: synthetic, or supplied by someone who may use the real ones.

    ``tables`` reads a table when it is first asked for, and gives each caller a copy. ``made_from`` says what the
    tables were made from: seed and people, or the names and hashes of files.
    """

    study: str
    origin: Origin
    warnings: tuple[str, ...]
    made_from: Mapping[str, object]
    tables: Mapping[str, pd.DataFrame] = field(repr=False)

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self.tables[table]

    def path(self, table: str) -> Path:
        """The Parquet file of a table, for DuckDB and Ibis."""
        return self.tables.path(table)


class _Tables(Mapping):
    def __init__(self, folder: Path, study: StudySchema, manifest: Mapping) -> None:
        self._folder, self._study, self._manifest = folder, study, manifest
        self._read: dict[str, pd.DataFrame] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._study.tables)

    def __len__(self) -> int:
        return len(self._study.tables)

    def __getitem__(self, table: str) -> pd.DataFrame:
        if table not in self._read:
            self._read[table] = self._frame(table)
        return self._read[table].copy(deep=False)

    def path(self, table: str) -> Path:
        self._study[table]
        return self._folder / self._manifest["tables"][table]["file"]

    def _frame(self, table: str) -> pd.DataFrame:
        found = pd.read_parquet(io.BytesIO(_checked(self.path(table), self._manifest["tables"][table]["sha256"])))
        wanted = {column.name: column.dtype for column in self._study[table].fields}
        if {name: str(dtype) for name, dtype in found.dtypes.items()} != wanted:
            _fault(self.path(table), "was made for other columns than the schema has now", _MAKE)
        return found


# ---- read back -----------------------------------------------------------------------------------


def load(study: str, *, synthetic: bool = False, folder: Path | None = None) -> Microdata:
    """The microdata of a study as the build put them down, every file checked against the manifest.

    Those that a researcher supplied go before the synthetic ones, unless ``synthetic`` asks for these: a page that
    holds an estimate against the truth needs data whose truth is known. ``folder`` is what is given here, else what the
    environment variable ``WATWERKT_MICRODATA`` names, else ``_build/cache/microdata`` beside ``data/``.

    Raises MicrodataError if there are none, or if a file is missing or was changed since it was written.
    """
    known = study_schema(study)
    base = folder or _default()
    here = base / study if synthetic or not _is_supplied(base, study) else base / SUPPLIED / study
    manifest = _manifest(here, known)
    for facts in manifest["tables"].values():
        _checked(here / facts["file"], facts["sha256"])
    return Microdata(
        study,
        manifest["origin"],
        tuple(manifest["warnings"]),
        MappingProxyType(manifest["made_from"]),
        _Tables(here, known, manifest),
    )


def _is_supplied(base: Path, study: str) -> bool:
    """Asked by opening the file: the build sees by it that a page depends on there being none."""
    try:
        with (base / SUPPLIED / study / _MANIFEST).open(encoding="utf-8"):
            return True
    except FileNotFoundError:
        return False


def _default() -> Path:
    named = os.environ.get("WATWERKT_MICRODATA")
    return Path(named) if named else data_dir().parent / "_build" / "cache" / "microdata"


def _manifest(here: Path, study: StudySchema) -> dict:
    """Read with Python's own open, and first: the build sees by it what a page depends on."""
    path = here / _MANIFEST
    try:
        with path.open(encoding="utf-8") as file:
            found = json.load(file)
    except FileNotFoundError:
        _fault(here, f"there are no microdata of {study.study} here", _MAKE)
    except (OSError, ValueError) as error:
        _fault(path, f"cannot be read ({error})", _MAKE)
    if not set(_KEYS) <= set(found) or found["study"] != study.study or set(found["tables"]) != set(study.tables):
        _fault(path, f"does not list the tables of {study.study} that the schema asks for", _MAKE)
    return found


def _checked(path: Path, expected: str) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read()
    except OSError as error:
        _fault(path, f"cannot be read ({error.strerror})", _MAKE)
    if hashlib.sha256(raw).hexdigest() != expected:
        _fault(path, "is not the file that its manifest vouches for: it was changed or damaged", _MAKE)
    return raw


# ---- put down ------------------------------------------------------------------------------------


def save(
    tables: Mapping[str, pd.DataFrame],
    folder: Path,
    study: str,
    *,
    origin: Origin,
    made_from: Mapping[str, object] = MappingProxyType({}),
) -> Microdata:
    """Write tables in memory as ``<folder>/<study>/<table>.parquet`` with a manifest, once they fit the schema.

    ``<folder>/<study>`` is a link that changes in one step: a run that is killed leaves the former state.

    Raises MicrodataError for tables that do not fit; then nothing is written.
    """
    known = study_schema(study)
    problems = [
        *(Problem(study, f"table {name!r} is missing", "make it") for name in known.tables if name not in tables),
        *(Problem(study, f"{name!r} is no table", f"tables: {', '.join(known.tables)}") for name in tables
          if name not in known.tables),
    ]  # fmt: skip
    raws = {name: readers.of_frame(tables[name], name, known[name].names) for name in known.tables if name in tables}
    return _write(fit(raws, known, problems=problems), folder, study, origin, made_from)


def take_in(source: Path, study: str, folder: Path) -> Microdata:
    """Read a researcher's files in ``<source>/<study>``, check them, and put them down in ``<folder>/supplied``.

    Raises MicrodataError with what is wrong; then the former state stays.
    """
    found, files = read_study(source, study)
    return _write(found, folder / SUPPLIED, study, "supplied", {"files": files})


def read_study(source: Path, study: str) -> tuple[Fitted, dict[str, str]]:
    """The tables in ``<source>/<study>``, checked; and the name and hash of every file."""
    known = study_schema(study)
    paths, problems, warnings = _files(source / study, known)
    raws: dict[str, readers.Raw] = {}
    for table, path in paths.items():
        try:
            raws[table] = readers.read(path, known[table].names)
        except MicrodataError as error:
            problems.append(str(error))
    fitted = fit(raws, known, problems=problems)
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths.values()}
    return Fitted(fitted.tables, (*warnings, *fitted.warnings)), hashes


def studies_in(source: Path) -> list[str]:
    """The studies of which a researcher's folder holds files.

    Raises MicrodataError if it is no folder, or holds none.
    """
    if not source.is_dir():
        _fault(source, "is no folder", "name the folder that holds one folder per study")
    found = [study for study in studies() if (source / study).is_dir()]
    if not found:
        there = ", ".join(sorted(path.name for path in source.iterdir())) or "nothing"
        _fault(source, f"holds no folder of a study; found: {there}", f"allowed: {', '.join(studies())}")
    return found


def _files(folder: Path, study: StudySchema) -> tuple[dict[str, Path], list[Problem | str], list[str]]:
    """One file per table, what is wrong with the choice, and what was ignored."""
    if not folder.is_dir():
        _fault(folder, "is no folder", f"put the tables of {study.study} there: {', '.join(study.tables)}")
    there = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith((".", "~")))
    paths: dict[str, Path] = {}
    problems: list[Problem | str] = []
    for table in study.tables:
        named = [path for path in there if path.stem == table]
        readable = [path for path in named if path.suffix.lower() in readers.KINDS]
        if len(readable) > 1:
            names = ", ".join(path.name for path in readable)
            problems.append(
                Problem(study.study, f"table {table!r} stands in several files: {names}", "keep one of them")
            )
        elif named:
            paths[table] = (readable or named)[0]
        else:
            names = ", ".join(path.name for path in there) or "no files"
            wanted = f"add {table}{f', {table}'.join(readers.KINDS)}".replace(", ", " or ")
            problems.append(Problem(study.study, f"table {table!r} is missing; found: {names}", wanted))
    unused = [path.name for path in there if path.stem not in study.tables and path.suffix.lower() in readers.KINDS]
    return (
        paths,
        problems,
        [f"{study.study}/{name}: no table of this study has this name; it was left out." for name in unused],
    )


def _write(found: Fitted, folder: Path, study: str, origin: Origin, made_from: Mapping[str, object]) -> Microdata:
    if origin not in get_args(Origin):
        raise ValueError(f"origin is {origin!r}.\n  allowed: {', '.join(get_args(Origin))}")
    folder.mkdir(parents=True, exist_ok=True)
    here = folder / study
    if here.exists() and not here.is_symlink():
        _fault(here, "was not written by this program", "move it away")
    new = Path(tempfile.mkdtemp(prefix=f".{study}-", dir=folder))  # readable by its owner alone
    _fill(new, found, study, origin, made_from)
    link = new.with_suffix(".link")
    link.symlink_to(new.name)
    link.replace(here)
    _remove_others(folder, study, keep=new)
    return load(study, synthetic=True, folder=folder)


def _fill(new: Path, found: Fitted, study: str, origin: Origin, made_from: Mapping[str, object]) -> None:
    tables = {}
    for name, frame in found.tables.items():
        path = new / f"{name}.parquet"
        frame.to_parquet(path, index=False, compression="zstd")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        tables[name] = {"file": path.name, "rows": len(frame), "sha256": sha256}
    manifest = dict(zip(_KEYS, (study, origin, tables, list(found.warnings), dict(made_from)), strict=True))
    (new / _MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _remove_others(folder: Path, study: str, *, keep: Path) -> None:
    """Remove the former state, and what killed runs left."""
    for path in folder.glob(f".{study}-*"):
        if path.suffix == ".link":
            path.unlink()
        elif path != keep:
            shutil.rmtree(path)


def _fault(path: Path, what: str, then: str) -> NoReturn:
    raise MicrodataError(f"{shown(path)}: {what}.\n  {then}")
