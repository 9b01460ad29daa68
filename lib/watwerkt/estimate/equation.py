"""One linear equation: its columns as numbers, checked; its fit; the joint covariance of several fits.

Fitting and covariances are linearmodels' (``IV2SLS``, debiased). Every row's influence on the estimates is kept beside
them, so that estimates from overlapping groups of people can be combined (:func:`covariance`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from linearmodels.iv import IV2SLS

from watwerkt.errors import EstimationError
from watwerkt.estimate.regressors import CONSTANT, checked, numeric, refuse_collinear, regressors

Variance = Literal["classical", "HC1"]

_KINDS = {"classical": "unadjusted", "HC1": "robust"}  # in linearmodels' words
_NIL = 1e-20  # share of a sum of squares that is rounding error


@dataclass(frozen=True)
class Equation:
    """One linear equation as numbers: n rows, all columns named; ``cluster`` holds integer codes."""

    outcome: pd.Series
    exog: pd.DataFrame
    endog: pd.DataFrame | None = None
    instruments: pd.DataFrame | None = None
    weights: pd.Series | None = None
    cluster: pd.Series | None = None

    @property
    def regressors(self) -> pd.DataFrame:
        """Exogenous, then endogenous columns: n × k, in the order of the coefficients."""
        return self.exog if self.endog is None else pd.concat([self.exog, self.endog], axis=1)

    @property
    def exogenous(self) -> pd.DataFrame:
        """Exogenous columns, then the excluded instruments: n × l."""
        return self.exog if self.instruments is None else pd.concat([self.exog, self.instruments], axis=1)


@dataclass(frozen=True)
class Fitted:
    """A fitted equation: k coefficients, their k × k covariance, each row's influence (n × k).

    The influence carries the small-sample factor: :func:`covariance` of it is the HC1 or clustered covariance.
    """

    names: tuple[str, ...]
    values: np.ndarray
    vcov: np.ndarray
    df: float
    influence: np.ndarray
    clusters: int | None = None
    exact: bool = False

    def of(self, name: str) -> tuple[float, float, np.ndarray]:
        """Estimate, variance, and influence (n) of one coefficient."""
        place = self.names.index(name)
        return float(self.values[place]), float(self.vcov[place, place]), self.influence[:, place]


def equation(
    frame: pd.DataFrame,
    outcome: str,
    *,
    exogenous: Sequence[str] = (),
    endogenous: Sequence[str] = (),
    instruments: Sequence[str] = (),
    controls: Sequence[str] = (),
    weights: str | None = None,
    cluster: str | None = None,
    bases: Mapping[str, str] | None = None,
) -> Equation:
    """The columns as the numbers of an equation, each checked; raises EstimationError at the first fault."""
    roles = [outcome, *exogenous, *endogenous, *instruments, *controls]
    if twice := sorted({name for name in roles if roles.count(name) > 1}):
        raise EstimationError(f"column {twice[0]!r} has two roles in one equation.\n  take it out of one of them")
    if len(instruments) < len(endogenous):
        raise EstimationError(
            f"{len(instruments)} instruments cannot tell apart {len(endogenous)} endogenous columns: "
            f"{', '.join(endogenous)}.\n  give at least as many instruments"
        )
    table = checked(frame, [*roles, *(name for name in (weights, cluster) if name)])
    if len(table) < 2:
        raise EstimationError(f"{len(table)} people are too few for any estimate.\n  take a wider group")
    if weights:
        _refuse_no_weight(table[weights])
    table = table.reset_index(drop=True)
    constant = pd.DataFrame({CONSTANT: 1.0}, index=table.index)
    focus = [numeric(table, name).to_frame() for name in exogenous]
    exog = pd.concat([constant, *focus, regressors(table, controls, bases=bases)], axis=1)
    found = Equation(
        outcome=numeric(table, outcome),
        exog=exog,
        endog=_columns(table, endogenous),
        instruments=_columns(table, instruments),
        weights=table[weights].astype(float) if weights else None,
        cluster=_codes(table, cluster) if cluster else None,
    )
    _identified(found)
    return found


def regress(found: Equation, variance: Variance = "HC1", *, exact: Literal["refuse", "allow"] = "refuse") -> Fitted:
    """Fit an equation by (two-stage) least squares; clustered covariance if the equation has clusters.

    ``exact`` says whether the regressors may explain the outcome without rest; they may in a first stage.
    """
    x, z, y = (part.to_numpy() for part in (found.regressors, found.exogenous, found.outcome))
    if found.cluster is not None and variance != "HC1":
        raise EstimationError(
            f"a {variance} variance takes people as independent, so it has no clusters.\n  leave one of the two out"
        )
    if variance not in _KINDS:
        raise EstimationError(f"there is no variance {variance!r}.\n  allowed: {', '.join(_KINDS)}; or give a cluster")
    kind = "clustered" if found.cluster is not None else _KINDS[variance]
    clusters = {} if found.cluster is None else {"clusters": found.cluster}
    model = IV2SLS(found.outcome, found.exog, found.endog, found.instruments, weights=found.weights)
    fit = model.fit(cov_type=kind, debiased=True, **clusters)
    values, (n, k) = fit.params.to_numpy(), x.shape
    weights = np.ones(n) if found.weights is None else found.weights.to_numpy()
    rest = y - x @ values
    without_rest = bool(weights @ rest**2 <= _NIL * (weights @ (y - y.mean()) ** 2))
    if without_rest and exact == "refuse":
        raise EstimationError(
            f"{found.outcome.name!r} follows without rest from {', '.join(map(repr, found.regressors.columns))}.\n"
            "  look for a control that is the outcome in other words"
        )
    factor, df, groups = n / (n - k), n - k, None
    if found.cluster is not None:
        groups = int(found.cluster.nunique())
        factor, df = groups / (groups - 1) * (n - 1) / (n - k), groups - 1
    fitted = _projection(x, z, weights)
    score = fitted * (weights * rest)[:, None]
    influence = math.sqrt(factor) * score @ np.linalg.inv(fitted.T @ (weights[:, None] * x)).T
    return Fitted(
        tuple(found.regressors.columns), values, fit.cov.to_numpy(), df, influence, groups, exact=without_rest
    )


def covariance(influence: np.ndarray, cluster: np.ndarray | None = None) -> np.ndarray:
    """Joint covariance of q estimates from each row's influence on them (n × q), summed within clusters if given."""
    if cluster is not None:
        influence = np.stack([np.bincount(cluster, weights=column) for column in influence.T], axis=1)
    return influence.T @ influence


def _columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame | None:
    return pd.concat([numeric(table, name) for name in names], axis=1) if names else None


def _refuse_no_weight(weights: pd.Series) -> None:
    without = weights[weights <= 0]
    if len(without):
        raise EstimationError(
            f"weights {weights.name!r}: {without.iloc[0]:g} in row {without.index[0]}; allowed: numbers above 0.\n"
            "  leave people without weight out"
        )


def _codes(table: pd.DataFrame, cluster: str) -> pd.Series:
    codes, labels = pd.factorize(table[cluster], sort=True)
    if len(labels) < 2:
        raise EstimationError(
            f"everyone is in one cluster, {cluster} = {labels[0]!r}: its variance cannot be seen.\n"
            "  leave the cluster out, or take more of them"
        )
    return pd.Series(codes, index=table.index, name=cluster)


def _identified(found: Equation) -> None:
    refuse_collinear(found.regressors, purpose="the regression")
    if found.endog is None:
        return
    refuse_collinear(found.exogenous, purpose="the first stage")
    weights = np.ones(len(found.outcome)) if found.weights is None else found.weights.to_numpy()
    fitted = _projection(found.regressors.to_numpy(), found.exogenous.to_numpy(), weights)
    try:
        refuse_collinear(pd.DataFrame(fitted, columns=found.regressors.columns), purpose="the second stage")
    except EstimationError:
        raise EstimationError(
            f"{', '.join(map(repr, found.instruments))} {'does' if found.instruments.shape[1] == 1 else 'do'} not move "
            f"{', '.join(map(repr, found.endog))} beyond what the controls say: the effect cannot be found.\n"
            "  compare the shares with the service by arm"
        ) from None


def _projection(x: np.ndarray, z: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fitted values of the regressors from exogenous columns and instruments: n × k."""
    root = np.sqrt(weights)[:, None]
    return z @ np.linalg.lstsq(root * z, root * x, rcond=None)[0]
