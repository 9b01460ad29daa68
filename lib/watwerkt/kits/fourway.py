"""Four-way decompositions of simulated people, against closed forms and numerical integration in R."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from watwerkt.estimate.fourway import PARTS, four_way

LINEAR = {"outcome": "hours", "mediator": "confidence"}
RARE = {"outcome": "rare", "mediator": "confidence", "outcome_model": "logistic"}
JOB = {"outcome": "job", "mediator": "confidence", "outcome_model": "logistic"}
BINARY = {"outcome": "job", "mediator": "motivated", "outcome_model": "logistic", "mediator_model": "logistic"}

CASES = {
    "linear, linear": LINEAR,
    "linear, linear, HC1": {**LINEAR, "variance": "HC1"},
    "linear, linear, weighted": {**LINEAR, "variance": "HC1", "weights": "w"},
    "linear, linear, by office": {**LINEAR, "variance": "HC1", "cluster": "office"},
    "linear, binary": {"outcome": "hours", "mediator": "motivated", "mediator_model": "logistic", "control": 0.0},
    "rare, linear": RARE,
    "rare, linear, other levels": {**RARE, "reference": 0.2, "exposed": 1.3, "control": 3.0},
    "rare, linear, no product": {**RARE, "interaction": False},
    "job, linear": {**JOB, "control": 0.0},
    "job, linear, weighted": {**JOB, "variance": "HC1", "weights": "w"},
    "job, linear, by office": {**JOB, "variance": "HC1", "cluster": "office"},
    "job, linear, exact": {**JOB, "risks": "exact"},
    "job, binary": {**BINARY, "control": 0.0},
    "job, binary, by office": {**BINARY, "variance": "HC1", "cluster": "office"},
    "job, binary, exact": {**BINARY, "risks": "exact"},
}


def ours(folder: Path) -> Mapping[tuple[str, str], float]:
    """Parts and shares with their standard errors, for every case."""
    data = pd.read_csv(folder / "input.csv")
    found = {}
    for case, options in CASES.items():
        result = four_way(data, exposure="services", covariates=["age", "female"], **{"control": 1.0, **options})
        for name in result.names:
            one = result.of(name)
            found[f"{case}: {name}", "estimate"] = one.estimate
            found[f"{case}: {name}", "se"] = one.se
            if name in PARTS:
                found[f"{case}: {name}", "integrated"] = one.estimate
    return found
