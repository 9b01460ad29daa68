"""Selection into work: probit, inverse Mills ratio, second step. Numbers of other software are in the kits
``selection`` and ``selection_mroz``."""

import math

import numpy as np
import pandas as pd
import pytest
from watwerkt.errors import EstimationError
from watwerkt.estimate.selection import RATIO, inverse_mills, probit, selection

BOOTSTRAP_BOUND = 0.20  # the standard error of 200 draws is itself sure to 5%; four times that

OLS = {"outcome": "wage", "selected": "job", "columns": ["age"], "exclusions": ["married", "assigned"]}
IV = {
    "outcome": "wage", "selected": "job", "columns": ["age"], "exclusions": ["married"], "endogenous": "services",
    "instruments": ["assigned"],
}  # fmt: skip


def people(n, seed=1):
    """Wages that rise 0.10 a year and 1.50 by services; those with good luck on the job market earn more."""
    rng = np.random.default_rng(seed)
    luck, wage, choice = rng.multivariate_normal(np.zeros(3), [[1, 0.7, 0.3], [0.7, 1, 0.4], [0.3, 0.4, 1]], n).T
    age, married, assigned = rng.uniform(20, 60, n), rng.integers(0, 2, n), rng.integers(0, 2, n)
    services = (1.5 * assigned - 0.7 + choice > 0).astype(int)
    job = (1.0 - 0.04 * age + 0.9 * married + 0.5 * assigned + luck > 0).astype(int)
    earned = 8 + 0.10 * age + 1.5 * services + 2 * wage
    return pd.DataFrame(
        {"age": age, "married": married, "assigned": assigned, "services": services, "job": job}
    ).assign(wage=np.where(job == 1, earned, np.nan), plain=np.where(job == 1, earned - 1.5 * services, np.nan))


def test_inverse_mills_ratio_holds_at_zero_and_far_in_the_left_tail():
    assert inverse_mills(np.array([0.0]))[0] == pytest.approx(math.sqrt(2 / math.pi), rel=1e-14)
    assert inverse_mills(np.array([-40.0]))[0] == pytest.approx(40 + 1 / 40, rel=1e-4)


def test_an_exogenous_slope_is_found_that_plain_regression_misses():
    data = people(20000)
    found = selection(data, **{**OLS, "outcome": "plain"}, variance="heckman").outcome
    working = data[data["job"] == 1]
    plain = np.polyfit(working["age"], working["plain"], 1)[0]
    assert abs(found.of("age").estimate - 0.10) < 4 * found.of("age").se
    assert abs(plain - 0.10) > 4 * found.of("age").se
    assert abs(found.of(RATIO).estimate - 2 * 0.7) < 4 * found.of(RATIO).se
    assert found.diagnostics["ratio_p"] < 1e-6
    assert found.diagnostics["rho"] == pytest.approx(0.7, abs=0.1)


@pytest.mark.parametrize("as_instruments", [True, False])
def test_an_endogenous_effect_is_found_with_either_use_of_the_exclusion_columns(as_instruments):
    data = people(20000)
    both = selection(data, **IV, variance="unadjusted", exclusions_as_instruments=as_instruments)
    assert both.outcome.focus == "services"
    assert abs(both.outcome.estimate - 1.5) < 4 * both.outcome.se
    assert ("married" in both.first_stage.names) == as_instruments
    assert both.first_stage.focus == "assigned"
    assert both.first_stage.p < 1e-6
    assert both.outcome.n == data["job"].sum()
    assert both.outcome.diagnostics["people"] == both.probit.coefficients.n == len(data)


def test_bootstrap_and_two_step_standard_errors_agree():
    data, rng = people(1500), np.random.default_rng(5)
    options = {**OLS, "outcome": "plain"}
    drawn = selection(data, **options, draws=200, rng=rng).outcome
    analytic = selection(data, **options, variance="heckman").outcome
    for name in ("age", RATIO, "constant"):
        assert drawn.of(name).se == pytest.approx(analytic.of(name).se, rel=BOOTSTRAP_BOUND)
        assert drawn.of(name).estimate == analytic.of(name).estimate
    assert drawn.variance == "bootstrap (200 draws)"
    assert drawn.diagnostics["bootstrap_failed"] == 0


def test_the_variance_that_takes_the_ratio_as_known_is_smaller_and_says_so():
    data, options = people(1500), {**OLS, "outcome": "plain"}
    known = selection(data, **options, variance="unadjusted").outcome
    assert known.of("age").se < selection(data, **options, variance="heckman").outcome.of("age").se
    assert "as known" in known.warnings[-1]


def test_bootstrap_by_cluster_draws_clusters_not_people():
    single = people(400)
    twins = pd.concat([single, single], ignore_index=True).assign(pair=np.tile(np.arange(400), 2))
    options = {**OLS, "outcome": "plain", "draws": 100}
    by_pair = selection(twins, **options, cluster="pair", rng=np.random.default_rng(3)).outcome.of("age")
    by_person = selection(twins, **options, rng=np.random.default_rng(3)).outcome.of("age")
    alone = selection(single, **options, rng=np.random.default_rng(3)).outcome.of("age")
    assert by_pair.se == pytest.approx(alone.se, rel=1e-6)
    assert by_person.se < 0.85 * by_pair.se
    assert by_pair.estimate == pytest.approx(by_person.estimate)


def test_bootstrap_follows_its_generator_and_leaves_the_data_as_they_were():
    data = people(300)
    before = data.copy()
    first, again = (selection(data, **IV, draws=5, rng=np.random.default_rng(8)).outcome for _ in range(2))
    assert (first.vcov == again.vcov).all()
    pd.testing.assert_frame_equal(data, before)


def test_draws_without_a_rare_category_are_counted_and_told():
    data = people(300).assign(kind="common")
    data.loc[data.index[data["job"] == 1][:2], "kind"] = "rare"
    data.loc[data.index[data["job"] == 0][:2], "kind"] = "rare"
    options = {**OLS, "columns": ["age", "kind"], "draws": 40}
    found = selection(data, **options, rng=np.random.default_rng(1)).outcome
    failed = found.diagnostics["bootstrap_failed"]
    assert 0 < failed < 20
    assert any(warning.startswith(f"{failed:.0f} of 40 bootstrap draws") for warning in found.warnings)
    assert "kind=rare" in found.names


def test_without_a_generator_the_bootstrap_refuses():
    with pytest.raises(EstimationError, match="without a generator"):
        selection(people(300), **OLS)


def test_the_bootstrap_fails_if_most_draws_do():
    data = people(60, seed=2).assign(kind="common")
    data.loc[data.index[data["job"] == 1][:1], "kind"] = "rare"
    data.loc[data.index[data["job"] == 0][:1], "kind"] = "rare"
    with pytest.raises(EstimationError, match="bootstrap draws gave no estimate"):
        selection(data, **{**OLS, "columns": ["age", "kind"]}, draws=30, rng=np.random.default_rng(1))


@pytest.mark.parametrize(("value", "word"), [(0, "nobody"), (1, "everybody")])
def test_selection_needs_people_on_both_sides(value, word):
    with pytest.raises(EstimationError, match=f"'job': {word} of 300"):
        selection(people(300).assign(job=value, wage=1.0), **OLS, variance="heckman")


def test_one_selected_person_is_refused():
    data = people(300)
    with pytest.raises(EstimationError, match="one person has 1"):
        selection(data.assign(job=(data.index == data.index[data["job"] == 1][0]).astype(int)), **OLS)


def test_separation_is_named_by_its_column_alone():
    data = people(400).assign(partner=lambda table: (table["job"] == 1) & (table["age"] > 40))
    data["partner"] = data["partner"].astype(int)  # everyone with a partner works
    with pytest.raises(EstimationError, match="'partner' separates those with 1"):
        probit(data, outcome="job", columns=["age", "married", "partner"])


def test_separation_by_two_columns_together_names_both():
    data = people(400).assign(other=lambda table: np.where(table["job"] == 1, 1.0, -1.0) - table["age"])
    with pytest.raises(EstimationError, match="'age', 'other' separate"):
        probit(data, outcome="job", columns=["age", "married", "other"])


def test_a_sure_but_not_separated_fit_is_kept():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-20, 20, 400), [-0.5, 0.5]])
    y = np.concatenate([(x[:400] + rng.normal(size=400) > 0).astype(int), [1, 0]])
    found = probit(pd.DataFrame({"x": x, "y": y}), outcome="y", columns=["x"]).coefficients
    assert found.of("x").estimate > 0.5


def test_without_exclusion_columns_the_reader_is_warned():
    found = selection(people(500), **{**OLS, "exclusions": []}, variance="heckman").outcome
    assert any("moves selection alone" in warning for warning in found.warnings)
    assert found.diagnostics["ratio_r2"] > 0.9
    assert any(f"R² = {found.diagnostics['ratio_r2']:.3f}" in warning for warning in found.warnings)


def test_a_weak_instrument_is_told_with_its_f():
    data = people(800)
    data["assigned"] = np.random.default_rng(4).integers(0, 2, 800)
    found = selection(data, **IV, variance="unadjusted").outcome
    assert found.diagnostics["first_stage_f"] < 10
    assert any(f"F = {found.diagnostics['first_stage_f']:.1f}" in warning for warning in found.warnings)


def test_an_instrument_that_is_an_exclusion_column_in_other_words_is_refused():
    data = people(500)
    data["assigned"] = 1 - data["married"]
    with pytest.raises(EstimationError, match="follows from"):
        selection(data, **IV, variance="unadjusted")


def test_missing_outcomes_are_refused_only_among_the_selected():
    data = people(300)
    row = data.index[data["job"] == 1][3]
    data.loc[row, "wage"] = np.nan
    with pytest.raises(EstimationError, match=rf"'wage'.*is missing, the first in row {row}"):
        selection(data, **OLS, variance="heckman")
    data.loc[row, "age"] = np.nan
    with pytest.raises(EstimationError, match="'age'"):
        selection(data, **OLS, variance="heckman")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({**IV, "instruments": []}, "one goes not without the other"),
        ({**OLS, "instruments": ["assigned"]}, "one goes not without the other"),
        ({**IV, "variance": "heckman"}, "exogenous equation"),
        ({**OLS, "exclusions": ["age"]}, "two roles"),
        ({**OLS, "outcome": "pay"}, "no column 'pay'"),
        ({**OLS, "columns": ["age", "age2"]}, "follows from 'age'"),
    ],
)
def test_what_cannot_be_estimated_is_refused(options, message):
    data = people(300).assign(age2=lambda table: 2 * table["age"])
    with pytest.raises(EstimationError, match=message):
        selection(data, **{"variance": "unadjusted", **options})


def test_marginal_effects_are_the_mean_change_in_the_probability():
    data = people(3000)
    first = probit(data, outcome="job", columns=["age", "married"])
    assert first.effects.names == ("age", "married")
    step = 1e-5

    def mean_chance(shift):
        columns = data.assign(constant=1.0, age=data["age"] + shift)[list(first.coefficients.names)]
        index = columns.to_numpy(float) @ first.coefficients.values
        return float(np.mean([0.5 * math.erfc(-value / math.sqrt(2)) for value in index]))

    change = (mean_chance(step) - mean_chance(-step)) / (2 * step)
    assert first.effects.of("age").estimate == pytest.approx(change, rel=1e-6)
