"""Kit ``stepdown``: our Romano–Wolf p values, beside those of plain loops in R for the same draws."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from watwerkt.estimate.multiplicity import Family, Resampling, StepDown, family, from_draws

OUTCOMES = ("hours", "wage")


def ours(folder: Path) -> dict[tuple[str, str], float]:
    """What we give for each number in ``expected.csv``."""
    people, draws = pd.read_csv(folder / "input.csv"), pd.read_csv(folder / "draws.csv")
    found = {}
    for design, strata in (("plain", None), ("strata", "office")):
        hypotheses = family(people, assigned="assigned", outcomes=OUTCOMES, subgroups=["education"], strata=strata)
        for kind in get_args(Resampling):
            lines = draws.loc[(draws["design"] == design) & (draws["kind"] == kind), "people"]
            drawn = np.array([line.split() for line in lines], dtype=int)
            found |= _named(f"{design} {kind}", _stepped(hypotheses, drawn, kind))
    return found


def _stepped(hypotheses: Family, drawn: np.ndarray, kind: Resampling) -> StepDown:
    """Row numbers (draws × n) as assignments or as counts of people."""
    n = len(hypotheses.assigned)
    if kind == "permutation":
        block = hypotheses.assigned[drawn], np.ones(drawn.shape)
    else:
        counts = np.array([np.bincount(row, minlength=n) for row in drawn], dtype=float)
        block = np.broadcast_to(hypotheses.assigned, drawn.shape), counts
    return from_draws(hypotheses, iter([block]), resampling=kind)


def _named(name: str, result: StepDown) -> dict[tuple[str, str], float]:
    columns = {"estimate": "estimate", "se": "se", "p": "p", "p_adjusted": "p_romano_wolf"}
    return {
        (f"{name} {row['subgroup']} {row['outcome']}", statistic): row[column]
        for row in result.tidy().to_dict("records")
        for statistic, column in columns.items()
    }
