"""Entropy balancing: weights that give respondents the moments of a population (methods B6).

Source: Hainmueller (2012), *Political Analysis* 20: 25–46. The same weights are the raking or exponential-tilting
calibration of Deville & Särndal (1992). What is estimated with the weights stands in ``watwerkt.estimate.weighted``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from watwerkt.errors import EstimationError
from watwerkt.estimate.frontier import TILT_LIMIT, refuse_edge, refuse_targets, spread
from watwerkt.estimate.regressors import checked, numeric

EXACT = 1e-10  # largest distance to a target that counts as reached, in standard deviations of the moment
ADDS_UP = 0.005  # shares printed with one decimal add up to 1 within this, for up to ten categories
FEW = 30  # below this effective number the normal interval is doubtful
HEAVY = 0.05  # a respondent who carries more of the total weight than this is named
_STEPS = 200
_SETTLED = 1e-13
_RANK = 1e-12

EVERYONE = "all"


@dataclass(frozen=True)
class Targets:
    """The moments that the weighted respondents must have.

    ``shares`` gives for a category column the share of every category (fractions that add up to 1 but for rounding),
    ``means`` the mean of a numeric column, ``variances`` its variance around that mean (divided by N).
    """

    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    means: Mapping[str, float] = field(default_factory=dict)
    variances: Mapping[str, float] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the targets speak of."""
        return tuple(dict.fromkeys((*self.shares, *self.means, *self.variances)))


@dataclass(frozen=True)
class Balance:
    """Weights with what they reach and what they cost; rows stand in the order of the data.

    Attributes
    ----------
    weights, base
        n weights that add up to 1 (in each group to the group's share of the respondents), and n base weights.
    names, dual
        k moments that were balanced (the last category of a column follows from the others) and their multipliers, in
        units of the moment.
    moments
        n × k matrix: each respondent's moments less their targets; the weights make its weighted columns zero.
    groups
        n labels of the groups that were balanced each to its own targets; ``all`` without groups.
    table
        One row per moment, the last categories too: group, moment, target, before (base weights), after.
    warnings
        Sentences that the page must show.
    """

    weights: np.ndarray
    base: np.ndarray
    names: tuple[str, ...]
    dual: np.ndarray
    moments: np.ndarray
    groups: np.ndarray
    table: pd.DataFrame
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.weights, self.base, self.dual, self.moments, self.groups):
            array.setflags(write=False)

    @property
    def n(self) -> int:
        """Respondents."""
        return len(self.weights)

    @property
    def effective_n(self) -> float:
        """How many equally weighted respondents give the same variance (Kish 1965): (Σw)² / Σw²."""
        return float(self.weights.sum() ** 2 / np.sum(self.weights**2))

    @property
    def design_effect(self) -> float:
        """Variance over that of as many equally weighted respondents: n / effective n."""
        return self.n / self.effective_n

    @property
    def largest_share(self) -> float:
        """The part of the total weight that the heaviest respondent carries."""
        return float(self.weights.max() / self.weights.sum())

    def summary(self) -> pd.DataFrame:
        """One row per group: respondents, effective n, design effect, largest share of the group's weight."""
        rows = []
        for group in pd.unique(self.groups):
            inside = self.weights[self.groups == group] / self.weights[self.groups == group].sum()
            effective = 1 / float(np.sum(inside**2))
            rows.append((str(group), len(inside), effective, len(inside) / effective, float(inside.max())))
        return pd.DataFrame(rows, columns=["group", "n", "effective_n", "design_effect", "largest_share"])


def targets_of(
    data: pd.DataFrame,
    *,
    shares: Sequence[str] = (),
    means: Sequence[str] = (),
    variances: Sequence[str] = (),
    weights: str | None = None,
) -> Targets:
    """The moments of a comparison group, to balance others to: shares of categories, means, variances (÷ N).

    Raises EstimationError for an empty group and for missing values. Checked by the kit ``entropy_lalonde``.
    """
    _someone(data, (*shares, *means, *variances))
    w = _base(data, weights)
    centre = {name: float(w @ numeric(data, name).to_numpy()) for name in dict.fromkeys((*means, *variances))}
    return Targets(
        {name: pd.Series(w, index=data[name].to_numpy()).groupby(level=0).sum().to_dict() for name in shares},
        centre,
        {name: float(w @ (numeric(data, name).to_numpy() - centre[name]) ** 2) for name in variances},
    )


def entropy_balance(
    data: pd.DataFrame,
    targets: Targets | Mapping[str, Targets],
    *,
    by: str | None = None,
    base: str | None = None,
) -> Balance:
    """Weights nearest to the base weights in entropy under which the moments of the data equal their targets.

    Minimises Σ w log(w / q) subject to Σ w = 1 and Σ w (c − target) = 0 (Hainmueller 2012) by Newton's
    method on the convex dual log Σ q exp((c − target)'λ); reached to 1e-10 standard deviations of each moment.

    Parameters
    ----------
    data
        One row per respondent.
    targets
        The moments to reach; with ``by``, one ``Targets`` per value of that column: each group is balanced to its own
        population and keeps its share of the respondents.
    by, base
        Columns of the group and of positive base weights (default: equal).

    Raises EstimationError, naming the target, where no positive weights reach it: a category without respondents, a
    mean outside their range, targets that exclude each other, a target that leaves some respondents no weight; also
    for missing values (column and rows), shares that do not add up to 1, and a group of one.

    Checked by the kit ``entropy_lalonde`` (R survey, ``calibrate`` with the raking distance).
    """
    if by is None:
        if not isinstance(targets, Targets):
            raise EstimationError("targets per group need the column of the group.\n  give its name as by=…")
        return _balance(data, targets, base=base, group=EVERYONE)
    _someone(data, (by,))
    labels = data[by].astype(str).to_numpy()
    if not isinstance(targets, Mapping) or set(targets) != set(labels):
        found = ", ".join(sorted(targets)) if isinstance(targets, Mapping) else "one for all"
        raise EstimationError(
            f"balancing by {by!r}: the targets are not those of its groups: found {found}.\n"
            f"  needed: one Targets for each of {', '.join(sorted(set(labels)))}"
        )
    return _stacked(
        {name: _balance(data[labels == name], targets[name], base=base, group=name) for name in targets}, labels
    )


def tilt(z: np.ndarray, base: np.ndarray, start: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, bool]:
    """The multipliers (k) and weights (n, adding up to 1) that make the weighted columns of ``z`` (n × k) zero.

    The third value says whether they do, to ``EXACT`` standard deviations of each column. Newton's method with
    backtracking on log Σ q exp(z'λ); columns that repeat each other do no harm.
    """
    scale = spread(z)
    u, dual = z / scale, np.zeros(z.shape[1]) if start is None else start * scale
    value, weights = _dual(u, base, dual)
    for _ in range(_STEPS):
        slope = weights @ u
        if np.abs(slope).max(initial=0.0) <= _SETTLED:
            break
        curve = (u * weights[:, None]).T @ u - np.outer(slope, slope)
        step = np.linalg.lstsq(curve, -slope, rcond=_RANK)[0]
        length, gain = 1.0, float(slope @ step)
        while length > _SETTLED:
            found, tried = _dual(u, base, dual + length * step)
            if found <= value + 1e-4 * length * gain or np.abs(tried @ u).max() < 0.5 * np.abs(slope).max():
                break
            length /= 2
        if length <= _SETTLED or np.abs(dual).max() > TILT_LIMIT:
            break
        dual, value, weights = dual + length * step, found, tried
    return dual / scale, weights, bool(np.abs(weights @ u).max(initial=0.0) <= EXACT)


def moments(
    data: pd.DataFrame, targets: Targets, *, group: str = EVERYONE
) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Names, values (n × m) and targets (m) of all moments, and which of them do not follow from the others."""
    names, values, goals, free = [], [], [], []
    for column, wanted in targets.shares.items():
        found = data[column].astype(str).to_numpy(object)
        wanted = {str(category): share for category, share in wanted.items()}
        if unknown := sorted(set(found) - set(wanted)):
            raise EstimationError(
                f"balancing {group}: column {column!r} has respondents in {unknown[0]!r}, which has no target share.\n"
                f"  targets: {', '.join(wanted)}"
            )
        kept = [category for category, share in wanted.items() if share > 0 or category in set(found)]
        names += [f"{column}: {category}" for category in kept]
        values += [(found == category).astype(float) for category in kept]
        goals += [wanted[category] for category in kept]
        free += [True] * (len(kept) - 1) + [False]
    for column, mean in targets.means.items():
        x = numeric(data, column).to_numpy()
        names, values, goals, free = [*names, f"{column}: mean"], [*values, x], [*goals, mean], [*free, True]
        if column in targets.variances:
            names, values = [*names, f"{column}: variance"], [*values, (x - mean) ** 2]
            goals, free = [*goals, targets.variances[column]], [*free, True]
    return names, np.column_stack(values), np.array(goals, float), np.array(free)


def _balance(data: pd.DataFrame, targets: Targets, *, base: str | None, group: str) -> Balance:
    """One group's weights."""
    _someone(data, targets.columns)
    targets, warnings = _scaled(targets)
    if len(data) == 1:
        raise EstimationError(
            f"group {group} is one respondent: weights cannot balance a group of one.\n  merge groups"
        )
    q = _base(data, base)
    names, values, goals, free = moments(data, targets, group=group)
    z = (values - goals)[:, free]
    refuse_targets(values, goals, names, group)
    dual, weights, reached = tilt(z, q)
    refuse_edge(z, [name for name, kept in zip(names, free, strict=True) if kept], group, weights / q, reached=reached)
    table = pd.DataFrame(
        {"group": group, "moment": names, "target": goals, "before": q @ values, "after": weights @ values}
    )
    names = tuple(name for name, kept in zip(names, free, strict=True) if kept)
    groups = np.full(len(data), group, dtype=object)
    return Balance(weights, q, names, dual, z, groups, table, (*warnings, *_cautions(weights, group)))


def _stacked(parts: Mapping[str, Balance], labels: np.ndarray) -> Balance:
    """The groups' weights as one, in the order of the rows; a group keeps its share of the respondents."""
    n, k = len(labels), sum(len(part.names) for part in parts.values())
    weights, base, moments, place = np.empty(n), np.empty(n), np.zeros((n, k)), 0
    for group, part in parts.items():
        rows, reach = np.flatnonzero(labels == group), len(part.names)
        weights[rows], base[rows] = part.weights * len(rows) / n, part.base * len(rows) / n
        moments[rows, place : place + reach] = part.moments
        place += reach
    return Balance(
        weights,
        base,
        tuple(f"{group}: {name}" for group, part in parts.items() for name in part.names),
        np.concatenate([part.dual for part in parts.values()]),
        moments,
        labels.astype(object),
        pd.concat([part.table for part in parts.values()], ignore_index=True),
        tuple(sentence for part in parts.values() for sentence in part.warnings),
    )


def _scaled(targets: Targets) -> tuple[Targets, list[str]]:
    """The targets with shares that add up to 1, and a sentence on each column whose rounded shares did not."""
    if not targets.columns:
        raise EstimationError("there are no targets to balance to.\n  give shares, means or variances")
    if lost := set(targets.variances) - set(targets.means):
        raise EstimationError(f"the variance of {min(lost)!r} needs its mean as a target, too.\n  add it to means")
    shares, warnings = {}, []
    for column, wanted in targets.shares.items():
        total = float(sum(wanted.values()))
        if not abs(total - 1) <= ADDS_UP or min(wanted.values()) < 0:
            raise EstimationError(
                f"the target shares of {column!r} add up to {total:g}, or one is negative.\n"
                "  give the share of every category as a fraction (35% is 0.35); rounding may take up to half a percent"
            )
        if abs(total - 1) > 1e-9:
            warnings.append(f"The shares of {column} add up to {total:.4g} and were scaled to 1.")
        shares[column] = {category: share / total for category, share in wanted.items()}
    numbers = [*targets.means.values(), *targets.variances.values()]
    if not np.isfinite(numbers).all() or min(targets.variances.values(), default=0.0) < 0:
        raise EstimationError("a target mean is not a finite number, or a target variance is negative.\n  mend it")
    return Targets(shares, targets.means, targets.variances), warnings


def _someone(data: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse an empty table, and columns that are missing or have missing values."""
    if not len(data):
        raise EstimationError("there is no one in the table.\n  look at the selection that comes before this step")
    checked(data, columns)


def _base(data: pd.DataFrame, column: str | None) -> np.ndarray:
    """Base weights that add up to 1."""
    if column is None:
        return np.full(len(data), 1 / len(data))
    weights = checked(data, (column,))[column].to_numpy(float)
    if (weights <= 0).any():
        row = data.index[weights <= 0][0]
        raise EstimationError(f"column {column!r}: the weight in row {row} is not positive.\n  leave out who has none")
    return weights / weights.sum()


def _cautions(weights: np.ndarray, group: str) -> list[str]:
    effective, who = 1 / float(np.sum(weights**2)), "" if group == EVERYONE else f" of group {group}"
    found = []
    if effective < FEW:
        found.append(
            f"The {len(weights)} respondents{who} count for {effective:.1f} after weighting: too few to trust."
        )
    elif effective < len(weights) / 2:
        found.append(f"Weighting is costly: the {len(weights)} respondents{who} count for {effective:.0f}.")
    if weights.max() > max(HEAVY, 2 / len(weights)):
        found.append(f"One respondent{who} carries {100 * weights.max():.1f}% of the total weight.")
    return found


def _dual(u: np.ndarray, base: np.ndarray, dual: np.ndarray) -> tuple[float, np.ndarray]:
    """log Σ q exp(u'λ), without overflow, and the weights that go with it."""
    power = u @ dual
    top = power.max()
    raised = base * np.exp(power - top)
    total = raised.sum()
    return float(top + np.log(total)), raised / total
