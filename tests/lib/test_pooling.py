"""Pooling and shrinkage (methods A6): closed forms, statsmodels, and what cannot be pooled; see kit ``meta_bcg``."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects
from watwerkt.errors import EstimationError
from watwerkt.estimate.result import Result
from watwerkt.pooling import adjusted, compare_groups, leave_one_out, pool, probability_positive, shrink

SAME = 1e-9  # relative: one formula, computed in two ways
ITERATED = 1e-4  # relative: statsmodels iterates τ² to 1e-5

EFFECTS = np.array([0.031, -0.004, 0.058, 0.012, 0.090, -0.021, 0.044])
SES = np.array([0.012, 0.015, 0.020, 0.009, 0.025, 0.018, 0.011])
METHODS = ("REML", "PM", "DL")

studies = st.lists(st.tuples(st.floats(-1, 1), st.floats(0.05, 0.5)), min_size=3, max_size=8)


def columns(pairs):
    return np.array([effect for effect, _ in pairs]), np.array([se for _, se in pairs])


# ---- the mean and its heterogeneity --------------------------------------------------------------


@pytest.mark.parametrize(("ours", "theirs"), [("DL", "chi2"), ("PM", "iterated")])
@pytest.mark.parametrize(("interval", "hksj"), [("wald", False), ("hartung-knapp", True)])
def test_means_agree_with_statsmodels(ours, theirs, interval, hksj):
    found = pool(EFFECTS, SES, tau2=ours, interval=interval)
    other = combine_effects(EFFECTS, SES**2, method_re=theirs, use_t=hksj)
    assert found.tau2 == pytest.approx(other.tau2, rel=ITERATED)
    assert found.mean.estimate == pytest.approx(other.mean_effect_re, rel=ITERATED)
    se = other.sd_eff_w_re_hksj if hksj else other.sd_eff_w_re
    assert found.mean.se == pytest.approx(se, rel=ITERATED)
    assert found.q == pytest.approx(other.q, rel=SAME)
    if ours == "DL":
        assert found.i2 == pytest.approx(other.i2, rel=SAME)


@pytest.mark.parametrize("method", METHODS)
def test_with_equal_standard_errors_everything_has_a_closed_form(method):
    found, k, spread = pool(EFFECTS, np.full(7, 0.01), tau2=method), 7, np.var(EFFECTS, ddof=1)
    assert found.tau2 == pytest.approx(spread - 0.01**2, rel=SAME)
    assert found.mean.estimate == pytest.approx(EFFECTS.mean(), rel=SAME)
    assert found.mean.se == pytest.approx(np.sqrt(spread / k), rel=SAME)
    assert found.mean.ci[1] == pytest.approx(EFFECTS.mean() + stats.t.ppf(0.975, 6) * np.sqrt(spread / k), rel=SAME)
    assert found.i2 == pytest.approx(1 - 0.01**2 / spread, rel=SAME)
    assert found.h2 == pytest.approx(spread / 0.01**2, rel=SAME)
    low, high = (6 * spread / stats.chi2.isf(tail, 6) - 0.01**2 for tail in (0.025, 0.975))
    assert found.tau2_ci == pytest.approx((max(low, 0.0), high), rel=SAME)
    reach = stats.t.ppf(0.975, 6) * np.sqrt(spread / k + spread - 0.01**2)
    assert found.prediction == pytest.approx((EFFECTS.mean() - reach, EFFECTS.mean() + reach), rel=SAME)


@settings(max_examples=50, deadline=None)
@given(studies)
@example([(0.02, 0.04), (0.02, 0.01), (-0.85, 0.29), (-0.03, 0.84)])  # the highest peak is at nil, another is not
@example([(0.0, 0.01), (-2.11, 0.21), (-0.19, 0.86), (0.0, 0.01)])  # nil is a peak, and not the highest
@example([(-0.26, 0.02), (3.5, 0.98), (-0.01, 0.08), (-0.02, 0.02), (-0.13, 0.2)])  # two peaks above nil
def test_no_other_tau2_has_a_higher_restricted_likelihood(pairs):
    y, s = columns(pairs)

    def likelihood(tau2):
        w = 1 / (s**2 + tau2)
        mean = np.sum(w * y) / w.sum()
        return -0.5 * (np.sum(np.log(s**2 + tau2)) + np.log(w.sum()) + np.sum(w * (y - mean) ** 2))

    found = pool(y, s, interval="wald").tau2
    assert all(likelihood(found) >= likelihood(other) - 1e-9 for other in np.linspace(0, 1.8, 301) ** 2)


@pytest.mark.parametrize("method", METHODS)
def test_scale_sign_and_order_of_the_effects_do_not_matter(method):
    found = pool(EFFECTS, SES, tau2=method)
    turned = pool(-100 * EFFECTS[::-1], 100 * SES[::-1], tau2=method)
    assert turned.mean.estimate == pytest.approx(-100 * found.mean.estimate, rel=SAME)
    assert turned.mean.se == pytest.approx(100 * found.mean.se, rel=SAME)
    assert turned.tau2 == pytest.approx(1e4 * found.tau2, rel=SAME)
    assert (turned.i2, turned.q, turned.mean.p) == pytest.approx((found.i2, found.q, found.mean.p), rel=1e-7)


@settings(max_examples=50, deadline=None)
@given(studies)
def test_the_ad_hoc_correction_never_gives_less_than_walds_standard_error(pairs):
    y, s = columns(pairs)
    wald, adhoc = pool(y, s, interval="wald"), pool(y, s, adhoc=True)
    assert adhoc.mean.se >= wald.mean.se * (1 - 1e-12)
    assert adhoc.prediction[0] <= adhoc.mean.ci[0] and adhoc.mean.ci[1] <= adhoc.prediction[1]


def test_hartung_knapp_intervals_cover_where_walds_are_too_narrow():
    rng, hits = np.random.default_rng(3), np.zeros(2)
    for _ in range(600):
        y = 0.02 + rng.normal(size=6) * np.sqrt(SES[:6] ** 2 + 0.03**2)
        for place, interval in enumerate(("hartung-knapp", "wald")):
            low, high = pool(y, SES[:6], tau2="PM", interval=interval).mean.ci
            hits[place] += low <= 0.02 <= high
    assert 0.93 < hits[0] / 600 < 0.97
    assert hits[1] / 600 < 0.92


def test_a_row_of_the_pooled_mean_holds_its_heterogeneity():
    found = pool(EFFECTS, SES)
    row = found.tidy().iloc[0]
    assert (row["estimate"], row["tau2"], row["q_df"]) == (found.mean.estimate, found.tau2, 6)
    assert row["prediction_low"] < row["ci_low"]


# ---- shrinkage -----------------------------------------------------------------------------------


def test_shrunken_effects_lie_between_effect_and_mean_and_the_vaguest_move_most():
    pooled = pool(EFFECTS, SES, labels=list("abcdefg"))
    found = shrink(pooled)
    kept = (found.values - pooled.mean.estimate) / (EFFECTS - pooled.mean.estimate)
    assert kept == pytest.approx(pooled.tau2 / (pooled.tau2 + SES**2), rel=1e-7)
    assert list(np.argsort(kept)) == list(np.argsort(-SES))
    assert found.names == tuple("abcdefg")
    assert dict(found.diagnostics)["a"] == pytest.approx(kept[0], rel=1e-7)


def test_shrunken_effects_are_nearer_to_the_truth_than_the_effects_themselves():
    rng = np.random.default_rng(11)
    worse = better = 0.0
    inside = 0
    for _ in range(300):
        truth = 0.02 + 0.02 * rng.normal(size=12)
        ses = np.resize(SES, 12)
        seen = truth + ses * rng.normal(size=12)
        found = shrink(pool(seen, ses, tau2="DL"))
        worse, better = worse + np.sum((seen - truth) ** 2), better + np.sum((found.values - truth) ** 2)
        inside += sum(
            found.of(name).ci[0] <= one <= found.of(name).ci[1] for name, one in zip(found.names, truth, strict=True)
        )
    assert better < 0.8 * worse
    assert 0.91 < inside / 3600 < 0.95  # not 95%: τ² is taken as known, as the docstring says


def test_without_variance_between_effects_all_are_shrunk_to_the_mean_and_it_is_said():
    pooled = pool([0.010, 0.011, 0.012, 0.013, 0.012], np.full(5, 0.02), adhoc=True)
    found = shrink(pooled)
    assert pooled.tau2 == 0 and pooled.i2 == 0 and pooled.tau2_ci[0] == 0
    assert found.values == pytest.approx(np.full(5, pooled.mean.estimate), rel=SAME)
    assert np.sqrt(np.diag(found.vcov)) == pytest.approx(np.full(5, pooled.mean.se), rel=SAME)
    assert any("estimated at nil" in sentence for sentence in pooled.mean.warnings)
    assert any("every shrunken effect is the mean" in sentence for sentence in found.warnings)


def test_the_probability_that_an_effect_is_positive_is_one_less_half_its_p_value():
    found = shrink(pool(EFFECTS, SES))
    chance = probability_positive(found)
    for name, value in chance.items():
        one = found.of(name)
        assert value == pytest.approx(1 - one.p / 2 if one.estimate > 0 else one.p / 2, rel=SAME)
    normal = Result("m", ("a",), np.array([1.0]), np.array([[1.0]]), 10, "HC1", "a")
    assert probability_positive(normal)["a"] == pytest.approx(stats.norm.cdf(1.0), rel=SAME)


# ---- families, groups, one left out --------------------------------------------------------------


def test_holm_and_benjamini_hochberg_are_those_of_the_papers_steps():
    p = np.array([0.04, 0.01, 0.03, 0.005])
    assert adjusted(p, method="holm") == pytest.approx([0.06, 0.03, 0.06, 0.02], rel=SAME)
    assert adjusted(p, method="benjamini-hochberg") == pytest.approx([0.04, 0.02, 0.04, 0.02], rel=SAME)


@pytest.mark.parametrize("p", [[], [0.1, float("nan")], [1.2], [-0.1], [[0.1]]])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(EstimationError, match="no p values"):
        adjusted(p)


def test_the_test_of_two_groups_is_that_of_their_difference():
    groups = ["men"] * 3 + ["women"] * 4
    for interval in ("wald", "hartung-knapp"):
        found = compare_groups(EFFECTS, SES, groups, interval=interval)
        gap = found.means.combination({"women": 1, "men": -1}, "difference")
        assert found.statistic == pytest.approx(gap.t**2, rel=SAME)
        assert found.p == pytest.approx(gap.p, rel=1e-7)
        assert found.df[0] == 1


def test_groups_of_one_effect_each_leave_nothing_to_compare():
    with pytest.raises(EstimationError, match="more effects than groups"):
        compare_groups([0.1, 0.2], [0.1, 0.1], ["men", "women"])
    with pytest.raises(EstimationError, match="at least two groups"):
        compare_groups(EFFECTS, SES, ["men"] * 7)
    with pytest.raises(EstimationError, match="a label for each effect"):
        compare_groups(EFFECTS, SES, ["men", "women"])


def test_leaving_one_out_is_pooling_the_others_in_the_same_way():
    pooled = pool(EFFECTS, SES, labels=list("abcdefg"), tau2="PM", interval="wald")
    found = leave_one_out(pooled)
    rest = pool(EFFECTS[1:], SES[1:], tau2="PM", interval="wald")
    assert list(found["left_out"]) == list("abcdefg")
    row = found.iloc[0]
    assert (row["estimate"], row["se"], row["tau2"], row["i2"]) == pytest.approx(
        (rest.mean.estimate, rest.mean.se, rest.tau2, rest.i2), rel=SAME
    )
    with pytest.raises(EstimationError, match="nothing to pool"):
        leave_one_out(pool(EFFECTS[:2], SES[:2]))


# ---- what cannot be pooled, and what must be said ------------------------------------------------


@pytest.mark.parametrize(
    ("effects", "ses", "labels", "message"),
    [
        ([0.1], [0.1], None, "1 effect cannot be pooled"),
        ([], [], None, "0 effect cannot be pooled"),
        ([0.1, 0.2], [0.1, 0.0], ["a", "b"], r"effect 'b' is 0.2 with a standard error of 0"),
        ([0.1, 0.2], [0.0, 0.0], None, "standard error of 0"),
        ([0.1, float("nan")], [0.1, 0.1], ["a", "b"], "effect 'b' is nan"),
        ([0.1, 0.2], [0.1, float("inf")], ["a", "b"], "standard error of inf"),
        ([0.1, 0.2], [0.1], None, "do not go together"),
        ([0.1, 0.2], [0.1, 0.1], ["a", "a"], "1 different labels"),
    ],
)
def test_effects_that_cannot_be_weighted_are_refused_by_name(effects, ses, labels, message):
    with pytest.raises(EstimationError, match=message):
        pool(effects, ses, labels=labels)


def test_equal_effects_have_no_hartung_knapp_interval():
    with pytest.raises(EstimationError, match="would have no width"):
        pool([0.1, 0.1, 0.1], [0.1, 0.2, 0.1])
    assert pool([0.1, 0.1, 0.1], [0.1, 0.2, 0.1], adhoc=True).mean.se == pytest.approx(1 / 15, rel=SAME)


@pytest.mark.parametrize("option", [{"tau2": "ML"}, {"interval": "t"}])
def test_an_unknown_option_is_refused_with_what_is_allowed(option):
    with pytest.raises(EstimationError, match="allowed: "):
        pool(EFFECTS, SES, **option)
    with pytest.raises(EstimationError, match="allowed: "):
        compare_groups(EFFECTS, SES, list("aaabbbb"), **option)
    with pytest.raises(EstimationError, match="allowed: holm, benjamini-hochberg"):
        adjusted([0.1], method="bonferroni")


def test_few_effects_and_a_narrow_interval_are_said():
    alike = pool([0.010, 0.011, 0.012, 0.0105], np.full(4, 0.02))
    assert any("With 4 effects" in sentence for sentence in alike.mean.warnings)
    assert any("narrower than Wald's" in sentence for sentence in alike.mean.warnings)
    assert pool(EFFECTS, SES).mean.warnings == ()


def test_what_was_pooled_stays_as_it_was():
    effects, ses = EFFECTS.copy(), SES.copy()
    pool(effects, ses)
    assert (effects == EFFECTS).all() and (ses == SES).all()
