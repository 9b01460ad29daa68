"""How strongly instruments move receipt, and what can be said of the effect when they hardly do (methods B2)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import linalg, stats

from watwerkt.estimate.equation import Equation, Fitted, Variance, covariance, regress
from watwerkt.estimate.result import LEVEL

WEAK = 10.0  # first-stage F below which an instrument is weak: Staiger & Stock (1997)


@dataclass(frozen=True)
class ConfidenceSet:
    """The values that a test at 5% does not refuse: an interval, two rays around a gap, or every number.

    For ``rays`` the set is everything up to ``low`` and everything from ``high``.
    """

    kind: Literal["interval", "rays", "line"]
    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        if self.kind == "rays":
            return value <= self.low or value >= self.high
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if self.kind == "line":
            return "every number"
        low, high = f"{self.low:.4g}", f"{self.high:.4g}"
        return f"{low} to {high}" if self.kind == "interval" else f"everything up to {low} and from {high}"


def strength(found: Equation, variance: Variance) -> tuple[dict[str, float], list[str]]:
    """First-stage statistics of an equation with instruments, as diagnostics, and warnings if they are low."""
    several, single = found.endog.shape[1] > 1, found.instruments.shape[1] == 1
    diagnostics: dict[str, float] = {}
    for name in found.endog:
        stage = _first_stage(found, name, variance)
        diagnostics[f"first_stage_f[{name}]" if several else "first_stage_f"] = wald_f(stage, found.instruments)
        if single:
            value, spread, _ = stage.of(found.instruments.columns[0])
            diagnostics |= {"first_stage": value, "first_stage_se": math.sqrt(spread)}
    if several:
        diagnostics["cragg_donald_f"] = _cragg_donald(found)
    lowest = min(value for name, value in diagnostics.items() if name.split("[")[0].endswith("_f"))
    if lowest >= WEAK:
        return diagnostics, []
    warnings = [
        f"Weak instrument: F = {lowest:.1f} in the first stage, below {WEAK:.0f}; the estimate leans towards the "
        "uncorrected one and its interval cannot be relied on."
    ]
    if single:
        warnings.append(f"The Anderson–Rubin 95% set, which stays valid: {anderson_rubin_set(found)}.")
    return diagnostics, warnings


def wald_f(fit: Fitted, names: Iterable[str]) -> float:
    """F of the hypothesis that these coefficients are all nil: their Wald statistic over their number."""
    places = [fit.names.index(name) for name in names]
    if fit.exact:
        return math.inf
    values = fit.values[places]
    return float(values @ np.linalg.solve(fit.vcov[np.ix_(places, places)], values)) / len(places)


def anderson_rubin_set(found: Equation) -> ConfidenceSet:
    """The effects b at which |γ_y − b γ_x| ≤ t · SE, γ the instrument's coefficients in the two reduced forms."""
    instrument = found.instruments.columns[0]
    outcome = replace(found, exog=found.exogenous, endog=None, instruments=None)
    fits = [regress(outcome), _first_stage(found, found.endog.columns[0], "HC1")]
    (y, _, on_y), (x, _, on_x) = (fit.of(instrument) for fit in fits)
    cluster = None if found.cluster is None else found.cluster.to_numpy()
    spread = covariance(np.column_stack([on_y, on_x]), cluster)
    cut = stats.t.ppf((1 + LEVEL) / 2, fits[0].df) ** 2
    square, cross, rest = x**2 - cut * spread[1, 1], y * x - cut * spread[0, 1], y**2 - cut * spread[0, 0]
    root = math.sqrt(max(cross**2 - square * rest, 0.0))
    if square < 0 and root > 0:
        return ConfidenceSet("rays", (cross + root) / square, (cross - root) / square)
    if square <= 0:
        return ConfidenceSet("line", -math.inf, math.inf)
    return ConfidenceSet("interval", (cross - root) / square, (cross + root) / square)


def _first_stage(found: Equation, name: str, variance: Variance) -> Fitted:
    """The regression of an endogenous column on everything exogenous."""
    stage = replace(found, outcome=found.endog[name], exog=found.exogenous, endog=None, instruments=None)
    return regress(stage, variance, exact="allow")


def _cragg_donald(found: Equation) -> float:
    """Smallest canonical correlation of instruments and endogenous columns as an F, other columns partialled out."""
    root = 1.0 if found.weights is None else np.sqrt(found.weights.to_numpy())[:, None]
    exog, endog, excluded = (root * part.to_numpy() for part in (found.exog, found.endog, found.instruments))
    endog, excluded = (part - exog @ np.linalg.lstsq(exog, part, rcond=None)[0] for part in (endog, excluded))
    fitted = excluded @ np.linalg.lstsq(excluded, endog, rcond=None)[0]
    rest, free = endog - fitted, len(endog) - exog.shape[1] - excluded.shape[1]
    ratios = linalg.eigh(fitted.T @ fitted, rest.T @ rest / free, eigvals_only=True)
    return float(ratios.min()) / excluded.shape[1]
