"""Selection into work: a probit for being selected, and its inverse Mills ratio in the outcome equation (methods B5).

Job characteristics exist only for those who have a job, and services change who has one. The ratio corrects for that,
if errors are jointly normal and some column moves selection but not the outcome (Heckman 1979).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from watwerkt.errors import EstimationError
from watwerkt.estimate.equation import Equation, Fitted, equation, regress
from watwerkt.estimate.linear import cluster_warnings
from watwerkt.estimate.regressors import CONSTANT, binary, checked, numeric, refuse_collinear, regressors
from watwerkt.estimate.resampling import bootstrap
from watwerkt.estimate.result import Result
from watwerkt.estimate.separation import fitted_without_separation
from watwerkt.estimate.weak import strength

RATIO = "inverse_mills_ratio"
COLLINEAR_R2 = 0.9  # the ratio's variance is ten times what it would be with unrelated regressors

Variance = Literal["bootstrap", "heckman", "unadjusted"]


@dataclass(frozen=True)
class Probit:
    """A probit: ``coefficients`` and ``effects``, the average marginal effects dE[y]/dx (no constant)."""

    coefficients: Result
    effects: Result


@dataclass(frozen=True)
class Selection:
    """Both steps: the ``outcome`` equation with its ratio, the ``probit``, and the ``first_stage`` if there is one."""

    outcome: Result
    probit: Probit
    first_stage: Result | None


def inverse_mills(index: np.ndarray) -> np.ndarray:
    """φ(index) / Φ(index), by logarithms so that it holds far in the left tail."""
    return np.exp(stats.norm.logpdf(index) - stats.norm.logcdf(index))


def probit(
    data: pd.DataFrame, *, outcome: str, columns: Sequence[str], bases: Mapping[str, str] | None = None
) -> Probit:
    """Probability of a binary outcome, probit by maximum likelihood (methods B5, step 1).

    Parameters
    ----------
    data
        One row per person.
    outcome
        Column of 0 and 1.
    columns, bases
        Regressors; categories become dummies ``column=category`` without their base.

    Returns coefficients, with the variance from the observed information, and average marginal effects with
    delta-method variance: derivatives for dummies, too, and for each power of age by itself, as the report's Table
    II.3 has them. Raises EstimationError for missing values, columns that follow from others, and perfect separation.
    Source: Wooldridge (2010), section 15.4. Kits: ``selection``, ``selection_mroz``.
    """
    data = checked(data, [outcome, *columns])
    design = _with_constant(regressors(data, columns, bases=bases))
    return _described(_fit(binary(data, outcome), design), design, outcome)


def selection(
    data: pd.DataFrame,
    *,
    outcome: str,
    selected: str,
    columns: Sequence[str],
    exclusions: Sequence[str] = (),
    endogenous: str | None = None,
    instruments: Sequence[str] = (),
    exclusions_as_instruments: bool = True,
    bases: Mapping[str, str] | None = None,
    variance: Variance = "bootstrap",
    cluster: str | None = None,
    draws: int = 499,
    rng: np.random.Generator | None = None,
) -> Selection:
    """Effect on an outcome that only the selected have, corrected for selection (methods B5).

    A probit of ``selected`` on all exogenous columns gives λ = φ/Φ; among the selected the outcome is regressed on
    ``columns``, the endogenous column and λ: OLS without an endogenous column (Heckman 1979), otherwise 2SLS with all
    exogenous columns and λ as instruments (Wooldridge 2010, procedure 19.2).

    Parameters
    ----------
    data
        One row per person, selected or not.
    outcome
        Column of numbers, binary ones included; it may be missing where ``selected`` is 0.
    selected
        Column of 0 and 1: has a job.
    columns, bases
        Exogenous regressors of the outcome, in both steps; categories become dummies.
    exclusions
        Columns that move selection but not the outcome: in the probit only.
    endogenous, instruments
        A column such as receipt of services, and those that move it, such as assignment.
    exclusions_as_instruments
        True (Wooldridge): exclusion columns are instruments of the second step, too. False (Table II.3 of the report):
        they stand in the probit alone.
    variance
        ``bootstrap`` over both steps, by person or ``cluster``; ``heckman``, the two-step variance for an exogenous
        equation; ``unadjusted``, HC1 or clustered, with λ taken as known: right for the test that λ's coefficient is
        nil, too small otherwise.
    draws, rng
        Number of bootstrap draws and their generator.

    Returns the outcome equation with focus on the endogenous column, or the first of ``columns``. Its diagnostics:
    ``people``, ``ratio_p`` (selection test: unadjusted variance), ``ratio_r2`` (of λ on the other regressors),
    ``condition_number``, ``first_stage_f``, ``rho`` and ``sigma`` (exogenous equation), ``bootstrap_failed``.
    Raises EstimationError if nobody or everybody is selected, for perfect separation in the probit, collinear columns
    and missing values. Kits: ``selection``, ``selection_mroz``.
    """
    if (endogenous is None) != (not instruments):
        raise EstimationError(
            f"endogenous={endogenous!r} with instruments {list(instruments)}: one goes not without the other.\n"
            "  give both for 2SLS, neither for OLS"
        )
    if variance == "heckman" and (endogenous is not None or cluster is not None):
        raise EstimationError(
            "the two-step variance is for an exogenous equation and unrelated people.\n  take variance='bootstrap'"
        )
    model = _model(
        data, columns=columns, exclusions=exclusions, instruments=instruments, endogenous=endogenous, outcome=outcome,
        selected=selected, cluster=cluster, bases=bases, exclusions_as_instruments=exclusions_as_instruments,
    )  # fmt: skip
    return _estimate(model, variance=variance, draws=draws, rng=rng)


@dataclass(frozen=True)
class _Model:
    """One row per person, all columns numbers, and which of them stand in which step."""

    table: pd.DataFrame
    outcome: str
    selected: str
    probit: list[str]
    exogenous: list[str]
    endogenous: list[str]
    instruments: list[str]
    cluster: str | None
    has_exclusions: bool

    def steps(
        self, rows: np.ndarray | slice = slice(None), *, start: np.ndarray | None = None
    ) -> tuple[object, Equation]:
        """The fitted probit, and the second step's equation with λ among the selected; for these rows, as drawn."""
        table = self.table.iloc[rows].reset_index(drop=True)
        design = _with_constant(pd.concat([numeric(table, column) for column in self.probit], axis=1))
        first = _fit(table[self.selected], design, start)
        inside = table[self.selected] > 0
        table = table[inside].assign(**{RATIO: inverse_mills(design[inside].to_numpy() @ first.params)})
        return first, equation(
            table, self.outcome, exogenous=[*self.exogenous, RATIO], endogenous=self.endogenous,
            instruments=self.instruments, cluster=self.cluster,
        )  # fmt: skip


def _model(
    data: pd.DataFrame,
    *,
    columns: Sequence[str],
    exclusions: Sequence[str],
    instruments: Sequence[str],
    exclusions_as_instruments: bool,
    bases: Mapping[str, str] | None,
    **roles: str | None,
) -> _Model:
    exogenous = [*columns, *exclusions, *instruments]
    if repeated := sorted({name for name in exogenous if exogenous.count(name) > 1}):
        raise EstimationError(f"column {repeated[0]!r} has two roles.\n  give it once: columns are in both steps")
    outcome, selected, endogenous, cluster = (roles[role] for role in ("outcome", "selected", "endogenous", "cluster"))
    frame = checked(data, [selected, *exogenous, *([cluster] if cluster else [])])
    who = _selected(frame, selected)
    only = [outcome, *([endogenous] if endogenous else [])]
    checked(data[who.to_numpy() > 0], only)
    matrices = {name: regressors(frame, [name], bases=_base(bases, name)) for name in exogenous}
    names = {name: list(matrix.columns) for name, matrix in matrices.items()}
    second = [*instruments, *(exclusions if exclusions_as_instruments and endogenous else ())]
    return _Model(
        table=pd.concat([who, data[only], *matrices.values(), *([frame[cluster]] if cluster else [])], axis=1),
        outcome=outcome,
        selected=selected,
        probit=[each for name in exogenous for each in names[name]],
        exogenous=[each for name in columns for each in names[name]],
        endogenous=[endogenous] if endogenous else [],
        instruments=[each for name in second for each in names[name]],
        cluster=cluster,
        has_exclusions=bool(exclusions),
    )


def _base(bases: Mapping[str, str] | None, name: str) -> dict[str, str] | None:
    return {name: bases[name]} if bases and name in bases else None


def _selected(frame: pd.DataFrame, column: str) -> pd.Series:
    ones = int((frame[column] == 1).sum())
    if ones in (0, len(frame)):
        raise EstimationError(
            f"column {column!r}: {'nobody' if not ones else 'everybody'} of {len(frame)} people is selected.\n"
            "  without both groups there is no selection to model: take a wider group, or plain OLS or 2SLS"
        )
    return binary(frame, column)


def _estimate(model: _Model, *, variance: Variance, draws: int, rng: np.random.Generator | None) -> Selection:
    first, second = model.steps()
    fit = regress(second)
    vcov, how, df, warned, extra = _variance(model, first, second, fit, variance=variance, draws=draws, rng=rng)
    diagnostics, warnings = _diagnostics(model, second, fit)
    diagnostics |= extra
    if abs(diagnostics.get("rho", 0.0)) > 1:
        warned = (*warned, f"The implied correlation of the errors is {diagnostics['rho']:.2f}, outside −1 to 1.")
    result = Result(
        method=f"Two-step selection model, {'2SLS' if model.endogenous else 'OLS'} with inverse Mills ratio",
        names=fit.names,
        values=fit.values,
        vcov=vcov,
        n=len(second.outcome),
        variance=how,
        focus=[*model.endogenous, *model.exogenous, RATIO][0],
        df=df,
        warnings=(*warnings, *warned),
        diagnostics=diagnostics,
    )
    design = _with_constant(model.table[model.probit])
    return Selection(result, _described(first, design, model.selected), _first_stage(model, second))


def _variance(
    model: _Model,
    first: object,
    second: Equation,
    fit: Fitted,
    *,
    variance: Variance,
    draws: int,
    rng: np.random.Generator | None,
) -> tuple[np.ndarray, str, float, tuple[str, ...], dict[str, float]]:
    """Covariance, its name, degrees of freedom, warnings and diagnostics."""
    if variance == "heckman":
        vcov, extra = _heckman(model, first, second, fit)
        return vcov, "Heckman's two-step variance", math.inf, (), extra
    if variance == "unadjusted":
        warned = ("The standard errors take the inverse Mills ratio as known, which usually makes them too small.",)
        return fit.vcov, _plain(model), fit.df, warned, {}
    again = bootstrap(
        lambda rows: regress(model.steps(rows, start=first.params)[1]).values,
        people=len(model.table),
        draws=draws,
        rng=rng,
        cluster=model.table[model.cluster] if model.cluster else None,
    )
    return again.vcov, again.variance, math.inf, again.warnings, {"bootstrap_failed": float(again.failed)}


def _plain(model: _Model) -> str:
    return f"clustered by {model.cluster}" if model.cluster else "HC1"


def _diagnostics(model: _Model, second: Equation, fit: Fitted) -> tuple[dict[str, float], list[str]]:
    slope, spread, _ = fit.of(RATIO)
    columns = second.regressors
    ratio_r2 = float(sm.OLS(columns[RATIO], columns.drop(columns=RATIO)).fit().rsquared)
    found = {
        "people": float(len(model.table)),
        "ratio_p": float(2 * stats.t.sf(abs(slope) / math.sqrt(spread), fit.df)),
        "ratio_r2": ratio_r2,
        "condition_number": float(np.linalg.cond(columns / np.sqrt((columns**2).sum()))),
    }
    warned = cluster_warnings(fit.clusters, model.cluster) if model.cluster else []
    if not model.has_exclusions:
        warned.append("No column moves selection alone: the correction rests on the normal distribution's shape only.")
    if ratio_r2 > COLLINEAR_R2:
        warned.append(
            f"The inverse Mills ratio nearly follows from the other regressors (R² = {ratio_r2:.3f}): "
            "the correction is imprecise."
        )
    weak = strength(second, "HC1") if model.endogenous else ({}, [])
    return found | weak[0], warned + weak[1]


def _first_stage(model: _Model, second: Equation) -> Result | None:
    """The endogenous column on all exogenous ones and λ, among the selected."""
    if not model.endogenous:
        return None
    column = second.endog.iloc[:, 0]
    stage = Equation(column, second.exogenous, cluster=second.cluster)
    fit = regress(stage, exact="allow")
    fitted = second.exogenous.to_numpy() @ fit.values
    return Result(
        method="First stage with inverse Mills ratio, OLS",
        names=fit.names,
        values=fit.values,
        vcov=fit.vcov,
        n=len(column),
        variance=_plain(model),
        focus=model.instruments[0],
        df=fit.df,
        diagnostics={"r2": float(np.corrcoef(fitted, column)[0, 1] ** 2)},
    )


def _with_constant(matrix: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([pd.DataFrame({CONSTANT: 1.0}, index=matrix.index), matrix], axis=1)


def _fit(outcome: pd.Series, design: pd.DataFrame, start: np.ndarray | None = None) -> object:
    """The fitted probit of statsmodels."""
    refuse_collinear(design, purpose="the probit")
    model = sm.Probit(outcome.to_numpy(), design.to_numpy())
    return fitted_without_separation(
        lambda: model.fit(start, disp=0, maxiter=100),
        design,
        outcome.to_numpy(),
        name=str(outcome.name),
        constant=CONSTANT,
    )


def _described(fitted: object, design: pd.DataFrame, outcome: str) -> Probit:
    effects = fitted.get_margeff(at="overall", method="dydx")
    names = tuple(design.columns)
    about = {"log_likelihood": float(fitted.llf), "pseudo_r2": float(fitted.prsquared)}
    coefficients = Result(
        method=f"Probit of {outcome}",
        names=names,
        values=fitted.params,
        vcov=fitted.cov_params(),
        n=len(design),
        variance="observed information",
        focus=names[1],
        diagnostics=about,
    )
    average = Result(
        method=f"Probit of {outcome}, average marginal effects",
        names=names[1:],
        values=effects.margeff,
        vcov=effects.margeff_cov,
        n=len(design),
        variance="delta method",
        focus=names[1],
        diagnostics=about,
    )
    return Probit(coefficients, average)


def _heckman(model: _Model, first: object, second: Equation, fit: Fitted) -> tuple[np.ndarray, dict[str, float]]:
    """Two-step variance (Heckman 1979; Greene 2012, section 19.5.3), with σ and ρ of the errors."""
    x, ratio = second.regressors.to_numpy(), second.exog[RATIO].to_numpy()
    inside = model.table[model.selected] > 0
    w = _with_constant(model.table.loc[inside, model.probit]).to_numpy()
    slope = fit.of(RATIO)[0]
    delta = ratio * (ratio + w @ first.params)
    rest = second.outcome.to_numpy() - x @ fit.values
    sigma2 = float(rest @ rest + slope**2 * delta.sum()) / len(x)
    rho2 = slope**2 / sigma2
    bread = np.linalg.inv(x.T @ x)
    cross = (x * delta[:, None]).T @ w
    meat = (x * (1 - rho2 * delta)[:, None]).T @ x + rho2 * cross @ first.cov_params() @ cross.T
    sigma = math.sqrt(sigma2)
    return sigma2 * bread @ meat @ bread, {"sigma": sigma, "rho": slope / sigma}
