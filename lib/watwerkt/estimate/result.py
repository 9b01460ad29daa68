"""What an estimator returns: named estimates with their joint variance, and what a reader must be told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import stats

from watwerkt.errors import EstimationError

LEVEL = 0.95


@dataclass(frozen=True)
class Result:
    """Estimates with their joint variance.

    Attributes
    ----------
    method
        The estimator, in words: ``Two-stage least squares``.
    names, values, vcov
        k names, k estimates, and their k × k covariance matrix.
    n
        People behind the estimates.
    variance
        How the covariance was estimated: ``HC1``, ``clustered by office``, ``bootstrap (999 draws)``.
    focus
        The name of the quantity that ``estimate``, ``se``, ``ci`` and ``p`` speak of.
    df
        Degrees of freedom of the t distribution behind ``ci`` and ``p``; infinite for the normal.
    warnings
        Sentences that the page must show: a weak instrument, weights that vary widely.
    diagnostics
        Other numbers by name: ``first_stage_f``, ``clusters``, ``effective_n``.
    """

    method: str
    names: tuple[str, ...]
    values: np.ndarray
    vcov: np.ndarray
    n: int
    variance: str
    focus: str
    df: float = math.inf
    warnings: tuple[str, ...] = ()
    diagnostics: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        k = len(self.names)
        values, vcov = np.asarray(self.values, float), np.asarray(self.vcov, float)
        if values.shape != (k,) or vcov.shape != (k, k):
            raise ValueError(f"{k} names do not go with values {values.shape} and covariance {vcov.shape}")
        if not (np.isfinite(values).all() and np.isfinite(vcov).all()):
            bad = [
                name for name, v, d in zip(self.names, values, np.diag(vcov), strict=True) if not math.isfinite(v + d)
            ]
            raise EstimationError(
                f"{self.method}: no finite estimate of {', '.join(bad) or 'a covariance'}.\n"
                "  look for a column that never varies, or a group in which everyone has the same outcome"
            )
        if self.focus not in self.names:
            raise ValueError(f"{self.focus!r} is none of {self.names}")
        for name, array in (("values", values), ("vcov", vcov)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def of(self, name: str) -> Result:
        """The same result, speaking of another of its quantities."""
        if name not in self.names:
            raise EstimationError(f"{self.method}: there is no {name!r}.\n  allowed: {', '.join(self.names)}")
        return replace(self, focus=name)

    @property
    def _place(self) -> int:
        return self.names.index(self.focus)

    @property
    def estimate(self) -> float:
        """The estimate in focus."""
        return float(self.values[self._place])

    @property
    def se(self) -> float:
        """Its standard error."""
        return math.sqrt(max(float(self.vcov[self._place, self._place]), 0.0))

    @property
    def ci(self) -> tuple[float, float]:
        """Its 95% confidence interval."""
        reach = float(_quantile(self.df)) * self.se
        return self.estimate - reach, self.estimate + reach

    @property
    def t(self) -> float:
        """Estimate over standard error; infinite for an estimate without variance."""
        return self.estimate / self.se if self.se else math.copysign(math.inf, self.estimate)

    @property
    def p(self) -> float:
        """Two-sided p value of the hypothesis that the quantity is nil."""
        return float(2 * (stats.t.sf(abs(self.t), self.df) if math.isfinite(self.df) else stats.norm.sf(abs(self.t))))

    def combination(self, weights: Mapping[str, float], name: str) -> Result:
        """A linear combination of the estimates, as a result of its own."""
        row = np.array([weights.get(known, 0.0) for known in self.names])
        if unknown := set(weights) - set(self.names):
            raise EstimationError(f"{self.method}: there is no {min(unknown)!r}.\n  allowed: {', '.join(self.names)}")
        value, variance = np.atleast_1d(row @ self.values), np.atleast_2d(row @ self.vcov @ row)
        return replace(self, names=(name,), values=value, vcov=variance, focus=name)

    def tidy(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """One row per quantity: name, estimate, se, ci_low, ci_high, p, n."""
        found = [self.of(name) for name in (self.names if names is None else names)]
        return pd.DataFrame(
            {
                "name": [one.focus for one in found],
                "estimate": [one.estimate for one in found],
                "se": [one.se for one in found],
                "ci_low": [one.ci[0] for one in found],
                "ci_high": [one.ci[1] for one in found],
                "p": [one.p for one in found],
                "n": self.n,
            }
        )


def _quantile(df: float) -> float:
    upper = (1 + LEVEL) / 2
    return float(stats.t.ppf(upper, df)) if math.isfinite(df) else float(stats.norm.ppf(upper))
