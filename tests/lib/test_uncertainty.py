"""Uncertainty (methods A1–A4) against statsmodels, scipy, worked examples from papers, and brute force."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.proportion import test_proportions_2indep as two_proportions
from watwerkt import uncertainty as u
from watwerkt.uncertainty import Estimate, Range

SAME_FORMULA = 1e-10  # relative: two programs, one formula, in floating point
FAR_TAIL = 3e-5  # absolute: power of the peer counts the far tail, too, at most 2e-5 at these levels
SIMULATED = 0.01  # relative: a standard deviation of a million draws is off by 0.07%; the delta method adds its own
PAPER = 5e-4  # absolute: the paper prints three or four decimals, from rounded steps
EDGE = 1e-12  # relative: a value that stands exactly on the edge of a range

DRAWS = 1_000_000
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


# ---- derived estimates (A4, B3) ------------------------------------------------------------------


def exact(estimate: float, se: float, **more) -> Estimate:
    return Estimate(estimate, Range(se, se), **more)


def test_the_standard_error_of_a_ratio_is_that_of_simulated_ratios():
    rng = np.random.default_rng(20200601)
    itt, take_up = exact(0.035, 0.0265, n=1323), exact(0.42, 0.02)
    ratios = rng.normal(0.035, 0.0265, DRAWS) / rng.normal(0.42, 0.02, DRAWS)
    found = u.late(itt, take_up)
    assert found.estimate == pytest.approx(0.035 / 0.42, rel=SAME_FORMULA)
    assert found.se.low == found.se.high == pytest.approx(ratios.std(), rel=SIMULATED)
    assert (found.n, found.basis) == (1323, ("first_stage",))


def test_a_ratio_keeps_the_rounding_of_the_effect_above_it():
    found = u.late(exact(0.035, 0.0265, rounding=0.0005), exact(0.5, 0.0))
    assert found.rounding == pytest.approx(0.001, rel=SAME_FORMULA)


def test_a_negative_first_stage_turns_the_sign_and_not_the_standard_error():
    found = u.late(exact(0.035, 0.02), exact(-0.5, 0.01))
    assert found.estimate == pytest.approx(-0.07, rel=SAME_FORMULA)
    assert found.se.low > 0


@pytest.mark.parametrize("take_up", [exact(0.03, 0.01), exact(0.0, 0.0), Estimate(0.5, Range(0.01, math.inf))])
def test_a_ratio_over_a_weak_first_stage_is_refused(take_up):
    with pytest.raises(ValueError, match=r"too weak \(F < 10\)"):
        u.late(exact(0.035, 0.0265), take_up)


def test_a_ratio_without_upper_bound_stays_without():
    assert u.late(Estimate(0.035, Range(0.01, math.inf)), exact(0.5, 0.01)).ci is None


def test_the_difference_of_two_estimates_is_that_of_altman_and_bland():
    """ln 0.67 less ln 0.88: −0.2726, SE 0.2206, −0.7050 to 0.1598, P = 0.2 (Altman & Bland 2003, BMJ 326:219)."""
    found = u.difference(exact(math.log(0.67), 0.1929, n=100), exact(math.log(0.88), 0.1070, n=200))
    assert found.estimate == pytest.approx(-0.2726, abs=PAPER)
    assert found.se.high == pytest.approx(0.2206, abs=PAPER)
    assert found.ci == pytest.approx((-0.7050, 0.1598), abs=PAPER)
    assert round(found.p.low, 1) == 0.2
    assert found.n == 300


def test_a_difference_adds_up_rounding_and_names_each_basis_once():
    first = exact(0.035, 0.02, basis=("counts",), rounding=0.0005)
    found = u.difference(first, exact(0.019, 0.01, basis=("counts", "stars"), rounding=0.0005))
    assert (found.rounding, found.basis, found.n) == (0.001, ("counts", "stars"), None)


@given(se=st.floats(0.001, 0.3), power=st.sampled_from([0.8, 0.9, 0.95]), alpha=st.sampled_from([0.01, 0.05, 0.10]))
def test_the_power_analysis_of_statsmodels_finds_the_smallest_detectable_effect_with_that_power(se, power, alpha):
    people = 2 / se**2  # per group, for an outcome with standard deviation 1
    effect = u.detectable(se, power=power, alpha=alpha)
    found = NormalIndPower().power(effect_size=effect, nobs1=people, alpha=alpha, ratio=1)
    assert found == pytest.approx(power, abs=FAR_TAIL)


def test_the_smallest_detectable_effect_is_blooms_multiple():
    """2.8 standard errors at 80% power (Bloom 1995, Evaluation Review 19)."""
    assert u.detectable(1.0) == pytest.approx(2.80, abs=0.005)


@given(effect=st.floats(0.005, 0.2), se=st.floats(0.005, 0.1), n=st.integers(100, 10_000))
def test_with_the_people_needed_the_effect_becomes_detectable(effect, se, n):
    needed = u.people_needed(effect, se, n)
    assert u.detectable(se * math.sqrt(n / needed)) == pytest.approx(effect, rel=1e-9)


def test_the_net_effect_of_successive_windows_is_that_of_simulated_lives():
    """A million people who leave window by window, with and without the shifts of the hazards."""
    rng = np.random.default_rng(20200601)
    hazards, shifts = np.array([0.25, 0.30, 0.20, 0.15]), np.array([-0.02, 0.01, 0.10, 0.03])
    chance = rng.random((DRAWS, 4))
    left = [(chance < h).any(axis=1).mean() for h in (hazards + shifts, hazards)]
    found = u.combine_hazards(hazards, [exact(shift, 0.02) for shift in shifts])
    assert found.estimate == pytest.approx(left[0] - left[1], abs=0.001)


def test_the_standard_error_of_a_net_effect_follows_from_the_slopes_of_its_formula():
    hazards, shifts, ses = [0.25, 0.30, 0.20], np.array([-0.02, 0.01, 0.10]), np.array([0.01, 0.03, 0.05])

    def net(delta):
        return math.prod(1 - h for h in hazards) - math.prod(1 - h - d for h, d in zip(hazards, delta, strict=True))

    slopes = optimize.approx_fprime(shifts, net, 1e-7)
    parts = [exact(shift, se, rounding=0.0005) for shift, se in zip(shifts, ses, strict=True)]
    found = u.combine_hazards(hazards, parts)
    assert found.estimate == pytest.approx(net(shifts), rel=SAME_FORMULA)
    assert found.se.low == found.se.high == pytest.approx(np.sqrt(np.sum((slopes * ses) ** 2)), rel=1e-6)
    assert found.rounding == pytest.approx(0.0005 * slopes.sum(), rel=1e-6)


def test_the_net_effect_of_one_window_is_its_effect():
    found = u.combine_hazards([0.3], [exact(0.05, 0.02)])
    assert (found.estimate, found.se.high) == pytest.approx((0.05, 0.02), rel=SAME_FORMULA)


# ---- shares that levels imply --------------------------------------------------------------------


def one_decimal(value: float) -> Range:
    return u.rounding(round(value, 3), 0.0005)


levels_of_two = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)), min_size=1, max_size=6)


@given(share=st.floats(0.0, 1.0), levels=levels_of_two)
@example(share=0.53, levels=[(0.28, 0.27), (0.64, 0.62)])
def test_the_share_of_a_part_is_recovered_from_rounded_levels(share, levels):
    triples = [
        (one_decimal(share * first + (1 - share) * second), one_decimal(first), one_decimal(second))
        for first, second in levels
    ]
    telling = any(abs(round(first, 3) - round(second, 3)) > 0.0011 for first, second in levels)
    if telling:
        try:
            found = u.implied_share(triples)
        except ValueError as error:  # levels so close that they allow every share
            assert "do not tell the two parts apart" in str(error)
        else:
            assert near(share, found, slack=1e-9)
            assert 0.0 <= found.low <= found.high <= 1.0


def test_a_share_is_found_within_what_levels_far_apart_allow():
    """Whole 40.0%, parts 60.0% and 20.0%: half each, and the rounding allows 0.0025 to either side at most."""
    found = u.implied_share([(u.rounding(0.4, 0.0005), u.rounding(0.6, 0.0005), u.rounding(0.2, 0.0005))])
    assert 0.5 in found
    assert found.high - found.low == pytest.approx(2 * (0.0005 + 0.0005) / 0.4, rel=0.01)


def test_levels_that_do_not_tell_the_parts_apart_give_no_share():
    with pytest.raises(ValueError, match="do not tell the two parts apart"):
        u.implied_share([(Range(0.2, 0.21), Range(0.2, 0.21), Range(0.2, 0.21))])


@pytest.mark.parametrize(
    "triples",
    [
        [(0.40, 0.60, 0.20), (0.50, 0.60, 0.20)],  # a half, and three quarters
        [(0.70, 0.60, 0.20)],  # a whole above both of its parts
        [(0.10, 0.60, 0.20)],  # a whole below both of its parts
    ],
)
def test_levels_that_no_share_explains_are_a_finding_and_not_passed_over(triples):
    with pytest.raises(ValueError, match="the printed levels allow no common share"):
        u.implied_share([tuple(u.rounding(level, 0.0005) for level in triple) for triple in triples])
