"""The file of results: one row per draw of each design, and a sidecar with a fingerprint of every design's rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import pandas as pd

from watwerkt.paths import data_dir, shown
from watwerkt.simulation.design import Draw, SimulationError

COLUMNS = ["design", "draw", "estimate", "se", "low", "high"]
NUMBERS = list(Draw._fields)
DIGITS = 8
COMMAND = "python -m watwerkt.simulation"
SOFTWARE = ("numpy", "scipy", "pandas", "statsmodels", "linearmodels")

_ABOUT = {
    "name": "simulation-draws",
    "path": "simulation/draws.csv",
    "title": "Simulation study of the estimators: what each said of every made-up data set",
    "description": "Made-up data with known truths, never evidence. One row per design and draw; of a test, estimate "
    "is the p value. A low above high stands for everything but the gap between them.",
    "format": "csv",
    "mediatype": "text/csv",
    "encoding": "utf-8",
}
_SCHEMA = {
    "fields": [
        {"name": "design", "type": "string", "description": "Name of the design"},
        {"name": "draw", "type": "integer", "description": "Number of the draw, from 0; its random numbers follow"},
        {"name": "estimate", "type": "number", "description": "Estimate; of a test, the p value"},
        {"name": "se", "type": "number", "description": "Standard error"},
        {"name": "low", "type": "number", "description": "Lower end of the 95% interval"},
        {"name": "high", "type": "number", "description": "Upper end of the 95% interval"},
    ],
    "primaryKey": ["design", "draw"],
}
_LICENCE = {"name": "CC-BY-4.0", "title": "Creative Commons Attribution 4.0",
            "path": "https://creativecommons.org/licenses/by/4.0/"}  # fmt: skip


def folder() -> Path:
    """Where the results stand."""
    return data_dir() / "simulation"


def read(*, without: Collection[str] = ()) -> dict[str, pd.DataFrame]:
    """The draws of every design in the file, but for some: draw, estimate, se, low, high.

    Raises SimulationError if the file or its sidecar is missing, if a design's rows are not those that were written
    (their fingerprint in the sidecar differs), or if draws are missing or stand twice.
    """
    path, facts = folder() / "draws.csv", folder() / "draws.json"
    for needed in (path, facts):
        if not needed.exists():
            raise SimulationError(f"there is no {shown(needed)}.\n  run `{COMMAND}`")
    lines = _lines(path.read_text("utf-8"))
    known = json.loads(facts.read_text("utf-8"))["designs"]
    found = {}
    for name in dict.fromkeys((*known, *lines)):
        if name in without:
            continue
        rows = lines.get(name, [])
        if name not in known or _fingerprint(rows) != known[name]["hash"]:
            raise SimulationError(
                f"{shown(path)}: the {len(rows)} rows of design {name!r} are not those that were written.\n"
                f"  run `{COMMAND} {name}`, or `{COMMAND}` for all"
            )
        found[name] = _frame(rows)
        if list(found[name]["draw"]) != list(range(len(rows))):
            raise SimulationError(
                f"{shown(path)}: the draws of design {name!r} do not run from 0 to {len(rows) - 1}, each once.\n"
                f"  run `{COMMAND} {name}`"
            )
    return found


def write(results: Mapping[str, Sequence[Draw]], *, keep: Mapping[str, pd.DataFrame], order: Sequence[str]) -> Path:
    """Write draws of some designs, and ``keep`` those of others; designs that ``order`` does not name are dropped."""
    lines = {name: _formatted(name, frame[NUMBERS].itertuples(index=False)) for name, frame in keep.items()}
    lines |= {name: _formatted(name, draws) for name, draws in results.items()}
    lines = {name: lines[name] for name in order if name in lines}
    text = "\n".join([",".join(COLUMNS), *(line for rows in lines.values() for line in rows)]) + "\n"
    facts = {
        **_ABOUT,
        "bytes": len(text.encode()),
        "hash": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
        "schema": _SCHEMA,
        "sources": [{"title": f"Made up by `{COMMAND}`"}],
        "licenses": [_LICENCE],
        "software": {name: version(name) for name in SOFTWARE},
        "designs": {name: {"draws": len(rows), "hash": _fingerprint(rows)} for name, rows in lines.items()},
    }
    folder().mkdir(parents=True, exist_ok=True)
    _replace(folder() / "draws.csv", text)
    _replace(folder() / "draws.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    return folder() / "draws.csv"


def _replace(path: Path, text: str) -> None:
    """All or nothing: a run that is cut short leaves the file that was there."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, "utf-8")
    beside.replace(path)


def _formatted(name: str, draws: Sequence[Draw]) -> list[str]:
    """One line per draw; numbers with eight significant digits, nothing for NaN."""
    return [
        f"{name},{number}," + ",".join("" if value != value else f"{value:.{DIGITS}g}" for value in draw)
        for number, draw in enumerate(draws)
    ]


def _lines(text: str) -> dict[str, list[str]]:
    """The lines of each design, as they stand."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines()[1:]:
        found.setdefault(line.partition(",")[0], []).append(line)
    return found


def _fingerprint(rows: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def _frame(rows: Sequence[str]) -> pd.DataFrame:
    kinds = {"draw": "int64", **dict.fromkeys(NUMBERS, "float64")}
    return pd.read_csv(StringIO("\n".join(rows)), names=COLUMNS, dtype=kinds).drop(columns="design")
