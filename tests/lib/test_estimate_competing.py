"""Competing risks on cells: the same estimates as on person-months, the truth within its interval, honest refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from watwerkt.compress import Plan, compressed
from watwerkt.errors import EstimationError
from watwerkt.estimate.competing import chances, fit
from watwerkt.estimate.deployment import averaged, curves, effects
from watwerkt.estimate.design import cells_of
from watwerkt.estimate.incidence import cumulative_incidence

from tests.lib.months import PLAN, TRUTH, expanded, tables

SAME = 1e-6  # two optimisers of one likelihood
PEOPLE = 4000


@pytest.fixture(scope="module")
def given():
    return tables(PEOPLE, np.random.default_rng(11))


@pytest.fixture(scope="module")
def model(given):
    return fit(cells_of(*compressed(given, PLAN), PLAN))


def test_cells_give_the_estimates_and_standard_errors_of_statsmodels_on_person_months(given, model):
    rows = expanded(given)
    names = model.cells.names
    design = pd.DataFrame({name: dummy(rows, name) for name in names}).astype(float)
    peer = sm.MNLogit(rows["outcome"].map({"stay": 0, "work": 1, "other": 2}), design).fit(
        method="newton", disp=0, tol=1e-12
    )
    found = model.result.tidy()
    assert np.abs(found["estimate"] - peer.params.to_numpy().T.ravel()).max() < SAME
    assert np.abs(found["se"] - peer.bse.to_numpy().T.ravel()).max() < SAME
    assert model.log_likelihood == pytest.approx(peer.llf, rel=1e-10)


def dummy(rows: pd.DataFrame, name: str) -> pd.Series:
    column, _, value = name.partition("=")
    places = {"early": 1, "normal": 2, "late": 3, "": 1}
    if column in PLAN.services:
        return rows[column] == places[value]
    return rows[column] == (int(value) if column == "month" else value or 1)


def test_the_truth_lies_within_four_standard_errors(model):
    found = model.result.tidy().set_index("name")
    distance = [(found.loc[name, "estimate"] - value) / found.loc[name, "se"] for name, value in TRUTH.items()]
    assert np.abs(distance).max() < 4


def test_model_and_robust_standard_errors_are_near_each_other_when_the_model_holds(model):
    robust = fit(model.cells, variance="robust").result
    ratio = np.sqrt(np.diag(robust.vcov) / np.diag(model.result.vcov))
    assert ratio.min() > 0.8
    assert ratio.max() < 1.25
    assert robust.variance != model.result.variance


def test_the_incidence_that_the_model_implies_for_the_sample_is_what_was_seen_without_services():
    plain = Plan(PLAN.covariates, services={}, interviews=0, horizon=PLAN.horizon)
    drawn = tables(PEOPLE, np.random.default_rng(5))
    model = fit(cells_of(*compressed(drawn, plain), plain))
    seen = cumulative_incidence(drawn["persons"], months="months_observed", exit_="exit", kinds=("work", "other"))
    implied = curves(model).set_index(["outcome", "month"])["incidence"]
    assert implied["work", 8] == pytest.approx(seen.of("work:8").estimate, abs=5e-3)
    assert implied["other", 8] == pytest.approx(seen.of("other:8").estimate, abs=5e-3)


def test_an_effect_is_the_difference_between_the_curves_with_and_without(model):
    found = effects(model, "jobhunting", starts=[3])
    without, with_it = (
        curves(model, *given, start=3).set_index(["outcome", "month"]) for given in ((), ("jobhunting",))
    )
    gap = (with_it - without)["incidence"]
    assert found.of("work:3").estimate == pytest.approx(gap["work", PLAN.horizon], abs=1e-12)
    assert found.of("total:3").estimate == pytest.approx(gap["work", 8] + gap["other", 8], abs=1e-12)
    assert np.allclose(gap["work"].loc[:3], 0.0)


@pytest.mark.parametrize("among", ["entrants", "users"])
@pytest.mark.parametrize(("state", "start"), [("jobhunting", 4), ("followup_1", 2)])
def test_the_delta_method_uses_the_right_slopes(model, state, start, among):
    """Standard errors against draws of the coefficients: within what 4,000 draws can tell."""
    found = effects(model, state, starts=[start], among=among)
    rng = np.random.default_rng(2)
    drawn = rng.multivariate_normal(model.result.values, model.result.vcov, 4000, method="cholesky")
    values = [redrawn(model, one, state, start, among) for one in drawn[:400]]
    ratio = np.std(values, axis=0) / np.sqrt(np.diag(found.vcov))
    assert np.abs(ratio - 1).max() < 0.15


def redrawn(model, coefficients, state, start, among):
    from dataclasses import replace

    other = replace(model, result=replace(model.result, values=coefficients))
    return effects(other, state, starts=[start], among=among).values


def test_among_users_the_effect_is_larger_because_only_they_can_have_it(model):
    entrants, users = (effects(model, "jobhunting", starts=[5], among=who) for who in ("entrants", "users"))
    still_there = 1 - curves(model).query("month == 5")["incidence"].sum()
    assert entrants.estimate / users.estimate == pytest.approx(still_there, rel=0.02)


def test_averages_over_starts_weigh_each_start_by_its_people(model):
    found = effects(model, "jobhunting", starts=[2, 3])
    mean = averaged(found, {2: 1, 3: 3})
    assert mean.of("other").estimate == pytest.approx(
        0.25 * found.of("other:2").estimate + 0.75 * found.of("other:3").estimate
    )
    with pytest.raises(EstimationError, match="nobody started"):
        averaged(found, {7: 10})


def test_effects_by_group_differ_only_if_the_service_is_allowed_to(given):
    cells = compressed(given, PLAN)
    model = fit(cells_of(*cells, PLAN, interactions={"jobhunting": ["population"]}))
    assert "work:jobhunting=late:population=nonwestern" in model.result.names
    groups = [{"population": one} for one in PLAN.covariates["population"]]
    first, second = (effects(model, "jobhunting", starts=[1], group=group) for group in groups)
    assert first.n + second.n == PEOPLE
    assert first.estimate != pytest.approx(second.estimate, abs=1e-4)


def test_chances_do_not_overflow_and_add_up_with_staying():
    p = chances(np.array([[800.0, -800.0, 0.0], [0.0, -800.0, 0.0]]))
    assert np.isfinite(p).all()
    assert p[:, 0] == pytest.approx([1, 0])
    assert p[:, 2] == pytest.approx([1 / 3, 1 / 3])


# --- what cannot be estimated -----------------------------------------------------------------------------------------


def refit(given, plan=PLAN, **changes):
    return fit(cells_of(*compressed({**given, **changes}, plan), plan))


def test_an_exit_that_nobody_took_is_named(given):
    persons = given["persons"].replace({"exit": {"other": "none"}})
    with pytest.raises(EstimationError, match="nobody left for 'other'"):
        refit(given, persons=persons)


def test_a_service_whose_users_never_leave_is_perfect_separation(given):
    users = given["services"].query("service == 'training' and start_month < 2")["person"]
    persons = given["persons"].copy()
    persons.loc[persons["person"].isin(users) & (persons["exit"] == "other"), "exit"] = "work"
    with pytest.raises(
        EstimationError, match=r"perfect separation: training=early \(\d+ months, none ending in 'other'\)"
    ):
        refit(given, persons=persons)


def test_dummies_that_follow_from_each_other_are_named(given):
    plan = Plan({**PLAN.covariates, "again": ("a", "b")}, PLAN.services, interviews=2, horizon=8)
    persons = given["persons"].assign(again=np.where(given["persons"]["sex"] == "male", "b", "a"))
    with pytest.raises(EstimationError, match=r"singular design: .*(sex=male.*again=b|again=b.*sex=male)"):
        refit(given, plan, persons=persons)


def test_an_unknown_state_or_group_is_answered_with_what_is_allowed(model):
    with pytest.raises(EstimationError, match=r"no state 'coaching'[\s\S]*jobhunting"):
        effects(model, "coaching")
    with pytest.raises(EstimationError, match=r"no group sex=unknown[\s\S]*female, male"):
        effects(model, "jobhunting", group={"sex": "unknown"})


def test_an_interaction_with_an_unknown_covariate_is_refused(given):
    with pytest.raises(EstimationError, match=r"no 'age'[\s\S]*sex, population"):
        cells_of(*compressed(given, PLAN), PLAN, interactions={"jobhunting": ["age"]})


def test_cumulative_incidence_refuses_impossible_times_and_exits_that_nobody_took():
    frame = pd.DataFrame({"months": [1, 2, 0], "exit": ["work", "work", "none"]})
    with pytest.raises(EstimationError, match="1 rows are not positive"):
        cumulative_incidence(frame, months="months", exit_="exit", kinds=("work",))
    with pytest.raises(EstimationError, match="nobody left for 'other'"):
        cumulative_incidence(frame.iloc[:2], months="months", exit_="exit", kinds=("work", "other"))


def test_cumulative_incidence_of_cells_is_that_of_people():
    rng = np.random.default_rng(3)
    people = pd.DataFrame({"months": rng.integers(1, 7, 300), "exit": rng.choice(["work", "other", "none"], 300)})
    cells = people.groupby(["months", "exit"], as_index=False).size()
    one = cumulative_incidence(people, months="months", exit_="exit", kinds=("work", "other"))
    two = cumulative_incidence(cells, months="months", exit_="exit", kinds=("work", "other"), weights="size")
    assert np.allclose(one.values, two.values, atol=1e-14)
    assert np.allclose(one.vcov, two.vcov, atol=1e-14)
    assert one.n == two.n == 300
