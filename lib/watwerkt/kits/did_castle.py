"""Difference-in-differences and event study against R's lm, sandwich and plm."""

from pathlib import Path

import pandas as pd

from watwerkt.estimate.did import Design, did, event_study
from watwerkt.estimate.result import Result

SIMPLE = Design(treated="treated", post="post", cluster="state")
TWO_WAY = Design(treated="treated", post="post", cluster="state", unit="state", cohort="year")
WEIGHTED = Design(treated="treated", post="post", cluster="state", unit="state", cohort="year", weights="popwt")


def ours(folder: Path) -> dict[tuple[str, str], float]:
    """What we give, for each design."""
    frame = pd.read_csv(folder / "input.csv")
    values = {}
    for label, design in (("simple", SIMPLE), ("two_way", TWO_WAY), ("weighted", WEIGHTED)):
        values |= _one(f"{label}:effect", did(frame, "l_homicide", design))
    values["plm:effect", "estimate"] = values["two_way:effect", "estimate"]
    study = event_study(frame, "l_homicide", TWO_WAY)
    for name in study.names:
        if name.startswith("treated:"):
            values |= _one(f"event:{name.replace(':', '_')}", study.of(name))
    for statistic in ("f", "p"):
        values["event:pretrend", statistic] = study.diagnostics[f"pretrend_{statistic}"]
    return values


def _one(key: str, result: Result) -> dict[tuple[str, str], float]:
    return {(key, "estimate"): result.estimate, (key, "se"): result.se, (key, "p"): result.p}
