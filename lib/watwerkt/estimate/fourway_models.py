"""The two regressions behind a four-way decomposition, and the joint variance of their coefficients (methods B8)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.linalg import block_diag

from watwerkt.errors import EstimationError
from watwerkt.estimate.equation import Equation, Variance, covariance, equation, regress
from watwerkt.estimate.regressors import CONSTANT, binary, numeric, refuse_collinear
from watwerkt.estimate.separation import fitted_without_separation

Kind = Literal["linear", "logistic"]


@dataclass(frozen=True)
class Models:
    """Coefficients of both models.

    ``theta``: outcome on constant, exposure, mediator, product, q covariates. ``beta``: mediator on constant, exposure,
    covariates. ``error``: variance of a linear mediator's error, 0 for a logistic one. ``vcov``: joint covariance of
    theta, beta and error, (7 + 2q) × (7 + 2q).
    """

    outcome: Kind
    mediator: Kind
    theta: np.ndarray
    beta: np.ndarray
    error: float
    vcov: np.ndarray
    n: int
    variance: str

    @property
    def parameters(self) -> np.ndarray:
        """theta, beta and error in one vector."""
        return np.concatenate([self.theta, self.beta, [self.error]])


@dataclass(frozen=True)
class Tables:
    """Both models as equations of numbers, one row per person; the product of exposure and mediator is fourth."""

    outcome: Equation
    mediator: Equation
    kinds: tuple[Kind, Kind]
    interaction: bool

    def rows(self, rows: np.ndarray) -> Tables:
        """The same for these people, repeated as drawn, without their clusters."""
        return replace(self, outcome=_drawn(self.outcome, rows), mediator=_drawn(self.mediator, rows))

    def mean(self, values: pd.DataFrame | pd.Series) -> np.ndarray:
        """Weighted mean over people."""
        return np.average(values, axis=0, weights=self.outcome.weights)

    def at(self, given: Mapping[str, float] | None) -> tuple[float, ...]:
        """The covariates' values: as given, weighted means otherwise."""
        covariates, given = self.mediator.exog.iloc[:, 2:], given or {}
        if unknown := sorted(set(given) - set(covariates)):
            raise EstimationError(
                f"a value is given for {unknown[0]!r}, which is no covariate.\n  covariates: {', '.join(covariates)}"
            )
        return tuple(float(given[name] if name in given else self.mean(covariates[name])) for name in covariates)


def tables_of(
    data: pd.DataFrame,
    *,
    outcome: str,
    exposure: str,
    mediator: str,
    covariates: Sequence[str],
    bases: Mapping[str, str] | None,
    weights: str | None,
    cluster: str | None,
    interaction: bool,
    kinds: tuple[Kind, Kind],
) -> Tables:
    """The columns as the numbers of both models; raises EstimationError at the first fault."""
    found = equation(
        data, outcome, exogenous=[exposure, mediator], controls=covariates, weights=weights, cluster=cluster,
        bases=bases,
    )  # fmt: skip
    treated, between, result = found.exog[exposure], found.exog[mediator], found.outcome
    if treated.nunique() == 2 and (counts := treated.value_counts()).min() < 2:
        raise EstimationError(
            f"column {exposure!r}: one person has {counts.idxmin():g}.\n  a group needs at least two people"
        )
    if kinds[1] == "logistic":
        binary(found.exog, mediator)
    if kinds[0] == "logistic" and not result.between(0, 1).all():
        raise EstimationError(
            f"outcome {outcome!r} runs from {result.min():g} to {result.max():g}; a logistic model takes 0 to 1.\n"
            "  take a linear outcome, or an indicator"
        )
    product = (treated * between).rename(f"{exposure} x {mediator}")
    first, others = found.exog.iloc[:, :3], found.exog.iloc[:, 3:]
    wide = pd.concat([first, *([product] if interaction else []), others], axis=1)
    narrow = found.exog.drop(columns=mediator)
    return Tables(replace(found, exog=wide), replace(found, outcome=between, exog=narrow), kinds, interaction)


def fit_models(tables: Tables, *, variance: Variance = "classical") -> Models:
    """Both models with their joint covariance: block by block (``classical``), or from each person's influence."""
    outcome, mediator = (
        _fit(kind, found, variance) for kind, found in zip(tables.kinds, (tables.outcome, tables.mediator), strict=True)
    )
    outcome = outcome if tables.interaction else outcome.with_zero(3)
    if variance == "classical":
        vcov, how = block_diag(outcome.vcov, mediator.vcov, mediator.error_variance), "classical"
    else:
        cluster = tables.outcome.cluster
        joint = np.column_stack([outcome.influence, mediator.influence, mediator.error_influence])
        vcov = covariance(joint, None if cluster is None else cluster.to_numpy())
        how = "HC1" if cluster is None else f"clustered by {cluster.name}"
    people, error = len(tables.outcome.outcome), mediator.error
    return Models(*tables.kinds, outcome.values, mediator.values, error, vcov, people, f"delta method, {how}")


@dataclass(frozen=True)
class _Fit:
    """k coefficients, their classical covariance, each row's influence; the same of the error's variance, if any."""

    values: np.ndarray
    vcov: np.ndarray
    influence: np.ndarray
    error: float
    error_variance: float
    error_influence: np.ndarray

    def with_zero(self, place: int) -> _Fit:
        """The same with a coefficient of nil, known for sure, at this place."""
        wide = np.insert(self.vcov, place, 0.0, axis=0)
        return replace(
            self,
            values=np.insert(self.values, place, 0.0),
            vcov=np.insert(wide, place, 0.0, axis=1),
            influence=np.insert(self.influence, place, 0.0, axis=1),
        )


def _fit(kind: Kind, found: Equation, variance: Variance) -> _Fit:
    varying = pd.concat([found.outcome, found.exog.iloc[:, 1:]], axis=1)
    for name in varying:
        numeric(varying, name)
    refuse_collinear(found.exog, purpose=f"the model of {found.outcome.name!r}")
    (n, k), cluster = found.exog.shape, found.cluster
    weights = np.ones(n) if found.weights is None else (found.weights / found.weights.mean()).to_numpy()
    factor = n / (n - k)
    if cluster is not None:
        groups = cluster.nunique()
        factor = groups / (groups - 1) * (n - 1) / (n - k)
    if kind == "logistic":
        return _logistic(found, weights, math.sqrt(factor))
    fit = regress(replace(found, cluster=None) if variance == "classical" else found, variance)
    square = weights * (found.outcome - found.exog.to_numpy() @ fit.values).to_numpy() ** 2 * n / (n - k)
    error = float(square.mean())
    off = math.sqrt(factor) * (square - error * weights) / n
    return _Fit(fit.values, fit.vcov, fit.influence, error, 2 * error**2 / (n - k), off)


def _logistic(found: Equation, weights: np.ndarray, root: float) -> _Fit:
    x, y = found.exog.to_numpy(), found.outcome.to_numpy()
    model = sm.GLM(y, x, family=sm.families.Binomial(), freq_weights=weights)
    fit = fitted_without_separation(
        lambda: model.fit(tol=1e-12), found.exog, y, name=str(found.outcome.name), constant=CONSTANT
    )
    chance = fit.fittedvalues
    bread = np.linalg.inv(x.T @ (x * (weights * chance * (1 - chance))[:, None]))
    influence = root * (x * (weights * (y - chance))[:, None]) @ bread
    return _Fit(fit.params, bread, influence, 0.0, 0.0, np.zeros(len(y)))


def _drawn(found: Equation, rows: np.ndarray) -> Equation:
    def draw(values: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
        return values.iloc[rows].reset_index(drop=True)

    weights = None if found.weights is None else draw(found.weights)
    return Equation(draw(found.outcome), draw(found.exog), weights=weights)
