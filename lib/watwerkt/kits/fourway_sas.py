"""Four-way decompositions from coefficients, against effects printed by the SAS macro of Valeri and VanderWeele."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.linalg import block_diag

from watwerkt.estimate.fourway import Levels, decompose
from watwerkt.estimate.fourway_models import Models

COVARIATES = (50.0, 1.0, 2.0)  # age, male, stage
LEVELS = Levels(reference=1.1, exposed=2.3, control=1.4, at=COVARIATES)
OTHER_LEVELS = {"linear, binary": Levels(reference=1.0, exposed=2.0, control=1.0, at=COVARIATES)}
PEOPLE = 276
KINDS = {"linear": "linear", "binary": "logistic"}


def ours(folder: Path) -> Mapping[tuple[str, str], float]:
    """Each printed effect as a sum of our parts, with its standard error."""
    coefficients, found = pd.read_csv(folder / "input.csv"), {}
    for case, rows in coefficients.groupby("case"):
        result = decompose(_models(str(case), rows), OTHER_LEVELS.get(str(case), LEVELS))
        for name, parts in (
            ("cde", ["cde"]), ("cde + intref", ["cde", "intref"]), ("intmed", ["intmed"]), ("pie", ["pie"]),
            ("intmed + pie", ["intmed", "pie"]), ("te", ["te"]),
        ):  # fmt: skip
            one = result.combination(dict.fromkeys(parts, 1.0), name)
            found[f"{case}: {name}", "estimate"] = found[f"{case}: {name}", "difference"] = one.estimate
            found[f"{case}: {name}", "se"] = one.se
            found[f"{case}: {name}", "log_se"] = one.se / abs(1 + one.estimate)
    return found


def _models(case: str, rows: pd.DataFrame) -> Models:
    block = {name: part.pivot(index="row", columns="column", values="value") for name, part in rows.groupby("block")}
    outcome, mediator = (KINDS[kind] for kind in case.split(", "))
    return Models(
        outcome,
        mediator,
        theta=block["theta"].to_numpy()[:, 0],
        beta=block["beta"].to_numpy()[:, 0],
        error=float(np.squeeze(block["error"])),
        vcov=block_diag(block["theta covariance"], block["beta covariance"], block["error variance"]),
        n=PEOPLE,
        variance="delta method, classical",
    )
