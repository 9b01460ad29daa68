"""Every published effect with its interval: which have one, how wide, and whether the printed mark fits it."""

import csv
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep
from watwerkt import evidence, formats
from watwerkt.designs import intensive as plan
from watwerkt.errors import PublishedDataError
from watwerkt.paths import data_dir

STUDY = "intensive"
LEVEL_ROUNDING = 0.002  # relative: 0.05 points on both levels of Table 3.2 move its standard errors by at most 0.2%
SHARE_STEP = 1e-3  # the grid of shares that brute force tries
SHARE_FOUND = 3e-3  # absolute: the step, and the rounding of the levels, which brute force leaves out

WITHOUT_STANDARD_ERROR = {"number_of_jobs", "hourly_wage"}  # means of numbers whose spread nothing bounds
NOTHING_KNOWN = {  # printed as nil, without a mark, and no level or size to go by
    ("T3.2", "nonwestern.all.intensive_vs_basic.reentry.effect"),
    ("TII.1", "nonwestern.male.intensive_vs_basic.reentry.effect"),
    ("TII.1", "nonwestern.female.intensive_vs_basic.reentry.effect"),
    ("TII.7", "nonwestern.first.intensive_vs_basic.number_of_jobs.effect"),
}
SIZES = {
    ("nonwestern", "intensive"): 644,
    ("nonwestern", "basic"): 679,
    ("none", "intensive"): 3517,
    ("none", "basic"): 3483,
}


@pytest.fixture(scope="module")
def effects():
    return evidence.effects(STUDY)


def raw(table):
    with (data_dir() / "published" / STUDY / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return {row["cell"]: row for row in csv.DictReader(file)}


def level(population, arm, outcome, months):
    return float(raw("T3.2")[f"{population}.all.{arm}.{outcome}.{months}.level"]["value"]) / 100


def z(level):
    return stats.norm.isf(level / 2)


def critical(stars):
    return {
        "": (0.0, z(0.10)),
        "*": (z(0.10), z(0.05)),
        "**": (z(0.05), math.inf),
    }[stars]


# ---- all of them ---------------------------------------------------------------------------------


def test_every_printed_effect_is_there_once_and_in_printed_order(effects):
    tables = [f"T3.{n}" for n in range(2, 8)] + ["T4.1"] + [f"TII.{n}" for n in range(1, 8)]
    wanted = [
        (table, key) for table in tables for key, row in raw(table).items() if row["statistic"].endswith("effect")
    ]
    assert [(e.cell.table, e.cell.cell) for e in effects] == wanted
    assert len(effects) == 206


def test_every_effect_has_an_interval_or_says_how_wide_it_is_at_least(effects):
    for effect in effects:
        if effect.determined:
            assert all(math.isfinite(end) for end in effect.estimate.ci), effect.cell.cell
            assert effect.estimate.low < effect.cell.number < effect.estimate.high
        elif (effect.cell.table, effect.cell.cell) not in NOTHING_KNOWN:
            assert effect.estimate.least_half_width > 0, effect.cell.cell


def test_only_effects_whose_spread_nothing_bounds_have_no_interval(effects):
    for effect in effects:
        if not effect.determined and (effect.cell.table, effect.cell.cell) not in NOTHING_KNOWN:
            assert effect.cell.outcome in WITHOUT_STANDARD_ERROR or effect.cell.comparison == "earlier_interviews"
    assert len(effects.determined) == 175


def test_effects_of_which_nothing_is_known_say_so_and_are_the_four_printed_as_nil(effects):
    unknown = {(e.cell.table, e.cell.cell) for e in effects if formats.effect_interval(e) == "not known"}
    assert unknown == NOTHING_KNOWN
    assert all(effects.one(table=table, cell=key).cell.value == 0 for table, key in unknown)
    assert {effects.one(table=table, cell=key).how for table, key in unknown} == {"nothing that the report prints"}


def test_every_interval_says_where_it_comes_from(effects):
    for effect in effects.determined:
        assert effect.estimate.basis, effect.cell.cell
        assert effect.how == " and ".join(evidence.BASIS_WORDS[name] for name in effect.estimate.basis)


def test_intervals_and_printed_marks_agree_but_for_rounding(effects):
    """Without a mark the interval holds zero; with ``**`` some rounding and standard error in range leaves zero out."""
    marked = 0
    for effect in effects:
        estimate, cell = effect.estimate, effect.cell
        if cell.stars == "**":
            marked += 1
            assert abs(cell.number) + cell.rounding >= z(0.05) * estimate.se.low, cell.cell
        elif cell.stars == "" and effect.determined:
            assert estimate.low <= 0 <= estimate.high, cell.cell
    assert marked == 6


# ---- exits: standard errors from group sizes -----------------------------------------------------


@pytest.mark.parametrize("population", ["nonwestern", "none"])
@pytest.mark.parametrize("outcome", ["exit_benefit", "exit_job"])
@pytest.mark.parametrize("months", [6, 9, 12])
def test_intervals_of_table_3_2_are_those_of_statsmodels_from_the_printed_percentages(
    population, outcome, months, effects
):
    arms = ("intensive", "basic")
    (p1, p0), (n1, n0) = (
        [level(population, arm, outcome, months) for arm in arms],
        [SIZES[population, arm] for arm in arms],
    )
    low, high = confint_proportions_2indep(p1 * n1, n1, p0 * n0, n0, method="wald", compare="diff")
    effect = effects.one(table="T3.2", population=population, outcome=outcome, horizon_months=months)
    se = (high - low) / (2 * z(0.05))
    assert effect.estimate.basis == ("counts",)
    assert effect.estimate.se.low <= se <= effect.estimate.se.high
    assert effect.estimate.se.high == pytest.approx(effect.estimate.se.low, rel=LEVEL_ROUNDING * 2)
    shift = effect.cell.number - (p1 - p0)  # the printed effect is rounded from percentages with more decimals
    assert abs(shift) <= 0.00101
    assert sum(effect.estimate.ci) / 2 == pytest.approx((low + high) / 2 + shift, abs=1e-12)
    assert effect.estimate.high - effect.estimate.low == pytest.approx(high - low, rel=LEVEL_ROUNDING)
    assert effect.estimate.n == n1 + n0


@pytest.mark.parametrize("population", ["nonwestern", "none"])
@pytest.mark.parametrize("outcome", ["exit_benefit", "exit_job"])
def test_at_fifteen_months_the_standard_error_runs_from_everyone_followed_to_two_thirds_or_what_the_mark_allows(
    population, outcome, effects
):
    arms = ("intensive", "basic")
    whole = math.sqrt(
        sum(p * (1 - p) / SIZES[population, a] for a in arms for p in [level(population, a, outcome, 15)])
    )
    cell = raw("T3.2")[f"{population}.all.intensive_vs_basic.{outcome}.15.effect"]
    size, (weakest, strongest) = abs(float(cell["value"])) / 100, critical(cell["stars"])
    low = max(whole, (size - 0.0005) / strongest)
    high = whole / math.sqrt(162 / 252)  # 162 of 252 entry days
    high = min(high, (size + 0.0005) / weakest) if weakest else high
    found = effects.one(table="T3.2", population=population, outcome=outcome, horizon_months=15).estimate
    assert found.se.low == pytest.approx(low, rel=LEVEL_ROUNDING)
    assert found.se.high == pytest.approx(high, rel=0.005)  # one entry day more or less


def test_intervals_of_subgroups_hold_the_one_from_the_printed_shares_of_table_3_1(effects):
    """Men with a non-western background: 53% of 644 and 58% of 679."""
    effect = effects.one(
        table="TII.1", population="nonwestern", category="male", outcome="exit_benefit", horizon_months=12
    )
    rows = raw("TII.1")
    parts = []
    for arm, n in (("intensive", 0.53 * 644), ("basic", 0.58 * 679)):
        p = float(rows[f"nonwestern.male.{arm}.exit_benefit.12.level"]["value"]) / 100
        parts.append(p * (1 - p) / n)
    assert effect.estimate.basis == ("derived",)
    assert effect.estimate.se.low <= math.sqrt(sum(parts)) <= effect.estimate.se.high


# ---- printed marks -------------------------------------------------------------------------------


def test_no_printed_mark_disagrees_with_the_counts(effects):
    assert [e.cell.cell for e in effects.disagreeing] == []


def test_one_printed_mark_fits_only_because_of_rounding(effects):
    """1.9* with 61.7% of 3,517 against 59.8% of 3,483: |t| is 1.63 as printed, and 1.67 for 1.95 points."""
    (borderline,) = effects.borderline
    assert (borderline.cell.table, borderline.cell.cell) == (
        "T3.2",
        "none.all.intensive_vs_basic.exit_benefit.12.effect",
    )
    se = math.sqrt(0.617 * 0.383 / 3517 + 0.598 * 0.402 / 3483)
    assert 0.019 / se < z(0.10) < 0.0195 / se


def test_marks_are_tested_for_exits_reentry_and_contracts_only(effects):
    tested = {e.cell.outcome for e in effects.testable}
    assert tested == {"exit_benefit", "exit_job", "reentry", "permanent_contract"}
    with_levels = [
        (table, key)
        for table in ("T3.2", "T3.4", "TII.1", "TII.2", "TII.4", "TII.5", "TII.7")
        for key, row in raw(table).items()
        if row["statistic"] == "effect" and row["outcome"] in tested
        if raw(table)[key.replace("intensive_vs_basic", "basic").replace(".effect", ".level")]["value"]
    ]
    assert [(e.cell.table, e.cell.cell) for e in effects.testable] == with_levels


def counts_disagree(effects):
    return {(e.cell.table, e.cell.cell) for e in effects.disagreeing}


@pytest.mark.parametrize(
    ("table", "cell", "values"),
    [
        ("T3.2", "nonwestern.all.intensive_vs_basic.exit_benefit.12.effect", {"stars": "**"}),
        ("T3.2", "none.all.intensive_vs_basic.exit_job.12.effect", {"stars": ""}),
        ("T3.2", "none.all.intensive_vs_basic.exit_job.12.effect", {"value": "2.5"}),
        ("T3.2", "none.all.intensive_vs_basic.exit_job.6.effect", {"value": "5.0"}),
    ],
    ids=["mark too strong", "mark lost", "mark too weak", "effect misprinted"],
)
def test_a_mark_or_an_effect_changed_in_the_data_is_found_to_disagree(table, cell, values, data_copy):
    data_copy.set_cell(table, cell, **values)
    assert counts_disagree(evidence.effects(STUDY)) == {(table, cell)}


def test_a_level_changed_in_the_data_makes_the_mark_beside_it_disagree(data_copy):
    data_copy.set_cell("T3.2", "none.all.intensive.exit_benefit.15.level", value="0.9")
    key = "none.all.intensive_vs_basic.exit_benefit.15.effect"
    assert counts_disagree(evidence.effects(STUDY)) == {("T3.2", key)}


def test_where_the_mark_disagrees_the_counts_count(data_copy):
    before = evidence.effects(STUDY).one(
        table="T3.2", population="nonwestern", outcome="exit_benefit", horizon_months=12
    )
    data_copy.set_cell("T3.2", before.cell.cell, stars="**")
    after = evidence.effects(STUDY).one(table="T3.2", cell=before.cell.cell)
    assert after.estimate == before.estimate.without_mark()
    assert after.mark == "disagrees"


def test_an_approximate_source_gives_way_to_the_mark(data_copy):
    """50 points without a mark: a standard error of 30 points at least, far above what the first stage suggests."""
    key = "nonwestern.all.interview_vs_none.interview_7m.exit_job.effect"
    assert evidence.effects(STUDY).one(table="T3.5", cell=key).estimate.basis == ("stars", "first_stage")
    data_copy.set_cell("T3.5", key, value="50.0")
    estimate = evidence.effects(STUDY).one(table="T3.5", cell=key).estimate
    assert (estimate.basis, estimate.ci) == (("stars",), None)
    assert estimate.se.low == pytest.approx(0.4995 / z(0.10), rel=1e-9)


def test_a_level_changed_so_that_no_mix_of_subgroups_fits_stops_everything_with_its_place(data_copy):
    data_copy.set_cell("T3.2", "none.all.intensive.exit_benefit.12.level", value="16.7")
    with pytest.raises(
        PublishedDataError, match=r"^intensive, none by sex, intensive: the printed levels allow no common"
    ):
        evidence.effects(STUDY)


# ---- how many were followed for fifteen months ---------------------------------------------------


def t_values_if_all_followed(effect):
    """The smallest and largest |t| that rounding and group size allow, if everyone were followed."""
    cell, ts = effect.cell, []
    for end in ("low", "high"):
        sizes = [getattr(plan.group_size(cell.population, cell.dimension, cell.category, a), end) for a in plan.ARMS]
        se = math.sqrt(sum(p * (1 - p) / n for p, n in zip((effect.intensive, effect.basic), sizes, strict=True)))
        ts += [max(abs(cell.number) - cell.rounding, 0.0) / se, (abs(cell.number) + cell.rounding) / se]
    return min(ts), max(ts)


@pytest.mark.parametrize(
    ("months", "low", "high"), [(15, 0.708, 0.791), (12, 0.969, 1.0), (9, 0.0, 1.0), (6, 0.0, 1.0)]
)
def test_the_share_followed_that_all_marks_allow_is_the_one_that_brute_force_finds(months, low, high, effects):
    """|t| falls with the root of the share; a share is possible if every effect can have its mark."""
    possible = np.arange(SHARE_STEP, 1 + SHARE_STEP / 2, SHARE_STEP)
    for effect in effects.where(
        comparison="intensive_vs_basic", outcome=["exit_benefit", "exit_job"], horizon_months=months
    ):
        least, most = t_values_if_all_followed(effect)
        weakest, strongest = critical(effect.cell.stars)
        possible = possible[(np.sqrt(possible) * most >= weakest) & (np.sqrt(possible) * least <= strongest)]
    found = plan.share_followed_by_marks(months)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.001)
    assert (possible.min(), possible.max()) == pytest.approx((found.low, found.high), abs=SHARE_FOUND)


def test_the_share_that_fifteen_month_marks_allow_fits_the_entry_window(effects):
    """The report says that only people followed for 15 months count; an even inflow gives 64% at the least."""
    assert plan.share_followed_by_marks(15).meet(plan.share_followed(15)) is not None


@pytest.mark.parametrize("stars", ["*", "**"])
def test_a_mark_that_no_share_followed_explains_leaves_no_share(stars, data_copy):
    data_copy.set_cell("T3.2", "none.all.intensive_vs_basic.exit_benefit.6.effect", stars=stars)
    assert plan.share_followed_by_marks(6) is None


# ---- choosing and comparing ----------------------------------------------------------------------


def test_levels_beside_an_effect_are_those_of_its_people_outcome_and_horizon(effects):
    for effect in effects.where(table="T3.2", outcome=["exit_benefit", "exit_job"]):
        c = effect.cell
        wanted = [level(c.population, arm, c.outcome, f"{c.horizon_months:.0f}") for arm in ("intensive", "basic")]
        assert [effect.intensive, effect.basic] == pytest.approx(wanted, abs=1e-12)


def test_suppressed_levels_stay_out(effects):
    effect = effects.one(table="T3.2", population="nonwestern", outcome="reentry")
    assert (effect.intensive, effect.basic) == (None, None)


def test_instrumental_variable_effects_have_no_levels_beside_them(effects):
    assert {(e.intensive, e.basic) for e in effects.where(table="T3.5")} == {(None, None)}


def test_effects_are_chosen_by_codes(effects):
    men = effects.where(category="male", outcome="fraction_job", comparison="intensive_vs_basic")
    assert [(e.cell.table, e.cell.population) for e in men] == [("TII.3", "nonwestern"), ("TII.3", "none")]


def test_the_gap_between_two_groups_is_tested_as_a_difference(effects):
    """3.5 − 1.9 points, with the variances of both groups added up."""
    both = effects.where(table="T3.2", outcome="exit_benefit", horizon_months=12)
    found = evidence.gap(both.one(population="nonwestern"), both.one(population="none"))
    parts = [
        p * (1 - p) / SIZES[population, arm]
        for population in ("nonwestern", "none")
        for arm in ("intensive", "basic")
        for p in [level(population, arm, "exit_benefit", 12)]
    ]
    assert found.estimate == pytest.approx(0.016, abs=1e-12)
    assert found.se.high == pytest.approx(math.sqrt(sum(parts)), rel=LEVEL_ROUNDING)
    p = 2 * stats.norm.sf(0.016 / math.sqrt(sum(parts)))
    assert found.p.low < p < found.p.high
    assert found.n == 1323 + 7000


def test_an_effect_is_clear_of_zero_only_if_it_has_an_interval_that_leaves_zero_out(effects):
    clear = {(e.cell.table, e.cell.cell) for e in effects.clear_of_zero}
    recomputed = {
        (e.cell.table, e.cell.cell)
        for e in effects
        if e.determined
        and (e.cell.stars == "**" or abs(e.estimate.estimate) - e.estimate.rounding > z(0.05) * e.estimate.se.high)
    }
    assert clear == recomputed
    assert all(e.estimate.p.high <= 0.05 + 1e-9 for e in effects.clear_of_zero)
    assert ("T3.5", "nonwestern.all.interview_vs_none.interview_10m.exit_job.effect") in clear


def test_no_interval_or_p_value_contradicts_a_mark_that_the_counts_allow(effects):
    for effect in effects:
        assert effect.mark != "disagrees"
        level = {"": (0.10, 1.0), "*": (0.05, 0.10), "**": (0.0, 0.05)}[effect.cell.stars]
        assert level[0] - 1e-9 <= effect.estimate.p.low <= effect.estimate.p.high <= level[1] + 1e-9
        if effect.cell.stars == "**":
            assert effect.estimate.low >= 0.0


def test_corrected_effects_and_levels_stand_side_by_side(effects):
    effect = effects.one(table="T3.3", population="nonwestern", outcome="fraction_other")
    assert effect.estimate.estimate == pytest.approx(-0.002, abs=1e-12)
    assert effect.intensive - effect.basic == pytest.approx(-0.002, abs=1e-12)
    assert effect.cell.value == 0.2


def test_the_table_of_effects_holds_what_the_effects_hold(effects):
    frame = effects.frame
    assert len(frame) == len(effects)
    for row, effect in zip(frame.itertuples(), effects, strict=True):
        assert (row.cell, row.printed, row.stars, row.mark) == (
            effect.cell.cell, effect.cell.value, effect.cell.stars, effect.mark,
        )  # fmt: skip
        if effect.determined:
            assert (row.ci_low, row.ci_high) == effect.estimate.ci
        else:
            assert math.isnan(row.ci_low) and math.isnan(row.se_high)
