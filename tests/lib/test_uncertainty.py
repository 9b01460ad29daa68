"""Uncertainty of one estimate (methods A1–A3) against statsmodels, scipy, examples from papers, and brute force."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.proportion import test_proportions_2indep as two_proportions
from watwerkt import uncertainty as u
from watwerkt.uncertainty import Estimate, Range

SAME_FORMULA = 1e-10  # relative: two programs, one formula, in floating point
PAPER = 5e-4  # absolute: the paper prints three or four decimals, from rounded steps
EDGE = 1e-12  # relative: a value that stands exactly on the edge of a range

LEGENDS = ({"*": 0.10, "**": 0.05}, {"*": 0.10, "**": 0.05, "***": 0.01}, {"*": 0.05, "**": 0.01})

proportions = st.floats(0.02, 0.98)
sizes = st.integers(20, 5000)
finite_ranges = st.tuples(st.floats(0.0, 10.0), st.floats(0.0, 10.0)).map(lambda ends: Range(min(ends), max(ends)))


def near(value: float, among: Range, slack: float = EDGE) -> bool:
    """In the range, but for the last digits of a floating-point number."""
    reach = slack * max(1.0, abs(value))
    return among.low - reach <= value <= among.high + reach


# ---- ranges and rounding (A1) --------------------------------------------------------------------


@pytest.mark.parametrize("ends", [(1.0, 0.0), (math.nan, 1.0), (0.0, math.nan)])
def test_a_range_that_runs_backwards_or_nowhere_is_refused(ends):
    with pytest.raises(ValueError, match="a range runs from low to high"):
        Range(*ends)


@given(finite_ranges, finite_ranges, st.floats(0.0, 10.0))
def test_the_meeting_of_two_ranges_holds_what_both_hold(first, second, value):
    meet = first.meet(second)
    assert (meet is not None and value in meet) == (value in first and value in second)


@given(value=st.floats(-1000, 1000), decimals=st.integers(0, 4))
@example(value=3.45, decimals=1)
def test_the_rounding_range_of_a_printed_number_holds_the_number_before_rounding(value, decimals):
    assert near(value, u.rounding(round(value, decimals), 0.5 * 10.0**-decimals))


def test_three_point_five_stands_for_three_point_forty_five_to_three_point_fifty_five():
    found = u.rounding(3.5, 0.05)
    assert (found.low, found.high) == pytest.approx((3.45, 3.55), abs=1e-12)


# ---- proportions (A2) ----------------------------------------------------------------------------


@given(x1=st.integers(1, 99), n1=st.integers(100, 5000), x0=st.integers(1, 99), n0=st.integers(100, 5000))
def test_the_interval_of_a_difference_of_proportions_is_the_wald_interval_of_statsmodels(x1, n1, x0, n0):
    ours = u.difference_of_proportions(x1 / n1, n1, x0 / n0, n0)
    low, high = confint_proportions_2indep(x1, n1, x0, n0, method="wald", compare="diff")
    assert ours.low == pytest.approx(low, rel=SAME_FORMULA, abs=1e-12)
    assert ours.high == pytest.approx(high, rel=SAME_FORMULA, abs=1e-12)
    assert ours.n == n1 + n0


@given(x1=st.integers(1, 99), n1=st.integers(100, 5000), x0=st.integers(1, 99), n0=st.integers(100, 5000))
def test_the_p_value_of_equal_proportions_is_the_score_test_of_statsmodels(x1, n1, x0, n0):
    theirs = two_proportions(x1, n1, x0, n0, method="score", compare="diff", correction=False).pvalue
    assert u.pooled_test(x1 / n1, n1, x0 / n0, n0) == pytest.approx(theirs, rel=1e-7, abs=1e-14)


def test_the_interval_of_newcombes_example_is_the_printed_one():
    """56/70 against 48/80: 0.0575 to 0.3425 by method 1 (Newcombe 1998, Statistics in Medicine 17, Table II)."""
    found = u.difference_of_proportions(56 / 70, 70, 48 / 80, 80)
    assert (found.low, found.high) == pytest.approx((0.0575, 0.3425), abs=PAPER)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_equal_certainties_have_no_test(p):
    assert math.isnan(u.pooled_test(p, 10, p, 20))


@pytest.mark.parametrize("function", [u.difference_of_proportions, u.pooled_test])
@pytest.mark.parametrize(("p", "n"), [(35.0, 100), (-0.1, 100), (0.3, 0), (math.nan, 100)])
def test_a_percentage_in_place_of_a_fraction_is_refused(function, p, n):
    with pytest.raises(ValueError, match=r"is not a proportion: it lies between 0 and 1|a group of 0 people"):
        function(p, n, 0.5, 100)


def grid(of: Range) -> list[float]:
    """Points over a range of proportions, with a half, where the variance is largest, if it is among them."""
    return [*np.linspace(of.low, of.high, 5), *([0.5] if 0.5 in of else [])]


def around(value: float, width: float) -> Range:
    return Range(value - width, value + width)


@given(p1=proportions, n1=sizes, p0=proportions, n0=sizes, width=st.sampled_from([0.0, 0.0005, 0.005]),
       spread=st.sampled_from([0.0, 0.01, 0.2]))  # fmt: skip
@example(p1=0.5, n1=644, p0=0.4996, n0=679, width=0.0005, spread=0.0)
def test_the_standard_error_of_rounded_percentages_runs_over_exactly_what_they_allow(p1, n1, p0, n0, width, spread):
    first, second = around(p1, width), around(p0, width)
    many, other = Range(n1 * (1 - spread), n1), Range(n0 * (1 - spread), n0)
    found = u.se_of_difference(first, many, second, other)
    tried = [
        u.difference_of_proportions(a, m, b, k).se.low
        for a in grid(first)
        for b in grid(second)
        for m in (many.low, many.high)
        for k in (other.low, other.high)
    ]
    assert (min(tried), max(tried)) == pytest.approx((found.low, found.high), rel=1e-9)


# ---- bounds --------------------------------------------------------------------------------------


@given(st.lists(st.floats(-2.0, 7.0), min_size=1, max_size=30))
def test_no_sample_between_two_ends_varies_more_than_the_bound(sample):
    mean = min(max(float(np.mean(sample)), -2.0), 7.0)
    assert np.var(sample) <= u.bounded_variance(Range(mean, mean), -2.0, 7.0) + 1e-9


@given(ends=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted))
def test_the_bound_is_reached_by_people_who_are_all_or_nothing(ends):
    """The variance of a share of time that is 0 or 1 for everyone is m(1 − m), at the worst mean in the range."""
    worst = max(m * (1 - m) for m in np.append(np.linspace(*ends, 101), min(max(0.5, ends[0]), ends[1])))
    assert u.bounded_variance(Range(*ends), 0.0, 1.0) == pytest.approx(worst, rel=SAME_FORMULA, abs=1e-15)


# ---- significance marks (A3) ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stars", "low", "high"),
    [("", 0.0, 1.645), ("*", 1.645, 1.960), ("**", 1.960, 2.576), ("***", 2.576, math.inf)],
)
def test_marks_stand_for_the_usual_critical_values(stars, low, high):
    found = u.t_range(stars, LEGENDS[1])
    assert (found.low, found.high) == pytest.approx((low, high), abs=PAPER)


def test_each_table_has_its_own_legend():
    assert u.t_range("*", {"*": 0.05}).low == pytest.approx(1.960, abs=PAPER)
    assert u.t_range("**", {"*": 0.10, "**": 0.05}).high == math.inf


def test_a_mark_that_the_legend_does_not_explain_is_refused():
    with pytest.raises(ValueError, match=r"the mark '\*\*\*' is not in the table's legend\.\n  legend: {'\*': 0\.1"):
        u.se_from_stars(0.02, 0.0005, "***", LEGENDS[0])


def mark_of(t: float, legend: dict[str, float]) -> str:
    """The mark that a report prints for this t value."""
    p = 2 * stats.norm.sf(abs(t))
    earned = [(level, mark) for mark, level in legend.items() if p <= level]
    return min(earned)[1] if earned else ""


@given(
    effect=st.floats(-0.3, 0.3),
    se=st.floats(0.0005, 0.2),
    half_unit=st.sampled_from([0.0, 0.0005, 0.005]),
    legend=st.sampled_from(LEGENDS),
)
@example(effect=0.0, se=0.01, half_unit=0.0005, legend=LEGENDS[0])
@example(effect=0.019, se=0.01168, half_unit=0.0005, legend=LEGENDS[0])
def test_the_range_that_a_mark_implies_holds_the_standard_error_that_earned_the_mark(effect, se, half_unit, legend):
    step = 2 * half_unit
    printed = round(effect / step) * step if step else effect
    assert near(se, u.se_from_stars(printed, half_unit, mark_of(effect / se, legend), legend), slack=1e-9)


@given(
    printed=st.integers(-300, 300).map(lambda points: points / 1000),
    se=st.floats(0.0005, 0.2),
    stars=st.sampled_from(["", "*", "**"]),
)
def test_a_standard_error_outside_the_implied_range_cannot_have_earned_the_mark(printed, se, stars):
    """Brute force: every effect that rounds to the printed one, with this standard error, has another mark."""
    legend = LEGENDS[0]
    assume(not near(se, u.se_from_stars(printed, 0.0005, stars, legend), slack=1e-6))
    effects = np.linspace(printed - 0.0005, printed + 0.0005, 21)
    assert stars not in {mark_of(effect / se, legend) for effect in effects}


# ---- putting sources together --------------------------------------------------------------------

sources_strategy = st.lists(st.tuples(st.sampled_from(["counts", "stars", "bound"]), finite_ranges), max_size=4)


@given(sources_strategy, finite_ranges)
def test_one_more_source_never_widens_what_is_known(sources, more):
    before = u.combine(0.02, 0.0005, sources).se
    after = u.combine(0.02, 0.0005, [*sources, ("first_stage", more)]).se
    assert before.low <= after.low <= after.high <= before.high


@given(sources_strategy)
def test_the_best_source_is_never_overruled(sources):
    assume(sources)
    found = u.combine(0.02, 0.0005, sources).se
    assert found.meet(sources[0][1]) == found


@given(sources_strategy)
def test_a_source_is_named_as_basis_if_and_only_if_it_sets_an_end(sources):
    assume(len({name for name, _ in sources}) == len(sources))
    ends = [end for _, found in sources for end in (found.low, found.high)]
    assume(len(set(ends)) == len(ends) and 0.0 not in ends)
    found = u.combine(0.02, 0.0005, sources)
    setting = {name for name, r in sources if found.se.low == r.low or found.se.high == r.high}
    assert set(found.basis) == setting
    assert len(found.basis) == len(setting)


def test_a_later_source_that_contradicts_an_earlier_one_is_left_out():
    found = u.combine(0.02, 0.0005, [("counts", Range(0.010, 0.011)), ("stars", Range(0.02, 0.03))])
    assert (found.se, found.basis) == (Range(0.010, 0.011), ("counts",))


def test_without_any_source_nothing_is_known():
    found = u.combine(0.02, 0.0005, [])
    assert (found.se, found.ci, found.basis) == (Range(0.0, math.inf), None, ())


@given(
    printed=st.integers(-100, 100).map(lambda points: points / 1000),
    se=st.tuples(st.floats(0.002, 0.05), st.floats(1.0, 1.5)).map(lambda pair: Range(pair[0], pair[0] * pair[1])),
    stars=st.sampled_from(["", "*", "**"]),
)
@example(printed=0.019, se=Range(0.01168, 0.01168), stars="*")
def test_a_mark_is_contradicted_only_if_no_effect_and_standard_error_in_range_earn_it(printed, se, stars):
    legend = LEGENDS[0]
    contradicted = u.contradicts(u.combine(printed, 0.0005, [("counts", se)]), stars, legend)
    allowed = u.t_range(stars, legend)
    effects, errors = np.linspace(printed - 0.0005, printed + 0.0005, 11), np.linspace(se.low, se.high, 11)
    ts = [abs(effect) / error for effect in effects for error in errors]
    if any(allowed.low + 1e-9 < t < allowed.high - 1e-9 for t in ts):
        assert not contradicted
    if max(ts) < allowed.low - 1e-9 or min(ts) > allowed.high + 1e-9:
        assert contradicted


# ---- estimates -----------------------------------------------------------------------------------


@given(estimate=st.floats(-0.3, 0.3), se=st.floats(0.001, 0.2))
def test_interval_and_p_of_a_known_standard_error_are_those_of_the_normal_distribution(estimate, se):
    found = Estimate(estimate, Range(se, se))
    assert found.ci == pytest.approx(stats.norm.interval(0.95, estimate, se), rel=SAME_FORMULA, abs=1e-12)
    p = 2 * stats.norm.sf(abs(estimate) / se)
    assert (found.p.low, found.p.high) == pytest.approx((p, p), rel=1e-9)


def test_the_interval_is_taken_at_the_upper_end_of_the_standard_error():
    found = Estimate(0.05, Range(0.01, 0.02))
    assert (found.low, found.high) == pytest.approx((0.05 - 1.959964 * 0.02, 0.05 + 1.959964 * 0.02), abs=1e-7)
    assert found.least_half_width == pytest.approx(1.959964 * 0.01, abs=1e-7)


@given(st.floats(-0.3, 0.3), st.floats(0.001, 0.1), st.floats(1.0, 3.0), st.sampled_from([0, 0.0005]))
def test_the_p_values_run_over_every_standard_error_and_rounding_in_range(estimate, low, more, off):
    found = Estimate(estimate, Range(low, low * more), rounding=off)
    for true in (estimate - off, estimate, estimate + off):
        for se in np.linspace(low, low * more, 5):
            assert near(2 * stats.norm.sf(abs(true) / se), found.p, slack=1e-9)


def test_an_estimate_whose_standard_error_has_no_upper_end_has_no_interval():
    found = Estimate(0.05, Range(0.01, math.inf))
    assert found.ci is None
    assert math.isnan(found.low) and math.isnan(found.high)
    assert found.p.high == 1.0
    assert found.tidy() == {
        "estimate": 0.05, "se_low": 0.01, "se_high": None, "ci_low": None, "ci_high": None,
        "p_low": found.p.low, "p_high": 1.0, "n": None, "basis": "",
    }  # fmt: skip
