"""Linear estimators on one row per person: ITT, the linear probability model, two-stage least squares (B1, B2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from watwerkt.errors import EstimationError
from watwerkt.estimate.equation import Equation, Variance, equation, regress
from watwerkt.estimate.regressors import binary, checked
from watwerkt.estimate.result import Result
from watwerkt.estimate.weak import ConfidenceSet, anderson_rubin_set, strength

FEW_CLUSTERS = 30

Notes = tuple[dict[str, float], list[str]]  # diagnostics and warnings


def ols(
    frame: pd.DataFrame,
    outcome: str,
    *,
    of: str | Sequence[str],
    controls: Sequence[str] = (),
    variance: Variance = "HC1",
    cluster: str | None = None,
    weights: str | None = None,
    bases: Mapping[str, str] | None = None,
) -> Result:
    """Coefficients of a linear regression by (weighted) least squares.

    Source: White (1980); MacKinnon & White (1985) for HC1; Liang & Zeger (1986) for clusters.

    Parameters
    ----------
    frame
        One row per person. Missing values are refused.
    outcome, of, controls
        Numeric outcome (proportions as fractions, events as 0 and 1); numeric column or columns of interest, the first
        in focus; further columns, of which text or categories become dummies ``column=category``.
    variance, cluster
        ``classical``, ``HC1`` (t with n − k degrees of freedom), or one-way clustered by a column (t with G − 1), with
        the factors n/(n − k) and G/(G − 1) · (n − 1)/(n − k).
    weights
        Positive sampling weights; their scale does not matter.
    bases
        Base category by control; the first in alphabetical order otherwise.

    Raises EstimationError for missing or infinite values, columns that never vary or follow from others, too few
    people, one cluster. Checked against R's ``lm`` and ``sandwich`` by the kit ``itt_lpm``.
    """
    of = [of] if isinstance(of, str) else list(of)
    found = equation(frame, outcome, exogenous=of, controls=controls, weights=weights, cluster=cluster, bases=bases)
    return _result("Ordinary least squares", found, variance, focus=of[0], cluster=cluster, notes=({}, []))


def itt(
    frame: pd.DataFrame,
    outcome: str,
    *,
    assigned: str,
    controls: Sequence[str] = (),
    variance: Variance = "HC1",
    cluster: str | None = None,
    weights: str | None = None,
    bases: Mapping[str, str] | None = None,
) -> Result:
    """Intention to treat: mean outcome of those assigned (1) less that of those not (0), given controls (methods B1).

    Without controls, the difference in means; with a 0/1 outcome, a linear probability model. Other parameters as in
    :func:`ols`. Diagnostics: ``mean_not_assigned``, ``n_assigned``, ``n_not_assigned``, ``clusters``.

    Source: Angrist & Pischke (2009), ch. 2 and 3. Raises EstimationError also if ``assigned`` is not 0/1, or an arm
    has fewer than two people. Checked against R's ``lm`` and ``sandwich`` by the kit ``itt_lpm``.
    """
    binary(checked(frame, [assigned]), assigned)
    found = equation(
        frame, outcome, exogenous=[assigned], controls=controls, weights=weights, cluster=cluster, bases=bases
    )
    notes = _arms(found, found.exog[assigned])
    return _result("Intention to treat", found, variance, focus=assigned, cluster=cluster, notes=notes)


def iv(
    frame: pd.DataFrame,
    outcome: str,
    *,
    endogenous: str | Sequence[str],
    instruments: str | Sequence[str],
    controls: Sequence[str] = (),
    variance: Variance = "HC1",
    cluster: str | None = None,
    weights: str | None = None,
    bases: Mapping[str, str] | None = None,
) -> Result:
    """Coefficients of a linear equation with endogenous regressors by two-stage least squares (methods B2).

    Source: Wooldridge (2010), ch. 5. Other parameters as in :func:`ols`; all columns of ``endogenous`` and
    ``instruments`` are numeric, at least as many instruments as endogenous columns.

    Diagnostics: per endogenous column the F of the excluded instruments in its first stage, with the variance asked
    for (``first_stage_f``; with several, ``first_stage_f[column]``, and ``cragg_donald_f``, the classical statistic of
    Cragg & Donald (1993) that also sees instruments which move several columns only together). With one instrument and
    one endogenous column also ``first_stage`` and ``first_stage_se``. An F below 10 is a warning, with the
    Anderson–Rubin set where there is one instrument.

    Raises EstimationError as :func:`ols`, for too few instruments, and for instruments that move nothing. Checked
    against R's ``AER::ivreg`` and ``sandwich`` by the kits ``iv_mroz`` and ``iv_simulated``.
    """
    endogenous = [endogenous] if isinstance(endogenous, str) else list(endogenous)
    instruments = [instruments] if isinstance(instruments, str) else list(instruments)
    found = equation(
        frame, outcome, endogenous=endogenous, instruments=instruments, controls=controls, weights=weights,
        cluster=cluster, bases=bases,
    )  # fmt: skip
    notes = strength(found, variance)
    return _result("Two-stage least squares", found, variance, focus=endogenous[0], cluster=cluster, notes=notes)


def late(
    frame: pd.DataFrame,
    outcome: str,
    *,
    receipt: str,
    assigned: str,
    controls: Sequence[str] = (),
    variance: Variance = "HC1",
    cluster: str | None = None,
    weights: str | None = None,
    bases: Mapping[str, str] | None = None,
) -> Result:
    """Local average treatment effect of receipt, instrumented by assignment (0/1), by two-stage least squares (B2).

    Without controls it is the Wald ratio: difference in outcome over difference in receipt. Parameters as in
    :func:`ols`, diagnostics as in :func:`iv` and :func:`itt`. ``receipt`` is 0/1 or a number (of interviews): then the
    effect is per unit, averaged over those whom assignment moves (Angrist & Imbens 1995).

    Source: Imbens & Angrist (1994). Raises and is checked as :func:`iv`.
    """
    binary(checked(frame, [assigned]), assigned)
    found = equation(
        frame, outcome, endogenous=[receipt], instruments=[assigned], controls=controls, weights=weights,
        cluster=cluster, bases=bases,
    )  # fmt: skip
    first, arms = strength(found, variance), _arms(found, found.instruments[assigned])
    notes = first[0] | arms[0], first[1] + arms[1]
    return _result("Local average treatment effect", found, variance, focus=receipt, cluster=cluster, notes=notes)


def anderson_rubin(
    frame: pd.DataFrame,
    outcome: str,
    *,
    endogenous: str,
    instrument: str,
    controls: Sequence[str] = (),
    cluster: str | None = None,
    weights: str | None = None,
    bases: Mapping[str, str] | None = None,
) -> ConfidenceSet:
    """95% confidence set of an effect with one instrument, valid however weak the instrument is.

    The effects b for which the instrument does not explain ``outcome − b · endogenous``, by a robust or clustered t
    test. Parameters as in :func:`iv`.

    Source: Anderson & Rubin (1949); Andrews, Stock & Sun (2019). Checked against R's ``lm`` and ``sandwich`` at the
    ends of the set by the kit ``iv_simulated``.
    """
    found = equation(
        frame, outcome, endogenous=[endogenous], instruments=[instrument], controls=controls, weights=weights,
        cluster=cluster, bases=bases,
    )  # fmt: skip
    return anderson_rubin_set(found)


def cluster_warnings(clusters: int, name: str) -> list[str]:
    """A sentence if the clusters are few."""
    if clusters >= FEW_CLUSTERS:
        return []
    return [
        f"Only {clusters} clusters ({name}): below about {FEW_CLUSTERS}, clustered standard errors tend to be too "
        "small; a wild cluster bootstrap is safer."
    ]


def refuse_one_cluster(found: Equation, treated: pd.Series) -> None:
    """Raise EstimationError if all treated, or all untreated people are in one cluster."""
    for value in (1, 0):
        if found.cluster is not None and found.cluster[treated == value].nunique() == 1:
            raise EstimationError(
                f"everyone with {treated.name} = {value} is in one cluster ({found.cluster.name}): how much clusters "
                "differ cannot be seen among them.\n  leave the cluster out, or take more of them"
            )


def _result(
    method: str, found: Equation, variance: Variance, *, focus: str, cluster: str | None, notes: Notes
) -> Result:
    fit, (diagnostics, warnings) = regress(found, variance), notes
    return Result(
        method=method, names=fit.names, values=fit.values, vcov=fit.vcov, n=len(found.outcome),
        variance=f"clustered by {cluster}" if cluster else variance, focus=focus, df=fit.df,
        warnings=(*warnings, *(cluster_warnings(fit.clusters, cluster) if cluster else [])),
        diagnostics=diagnostics | ({"clusters": float(fit.clusters)} if cluster else {}),
    )  # fmt: skip


def _arms(found: Equation, assigned: pd.Series) -> Notes:
    """Sizes of the arms and the level in the control arm; a warning where an arm's outcome never varies."""
    refuse_one_cluster(found, assigned)
    outcome, warnings = found.outcome, []
    weights = 1.0 if found.weights is None else found.weights
    for value in (1, 0):
        among = outcome[assigned == value]
        if among.nunique() == 1:
            warnings.append(
                f"Everyone with {assigned.name} = {value} has {outcome.name} = {among.iloc[0]:g}: their variance "
                "counts as nil, so the interval is too narrow."
            )
    diagnostics = {
        "n_assigned": float((assigned == 1).sum()),
        "n_not_assigned": float((assigned == 0).sum()),
        "mean_not_assigned": float(np.average(outcome, weights=(assigned == 0) * weights)),
    }
    return diagnostics, warnings
