"""The published cells that counts of generated tables show, beside those counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from watwerkt.published import Cell, published
from watwerkt.synthetic.instruments.groups import DIMENSIONS, STUDY, WIDER
from watwerkt.synthetic.instruments.interviews import INTERVIEWS
from watwerkt.synthetic.instruments.risks import EXITS

_EXIT = {"exit_job": ["work"], "exit_other": ["other"], "exit_benefit": ["work", "other"]}
_TABLES = ("T1", "T2", "T3", "T4", "T5", "T19", "T20")


def targets() -> pd.DataFrame:
    """The published cells that the generator is calibrated to and that counts of generated tables show.

    Columns: table, cell, published (corrected; percentages as fractions), unit, rounding (half a printed unit). The
    effects of Tables 6–18 follow from no count: see :func:`truth`.
    """
    return pd.DataFrame(
        [(c.table, c.cell, c.number, c.unit, c.rounding) for c in _cells()],
        columns=["table", "cell", "published", "unit", "rounding"],
    )


def margins(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The cells of :func:`targets` in generated (or real) tables: table, cell, synthetic."""
    wide = _wide(tables)
    known: dict[tuple, pd.DataFrame] = {}
    found = []
    for cell in _cells():
        if (cell.population, cell.dimension) not in known:
            known[cell.population, cell.dimension] = _sums(wide, cell.population, cell.dimension)
        found.append((cell.table, cell.cell, _value(cell, known)))
    return pd.DataFrame(found, columns=["table", "cell", "synthetic"])


# ---- counts --------------------------------------------------------------------------------------


def _cells() -> list[Cell]:
    cells = published(STUDY, *_TABLES).where(statistic=["count", "share", "level"]).printed
    return [cell for cell in cells if cell.outcome in ("people", "composition", "deployment", *_EXIT)]


def _wide(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per person: characteristics, exits, and which services."""
    persons = tables["persons"]
    rows = pd.Index(persons["person"])
    columns = {name: persons[name] for name in ("population", *DIMENSIONS["nonwestern"])}
    columns |= {kind: (persons["exit"] == kind).astype("int64") for kind in EXITS}
    for service, group in tables["services"].groupby("service"):
        columns[service] = np.bincount(rows.get_indexer(group["person"].unique()), minlength=len(rows))
    held = tables["interviews"].groupby("person")["number"].max().reindex(rows, fill_value=0).to_numpy()
    columns |= {f"interviews_total_{n}": (held == n).astype("int64") for n in range(1, INTERVIEWS)}
    columns[f"interviews_total_{INTERVIEWS}"] = (held >= INTERVIEWS).astype("int64")
    columns["followup_interview"] = (held > 0).astype("int64")
    return pd.DataFrame(columns).assign(people=1, all="all")


def _sums(wide: pd.DataFrame, name: str, dimension: str) -> pd.DataFrame:
    """Sums by category of a characteristic in one population."""
    rows = wide if name == "all" else wide[wide["population"] == name]
    found = rows.groupby(dimension).sum(numeric_only=True)
    wider = {name: found.reindex(parts).sum() for name, parts in WIDER.items()} if dimension == "age" else {}
    return pd.concat([found, pd.DataFrame(wider).T])


def _value(cell: Cell, known: Mapping[tuple, pd.DataFrame]) -> float:
    sums = known[cell.population, cell.dimension].loc[cell.category]
    people = float(sums["people"])
    if cell.outcome == "people":
        return float(sums.get(cell.service, 0.0)) if cell.service else people
    if cell.outcome == "composition":
        return people / known[cell.population, "all"].loc["all", "people"]
    if cell.outcome == "deployment":
        return float(sums.get(cell.service, 0.0)) / people
    return float(sum(sums[kind] for kind in _EXIT[cell.outcome])) / people
