"""Four-way decomposition. Numbers of other software are in the kits ``fourway`` and ``fourway_sas``."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from watwerkt.errors import EstimationError
from watwerkt.estimate.fourway import PARTS, SHARES, Levels, decompose, four_way, parts
from watwerkt.estimate.fourway_models import Models

BOOTSTRAP_BOUND = 0.20  # the standard error of 200 draws is itself sure to 5%; four times that
SAME = 1e-12
KINDS = [(outcome, mediator) for outcome in ("linear", "logistic") for mediator in ("linear", "logistic")]


def expit(index):
    return 1 / (1 + np.exp(-index))


def people(n, seed=1):
    rng = np.random.default_rng(seed)
    services, age = rng.integers(0, 2, n).astype(float), rng.normal(45, 10, n)
    years = (age - 45) / 10
    confidence = 1 + 0.6 * services + 0.3 * years + rng.normal(size=n)
    motivated = (rng.random(n) < expit(-0.5 + 0.8 * services + 0.3 * years)).astype(float)
    hours = 5 + 0.4 * services + 0.8 * confidence + 0.5 * services * confidence + 0.2 * years + rng.normal(size=n)
    job = (rng.random(n) < expit(-2 + 0.3 * services + 0.4 * confidence + 0.3 * services * confidence)).astype(float)
    return pd.DataFrame(
        {"services": services, "age": age, "confidence": confidence, "motivated": motivated, "hours": hours, "job": job}
    )


def options(outcome="linear", mediator="linear", **more):
    return {
        "outcome": {"linear": "hours", "logistic": "job"}[outcome],
        "mediator": {"linear": "confidence", "logistic": "motivated"}[mediator],
        "exposure": "services", "covariates": ["age"], "control": 1.0,
        "outcome_model": outcome, "mediator_model": mediator, **more,
    }  # fmt: skip


def models(outcome, mediator, *, theta=(-1.0, 0.4, 0.6, 0.3, 0.1), beta=(0.2, 0.7, -0.2), error=0.5):
    count = len(theta) + len(beta) + 1
    error = error if mediator == "linear" else 0.0
    return Models(outcome, mediator, np.array(theta), np.array(beta), error, 0.01 * np.eye(count), 100, "none")


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("risks", ["rare", "exact"])
def test_the_total_effect_is_the_sum_of_its_parts_and_shares_are_of_it(kinds, risks):
    rng = np.random.default_rng(7)
    for _ in range(50):
        made = models(*kinds, theta=rng.normal(size=5), beta=rng.normal(size=3), error=rng.uniform(0.1, 1))
        reference, exposed, control, at = rng.normal(size=4)
        found = decompose(made, Levels(reference, exposed, control, (at,)), risks=risks)
        te, *four = found.values[:5]
        assert abs(te - sum(four)) < SAME * max(1, *np.abs(four))
        shares = dict(zip(found.names, found.values, strict=True))
        for name, members in SHARES.items():
            assert shares[name] == pytest.approx(sum(shares[part] for part in members) / te, abs=1e-9)
        assert shares["share_cde"] + shares["share_eliminated"] == pytest.approx(1, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("mediator", ["linear", "logistic"])
def test_without_a_product_a_linear_outcome_has_no_interaction_parts(mediator):
    found = four_way(people(400), **options("linear", mediator, interaction=False))
    for name in ("intref", "intmed"):
        assert abs(found.of(name).estimate) < SAME
        assert found.of(name).se < SAME
    assert found.of("te").estimate == pytest.approx(found.of("cde").estimate + found.of("pie").estimate, abs=SAME)


def test_without_a_product_odds_still_multiply_so_that_risks_interact():
    made = models("logistic", "linear", theta=(-3.0, 0.4, 0.6, 0.0, 0.1))
    _, cde, intref, intmed, pie = parts(made, Levels(0, 1, 0, (0.0,)))
    assert intmed == pytest.approx(pie * (np.exp(0.4) - 1), rel=1e-12)
    assert cde + intref == pytest.approx(np.exp(0.4) - 1, rel=1e-12)


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("risks", ["rare", "exact"])
def test_a_mediator_that_services_do_not_move_has_no_mediated_parts(kinds, risks):
    found = parts(models(*kinds, beta=(0.2, 0.0, -0.2)), Levels(0, 1, 1, (0.3,)), risks=risks)
    assert np.abs(found[3:]).max() < SAME
    assert abs(found[1]) > 0.01


@pytest.mark.parametrize("kinds", KINDS)
def test_the_control_level_moves_cde_and_intref_but_not_their_sum(kinds):
    low, high = (parts(models(*kinds), Levels(0, 1, control, (0.3,))) for control in (0.0, 1.0))
    assert abs(low[1] - high[1]) > 0.01
    assert low[1] + low[2] == pytest.approx(high[1] + high[2], abs=SAME)
    assert low[[0, 3, 4]] == pytest.approx(high[[0, 3, 4]], abs=SAME)


def test_the_true_parts_of_a_linear_effect_are_found():
    found = four_way(people(20000), **options())
    for name, truth in (
        ("cde", 0.4 + 0.5 * 1.0), ("intref", 0.5 * (1.0 - 1.0)), ("intmed", 0.5 * 0.6), ("pie", 0.8 * 0.6),
    ):  # fmt: skip
        assert abs(found.of(name).estimate - truth) < 4 * found.of(name).se
    assert found.of("intmed").se < 0.05


def test_exact_risks_find_the_true_excess_of_a_common_outcome_and_odds_overstate_it():
    z = np.random.default_rng(2).normal(size=400_000)

    def risk(services, moved):
        confidence = 1 + 0.6 * moved + z * np.sqrt(1.0)
        return expit(-2 + 0.3 * services + 0.4 * confidence + 0.3 * services * confidence).mean()

    data = people(30000)
    exact = four_way(data, **options("logistic", risks="exact", at={"age": 45.0}))
    odds = four_way(data, **options("logistic", at={"age": 45.0}))
    excess, indirect = risk(1, 1) / risk(0, 0) - 1, risk(0, 1) / risk(0, 0) - 1
    assert abs(exact.of("te").estimate - excess) < 4 * exact.of("te").se
    assert abs(exact.of("pie").estimate - indirect) < 4 * exact.of("pie").se
    assert odds.of("te").estimate - excess > 4 * odds.of("te").se
    assert any("not rare" in warning for warning in odds.warnings)
    assert not any("not rare" in warning for warning in exact.warnings)


def test_exact_risks_of_a_saturated_model_are_those_of_the_table_itself():
    data = people(3000)
    found = four_way(data, **options("logistic", "logistic", covariates=[], risks="exact"))
    risk = data.groupby(["services", "motivated"])["job"].mean()
    chance = data.groupby("services")["motivated"].mean()

    def mean(services, moved):
        return chance[moved] * risk[services, 1] + (1 - chance[moved]) * risk[services, 0]

    assert found.of("te").estimate == pytest.approx(mean(1, 1) / mean(0, 0) - 1, rel=1e-9)
    assert found.of("cde").estimate == pytest.approx((risk[1, 1] - risk[0, 1]) / mean(0, 0), rel=1e-9)
    assert found.of("pie").estimate == pytest.approx(mean(0, 1) / mean(0, 0) - 1, rel=1e-9)
    assert found.diagnostics["mean_outcome"] == pytest.approx(data["job"].mean())


@pytest.mark.parametrize("kinds", KINDS)
def test_bootstrap_and_delta_method_standard_errors_agree(kinds):
    data = people(1500)
    drawn = four_way(data, **options(*kinds, variance="bootstrap", draws=200, rng=np.random.default_rng(4)))
    delta = four_way(data, **options(*kinds))
    robust = four_way(data, **options(*kinds, variance="HC1"))
    for name in PARTS:
        if delta.of(name).se > 0.01:  # smaller parts are products of two estimates near nil: no linear function
            assert drawn.of(name).se == pytest.approx(delta.of(name).se, rel=BOOTSTRAP_BOUND)
            assert robust.of(name).se == pytest.approx(delta.of(name).se, rel=BOOTSTRAP_BOUND)
        assert drawn.of(name).estimate == delta.of(name).estimate
    assert drawn.variance == "bootstrap (200 draws)"


def test_a_weight_of_two_counts_a_person_twice():
    data = people(300).assign(weight=np.where(np.arange(300) < 100, 2.0, 1.0))
    twice = pd.concat([data, data.iloc[:100]], ignore_index=True)
    for kinds in KINDS:
        weighted = four_way(data, **options(*kinds, weights="weight", variance="HC1"))
        repeated = four_way(twice, **options(*kinds))
        # the variance of the mediator's error is divided by n − 3, and n differs
        assert weighted.values[:5] == pytest.approx(repeated.values[:5], rel=5e-3, abs=1e-9)
        if kinds != ("logistic", "linear"):
            assert weighted.values[:5] == pytest.approx(repeated.values[:5], rel=1e-9, abs=1e-9)


def test_twins_in_one_cluster_count_as_one_person():
    single = people(400)
    twins = pd.concat([single, single], ignore_index=True).assign(pair=np.tile(np.arange(400), 2))
    alone = four_way(single, **options(variance="HC1"))
    paired = four_way(twins, **options(variance="HC1", cluster="pair"))
    assert paired.of("te").se == pytest.approx(alone.of("te").se, rel=0.01)
    assert four_way(twins, **options(variance="HC1")).of("te").se < 0.75 * paired.of("te").se


def test_levels_in_between_and_given_covariates_are_used():
    data = people(500)
    half = four_way(data, **options(exposed=0.5))
    whole = four_way(data, **options())
    assert half.of("cde").estimate == pytest.approx(whole.of("cde").estimate / 2)
    old, young = (four_way(data, **options(at={"age": age})).of("intref").estimate for age in (60.0, 30.0))
    assert old != pytest.approx(young)


def test_a_fraction_has_a_robust_variance_only():
    data = people(600).assign(job=lambda table: table["job"] * np.linspace(0.1, 0.9, 600))
    with pytest.raises(EstimationError, match="'job' is a fraction"):
        four_way(data, **options("logistic"))
    assert four_way(data, **options("logistic", variance="HC1")).of("te").se > 0


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        ({"services": 1.0}, {}, "'services' never varies"),
        ({"services": np.arange(200) == 0}, {}, "'services': one person has 1"),
        ({"confidence": 3.0}, {}, "'confidence' never varies"),
        ({"motivated": 0.0}, {"mediator": "logistic"}, "'motivated' never varies"),
        ({"motivated": np.arange(200) % 3}, {"mediator": "logistic"}, "'motivated' holds .* in row 2; allowed: 0"),
        ({"job": 0.0}, {"outcome": "logistic"}, "'job' never varies"),
        ({"job": np.arange(200) / 50}, {"outcome": "logistic"}, "runs from 0 to 3.98"),
        ({"age": np.where(np.arange(200) == 5, np.nan, 40.0)}, {}, "'age'.*missing, the first in row 5"),
        ({}, {"exposed": 0.0}, "two levels of exposure are both 0"),
        ({}, {"at": {"sex": 1.0}}, "'sex', which is no covariate"),
        ({}, {"weights": "age"}, "classical variance knows no sampling weights"),
        ({}, {"cluster": "age"}, "classical variance knows no clusters"),
        ({}, {"variance": "bootstrap"}, "without a generator"),
        ({}, {"covariates": ["age", "services"]}, "two roles"),
    ],
)  # fmt: skip
def test_what_cannot_be_decomposed_is_refused(change, more, message):
    data = people(200).assign(**change).astype(float)
    kinds = {name: more.pop(name) for name in ("outcome", "mediator") if name in more}
    with pytest.raises(EstimationError, match=message):
        four_way(data, **options(**kinds, **more))


def test_no_events_among_the_exposed_are_named():
    data = people(400).assign(job=lambda table: table["job"] * (1 - table["services"]))
    with pytest.raises(EstimationError, match="'job': 'services' separates"):
        four_way(data, **options("logistic", "linear"))


def test_a_mediator_that_tells_the_outcome_is_named():
    data = people(400).assign(job=lambda table: (table["confidence"] > 1).astype(float))
    with pytest.raises(EstimationError, match="'job': 'confidence' separates"):
        four_way(data, **options("logistic", "linear"))


def test_a_binary_mediator_that_services_decide_is_named():
    data = people(400).assign(motivated=lambda table: table["motivated"] * table["services"])
    with pytest.raises(EstimationError, match="'services x motivated' follows from 'motivated'"):
        four_way(data, **options("linear", "logistic"))
    with pytest.raises(EstimationError, match="'motivated': 'services' separates"):
        four_way(data, **options("linear", "logistic", interaction=False))


def test_the_reader_is_warned_of_a_control_level_out_of_range_and_of_shares_that_mislead():
    data = people(300)
    outside = four_way(data, **options(control=99.0))
    assert any("control level 99 lies outside" in warning for warning in outside.warnings)
    assert any("differ in sign" in warning for warning in outside.warnings)
    noise = data.assign(hours=np.random.default_rng(0).normal(size=300))
    assert any("not clear of nil" in warning for warning in four_way(noise, **options()).warnings)
    assert four_way(people(2000), **options(control=0.5)).warnings == ()


def test_a_total_effect_of_nil_has_no_shares():
    made = models("linear", "linear", theta=(1.0, 0.0, 0.5, 0.0, 0.1), beta=(0.2, 0.0, 0.1))
    assert decompose(made, Levels(0, 1, 0, (0.0,))).names == PARTS


def test_the_variance_of_the_mediators_error_counts_for_odds_only():
    made = models("logistic", "linear")
    without = replace(made, vcov=np.diag([*np.full(8, 0.01), 0.0]))
    levels = Levels(0, 1, 1, (0.3,))
    assert decompose(made, levels).of("te").se > decompose(without, levels).of("te").se
    linear = [replace(each, outcome="linear") for each in (made, without)]
    assert decompose(linear[0], levels).se == decompose(linear[1], levels).se


def test_the_data_are_left_as_they_were():
    data = people(200)
    before = data.copy()
    four_way(data, **options("logistic", variance="bootstrap", draws=3, rng=np.random.default_rng(1)))
    pd.testing.assert_frame_equal(data, before)
