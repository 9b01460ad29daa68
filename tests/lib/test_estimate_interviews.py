"""Interview effects (methods B3): windows, joint variance, the report's own numbers, and bad input."""

import numpy as np
import pandas as pd
import pytest
from watwerkt.designs.intensive import CUMULATIVE, INTERVIEWS, STUDY
from watwerkt.errors import EstimationError
from watwerkt.estimate.interviews import (
    ALL_FOUR,
    EXTRA,
    NET,
    Layout,
    cumulative_effects,
    fraction_effects,
    person_columns,
    window_effects,
)
from watwerkt.estimate.linear import late
from watwerkt.published import prose, published
from watwerkt.uncertainty import Estimate, Range, combine_hazards, rounding

SAME = 1e-9
HAZARDS = (0.15, 0.20, 0.15, 0.10)
EFFECTS = (-0.02, 0.02, 0.10, 0.04)
JOBS = 0.6
NAMES = ("individual_vs_group.interview_4m", *(f"interview_vs_none.{name}" for name in INTERVIEWS[1:]))


def people(seed=1, n=1500):
    """Interviews raise exits by EFFECTS; those who want them more leave more often anyway; 0.1 have them unasked."""
    rng = np.random.default_rng(seed)
    assigned, drive = rng.integers(0, 2, n), rng.random(n) < 0.5
    day, kind, here = np.full(n, np.nan), np.full(n, None, object), np.ones(n, bool)
    columns, ends = {}, (162, 253, 344, 450)
    for k, (start, end) in enumerate(zip(Layout().starts, ends, strict=True)):
        had = rng.random(n) < np.where(assigned == 1, 0.5 + 0.3 * drive, 0.1)
        columns[f"held_{k + 1}"] = np.where(here, had, np.nan)
        leaves = here & (rng.random(n) < HAZARDS[k] + EFFECTS[k] * had + 0.05 * (drive - 0.5))
        day[leaves] = rng.integers(start + 1, end + 1, leaves.sum())
        kind[leaves] = np.where(rng.random(leaves.sum()) < JOBS, "job", "other")
        here &= ~leaves
    number = np.nansum(np.stack(list(columns.values())), axis=0)
    share = np.clip(0.3 + 0.04 * number + 0.1 * drive + 0.1 * rng.normal(size=n), 0, 1)
    return pd.DataFrame(
        {
            "assigned": assigned,
            "exit_day": day,
            "exit_kind": kind,
            **columns,
            "interviews": number,
            "fraction_job": share,
            "age": rng.normal(40, 10, n),
            "sex": rng.choice(["female", "male"], n),
        }
    )


@pytest.fixture(scope="module")
def persons():
    return people()


# ---- windows -------------------------------------------------------------------------------------


def test_windows_start_on_the_days_that_the_report_gives():
    assert Layout().starts == tuple(prose(STUDY)[f"start_{name}"].value for name in INTERVIEWS)


@pytest.mark.parametrize("outcome", ["exit_benefit", "exit_job"])
def test_each_window_is_the_late_among_those_still_on_benefit(persons, outcome):
    found = window_effects(persons, outcome, controls=["age", "sex"])
    day = persons["exit_day"].fillna(np.inf)
    kind = persons["exit_kind"] == "job" if outcome == "exit_job" else True
    for k, (start, end) in enumerate(zip(Layout().starts, [*Layout().starts[1:], 10**6], strict=True)):
        window = persons.assign(leaves=((day <= end) & kind).astype(float))[day > start]
        alone = late(window, "leaves", receipt=f"held_{k + 1}", assigned="assigned", controls=["age", "sex"])
        one = found.of(NAMES[k])
        assert (one.estimate, one.se) == pytest.approx((alone.estimate, alone.se), rel=1e-8)
        assert found.diagnostics[f"n[{INTERVIEWS[k]}]"] == alone.n
        assert found.diagnostics[f"first_stage_f[{INTERVIEWS[k]}]"] == pytest.approx(
            alone.diagnostics["first_stage_f"], rel=1e-8
        )
        basic = window[window["assigned"] == 0]["leaves"]
        hazard = found.of(f"hazard.{INTERVIEWS[k]}")
        assert (hazard.estimate, hazard.se) == pytest.approx((basic.mean(), basic.sem()), rel=1e-8)


def test_who_leaves_on_the_day_an_interview_starts_belongs_to_the_window_before():
    persons = people()
    place = int(np.flatnonzero(persons["exit_day"].between(163, 253))[0])
    counts = {}
    for day in (161, 162, 163):
        moved = persons.assign(exit_day=persons["exit_day"].mask(persons.index == place, day))
        counts[day] = window_effects(moved, "exit_benefit").diagnostics["n[interview_7m]"]
    assert counts[161] == counts[162] == counts[163] - 1


def test_the_net_effect_combines_window_hazards_as_the_published_one_does(persons):
    found = window_effects(persons, "exit_benefit")
    hazards = [found.of(f"hazard.{name}").estimate for name in INTERVIEWS]
    effects = [found.of(name) for name in NAMES]
    same = combine_hazards(hazards, [Estimate(one.estimate, Range(one.se, one.se)) for one in effects])
    assert found.focus == NET
    assert found.estimate == pytest.approx(same.estimate, rel=SAME)
    assert found.se != pytest.approx(same.se.high, rel=1e-3)  # hazards are estimates too, and move with the effects


def test_net_effect_intervals_hold_the_truth_and_their_width_is_right():
    truth = np.prod(1 - np.array(HAZARDS)) - np.prod(1 - np.array(HAZARDS) - np.array(EFFECTS))
    found = [window_effects(people(seed), "exit_benefit") for seed in range(80)]
    held = sum(one.ci[0] <= truth <= one.ci[1] for one in found)
    assert 0.88 <= held / 80 <= 0.99
    assert np.mean([one.se for one in found]) == pytest.approx(np.std([one.estimate for one in found]), rel=0.2)


# ---- one more interview, and the earlier ones ----------------------------------------------------


def test_one_more_interview_is_the_late_of_their_number_and_the_earlier_ones_are_the_rest(persons):
    found, windows = cumulative_effects(persons, "exit_job"), window_effects(persons, "exit_job")
    for name, k in CUMULATIVE.items():
        risk = persons[persons["exit_day"].fillna(np.inf) > Layout().starts[k - 1]]
        end = [*Layout().starts, np.inf][k]
        number = risk[[f"held_{i}" for i in range(1, k + 1)]].sum(axis=1)
        leaves = ((risk["exit_day"] <= end) & (risk["exit_kind"] == "job")).astype(float)
        alone = late(risk.assign(number=number, leaves=leaves), "leaves", receipt="number", assigned="assigned")
        extra, earlier = found.of(f"{EXTRA}.{name}"), found.of(f"earlier_interviews.{name}")
        mean = number[risk[f"held_{k}"] == 1].mean()
        assert (extra.estimate, extra.se) == pytest.approx((alone.estimate, alone.se), rel=1e-8)
        assert found.diagnostics[f"mean_interviews[{name}]"] == pytest.approx(mean, rel=SAME)
        rest = mean * extra.estimate - windows.of(NAMES[k - 1]).estimate
        assert earlier.estimate == pytest.approx(rest, rel=1e-7, abs=1e-12)


def test_the_report_reckons_the_effect_of_earlier_interviews_as_we_do():
    """(cumulative effect + effect of the last) / coefficient is a mean number of interviews: one for both outcomes."""
    single, table = published(STUDY, "T3.5"), published(STUDY, "T3.6").where(population="nonwestern")
    for name, k in CUMULATIVE.items():
        mean = Range(1.0, float(k))
        for outcome in ("exit_benefit", "exit_job"):
            cells = [
                table.one(service=name, outcome=outcome, statistic="cumulative_effect"),
                single.one(population="nonwestern", service=INTERVIEWS[k - 1], outcome=outcome),
                table.one(service=name, outcome=outcome, statistic="effect"),
            ]
            earlier, last, extra = (rounding(cell.number, cell.rounding) for cell in cells)
            mean = mean.meet((earlier + last) / extra)
            assert mean is not None


def printed_ratio(name, k, outcome):
    """Effect of interview k over that of one more interview, as far as rounding tells."""
    last = published(STUDY, "T3.5").one(population="nonwestern", service=INTERVIEWS[k - 1], outcome=outcome)
    extra = published(STUDY, "T3.6").one(population="nonwestern", service=name, outcome=outcome, statistic="effect")
    return rounding(last.number, last.rounding) / rounding(extra.number, extra.rounding)


def test_one_instrument_gives_one_ratio_for_both_outcomes_and_the_report_does_not(persons):
    ratios = {}
    for outcome in ("exit_benefit", "exit_job"):
        more, windows = cumulative_effects(persons, outcome), window_effects(persons, outcome)
        for name, k in CUMULATIVE.items():
            ratios[outcome, k] = windows.of(NAMES[k - 1]).estimate / more.of(f"{EXTRA}.{name}").estimate
    for name, k in CUMULATIVE.items():
        assert ratios["exit_benefit", k] == pytest.approx(ratios["exit_job", k], rel=1e-7)
        printed = [printed_ratio(name, k, outcome) for outcome in ("exit_benefit", "exit_job")]
        assert (printed[0].meet(printed[1]) is None) == (k > 2)


def test_the_spread_of_the_earlier_effect_is_the_one_its_standard_error_says():
    name = "earlier_interviews.interviews_1_3"
    found = [cumulative_effects(people(seed), "exit_benefit").of(name) for seed in range(80)]
    assert np.mean([one.se for one in found]) == pytest.approx(np.std([one.estimate for one in found]), rel=0.2)


# ---- fractions -----------------------------------------------------------------------------------


def test_fractions_are_the_late_of_the_number_of_interviews_and_four_times_it(persons):
    found = fraction_effects(persons, "fraction_job", interviews="interviews", controls=["age"])
    alone = late(persons, "fraction_job", receipt="interviews", assigned="assigned", controls=["age"])
    assert (found.estimate, found.se, found.p) == pytest.approx((alone.estimate, alone.se, alone.p), rel=SAME)
    four = found.of(ALL_FOUR)
    assert (four.estimate, four.se) == pytest.approx((4 * alone.estimate, 4 * alone.se), rel=SAME)
    assert found.ci[0] <= 0.04 <= found.ci[1]


def test_fractions_as_percentages_are_refused(persons):
    with pytest.raises(EstimationError, match="allowed: 0 to 1"):
        fraction_effects(persons.assign(fraction_job=35.0), "fraction_job", interviews="interviews")


# ---- from the tables of the study ----------------------------------------------------------------


def tables():
    persons = pd.DataFrame({"person": [3, 1, 2], "arm": ["basic", "intensive", "intensive"]})
    rows = [
        (1, "interview_4m", "interview_individual", True),
        (1, "interview_7m", "interview_form_unclear", True),
        (2, "interview_4m", "interview_form_unclear", True),
        (2, "interview_7m", None, False),
        (3, "interview_4m", "interview_group", True),
    ]
    return persons, pd.DataFrame(rows, columns=["person", "kind", "form", "held"])


def test_a_group_meeting_is_an_interview_but_no_individual_one():
    found = person_columns(*tables()).set_index("person").sort_index()
    assert found["assigned"].tolist() == [1, 1, 0]
    assert found["held_1"].tolist() == [1, 0, 0]
    assert found["held_2"].tolist() == [1, 0, 0]
    assert found[["held_3", "held_4"]].to_numpy().sum() == 0
    assert found["interviews"].tolist() == [2, 1, 1]


def test_people_who_stand_twice_and_strange_interviews_are_refused():
    persons, interviews = tables()
    with pytest.raises(EstimationError, match=r"\{'person': 3\} stands twice"):
        person_columns(pd.concat([persons, persons]), interviews)
    with pytest.raises(EstimationError, match=r"'kind': 'interview_4m'\} stands twice"):
        person_columns(persons, pd.concat([interviews, interviews]))
    with pytest.raises(EstimationError, match="1 interviews are of people who are not in the table, the first of per"):
        person_columns(persons[persons["person"] != 3], interviews)


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        (0, "arm", "regular", "column 'arm' holds 'regular' in row 1"),
        (0, "arm", None, "column 'arm': 1 of 3 values is missing, the first in row 1"),
        (1, "kind", "interview_5m", "column 'kind' holds 'interview_5m' in row 1"),
        (1, "held", None, "column 'held': 1 of 5 values is missing, the first in row 1"),
    ],
)
def test_values_that_the_schema_does_not_know_are_refused(table, column, value, message):
    both = list(tables())
    values = both[table][column].astype(object).tolist()
    both[table] = both[table].assign(**{column: [*values[:1], value, *values[2:]]})
    with pytest.raises(EstimationError) as caught:
        person_columns(*both)
    assert str(caught.value).startswith(message)


# ---- what must not matter, and bad input ---------------------------------------------------------


def test_the_order_of_rows_does_not_matter_and_the_table_stays_as_it_was(persons):
    before, mixed = persons.copy(deep=True), persons.sample(frac=1, random_state=2)
    one, other = (window_effects(table, "exit_job", controls=["age"]) for table in (persons, mixed))
    assert other.values == pytest.approx(one.values, rel=1e-8)
    assert other.vcov == pytest.approx(one.vcov, rel=1e-7, abs=1e-12)
    cumulative_effects(persons, "exit_job")
    pd.testing.assert_frame_equal(persons, before)


def test_a_weak_window_is_named():
    found = window_effects(people(3, 60), "exit_benefit")
    weak = [name for name in INTERVIEWS if found.diagnostics[f"first_stage_f[{name}]"] < 10]
    assert weak
    assert all(any(text.startswith(f"{name}: Weak instrument") for text in found.warnings) for name in weak)


def test_chances_beyond_one_give_a_warning(persons):
    sure = persons.assign(exit_day=persons["exit_day"].mask(persons["held_4"] == 1, 400))
    found = window_effects(sure.assign(exit_kind=sure["exit_kind"].mask(persons["held_4"] == 1, "job")), "exit_benefit")
    assert any("fall outside 0 to 1" in text for text in found.warnings)


BAD = {
    "no exit day": (lambda d: d.drop(columns="exit_day"), "there is no column 'exit_day'"),
    "day zero": (lambda d: d.assign(exit_day=d["exit_day"].mask(d.index == 4, 0)), "the first in row 4: 0"),
    "day infinite": (lambda d: d.assign(exit_day=d["exit_day"].mask(d.index == 4, np.inf)), "the first in row 4: inf"),
    "exit of no kind": (lambda d: d.assign(exit_day=200.0), "do not have a kind of exit in 'exit_kind'"),
    "no jobs": (
        lambda d: d.assign(exit_kind=d["exit_kind"].replace("job", "work")),
        "is 'job'; found: 'work', 'other'",
    ),
    "interview unknown": (lambda d: d.assign(held_3=np.nan), "interview_10m: column 'held_3'"),
    "interview of none": (lambda d: d.assign(held_2=0.0), "interview_7m: column 'held_2': nobody has 1"),
    "interviews counted": (lambda d: d.assign(held_2=2.0), "interview_7m: column 'held_2' holds 2.0 in row"),
    "arm missing": (
        lambda d: d.assign(assigned=d["assigned"].mask(d.index == 2)),
        "'assigned': 1 of 1500 values is mis",
    ),
    "nobody left": (
        lambda d: d.assign(exit_day=d["exit_day"].fillna(400).clip(upper=300), exit_kind="job"),
        "interview_10m: column 'exit_benefit' never varies: it is 1",
    ),
    "no exits": (
        lambda d: d.assign(exit_day=d["exit_day"].mask(d["exit_day"].between(163, 253), 300)),
        "interview_7m: column 'exit_benefit' never varies: it is 0",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(persons, name):
    change, message = BAD[name]
    with pytest.raises(EstimationError) as caught:
        window_effects(change(persons), "exit_benefit")
    assert message in str(caught.value).split("\n")[0]
    assert "\n  " in str(caught.value)


def test_an_unknown_exit_is_refused(persons):
    with pytest.raises(EstimationError, match="there is no exit 'exit_school'"):
        window_effects(persons, "exit_school")
