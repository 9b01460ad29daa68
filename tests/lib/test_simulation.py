"""The simulation study: draws that hang on no order, truths and sums that are right, results that are not stale."""

import json
from dataclasses import replace
from functools import partial
from importlib import import_module
from itertools import product
from pathlib import Path

import altair as alt
import jsonschema
import numpy as np
import pytest
from watwerkt import charts, pooling
from watwerkt import estimate as estimators
from watwerkt.compress import compressed
from watwerkt.errors import EstimationError
from watwerkt.estimate.competing import Fit
from watwerkt.estimate.deployment import averaged, effects
from watwerkt.estimate.design import cells_of
from watwerkt.estimate.fourway import Levels, parts
from watwerkt.estimate.fourway_models import Models
from watwerkt.estimate.result import Result
from watwerkt.simulation import (
    DESIGNS,
    Design,
    Draw,
    SimulationError,
    benefit,
    check,
    check_all,
    experiments,
    false_alarms,
    pictures,
    runner,
    store,
    study,
    summary,
    survey,
)
from watwerkt.simulation import __main__ as command
from watwerkt.simulation.design import generator
from watwerkt.simulation.register import THROUGH_OTHERS

LEAST = 500  # draws of each design that are committed
LARGEST = 1_000_000  # bytes of the file of results: a page reads it, and a clone holds it
SAME_BITS = 1e-12  # relative: the same sums in another process or order
SAME_SUM = 1e-10  # relative: one quantity reckoned in two ways
CLEAR = 4.5  # Monte Carlo standard errors: an unbiased estimator is further off once in 100,000 studies
SLOW = {"selection"}
QUICK = [name for name in DESIGNS if name not in SLOW]
INTERVALS = [name for name, one in DESIGNS.items() if one.measures == "interval"]


# ---- draws -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUICK)
def test_a_draw_is_the_same_whatever_was_drawn_before_it(name):
    alone = DESIGNS[name].nth(3)
    first, again = (DESIGNS[name].nth(number) for number in (0, 3))
    assert alone == pytest.approx(again, rel=SAME_BITS, nan_ok=True)
    assert alone != first


def test_no_two_draws_of_any_designs_share_random_numbers():
    first = {generator(name, number).random() for name in DESIGNS for number in range(20)}
    assert len(first) == 20 * len(DESIGNS)


def test_seeds_are_the_same_in_every_process_and_release():
    """Python's own hash of a text would differ from process to process."""
    assert list(generator("itt", 17).random(2)) == pytest.approx([0.6485891140555825, 0.1674753128803469])


def test_processes_give_what_one_process_gives_in_the_order_of_the_draws(monkeypatch):
    monkeypatch.setattr(runner, "AT_ONCE", 2)
    found = dict(runner.run(["pooled", "late_cells"], draws=5, jobs=2))
    for name, draws in found.items():
        for number, draw in enumerate(draws):
            assert draw == pytest.approx(DESIGNS[name].nth(number), rel=SAME_BITS)
    assert len(found["pooled"]) == 5


def refuses(_: np.random.Generator) -> Draw:
    raise EstimationError("nobody is there.")


def test_an_estimator_that_refuses_a_data_set_stops_the_run_and_is_named(monkeypatch):
    monkeypatch.setitem(runner.DESIGNS, "itt", replace(DESIGNS["itt"], draw=refuses))
    with pytest.raises(SimulationError, match=r"design 'itt', draw 5: nobody is there\."):
        runner._some(("itt", 5, 7))


# ---- truths, reckoned in another way than the designs do -------------------------------------------------------------


def test_the_effect_of_a_service_is_what_the_estimator_gives_for_the_true_coefficients():
    cells = cells_of(*compressed(benefit._served(np.random.default_rng(1)), benefit.PLAN), benefit.PLAN)
    true = {}
    for kind in ("work", "other"):
        level, slope = benefit.LEVELS[kind]
        true |= {f"{kind}:month={month}": level + slope * month for month in range(benefit.FOLLOW_UP)}
        true |= {f"{kind}:jobhunting=1": benefit.BY_MOMENT[kind][0], f"{kind}:jobhunting=2": benefit.BY_MOMENT[kind][1]}
        true |= {f"{kind}:sex=male": benefit.BY_SEX[kind], f"{kind}:followup_1": benefit.BY_INTERVIEW[kind]}
    names = tuple(f"{kind}:{name}" for kind in ("work", "other") for name in cells.names)
    k = len(names)
    known = Result("truth", names, np.array([true[name] for name in names]), np.eye(k), 1, "none", names[0])
    found = averaged(effects(Fit(known, cells, 0.0), "jobhunting", starts=list(benefit.STARTED)), benefit.STARTED)
    assert found.of("work").estimate == pytest.approx(benefit.competing_truth(), rel=SAME_SUM)


@pytest.mark.parametrize("scale", ["linear", "logistic"])
def test_the_parts_of_an_effect_are_what_the_estimator_gives_for_the_true_coefficients(scale):
    theta = survey.SCORE if scale == "linear" else survey.LOG_ODDS
    models = Models(
        scale, "linear", np.array(theta), np.array(survey.MEDIATOR), 1.0, np.eye(9), survey.PEOPLE, "none"
    )  # fmt: skip
    total, *_, indirect = parts(models, Levels(0.0, 1.0, 3.0, (survey.AT,)), risks="exact")
    assert survey.part_truth("te", scale) == pytest.approx(total, rel=SAME_SUM)
    assert survey.part_truth("pie", scale) == pytest.approx(indirect, rel=SAME_SUM)


def test_the_net_effect_is_the_sum_over_all_ways_to_behave_in_four_windows():
    def left(more: int) -> float:
        stays = 0.0
        for kinds in product(range(3), repeat=4):
            chance = 1.0
            for window, kind in enumerate(kinds):
                shares, without = benefit._window_chances(window)
                effect = benefit.WINDOW_EFFECTS[window]
                chance *= shares[kind] * (1 - without[kind] - effect * (kind == 0) - effect * more)
            stays += chance
        return 1 - stays

    assert benefit.net_truth() == pytest.approx(left(1) - left(0), rel=SAME_SUM)


def test_the_share_that_left_is_what_exits_without_censoring_give():
    hazards = np.stack(list(benefit.HAZARDS.values()))[:, None, :]
    assert benefit.incidence_truth() == pytest.approx(benefit._work_within(hazards), rel=SAME_SUM)


@pytest.mark.parametrize("name", [name for name in INTERVALS if name != "anderson_rubin"])
def test_estimators_are_right_on_average(name):
    """A wrong truth, or an estimator of something else, would show as a bias many Monte Carlo errors from nil."""
    found = summary([name]).iloc[0]
    assert abs(found["bias"]) < CLEAR * found["bias_se"]


# ---- sums over draws -------------------------------------------------------------------------------------------------


@pytest.fixture
def made_up(monkeypatch, tmp_path):
    """A study of two designs with four draws each, in a folder of its own."""
    about = {"study": "wga", "function": "linear.itt", "estimator": "E", "quantity": "Q", "process": "P"}
    known = [Draw(1.0, 0.5, 0.0, 2.0), Draw(3.0, 0.5, 2.5, 3.5), Draw(2.0, 0.5, 1.0, 3.0), Draw(4.0, 0.5, 9.0, 1.5)]
    designs = {
        "interval": Design("interval", truth=lambda: 2.0, draw=lambda rng: known[0], **about),
        "test": Design("test", truth=lambda: 0.05, draw=lambda rng: Draw(0.05), measures="test", **about),
    }
    monkeypatch.setattr(study, "DESIGNS", designs)
    monkeypatch.setattr(store, "folder", lambda: tmp_path)
    tests = [Draw(0.05), Draw(0.06), Draw(0.04), Draw(0.9)]
    store.write({"interval": known, "test": tests}, keep={}, order=["interval", "test"])
    return known


def test_bias_rmse_and_coverage_are_those_of_the_draws(made_up):
    found = summary().iloc[0]
    errors = np.array([-1.0, 1.0, 0.0, 2.0])
    assert found["draws"] == 4
    assert found["bias"] == pytest.approx(0.5, rel=SAME_BITS)
    assert found["bias_se"] == pytest.approx(np.std(errors, ddof=1) / 2, rel=SAME_BITS)
    assert found["rmse"] == pytest.approx(np.sqrt(1.5), rel=SAME_BITS)
    assert found["se_ratio"] == pytest.approx(0.5 / np.std(errors, ddof=1), rel=SAME_BITS)
    assert found["coverage"] == 0.5  # the second misses; the fourth is everything but a gap, and 2 lies in the gap
    p, n, z2 = 0.5, 4, 1.959963984540054**2
    reach = np.sqrt(p * (1 - p) / n + z2 / (4 * n**2)) * np.sqrt(z2) / (1 + z2 / n)
    assert (found["coverage_low"], found["coverage_high"]) == pytest.approx((0.5 - reach, 0.5 + reach), rel=SAME_BITS)


def test_a_set_around_a_gap_holds_what_lies_outside_the_gap(made_up):
    outside = Draw(4.0, 0.5, 9.0, 2.0)  # everything up to 2, and from 9
    store.write({"interval": [outside, *made_up[1:]]}, keep=store.read(), order=["interval", "test"])
    assert summary().iloc[0]["coverage"] == 0.5


def test_a_test_counts_p_values_of_five_percent_and_less(made_up):
    found = false_alarms().iloc[0]
    assert (found["rate"], found["draws"]) == (0.5, 4)
    assert found["rate_low"] < 0.5 < found["rate_high"]
    assert found["verdict"] == study.MANY


@pytest.mark.parametrize(
    ("share", "low", "high", "said"),
    [
        (0.93, 0.90, 0.95, study.AS_IT_SHOULD),
        (0.97, 0.95, 0.98, study.AS_IT_SHOULD),
        (0.925, 0.899, 0.945, study.CHANCE),
        (0.978, 0.961, 0.987, study.CHANCE),
        (0.88, 0.85, 0.906, study.LOW),
        (0.999, 0.988, 1.0, study.HIGH),
    ],
)
def test_a_verdict_allows_for_chance_but_not_for_more(share, low, high, said):
    assert study.verdict(share, low, high) == said


# ---- results that are stale, edited or missing -----------------------------------------------------------------------


def edit(old: str, new: str) -> None:
    path = store.folder() / "draws.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_an_edited_row_is_an_error_that_names_the_design(made_up):
    edit("interval,1,3,0.5,2.5,3.5", "interval,1,3,0.5,1.5,3.5")
    with pytest.raises(SimulationError, match=r"rows of design 'interval' are not those that were written"):
        summary()
    with pytest.raises(SimulationError, match="design 'interval'"):
        check("interval", 1)


def test_a_spoilt_design_can_be_run_anew_alone_and_the_others_are_kept(made_up, monkeypatch, capsys):
    edit("interval,1,3,0.5,2.5,3.5", "interval,1,3,0.5,1.5,3.5")
    for module in (command, runner):
        monkeypatch.setattr(module, "DESIGNS", study.DESIGNS)
    monkeypatch.setattr(runner, "run", lambda names, draws, jobs: iter([(names[0], made_up)]))
    assert command.main(["interval"]) == 0
    assert summary().iloc[0]["coverage"] == 0.5
    assert len(store.read()["test"]) == 4
    assert "as it should be" not in capsys.readouterr().out


def test_a_row_that_was_left_out_is_an_error_that_names_the_design(made_up):
    edit("test,3,0.9,,,\n", "")
    with pytest.raises(SimulationError, match="the 3 rows of design 'test' are not those"):
        false_alarms()


def test_rows_of_a_design_that_the_sidecar_does_not_know_are_refused(made_up):
    edit("test,3,0.9,,,\n", "test,3,0.9,,,\nother,0,1,,,\n")
    with pytest.raises(SimulationError, match="design 'other'"):
        summary()


def test_results_that_the_library_no_longer_gives_are_an_error_that_names_design_and_draw(made_up):
    assert check("interval", 1) == 1
    with pytest.raises(SimulationError, match=r"design 'interval', draw 1: estimate is 1, the file has 3"):
        check("interval", 2)


def test_a_difference_in_the_last_bits_is_none_but_one_in_the_sixth_digit_is(made_up):
    near, far = Draw(1.0 + 1e-8, 0.5, 1e-11, 2.0), Draw(1.0 + 3e-6, 0.5, 0.0, 2.0)
    for draw, agrees in ((near, True), (far, False)):
        store.write({"interval": [draw] * 4}, keep=store.read(), order=["interval", "test"])
        if agrees:
            assert check("interval", 1) == 1
        else:
            with pytest.raises(SimulationError, match="draw 0: estimate"):
                check("interval", 1)


def test_an_estimator_that_changed_is_seen_in_the_committed_study(monkeypatch):
    monkeypatch.setattr(experiments, "itt", partial(experiments.itt, variance="classical"))
    with pytest.raises(SimulationError, match="design 'itt_controls', draw 0: se is "):
        check("itt_controls", 1)


@pytest.mark.parametrize("draws", [0, 5])
def test_more_draws_than_there_are_cannot_be_checked_nor_none(made_up, draws):
    with pytest.raises(SimulationError, match=f"has 4 draws in the file; asked: {draws}"):
        check("interval", draws)


def test_a_missing_file_or_design_says_what_to_run(made_up, monkeypatch):
    with pytest.raises(SimulationError, match=r"there is no design 'itt'\.\n  allowed: interval, test"):
        check("itt", 1)
    monkeypatch.setitem(study.DESIGNS, "new", replace(study.DESIGNS["test"], name="new"))
    with pytest.raises(SimulationError, match=r"no results of design 'new'\.\n  run `.* watwerkt\.simulation new`"):
        check("new", 1)
    (store.folder() / "draws.csv").unlink()
    with pytest.raises(SimulationError, match=r"there is no .*draws\.csv\.\n  run `python -m watwerkt.simulation`"):
        summary()


def test_running_one_design_keeps_the_others_and_a_design_that_is_gone_is_dropped(made_up):
    before = store.read()["interval"]
    store.write({"test": [Draw(0.5)]}, keep=store.read(), order=["interval", "test"])
    assert store.read()["interval"].equals(before)
    assert len(store.read()["test"]) == 1
    store.write({}, keep=store.read(), order=["interval"])
    assert list(store.read()) == ["interval"]


def test_numbers_survive_the_file_to_eight_digits(made_up):
    value = Draw(1 / 3, 2e-9 / 3, -np.inf, np.inf)
    store.write({"interval": [value]}, keep={}, order=["interval"])
    kept = store.read()["interval"].iloc[0][store.NUMBERS]
    assert list(kept) == pytest.approx(list(value), rel=1e-8)


@pytest.mark.parametrize("arguments", [["--draws", "10"], ["--jobs", "0"], ["coaching"]])
def test_the_command_refuses_what_would_leave_a_thinner_study_behind(arguments, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert "error" in capsys.readouterr().err


# ---- what is committed -----------------------------------------------------------------------------------------------


def test_every_module_that_estimates_is_studied():
    """Either a design names a function of it, or it is listed with the designs that go through it."""
    modules = {path.stem for path in Path(estimators.__file__).parent.glob("*.py")} - {"__init__"}
    named = {one.function.partition(".")[0] for one in DESIGNS.values()} - {"pooling"}
    assert modules == named | set(THROUGH_OTHERS)
    assert not named & set(THROUGH_OTHERS)
    assert {name for names in THROUGH_OTHERS.values() for name in names} <= set(DESIGNS)


@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_has_its_own_name_and_studies_a_function_that_exists(name):
    module, _, function = DESIGNS[name].function.partition(".")
    home = pooling if module == "pooling" else import_module(f"watwerkt.estimate.{module}")
    assert callable(getattr(home, function))
    assert DESIGNS[name].name == name


def test_every_design_has_500_draws_or_more_and_the_file_stays_small():
    found = store.read()
    assert list(found) == list(DESIGNS)
    assert min(len(frame) for frame in found.values()) >= LEAST
    assert (store.folder() / "draws.csv").stat().st_size < LARGEST


def test_the_sidecar_describes_the_file_that_is_there():
    facts = json.loads((store.folder() / "draws.json").read_text("utf-8"))
    path = store.folder() / "draws.csv"
    assert facts["bytes"] == path.stat().st_size
    assert [field["name"] for field in facts["schema"]["fields"]] == path.read_text("utf-8").splitlines()[0].split(",")


def test_the_committed_draws_are_what_the_library_gives():
    assert set(check_all(1)["agreeing"]) == {1}


def test_whatever_is_not_as_it_should_be_has_a_reason():
    for found in (summary(), false_alarms()):
        odd = found[~found["verdict"].isin([study.AS_IT_SHOULD, study.CHANCE])]
        assert odd["limit"].all(), odd[["design", "verdict"]]


# ---- for readers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pictures.coverage_chart, pictures.bias_chart])
def test_a_chart_is_valid_in_both_widths_and_says_every_value_in_words(make):
    found = summary()
    chart = make(found)
    validator = jsonschema.Draft7Validator(alt.load_schema())
    for spec in (chart.wide, chart.narrow):
        assert not list(validator.iter_errors(spec))
    json.dumps(chart._repr_mimebundle_()[charts.MIME], allow_nan=False)
    shown = found if make is pictures.coverage_chart else found[found["bias"].notna()]
    assert all(name in chart.alt for name in shown["estimator"])
    assert len(chart.data) == len(shown) == chart.data["label"].nunique()


def test_tables_hold_every_design():
    intervals, tests = summary(), false_alarms()
    assert len(pictures.coverage_table(intervals).shown) == len(intervals)
    assert len(pictures.alarms_table(tests).shown) == len(tests)
    assert len(pictures.designs_table().shown) == len(DESIGNS) == len(intervals) + len(tests)
