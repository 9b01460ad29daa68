"""Selection into work: a probit for being selected, and its inverse Mills ratio in the outcome equation (methods B5).

Job characteristics exist only for those who have a job, and services change who has one. The ratio corrects for that,
if errors are jointly normal and some column moves selection but not the outcome (Heckman 1979).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import statsmodels.api as sm
from linearmodels.iv import IV2SLS
from scipy import stats

from watwerkt.errors import EstimationError
from watwerkt.estimate.regressors import CONSTANT, binary, checked, numeric, refuse_collinear, regressors
from watwerkt.estimate.resampling import bootstrap
from watwerkt.estimate.result import Result
from watwerkt.estimate.separation import fitted_without_separation

RATIO = "inverse_mills_ratio"
WEAK_F = 10.0  # Staiger & Stock (1997)
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
        Regressors; categories become dummies ``column[category]`` without their base.

    Returns coefficients, with the variance from the observed information, and average marginal effects with
    delta-method variance: derivatives for dummies, too, and for each power of age by itself, as the report's Table
    II.3 has them. Raises EstimationError for missing values, columns that follow from others, and perfect separation.
    Source: Wooldridge (2010), section 15.4. Kits: ``selection``, ``selection_mroz``.
    """
    data = checked(data, [outcome, *columns])
    design = sm.add_constant(regressors(data, columns, bases=bases)).rename(columns={"const": CONSTANT})
    return _described(_probit(binary(data, outcome), design), design, outcome)


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
    steps = _steps(
        data,
        outcome=outcome,
        selected=selected,
        parts=(tuple(columns), tuple(exclusions), tuple(instruments), endogenous),
        as_instruments=exclusions_as_instruments,
        bases=bases,
    )
    groups = checked(data, [cluster])[cluster] if cluster else None
    return _estimate(steps, variance=variance, groups=groups, draws=draws, rng=rng)


@dataclass(frozen=True)
class _Steps:
    """The two equations as matrices: everyone's probit, and the second step's columns (rows of everyone)."""

    selected: pd.Series
    probit: pd.DataFrame
    outcome: pd.Series
    exogenous: pd.DataFrame
    endogenous: pd.Series | None
    instruments: pd.DataFrame
    has_exclusions: bool

    def rows(self, rows: np.ndarray) -> _Steps:
        """The same equations for these people, repeated as drawn."""
        return _Steps(
            self.selected.iloc[rows].reset_index(drop=True),
            self.probit.iloc[rows].reset_index(drop=True),
            self.outcome.iloc[rows].reset_index(drop=True),
            self.exogenous.iloc[rows].reset_index(drop=True),
            None if self.endogenous is None else self.endogenous.iloc[rows].reset_index(drop=True),
            self.instruments.iloc[rows].reset_index(drop=True),
            self.has_exclusions,
        )


def _steps(
    data: pd.DataFrame, *, outcome: str, selected: str, parts: tuple, as_instruments: bool, bases: Mapping | None
) -> _Steps:
    columns, exclusions, instruments, endogenous = parts
    exogenous = [*columns, *exclusions, *instruments]
    if repeated := {name for name in exogenous if exogenous.count(name) > 1}:
        raise EstimationError(f"column {min(repeated)!r} has two roles.\n  give it once: it is in both steps or in one")
    frame = checked(data, [selected, *exogenous])
    who = _selected(frame, selected)
    checked(data.loc[who.to_numpy() > 0], [outcome, *([endogenous] if endogenous else [])])
    numeric(data.loc[who.to_numpy() > 0], outcome)
    matrix = _by_column(frame, exogenous, bases)
    constant = pd.DataFrame({CONSTANT: 1.0}, index=frame.index)
    second = [*instruments, *(exclusions if as_instruments and endogenous else ())]
    return _Steps(
        selected=who,
        probit=pd.concat([constant, *matrix.values()], axis=1),
        outcome=data[outcome].astype(float),
        exogenous=pd.concat([constant, *(matrix[name] for name in columns)], axis=1),
        endogenous=data[endogenous].astype(float) if endogenous else None,
        instruments=pd.concat([constant[[]], *(matrix[name] for name in second)], axis=1),
        has_exclusions=bool(exclusions),
    )


def _by_column(frame: pd.DataFrame, columns: Sequence[str], bases: Mapping | None) -> dict[str, pd.DataFrame]:
    bases = bases or {}
    known = {name: {name: bases[name]} if name in bases else None for name in columns}
    return {name: regressors(frame, [name], bases=known[name]) for name in columns}


def _selected(frame: pd.DataFrame, column: str) -> pd.Series:
    ones = int((frame[column] == 1).sum())
    if ones in (0, len(frame)):
        raise EstimationError(
            f"column {column!r}: {'nobody' if not ones else 'everybody'} of {len(frame)} people is selected.\n"
            "  without both groups there is no selection to model: take a wider group, or plain OLS or 2SLS"
        )
    return binary(frame, column)


def _estimate(
    steps: _Steps, *, variance: Variance, groups: pd.Series | None, draws: int, rng: np.random.Generator | None
) -> Selection:
    first = _probit(steps.selected, steps.probit)
    second = _Second.of(steps, first)
    refuse_collinear(second.regressors, purpose="the outcome equation with the inverse Mills ratio")
    inside = None if groups is None else groups[steps.selected > 0]
    fitted = second.fit(inside)
    diagnostics = _diagnostics(steps, second, fitted)
    vcov, how, warned = fitted.cov.to_numpy(), _unadjusted(groups), ()
    if variance == "heckman":
        vcov, extra = _heckman(steps, second, first, fitted)
        how, diagnostics = "Heckman's two-step variance", diagnostics | extra
    elif variance == "bootstrap":
        again = bootstrap(_redo(steps, second), people=len(steps.probit), draws=draws, rng=rng, cluster=groups)
        vcov, how, warned = (
            again.vcov,
            again.variance + (f" by {groups.name}" if groups is not None else ""),
            again.warnings,
        )
        diagnostics["bootstrap_failed"] = again.failed
    else:
        warned = ("The standard errors take the inverse Mills ratio as known, which makes them too small.",)
    names = tuple(map(str, fitted.params.index))
    result = Result(
        method=f"Two-step selection model, {'OLS' if steps.endogenous is None else '2SLS'} with inverse Mills ratio",
        names=names,
        values=fitted.params.to_numpy(),
        vcov=vcov,
        n=len(second.outcome),
        variance=how,
        focus=steps.endogenous.name if steps.endogenous is not None else names[min(1, len(names) - 2)],
        warnings=(*_warnings(steps, diagnostics), *warned),
        diagnostics=diagnostics,
    )
    return Selection(result, _described(first, steps.probit, steps.selected.name), second.first_stage(inside))


@dataclass(frozen=True)
class _Second:
    """The second step among the selected, with λ as a regressor that is exogenous."""

    outcome: pd.Series
    exogenous: pd.DataFrame
    endogenous: pd.DataFrame | None
    instruments: pd.DataFrame | None

    @classmethod
    def of(cls, steps: _Steps, first: object) -> _Second:
        inside = steps.selected > 0
        ratio = inverse_mills(steps.probit[inside].to_numpy() @ np.asarray(first.params))
        iv = steps.endogenous is not None
        return cls(
            steps.outcome[inside],
            steps.exogenous[inside].assign(**{RATIO: ratio}),
            steps.endogenous[inside].to_frame() if iv else None,
            steps.instruments[inside] if iv else None,
        )

    @property
    def regressors(self) -> pd.DataFrame:
        return self.exogenous if self.endogenous is None else pd.concat([self.exogenous, self.endogenous], axis=1)

    def fit(self, groups: pd.Series | None = None):  # noqa: ANN201
        """2SLS, or OLS, with HC1 or clustered variance."""
        return _fit(IV2SLS(self.outcome, self.exogenous, self.endogenous, self.instruments), groups)

    def first_stage(self, groups: pd.Series | None) -> Result | None:
        """The endogenous column on all exogenous ones and λ, or None."""
        if self.endogenous is None:
            return None
        column = self.endogenous.iloc[:, 0]
        found = _fit(IV2SLS(column, pd.concat([self.exogenous, self.instruments], axis=1), None, None), groups)
        return Result(
            method="First stage with inverse Mills ratio, OLS",
            names=tuple(map(str, found.params.index)),
            values=found.params.to_numpy(),
            vcov=found.cov.to_numpy(),
            n=len(column),
            variance=_unadjusted(groups),
            focus=str(self.instruments.columns[0]),
            diagnostics={
                "first_stage_f": _partial_f(found, list(self.instruments.columns)),
                "r2": float(found.rsquared),
            },
        )


def _fit(model: IV2SLS, groups: pd.Series | None):  # noqa: ANN202
    if groups is None:
        return model.fit(cov_type="robust", debiased=True)
    return model.fit(cov_type="clustered", debiased=True, clusters=pd.factorize(groups)[0])


def _partial_f(found: object, names: list[str]) -> float:
    part, vcov = found.params[names].to_numpy(), found.cov.loc[names, names].to_numpy()
    return float(part @ np.linalg.solve(vcov, part) / len(names))


def _unadjusted(groups: pd.Series | None) -> str:
    return "HC1" if groups is None else f"clustered by {groups.name}"


def _probit(selected: pd.Series, design: pd.DataFrame):  # noqa: ANN202
    refuse_collinear(design, purpose="the probit")
    outcome = selected.to_numpy()
    model = sm.Probit(outcome, design.to_numpy())
    return fitted_without_separation(
        lambda: model.fit(disp=0, maxiter=100), design, outcome, name=str(selected.name), constant=CONSTANT
    )


def _described(fitted: object, design: pd.DataFrame, outcome: str) -> Probit:
    effects = fitted.get_margeff(at="overall", method="dydx")
    names, people = tuple(map(str, design.columns)), len(design)
    told = {"n": people, "diagnostics": {"log_likelihood": float(fitted.llf), "pseudo_r2": float(fitted.prsquared)}}
    return Probit(
        Result(
            method=f"Probit of {outcome}",
            names=names,
            values=fitted.params,
            vcov=fitted.cov_params(),
            variance="observed information",
            focus=names[1],
            **told,
        ),
        Result(
            method=f"Probit of {outcome}, average marginal effects",
            names=names[1:],
            values=effects.margeff,
            vcov=effects.margeff_cov,
            variance="delta method",
            focus=names[1],
            **told,
        ),
    )


def _redo(steps: _Steps, second: _Second) -> Callable[[np.ndarray], np.ndarray]:
    names = list(second.fit().params.index)

    def statistic(rows: np.ndarray) -> np.ndarray:
        drawn = steps.rows(rows)
        again = _Second.of(drawn, _probit(drawn.selected, drawn.probit))
        refuse_collinear(again.regressors, purpose="the outcome equation")
        return again.fit().params[names].to_numpy()

    return statistic


def _diagnostics(steps: _Steps, second: _Second, fitted: object) -> dict[str, float]:
    others = second.regressors.drop(columns=RATIO)
    ratio = second.exogenous[RATIO]
    found = {
        "people": float(len(steps.probit)),
        "ratio_p": float(2 * stats.norm.sf(abs(fitted.params[RATIO]) / math.sqrt(fitted.cov.loc[RATIO, RATIO]))),
        "ratio_r2": float(sm.OLS(ratio, others).fit().rsquared),
        "condition_number": float(np.linalg.cond(second.regressors / np.sqrt((second.regressors**2).sum()))),
    }
    stage = second.first_stage(None)
    return found | ({} if stage is None else {"first_stage_f": stage.diagnostics["first_stage_f"]})


def _warnings(steps: _Steps, diagnostics: Mapping[str, float]) -> list[str]:
    found = []
    if not steps.has_exclusions:
        found.append(
            "No column moves selection alone: the correction rests on the shape of the normal distribution only."
        )
    if diagnostics["ratio_r2"] > COLLINEAR_R2:
        found.append(
            f"The inverse Mills ratio follows almost from the other regressors (R² = {diagnostics['ratio_r2']:.3f}): "
            "the correction is imprecise."
        )
    if diagnostics.get("first_stage_f", math.inf) < WEAK_F:
        found.append(f"The instrument is weak: F = {diagnostics['first_stage_f']:.1f} in the first stage.")
    if abs(diagnostics.get("rho", 0.0)) > 1:
        found.append(f"The implied correlation of the errors is {diagnostics['rho']:.2f}, outside −1 to 1.")
    return found


def _heckman(steps: _Steps, second: _Second, first: object, fitted: object) -> tuple[np.ndarray, dict[str, float]]:
    """Two-step variance (Heckman 1979; Greene 2012, section 19.5.3), with σ and ρ of the errors."""
    x = second.exogenous.to_numpy()
    w = steps.probit[steps.selected > 0].to_numpy()
    ratio = second.exogenous[RATIO].to_numpy()
    delta = ratio * (ratio + w @ np.asarray(first.params))
    slope = fitted.params[RATIO]
    residual = second.outcome.to_numpy() - x @ fitted.params.to_numpy()
    sigma2 = float(residual @ residual + slope**2 * delta.sum()) / len(x)
    rho2 = slope**2 / sigma2
    bread = np.linalg.inv(x.T @ x)
    cross = (x * delta[:, None]).T @ w
    meat = (x * (1 - rho2 * delta)[:, None]).T @ x + rho2 * cross @ first.cov_params() @ cross.T
    sigma = math.sqrt(sigma2)
    return sigma2 * bread @ meat @ bread, {"sigma": sigma, "rho": float(slope / sigma)}
