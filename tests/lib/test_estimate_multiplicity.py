"""Romano–Wolf step-down (methods B9): brute force, error rate, power, and bad input; see the kit ``stepdown``."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from watwerkt.errors import EstimationError
from watwerkt.estimate import multiplicity
from watwerkt.estimate.multiplicity import Family, family, romano_wolf, step_down
from watwerkt.pooling import adjusted

SAME = 1e-9  # relative: one formula, computed in two ways

statistics = st.floats(0, 5).map(lambda value: round(value, 1))


def experiment(n=120, *, outcomes=3, effect=0.0, shared=0.8, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "assigned": rng.permutation(np.resize([0, 1], n)),
            "sex": np.resize(["male", "female", "female"], n),
            "office": np.repeat(["north", "south"], [n // 3, n - n // 3]),
        }
    )
    common = rng.normal(size=n)
    for place in range(outcomes):
        noise = np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=n)
        frame[f"y{place}"] = noise + effect * frame["assigned"]
    return frame


def hypotheses(frame, **options):
    outcomes = [name for name in frame if name.startswith("y")]
    return family(frame, assigned="assigned", outcomes=outcomes, subgroups=["sex"], **options)


# ---- effects -------------------------------------------------------------------------------------


def test_effects_are_differences_in_means_with_unequal_variances():
    frame = experiment()
    found = romano_wolf(hypotheses(frame), rng=np.random.default_rng(2), draws=9).tidy()
    assert list(found["subgroup"].unique()) == ["all", "sex: female", "sex: male"]
    for row in found.to_dict("records"):
        inside = frame if row["subgroup"] == "all" else frame[frame["sex"] == row["subgroup"].removeprefix("sex: ")]
        arms = [inside.loc[inside["assigned"] == arm, row["outcome"]] for arm in (1, 0)]
        assert row["estimate"] == pytest.approx(arms[0].mean() - arms[1].mean(), rel=1e-8)
        assert row["se"] == pytest.approx(np.sqrt(sum(arm.var() / len(arm) for arm in arms)), rel=1e-8)


def test_strata_with_other_shares_assigned_do_not_bias_the_effect():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"office": np.repeat(["north", "south"], 2000)})
    frame["assigned"] = np.concatenate(
        [rng.permutation(np.resize([1, 1, 1, 0], 2000)), rng.permutation(np.resize([1, 0, 0, 0], 2000))]
    )
    frame["y0"] = 5.0 * (frame["office"] == "north") + 1.0 * frame["assigned"] + rng.normal(size=4000)
    naive = romano_wolf(family(frame, assigned="assigned", outcomes=["y0"]), rng=rng, draws=9)
    strata = romano_wolf(family(frame, assigned="assigned", outcomes=["y0"], strata="office"), rng=rng, draws=9)
    assert naive.effects[0] > 3
    assert strata.effects[0] == pytest.approx(1.0, abs=4 * strata.ses[0])


def test_strata_with_one_share_assigned_give_the_plain_effect():
    frame = experiment(120).assign(office=np.resize(["a", "a", "b", "b"], 120), assigned=np.resize([0, 1], 120))
    plain, strata = hypotheses(frame), hypotheses(frame, strata="office")
    given = frame["assigned"].to_numpy(float)[None, :], np.ones((1, 120))
    assert strata.statistics(*given)[0] == pytest.approx(plain.statistics(*given)[0], rel=SAME)
    assert strata.statistics(*given)[1] == pytest.approx(plain.statistics(*given)[1], rel=SAME)


def test_a_constant_added_to_an_outcome_changes_no_effect_and_no_standard_error():
    frame = experiment()
    plain = romano_wolf(hypotheses(frame), rng=np.random.default_rng(2), draws=99)
    moved = romano_wolf(hypotheses(frame.assign(y0=frame["y0"] + 1e6)), rng=np.random.default_rng(2), draws=99)
    assert moved.effects == pytest.approx(plain.effects, rel=1e-6)
    assert moved.ses == pytest.approx(plain.ses, rel=1e-6)
    assert (moved.p_adjusted == plain.p_adjusted).all()


# ---- step-down -----------------------------------------------------------------------------------


@given(arrays(float, 4, elements=statistics), arrays(float, (19, 4), elements=statistics))
def test_step_down_is_the_algorithm_of_the_paper_written_out(observed, drawn):
    p, stepped = step_down(observed, drawn)
    left, before = list(np.argsort(-observed, kind="stable")), 0.0
    while left:
        top = left[0]
        count = sum(max(row[j] for j in left) >= observed[top] for row in drawn)
        before = max(before, (1 + count) / 20)
        assert stepped[top] == pytest.approx(before, rel=SAME)
        assert p[top] == pytest.approx((1 + sum(row[top] >= observed[top] for row in drawn)) / 20, rel=SAME)
        left = left[1:]


@given(arrays(float, 5, elements=statistics), arrays(float, (19, 5), elements=statistics))
def test_adjusted_p_values_keep_the_order_of_the_statistics_and_are_never_smaller_than_the_plain(observed, drawn):
    p, stepped = step_down(observed, drawn)
    order = np.argsort(-observed, kind="stable")
    assert (np.diff(stepped[order]) >= 0).all()
    assert (stepped >= p).all() and stepped.max() <= 1


def test_one_hypothesis_needs_no_adjustment():
    frame = experiment(outcomes=1, effect=0.3)
    for resampling in ("permutation", "bootstrap"):
        single = family(frame, assigned="assigned", outcomes=["y0"])
        found = romano_wolf(single, rng=np.random.default_rng(4), resampling=resampling, draws=199)
        assert found.p_adjusted == found.p
        assert 1 / 200 <= found.p[0] < 1


def test_the_same_outcome_twice_costs_nothing():
    frame = experiment(outcomes=1, effect=0.7)
    twice = family(frame.assign(y1=frame["y0"]), assigned="assigned", outcomes=["y0", "y1"])
    found = romano_wolf(twice, rng=np.random.default_rng(4), draws=199)
    assert found.p_adjusted == pytest.approx(found.p, abs=1e-12)
    assert adjusted(found.p)[0] == pytest.approx(2 * found.p[0], rel=SAME)


def test_a_permutation_p_value_is_near_the_t_tests():
    frame = experiment(400, outcomes=1, effect=0.2)
    found = romano_wolf(family(frame, assigned="assigned", outcomes=["y0"]), rng=np.random.default_rng(4), draws=1999)
    arms = [frame.loc[frame["assigned"] == arm, "y0"] for arm in (1, 0)]
    assert found.p[0] == pytest.approx(stats.ttest_ind(*arms, equal_var=False).pvalue, abs=0.03)


@pytest.mark.parametrize("resampling", ["permutation", "bootstrap"])
def test_under_the_null_one_family_in_twenty_has_a_false_rejection(resampling):
    rng, families, false = np.random.default_rng(5), 300, 0
    for seed in range(families):
        found = romano_wolf(hypotheses(experiment(90, seed=seed)), rng=rng, resampling=resampling, draws=99)
        false += bool((found.p_adjusted <= 0.05).any())
    assert 0.02 <= false / families <= 0.085  # 99.9% of binomial counts at 5%, and a little for the bootstrap


def test_dependent_tests_have_more_power_than_holm_gives():
    rng, found = np.random.default_rng(6), []
    for seed in range(20):
        frame = experiment(120, outcomes=6, effect=0.5, shared=0.95, seed=seed)
        rows = romano_wolf(hypotheses(frame), rng=rng, draws=499).tidy()
        found.append([(rows[name] <= 0.05).mean() for name in ("p_romano_wolf", "p_holm")])
    romano, holm = np.mean(found, axis=0)
    assert romano > 1.15 * holm > 0.1


# ---- draws ---------------------------------------------------------------------------------------


def test_permutations_keep_how_many_are_assigned_in_each_stratum_and_bootstraps_each_cell():
    made = hypotheses(experiment(), strata="office")
    cells = made.strata * 2 + made.assigned.astype(int)
    for assignments, counts in multiplicity._permutations(made, 20, np.random.default_rng(7)):
        assert (counts == 1).all()
        for row in assignments:
            assert (np.bincount(made.strata, row) == np.bincount(made.strata, made.assigned)).all()
        assert len(np.unique(assignments, axis=0)) == 20
    for assignments, counts in multiplicity._resamples(made, 20, np.random.default_rng(7)):
        assert (assignments == made.assigned).all()
        for row in counts:
            assert (np.bincount(cells, row) == np.bincount(cells)).all()


def test_every_assignment_within_a_stratum_is_as_likely():
    frame = pd.DataFrame({"assigned": [0, 1, 0, 1], "y0": [1.0, 2.0, 4.0, 7.0]})
    made = family(frame, assigned="assigned", outcomes=["y0"])
    drawn = np.concatenate([block for block, _ in multiplicity._permutations(made, 6000, np.random.default_rng(8))])
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == 6 and stats.chisquare(counts).pvalue > 0.001


def test_a_seed_gives_the_same_p_values_whatever_the_size_of_a_block(monkeypatch):
    made = hypotheses(experiment(effect=0.3))
    found = [romano_wolf(made, rng=np.random.default_rng(9), draws=50)]
    monkeypatch.setattr(multiplicity, "_AT_ONCE", 900)
    found.append(romano_wolf(made, rng=np.random.default_rng(9), draws=50))
    assert (found[0].p_adjusted == found[1].p_adjusted).all() and found[0].draws == found[1].draws == 50


def test_statistics_of_ones_own_take_the_place_of_differences_in_means():
    frame = experiment(effect=0.6, outcomes=1)
    y = frame["y0"].to_numpy()

    def slopes(assignments, counts):
        gap = assignments - 0.5
        return (2 * (gap * counts) @ y / len(y))[:, None] * 2, np.ones((len(assignments), 1))

    own = Family(("all",), ("y0",), frame["assigned"].to_numpy(float), np.zeros(len(y), int), slopes)
    plain = family(frame, assigned="assigned", outcomes=["y0"])
    found = [romano_wolf(one, rng=np.random.default_rng(10), draws=199) for one in (own, plain)]
    assert found[0].effects == pytest.approx(found[1].effects, rel=SAME)
    assert found[0].p == pytest.approx(found[1].p, abs=0.02)


def test_draws_in_which_a_small_subgroup_has_no_variance_count_against_rejection_and_are_said():
    frame = experiment(60, outcomes=1).assign(sex=["rare"] * 4 + ["other"] * 56, assigned=np.resize([0, 1], 60))
    found = romano_wolf(hypotheses(frame), rng=np.random.default_rng(11), draws=199)
    assert any("of the draws say nothing of y0 in sex: rare" in sentence for sentence in found.warnings)
    rare = found.tidy().set_index("subgroup").loc["sex: rare"]
    assert rare["p"] > 0.3


def test_a_draw_that_gives_no_statistic_counts_as_the_most_extreme():
    def statistics(assignments, counts):
        known = (assignments == [1, 1, 0, 0]).all(axis=1)
        return np.where(known, 9.0, np.nan)[:, None], np.ones((len(assignments), 1))

    made = Family(("all",), ("y0",), np.array([1.0, 1.0, 0.0, 0.0]), np.zeros(4, int), statistics)
    found = romano_wolf(made, rng=np.random.default_rng(11), draws=99)
    assert found.effects[0] == 9 and found.p[0] == found.p_adjusted[0] == 1


def test_too_few_draws_for_holm_are_said():
    found = romano_wolf(hypotheses(experiment()), rng=np.random.default_rng(12), draws=99)
    assert any("With 99 draws of 9 hypotheses" in sentence for sentence in found.warnings)
    assert romano_wolf(hypotheses(experiment()), rng=np.random.default_rng(12), draws=199).warnings == ()


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y0": np.nan}, r"'y0': 120 of 120 values are missing"),
        ({"y0": 1.0}, r"'y0' never varies"),
        ({"y0": "text"}, r"'y0' is no number"),
        ({"assigned": 1}, r"nobody has 0"),
        ({"assigned": np.resize([0, 1, 2], 120)}, r"'assigned' holds .*2"),
        ({"sex": ["alone"] + ["other"] * 119}, r"'sex: alone' has [01] people who were .*group of one"),
        ({"office": [f"o{place}" for place in range(120)]}, r"stratum has people in one arm only"),
    ],
)
def test_people_from_whom_nothing_follows_are_refused(change, message):
    with pytest.raises(EstimationError, match=message):
        hypotheses(experiment().assign(**change), strata="office")


def test_an_outcome_that_never_varies_in_a_subgroup_is_named():
    frame = experiment()
    with pytest.raises(EstimationError, match=r"'y0' never varies in either arm of subgroup 'sex: male'"):
        hypotheses(frame.assign(y0=frame["y0"].where(frame["sex"] == "female", 0.0)))


def test_nothing_to_test_is_refused():
    frame = experiment()
    for data, outcomes in ((frame.head(0), ["y0"]), (frame, [])):
        with pytest.raises(EstimationError, match="needs people, outcomes, and subgroups"):
            family(data, assigned="assigned", outcomes=outcomes)
    with pytest.raises(EstimationError, match="needs people, outcomes, and subgroups"):
        family(frame, assigned="assigned", outcomes=["y0"], everyone=False)


@pytest.mark.parametrize("options", [{"resampling": "jackknife"}, {"draws": 0}])
def test_draws_that_cannot_be_made_are_refused(options):
    with pytest.raises(EstimationError, match="allowed: 1 or more of permutation, bootstrap"):
        romano_wolf(hypotheses(experiment()), rng=np.random.default_rng(1), **options)
