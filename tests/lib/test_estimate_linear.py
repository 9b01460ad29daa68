"""Least squares, ITT, LATE and two-stage least squares (methods B1, B2) against formulas, statsmodels and textbooks."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from linearmodels.datasets import mroz
from watwerkt.errors import EstimationError
from watwerkt.estimate.equation import covariance, equation, regress
from watwerkt.estimate.linear import anderson_rubin, itt, iv, late, ols
from watwerkt.paths import data_dir

SAME = 1e-9  # relative: one formula, two ways through floating point
EFFECT = 0.2


def people(seed=1, n=300, *, offices=40, strength=0.6):
    """People assigned by chance, of whom ``strength`` more take the service; those who take it are fitter."""
    rng = np.random.default_rng(seed)
    fitness = rng.normal(size=n)
    assigned = rng.integers(0, 2, n).astype(float)
    service = (rng.random(n) < 0.1 + strength * assigned + 0.2 * (fitness > 0)).astype(float)
    office = rng.integers(0, offices, n)
    return pd.DataFrame(
        {
            "assigned": assigned,
            "service": service,
            "work": EFFECT * service + 0.3 * fitness + 0.3 * rng.normal(size=n),
            "job": (rng.random(n) < 0.3 + 0.2 * service).astype(float),
            "age": rng.normal(40, 10, n),
            "sex": rng.choice(["female", "male"], n),
            "education": rng.choice(["high", "low", "middle"], n),
            "office": [f"office {place}" for place in office],
            "weight": rng.uniform(0.5, 2, n),
        }
    )


@pytest.fixture(scope="module")
def frame():
    return people()


# ---- what the estimates are ----------------------------------------------------------------------


def test_itt_without_controls_is_the_difference_in_means_with_hc1_variance(frame):
    found, arms = itt(frame, "job", assigned="assigned"), frame.groupby("assigned")["job"]
    n = len(frame)
    variance = n / (n - 2) * sum(arms.var(ddof=0) / arms.size())
    assert found.estimate == pytest.approx(arms.mean()[1] - arms.mean()[0], rel=SAME)
    assert found.se == pytest.approx(math.sqrt(variance), rel=SAME)
    assert found.df == n - 2
    assert found.diagnostics["mean_not_assigned"] == pytest.approx(arms.mean()[0], rel=SAME)
    assert (found.diagnostics["n_assigned"], found.diagnostics["n_not_assigned"]) == (arms.size()[1], arms.size()[0])


def test_itt_with_weights_gives_the_weighted_level_of_the_control_arm(frame):
    found = itt(frame, "job", assigned="assigned", weights="weight")
    control = frame[frame["assigned"] == 0]
    assert found.diagnostics["mean_not_assigned"] == pytest.approx(
        np.average(control["job"], weights=control["weight"]), rel=SAME
    )
    assert found.of("constant").estimate == pytest.approx(found.diagnostics["mean_not_assigned"], rel=SAME)


@given(seed=st.integers(0, 10**6), n=st.integers(30, 120))
def test_late_without_controls_is_the_wald_ratio(seed, n):
    frame = people(seed, n)
    means = frame.groupby("assigned")[["work", "service"]].mean()
    gaps = means.loc[1.0] - means.loc[0.0]
    found = late(frame, "work", receipt="service", assigned="assigned")
    assert found.estimate == pytest.approx(gaps["work"] / gaps["service"], rel=1e-7)
    assert found.diagnostics["first_stage"] == pytest.approx(gaps["service"], rel=1e-7)


def test_with_full_compliance_the_late_is_the_itt_and_the_first_stage_has_no_end(frame):
    frame = frame.assign(service=frame["assigned"])
    found = late(frame, "work", receipt="service", assigned="assigned")
    whole = itt(frame, "work", assigned="assigned")
    assert (found.estimate, found.se) == pytest.approx((whole.estimate, whole.se), rel=SAME)
    assert found.diagnostics["first_stage_f"] == math.inf
    assert found.warnings == ()


@pytest.mark.parametrize("cluster", [None, "office"])
def test_coefficients_and_variances_are_those_of_statsmodels(frame, cluster):
    found = ols(frame, "work", of=["service", "age"], controls=["education"], cluster=cluster)
    x = pd.get_dummies(frame["education"], dtype=float)[["low", "middle"]].assign(
        service=frame["service"], age=frame["age"]
    )
    kinds = {"cov_type": "cluster", "cov_kwds": {"groups": pd.factorize(frame["office"])[0]}}
    fit = sm.OLS(frame["work"], sm.add_constant(x)).fit(**(kinds if cluster else {"cov_type": "HC1"}), use_t=True)
    for ours, theirs in (("service", "service"), ("age", "age"), ("education=low", "low"), ("constant", "const")):
        one = found.of(ours)
        assert (one.estimate, one.se) == pytest.approx((fit.params[theirs], fit.bse[theirs]), rel=1e-7)


def test_the_influence_of_people_adds_up_to_the_covariance_of_linearmodels(frame):
    for cluster, weights in ((None, None), ("office", None), ("office", "weight")):
        found = equation(
            frame, "work", endogenous=["service"], instruments=["assigned"], controls=["sex"], cluster=cluster,
            weights=weights,
        )  # fmt: skip
        fit = regress(found)
        codes = None if cluster is None else found.cluster.to_numpy()
        assert covariance(fit.influence, codes) == pytest.approx(fit.vcov, rel=1e-8, abs=1e-12)


def test_wooldridge_example_15_5_comes_out_as_printed():
    women = mroz.load().dropna(subset=["lwage"])
    found = iv(
        women, "lwage", endogenous="educ", instruments=["motheduc", "fatheduc"], controls=["exper", "expersq"],
        variance="classical",
    )  # fmt: skip
    printed = {"educ": (0.061, 0.031), "exper": (0.044, 0.013), "constant": (0.048, 0.400)}
    assert found.n == 428
    for name, numbers in printed.items():
        assert (found.of(name).estimate, found.of(name).se) == pytest.approx(numbers, abs=5e-4)


def test_the_organ_donation_effect_comes_out_as_the_textbook_prints_it():
    panel = pd.read_csv(data_dir() / "reference" / "did_organ_donations" / "input.csv")
    found = ols(panel, "rate", of="california_later", controls=["state", "quarter"], cluster="state")
    assert found.estimate == pytest.approx(-0.022, abs=5e-4)


# ---- what must not matter ------------------------------------------------------------------------


def everything(frame, **options):
    """Every statistic of an estimate that uses controls, weights and clusters."""
    found = late(
        frame, "work", receipt="service", assigned="assigned", controls=["age", "sex", "education"],
        weights="weight", cluster="office", **options,
    )  # fmt: skip
    return [found.of("service").estimate, found.se, found.p, found.diagnostics["first_stage_f"]]


def test_the_order_and_the_labels_of_rows_do_not_matter(frame):
    mixed = frame.sample(frac=1, random_state=3)
    assert everything(mixed) == pytest.approx(everything(frame), rel=1e-8)
    assert everything(mixed.set_axis([7] * len(mixed))) == pytest.approx(everything(frame), rel=1e-8)


def test_the_scale_of_weights_and_the_base_of_a_category_do_not_matter(frame):
    other = frame.assign(weight=frame["weight"] * 1000)
    assert everything(other, bases={"education": "middle"}) == pytest.approx(everything(frame), rel=1e-8)
    assert itt(frame.assign(weight=3.0), "job", assigned="assigned", weights="weight").se == pytest.approx(
        itt(frame, "job", assigned="assigned").se, rel=SAME
    )


def test_kinds_of_columns_do_not_matter(frame):
    other = frame.assign(
        assigned=frame["assigned"].astype(bool),
        service=frame["service"].astype("Int64"),
        sex=frame["sex"].astype("category"),
        education=frame["education"].astype(object),
    )
    assert everything(other) == pytest.approx(everything(frame), rel=SAME)


def test_the_table_stays_as_it_was(frame):
    before = frame.copy(deep=True)
    everything(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_a_named_base_category_is_the_one_left_out(frame):
    found = itt(frame, "work", assigned="assigned", controls=["education"], bases={"education": "middle"})
    assert found.names == ("constant", "assigned", "education=high", "education=low")
    assert itt(frame, "work", assigned="assigned", controls=["education"]).names[-2:] == (
        "education=low",
        "education=middle",
    )


# ---- how often intervals hold the truth ----------------------------------------------------------


def test_late_intervals_hold_the_true_effect_about_95_times_in_100():
    held = 0
    for seed in range(200):
        low, high = late(people(seed), "work", receipt="service", assigned="assigned").ci
        held += low <= EFFECT <= high
    assert 0.92 <= held / 200 <= 0.98


def test_anderson_rubin_sets_hold_the_true_effect_with_a_weak_instrument_and_say_so():
    sets, weak = [], 0
    for seed in range(150):
        frame = people(seed, 150, strength=0.12)
        sets.append(anderson_rubin(frame, "work", endogenous="service", instrument="assigned"))
        weak += bool(late(frame, "work", receipt="service", assigned="assigned").warnings)
    assert 0.915 <= sum(EFFECT in one for one in sets) / 150 <= 0.985
    assert {one.kind for one in sets} == {"interval", "rays", "line"}
    assert weak > 110


def test_clustered_intervals_hold_the_truth_where_others_do_not():
    held = {"office": 0, None: 0}
    for seed in range(150):
        rng, frame = np.random.default_rng(seed), people(seed, 400)
        treated = {place: rng.integers(0, 2) for place in frame["office"].unique()}
        shock = {place: rng.normal() for place in frame["office"].unique()}
        frame["assigned"] = frame["office"].map(treated).astype(float)
        frame["work"] = EFFECT * frame["assigned"] + frame["office"].map(shock) + rng.normal(size=400)
        for cluster in held:
            low, high = itt(frame, "work", assigned="assigned", cluster=cluster).ci
            held[cluster] += low <= EFFECT <= high
    assert 0.91 <= held["office"] / 150 <= 0.985
    assert held[None] / 150 < 0.7


# ---- warnings ------------------------------------------------------------------------------------


def test_a_weak_instrument_gives_its_f_and_the_set_that_holds():
    frame = people(0, 150, strength=0.05)
    found = late(frame, "work", receipt="service", assigned="assigned")
    f = found.diagnostics["first_stage_f"]
    assert f < 10
    assert f"F = {f:.1f}" in found.warnings[0]
    assert str(anderson_rubin(frame, "work", endogenous="service", instrument="assigned")) in found.warnings[1]
    assert late(people(), "work", receipt="service", assigned="assigned").warnings == ()


def test_two_columns_moved_by_one_direction_are_seen_though_each_first_stage_is_strong():
    rng = np.random.default_rng(4)
    frame = people(4, 500).assign(nearly=lambda d: d["assigned"] + 0.5 * rng.normal(size=500))
    moved = frame["assigned"] + frame["nearly"]
    frame = frame.assign(one=moved + rng.normal(size=500), two=moved + rng.normal(size=500))
    found = iv(frame, "work", endogenous=["one", "two"], instruments=["assigned", "nearly"])
    assert min(found.diagnostics["first_stage_f[one]"], found.diagnostics["first_stage_f[two]"]) > 100
    assert found.diagnostics["cragg_donald_f"] < 10
    assert "Weak instrument" in found.warnings[0]


def test_few_clusters_give_a_warning_and_enough_do_not():
    few = itt(people(offices=12), "work", assigned="assigned", cluster="office")
    assert (few.df, few.diagnostics["clusters"]) == (11, 12)
    assert few.warnings[0].startswith("Only 12 clusters (office)")
    enough = itt(people(), "work", assigned="assigned", cluster="office")
    assert enough.variance == "clustered by office"
    assert enough.warnings == ()


def test_an_arm_in_which_nobody_differs_gives_a_warning(frame):
    found = itt(frame.assign(job=frame["job"] * frame["assigned"]), "job", assigned="assigned")
    assert found.warnings == (
        "Everyone with assigned = 0 has job = 0: their variance counts as nil, so the interval is too narrow.",
    )


# ---- input that has no honest answer -------------------------------------------------------------


def broken(column, row, value):
    def change(frame):
        return frame.assign(**{column: frame[column].astype(object).mask(frame.index == row, value)}).infer_objects()

    return change


def one_assigned(frame):
    return frame.assign(assigned=(frame.index == 5).astype(float))


BAD = {
    "missing number": (broken("age", 17, None), "column 'age': 1 of 300 values is missing, the first in row 17"),
    "missing category": (broken("sex", 3, None), "column 'sex': 1 of 300 values is missing, the first in row 3"),
    "missing cluster": (broken("office", 9, None), "column 'office': 1 of 300 values is missing, the first in row 9"),
    "infinite": (broken("work", 2, np.inf), "column 'work': 1 of 300 values is not finite, the first in row 2"),
    "no such column": (lambda d: d.drop(columns="age"), "there is no column 'age' in the table"),
    "two columns": (lambda d: pd.concat([d, d["age"]], axis=1), "there are 2 columns 'age'"),
    "arm of one": (one_assigned, "column 'assigned': one person has 1, of 300 people"),
    "empty arm": (lambda d: d.assign(assigned=0.0), "column 'assigned': nobody has 1, of 300 people"),
    "third arm": (broken("assigned", 4, 2.0), "column 'assigned' holds 2.0 in row 4; allowed: 0 and 1"),
    "arm as text": (lambda d: d.assign(assigned="yes"), "column 'assigned' holds 'yes' in row 0; allowed: 0 and 1"),
    "zero events": (lambda d: d.assign(work=0.0), "column 'work' never varies: it is 0 for all 300 people"),
    "outcome as text": (lambda d: d.assign(work="much"), "column 'work' is no number: its first value is 'much'"),
    "one category": (lambda d: d.assign(sex="male"), "column 'sex' never varies: all 300 people are 'male'"),
    "a date": (lambda d: d.assign(age=pd.Timestamp("2020-01-01")), "column 'age' holds dates"),
    "collinear": (
        lambda d: d.assign(age=2 * d["assigned"] + 1),
        "column 'age' follows from 'constant', 'assigned': their effects cannot be told apart",
    ),
    "outcome in other words": (lambda d: d.assign(work=2 * d["age"] + d["assigned"]), "'work' follows without rest"),
    "weight of nil": (broken("weight", 8, 0.0), "weights 'weight': 0 in row 8; allowed: numbers above 0"),
    "one cluster": (lambda d: d.assign(office="here"), "everyone is in one cluster, office = 'here'"),
    "one treated cluster": (
        lambda d: d.assign(assigned=(d["office"] == "office 1").astype(float)),
        "everyone with assigned = 1 is in one cluster",
    ),
    "too few": (lambda d: d.iloc[[0, 1, 2, 3, 4]].assign(assigned=[0, 1, 0, 1, 0]), "5 people are too few"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(frame, name):
    change, message = BAD[name]
    with pytest.raises(EstimationError) as caught:
        itt(
            change(frame), "work", assigned="assigned", controls=["age", "sex", "education"], weights="weight",
            cluster="office",
        )  # fmt: skip
    first, *rest = str(caught.value).split("\n")
    assert message in first
    assert rest
    assert all(line.startswith("  ") for line in rest)


def test_an_instrument_that_moves_nothing_is_refused(frame):
    even = pd.concat([frame.assign(assigned=value) for value in (0.0, 1.0)], ignore_index=True)
    with pytest.raises(EstimationError, match="'assigned' does not move 'service' beyond what the controls say"):
        late(even, "work", receipt="service", assigned="assigned")


def test_receipt_that_never_varies_is_refused(frame):
    with pytest.raises(EstimationError, match="column 'service' never varies"):
        late(frame.assign(service=1.0), "work", receipt="service", assigned="assigned")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"instruments": ["assigned"]}, "1 instruments cannot tell apart 2 endogenous columns: service, age"),
        ({"instruments": ["assigned", "service"]}, "column 'service' has two roles"),
        ({"instruments": ["assigned", "weight"], "variance": "HC3"}, "there is no variance 'HC3'"),
        ({"instruments": ["assigned", "weight"], "variance": "classical", "cluster": "office"}, "has no clusters"),
        ({"instruments": ["assigned", "weight"], "bases": {"sex": "male"}}, "a base is given for 'sex'"),
        ({"instruments": ["assigned", "weight"], "controls": ["sex"], "bases": {"sex": "x"}}, "base category 'x'"),
    ],
)
def test_equations_that_cannot_be_are_refused(frame, options, message):
    with pytest.raises(EstimationError, match=message):
        iv(frame, "work", endogenous=["service", "age"], **options)
