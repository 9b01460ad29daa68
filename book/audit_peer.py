"""What the audit is measured against: the evidence base loaded with pandas, and cells found by loops over rows.

Run as ``python -m book.audit_peer``; prints as JSON the seconds that the library takes to load and audit everything,
and that the loops take for the equations and repetitions alone, with the same arithmetic.
"""

import json
import sys
import time

import pandas as pd
from watwerkt import audit, published
from watwerkt.audit.checks import Holds, Same
from watwerkt.paths import data_dir

SIMPLE = (Holds, Same)  # what one would check first


def library() -> float:
    """Seconds to load and audit everything, schemas and hashes checked."""
    start = time.perf_counter()
    audit.audit()
    return time.perf_counter() - start


def row_loops() -> float:
    """Seconds to load the tables with pandas, and to look up the cells of each check row by row."""
    checks = [
        (study, audit.board(study), check)
        for study in published.studies()
        for relation in audit.rules_of(study)
        for check in relation.checks
        if isinstance(check, SIMPLE)
    ]
    start = time.perf_counter()
    frames = {}
    for study in published.studies():
        for path in (data_dir() / "published" / study).glob("T*.csv"):
            frames[study, path.stem] = pd.read_csv(path)
        frames[study, "prose"] = pd.read_csv(data_dir() / "published" / study / "prose.csv").rename(
            columns={"key": "cell"}
        )
    for study, board, check in checks:
        for i in check.cells:
            _value(frames[study, board.prints[i].table], board.prints[i].cell)
        check.problem(board.prints)
    return time.perf_counter() - start


def _value(frame: pd.DataFrame, cell: str) -> float:
    value = float("nan")
    for _, row in frame.iterrows():
        if row["cell"] == cell:
            value = row["value"]
    return value


if __name__ == "__main__":
    json.dump({"ours": library(), "peer": row_loops()}, sys.stdout)
