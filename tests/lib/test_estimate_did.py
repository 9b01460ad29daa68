"""Difference-in-differences, with an instrument, by cohort, and the wild cluster bootstrap (methods B4)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from watwerkt.errors import EstimationError
from watwerkt.estimate.did import Design, did, event_study, iv_did
from watwerkt.estimate.wild import Wild
from watwerkt.paths import data_dir

SAME = 1e-9
EFFECT = 0.3
COHORTS = ("2017-1", "2017-2", "2018-1", "2018-2", "2019-2", "2020-1")
SIMPLE = Design(treated="experiment", post="during", cluster="office")
TWO_WAY = replace(SIMPLE, unit="office", cohort="cohort")


def people(seed=1, n=800, *, offices=36, effect=EFFECT, drift=0.0, shock=0.3):
    """Entrants of six cohorts at offices, half of which withhold a service from the fifth cohort on."""
    rng = np.random.default_rng(seed)
    office, cohort, drive = rng.integers(0, offices, n), rng.integers(0, 6, n), rng.normal(size=n)
    experiment, during = office % 2, (cohort >= 4).astype(int)
    service = np.where(experiment * during == 1, drive > 1.2, drive > -1.2).astype(float)
    level = rng.normal(0, 1, offices)[office] + rng.normal(0, shock, (offices, 2))[office, during] + 0.1 * cohort
    work = level + effect * service + 0.3 * drive + drift * experiment * cohort + rng.normal(size=n)
    return pd.DataFrame(
        {
            "office": [f"office {place:02d}" for place in office],
            "cohort": np.array(COHORTS)[cohort],
            "experiment": experiment,
            "during": during,
            "service": service,
            "work": work,
            "age": rng.normal(45, 10, n),
            "sex": rng.choice(["female", "male"], n),
        }
    )


@pytest.fixture(scope="module")
def frame():
    return people()


def change_of_changes(frame, column):
    means = frame.groupby(["experiment", "during"])[column].mean()
    return (means[1, 1] - means[1, 0]) - (means[0, 1] - means[0, 0])


# ---- what the estimates are ----------------------------------------------------------------------


def test_without_fixed_effects_it_is_the_difference_of_the_differences(frame):
    found = did(frame, "work", SIMPLE)
    assert found.focus == "experiment:during"
    assert found.estimate == pytest.approx(change_of_changes(frame, "work"), rel=SAME)
    assert found.df == 35
    assert found.diagnostics["treated_clusters"] == 18
    assert found.diagnostics["n_treated_post"] == (frame["experiment"] * frame["during"]).sum()


def test_with_an_instrument_it_is_the_ratio_of_two_of_them(frame):
    found = iv_did(frame, "work", SIMPLE, receipt="service")
    ratio = change_of_changes(frame, "work") / change_of_changes(frame, "service")
    assert found.estimate == pytest.approx(ratio, rel=1e-8)
    assert found.diagnostics["first_stage"] == pytest.approx(change_of_changes(frame, "service"), rel=1e-8)


def test_two_way_effects_are_those_of_dummies_in_statsmodels(frame):
    found = did(frame, "work", replace(TWO_WAY, controls=["age", "sex"]))
    dummies = pd.get_dummies(frame[["office", "cohort", "sex"]], drop_first=True, dtype=float)
    x = sm.add_constant(dummies.assign(age=frame["age"], effect=frame["experiment"] * frame["during"]))
    groups = pd.factorize(frame["office"])[0]
    fit = sm.OLS(frame["work"], x).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    assert (found.estimate, found.se) == pytest.approx((fit.params["effect"], fit.bse["effect"]), rel=1e-7)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(fit.params["effect"] / fit.bse["effect"]), 35), rel=1e-6)


def test_an_event_study_without_controls_shows_the_gap_of_each_cohort_less_the_reference(frame):
    found = event_study(frame, "work", replace(SIMPLE, cohort="cohort"))
    means = frame.groupby(["cohort", "experiment"])["work"].mean().unstack()
    gaps = means[1] - means[0]
    assert found.focus == "experiment:2019-2"
    for cohort in set(COHORTS) - {"2018-2"}:
        assert found.of(f"experiment:{cohort}").estimate == pytest.approx(gaps[cohort] - gaps["2018-2"], rel=1e-8)


def test_another_reference_moves_the_level_but_not_the_test_of_what_went_before(frame):
    one, other = (event_study(frame, "work", TWO_WAY, reference=cohort) for cohort in ("2018-2", "2017-1"))
    shift = one.of("experiment:2017-1").estimate
    assert other.of("experiment:2020-1").estimate == pytest.approx(
        one.of("experiment:2020-1").estimate - shift, rel=1e-8
    )
    assert other.diagnostics["pretrend_f"] == pytest.approx(one.diagnostics["pretrend_f"], rel=1e-7)
    assert (one.diagnostics["pretrend_df"], one.diagnostics["pretrend_df_denominator"]) == (3, 35)


def test_trends_that_part_before_the_experiment_are_found_and_parallel_ones_mostly_not():
    parted = [event_study(people(seed, drift=0.5), "work", TWO_WAY).diagnostics["pretrend_p"] for seed in range(20)]
    alike = [event_study(people(seed), "work", TWO_WAY).diagnostics["pretrend_p"] for seed in range(40)]
    assert max(parted) < 0.05
    assert sum(p < 0.05 for p in alike) <= 6


def test_intervals_hold_the_true_effect_about_95_times_in_100():
    found = [iv_did(people(seed), "work", TWO_WAY, receipt="service").ci for seed in range(100)]
    assert 0.89 <= sum(low <= EFFECT <= high for low, high in found) / 100 <= 0.99


# ---- the wild cluster bootstrap ------------------------------------------------------------------


def wild_p(frame, **options):
    return did(frame, "work", SIMPLE, wild=Wild(np.random.default_rng(7), **options)).diagnostics["wild_p"]


def test_all_sign_patterns_are_taken_once_where_draws_allow_and_nothing_is_random():
    frame = people(3, 300, offices=8)
    drawn = [did(frame, "work", SIMPLE, wild=Wild(np.random.default_rng(seed), draws=256)) for seed in (1, 2)]
    first, second = (one.diagnostics["wild_p"] for one in drawn)
    assert first == second
    assert (first * 256) % 1 == 0
    assert first >= 2 / 256


@pytest.mark.parametrize("kind", ["rademacher", "webb"])
def test_with_many_clusters_the_bootstrap_agrees_with_the_t_test(kind):
    frame = people(5, 3000, offices=80, effect=0.0, shock=0.1)
    assert wild_p(frame, draws=4999, kind=kind) == pytest.approx(did(frame, "work", SIMPLE).p, abs=0.03)


def test_with_few_unequal_clusters_the_bootstrap_errs_less_often_than_the_t_test():
    size, draws = {"t": 0, "wild": 0}, 200
    for seed in range(draws):
        frame = people(seed, 200, offices=10, effect=0.0, shock=0.6)
        frame = frame[~frame["office"].isin(["office 01", "office 03"])]
        found = did(frame, "work", SIMPLE, wild=Wild(np.random.default_rng(seed), draws=256))
        size["t"] += found.p < 0.05
        size["wild"] += found.diagnostics["wild_p"] < 0.05
    assert size["wild"] < size["t"]
    assert 0.01 <= size["wild"] / draws <= 0.10


def test_a_bootstrap_of_unknown_kind_or_without_draws_is_refused(frame):
    for wrong in ({"kind": "mammen"}, {"draws": 1}):
        with pytest.raises(EstimationError, match="allowed: rademacher, webb"):
            wild_p(frame, **wrong)


# ---- warnings, and what must not matter ----------------------------------------------------------


def test_few_clusters_or_few_treated_ones_give_a_warning(frame):
    few = did(people(offices=12), "work", SIMPLE)
    assert few.warnings[0].startswith("Only 12 clusters (office), 6 of them treated")
    three = frame[frame["office"].isin(["office 01", "office 03", "office 05"]) | (frame["experiment"] == 0)]
    many = pd.concat([three, three.assign(office=three["office"] + "b", experiment=0)])
    assert did(many, "work", SIMPLE).warnings[0].startswith("Only 42 clusters (office), 3 of them treated")
    assert did(frame, "work", SIMPLE).warnings == ()


def test_one_cohort_before_the_experiment_gives_a_warning_and_no_test(frame):
    found = event_study(frame[frame["cohort"] >= "2018-2"], "work", TWO_WAY)
    assert "parallel trends cannot be looked at" in found.warnings[-1]
    assert "pretrend_p" not in found.diagnostics


def test_the_order_of_rows_does_not_matter_and_the_table_stays_as_it_was(frame):
    before, mixed = frame.copy(deep=True), frame.sample(frac=1, random_state=2)
    one, other = (iv_did(table, "work", TWO_WAY, receipt="service") for table in (frame, mixed))
    assert (other.estimate, other.se) == pytest.approx((one.estimate, one.se), rel=1e-8)
    event_study(frame, "work", TWO_WAY)
    pd.testing.assert_frame_equal(frame, before)


# ---- designs that have no honest answer ----------------------------------------------------------


def test_one_treated_cluster_is_refused_though_the_textbook_prints_its_standard_error():
    panel = pd.read_csv(data_dir() / "reference" / "did_organ_donations" / "input.csv")
    panel = panel.assign(
        california=(panel["state"] == "California").astype(int),
        later=panel["quarter"].isin(["Q32011", "Q42011", "Q12012"]).astype(int),
    )
    with pytest.raises(EstimationError, match="everyone with california = 1 is in one cluster"):
        did(panel, "rate", Design(treated="california", post="later", cluster="state"))


BAD = {
    "missing": (
        lambda d: d.assign(work=d["work"].mask(d.index == 11)),
        "'work': 1 of 800 values is missing, the first",
    ),
    "no office": (lambda d: d.drop(columns="office"), "there is no column 'office'"),
    "empty group": (
        lambda d: d[(d["experiment"] == 0) | (d["during"] == 0)],
        "0 people have experiment = 1 and during = 1",
    ),
    "office on both sides": (
        lambda d: d.assign(office=d["office"].replace("office 01", "office 02")),
        "office 'office 02' has people with experiment = 0 and people with experiment = 1",
    ),
    "cohort in both periods": (
        lambda d: d.assign(cohort=d["cohort"].replace("2019-2", "2018-2")),
        "cohort '2018-2' has people with during = 0 and people with during = 1",
    ),
    "control that follows": (lambda d: d.assign(age=d["experiment"]), "column 'age' follows from"),
    "one office": (
        lambda d: d.assign(office=d["experiment"]),
        "everyone with experiment = 1 is in one cluster (office)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(frame, name):
    change, message = BAD[name]
    with pytest.raises(EstimationError) as caught:
        did(change(frame), "work", replace(TWO_WAY, controls=["age"]))
    assert message in str(caught.value).split("\n")[0]
    assert "\n  " in str(caught.value)


def test_a_service_that_everyone_gets_throughout_is_refused(frame):
    with pytest.raises(EstimationError, match="'service' never varies"):
        iv_did(frame.assign(service=1.0), "work", TWO_WAY, receipt="service")


def test_event_studies_that_cannot_be_are_refused(frame):
    with pytest.raises(EstimationError, match="an event study needs cohorts"):
        event_study(frame, "work", SIMPLE)
    with pytest.raises(EstimationError, match="'2019-2' is no cohort from before the experiment"):
        event_study(frame, "work", TWO_WAY, reference="2019-2")
    with pytest.raises(EstimationError, match="cohort '2017-2' has no people on one side"):
        event_study(frame[(frame["cohort"] != "2017-2") | (frame["experiment"] == 1)], "work", TWO_WAY)
    few = people(offices=4)
    halves = few.assign(cohort=few["cohort"] + few["sex"])
    with pytest.raises(EstimationError, match="7 cohorts before the experiment cannot be tested together with 4 clust"):
        event_study(halves, "work", replace(SIMPLE, cohort="cohort"))
