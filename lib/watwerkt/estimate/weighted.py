"""Means, differences, regressions and effects with entropy-balancing weights (methods B6).

Three variances. ``linearised`` counts that the weights were estimated to meet known targets: what the balanced moments
explain of the outcome has no variance left (Deville & Särndal 1992; with exponential tilting it is the sandwich of the
stacked moment equations). ``sandwich`` takes the weights as given, and is too wide where the moments
predict the outcome. ``bootstrap`` draws people and balances anew. None counts that respondents are a
large part of a finite population.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from watwerkt.errors import EstimationError
from watwerkt.estimate.balancing import Balance, entropy_balance, moments, targets_of, tilt
from watwerkt.estimate.frontier import spread
from watwerkt.estimate.regressors import CONSTANT, checked, numeric, refuse_collinear, regressors
from watwerkt.estimate.resampling import Draws, bootstrap
from watwerkt.estimate.result import Result

Variance = Literal["linearised", "sandwich", "bootstrap"]


def weighted_means(
    data: pd.DataFrame,
    balance: Balance,
    outcome: str,
    *,
    by: str | None = None,
    variance: Variance = "linearised",
    draws: int = 999,
    rng: np.random.Generator | None = None,
) -> Result:
    """Weighted mean of an outcome, or one per value of ``by``, with their joint covariance.

    ``data`` are the people who were balanced, in the same order. Differences between groups:
    ``.combination({"experiment": 1, "control": -1}, "difference")``.

    Raises EstimationError for missing values, another number of people than was balanced, and a group of one.
    Checked by the kit ``entropy_lalonde``.
    """
    y = _outcome(data, balance, outcome)
    labels = checked(data, (by,))[by].astype(str) if by else pd.Series("mean", index=data.index)
    sizes = labels.value_counts()
    if sizes.min() < 2:
        raise EstimationError(
            f"{by} {sizes.idxmin()!r} has one person: a group of one has no variance.\n  merge groups"
        )
    names = tuple(sorted(sizes.index))
    x = np.column_stack([(labels == name).to_numpy(float) for name in names])
    return _least_squares(y, x, names, balance, f"Weighted mean of {outcome}", variance, draws, rng)


def weighted_difference(
    data: pd.DataFrame,
    balance: Balance,
    outcome: str,
    *,
    by: str,
    first: str,
    second: str,
    variance: Variance = "linearised",
    draws: int = 999,
    rng: np.random.Generator | None = None,
) -> Result:
    """Weighted mean of the group ``first`` of column ``by`` less that of ``second``; see :func:`weighted_means`."""
    means = weighted_means(data, balance, outcome, by=by, variance=variance, draws=draws, rng=rng)
    return means.combination({first: 1.0, second: -1.0}, f"{first} - {second}")


def weighted_regression(
    data: pd.DataFrame,
    balance: Balance,
    outcome: str,
    *,
    controls: Sequence[str],
    bases: Mapping[str, str] | None = None,
    variance: Variance = "linearised",
    draws: int = 999,
    rng: np.random.Generator | None = None,
) -> Result:
    """Weighted least squares of the outcome on a constant and the columns, categories as dummies ``column=category``.

    ``bases`` names the category that has no dummy. Speaks of the first coefficient after the constant. Raises
    EstimationError as :func:`weighted_means` does, and for columns that follow from each other. Checked by the kit
    ``entropy_lalonde``.
    """
    y = _outcome(data, balance, outcome)
    columns = regressors(checked(data, controls), controls, bases=bases)
    design = pd.concat([pd.DataFrame({CONSTANT: np.ones(len(data))}, index=data.index), columns], axis=1)
    refuse_collinear(design, purpose=f"the weighted regression of {outcome}")
    method = f"Weighted regression of {outcome}"
    found = _least_squares(y, design.to_numpy(), tuple(design.columns), balance, method, variance, draws, rng)
    return found.of(found.names[min(1, len(found.names) - 1)])


def balanced_effect(
    treated: pd.DataFrame,
    controls: pd.DataFrame,
    outcome: str,
    *,
    shares: Sequence[str] = (),
    means: Sequence[str] = (),
    variances: Sequence[str] = (),
    variance: Variance = "linearised",
    draws: int = 999,
    rng: np.random.Generator | None = None,
) -> Result:
    """Effect on the treated: their mean outcome less that of controls reweighted to the moments of the treated.

    The covariates' ``shares``, ``means`` and ``variances`` are balanced (Hainmueller 2012). The linearised variance
    counts that the moments of the treated are a sample's, too: treated and controls both enter with their residual
    from the weighted regression on the moments (Zhao & Percival 2017).

    Raises EstimationError as :func:`watwerkt.estimate.balancing.entropy_balance` does. Checked by the kit
    ``entropy_lalonde``.
    """
    _allowed(variance)
    targets = targets_of(treated, shares=shares, means=means, variances=variances)
    balance = entropy_balance(controls, targets)
    y1, y0 = (numeric(checked(side, (outcome,)), outcome).to_numpy() for side in (treated, controls))
    names, values, goals, _ = moments(treated, targets)
    z1 = (values - goals)[:, [names.index(name) for name in balance.names]]
    w, words, notes = balance.weights, variance, ()
    if variance == "bootstrap":
        found = _redrawn_effect(y1, z1, y0, balance, draws, rng)
        size, words, notes = found.vcov, found.variance, found.warnings
    elif variance == "linearised":
        slopes = _slopes(y0[:, None], balance.moments, w)[:, 0]
        size = _variance_of_mean(y1 - z1 @ slopes) + np.sum((w * _residuals(y0[:, None], balance)[:, 0]) ** 2)
    else:
        size = _variance_of_mean(y1) + np.sum((w * (y0 - w @ y0)) ** 2) * len(y0) / (len(y0) - 1)
    return Result(
        method=f"Effect on {outcome} of the treated, controls balanced by entropy",
        names=("effect",),
        values=np.array([y1.mean() - w @ y0]),
        vcov=np.reshape(size, (1, 1)),
        n=len(y1) + len(y0),
        variance=words,
        focus="effect",
        warnings=(*balance.warnings, *notes),
        diagnostics={"treated": len(y1), "controls": len(y0), **_cost(balance)},
    )


def _allowed(variance: str) -> None:
    if variance not in get_args(Variance):
        raise EstimationError(f"there is no variance {variance!r}.\n  allowed: {', '.join(get_args(Variance))}")


def _least_squares(
    y: np.ndarray,
    x: np.ndarray,
    names: tuple[str, ...],
    balance: Balance,
    method: str,
    variance: Variance,
    draws: int,
    rng: np.random.Generator | None,
) -> Result:
    """Weighted least squares of y (n) on x (n × p)."""
    _allowed(variance)
    n, p = x.shape
    w, words, notes = balance.weights, variance, ()
    values, bread = _solved(y, x, w)
    if variance == "bootstrap":
        found = _redrawn(lambda rows, weights: _solved(y[rows], x[rows], weights)[0], balance, draws, rng)
        vcov, words, notes = found.vcov, found.variance, found.warnings
    else:
        scores = x * (y - x @ values)[:, None]
        linear = variance == "linearised"
        rest = w[:, None] * (_residuals(scores, balance) if linear else scores * np.sqrt(n / max(n - p, 1)))
        vcov = bread @ (rest.T @ rest) @ bread
    warnings = (*balance.warnings, *notes)
    return Result(method, names, values, vcov, n, words, names[0], warnings=warnings, diagnostics=_cost(balance))


def _solved(y: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (p) and (x'Wx)⁻¹."""
    bread = np.linalg.pinv((x * w[:, None]).T @ x)
    return bread @ ((x * w[:, None]).T @ y), bread


def _residuals(values: np.ndarray, balance: Balance) -> np.ndarray:
    """What the balanced moments leave of each column (n × p), group by group, scaled up for the moments used."""
    rest = np.empty_like(values)
    for rows, columns in _blocks(balance):
        z, w = balance.moments[np.ix_(rows, columns)], balance.weights[rows]
        used = 1 + int(np.linalg.matrix_rank(z / spread(z)))
        if used >= len(rows):
            raise EstimationError(
                f"{len(rows)} respondents were balanced on {used - 1} moments: nothing is left for a variance.\n"
                "  balance fewer moments, or merge groups"
            )
        left = values[rows] - w @ values[rows] / w.sum() - z @ _slopes(values[rows], z, w)
        rest[rows] = left * np.sqrt(len(rows) / (len(rows) - used))
    return rest


def _slopes(values: np.ndarray, z: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Slopes (k × p) of the weighted regression of the columns of ``values`` on balanced moments (means nil)."""
    root, scale = np.sqrt(w)[:, None], spread(z)
    centred = values - w @ values / w.sum()
    return np.linalg.lstsq(root * z / scale, root * centred, rcond=None)[0] / scale[:, None]


def _blocks(balance: Balance) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each group its rows, and the moments that it was balanced on."""
    found = []
    for group in pd.unique(balance.groups):
        rows = np.flatnonzero(balance.groups == group)
        found.append((rows, np.flatnonzero(balance.moments[rows].any(axis=0))))
    return found


def _redrawn(
    estimate: Callable[[np.ndarray, np.ndarray], np.ndarray],
    balance: Balance,
    draws: int,
    rng: np.random.Generator | None,
) -> Draws:
    """What rows and weights give, over draws of people; in each draw every group is balanced anew."""
    blocks = [(inside, columns, balance.weights[inside].sum()) for inside, columns in _blocks(balance)]

    def statistic(rows: np.ndarray) -> np.ndarray:
        weights = np.empty(len(rows))
        for inside, columns, share in blocks:
            here = np.isin(rows, inside)
            z, start = balance.moments[np.ix_(rows[here], columns)], balance.dual[columns]
            weights[here] = share * _rebalanced(z, balance.base[rows[here]], start)
        return estimate(rows, weights)

    return bootstrap(statistic, people=balance.n, draws=draws, rng=rng)


def _redrawn_effect(
    y1: np.ndarray, z1: np.ndarray, y0: np.ndarray, balance: Balance, draws: int, rng: np.random.Generator | None
) -> Draws:
    """Effects over draws of treated and controls, balanced in each draw to the moments of the treated drawn."""

    def statistic(rows: np.ndarray) -> np.ndarray:
        one, other = rows[rows < len(y1)], rows[rows >= len(y1)] - len(y1)
        w = _rebalanced(balance.moments[other] - z1[one].mean(axis=0), balance.base[other], balance.dual)
        return np.array([y1[one].mean() - w @ y0[other]])

    return bootstrap(statistic, people=len(y1) + len(y0), draws=draws, rng=rng)


def _rebalanced(z: np.ndarray, base: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Weights of one draw; EstimationError if it cannot be balanced."""
    if not len(z):
        raise EstimationError("a draw has no one of a group.\n  merge groups")
    _, weights, reached = tilt(z, base / base.sum(), start)
    if not reached:
        raise EstimationError("a draw cannot be balanced.\n  merge categories")
    return weights


def _variance_of_mean(values: np.ndarray) -> float:
    return float(np.var(values, ddof=1)) / len(values)


def _cost(balance: Balance) -> dict[str, float]:
    return {
        "effective_n": balance.effective_n,
        "design_effect": balance.design_effect,
        "largest_share": balance.largest_share,
    }


def _outcome(data: pd.DataFrame, balance: Balance, outcome: str) -> np.ndarray:
    if len(data) != balance.n:
        raise EstimationError(
            f"the weights are for {balance.n} people, the table has {len(data)}.\n  balance the people of this table"
        )
    return numeric(checked(data, (outcome,)), outcome).to_numpy()
