"""Entropy balancing (methods B6): exact moments, closed forms, and what cannot be balanced; see ``entropy_lalonde``."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watwerkt.errors import EstimationError
from watwerkt.estimate.balancing import Balance, Targets, entropy_balance, targets_of
from watwerkt.paths import data_dir
from watwerkt.published import published

REACHED = 1e-8  # absolute for shares, relative to the spread for other moments: what the method promises
SAME = 1e-9  # relative: one solution, found in two ways

SEX = {"male": 0.45, "female": 0.55}
AGE = {"young": 0.2, "middle": 0.5, "old": 0.3}


def respondents(n=400, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "sex": rng.choice(["male", "female"], n, p=[0.3, 0.7]),
            "age": rng.choice(["young", "middle", "old"], n, p=[0.1, 0.4, 0.5]),
            "days": rng.gamma(2.0, 100.0, n),
            "arm": rng.choice(["experiment", "control"], n),
            "design": rng.uniform(0.5, 2.0, n),
        }
    )


@pytest.fixture(scope="module")
def people():
    return respondents()


# ---- what the weights reach ----------------------------------------------------------------------


def test_shares_means_and_variances_equal_their_targets(people):
    targets = Targets({"sex": SEX, "age": AGE}, {"days": 180.0}, {"days": 14_000.0})
    balance = entropy_balance(people, targets, base="design")
    w = balance.weights
    assert w.min() > 0 and w.sum() == pytest.approx(1, abs=1e-12)
    for column, shares in targets.shares.items():
        for category, share in shares.items():
            assert w[people[column] == category].sum() == pytest.approx(share, abs=REACHED)
    assert w @ people["days"] == pytest.approx(180, rel=REACHED)
    assert w @ (people["days"] - 180) ** 2 == pytest.approx(14_000, rel=REACHED)
    assert balance.table["after"].to_numpy() == pytest.approx(balance.table["target"].to_numpy(), rel=REACHED)
    assert len(balance.table) == 7 and len(balance.names) == 5


def test_one_margin_is_poststratification(people):
    balance = entropy_balance(people, Targets({"age": AGE}))
    observed = people["age"].map(people["age"].value_counts())
    assert balance.weights == pytest.approx((people["age"].map(AGE) / observed).to_numpy(), rel=SAME)


def test_two_margins_are_raking(people):
    balance = entropy_balance(people, Targets({"sex": SEX, "age": AGE}), base="design")
    w = people["design"].to_numpy() / people["design"].sum()
    for _ in range(200):
        for column, shares in (("sex", SEX), ("age", AGE)):
            w = (
                w
                * (
                    people[column].map(shares) / people[column].map(pd.Series(w).groupby(people[column]).sum())
                ).to_numpy()
            )
    assert balance.weights == pytest.approx(w, rel=SAME)


def test_targets_that_hold_already_leave_the_base_weights_alone(people):
    targets = targets_of(people, shares=["sex"], means=["days"], variances=["days"], weights="design")
    balance = entropy_balance(people, targets, base="design")
    assert balance.weights == pytest.approx(balance.base, rel=SAME)
    flat = entropy_balance(people, targets_of(people, shares=["age"]))
    assert (flat.effective_n, flat.design_effect) == pytest.approx((400, 1), rel=SAME)
    assert flat.warnings == ()


def test_the_log_of_the_weight_ratio_is_linear_in_the_moments_with_the_dual_as_slopes(people):
    balance = entropy_balance(people, Targets({"sex": SEX}, {"days": 180.0}), base="design")
    power = np.log(balance.weights / balance.base) - balance.moments @ balance.dual
    assert np.ptp(power) < 1e-9


def test_no_other_weights_with_these_moments_are_nearer_in_entropy(people):
    balance = entropy_balance(people, Targets({"sex": SEX, "age": AGE}))
    rng = np.random.default_rng(2)
    design = np.column_stack([np.ones(balance.n), balance.moments])
    entropy = np.sum(balance.weights * np.log(balance.weights))
    for _ in range(20):
        shift = rng.normal(size=balance.n)
        shift -= design @ np.linalg.lstsq(design, shift, rcond=None)[0]
        other = balance.weights + shift * 0.5 * balance.weights.min() / np.abs(shift).max()
        assert np.sum(other * np.log(other)) > entropy


def test_the_order_of_rows_and_the_unit_of_a_column_do_not_matter(people):
    targets = Targets({"sex": SEX}, {"days": 180.0}, {"days": 14_000.0})
    balance = entropy_balance(people, targets)
    turned = entropy_balance(people.iloc[::-1], targets)
    months = entropy_balance(
        people.assign(days=people["days"] / 30), Targets({"sex": SEX}, {"days": 6.0}, {"days": 14_000 / 900})
    )
    assert turned.weights[::-1] == pytest.approx(balance.weights, rel=SAME)
    assert months.weights == pytest.approx(balance.weights, rel=SAME)


def test_a_target_given_twice_changes_nothing(people):
    female = (people["sex"] == "female").astype(float)
    once = entropy_balance(people, Targets({"sex": SEX}, {"days": 180.0}))
    twice = entropy_balance(people.assign(female=female), Targets({"sex": SEX}, {"days": 180.0, "female": 0.55}))
    assert twice.weights == pytest.approx(once.weights, rel=SAME)


def test_groups_are_balanced_as_if_alone_and_keep_their_share(people):
    other = Targets({"sex": {"male": 0.4, "female": 0.6}}, {"days": 190.0})
    targets = {"experiment": Targets({"sex": SEX, "age": AGE}), "control": other}
    balance = entropy_balance(people, targets, by="arm", base="design")
    for name in targets:
        inside = (people["arm"] == name).to_numpy()
        alone = entropy_balance(people[inside], targets[name], base="design")
        assert balance.weights[inside] == pytest.approx(alone.weights * inside.mean(), rel=SAME)
    assert balance.moments.T @ balance.weights == pytest.approx(np.zeros(len(balance.names)), abs=1e-8)
    assert list(balance.summary()["n"]) == [int((people["arm"] == name).sum()) for name in balance.summary()["group"]]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.2, 5.0), min_size=30, max_size=30), st.integers(0, 1000))
def test_moments_of_any_positive_weights_can_be_reached(raw, seed):
    frame = respondents(30, seed).assign(wanted=raw)
    if frame["sex"].nunique() < 2 or frame["age"].nunique() < 2:
        return
    targets = targets_of(frame, shares=["sex", "age"], means=["days"], weights="wanted")
    balance = entropy_balance(frame, targets)
    assert np.abs(balance.weights @ balance.moments).max() <= REACHED * np.abs(balance.moments).max()


def test_effective_n_is_kishs_and_a_heavy_respondent_is_named():
    frame = pd.DataFrame({"sex": ["male"] * 2 + ["female"] * 98})
    balance = entropy_balance(frame, Targets({"sex": {"male": 0.5, "female": 0.5}}))
    assert balance.effective_n == pytest.approx(1 / (2 * 0.25**2 + 98 * (0.5 / 98) ** 2), rel=SAME)
    assert balance.largest_share == pytest.approx(0.25, rel=SAME)
    assert "count for 7.8" in balance.warnings[0] and "25.0% of the total weight" in balance.warnings[1]


def test_costly_weights_are_named_before_they_are_too_few(people):
    balance = entropy_balance(people, Targets({"age": {"young": 0.7, "middle": 0.2, "old": 0.1}}))
    assert 30 < balance.effective_n < 200
    assert balance.warnings[0].startswith("Weighting is costly: the 400 respondents count for")


def test_the_moments_of_the_nsw_treated_are_the_published_ones():
    treated = pd.read_csv(data_dir() / "reference" / "entropy_lalonde" / "nsw_treated.csv")
    found = targets_of(treated, means=["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]).means
    printed = [25.816, 10.346, 0.843, 0.059, 0.189, 0.708]
    assert list(found.values())[:6] == pytest.approx(printed, abs=0.0005)
    assert [found["re74"], found["re75"]] == pytest.approx([2095.57, 1532.06], abs=0.005)


def test_rounded_margins_of_the_survey_table_are_scaled_and_reached():
    cells = published("wga", "T2.3").where(population="all", arm="experiment")
    shares: dict[str, dict[str, float]] = {}
    for cell in cells:
        shares.setdefault(cell.dimension, {})[cell.category] = cell.number
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({name: rng.choice(list(wanted), 600) for name, wanted in shares.items()})
    balance = entropy_balance(frame, Targets(shares))
    off = {name: sum(wanted.values()) for name, wanted in shares.items() if abs(sum(wanted.values()) - 1) > 1e-9}
    assert len(off) == sum("were scaled to 1" in sentence for sentence in balance.warnings) > 0
    for column, wanted in shares.items():
        reached = pd.Series(balance.weights).groupby(frame[column]).sum()
        assert reached.to_dict() == pytest.approx({k: v / sum(wanted.values()) for k, v in wanted.items()}, abs=REACHED)


def test_data_and_weights_stay_as_they_were(people):
    before = people.copy(deep=True)
    balance = entropy_balance(people, Targets({"sex": SEX}))
    pd.testing.assert_frame_equal(people, before)
    with pytest.raises(ValueError, match="read-only"):
        balance.weights[0] = 0.0
    assert isinstance(balance, Balance)


# ---- what cannot be balanced ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (Targets({"sex": {"male": 0.4, "female": 0.5, "other": 0.1}}), r"'sex: other'.*no respondent is in it"),
        (Targets({"sex": {"male": 1.0, "female": 0.0}}), r"'sex: female'.*its target is 0"),
        (Targets({"sex": {"male": 1.0}}), r"respondents in 'female', which has no target share"),
        (Targets(means={"days": 5_000.0}), r"'days: mean'.*not inside the respondents' range"),
        (Targets(means={"days": 180.0}, variances={"days": 1e9}), r"'days: variance'.*not inside"),
        (Targets({"sex": {"male": 0.4, "female": 0.5}}), r"shares of 'sex' add up to 0.9"),
        (Targets({"sex": {"male": 45, "female": 55}}), r"shares of 'sex' add up to 100"),
        (Targets({"sex": {"male": -0.1, "female": 1.1}}), r"or one is negative"),
        (Targets(variances={"days": 10.0}), r"variance of 'days' needs its mean"),
        (Targets(means={"days": float("nan")}), r"not a finite number"),
        (Targets(means={"days": 1.0}, variances={"days": -1.0}), r"target variance is negative"),
        (Targets({"region": SEX}), r"no column 'region'"),
        (Targets(means={"sex": 0.5}), r"'sex' is no number"),
        (Targets(), r"no targets"),
    ],
)
def test_a_target_out_of_reach_is_named(people, targets, message):
    with pytest.raises(EstimationError, match=message):
        entropy_balance(people, targets)


def test_targets_that_exclude_each_other_are_named_with_the_nearest_that_can_be_reached():
    frame = pd.DataFrame({"x": [0.0, 1.0, 0.0, 0.5], "y": [0.0, 0.0, 1.0, 0.2]})
    with pytest.raises(EstimationError, match=r"all targets together.*mean stays 0\.\d+ too (low|high)"):
        entropy_balance(frame, Targets(means={"x": 0.8, "y": 0.8}))


def test_two_columns_that_say_the_same_with_different_targets_are_refused(people):
    frame = people.assign(again=people["sex"])
    with pytest.raises(EstimationError, match="all targets together"):
        entropy_balance(frame, Targets({"sex": SEX, "again": {"male": 0.6, "female": 0.4}}))


def test_targets_that_leave_someone_without_weight_are_refused():
    frame = pd.DataFrame({"x": [0.0, 1.0, 0.0, 0.2], "y": [0.0, 1.0, 1.0, 0.9]})
    with pytest.raises(EstimationError, match="leave some respondents no weight"):
        entropy_balance(frame, Targets(means={"x": 0.5, "y": 0.5}))


def test_a_group_of_one_is_refused(people):
    with pytest.raises(EstimationError, match="group of one"):
        entropy_balance(people.head(1), Targets({"sex": {people["sex"].iloc[0]: 1.0}}))


def test_nobody_is_refused(people):
    with pytest.raises(EstimationError, match="no one in the table"):
        entropy_balance(people.head(0), Targets({"sex": SEX}))
    with pytest.raises(EstimationError, match="no one in the table"):
        targets_of(people.head(0), means=["days"])


def test_missing_values_are_refused_by_column_and_row(people):
    frame = people.copy()
    frame.loc[7, "sex"] = None
    with pytest.raises(EstimationError, match=r"column 'sex': 1 of 400.*row 7"):
        entropy_balance(frame, Targets({"sex": SEX}))
    with pytest.raises(EstimationError, match=r"column 'days': 400 of 400 values are missing"):
        entropy_balance(people.assign(days=np.nan), Targets(means={"days": 1.0}))


def test_base_weights_that_are_not_positive_are_refused(people):
    with pytest.raises(EstimationError, match=r"'design': the weight in row 3 is not positive"):
        entropy_balance(
            people.assign(design=people["design"].where(people.index != 3, 0.0)), Targets({"sex": SEX}), base="design"
        )


@pytest.mark.parametrize("targets", [Targets({"sex": SEX}), {"experiment": Targets({"sex": SEX})}])
def test_groups_without_targets_of_their_own_are_refused(people, targets):
    with pytest.raises(EstimationError, match="one Targets for each of control, experiment"):
        entropy_balance(people, targets, by="arm")


def test_targets_per_group_without_the_groups_column_are_refused(people):
    with pytest.raises(EstimationError, match="need the column of the group"):
        entropy_balance(people, {"experiment": Targets({"sex": SEX})})
