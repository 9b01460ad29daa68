"""The benchmarks of the estimators: on cells against the same models on rows, in time, memory and growth.

Each measurement runs in a process of its own (`book.estimate_peer`). What they found is recorded in
``data/bench/estimators.csv`` with ``make bench RECORD=yes``, for the page on scale.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from book import microdata
from book.bench import Result
from book.build import tell
from book.errors import BookError
from book.pages import House

RECORD = "data/bench/estimators.csv"
EXTRA = "_build/extra/bench"  # where `make bench` puts pyfixest
FRACTIONS = (30_000, 60_000, 120_000)  # people of the study in the model on rows
ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
SAME = 1e-6
ROUNDS = 3

Measured = dict


def estimators(house: House, *, record: bool = False) -> list[Result]:
    """Measure everything, check that all ways find the same, and say how the ratios stand to their bounds."""
    microdata.provide(house, jobs=2)
    found = [*_months(house), *_iv(house)]
    if record:
        write(house.root / RECORD, found)
    return [*_of_months(found), *_of_iv(found)]


def write(path: Path, found: list[Measured]) -> None:
    """One line per measurement; what was estimated is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["model", "way", "rows", "seconds", "mb"])
        lines.writerows([m["model"], m["way"], m["rows"], f"{m['seconds']:.3g}", f"{m['mb']:.3g}"] for m in found)


def _months(house: House) -> Iterator[Measured]:
    for way, sizes in (("full", (0,)), ("cells", (*FRACTIONS, 0)), ("rows", FRACTIONS)):
        for size in sizes:
            yield _measured(house, "months", way, size)


def _iv(house: House) -> Iterator[Measured]:
    for way in ("cells", "linearmodels", "pyfixest"):
        for size in ROWS:
            yield _measured(house, "iv", way, size)


def _measured(house: House, model: str, way: str, size: int) -> Measured:
    """The best of some rounds of one measurement; the least memory, too."""
    tell(f"bench    {model}, {way}, {size or 'all'} …")
    rounds = [_once(house, model, way, size) for _ in range(1 if size >= ROWS[-1] and way != "cells" else ROUNDS)]
    best = min(rounds, key=lambda one: one["seconds"])
    return {**best, "model": model, "way": way, "size": size, "mb": min(one["mb"] for one in rounds)}


def _once(house: House, model: str, way: str, size: int) -> Measured:
    places = [str(house.root), str(house.lib), str(house.root / EXTRA)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(places),
        "WATWERKT_MICRODATA": str(microdata.folder(house)),
    }
    environment |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "2")
    done = subprocess.run(
        [sys.executable, "-m", "book.estimate_peer", model, way, str(size)],
        cwd=house.root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BookError(f"BenchError: book.estimate_peer {model} {way} {size} failed:\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout)


# --- what was found ---------------------------------------------------------------------------------------------------


def _of_months(found: list[Measured]) -> list[Result]:
    cells = {m["size"]: m for m in found if (m["model"], m["way"]) == ("months", "cells")}
    rows = {m["size"]: m for m in found if (m["model"], m["way"]) == ("months", "rows")}
    (full,) = (m for m in found if m["way"] == "full")
    apart = max(_apart(cells[size]["found"], rows[size]["found"]) for size in FRACTIONS)
    _refuse_apart("competing risks on cells and on rows", apart)
    largest = rows[FRACTIONS[-1]]
    times = cells[0]["rows"] / largest["rows"]
    note = (
        f"peer: statsmodels' MNLogit on {largest['rows']:,.0f} person-months, times {times:.1f}; "
        f"estimates apart by {apart:.0e} at most"
    )
    return [
        Result("competing risks, whole study", full["seconds"], None, 30, f"{full['mb']:.0f} MB above the libraries"),
        Result("competing risks, compressed and fitted", cells[0]["seconds"], largest["seconds"] * times, 40, note),
        Result("the same, memory (GB)", cells[0]["mb"] / 1000, largest["mb"] / 1000 * times, 20, "peer extrapolated"),
    ]


def _of_iv(found: list[Measured]) -> list[Result]:
    ways = {m["way"]: m for m in found if m["model"] == "iv" and m["size"] == ROWS[-1]}
    ours = ways.pop("cells")
    results = []
    for way, peer in ways.items():
        apart = _apart(ours["found"], peer["found"])
        _refuse_apart(f"two-stage least squares on cells and by {way}", apart)
        note = f"{ROWS[-1]:,} rows in memory; estimate and HC1 apart by {apart:.0e}"
        results.append(Result(f"2SLS, against {way}", ours["seconds"], peer["seconds"], 1, note))
    return results


def _apart(one: list[float], two: list[float]) -> float:
    if len(one) != len(two):
        return float("inf")
    return max(abs(a - b) / max(abs(b), 1.0) for a, b in zip(one, two, strict=True))


def _refuse_apart(what: str, apart: float) -> None:
    if not apart <= SAME:
        raise BookError(f"BenchError: {what} differ by {apart:.1e}; allowed is {SAME:.0e}.")
