"""Married women's wages, 1975 (Mroz 1987): our two steps against R, and against what Wooldridge prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from linearmodels.datasets import mroz

from watwerkt.estimate.selection import selection
from watwerkt.kits.selection import named

HOME = ["nwifeinc", "age", "kidslt6", "kidsge6"]
PARENTS = ["motheduc", "fatheduc", "huseduc"]


def ours(_folder: Path) -> Mapping[tuple[str, str], float]:
    """Participation, and log wage with exogenous and with endogenous education."""
    data = _women()
    wage = selection(
        data, outcome="lwage", selected="inlf", columns=["educ", "exper", "expersq"], exclusions=HOME,
        variance="heckman",
    )  # fmt: skip
    iv = selection(
        data, outcome="lwage", selected="inlf", columns=["exper", "expersq"], exclusions=HOME, endogenous="educ",
        instruments=PARENTS, variance="unadjusted",
    )  # fmt: skip
    found = named("participation", wage.probit.coefficients) | named("log wage", wage.outcome)
    found |= named("log wage, 2SLS", iv.outcome)
    printed = {
        (quantity, f"printed{'' if statistic == 'estimate' else '_se'}"): round(value, 3)
        for (quantity, statistic), value in found.items()
    }
    return found | printed


def _women() -> pd.DataFrame:
    data = mroz.load()
    earned = np.where(data["inlf"] == 1, data["hours"] * data["wage"], 0.0)
    return data.assign(nwifeinc=(data["faminc"] - earned) / 1000, lwage=np.log(data["wage"]))
