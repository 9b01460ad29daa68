"""The experiment with intensive services: sizes, follow-up, hazards and first stages, worked again by hand."""

import csv
import datetime as dt
import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
from linearmodels.iv import IV2SLS
from watwerkt.designs import design
from watwerkt.designs import intensive as plan
from watwerkt.errors import CodeError, PublishedDataError
from watwerkt.paths import data_dir
from watwerkt.published import published
from watwerkt.uncertainty import Estimate, Range

SAME_FORMULA = 1e-10  # relative
ROUNDING = 0.002  # relative: what one printed decimal of a percentage can do to its standard error
DELTA = 0.02  # relative: 2SLS counts the spread of take-up, the approximation does not
ONE_DAY = 1 / 252  # of the entry window

ARMS = ("intensive", "basic")
GROUPS = ("nonwestern", "none")


@pytest.fixture(scope="module")
def cells():
    return published("intensive")


@cache
def printed(table: str, key: str) -> float:
    """A printed number, read from the file and not through the library."""
    with (data_dir() / "published" / "intensive" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        (found,) = [row["value"] for row in csv.DictReader(file) if row["cell"] == key]
    return float(found)


# ---- sizes ---------------------------------------------------------------------------------------


def test_the_sizes_of_the_groups_are_those_of_table_2_4():
    sizes = {(group, arm): plan.group_size(group, "all", "all", arm) for group in GROUPS for arm in ARMS}
    assert {key: (size.low, size.high) for key, size in sizes.items()} == {
        ("nonwestern", "intensive"): (644, 644),
        ("nonwestern", "basic"): (679, 679),
        ("none", "intensive"): (3517, 3517),
        ("none", "basic"): (3483, 3483),
    }


@pytest.mark.parametrize("arm", ARMS)
def test_the_derived_share_of_men_is_the_one_that_table_3_1_prints(arm):
    """Table 3.1 prints it without decimals, and only for people with a non-western background: 53% and 58%."""
    told = printed("T3.1", f"nonwestern.male.{arm}.composition.share")
    assert plan.first_share("nonwestern", "sex", arm).meet(Range((told - 0.5) / 100, (told + 0.5) / 100)) is not None


@pytest.mark.parametrize(("group", "dimension"), [("nonwestern", "sex"), ("nonwestern", "generation"), ("none", "sex")])
@pytest.mark.parametrize("arm", ARMS)
def test_two_parts_of_a_group_make_the_whole(group, dimension, arm):
    first, second = (plan.group_size(group, dimension, part, arm) for part in plan.PARTS[dimension])
    whole = plan.group_size(group, "all", "all", arm).low
    assert first.low + second.high == pytest.approx(whole, rel=SAME_FORMULA)
    assert first.high + second.low == pytest.approx(whole, rel=SAME_FORMULA)
    assert first.high - first.low < 0.03 * whole, "the share is not known well enough to stand for a size"


def test_a_part_without_known_size_is_refused():
    with pytest.raises(PublishedDataError, match=r"no size is known for sex = unknown\.\n  known: male, female"):
        plan.group_size("nonwestern", "sex", "unknown", "basic")


def test_levels_that_fit_no_mix_of_the_parts_are_reported_with_group_and_tables(data_copy):
    data_copy.set_cell("TII.1", "nonwestern.male.basic.exit_benefit.12.level", value="95.0")
    with pytest.raises(PublishedDataError) as caught:
        plan.first_share("nonwestern", "sex", "basic")
    message = str(caught.value)
    assert message.startswith("intensive, nonwestern by sex, basic: the printed levels allow no common share")
    assert "Appendix II" in message


# ---- follow-up -----------------------------------------------------------------------------------


@pytest.mark.parametrize("months", [6, 9, 12, 15])
def test_the_share_followed_is_the_share_of_entry_days_from_which_the_end_is_far_enough(months):
    start, end, last = dt.date(2012, 7, 23), dt.date(2013, 4, 1), dt.date(2014, 1, 1)
    days = [start + dt.timedelta(days=k) for k in range((end - start).days + 1)]
    benefit_begins = [day - dt.timedelta(weeks=13) for day in days]
    followed = [(last - begin).days >= months * 365.25 / 12 for begin in benefit_begins]
    found = plan.share_followed(months)
    assert found.low == pytest.approx(np.mean(followed), abs=ONE_DAY)
    assert found.high == 1.0


def test_everyone_is_followed_for_twelve_months_and_two_thirds_for_fifteen():
    assert plan.share_followed(12).low == 1.0
    assert plan.share_followed(15).low == pytest.approx(162 / 252, abs=ONE_DAY)


# ---- hazards and first stages --------------------------------------------------------------------


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("outcome", ["exit_benefit", "exit_job"])
def test_hazards_put_together_again_give_the_levels_of_table_3_2(group, arm, outcome):
    stay, gone = 1.0, 0.0
    for window, months in enumerate((6, 9, 12, 15), start=1):
        gone += stay * plan.hazard(group, outcome, window, arm)
        stay *= 1 - plan.hazard(group, "exit_benefit", window, arm)
        assert gone == pytest.approx(printed("T3.2", f"{group}.all.{arm}.{outcome}.{months}.level") / 100, abs=1e-9)


def test_a_level_that_falls_gives_a_hazard_of_nil_and_not_below(data_copy):
    data_copy.set_cell("T3.2", "none.all.intensive.exit_job.15.level", value="30.0")
    assert plan.hazard("none", "exit_job", 4, "intensive") == 0.0


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("window", "months"), [(1, 4), (2, 7), (3, 10), (4, 12)])
def test_take_up_is_the_difference_in_interviews_held_among_people_still_on_benefit(group, window, months):
    table, outcome = f"T2.{window + 5}", "interview_individual" if window == 1 else "interview_held"
    shares = [
        printed(table, f"{group}.all.{arm}.interview_{months}m.{outcome}.count")
        / printed(table, f"{group}.all.{arm}.interview_{months}m.people.count")
        for arm in ARMS
    ]
    assert plan.take_up(group, window) == pytest.approx(shares[0] - shares[1], rel=SAME_FORMULA)


def test_take_up_of_the_first_interviews_worked_by_hand():
    """510 of 592 people individually against none of 646; then 210 of 418 against 18 of 431 (Tables 2.6 and 2.7)."""
    assert plan.take_up("nonwestern", 1) == pytest.approx(510 / 592, rel=SAME_FORMULA)
    assert plan.take_up("nonwestern", 2) == pytest.approx(210 / 418 - 18 / 431, rel=SAME_FORMULA)


def test_interviews_per_person_count_all_forms_over_everyone_assigned():
    """(510 + 20) + 210 + 137 + 109 interviews among 644; (438 + 125) + 18 + 12 + 36 among 679 (Tables 2.4, 2.6–2.9)."""
    assert plan.interviews_per_person("nonwestern", "intensive") == pytest.approx(986 / 644, rel=SAME_FORMULA)
    assert plan.interviews_per_person("nonwestern", "basic") == pytest.approx(629 / 679, rel=SAME_FORMULA)


def two_stage_least_squares(assigned, took, left):
    """SE of 2SLS on people made up to have these (people, interviews, exits) per arm, exits apart from interviews."""
    people = []
    for arm, (n, interviews, exits) in enumerate(zip(assigned, took, left, strict=True)):
        d, y = np.arange(n) < interviews, np.random.default_rng(arm).permutation(n) < exits
        people.append(pd.DataFrame({"z": float(arm), "d": d.astype(float), "y": y.astype(float), "one": 1.0}))
    data = pd.concat(people, ignore_index=True)
    return IV2SLS(data["y"], data[["one"]], data[["d"]], data[["z"]]).fit(cov_type="robust").std_errors["d"]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("window", "months"), [(1, 4), (2, 7), (3, 10)])
@pytest.mark.parametrize("outcome", ["exit_job", "exit_benefit"])
def test_the_standard_error_of_an_interview_effect_is_near_that_of_two_stage_least_squares(
    group, window, months, outcome, cells
):
    arms = ("basic", "intensive")
    form = "interview_individual" if window == 1 else "interview_held"
    key = f"interview_{months}m"
    people = [int(printed(f"T2.{window + 5}", f"{group}.all.{arm}.{key}.people.count")) for arm in arms]
    took = [int(printed(f"T2.{window + 5}", f"{group}.all.{arm}.{key}.{form}.count")) for arm in arms]
    left = [round(n * plan.hazard(group, outcome, window, arm)) for n, arm in zip(people, arms, strict=True)]
    cell = cells.one(table="T3.5", population=group, service=key, outcome=outcome)
    ((basis, found),) = plan.se_sources(cell)
    assert (basis, found.low) == ("first_stage", 0.0)
    assert found.high == pytest.approx(two_stage_least_squares(people, took, left), rel=DELTA)


def hazard_by_hand(outcome, months, before, arm):
    """Exits between two horizons of Table 3.2, among people with a non-western background still on benefit."""
    left = [printed("T3.2", f"nonwestern.all.{arm}.{outcome}.{m}.level") / 100 for m in (before, months)]
    return (left[1] - left[0]) / (1 - printed("T3.2", f"nonwestern.all.{arm}.exit_benefit.{before}.level") / 100)


def test_interviews_taken_together_count_every_form_of_the_first_one(cells):
    """First stage of two interviews: (530/592 − 563/646) + (210/418 − 18/431) (Tables 2.6 and 2.7)."""
    cell = cells.one(table="T3.6", population="nonwestern", service="interviews_1_2", outcome="exit_job",
                     comparison="extra_interview")  # fmt: skip
    hazards = [hazard_by_hand("exit_job", 9, 6, arm) for arm in ARMS]
    se = math.sqrt(sum(h * (1 - h) / n for h, n in zip(hazards, (418, 431), strict=True)))
    first_stage = (530 / 592 - 563 / 646) + (210 / 418 - 18 / 431)
    assert plan.se_sources(cell)[0][1].high == pytest.approx(se / first_stage, rel=SAME_FORMULA)


def test_the_last_window_which_only_some_are_seen_through_counts_as_at_least_as_noisy_as_the_third(cells):
    """Exits to a job are rarer in the fourth window (0.071 and 0.075 against 0.093 and 0.091)."""
    cell = cells.one(table="T3.5", population="nonwestern", service="interview_12m", outcome="exit_job")
    third = [hazard_by_hand("exit_job", 12, 9, arm) for arm in ARMS]
    fourth = [hazard_by_hand("exit_job", 15, 12, arm) for arm in ARMS]
    assert max(fourth) < min(third)
    se = math.sqrt(sum(h * (1 - h) / n for h, n in zip(third, (202, 240), strict=True)))
    first_stage = 109 / 202 - 36 / 240
    assert plan.se_sources(cell)[0][1].high == pytest.approx(se / first_stage, rel=SAME_FORMULA)


def test_the_standard_error_of_the_net_effect_follows_from_those_of_the_four_interviews(cells):
    net = cells.one(table="T3.5", population="none", comparison="four_interviews_vs_group", outcome="exit_job")
    parts = [cells.one(table="T3.5", population="none", service=s, outcome="exit_job") for s in plan.INTERVIEWS]
    ses = np.array([plan.se_sources(part)[0][1].high for part in parts])
    stay = np.array([1 - plan.hazard("none", "exit_job", k, "basic") for k in (1, 2, 3, 4)])
    stay_with = stay - np.array([part.number for part in parts])
    slopes = stay_with.prod() / stay_with
    assert plan.se_sources(net)[0][1].high == pytest.approx(np.linalg.norm(slopes * ses), rel=SAME_FORMULA)


def test_the_effect_of_four_interviews_on_a_share_of_time_is_four_times_that_of_one(cells):
    four = cells.one(table="T4.1", population="nonwestern", outcome="fraction_job")
    one = cells.one(table="T3.7", population="nonwestern", dimension="all", outcome="fraction_job")
    assert plan.se_sources(four)[0][1].high == pytest.approx(4 * plan.se_sources(one)[0][1].high, rel=SAME_FORMULA)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("outcome", ["exit_job", "exit_benefit"])
def test_the_net_effect_of_four_interviews_recomputed_is_within_a_point_of_the_printed_one(group, outcome, cells):
    """The report adds up its own hazards, which it does not print; Table 3.2 gives them nearly."""
    parts = [
        Estimate(printed("T3.5", f"{group}.all.{comparison}.interview_{months}m.{outcome}.effect") / 100, Range(0, 0))
        for comparison, months in [("individual_vs_group", 4), *(("interview_vs_none", m) for m in (7, 10, 12))]
    ]
    told = printed("T3.5", f"{group}.all.four_interviews_vs_group.interviews_1_4.{outcome}.14.effect")
    assert 100 * plan.net_effect(parts, group, outcome).estimate == pytest.approx(told, abs=1.0)


# ---- what the design says of each effect ---------------------------------------------------------


def test_every_effect_has_the_source_that_its_outcome_and_comparison_allow(cells):
    found = {}
    for cell in cells.where(statistic=["effect", "cumulative_effect"]):
        sources = tuple(name for name, _ in plan.se_sources(cell))
        found.setdefault((cell.comparison, cell.outcome), set()).add((cell.dimension, sources))
    assert found["intensive_vs_basic", "exit_job"] == {
        ("all", ("counts",)), ("all", ("derived",)), ("sex", ("derived",)), ("generation", ("derived",)),
    }  # fmt: skip
    assert found["intensive_vs_basic", "fraction_job"] == {(d, ("bound",)) for d in ("all", "sex", "generation")}
    assert found["intensive_vs_basic", "reentry"] == {
        ("all", ()),
        ("all", ("derived",)),
        ("sex", ()),
        ("sex", ("derived",)),
    }
    assert found["intensive_vs_basic", "hourly_wage"] == {(d, ()) for d in ("all", "sex", "generation")}
    assert found["intensive_vs_basic", "number_of_jobs"] == {(d, ()) for d in ("all", "sex", "generation")}
    assert found["earlier_interviews", "exit_job"] == {("all", ())}
    assert found["interview_vs_none", "exit_job"] == {("all", ("first_stage",))}


@pytest.mark.parametrize("group", GROUPS)
def test_the_bound_on_a_share_of_time_is_the_spread_of_people_who_are_all_or_nothing(group, cells):
    cell = cells.one(table="T3.3", population=group, outcome="fraction_job", statistic="effect")
    levels = [printed("T3.3", f"{group}.all.{arm}.fraction_job.level") / 100 for arm in ARMS]
    sizes = [printed("T2.4", f"{group}.all.{arm}.people.count") for arm in ARMS]
    ((basis, found),) = plan.se_sources(cell)
    worst = math.sqrt(sum(m * (1 - m) / n for m, n in zip(levels, sizes, strict=True)))
    assert (basis, found.low) == ("bound", 0.0)
    assert found.high == pytest.approx(worst, rel=ROUNDING)
    assert found.high >= worst


def test_the_sizes_behind_job_quality_run_from_those_who_left_for_a_job_to_everyone(cells):
    cell = cells.one(table="T3.4", population="nonwestern", outcome="permanent_contract", statistic="effect")
    levels = [printed("T3.4", f"nonwestern.all.{arm}.permanent_contract.level") / 100 for arm in ARMS]
    everyone = [printed("T2.4", f"nonwestern.all.{arm}.people.count") for arm in ARMS]
    working = [
        n * printed("T3.2", f"nonwestern.all.{arm}.exit_job.12.level") / 100
        for n, arm in zip(everyone, ARMS, strict=True)
    ]

    def se(sizes):
        return math.sqrt(sum(p * (1 - p) / n for p, n in zip(levels, sizes, strict=True)))

    ((basis, found),) = plan.se_sources(cell)
    assert basis == "derived"
    assert (found.low, found.high) == pytest.approx((se(everyone), se(working)), rel=2 * ROUNDING)


def test_a_level_has_no_standard_error_of_an_effect(cells):
    assert plan.se_sources(cells.one(table="T3.3", population="none", arm="basic", outcome="fraction_job")) == []


def test_the_design_of_a_study_is_found_by_its_slug():
    assert design("intensive") is plan
    with pytest.raises(CodeError, match=r"no design is known for the study 'extensive'\.\n  known: intensive"):
        design("extensive")


def test_corrected_counts_and_not_misprinted_ones_are_used():
    assert plan.held("nonwestern", 2, "all") == 228
