"""Estimates with balancing weights (methods B6): their variances against jackknife, bootstrap and repeated samples."""

import numpy as np
import pandas as pd
import pytest
from watwerkt.errors import EstimationError
from watwerkt.estimate.balancing import Targets, entropy_balance, targets_of
from watwerkt.estimate.weighted import balanced_effect, weighted_difference, weighted_means, weighted_regression

SAME = 1e-9  # relative: one formula, computed in two ways
DERIVATIVE = 1e-5  # relative: a derivative by differences of 1e-5
BOOTSTRAP = 0.08  # relative: 999 draws know a standard error to 2%; the linearised one is of the first order
REPEATED = 0.08  # relative: the spread of 600 repeated samples is known to 3%

TARGETS = {
    "experiment": Targets({"sex": {"male": 0.45, "female": 0.55}}, {"days": 180.0}),
    "control": Targets({"sex": {"male": 0.5, "female": 0.5}}, {"days": 190.0}),
}


def survey(n=300, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["male", "female"], n, p=[0.3, 0.7]),
            "days": rng.gamma(2.0, 100.0, n),
            "arm": np.where(np.arange(n) % 2 == 0, "experiment", "control"),
            "design": rng.uniform(0.5, 2.0, n),
        }
    )
    slope = 2.0 * (frame["sex"] == "female") + frame["days"] / 100 + 0.5 * (frame["arm"] == "experiment")
    return frame.assign(score=slope + rng.normal(size=n) * (1 + frame["days"] / 300))


@pytest.fixture(scope="module")
def people():
    return survey()


@pytest.fixture(scope="module")
def balance(people):
    return entropy_balance(people, TARGETS, by="arm", base="design")


def shifts(estimate, n):
    """The derivative of an estimate to each person's base weight, by differences: the infinitesimal jackknife."""
    found = []
    for place in range(n):
        step = np.zeros(n)
        step[place] = 1e-5
        found.append((estimate(1 + step) - estimate(1 - step)) / 2e-5)
    return np.array(found)


# ---- estimates -----------------------------------------------------------------------------------


def test_a_mean_is_the_weighted_mean_and_a_difference_that_of_two(people, balance):
    inside = (people["arm"] == "experiment").to_numpy()
    first = np.average(people["score"][inside], weights=balance.weights[inside])
    second = np.average(people["score"][~inside], weights=balance.weights[~inside])
    assert weighted_means(people, balance, "score").estimate == pytest.approx(
        balance.weights @ people["score"], rel=SAME
    )
    means = weighted_means(people, balance, "score", by="arm")
    assert [means.of("experiment").estimate, means.of("control").estimate] == pytest.approx([first, second], rel=SAME)
    gap = weighted_difference(people, balance, "score", by="arm", first="experiment", second="control")
    assert (gap.focus, gap.estimate) == ("experiment - control", pytest.approx(first - second, rel=SAME))


@pytest.mark.parametrize("variance", ["linearised", "sandwich"])
def test_a_regression_on_the_arm_gives_the_difference_of_means(people, balance, variance):
    gap = weighted_difference(
        people, balance, "score", by="arm", first="experiment", second="control", variance=variance
    )
    line = weighted_regression(people, balance, "score", controls=["arm"], bases={"arm": "control"}, variance=variance)
    assert line.focus == "arm=experiment"
    assert (line.estimate, line.se) == pytest.approx((gap.estimate, gap.se), rel=SAME)


def test_an_outcome_that_was_balanced_has_its_target_and_no_variance(people, balance):
    means = weighted_means(people, balance, "days", by="arm")
    assert [means.of("experiment").estimate, means.of("control").estimate] == pytest.approx([180, 190], rel=1e-8)
    assert means.of("experiment").se < 1e-6
    assert weighted_means(people, balance, "days", by="arm", variance="sandwich").se > 5


def test_equal_weights_that_are_taken_as_given_have_the_classic_standard_error(people):
    flat = entropy_balance(people, targets_of(people, shares=["sex"]))
    found = weighted_means(people, flat, "score", variance="sandwich")
    assert found.se == pytest.approx(people["score"].std() / np.sqrt(len(people)), rel=SAME)


def test_the_cost_of_weighting_and_its_warnings_travel_with_the_estimate(people, balance):
    few = entropy_balance(people.head(20), Targets({"sex": {"male": 0.5, "female": 0.5}}))
    found = weighted_means(people.head(20), few, "score")
    assert found.warnings == few.warnings != ()
    assert found.diagnostics["effective_n"] == few.effective_n
    assert weighted_means(people, balance, "score").diagnostics["design_effect"] == balance.design_effect


# ---- variances -----------------------------------------------------------------------------------


def test_the_linearised_variance_of_a_mean_is_the_jackknifes_with_weights_found_anew(people):
    frame, targets = people.head(60), TARGETS["experiment"]

    def mean(factor):
        again = entropy_balance(frame.assign(design=frame["design"] * factor), targets, base="design")
        return again.weights @ frame["score"]

    moved = shifts(mean, 60)
    found = weighted_means(frame, entropy_balance(frame, targets, base="design"), "score")
    assert found.se == pytest.approx(np.sqrt(np.sum(moved**2) * 60 / (60 - 3)), rel=DERIVATIVE)


def test_the_linearised_variance_of_a_regression_with_groups_is_the_jackknifes(people):
    frame = people.head(60)

    def slopes(factor):
        again = entropy_balance(frame.assign(design=frame["design"] * factor), TARGETS, by="arm", base="design")
        return weighted_regression(frame, again, "score", controls=["days", "arm"]).values

    moved = shifts(slopes, 60) * np.sqrt(30 / (30 - 3))
    balance = entropy_balance(frame, TARGETS, by="arm", base="design")
    found = weighted_regression(frame, balance, "score", controls=["days", "arm"])
    assert found.vcov == pytest.approx(moved.T @ moved, rel=1e-3, abs=1e-9)
    assert np.sqrt(np.diag(found.vcov)) == pytest.approx(np.sqrt(np.diag(moved.T @ moved)), rel=DERIVATIVE)


def test_the_linearised_variance_of_an_effect_counts_that_the_targets_are_a_samples(people):
    treated, controls = people[people["arm"] == "experiment"].head(40), people[people["arm"] == "control"].head(60)

    def effect(factor):
        one, other = factor[:40], factor[40:]
        goals = targets_of(treated.assign(w=one), shares=["sex"], means=["days"], variances=["days"], weights="w")
        w = entropy_balance(controls.assign(w=other), goals, base="w").weights
        return np.average(treated["score"], weights=one) - w @ controls["score"]

    moved = shifts(effect, 100)
    wanted = np.sqrt(np.sum(moved[:40] ** 2) * 40 / 39 + np.sum(moved[40:] ** 2) * 60 / (60 - 4))
    found = balanced_effect(treated, controls, "score", shares=["sex"], means=["days"], variances=["days"])
    assert found.estimate == pytest.approx(effect(np.ones(100)), rel=SAME)
    assert found.se == pytest.approx(wanted, rel=DERIVATIVE)
    assert dict(found.diagnostics)["treated"] == 40


def test_the_unit_of_a_balanced_column_does_not_change_a_standard_error(people):
    treated, controls = people[people["arm"] == "experiment"], people[people["arm"] == "control"]
    options = {"shares": ["sex"], "means": ["days"], "variances": ["days"]}
    plain = balanced_effect(treated, controls, "score", **options)
    blown = [frame.assign(days=frame["days"] * 1e5) for frame in (treated, controls)]
    again = balanced_effect(*blown, "score", **options)
    assert (again.estimate, again.se) == pytest.approx((plain.estimate, plain.se), rel=1e-7)


def test_the_bootstrap_agrees_with_the_linearised_variance(people, balance):
    treated, controls = people[people["arm"] == "experiment"], people[people["arm"] == "control"]
    rng = np.random.default_rng(5)
    pairs = [
        (
            weighted_difference(people, balance, "score", by="arm", first="experiment", second="control", **options),
            balanced_effect(treated, controls, "score", shares=["sex"], means=["days"], **options),
        )
        for options in ({}, {"variance": "bootstrap", "rng": rng, "draws": 999})
    ]
    for linear, drawn in zip(*pairs, strict=True):
        assert drawn.variance == "bootstrap (999 draws)"
        assert drawn.estimate == linear.estimate
        assert drawn.se == pytest.approx(linear.se, rel=BOOTSTRAP)


def test_intervals_cover_and_the_naive_one_is_too_wide_over_repeated_surveys():
    population = survey(20_000, seed=8)
    known = targets_of(population, shares=["sex"], means=["days"])
    truth = population["score"].mean()
    chance = np.where(population["sex"] == "female", 0.03, 0.01) * np.where(population["days"] > 200, 1.0, 0.5)
    rng, found = np.random.default_rng(9), []
    for _ in range(600):
        answered = population[rng.random(len(population)) < chance]
        balance = entropy_balance(answered, known)
        linear = weighted_means(answered, balance, "score")
        naive = weighted_means(answered, balance, "score", variance="sandwich")
        found.append((linear.estimate, linear.se, naive.se, linear.ci[0] <= truth <= linear.ci[1]))
    estimates, ses, naive, covered = np.array(found).T
    spread = estimates.std(ddof=1)
    assert estimates.mean() == pytest.approx(truth, abs=4 * spread / np.sqrt(600))
    assert np.sqrt(np.mean(ses**2)) == pytest.approx(spread, rel=REPEATED)
    assert np.sqrt(np.mean(naive**2)) > 1.2 * spread
    assert 0.92 < covered.mean() < 0.98


# ---- what cannot be estimated --------------------------------------------------------------------


def test_other_people_than_were_balanced_are_refused(people, balance):
    with pytest.raises(EstimationError, match="weights are for 300 people, the table has 299"):
        weighted_means(people.head(299), balance, "score")


def test_an_outcome_with_missing_values_is_refused(people, balance):
    with pytest.raises(EstimationError, match=r"'score': 300 of 300 values are missing"):
        weighted_means(people.assign(score=np.nan), balance, "score")


def test_a_group_of_one_has_no_mean_with_a_variance(people, balance):
    with pytest.raises(EstimationError, match="'alone' has one person"):
        weighted_means(people.assign(kind=["alone"] + ["other"] * 299), balance, "score", by="kind")


def test_columns_that_follow_from_each_other_are_refused(people, balance):
    with pytest.raises(EstimationError, match="'twice' follows from"):
        weighted_regression(people.assign(twice=2 * people["days"]), balance, "score", controls=["days", "twice"])


def test_more_moments_than_people_leave_no_variance():
    frame = pd.DataFrame({"x": [0.0, 1.0, 0.3], "y": [0.0, 0.2, 1.0], "score": [1.0, 2.0, 4.0]})
    balance = entropy_balance(frame, Targets(means={"x": 0.4, "y": 0.4}))
    with pytest.raises(EstimationError, match="3 respondents were balanced on 2 moments"):
        weighted_means(frame, balance, "score")


@pytest.mark.parametrize(
    ("variance", "message"),
    [("hc1", "allowed: linearised, sandwich, bootstrap"), ("bootstrap", "without a generator")],
)
def test_an_unknown_variance_or_a_bootstrap_without_a_generator_is_refused(people, balance, variance, message):
    with pytest.raises(EstimationError, match=message):
        weighted_means(people, balance, "score", variance=variance)
    with pytest.raises(EstimationError, match=message):
        balanced_effect(people.head(100), people.tail(100), "score", means=["days"], variance=variance)


def test_bootstrap_draws_that_cannot_be_balanced_are_counted():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"sex": ["male"] * 3 + ["female"] * 27, "score": rng.normal(size=30)})
    balance = entropy_balance(frame, Targets({"sex": {"male": 0.5, "female": 0.5}}))
    found = weighted_means(frame, balance, "score", variance="bootstrap", rng=rng, draws=300)
    assert "of 300 bootstrap draws gave no estimate" in found.warnings[-1]
