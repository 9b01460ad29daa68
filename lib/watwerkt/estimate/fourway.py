"""Four-way decomposition of an effect into mediation and interaction (VanderWeele 2014; methods B8).

The total effect of services is the sum of a controlled direct effect (neither), the reference interaction (interaction
alone), the mediated interaction (both) and the pure indirect effect (mediation alone). It reads as cause and effect
only if nothing unmeasured moves both mediator and outcome, and services move no such thing either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from watwerkt.errors import EstimationError
from watwerkt.estimate.fourway_models import Kind, Models, Tables, fit_models, tables_of
from watwerkt.estimate.linear import cluster_warnings
from watwerkt.estimate.resampling import bootstrap
from watwerkt.estimate.result import Result

PARTS = ("te", "cde", "intref", "intmed", "pie")
SHARES = {  # share of the total effect: the parts in it
    "share_cde": ("cde",),
    "share_intref": ("intref",),
    "share_intmed": ("intmed",),
    "share_pie": ("pie",),
    "share_mediated": ("intmed", "pie"),
    "share_interaction": ("intref", "intmed"),
    "share_eliminated": ("intref", "intmed", "pie"),
}
RARE = 0.10  # the usual bound (VanderWeele 2015): above it odds ratios are no risk ratios
_STEP = 1e-20  # of the complex-step derivative: no subtraction, so no rounding error
_NODES, _MASS = np.polynomial.hermite.hermgauss(60)

Risks = Literal["rare", "exact"]


@dataclass(frozen=True)
class Levels:
    """Levels of exposure compared, the mediator's level of the controlled direct effect, the covariates' values."""

    reference: float
    exposed: float
    control: float
    at: tuple[float, ...] = ()


def four_way(
    data: pd.DataFrame,
    *,
    outcome: str,
    exposure: str,
    mediator: str,
    control: float,
    covariates: Sequence[str] = (),
    outcome_model: Kind = "linear",
    mediator_model: Kind = "linear",
    risks: Risks = "rare",
    interaction: bool = True,
    reference: float = 0.0,
    exposed: float = 1.0,
    at: Mapping[str, float] | None = None,
    bases: Mapping[str, str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    variance: Literal["classical", "HC1", "bootstrap"] = "classical",
    draws: int = 499,
    rng: np.random.Generator | None = None,
) -> Result:
    """Four-way decomposition of the effect of an exposure, with one mediator (methods B8).

    Outcome on exposure, mediator, their product and covariates; mediator on exposure and covariates. With a linear
    outcome the parts are differences of its mean. With a logistic outcome they are parts of the excess relative risk,
    RR − 1, each divided by the risk without exposure, as in Tables III.6–III.16 of the report.

    Parameters
    ----------
    data
        One row per person; no missing values.
    outcome, exposure, mediator, covariates, bases
        Columns. Logistic models need 0/1; a logistic outcome may be a fraction, with an HC1 or bootstrap variance.
    control
        Level m* of the mediator at which the direct effect is held. CDE and INTref depend on it, their sum does not.
    risks
        For a logistic outcome: ``rare``, closed form with odds in the place of risks (VanderWeele 2014, as med4way,
        CMAverse and PROC CAUSALMED have it); ``exact``, risks of the logistic model itself, by summation over a binary
        and Gauss–Hermite integration over a linear mediator.
    reference, exposed, interaction
        The levels of exposure compared; False leaves the product out.
    at
        Values of covariates (dummies by name ``column=category``); their (weighted) means where not given.
    weights, cluster
        Sampling weights and clusters, with an HC1 or bootstrap variance.
    variance, draws, rng
        Delta method from both models' variances, taken as unrelated (``classical``), or from each person's influence
        on both (``HC1``, clustered if ``cluster`` is given); or ``bootstrap`` over people or clusters.

    Returns ``te, cde, intref, intmed, pie`` and shares of ``te``: of each part, ``share_mediated`` (INTmed + PIE),
    ``share_interaction`` (INTref + INTmed), ``share_eliminated`` (TE − CDE); no shares where TE is nil. Raises
    EstimationError for missing values, groups of one, columns that never vary, no events, and separation.
    Source: VanderWeele (2014); Valeri & VanderWeele (2013). Kits: ``fourway``, ``fourway_sas``.
    """
    _refuse_options(reference, exposed, weights, cluster, variance)
    tables = tables_of(
        data, outcome=outcome, exposure=exposure, mediator=mediator, covariates=covariates, bases=bases,
        weights=weights, cluster=cluster, interaction=interaction, kinds=(outcome_model, mediator_model),
    )  # fmt: skip
    if variance == "classical" and outcome_model == "logistic" and not tables.outcome.outcome.isin([0, 1]).all():
        raise EstimationError(
            f"outcome {outcome!r} is a fraction, of which a logistic model knows no variance.\n"
            "  take variance='HC1' or 'bootstrap'"
        )
    levels = Levels(reference, exposed, control, tables.at(at))
    models = fit_models(tables, variance="HC1" if variance == "HC1" else "classical")
    values, slopes = _derivatives(models, levels, risks)
    vcov, how, warned, extra = slopes @ models.vcov @ slopes.T, models.variance, (), {}
    if variance == "bootstrap":
        again = bootstrap(
            lambda rows: parts(fit_models(tables.rows(rows)), levels, risks=risks),
            people=models.n, draws=draws, rng=rng, cluster=tables.outcome.cluster,
        )  # fmt: skip
        vcov, how, warned, extra = again.vcov, again.variance, again.warnings, {"bootstrap_failed": float(again.failed)}
    found = _result(models, values, vcov, how=how, risks=risks)
    return _told(found, tables, levels, models, risks=risks, warned=warned, extra=extra)


def decompose(models: Models, levels: Levels, *, risks: Risks = "rare") -> Result:
    """The decomposition that follows from two fitted models, with delta-method variance; parameters as in
    :func:`four_way`. Kit: ``fourway_sas``."""
    values, slopes = _derivatives(models, levels, risks)
    return _result(models, values, slopes @ models.vcov @ slopes.T, how=models.variance, risks=risks)


def parts(models: Models, levels: Levels, *, risks: Risks = "rare", parameters: np.ndarray | None = None) -> np.ndarray:
    """Total effect, CDE, INTref, INTmed and PIE (VanderWeele 2014, eAppendix); complex parameters are allowed.

    From mean outcomes E[Y(a, m*)] and E[Y(a, M(a'))]: TE = Y(1, M(1)) − Y(0, M(0)), CDE = Y(1, m*) − Y(0, m*),
    INTref = Y(1, M(0)) − Y(0, M(0)) − CDE, INTmed = Y(1, M(1)) − Y(1, M(0)) − Y(0, M(1)) + Y(0, M(0)),
    PIE = Y(0, M(1)) − Y(0, M(0)); for a logistic outcome each over Y(0, M(0)).
    """
    p = models.parameters if parameters is None else parameters
    count = len(models.theta)
    theta, beta, error = p[:count], p[count:-1], p[-1]
    at = np.asarray(levels.at)
    kind = risks if models.outcome == "logistic" else "linear"
    constant = theta[0] + theta[4:] @ at if kind == "exact" else 0.0

    def held(a: float, m: complex) -> complex:
        return _response(constant + theta[1] * a + (theta[2] + theta[3] * a) * m, kind)

    def free(a: float, a_mediator: float) -> complex:
        mean = beta[0] + beta[1] * a_mediator + beta[2:] @ at
        if models.mediator == "logistic":
            chance = 1 / (1 + np.exp(-mean))
            return (1 - chance) * held(a, 0.0) + chance * held(a, 1.0)
        if kind == "exact":
            return _MASS @ held(a, mean + np.sqrt(2 * error) * _NODES) / np.sqrt(np.pi)
        return held(a, mean + ((theta[2] + theta[3] * a) * error / 2 if kind == "rare" else 0.0))

    low, high, control = levels.reference, levels.exposed, levels.control
    none, mediator_only, direct_only, both = free(low, low), free(low, high), free(high, low), free(high, high)
    cde = held(high, control) - held(low, control)
    found = np.array(
        [both - none, cde, direct_only - none - cde, both - direct_only - mediator_only + none, mediator_only - none]
    )
    return found if kind == "linear" else found / none


def _response(index: np.ndarray, kind: str) -> np.ndarray:
    if kind == "linear":
        return index
    return np.exp(index) if kind == "rare" else 1 / (1 + np.exp(-index))


def _derivatives(models: Models, levels: Levels, risks: Risks) -> tuple[np.ndarray, np.ndarray]:
    """The five parts and their derivatives (5 × parameters), by complex steps (Squire & Trapp 1998)."""
    p = models.parameters
    steps = p + 1j * _STEP * np.eye(len(p))
    slopes = [parts(models, levels, risks=risks, parameters=step).imag / _STEP for step in steps]
    return parts(models, levels, risks=risks), np.column_stack(slopes)


def _result(models: Models, values: np.ndarray, vcov: np.ndarray, *, how: str, risks: Risks) -> Result:
    names, total = PARTS, values[0]
    if total != 0:
        members = np.array([[float(part in share) for part in PARTS] for share in SHARES.values()])
        shares = members @ values / total
        slopes = np.vstack([np.eye(len(PARTS)), members / total])
        slopes[len(PARTS) :, 0] -= shares / total
        names, values, vcov = (*PARTS, *SHARES), np.concatenate([values, shares]), slopes @ vcov @ slopes.T
    scale = "" if models.outcome == "linear" else f", excess relative risk, {risks} risks"
    return Result(
        method=f"Four-way decomposition ({models.outcome} outcome, {models.mediator} mediator{scale})",
        names=names,
        values=values,
        vcov=vcov,
        n=models.n,
        variance=how,
        focus="te",
    )


def _refuse_options(reference: float, exposed: float, weights: str | None, cluster: str | None, variance: str) -> None:
    if reference == exposed:
        raise EstimationError(f"the two levels of exposure are both {exposed:g}.\n  compare two levels that differ")
    if variance == "classical" and (weights or cluster):
        raise EstimationError(
            f"a classical variance knows no {'sampling weights' if weights else 'clusters'}.\n"
            "  take variance='HC1' or 'bootstrap'"
        )


def _told(
    found: Result, tables: Tables, levels: Levels, models: Models, *, risks: Risks, warned: tuple, extra: Mapping
) -> Result:
    """The result with what a reader must know of it."""
    (outcome, mediator), cluster = (tables.outcome.outcome, tables.mediator.outcome), tables.outcome.cluster
    notes, share = list(warned), float(tables.mean(outcome))
    if models.outcome == "logistic" and risks == "rare" and share > RARE:
        notes.append(
            f"The outcome is not rare ({share:.1%} have it): odds ratios, which stand for risk ratios here, lie "
            "further from 1 than these."
        )
    low, high = mediator.min(), mediator.max()
    if not low <= levels.control <= high:
        notes.append(f"The control level {levels.control:g} lies outside the mediator's range, {low:g} to {high:g}.")
    four = found.values[1:5]
    if (four > 0).any() and (four < 0).any():
        notes.append("The four parts differ in sign, so their shares are no parts of a whole.")
    if found.p > 0.05:
        notes.append("The total effect is not clear of nil, so shares of it say little.")
    if cluster is not None:
        notes += cluster_warnings(cluster.nunique(), cluster.name)
    about = {"mean_outcome": share, "mean_mediator": float(tables.mean(mediator))}
    return replace(found, warnings=tuple(notes), diagnostics={**about, "control": float(levels.control), **extra})
