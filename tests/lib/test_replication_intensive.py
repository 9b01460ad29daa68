"""Published cells of the experiment with intensive services from microdata: by hand and against statsmodels."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from watwerkt.errors import CodeError
from watwerkt.published import published
from watwerkt.replication import intensive as replication
from watwerkt.replication.intensive_outcomes import by_job, by_person, windows
from watwerkt.synthetic import intensive as synthetic

SAME = 1e-9  # the same arithmetic in another order

TABLES = ("T3.2", "T3.3", "T3.4", "T3.5", "T3.6", "T3.7", *(f"TII.{n}" for n in range(1, 8)))


@pytest.fixture(scope="module")
def tables():
    return synthetic.generate(np.random.default_rng(11))


@pytest.fixture(scope="module")
def women(tables):
    return replication.group(tables, "none", "sex", "female").set_index("cell")


def person(number: int, arm: str, followed: int, exit_day: int | None = None, kind: str | None = None) -> dict:
    return {
        "person": number, "arm": arm, "population": "none", "sex": "male", "generation": None, "age": "35-44",
        "household": "cohabiting", "office": "almelo", "followed_days": followed, "exit_day": exit_day,
        "exit_kind": kind, "reentry": False,
    }  # fmt: skip


def spell(number: int, kind: str, start: int, end: int | None, permanent: bool | None = None) -> dict:
    quality = (0.5, 12.0) if kind == "job" else (None, None)
    return dict(zip(SPELLS, (number, kind, start, end, permanent, *quality), strict=True))


SPELLS = ("person", "kind", "start_day", "end_day", "permanent", "part_time_factor", "hourly_wage")


@pytest.fixture
def three():
    """Followed for 291, 491 and 391 days, so observed for 200, 400 and 300 from day 91."""
    persons = pd.DataFrame(
        [person(1, "intensive", 291, 191, "job"), person(2, "basic", 491, 456, "other"), person(3, "basic", 391)]
    ).astype({"exit_day": "Int64"})
    spells = [
        spell(1, "benefit", 0, 191),
        spell(1, "job", 171, 211, False),  # beside the benefit for 20 days
        spell(1, "job", 201, None, True),  # beside the first job for 10 days, and still running
        spell(2, "benefit", 0, 456),
        spell(3, "benefit", 0, None),
        spell(3, "job", 41, 141, True),  # began before the observation: 50 of its days are seen
        spell(3, "job", 20, 60, True),  # ended before it: not seen at all
    ]
    frame = pd.DataFrame(spells).astype({"end_day": "Int64", "permanent": "boolean"})
    frame = frame.assign(spell=frame.groupby("person").cumcount() + 1)
    held = [(1, "interview_4m", 100, "interview_individual", True), (2, "interview_4m", 95, "interview_group", True),
            (2, "interview_7m", 180, "interview_individual", True), (3, "interview_7m", None, None, False)]  # fmt: skip
    interviews = pd.DataFrame(held, columns=["person", "kind", "day", "form", "held"]).astype({"day": "Int64"})
    return {"persons": persons, "interviews": interviews, "spells": frame}


# ---- outcomes by hand ----------------------------------------------------------------------------


def test_fractions_count_each_day_once_and_benefit_and_job_may_overlap(three):
    found = by_person(three)
    assert found.loc[1, "fraction_benefit"] == pytest.approx(100 / 200)
    assert found.loc[1, "fraction_job"] == pytest.approx(120 / 200)  # days 171 to 290, the ten in two jobs once
    assert found.loc[1, "fraction_other"] == pytest.approx(0)
    assert found.loc[2, "fraction_other"] == pytest.approx(35 / 400)
    assert found.loc[3, ["fraction_benefit", "fraction_job", "fraction_other"]].tolist() == pytest.approx([1, 1 / 6, 0])


def test_exits_count_up_to_the_day_and_at_15_months_only_for_people_followed_longer(three):
    found = by_person(three)
    assert found["exit_benefit_9"].tolist() == [1, 0, 0]
    assert found["exit_job_9"].tolist() == [1, 0, 0]
    assert found.loc[2, "exit_benefit_12"] == 0
    assert found.loc[2, "exit_benefit_15"] == 1  # on day 456 itself
    assert found.loc[2, "exit_job_15"] == 0
    assert found.loc[[1, 3], "exit_benefit_15"].isna().all()


def test_the_first_job_is_the_earliest_seen_and_lasts_as_long_as_it_is_seen(three):
    found = by_person(three)
    assert found.loc[1, ["permanent_contract", "first_job_length", "number_of_jobs"]].tolist() == [0, 40, 2]
    assert found.loc[3, ["permanent_contract", "first_job_length", "number_of_jobs"]].tolist() == [1, 50, 1]
    assert found.loc[2, ["permanent_contract", "first_job_length", "number_of_jobs"]].isna().all()
    assert by_job(three)["person"].tolist() == [1, 1, 3]


def test_a_group_meeting_is_an_interview_but_no_individual_one(three):
    found = by_person(three)
    assert found["had_1"].tolist() == [1, 0, 0]
    assert found["had_2"].tolist() == [0, 1, 0]
    assert found["interviews"].tolist() == [1, 2, 0]


def test_the_tables_that_come_in_are_left_as_they_are(three):
    before = {name: table.copy() for name, table in three.items()}
    by_person(three), by_job(three), replication.counts(three), replication.group(three, "none")
    for name, table in three.items():
        pd.testing.assert_frame_equal(table, before[name])


# ---- estimates -----------------------------------------------------------------------------------


def test_a_level_and_an_effect_of_exits_have_the_standard_error_of_proportions(women):
    """Unpooled, with n − 1 in each arm for a level; HC1 for the difference differs by n / (n − 2)."""
    level = {arm: women.loc[f"none.female.{arm}.exit_job.12.level"] for arm in ("intensive", "basic")}
    variance = {arm: row["recomputed"] * (1 - row["recomputed"]) / row["n"] for arm, row in level.items()}
    for arm, row in level.items():
        assert row["se"] == pytest.approx(math.sqrt(variance[arm] * row["n"] / (row["n"] - 1)), rel=SAME)
        assert row["recomputed"] == pytest.approx(row[f"events_{arm}"] / row[f"n_{arm}"], rel=SAME)
    effect = women.loc["none.female.intensive_vs_basic.exit_job.12.effect"]
    gap = level["intensive"]["recomputed"] - level["basic"]["recomputed"]
    hc1 = math.sqrt(sum(variance.values()) * effect["n"] / (effect["n"] - 2))
    assert (effect["recomputed"], effect["se"]) == pytest.approx((gap, hc1), rel=SAME)


def test_means_over_jobs_are_clustered_by_person(tables, women):
    jobs = by_job(tables).query("population == 'none' and sex == 'female'")
    fit = smf.ols("hourly_wage ~ assigned", jobs).fit(cov_type="cluster", cov_kwds={"groups": jobs["person"]})
    effect = women.loc["none.female.intensive_vs_basic.hourly_wage.effect"]
    assert effect["recomputed"] == pytest.approx(fit.params["assigned"], rel=SAME)
    assert effect["se"] == pytest.approx(fit.bse["assigned"], rel=SAME)
    arm = jobs[jobs["arm"] == "basic"]
    mean = smf.ols("hourly_wage ~ 1", arm).fit(cov_type="cluster", cov_kwds={"groups": arm["person"]})
    level = women.loc["none.female.basic.hourly_wage.level"]
    assert level["recomputed"] == pytest.approx(mean.params["Intercept"], rel=SAME)
    assert level["se"] == pytest.approx(mean.bse["Intercept"], rel=SAME)
    assert level["n"] == arm["person"].nunique() < len(arm)


def test_the_effect_of_an_interview_is_the_ratio_of_two_differences(tables, women):
    people = by_person(tables).query("population == 'none' and sex == 'female'")
    start, end = windows()[2]
    at_risk = people[~(people["exit_day"] <= start).fillna(False)]
    left = (at_risk["exit_day"] <= end).fillna(False).astype(float)
    means = at_risk.assign(left=left).groupby("arm")[["left", "had_3"]].mean()
    ratio = (means["left"]["intensive"] - means["left"]["basic"]) / (
        means["had_3"]["intensive"] - means["had_3"]["basic"]
    )
    row = women.loc["none.female.interview_vs_none.interview_10m.exit_benefit.effect"]
    assert row["recomputed"] == pytest.approx(ratio, rel=1e-8)
    assert (row["n"], row["events_basic"]) == (len(at_risk), left[at_risk["arm"] == "basic"].sum())


def test_the_fourth_window_ends_a_little_after_14_months_and_later_exits_do_not_count(tables):
    assert windows()[-1] == (344, 435)
    persons = tables["persons"]
    late = persons["exit_day"] > 435
    stayed = persons.assign(
        exit_day=persons["exit_day"].mask(late), exit_kind=persons["exit_kind"].mask(late.fillna(False))
    )
    pattern = "four_interviews_vs_group.interviews_1_4.exit_benefit"
    found = [replication.group({**tables, "persons": frame}, "nonwestern") for frame in (persons, stayed)]
    one, two = (frame[frame["cell"].str.contains(pattern)]["recomputed"].iloc[0] for frame in found)
    assert one == pytest.approx(two, rel=SAME)


def test_controls_move_the_effect_a_little_and_make_it_more_precise(tables):
    cell = "nonwestern.all.intensive_vs_basic.fraction_benefit.effect"
    plain, controlled = (
        replication.group(tables, "nonwestern", controls=controls).set_index("cell").loc[cell]
        for controls in ((), ("age",))
    )
    assert controlled["se"] < plain["se"]
    assert 0 < abs(controlled["recomputed"] - plain["recomputed"]) < plain["se"]


def test_a_warning_stands_with_the_window_that_it_names_and_with_the_net_effect(tables):
    """Some 140 people: too few for a strong first stage in the last window."""
    few = {name: table[table["person"] <= 1_500] for name, table in tables.items()}
    found = replication.group(few, "western").query("outcome == 'exit_job'").set_index("cell")["warnings"]
    last = "western.all.interview_vs_none.interview_12m.exit_job.effect"
    assert "interview_12m: Weak instrument" in found[last]
    assert (
        "interview_12m: Weak instrument"
        in found[last.replace("interview_vs_none.interview_12m", replication.NET).replace(".effect", ".14.effect")]
    )
    assert "interview_12m" not in found[last.replace("12m", "7m")]


# ---- cells ---------------------------------------------------------------------------------------


def test_every_effect_and_level_that_the_report_prints_has_one_row(tables):
    found = replication.groups(tables)
    keys = found[["table", "cell"]].apply(tuple, axis=1)
    wanted = {(cell.table, cell.cell) for cell in published("intensive", *TABLES, "T4.1")}
    assert wanted <= set(keys)
    assert keys[keys.isin(wanted)].is_unique
    assert (found["why"] == "").all()


def test_every_printed_count_and_share_has_a_row_with_what_is_counted(tables):
    found = replication.counts(tables).set_index(["table", "cell"])
    assert len(found) == len(published("intensive", "T2.4", "T2.6", "T2.7", "T2.8", "T2.9", "T3.1").printed)
    row = found.loc["T2.7", "nonwestern.all.interview_7m.interview_held.count"]
    assert (row["recomputed"], row["n"], row["events_basic"], row["events_intensive"]) == (228, 849, 18, 210)
    assert found.loc[("T3.1", "all.none.basic.composition.share"), "recomputed"] == pytest.approx(3483 / 4617)


@pytest.mark.parametrize("group", [("western",), ("all", "age", "45_over"), ("nonwestern", "office", "rotterdam")])
def test_groups_that_the_report_does_not_print_work_and_belong_to_no_table(tables, group):
    found = replication.group(tables, *group)
    assert set(found["table"]) == {""}
    assert found["recomputed"].notna().all()


def test_a_group_without_people_says_why_there_is_no_number(tables):
    found = replication.group(tables, "none", "generation", "first")
    assert found["recomputed"].isna().all()
    assert found["why"].ne("").all()
    assert found["n"].eq(0).all()


@pytest.mark.parametrize(
    ("group", "allowed"),
    [
        (("no_nonwestern",), "nonwestern"),
        (("none", "education", "higher"), "household"),
        (("none", "sex", "men"), "male"),
    ],
)
def test_an_unknown_group_is_refused_with_what_is_allowed(tables, group, allowed):
    with pytest.raises(CodeError, match=allowed):
        replication.group(tables, *group)
