"""Estimates made from estimates (methods A4, B3): against simulations, statsmodels and worked examples from papers."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import optimize
from statsmodels.stats.power import NormalIndPower
from watwerkt import uncertainty as u
from watwerkt.uncertainty import Estimate, Range

SAME_FORMULA = 1e-10  # relative: two programs, one formula, in floating point
FAR_TAIL = 3e-5  # absolute: power of the peer counts the far tail, too, at most 2e-5 at these levels
SIMULATED = 0.01  # relative: a standard deviation of a million draws is off by 0.07%; the delta method adds its own
PAPER = 5e-4  # absolute: the paper prints three or four decimals, from rounded steps
EDGE = 1e-12  # relative: a value that stands exactly on the edge of a range

DRAWS = 1_000_000


def near(value: float, among: Range, slack: float = EDGE) -> bool:
    """In the range, but for the last digits of a floating-point number."""
    reach = slack * max(1.0, abs(value))
    return among.low - reach <= value <= among.high + reach


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
