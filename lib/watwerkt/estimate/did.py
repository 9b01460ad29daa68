"""Difference-in-differences by office type and period, with and without an instrument (methods B4).

In the experiment with services for people on a WGA benefit, offices that took part are compared with the others,
before and during the experiment; people enter in cohorts of six months. Source of the design: SEOR & Verwey-Jonker,
appendix II.1; of the estimators: Angrist & Pischke (2009), ch. 5; Bertrand, Duflo & Mullainathan (2004) on clusters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from watwerkt.errors import EstimationError
from watwerkt.estimate.equation import Equation, equation, regress
from watwerkt.estimate.linear import FEW_CLUSTERS, refuse_one_cluster
from watwerkt.estimate.regressors import binary, checked
from watwerkt.estimate.result import Result
from watwerkt.estimate.weak import strength, wald_f
from watwerkt.estimate.wild import Wild, wild_cluster_p

FEW_TREATED = 10


@dataclass(frozen=True)
class Design:
    """Which columns say who is treated when.

    Attributes
    ----------
    treated
        1 for people of the offices that take part (in both periods), 0 for the others.
    post
        1 for people who enter during the experiment, 0 before.
    cluster
        Column whose values are the clusters of the variance: the office.
    unit, cohort
        Columns whose values get an effect each, in place of one for the offices that take part and one for the
        period: two-way fixed effects. ``treated`` must not vary within a unit, ``post`` not within a cohort.
    controls, weights, bases
        As in :func:`watwerkt.estimate.linear.ols`.
    """

    treated: str
    post: str
    cluster: str
    unit: str | None = None
    cohort: str | None = None
    controls: Sequence[str] = ()
    weights: str | None = None
    bases: Mapping[str, str] | None = None

    @property
    def effect(self) -> str:
        """Name of the estimate: the product of treated and period."""
        return f"{self.treated}:{self.post}"

    @property
    def effects(self) -> tuple[str, str]:
        """Columns whose effects are taken out: office type or unit, period or cohort."""
        return self.unit or self.treated, self.cohort or self.post


def did(frame: pd.DataFrame, outcome: str, design: Design, *, wild: Wild | None = None) -> Result:
    """Difference-in-differences: change among the treated less change among the others, given controls.

    One row per person, proportions as fractions. Without units and cohorts it is (ȳ₁₁ − ȳ₁₀) − (ȳ₀₁ − ȳ₀₀). The
    estimate in focus is ``<treated>:<post>``; the variance is clustered, t with G − 1 degrees of freedom (Bertrand,
    Duflo & Mullainathan 2004; Cameron & Miller 2015). ``wild`` adds the p value of a wild cluster bootstrap as the
    diagnostic ``wild_p``.

    Diagnostics: ``clusters``, ``treated_clusters``, ``n_treated_post``. Few clusters give a warning.

    Raises EstimationError for missing values, fewer than two people in one of the four groups, one cluster among the
    treated or the others, and columns that follow from each other. Checked against R's ``lm`` and ``sandwich`` by the
    kits ``did_castle`` and ``did_simulated``.
    """
    table = _prepared(frame, design)
    found = _equation(table, outcome, design, exogenous=[design.effect])
    diagnostics, warnings = _clusters(found, table[design.treated])
    if wild is not None:
        diagnostics["wild_p"] = wild_cluster_p(found, design.effect, wild)
    diagnostics["n_treated_post"] = float(table[design.effect].sum())
    return _result("Difference-in-differences", found, design, design.effect, diagnostics, warnings)


def iv_did(frame: pd.DataFrame, outcome: str, design: Design, *, receipt: str) -> Result:
    """Difference-in-differences with an instrument: effect of ``receipt``, instrumented by treated × post.

    For comparisons in which some of the control group took the service all the same (self-reporters). Two-stage least
    squares with the same effects as :func:`did` (Hudson, Hull & Liebersohn 2017; de Chaisemartin & D'Haultfœuille
    2018 on what it averages). Without units, cohorts and controls it is the ratio of two differences-in-differences.

    Diagnostics as in :func:`did`, and ``first_stage``, ``first_stage_se``, ``first_stage_f``. Raises EstimationError
    as :func:`did`, and if treated × post does not move receipt; F below 10 is a warning. Checked against R's
    ``AER::ivreg`` and ``sandwich`` by the kit ``did_simulated``.
    """
    table = _prepared(frame, design)
    found = _equation(table, outcome, design, endogenous=[receipt], instruments=[design.effect])
    diagnostics, warnings = _clusters(found, table[design.treated])
    first, weak = strength(found, "HC1")
    method = "Difference-in-differences with an instrument"
    return _result(method, found, design, receipt, diagnostics | first, weak + warnings)


def event_study(frame: pd.DataFrame, outcome: str, design: Design, *, reference: str | None = None) -> Result:
    """Difference between the treated and the others by cohort, less that in the reference cohort.

    Shows whether both moved alike before the experiment. Estimates are ``<treated>:<cohort>`` for every cohort but the
    reference: by default the last before the experiment, in sorted order. In focus is the first cohort during it.

    Diagnostics: ``pretrend_f``, ``pretrend_p``, ``pretrend_df`` and ``pretrend_df_denominator``: the joint F test that
    all coefficients before the experiment are nil, with q and G − 1 degrees of freedom; and those of :func:`did`.
    A test that refuses nothing is no proof of parallel trends (Roth 2022).

    Raises EstimationError as :func:`did`; if the design names no cohort; if treated or others lack a cohort; if there
    are as many coefficients to test as clusters. Checked as :func:`did`.
    """
    if design.cohort is None:
        raise EstimationError("an event study needs cohorts.\n  name their column in the design: Design(cohort=...)")
    table, names, before = _by_cohort(_prepared(frame, design), design, reference)
    found = _equation(table, outcome, design, exogenous=names)
    diagnostics, warnings = _clusters(found, table[design.treated])
    if before:
        diagnostics |= _pretrend(found, before)
    else:
        warnings.append("Only one cohort is from before the experiment: parallel trends cannot be looked at.")
    focus = next(name for name in names if name not in before)
    return _result("Event study by cohort", found, design, focus, diagnostics, warnings)


def _prepared(frame: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The table with treated × post as a column, and units and cohorts as categories; refuses an empty group."""
    checked(frame, [design.treated, design.post, design.cluster, *design.effects])
    treated, post = binary(frame, design.treated), binary(frame, design.post)
    for value, period in ((1, 1), (1, 0), (0, 1), (0, 0)):
        people = int(((treated == value) & (post == period)).sum())
        if people < 2:
            raise EstimationError(
                f"{people} people have {design.treated} = {value} and {design.post} = {period}; each of the four "
                "groups needs at least two.\n  take a wider group, or more cohorts"
            )
    table = frame.assign(**{design.treated: treated, design.post: post, design.effect: treated * post})
    for given, fixed in ((design.unit, design.treated), (design.cohort, design.post)):
        if given:
            _refuse_change(table, within=given, of=fixed)
            table[given] = table[given].astype(str)
    return table


def _refuse_change(table: pd.DataFrame, *, within: str, of: str) -> None:
    several = table.groupby(within, observed=True)[of].nunique()
    if (several > 1).any():
        raise EstimationError(
            f"{within} {several.idxmax()!r} has people with {of} = 0 and people with {of} = 1.\n"
            f"  {of} may not vary within {within}: leave out those who do not belong to the comparison"
        )


def _equation(
    table: pd.DataFrame,
    outcome: str,
    design: Design,
    *,
    exogenous: Sequence[str] = (),
    endogenous: Sequence[str] = (),
    instruments: Sequence[str] = (),
) -> Equation:
    return equation(
        table, outcome, exogenous=exogenous, endogenous=endogenous, instruments=instruments,
        controls=[*design.effects, *design.controls], weights=design.weights, cluster=design.cluster,
        bases=design.bases,
    )  # fmt: skip


def _clusters(found: Equation, treated: pd.Series) -> tuple[dict[str, float], list[str]]:
    """Counts of clusters, and a warning if they are few; refuses a side with one cluster."""
    treated = treated.reset_index(drop=True)
    refuse_one_cluster(found, treated)
    ours, others = (int(found.cluster[treated == value].nunique()) for value in (1, 0))
    every = int(found.cluster.nunique())
    diagnostics = {"clusters": float(every), "treated_clusters": float(ours)}
    if every >= FEW_CLUSTERS and min(ours, others) >= FEW_TREATED:
        return diagnostics, []
    return diagnostics, [
        f"Only {every} clusters ({found.cluster.name}), {ours} of them treated: clustered standard errors tend to be "
        "too small; a wild cluster bootstrap is safer, but not with very few treated clusters."
    ]


def _by_cohort(table: pd.DataFrame, design: Design, reference: str | None) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The table with a column of treated × cohort for each but the reference; their names, and those from before."""
    cohorts = table.groupby(design.cohort)
    during = cohorts[design.post].first()
    early = sorted(during.index[during == 0])
    reference = early[-1] if reference is None else str(reference)
    if reference not in early:
        raise EstimationError(
            f"{reference!r} is no cohort from before the experiment.\n  allowed: {', '.join(map(repr, early))}"
        )
    sides = cohorts[design.treated].nunique()
    if (sides < 2).any():
        raise EstimationError(
            f"cohort {sides.idxmin()!r} has no people on one side.\n  leave the cohort out, or merge it with another"
        )
    names = {cohort: f"{design.treated}:{cohort}" for cohort in sorted(during.index) if cohort != reference}
    products = {name: table[design.treated] * (table[design.cohort] == cohort) for cohort, name in names.items()}
    return table.assign(**products), list(products), [names[cohort] for cohort in early if cohort != reference]


def _pretrend(found: Equation, before: Sequence[str]) -> dict[str, float]:
    """The joint test of the coefficients before the experiment."""
    fit = regress(found)
    if len(before) >= fit.clusters:
        raise EstimationError(
            f"{len(before)} cohorts before the experiment cannot be tested together with {fit.clusters} clusters.\n"
            "  merge cohorts"
        )
    f = wald_f(fit, before)
    names = ("pretrend_f", "pretrend_p", "pretrend_df", "pretrend_df_denominator")
    numbers = (f, stats.f.sf(f, len(before), fit.df), len(before), fit.df)
    return {name: float(number) for name, number in zip(names, numbers, strict=True)}


def _result(
    method: str, found: Equation, design: Design, focus: str, diagnostics: Mapping[str, float], warnings: Sequence[str]
) -> Result:
    fit = regress(found)
    return Result(
        method=method, names=fit.names, values=fit.values, vcov=fit.vcov, n=len(found.outcome),
        variance=f"clustered by {design.cluster}", focus=focus, df=fit.df, warnings=tuple(warnings),
        diagnostics=diagnostics,
    )  # fmt: skip
