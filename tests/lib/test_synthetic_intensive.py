"""Synthetic microdata of the experiment with intensive services: calibrated, consistent, of known effects."""

import time

import numpy as np
import pandas as pd
import pytest
from watwerkt.errors import MicrodataError
from watwerkt.estimate.linear import itt, late
from watwerkt.microdata import store
from watwerkt.published import published
from watwerkt.replication import intensive as replication
from watwerkt.replication.intensive_outcomes import HORIZON_DAYS, by_person, starts, windows
from watwerkt.synthetic import intensive as synthetic
from watwerkt.synthetic.whole import quota, whole

PEOPLE = 9_237
SECONDS = 20.0  # of processor time, for the whole experiment
DRAWS = 40
FAR = 4.0  # standard errors of a mean over draws: one comparison in 16,000 goes beyond by chance

# The largest difference from a published number, by unit and table. It is what whole people, rounded shares and rounded
# levels that do not quite agree leave: half a percentage point of a printed whole percentage; a person or two of the
# smallest groups for contracts, and for the fourth interview, where a person in one arm is 1.3 points. Reached over
# twelve other seeds: 0.08 points in Table 3.2, 0.06 in 3.3, 2.0 in 3.5; 0.35 in Appendix II; first jobs 3.4 days.
BOUNDS = {
    "count": {None: 0.0},
    "pct": {"T3.2": 0.0015, "T3.3": 0.001, "TII.1": 0.0025, "TII.2": 0.0015, "TII.3": 0.0005, "TII.5": 0.0035,
            "TII.6": 0.001, "T3.4": 0.005, "TII.4": 0.008, "TII.7": 0.008, None: 0.0055},
    "pp": {"T3.2": 0.0015, "T3.3": 0.001, "T3.5": 0.025, "TII.1": 0.004, "TII.2": 0.002, "TII.3": 0.0015,
           "TII.5": 0.004, "TII.6": 0.0015, None: 0.013},
    "days": {None: 4.0},
    "jobs": {None: 0.02},
    "factor": {None: 0.006},
    "eur_per_hour": {None: 0.025},
}  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    return synthetic.generate(np.random.default_rng(2013))


@pytest.fixture(scope="module")
def compared(tables):
    found = synthetic.targets().merge(synthetic.margins(tables), on=["table", "cell"], validate="one_to_one")
    return found.assign(off=(found["synthetic"] - found["published"]).abs())


@pytest.fixture(scope="module")
def draws():
    rng = np.random.default_rng(7)
    return [by_person(synthetic.generate(rng, exact=False)) for _ in range(DRAWS)]


@pytest.fixture(scope="module")
def truth():
    return synthetic.truth().set_index("quantity")["value"]


# ---- form ----------------------------------------------------------------------------------------


def test_the_tables_fit_the_schema_that_real_files_must_fit(tables, tmp_path):
    saved = store.save(tables, tmp_path, "intensive", origin="synthetic")
    assert {name: len(saved[name]) for name in saved.tables} == {name: len(table) for name, table in tables.items()}


def test_independent_draws_fit_the_schema_too(tmp_path):
    drawn = synthetic.generate(np.random.default_rng(3), people=500, exact=False)
    store.save(drawn, tmp_path, "intensive", origin="synthetic")
    assert len(drawn["persons"]) == 500


def test_the_same_seed_gives_the_same_people_and_another_seed_others(tables):
    again, other = (synthetic.generate(np.random.default_rng(seed)) for seed in (2013, 2014))
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, again[name])
        assert not table.equals(other[name])


def test_the_whole_experiment_takes_seconds():
    begin = time.process_time()
    synthetic.generate(np.random.default_rng(5))
    assert time.process_time() - begin < SECONDS


@pytest.mark.parametrize("people", [1_000, 3_001])
def test_a_smaller_experiment_has_the_people_asked_for(people):
    persons = synthetic.generate(np.random.default_rng(1), people=people)["persons"]
    assert len(persons) == people
    assert (persons["arm"] == "basic").mean() == pytest.approx(4_617 / PEOPLE, abs=1 / people)


def test_too_few_people_for_quotas_are_refused_with_what_is_allowed():
    with pytest.raises(MicrodataError, match=r"999 people are too few.*\n.*at least 1,000"):
        synthetic.generate(np.random.default_rng(1), people=999)


# ---- calibration ---------------------------------------------------------------------------------


def bound(table: str, unit: str) -> float:
    return BOUNDS[unit].get(table, BOUNDS[unit][None])


def test_every_published_cell_is_met_within_the_bound_of_its_table(compared):
    assert len(compared) > 600
    assert compared["synthetic"].notna().all()
    off = compared[[row.off > bound(row.table, row.unit) + 1e-9 for row in compared.itertuples()]]
    assert off.empty, off.to_string()


@pytest.mark.parametrize("table", ["T3.2", "T3.3", "TII.1", "TII.2", "TII.3", "TII.5", "TII.6"])
def test_most_levels_are_what_the_report_prints_to_the_last_decimal(compared, table):
    """A median difference within the rounding: the bounds alone would let a shift of every level pass."""
    levels = compared[(compared["table"] == table) & compared["cell"].str.endswith(".level")]
    assert levels["off"].median() <= 0.0005


def test_people_interviews_and_sizes_are_counted_as_published(tables):
    """Counted here without the library's replication."""
    persons = tables["persons"]
    sizes = persons.groupby(["population", "arm"]).size()
    assert sizes["nonwestern", "intensive"] == 644
    assert sizes["none", "basic"] == 3_483
    due = tables["interviews"].merge(persons, on="person")
    seventh = due[(due["kind"] == "interview_7m") & (due["population"] == "nonwestern") & (due["arm"] == "intensive")]
    assert (len(seventh), seventh["held"].sum()) == (418, 210)


def test_exits_are_counted_as_published(tables):
    """Non-western background, intensive: 64.6% out of benefit and 28.0% in a job within a year (Table 3.2)."""
    group = tables["persons"].query("population == 'nonwestern' and arm == 'intensive'")
    year = (group["exit_day"] <= HORIZON_DAYS[12]).fillna(False)
    assert year.mean() == pytest.approx(0.646, abs=1 / 644)
    assert (year & (group["exit_kind"] == "job")).mean() == pytest.approx(0.280, abs=1 / 644)


def test_fewer_have_left_for_a_job_at_15_months_than_at_12_where_the_report_says_so(compared):
    """Men without a migration background: 38.5% at 12 months, 36.5% of those followed for 15."""
    level = compared.set_index("cell")["synthetic"]
    assert level["none.male.intensive.exit_job.12.level"] > level["none.male.intensive.exit_job.15.level"]


def test_the_net_effects_follow_from_those_of_single_interviews(tables):
    """They are no targets: that they come out within one and a half point says that the windows are the report's."""
    for population in ("nonwestern", "none"):
        found = replication.group(tables, population).query("table == 'T3.5' and horizon_months == 14")
        for row in found.itertuples():
            printed = published("intensive", "T3.5").one(cell=row.cell).number
            assert row.recomputed == pytest.approx(printed, abs=0.015), row.cell


def test_suppressed_cells_are_no_targets():
    hidden = {(cell.table, cell.cell) for cell in published("intensive") if cell.status == "suppressed"}
    assert hidden
    assert not hidden & set(synthetic.targets()[["table", "cell"]].itertuples(index=False, name=None))


# ---- consistency ---------------------------------------------------------------------------------


def test_who_leaves_for_a_job_starts_one_that_day_and_nobody_else_does(tables):
    persons = tables["persons"].set_index("person")
    jobs = tables["spells"].query("kind == 'job'")
    day = jobs["person"].map(persons["exit_day"])
    starting = set(jobs.loc[(jobs["start_day"] == day).fillna(False), "person"])
    assert set(persons.index[persons["exit_kind"] == "job"]) <= starting


def test_benefit_spells_tell_the_same_as_the_exit_and_the_return(tables):
    benefit = tables["spells"].query("kind == 'benefit'")
    first = benefit[benefit["start_day"] == 0].set_index("person")["end_day"]
    persons = tables["persons"].set_index("person")
    pd.testing.assert_series_equal(first, persons["exit_day"], check_names=False)
    again = benefit[benefit["start_day"] > 0]
    assert set(again["person"]) == set(persons.index[persons["reentry"]])
    assert (again["start_day"] > again["person"].map(persons["exit_day"])).all()


def test_spells_lie_within_the_days_followed_and_jobs_of_a_person_do_not_overlap(tables):
    spells = tables["spells"].merge(tables["persons"][["person", "followed_days"]], on="person")
    assert (spells["start_day"] < spells["followed_days"]).all()
    assert (spells["end_day"].dropna() < spells.loc[spells["end_day"].notna(), "followed_days"]).all()
    jobs = spells[spells["kind"] == "job"].sort_values(["person", "start_day"])
    before = jobs.groupby("person")["end_day"].shift()
    assert (jobs["start_day"] >= before).fillna(True).all()
    assert (jobs["start_day"] >= starts()[0]).all()


def test_interviews_are_due_only_to_people_on_benefit_within_their_window(tables):
    due = tables["interviews"].merge(tables["persons"], on="person")
    held = due[due["held"]]
    window = dict(zip(["interview_4m", "interview_7m", "interview_10m", "interview_12m"], windows(), strict=True))
    low, high = (held["kind"].map({kind: days[end] for kind, days in window.items()}) for end in (0, 1))
    assert ((held["day"] >= low) & (held["day"] < high)).all()
    assert (held["day"] < held["exit_day"]).fillna(True).all()
    assert due["day"].notna().equals(due["held"])
    opened = due["kind"].map({kind: days[0] for kind, days in window.items()})
    assert (due["exit_day"] > opened).fillna(True).all()


def test_people_without_the_interview_leave_as_the_basic_group_does(tables):
    """What the exclusion restriction asks of the seventh-month interview, with thousands of people to see it."""
    due = tables["interviews"].query("kind == 'interview_7m'").merge(tables["persons"], on="person")
    start, end = windows()[1]
    leaves = ((due["exit_day"] > start) & (due["exit_day"] <= end)).fillna(False)
    usual = leaves[due["arm"] == "basic"].mean()
    without = leaves[(due["arm"] == "intensive") & ~due["held"]]
    assert without.mean() == pytest.approx(usual, abs=2 / len(without) + 0.01)


def test_older_people_stay_longer_so_that_controls_explain_something(tables):
    persons = tables["persons"]
    stays = (persons["exit_day"].isna() | (persons["exit_day"] > 365)).groupby(persons["age"]).mean()
    assert stays["45_over"] > stays["35-44"] > stays["under_35"]


# ---- truth ---------------------------------------------------------------------------------------


def test_the_true_effects_are_the_published_ones(truth):
    found = synthetic.targets().set_index("cell").join(truth, how="inner")
    assert len(found) > 140
    points = found[found["unit"] == "pp"]
    off = (points["value"] - points["published"]).abs()
    assert off.max() < 0.007
    assert off.median() <= 0.0005


def test_independent_draws_centre_on_the_true_effects(draws, truth):
    wanted = {
        f"{population}.all.intensive_vs_basic.{outcome.replace('_1', '.1')}.effect": (population, outcome)
        for population in ("nonwestern", "none")
        for outcome in ("exit_benefit_12", "exit_job_15", "fraction_benefit", "fraction_job", "number_of_jobs")
    }
    for name, (population, outcome) in wanted.items():
        among = [draw[draw["population"] == population] for draw in draws]
        gaps = [g[g["assigned"] == 1][outcome].mean() - g[g["assigned"] == 0][outcome].mean() for g in among]
        assert abs(np.mean(gaps) - truth[name]) < FAR * np.std(gaps, ddof=1) / np.sqrt(DRAWS), name


def test_the_intervals_of_itt_hold_the_true_effect_about_as_often_as_they_say(draws, truth):
    """95% of 3 × 40: fewer than 104 would happen once in 1,000 times."""
    inside = 0
    for outcome in ("exit_benefit_12", "exit_job_12", "fraction_job"):
        value = truth[f"none.all.intensive_vs_basic.{outcome.replace('_12', '.12')}.effect"]
        for draw in draws:
            low, high = itt(draw[draw["population"] == "none"], outcome, assigned="assigned").ci
            inside += low <= value <= high
    assert 104 <= inside <= 120


def test_the_effect_of_an_interview_is_found_back_by_two_stage_least_squares(draws, truth):
    """Tenth-month interview, exit to a job, no migration background: the published 4.4 points."""
    start, end = windows()[2]
    value, found = truth["none.all.interview_vs_none.interview_10m.exit_job.effect"], []
    for draw in draws:
        at_risk = draw[(draw["population"] == "none") & ~(draw["exit_day"] <= start).fillna(False)]
        left = (at_risk["exit_day"] <= end).fillna(False) & (at_risk["exit_kind"] == "job")
        frame = at_risk.assign(left=left.astype(float))[["left", "had_3", "assigned"]]
        found.append(late(frame, "left", receipt="had_3", assigned="assigned").estimate)
    assert value == pytest.approx(0.044, abs=0.001)
    assert abs(np.mean(found) - value) < FAR * np.std(found, ddof=1) / np.sqrt(DRAWS)


def test_independent_draws_vary_as_independent_people_do(draws):
    """Quotas would make the share of women, or exits, vary less than a binomial does."""
    shares = np.array([(draw["population"] == "none").mean() for draw in draws])
    expected = np.sqrt(shares.mean() * (1 - shares.mean()) / PEOPLE)
    assert 0.6 < shares.std(ddof=1) / expected < 1.5


# ---- whole people --------------------------------------------------------------------------------


def test_quotas_add_up_and_give_the_largest_remainders_one_more():
    assert quota([0.5, 0.3, 0.2], 7).tolist() == [4, 2, 1]
    assert quota([1, 1, 1], 10).sum() == 10


def test_whole_numbers_keep_a_margin_that_rounding_each_would_lose():
    real = np.full(5, 0.5)
    first_four = np.array([[1.0, 1.0, 1.0, 1.0, 0.0]])
    found = whole(real, first_four, np.array([2.0]), total=3)
    assert found.sum() == 3
    assert found[:4].sum() == 2
