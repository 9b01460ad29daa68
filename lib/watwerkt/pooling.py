"""Pooling and shrinkage of effects that are known by estimate and standard error (methods A6).

The effects must come from different people: subgroups by sex, or by age, but not both at once. Percentages are
fractions, as everywhere inside the library. ``ses`` are taken as known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

from watwerkt.errors import EstimationError
from watwerkt.estimate.result import LEVEL, Result

Tau2 = Literal["REML", "PM", "DL"]
Interval = Literal["hartung-knapp", "wald"]
Adjustment = Literal["holm", "benjamini-hochberg"]

FEW = 5  # with fewer effects, the variance between them is hardly known
_GRID = 100
_NIL = 1e-12  # Q over its degrees of freedom: below this the effects are equal but for floating point


@dataclass(frozen=True, eq=False)
class Pooled:
    """A random-effects mean of k effects.

    Attributes
    ----------
    mean
        The pooled effect, as a :class:`Result` (quantity ``mean``); ``mean.warnings`` says what a reader must know.
    labels, effects, ses
        The k effects that were pooled.
    estimator, interval, adhoc
        How τ² and the interval of the mean were found.
    tau2, tau2_ci
        Variance between the effects, with its 95% Q-profile interval (Viechtbauer 2007).
    q, q_df, q_p
        Cochran's test that all effects are the same.
    i2, h2
        Share of the variance that is between effects (a fraction), and total over typical variance within (Higgins &
        Thompson 2002), from τ².
    prediction
        95% interval for the true effect in a new group like these (Higgins, Thompson & Spiegelhalter 2009; t with
        k − 1 degrees of freedom for Hartung–Knapp, normal for Wald).
    """

    mean: Result
    labels: tuple[str, ...]
    effects: np.ndarray
    ses: np.ndarray
    estimator: Tau2
    interval: Interval
    adhoc: bool
    tau2: float
    tau2_ci: tuple[float, float]
    q: float
    q_df: int
    q_p: float
    i2: float
    h2: float
    prediction: tuple[float, float]

    def tidy(self) -> pd.DataFrame:
        """One row: the mean with its interval, the heterogeneity and the prediction interval."""
        more = {name: getattr(self, name) for name in ("tau2", "q", "q_df", "q_p", "i2", "h2")}
        ends = {"prediction_low": self.prediction[0], "prediction_high": self.prediction[1]}
        return self.mean.tidy().assign(**more, **ends)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Means of groups of effects, and the test that they are the same.

    ``means`` holds one quantity per group (``.combination`` gives a difference with its own interval); ``statistic``
    is F with ``df`` degrees of freedom for Hartung–Knapp, χ² (second degrees of freedom infinite) for Wald; ``tau2`` is
    the variance between effects of one group, the same in all.
    """

    means: Result
    statistic: float
    df: tuple[float, float]
    p: float
    tau2: float


def pool(
    effects: Sequence[float],
    ses: Sequence[float],
    *,
    labels: Sequence[str] | None = None,
    tau2: Tau2 = "REML",
    interval: Interval = "hartung-knapp",
    adhoc: bool = False,
) -> Pooled:
    """Random-effects mean of k independent effects with known standard errors.

    Parameters
    ----------
    effects, ses
        k estimates and their standard errors, on one scale.
    labels
        Their names (default: 1 … k).
    tau2
        Estimator of the variance between effects: restricted maximum likelihood (Viechtbauer 2005), Paule & Mandel
        (1982), or DerSimonian & Laird (1986).
    interval
        Hartung & Knapp (2001), t with k − 1 degrees of freedom; or Wald, normal.
    adhoc
        Never let the Hartung–Knapp standard error be smaller than Wald's: q becomes max(1, q).

    Raises EstimationError for fewer than two effects, a standard error that is not positive, values that are not
    finite, and effects so alike that Hartung–Knapp has no width. A τ² of nil, few effects, and a Hartung–Knapp interval
    narrower than Wald's are said in ``mean.warnings``. Checked by the kit ``meta_bcg`` (R metafor).
    """
    y, v, names = _checked(effects, ses, labels)
    _among("tau2", tau2, Tau2)
    _among("interval", interval, Interval)
    x = np.ones((len(y), 1))
    flat, df = _fit(y, v, x, 0.0), len(y) - 1
    mean = _means(
        _fit(y, v, x, _tau2(y, v, x, tau2)), ("mean",), f"Random-effects mean ({tau2})", len(y), interval, adhoc
    )
    between, typical, tail = mean.diagnostics["tau2"], df / flat.trace, (1 - LEVEL) / 2
    reach = (mean.ci[1] - mean.estimate) * math.sqrt(1 + between / mean.se**2)
    return Pooled(
        mean=mean,
        labels=names,
        effects=y,
        ses=np.sqrt(v),
        estimator=tau2,
        interval=interval,
        adhoc=adhoc,
        tau2=between,
        tau2_ci=(
            _where_q_is(float(stats.chi2.isf(tail, df)), y, v, x),
            _where_q_is(float(stats.chi2.ppf(tail, df)), y, v, x),
        ),
        q=flat.q,
        q_df=df,
        q_p=float(stats.chi2.sf(flat.q, df)),
        i2=between / (between + typical),
        h2=between / typical + 1,
        prediction=(mean.estimate - reach, mean.estimate + reach),
    )


def shrink(pooled: Pooled) -> Result:
    """Empirical-Bayes effects: each drawn towards the mean as far as its own variance and τ² say (BLUPs).

    λy + (1 − λ)μ with λ = τ² / (τ² + v); the covariance holds what is uncertain about the effect given μ, and about μ,
    not about τ²: with 6 to 30 effects that vary about as much as their standard errors, 95% intervals held the truth in
    86 to 95% of simulated cases. Source: Raudenbush & Bryk (1985); Robinson (1991). One quantity per label;
    ``diagnostics`` gives each λ. Checked by the kit ``meta_bcg`` (R metafor, ``blup``).
    """
    v = pooled.ses**2
    kept = pooled.tau2 / (pooled.tau2 + v)
    drawn, said = 1 - kept, pooled.mean.warnings
    if pooled.tau2 == 0:
        said = (*said, "No variance between effects was found, so that every shrunken effect is the mean.")
    return Result(
        "Empirical-Bayes effects",
        pooled.labels,
        kept * pooled.effects + drawn * pooled.mean.estimate,
        np.diag(kept * v) + np.outer(drawn, drawn) * pooled.mean.se**2,
        len(v),
        pooled.mean.variance,
        pooled.labels[0],
        pooled.mean.df,
        said,
        {label: float(share) for label, share in zip(pooled.labels, kept, strict=True)},
    )


def probability_positive(result: Result) -> pd.Series:
    """For each quantity the probability that it is above zero, with the estimate and se as those of a posterior.

    For effects of :func:`shrink` the prior is the distribution of effects; for unpooled effects it is flat.
    """
    found = [result.of(name) for name in result.names]
    chance = [stats.t.cdf(one.t, one.df) if math.isfinite(one.df) else stats.norm.cdf(one.t) for one in found]
    return pd.Series(chance, index=list(result.names), name="probability_positive")


def adjusted(p: Sequence[float], *, method: Adjustment = "holm") -> np.ndarray:
    """P values of a family of tests, adjusted for their number: Holm (1979) or Benjamini & Hochberg (1995).

    Holm bounds the chance of any false rejection, under any dependence; Benjamini–Hochberg the expected share of false
    ones among the rejected. Raises EstimationError for values outside 0 to 1 and for an empty family.
    """
    _among("method", method, Adjustment)
    values = np.asarray(p, float)
    if values.ndim != 1 or not len(values) or not ((values >= 0) & (values <= 1)).all():
        raise EstimationError(f"these are no p values: {values}.\n  give one number between 0 and 1 for each test")
    return multipletests(values, method="holm" if method == "holm" else "fdr_bh")[1]


def compare_groups(
    effects: Sequence[float],
    ses: Sequence[float],
    groups: Sequence[str],
    *,
    tau2: Tau2 = "REML",
    interval: Interval = "hartung-knapp",
    adhoc: bool = False,
) -> Comparison:
    """Mean effect of each group of effects, and the test that these means are the same.

    A mixed model with a dummy per group and one τ² within groups (Borenstein et al. 2009, chapter 19). Parameters and
    errors as for :func:`pool`; two groups at least, and more effects than groups. Checked by the kit ``meta_bcg``.
    """
    y, v, _ = _checked(effects, ses, None)
    _among("tau2", tau2, Tau2)
    _among("interval", interval, Interval)
    labels = np.asarray([str(group) for group in groups], dtype=object)
    names = tuple(dict.fromkeys(labels))
    if len(labels) != len(y) or len(names) < 2 or len(names) >= len(y):
        raise EstimationError(
            f"{len(y)} effects in {len(names)} groups ({len(labels)} labels) cannot be compared.\n"
            "  give a label for each effect, at least two groups, and more effects than groups"
        )
    x = (labels[:, None] == np.array(names, dtype=object)).astype(float)
    found = _fit(y, v, x, _tau2(y, v, x, tau2))
    means = _means(found, names, f"Random-effects means by group ({tau2})", len(y), interval, adhoc)
    gaps = np.eye(len(names))[1:] - np.eye(len(names))[0]
    shift = gaps @ found.beta
    wald, first = float(shift @ np.linalg.solve(gaps @ means.vcov @ gaps.T, shift)), len(names) - 1
    if interval == "wald":
        return Comparison(means, wald, (first, math.inf), float(stats.chi2.sf(wald, first)), found.tau2)
    return Comparison(
        means, wald / first, (first, means.df), float(stats.f.sf(wald / first, first, means.df)), found.tau2
    )


def leave_one_out(pooled: Pooled) -> pd.DataFrame:
    """The mean without each effect in turn: left_out, estimate, se, ci_low, ci_high, p, tau2, i2, q.

    Raises EstimationError with fewer than three effects. Checked by the kit ``meta_bcg`` (R metafor, ``leave1out``).
    """
    if len(pooled.labels) < 3:
        raise EstimationError("with two effects, leaving one out leaves nothing to pool.\n  show the two effects")
    rows = []
    for place, label in enumerate(pooled.labels):
        rest = pool(
            np.delete(pooled.effects, place),
            np.delete(pooled.ses, place),
            labels=[name for name in pooled.labels if name != label],
            tau2=pooled.estimator,
            interval=pooled.interval,
            adhoc=pooled.adhoc,
        )
        row = rest.mean.tidy().drop(columns=["name", "n"]).iloc[0].to_dict()
        rows.append({"left_out": label, **row, "tau2": rest.tau2, "i2": rest.i2, "q": rest.q})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Fit:
    """The mixed model y = Xβ + u + e at a given τ²: β, (X'WX)⁻¹, Q, tr P, and k less the columns of X."""

    tau2: float
    beta: np.ndarray
    bread: np.ndarray
    q: float
    trace: float
    spare: int


def _fit(y: np.ndarray, v: np.ndarray, x: np.ndarray, tau2: float) -> _Fit:
    w = 1 / (v + tau2)
    bread = np.linalg.inv((x * w[:, None]).T @ x)
    beta = bread @ (x.T @ (w * y))
    trace = float(w.sum() - np.trace(bread @ ((x * (w**2)[:, None]).T @ x)))
    return _Fit(tau2, beta, bread, float(np.sum(w * (y - x @ beta) ** 2)), trace, len(y) - x.shape[1])


def _means(found: _Fit, names: tuple[str, ...], method: str, k: int, interval: Interval, adhoc: bool) -> Result:
    """The model's β as a result, with the covariance that the interval asks for and what a reader must know."""
    ratio, df, words, upper = found.q / found.spare, math.inf, "Wald", (1 + LEVEL) / 2
    said = [f"With {k} effects the variance between them is hardly known."] if k < FEW else []
    if found.tau2 == 0:
        said.append("The variance between effects is estimated at nil, the least it can be; its interval says more.")
    vcov = found.bread
    if interval == "hartung-knapp":
        if ratio <= _NIL and not adhoc:
            raise EstimationError(
                "the effects are all but equal, so that a Hartung–Knapp interval would have no width.\n"
                "  use adhoc=True, or interval='wald'"
            )
        vcov, df = found.bread * (max(1.0, ratio) if adhoc else ratio), float(found.spare)
        words = "Hartung–Knapp, at least Wald's" if adhoc else "Hartung–Knapp"
        if not adhoc and stats.t.ppf(upper, df) * math.sqrt(ratio) < stats.norm.ppf(upper):
            said.append("The effects are so alike that the Hartung–Knapp interval is narrower than Wald's.")
    return Result(method, names, found.beta, vcov, k, words, names[0], df, tuple(said), {"tau2": found.tau2})


def _tau2(y: np.ndarray, v: np.ndarray, x: np.ndarray, method: Tau2) -> float:
    """Variance between effects, nil at least."""
    if method == "REML":
        return _reml(y, v, x)
    if method == "PM":
        return _where_q_is(len(y) - x.shape[1], y, v, x)
    flat = _fit(y, v, x, 0.0)
    return max(0.0, (flat.q - flat.spare) / flat.trace)


def _where_q_is(goal: float, y: np.ndarray, v: np.ndarray, x: np.ndarray) -> float:
    """The τ² at which Q is ``goal``; nil if Q is below it already."""

    def over(at: float) -> float:
        return _fit(y, v, x, at).q - goal

    if over(0.0) <= 0:
        return 0.0
    high = float(np.var(y) + v.max())
    while over(high) > 0:
        high *= 2
    return float(optimize.brentq(over, 0.0, high, xtol=1e-15, rtol=1e-13))


def _reml(y: np.ndarray, v: np.ndarray, x: np.ndarray) -> float:
    """The τ² of the highest restricted likelihood, among nil and the roots of its score."""

    def score(at: float) -> float:
        found = _fit(y, v, x, at)
        return float(np.sum(((y - x @ found.beta) / (v + at)) ** 2)) - found.trace

    def likelihood(at: float) -> float:
        found = _fit(y, v, x, at)
        return -0.5 * (float(np.log(v + at).sum()) - float(np.linalg.slogdet(found.bread)[1]) + found.q)

    grid = [0.0, *np.geomspace(v.min() * 1e-4, 10 * float(np.var(y) + v.max()), _GRID)]
    scores = [score(at) for at in grid]
    peaks = [
        float(optimize.brentq(score, low, high, xtol=1e-15, rtol=1e-13))
        for low, high, rises, falls in zip(grid, grid[1:], scores, scores[1:], strict=False)
        if rises > 0 >= falls
    ]
    return max([0.0, *peaks], key=likelihood)


def _checked(
    effects: Sequence[float], ses: Sequence[float], labels: Sequence[str] | None
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Effects, variances and labels, if they can be pooled."""
    y, s = np.array(effects, float), np.array(ses, float)
    names = tuple(str(label) for label in (range(1, len(y) + 1) if labels is None else labels))
    if y.ndim != 1 or y.shape != s.shape or len(names) != len(y) or len(set(names)) != len(y):
        raise EstimationError(
            f"{y.size} effects, {s.size} standard errors and {len(set(names))} different labels do not go together.\n"
            "  give one of each for every effect"
        )
    if len(y) < 2:
        raise EstimationError(f"{len(y)} effect cannot be pooled.\n  show the effect itself, or give at least two")
    for name, effect, se in zip(names, y, s, strict=True):
        if not (math.isfinite(effect) and math.isfinite(se) and se > 0):
            raise EstimationError(
                f"effect {name!r} is {effect:.4g} with a standard error of {se:.4g}: that cannot be weighted.\n"
                "  leave it out, or find a finite standard error above nil"
            )
    return y, s**2, names


def _among(option: str, value: str, allowed: object) -> None:
    if value not in get_args(allowed):
        raise EstimationError(f"{option}={value!r} is not known.\n  allowed: {', '.join(get_args(allowed))}")
