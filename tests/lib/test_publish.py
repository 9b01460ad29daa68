"""What reaches a page: plain numbers and texts, each key once, and nothing that is missing or infinite."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config
from watwerkt import publish as module
from watwerkt.estimate.result import Result
from watwerkt.evidence import effects
from watwerkt.publish import PublishError, publish, publish_percent
from watwerkt.published import published
from watwerkt.uncertainty import Estimate, Range

STUDY = "intensive"


@pytest.fixture
def glued(monkeypatch):
    """What the page gets, by key, while one cell runs."""
    found: dict[str, object] = {}
    monkeypatch.setattr(module, "_published", {})
    monkeypatch.setattr(module, "glue", lambda key, value, display: found.__setitem__(key, value))
    return found


# ---- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(3.5), 3.5),
        (np.float32(0.5), 0.5),
        (np.int64(644), 644),
        (np.uint8(7), 7),
        (3.5, 3.5),
        (644, 644),
        ("a word", "a word"),
        (np.str_("a word"), "a word"),
    ],
)
def test_values_reach_the_page_as_plain_python_so_that_formats_in_the_text_work(value, plain, glued):
    publish(key=value)
    assert glued == {"key": plain}
    assert type(glued["key"]) is type(plain)


def test_a_negative_nil_is_shown_without_a_sign(glued):
    publish(key=-0.0)
    assert math.copysign(1, glued["key"]) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.nan, np.float64("inf")])
@pytest.mark.parametrize("function", [publish, publish_percent])
def test_what_does_not_exist_is_refused_by_name(function, value, glued):
    with pytest.raises(PublishError, match=r"^'net' is -?(nan|inf)\.\n  publish only results that exist"):
        function(net=value)
    assert glued == {}


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        np.True_,
        object(),
        [1.0],
        (1.0,),
        {"a": 1},
        1 + 2j,
        Decimal("1.5"),
        pd.NA,
        np.array([1.0]),
        pd.Series([1]),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("function", [publish, publish_percent])
def test_what_is_neither_text_nor_number_is_refused_with_what_is_allowed(function, value, glued):
    with pytest.raises(PublishError) as caught:
        function(net=value)
    assert str(caught.value) == (
        f"'net' is of type {type(value).__name__}.\n  allowed: text, number, Estimate, Effect, Range, Cell"
    )
    assert glued == {}


def test_a_range_without_end_is_refused(glued):
    with pytest.raises(PublishError, match=r"^'se_high' is inf"):
        publish(se=Range(0.1, math.inf))


# ---- keys ---------------------------------------------------------------------------------------


def test_an_effect_gives_its_interval_p_and_levels_in_points(glued):
    effect = effects(STUDY).one(table="T3.2", population="none", outcome="exit_benefit", horizon_months=12)
    publish(net=effect)
    assert list(glued) == ["net", "net_low", "net_high", "net_p_low", "net_p_high", "net_intensive", "net_basic"]
    assert glued["net"] == pytest.approx(1.9, abs=1e-12)
    assert (glued["net_intensive"], glued["net_basic"]) == pytest.approx((61.7, 59.8), abs=1e-12)
    assert (glued["net_low"], glued["net_high"]) == pytest.approx(
        (100 * effect.estimate.low, 100 * effect.estimate.high), abs=1e-12
    )
    assert (glued["net_p_low"], glued["net_p_high"]) == pytest.approx(
        (effect.estimate.p.low, effect.estimate.p.high), rel=1e-11
    )


def test_numbers_are_free_of_the_last_bits_in_which_processors_differ(glued):
    publish(sum=0.1 + 0.2, large=1 / 3e9)
    assert (glued["sum"], glued["large"]) == (0.3, 3.33333333333e-10)


def test_an_effect_without_interval_gives_no_bounds_to_show(glued):
    publish(net=effects(STUDY).one(table="T3.4", population="none", outcome="hourly_wage"))
    assert "net_low" not in glued and "net_high" not in glued
    assert glued["net"] == pytest.approx(-0.04, abs=1e-12), "euros are not percentages"
    assert (glued["net_intensive"], glued["net_basic"]) != (None, None)


def test_an_effect_with_suppressed_levels_gives_none(glued):
    publish(net=effects(STUDY).one(table="T3.2", population="nonwestern", outcome="reentry"))
    assert not [key for key in glued if key.endswith(("intensive", "basic"))]


def test_an_estimate_gives_its_interval_and_p_unscaled(glued):
    publish(gap=Estimate(0.016, Range(0.02, 0.03)))
    assert list(glued) == ["gap", "gap_low", "gap_high", "gap_p_low", "gap_p_high"]
    assert glued["gap"] == 0.016
    assert glued["gap_low"] == pytest.approx(0.016 - 1.959964 * 0.03, abs=1e-7)


def test_an_estimate_as_percent_scales_effect_and_interval_but_not_p(glued):
    estimate = Estimate(0.016, Range(0.02, 0.03))
    publish_percent(gap=estimate)
    assert glued["gap"] == pytest.approx(1.6, abs=1e-12)
    assert glued["gap_high"] == pytest.approx(100 * estimate.high, abs=1e-12)
    assert (glued["gap_p_low"], glued["gap_p_high"]) == pytest.approx((estimate.p.low, estimate.p.high), rel=1e-11)


def test_a_range_gives_its_ends(glued):
    publish(share=Range(0.25, 0.5))
    publish_percent(percent=Range(0.25, 0.5))
    assert glued == {"share_low": 0.25, "share_high": 0.5, "percent_low": 25.0, "percent_high": 50.0}


def test_a_cell_gives_its_corrected_number_in_printed_units(glued):
    cells = published(STUDY)
    publish(
        level=cells.one(table="T3.2", cell="nonwestern.all.basic.exit_benefit.6.level"),
        held=cells.one(table="T2.7", cell="nonwestern.all.interview_7m.interview_held.count"),
    )
    assert glued == {"level": pytest.approx(29.0, abs=1e-12), "held": 228.0}


def test_a_fraction_as_percent_is_taken_times_hundred(glued):
    publish_percent(share=np.float64(0.355), whole=1)
    assert glued == {"share": pytest.approx(35.5, abs=1e-12), "whole": 100.0}


# ---- one key, one value -------------------------------------------------------------------------


@pytest.mark.parametrize("function", [publish, publish_percent])
def test_two_values_of_one_call_cannot_share_a_key(function, glued):
    with pytest.raises(PublishError, match=r"^'net_low' is published twice on this page\.\n  give the second value"):
        function(net=Range(0.1, 0.2), net_low=0.3)
    assert glued == {}


@pytest.fixture
def shell(monkeypatch):
    """A running notebook: one cell after another."""
    monkeypatch.setattr(module, "_published", {})
    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()


def run(shell, code: str) -> tuple[dict[str, object], BaseException | None]:
    with capture_output(stdout=True, stderr=True, display=True) as captured:
        result = shell.run_cell(code, store_history=True)
    keys = {}
    for output in captured.outputs:
        scrap = (output.metadata or {}).get("scrapbook", {})
        if "name" in scrap:
            keys[scrap["name"].removeprefix("application/papermill.record/")] = output.data
    return keys, result.error_in_exec


def test_a_published_number_reaches_the_output_of_its_cell_under_its_key(shell):
    keys, error = run(shell, "from watwerkt.publish import publish\nimport numpy as np\npublish(net=np.float64(3.5))")
    assert error is None
    assert list(keys) == ["net"]
    assert [text for mime, text in keys["net"].items() if mime.endswith("text/plain")] == ["3.5"]


def test_another_cell_cannot_publish_the_same_key(shell):
    run(shell, "from watwerkt.publish import publish\npublish(net=1)")
    keys, error = run(shell, "publish(net=2)")
    assert keys == {}
    assert isinstance(error, PublishError)
    assert str(error) == "'net' is published twice on this page.\n  give the second value another key"


def test_a_bound_of_an_effect_counts_as_published(shell):
    run(shell, "from watwerkt.publish import publish\nfrom watwerkt.uncertainty import Range\npublish(net=Range(1, 2))")
    _, error = run(shell, "publish(net_high=3)")
    assert isinstance(error, PublishError)


def test_an_author_may_run_a_cell_again(shell):
    run(shell, "from watwerkt.publish import publish")
    assert run(shell, "publish(net=1)")[1] is None
    keys, error = run(shell, "publish(net=1)")
    assert error is None
    assert list(keys) == ["net"]


def test_a_result_brings_its_interval_standard_error_and_p_value_in_points(glued):
    found = Result("OLS", ("a", "b"), np.array([0.02, 0.5]), np.diag([0.0001, 1.0]), 100, "HC1", "a")
    publish_percent(itt=found)
    assert glued["itt"] == 2.0
    assert glued["itt_se"] == 1.0
    assert (glued["itt_low"], glued["itt_high"]) == pytest.approx((2 - 1.959964, 2 + 1.959964), abs=1e-6)
    assert glued["itt_p"] == pytest.approx(found.p)
