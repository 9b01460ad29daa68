"""Kit ``meta_bcg``: our random-effects meta-analysis of the BCG trials, beside R metafor's."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from watwerkt.estimate.result import Result
from watwerkt.pooling import Pooled, Tau2, compare_groups, leave_one_out, pool, shrink

Values = dict[tuple[str, str], float]
TESTS = {
    "knha": {"interval": "hartung-knapp"},
    "z": {"interval": "wald"},
    "adhoc": {"interval": "hartung-knapp", "adhoc": True},
}


def ours(folder: Path) -> Values:
    """What we give for each number in ``expected.csv``."""
    trials = pd.read_csv(folder / "input.csv")
    effects, ses = _log_risk_ratios(trials)
    labels = [f"{author} {year}" for author, year in zip(trials["author"], trials["year"], strict=True)]
    found: Values = {}
    for method in get_args(Tau2):
        for test, options in TESTS.items():
            found |= _mean(f"mean {method} {test}", pool(effects, ses, labels=labels, tau2=method, **options))
            if test != "adhoc":
                found |= _groups(f"{method} {test}", effects, ses, trials["alloc"], tau2=method, **options)
    pooled = pool(effects, ses, labels=labels)
    found |= {("Q", "heterogeneity"): pooled.q, ("Q", "p"): pooled.q_p}
    found |= {("tau2 low", "tau2"): pooled.tau2_ci[0], ("tau2 high", "tau2"): pooled.tau2_ci[1]}
    drawn = shrink(pooled)
    for label in labels:
        found |= _one(f"shrunken {label}", drawn.of(label))
    for row in leave_one_out(pooled).to_dict("records"):
        name = f"without {row['left_out']}"
        found |= {(name, statistic): row[statistic] for statistic in ("estimate", "se", "p", "tau2")}
        found[f"{name} Q", "heterogeneity"] = row["q"]
    for test, options in TESTS.items():
        found |= _one(f"first three {test}", pool(effects[:3], ses[:3], **options).mean)
    return found


def _log_risk_ratios(trials: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Effects and standard errors from the counts."""
    treated, controls = trials["tpos"] + trials["tneg"], trials["cpos"] + trials["cneg"]
    effects = np.log((trials["tpos"] / treated) / (trials["cpos"] / controls))
    variances = 1 / trials["tpos"] - 1 / treated + 1 / trials["cpos"] - 1 / controls
    return effects.to_numpy(), np.sqrt(variances.to_numpy())


def _one(name: str, result: Result) -> Values:
    low, high = result.ci
    return {
        (name, "estimate"): result.estimate,
        (name, "se"): result.se,
        (name, "p"): result.p,
        (f"{name} low", "ci"): low,
        (f"{name} high", "ci"): high,
    }


def _mean(name: str, pooled: Pooled) -> Values:
    low, high = pooled.prediction
    return _one(name, pooled.mean) | {
        (name, "tau2"): pooled.tau2,
        (f"{name} I2", "heterogeneity"): pooled.i2,
        (f"{name} H2", "heterogeneity"): pooled.h2,
        (f"{name} prediction low", "ci"): low,
        (f"{name} prediction high", "ci"): high,
    }


def _groups(name: str, effects: np.ndarray, ses: np.ndarray, groups: pd.Series, **options: str) -> Values:
    compared = compare_groups(effects, ses, groups, **options)
    found: Values = {}
    for group in compared.means.names:
        found |= _one(f"{group} {name}", compared.means.of(group))
    same = f"same in groups {name}"
    return found | {
        (same, "heterogeneity"): compared.statistic,
        (same, "p"): compared.p,
        (same, "tau2"): compared.tau2,
    }
