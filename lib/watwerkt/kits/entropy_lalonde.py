"""Kit ``entropy_lalonde``: CPS controls balanced to the NSW treated by us, beside R survey's raking calibration."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from watwerkt.estimate.balancing import Balance, entropy_balance, targets_of
from watwerkt.estimate.result import Result
from watwerkt.estimate.weighted import Variance, balanced_effect, weighted_means, weighted_regression

Values = dict[tuple[str, str], float]
MEANS = ("age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75")
WIDE = ("age", "educ", "re74", "re75")
MONEY = ["re74", "re75", "re78"]
ROWS = (1, 50, 1000, 15000)


def ours(folder: Path) -> Values:
    """What we give for each number in ``expected.csv``; earnings in thousands of dollars."""
    treated, controls = _thousands(folder / "nsw_treated.csv"), _thousands(folder / "cps.csv.gz")
    found: Values = {}
    for name, variances in (("means", ()), ("variances", WIDE)):
        balance = entropy_balance(controls, targets_of(treated, means=MEANS, variances=variances))
        found |= _weights(name, balance)
        for kind in ("linearised", "sandwich"):
            effect = balanced_effect(treated, controls, "re78", means=MEANS, variances=variances, variance=kind)
            found |= {(f"{name} effect", "estimate"): effect.estimate, (f"{name} effect {kind}", "se"): effect.se}
            line = weighted_regression(controls, balance, "re78", controls=["age", "educ", "marr"], variance=kind)
            found |= _estimates(f"{name} regression", line, kind)
            for column in ("marr", "nodegree"):
                means = weighted_means(controls, balance, "re78", by=column, variance=kind)
                found |= _estimates(f"{name} {column}", means, kind)
    return found


def _thousands(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path)
    return frame.assign(**{name: frame[name] / 1000 for name in MONEY})


def _weights(name: str, balance: Balance) -> Values:
    """Moments after weighting and some of the weights."""
    table = balance.table.set_index("moment")["after"]
    found = {
        (f"{name} {moment.replace(': variance', '_square').replace(': mean', '')}", "moment"): value
        for moment, value in table.items()
    }
    found |= {(f"{name} weight of row {row}", "weights"): balance.weights[row - 1] for row in ROWS}
    return found | {
        (f"{name} effective n", "weights"): balance.effective_n,
        (f"{name} largest", "weights"): balance.largest_share,
    }


def _estimates(name: str, result: Result, kind: Variance) -> Values:
    return {
        key: value
        for quantity in result.names
        for key, value in (
            ((f"{name} {quantity}", "estimate"), result.of(quantity).estimate),
            ((f"{name} {quantity} {kind}", "se"), result.of(quantity).se),
        )
    }
