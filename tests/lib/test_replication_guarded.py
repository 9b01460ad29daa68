"""Recomputed cells on their way to a page: what the guard keeps back, and what readers and the ledger are told."""

import numpy as np
import pandas as pd
import pytest
from watwerkt.disclosure import Guard, Verdict
from watwerkt.published import published
from watwerkt.replication import guarded
from watwerkt.replication import intensive as replication
from watwerkt.synthetic import intensive as synthetic

TABLES = ("T3.2", "T3.3", "T3.4", "T3.5", "T3.6", "T3.7", "T4.1", *(f"TII.{n}" for n in range(1, 8)))
CLOSED = [("T3.2", "all"), ("TII.1", "male"), ("TII.1", "female")]
NUMBERS = list(guarded.NUMBERS)


@pytest.fixture(scope="module")
def tables():
    return synthetic.generate(np.random.default_rng(11))


@pytest.fixture(scope="module")
def verdict(tables):
    return guarded.protect(tables)


@pytest.fixture(scope="module")
def recomputed(tables):
    return replication.groups(tables)


@pytest.fixture(scope="module")
def rows(recomputed, verdict):
    return guarded.entries(guarded.clear(recomputed, verdict), origin="synthetic")


@pytest.fixture(scope="module")
def found(rows):
    return guarded.beside(rows)


def closed_cells():
    return [(table, f"nonwestern.{who}.intensive_vs_basic.reentry.effect") for table, who in CLOSED]


def among(persons, **wanted):
    return (persons[list(wanted)] == pd.Series(wanted)).all(axis=1)


def without(tables, persons):
    """The tables without these persons."""
    return {name: table[~table["person"].isin(persons)] for name, table in tables.items()}


@pytest.fixture(scope="module")
def few(tables):
    """Six people of the first generation are left in the basic group: tables, verdict, and what may be shown."""
    persons = tables["persons"]
    first = persons["person"][among(persons, population="nonwestern", generation="first", arm="basic")]
    left = without(tables, first.iloc[6:])
    groups = [group for group in replication.printed_groups() if group[0] == "nonwestern" and group[1] != "sex"]
    verdict = guarded.protect(left)
    return left, verdict, by_key(guarded.clear(replication.groups(left, groups), verdict))


def by_key(cleared):
    return cleared.frame.set_index(["table", "cell"])


# ---- what is kept back ---------------------------------------------------------------------------


def test_of_the_synthetic_people_only_who_came_back_on_benefit_is_withheld(verdict):
    held = verdict.frame.query("status == 'suppressed'")
    assert set(held["column"]) == {"reentry"}
    assert set(held["group"].str.split(".").str[0]) == {"nonwestern"}


def test_who_came_back_with_a_non_western_background_is_shown_on_no_records(tables):
    """Not even where so many came back that the guard would let it pass."""
    persons = tables["persons"]
    many = persons.assign(reentry=persons["reentry"] | (persons["person"] % 5 == 0))
    changed = {**tables, "persons": many}
    verdict = guarded.protect(changed)
    assert verdict.shown("nonwestern.all.basic", "reentry")
    groups = [group for group in replication.printed_groups() if group[1] != "generation"]
    cleared = guarded.clear(replication.groups(changed, groups), verdict)
    told = by_key(cleared)
    assert told.loc[closed_cells(), NUMBERS].isna().all(axis=None)
    assert told.loc[closed_cells(), "why"].str.startswith("The report suppresses").all()
    assert told.loc[[("T3.2", "none.all.intensive_vs_basic.reentry.effect")], NUMBERS].notna().all(axis=None)
    assert not [cell for _, cell in told.index if cell.startswith("nonwestern") and cell.endswith("reentry.level")]
    assert cleared.stamp["withheld"] == 0


def test_whether_the_guard_would_withhold_what_the_report_suppresses_is_not_told(recomputed, verdict):
    open_ = Verdict(verdict.guard, dict.fromkeys(verdict.rules, ""))
    first, second = (guarded.clear(recomputed, one) for one in (verdict, open_))
    pd.testing.assert_frame_equal(first.frame, second.frame)
    assert first.statement == second.statement == ""


def test_a_small_group_is_withheld_and_does_not_follow_from_the_pages_of_the_others(few):
    _, verdict, told = few
    assert not verdict.shown("nonwestern.first.basic")
    assert not (verdict.shown("nonwestern.all.basic") and verdict.shown("nonwestern.second.basic"))
    first = told[[cell.startswith("nonwestern.first.basic") for _, cell in told.index]]
    assert len(first) > 10
    assert first[NUMBERS].isna().all(axis=None)
    assert (first["status"] == "suppressed").all()
    effects = told[[cell.startswith("nonwestern.first.intensive_vs_basic") for _, cell in told.index]]
    assert effects[NUMBERS].isna().all(axis=None)
    level = ("TII.5", "nonwestern.first.intensive.exit_job.12.level")
    assert told.loc[level, "recomputed"] > 0


def test_a_page_by_itself_withholds_what_all_pages_together_do(few):
    tables, verdict, every = few
    again = guarded.protect(tables)
    alone = by_key(guarded.clear(replication.group(tables, "nonwestern", "generation", "second"), again))
    assert again.name == verdict.name
    assert alone["status"].eq("suppressed").any()
    pd.testing.assert_frame_equal(alone, every.loc[alone.index])


def test_the_order_of_people_does_not_matter(tables, verdict):
    shuffled = {**tables, "persons": tables["persons"].sample(frac=1, random_state=3)}
    assert guarded.protect(shuffled).name == verdict.name


def test_an_effect_of_an_interview_needs_enough_people_who_leave_in_its_window(tables):
    """All but four of the basic group who left for a job between the second and third interview leave later."""
    persons = tables["persons"]
    leaves = among(persons, population="nonwestern", arm="basic", exit_kind="job") & persons["exit_day"].between(
        163, 253
    )
    later = persons["exit_day"].mask(leaves & (leaves.cumsum() > 4), persons["exit_day"] + 110)
    changed = {**tables, "persons": persons.assign(exit_day=later, followed_days=persons["followed_days"] + 400)}
    told = by_key(guarded.clear(replication.group(changed, "nonwestern"), guarded.protect(changed)))
    second = [
        ("T3.5", f"nonwestern.all.interview_vs_none.interview_7m.{of}.effect") for of in ("exit_job", "exit_benefit")
    ]
    assert told.loc[second, "recomputed"].isna().tolist() == [True, False]
    four = ("T3.5", "nonwestern.all.four_interviews_vs_group.interviews_1_4.exit_job.14.effect")
    assert pd.isna(told.loc[four, "recomputed"])
    assert pd.notna(told.loc[("T3.2", "nonwestern.all.intensive_vs_basic.exit_job.12.effect"), "recomputed"])


def test_the_wage_of_one_person_is_not_told_by_a_mean(tables):
    persons, spells = tables["persons"], tables["spells"]
    women = persons["person"][among(persons, population="nonwestern", sex="female", arm="basic")]
    jobs = spells.index[spells["person"].isin(women) & spells["hourly_wage"].notna() & (spells["end_day"].isna())]
    rich = spells.assign(hourly_wage=spells["hourly_wage"].where(spells.index != jobs[0], 1e6))
    changed = {**tables, "spells": rich}
    told = by_key(guarded.clear(replication.group(changed, "nonwestern", "sex", "female"), guarded.protect(changed)))
    wages = told[[".hourly_wage." in cell for _, cell in told.index]]
    assert pd.isna(wages.loc[("TII.4", "nonwestern.female.basic.hourly_wage.level"), "recomputed"])
    assert pd.isna(wages.loc[("TII.4", "nonwestern.female.intensive_vs_basic.hourly_wage.effect"), "recomputed"])
    assert told.loc[("TII.4", "nonwestern.female.basic.parttime_factor.level"), "recomputed"] > 0


def services(*names):
    return {f"{one}.exit_job" for one in names}


@pytest.mark.parametrize(
    ("column", "withheld"),
    [
        ("exit_job_12", {"basic.exit_job.12", "intensive_vs_basic.exit_job.12"}),
        ("followed_15", {f"{of}.{exit_}.15" for of in ("basic", "intensive_vs_basic") for exit_ in guarded.EXITS}),
        ("has_job", {f"{of}.{one}" for of in ("basic", "intensive_vs_basic") for one in guarded.FIRST_JOB}),
        ("hourly_wage", {"basic.hourly_wage", "intensive_vs_basic.hourly_wage"}),
        ("fraction_other", {f"{of}.{one}" for one in guarded.FRACTIONS for of in
                            ("basic", "intensive_vs_basic", "extra_interview")}
         | {"four_interviews_vs_group.interviews_1_4.fraction_job"}),
        ("exit_job_by_window_1", services("interview_vs_none.interview_7m", "interview_vs_none.interview_10m",
                                          "extra_interview.interviews_1_2", "earlier_interviews.interviews_1_2",
                                          "extra_interview.interviews_1_3", "earlier_interviews.interviews_1_3")
         | {"four_interviews_vs_group.interviews_1_4.exit_job.14"}),
    ],
)  # fmt: skip
def test_a_withheld_count_takes_with_it_what_rests_on_it_and_nothing_else(recomputed, verdict, column, withheld):
    rules = dict.fromkeys(verdict.rules, "") | {("nonwestern.all.basic", column): "few"}
    told = guarded.clear(recomputed, Verdict(Guard(), rules)).frame
    held = told.loc[told["status"] == "suppressed", "cell"]
    assert {cell.removeprefix("nonwestern.all.").rpartition(".")[0] for cell in held} == withheld


def test_nothing_is_shown_of_a_group_whose_size_is_withheld(recomputed, verdict):
    rules = dict.fromkeys(verdict.rules, "") | {("nonwestern.all.basic", ""): "complementary"}
    told = guarded.clear(recomputed, Verdict(Guard(), rules)).frame.set_index("cell")
    resting = told[told.index.str.startswith("nonwestern.all.") & ~told.index.str.contains(".intensive.", regex=False)]
    assert set(resting["table"]) == {"T3.2", "T3.3", "T3.4", "T3.5", "T3.6", "T3.7", "T4.1"}
    assert resting[NUMBERS].isna().all(axis=None)


def test_words_of_an_estimator_about_a_withheld_number_are_not_told(recomputed, verdict):
    """They may say how many people there were."""
    talking = recomputed.assign(
        recomputed=np.nan, ci_low=np.nan, ci_high=np.nan, why="3 people are too few for a mean."
    )
    nothing = Verdict(Guard(), dict.fromkeys(verdict.rules, "few"))
    cleared = guarded.clear(talking, nothing)
    assert not cleared.frame["why"].str.contains("3 people").any()
    entered = guarded.entries(cleared, origin="supplied")
    assert {row.verdict for row in entered} == {"not_recomputed"}
    assert not any("3 people" in row.why for row in entered)
    spoken = guarded.entries(
        guarded.clear(talking, Verdict(Guard(), dict.fromkeys(verdict.rules, ""))), origin="supplied"
    )
    assert sum("3 people" in row.why for row in spoken) == len(spoken) - len(CLOSED)


def test_what_comes_in_is_left_as_it_is(tables, recomputed, verdict):
    before = {name: table.copy() for name, table in tables.items()}, recomputed.copy()
    guarded.protect(tables), guarded.clear(recomputed, verdict)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, before[0][name])
    pd.testing.assert_frame_equal(recomputed, before[1])


# ---- the ledger ----------------------------------------------------------------------------------


def test_every_printed_number_of_the_tables_enters_the_ledger_and_no_other(rows):
    printed = {(cell.table, cell.cell) for cell in published("intensive", *TABLES).printed}
    assert {(row.table, row.cell) for row in rows} == printed
    assert len(rows) == len(printed)


def test_the_page_of_a_group_enters_its_own_numbers_only(tables, verdict):
    cleared = guarded.clear(replication.group(tables, "none", "sex", "female"), verdict)
    entered = guarded.entries(cleared, origin="synthetic")
    assert {row.cell.split(".")[1] for row in entered} == {"female"}
    assert {row.table for row in entered} == {"T3.7", "TII.1", "TII.2", "TII.3", "TII.4"}


def test_numbers_that_the_synthetic_people_were_not_made_to_have_say_so(rows):
    free = {row.table for row in rows if "not made to give" in row.why}
    assert free == {"T3.5", "T3.6", "T3.7", "T4.1"}
    assert all("not made to give" in row.why for row in rows if row.table in ("T3.6", "T3.7"))
    made = next(row for row in rows if row.cell == "none.all.intensive_vs_basic.exit_benefit.12.effect")
    assert "no evidence" in made.why


def test_on_supplied_microdata_nothing_speaks_of_synthetic_people(recomputed, verdict):
    entered = guarded.entries(guarded.clear(recomputed, verdict), origin="supplied")
    assert {row.layer for row in entered} == {"microdata"}
    assert not any("synthetic" in row.why or "generator" in row.why for row in entered)


# ---- beside the printed numbers ------------------------------------------------------------------


def test_the_numbers_beside_print_are_the_recomputed_ones_in_printed_units(found, recomputed):
    cell = "none.all.intensive_vs_basic.exit_benefit.12.effect"
    source, told = (frame.set_index("cell").loc[cell] for frame in (recomputed, found[found["table"] == "T3.2"]))
    assert told[NUMBERS].astype(float).tolist() == pytest.approx((100 * source[NUMBERS].astype(float)).tolist())
    assert (told["published"], told["stars"], told["months_label"]) == (1.9, "*", "12 months")


def test_readers_see_one_decimal_more_than_is_printed_and_the_verdict_in_words(found):
    told = found[found["cell"] == "none.all.intensive_vs_basic.exit_benefit.12.effect"].assign(
        recomputed=1.9042, ci_low=-0.36, ci_high=4.164, verdict="rounding"
    )
    shown = guarded.texts(told, ["group", "outcome_label", "row_label"])
    assert shown.index.tolist() == [("No migration background", "Exit from benefit: 12 months, effect")]
    assert shown.iloc[0].tolist() == ["+1.9*", "+1.90", "−0.4 to 4.2", "Agrees within rounding"]


def test_a_missing_number_is_a_dash_and_an_empty_label_leaves_no_colon(found):
    told = found[found["cell"] == closed_cells()[0][1]]
    shown = guarded.texts(told, ["group", "outcome_label", "months_label"])
    assert shown.index.tolist() == [("Non-western background", "Back on benefit")]
    assert shown.iloc[0].tolist() == ["0.0", "–", "–", "Cannot be recomputed"]


def test_levels_and_effects_of_one_outcome_have_different_labels(found):
    for _, part in found.groupby(["table", "population", "category"]):
        assert not part.duplicated(["outcome_label", "row_label"]).any()


def test_the_tally_counts_every_number_once(found):
    tally = guarded.tally(found)
    assert tally.loc["Together"].sum() == len(found)
    assert tally.drop(index="Together").sum().tolist() == tally.loc["Together"].tolist()
    assert tally.loc["Table 3.2", "Cannot be recomputed"] == 1


def test_the_note_says_each_reason_once_and_every_misprint(found):
    part = found[found["table"].isin(["TII.1", "T3.3"])]
    note = guarded.reasons(part)
    assert note.count("The report suppresses the levels") == 1
    assert note.count("printed 0.2, read as −0.2") == 1
    assert guarded.reasons(found[found["table"] == "T3.5"]) == ""


def test_a_picture_leaves_out_what_could_not_be_recomputed(found):
    part = found[(found["table"] == "T3.2") & (found["statistic"] == "effect")]
    picture = guarded.pictured(part, ["outcome_label", "months_label"])
    assert len(picture) == len(part) - 1
    assert list(picture) == ["estimate", "low", "high", "truth", "label"]
    assert (picture["low"] <= picture["estimate"]).all()
    assert picture["label"].iloc[0] == "Exit from benefit, 6 months"
