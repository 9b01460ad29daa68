"""How sure a printed effect is: what group sizes, percentages and significance marks imply (methods A1–A4).

Inside the library percentages are fractions. A range is closed: ``Range(low, high)``. Every function is pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
from scipy import stats

Z95 = float(stats.norm.ppf(0.975))
Z80 = float(stats.norm.ppf(0.80))
INFINITY = math.inf
_SAME = 1e-9  # cuts of |t| come from two functions of scipy

Basis = Literal["counts", "derived", "stars", "bound", "first_stage"]


@dataclass(frozen=True)
class Range:
    """A closed interval of numbers."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise ValueError(f"a range runs from low to high, not from {self.low} to {self.high}")

    def meet(self, other: Range) -> Range | None:
        """What both ranges hold, or None if they do not touch."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Range(low, high) if low <= high else None

    def scaled(self, factor: float) -> Range:
        """The range times a positive factor."""
        return Range(self.low * factor, self.high * factor)

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __neg__(self) -> Range:
        return Range(-self.high, -self.low)

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Range) -> Range:
        return Range(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Range) -> Range:
        corners = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Range(min(corners), max(corners))

    def __truediv__(self, other: Range) -> Range:
        if 0.0 in other:
            return Range(-INFINITY, INFINITY)
        return self * Range(1 / other.high, 1 / other.low)


ANY = Range(0.0, INFINITY)


def rounding(value: float, half_unit: float) -> Range:
    """What a printed value can stand for: 3.5 with one decimal is 3.45 to 3.55 (methods A1)."""
    return Range(value - half_unit, value + half_unit)


@dataclass(frozen=True)
class Estimate:
    """An estimate with its uncertainty.

    ``se`` is the range that the standard error can lie in; ``ci`` is the 95% interval at its upper end, so that it is
    rather too wide than too narrow, or None if nothing bounds the standard error from above. ``mark`` is what |t| can
    be according to a printed significance mark: it narrows t and p, and an effect marked at 5% has no interval that
    crosses zero.
    """

    estimate: float
    se: Range
    basis: tuple[Basis, ...] = ()
    n: float | None = None
    rounding: float = 0.0
    mark: Range = ANY

    @property
    def ci(self) -> tuple[float, float] | None:
        """95% confidence interval at the upper end of the standard error."""
        if math.isinf(self.se.high):
            return None
        low, high = self.estimate - Z95 * self.se.high, self.estimate + Z95 * self.se.high
        if self.mark.low >= Z95 - _SAME:
            low, high = (max(low, 0.0), high) if self.estimate > 0 else (low, min(high, 0.0))
        return low, high

    @property
    def clear_of_zero(self) -> bool:
        """True if the 95% interval exists and leaves zero out."""
        return self.ci is not None and self.t.low >= Z95 - _SAME

    @property
    def low(self) -> float:
        """Lower end of the 95% interval; NaN if there is none."""
        return self.ci[0] if self.ci else math.nan

    @property
    def high(self) -> float:
        """Upper end of the 95% interval; NaN if there is none."""
        return self.ci[1] if self.ci else math.nan

    @property
    def least_half_width(self) -> float:
        """The 95% interval reaches at least this far to either side."""
        return Z95 * self.se.low

    @property
    def t(self) -> Range:
        """What |t| can be, over the range of the standard error, the rounding of the estimate, and the mark."""
        size = abs(self.estimate)
        low = max(size - self.rounding, 0.0) / self.se.high if self.se.high else INFINITY
        high = (size + self.rounding) / self.se.low if self.se.low else INFINITY
        found = Range(low, high)
        return found.meet(self.mark) or found

    @property
    def p(self) -> Range:
        """What the two-sided p value can be."""
        t = self.t
        return Range(_two_sided(t.high), _two_sided(t.low))

    def without_mark(self) -> Estimate:
        """The estimate as the other sources alone give it."""
        return replace(self, mark=ANY)

    def tidy(self) -> dict[str, float | str | None]:
        """One row: estimate, range of the standard error, interval, range of p, n, basis."""
        return {
            "estimate": self.estimate,
            "se_low": self.se.low,
            "se_high": None if math.isinf(self.se.high) else self.se.high,
            "ci_low": self.ci[0] if self.ci else None,
            "ci_high": self.ci[1] if self.ci else None,
            "p_low": self.p.low,
            "p_high": self.p.high,
            "n": self.n,
            "basis": "+".join(self.basis),
        }


def difference_of_proportions(p1: float, n1: float, p0: float, n0: float) -> Estimate:
    """Difference of two independent proportions, unpooled standard error (methods A2).

    Parameters are proportions (fractions) and group sizes; source: Newcombe (1998), method 1. Checked against
    ``statsmodels.stats.proportion.confint_proportions_2indep`` (Wald).
    """
    _check_proportion(p1, n1)
    _check_proportion(p0, n0)
    se = math.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    return Estimate(p1 - p0, Range(se, se), ("counts",), n1 + n0)


def pooled_test(p1: float, n1: float, p0: float, n0: float) -> float:
    """Two-sided p of the pooled z test of equal proportions (methods A2); NaN where both proportions are 0 or 1.

    Checked against ``statsmodels.stats.proportion.test_proportions_2indep`` (score without correction).
    """
    _check_proportion(p1, n1)
    _check_proportion(p0, n0)
    pooled = (p1 * n1 + p0 * n0) / (n1 + n0)
    se = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
    return _two_sided(abs(p1 - p0) / se) if se else math.nan


def se_of_difference(p1: Range, n1: Range, p0: Range, n0: Range) -> Range:
    """Range of the standard error of a difference of proportions, over rounded proportions and uncertain sizes."""
    spread = [_variance(p1), _variance(p0)]
    low = math.sqrt(spread[0].low / n1.high + spread[1].low / n0.high)
    high = math.sqrt(spread[0].high / n1.low + spread[1].high / n0.low)
    return Range(low, high)


def bounded_variance(mean: Range, low: float, high: float) -> float:
    """The largest variance of a variable between ``low`` and ``high`` with this mean: (high − m)(m − low).

    Source: Bhatia & Davis (2000). For a share of time it is m(1 − m).
    """
    middle = min(max((low + high) / 2, mean.low), mean.high)
    return max((high - m) * (m - low) for m in (mean.low, mean.high, middle))


def se_from_stars(effect: float, half_unit: float, stars: str, legend: Mapping[str, float]) -> Range:
    """Range of the standard error that a printed significance mark implies (methods A3).

    Parameters
    ----------
    effect, half_unit
        The printed effect and half a unit of its last decimal, on one scale.
    stars
        The printed mark, ``""`` if there is none.
    legend
        Level of each mark in this table: ``{"*": 0.10, "**": 0.05}``.
    """
    t = t_range(stars, legend)
    size = Range(max(abs(effect) - half_unit, 0.0), abs(effect) + half_unit)
    low = 0.0 if math.isinf(t.high) else size.low / t.high
    return Range(low, size.high / t.low if t.low else INFINITY)


def t_range(stars: str, legend: Mapping[str, float]) -> Range:
    """What |t| can be, given the printed mark and the table's own legend."""
    if stars and stars not in legend:
        raise ValueError(f"the mark {stars!r} is not in the table's legend.\n  legend: {dict(legend)}")
    levels = sorted(legend.values(), reverse=True)
    cuts = [_cut(level) for level in levels]
    place = levels.index(legend[stars]) + 1 if stars else 0
    return Range(cuts[place - 1] if place else 0.0, cuts[place] if place < len(cuts) else INFINITY)


@cache
def _cut(level: float) -> float:
    """The |t| at which a two-sided test at this level turns."""
    return float(stats.norm.isf(level / 2))


def _two_sided(t: float) -> float:
    """Two-sided p of a normal t; erfc, because it is many times faster than a scipy distribution for one number."""
    return math.erfc(t / math.sqrt(2))


def late(itt: Estimate, take_up: Estimate) -> Estimate:
    """LATE from the ITT and the difference in take-up, delta-method variance, covariance taken as nil (methods A4).

    Source: Angrist, Imbens & Rubin (1996); delta method as in Bloom (1984). Raises ValueError if the first stage is
    not distinguishable from nil (|t| < 3.16, that is, F < 10).
    """
    if take_up.estimate == 0 or (take_up.se.high and abs(take_up.estimate) / take_up.se.high < math.sqrt(10)):
        raise ValueError(f"the first stage of {take_up.estimate:.3f} is too weak (F < 10) for a ratio")
    effect = itt.estimate / take_up.estimate

    def se(itt_se: float, take_up_se: float) -> float:
        return math.sqrt(itt_se**2 + effect**2 * take_up_se**2) / abs(take_up.estimate)

    high = INFINITY if math.isinf(itt.se.high) else se(itt.se.high, take_up.se.high)
    rounding_off = (itt.rounding + abs(effect) * take_up.rounding) / abs(take_up.estimate)
    ses = Range(se(itt.se.low, take_up.se.low), high)
    return Estimate(effect, ses, (*itt.basis, "first_stage"), itt.n, rounding_off)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """First less second, for estimates from different people (independent)."""
    low = math.hypot(first.se.low, second.se.low)
    high = math.hypot(first.se.high, second.se.high)
    n = None if first.n is None or second.n is None else first.n + second.n
    basis = tuple(dict.fromkeys((*first.basis, *second.basis)))
    return Estimate(first.estimate - second.estimate, Range(low, high), basis, n, first.rounding + second.rounding)


def detectable(se: float, *, power: float = 0.80, alpha: float = 0.05) -> float:
    """Smallest true effect found with this power in a two-sided test: (z(1−α/2) + z(power)) × SE.

    Source: Bloom (1995), minimum detectable effect.
    """
    return float((stats.norm.isf(alpha / 2) + stats.norm.ppf(power)) * se)


def people_needed(effect: float, se: float, n: float, *, power: float = 0.80, alpha: float = 0.05) -> float:
    """How many people would make ``effect`` the smallest detectable one, if SE shrinks with the root of n."""
    return n * (detectable(se, power=power, alpha=alpha) / effect) ** 2


def combine(
    effect: float, half_unit: float, sources: Iterable[tuple[Basis, Range]], n: float | None = None
) -> Estimate:
    """Intersect what several sources say of one standard error, best source first (methods A3).

    A later source that contradicts an earlier one is left out (see :func:`contradicts`). ``basis`` names the sources
    that set either end of the range.
    """
    se, low, high, known = Range(0.0, INFINITY), None, None, list(sources)
    for name, found in known:
        meet = se.meet(found)
        if meet is None:
            continue
        low = name if meet.low > se.low else low
        high = name if meet.high < se.high else high
        se = meet
    basis = tuple(dict.fromkeys(name for name, _ in known if name in (low, high)))
    return Estimate(effect, se, basis, n, half_unit)


def contradicts(estimate: Estimate, stars: str, legend: Mapping[str, float]) -> bool:
    """True if no standard error and rounding in range gives the printed significance mark."""
    return estimate.t.meet(t_range(stars, legend)) is None


def implied_share(levels: Iterable[tuple[Range, Range, Range]]) -> Range:
    """Share of the first of two parts of a group, from levels of (whole, first part, second part).

    Each triple of rounded levels allows a range of shares; the answer is what all of them allow. Raises ValueError if
    they allow nothing in common, or if no triple tells the parts apart.
    """
    found = Range(0.0, 1.0)
    for whole, first, second in levels:
        share = _share(whole, first, second)
        meet = found.meet(share) if share else found
        if meet is None:
            raise ValueError(f"the printed levels allow no common share: {found} and {share}")
        found = meet
    if found == Range(0.0, 1.0):
        raise ValueError("the printed levels do not tell the two parts apart")
    return found


def combine_hazards(hazards: Iterable[float], effects: Iterable[Estimate]) -> Estimate:
    """Net effect on the cumulative exit of effects on successive window hazards (methods B3).

    [1 − Π(1 − h − δ)] − [1 − Π(1 − h)], delta-method standard error with independent windows. Source: SEOR (2020),
    note 20.
    """
    h, shifts = np.array(list(hazards)), list(effects)
    delta = np.array([shift.estimate for shift in shifts])
    stay, stay_with = 1 - h, 1 - h - delta
    slopes = np.array([np.prod(np.delete(stay_with, k)) for k in range(len(h))])
    ends = [
        math.sqrt(float(np.sum((slopes * np.array([getattr(shift.se, end) for shift in shifts])) ** 2)))
        for end in ("low", "high")
    ]
    basis = tuple(dict.fromkeys(name for shift in shifts for name in shift.basis))
    off = float(np.sum(np.abs(slopes) * np.array([shift.rounding for shift in shifts])))
    return Estimate(float(np.prod(stay) - np.prod(stay_with)), Range(*ends), basis, rounding=off)


def _share(whole: Range, first: Range, second: Range) -> Range | None:
    """Shares of the first part that one triple of levels allows, also beyond 0 and 1; None if it allows any."""
    gap = Range(first.low - second.high, first.high - second.low)
    if 0.0 in gap:
        return None
    corners = [
        (w - s) / (f - s)
        for w in (whole.low, whole.high)
        for f in (first.low, first.high)
        for s in (second.low, second.high)
    ]
    return Range(min(corners), max(corners))


def _variance(p: Range) -> Range:
    low = min(p.low * (1 - p.low), p.high * (1 - p.high))
    return Range(max(low, 0.0), bounded_variance(Range(max(p.low, 0.0), min(p.high, 1.0)), 0.0, 1.0))


def _check_proportion(p: float, n: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"{p} is not a proportion: it lies between 0 and 1 (inside the library 35% is 0.35)")
    if n <= 0:
        raise ValueError(f"a group of {n} people has no proportion")
