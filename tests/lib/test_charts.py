"""Charts: valid Vega-Lite at two widths, a text alternative with every value, the data inside, and nothing fetched."""

import json
import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import altair as alt
import jsonschema
import pandas as pd
import pytest
import vl_convert
from watwerkt import charts, evidence
from watwerkt.errors import DisclosureError, PublishedDataError
from watwerkt.published import published

STUDY = "intensive"
SCRIPT = "<script>alert('x')</script>"
PHONE = 360  # CSS pixels, the narrowest screen that the design names


def arms_frame(**columns):
    return pd.DataFrame({"arm": ["intensive", "basic"] * 2, **columns})


def exits():
    found = evidence.effects(STUDY).where(table="T3.2", outcome=["exit_benefit", "exit_job"])
    return charts.intervals(found, name="exits", rows="horizon", facet="outcome", alt_text="Effects by horizon.")


def quality():
    """Some of these effects have no known interval."""
    found = evidence.effects(STUDY).where(table="T3.4", population="none")
    return charts.intervals(found, name="quality", rows="outcome", alt_text="Job quality.")


def exit_levels():
    cells = published(STUDY, "T3.2").where(statistic="level", outcome="exit_benefit").printed
    return charts.levels(cells, name="levels", alt_text="Levels by horizon.")


def contacts():
    frame = arms_frame(label=["Interview"] * 2 + ["Workshop"] * 2, value=[1203.0, 758.0, 171.0, 69.0])
    return charts.paired_bars(frame, name="contacts", alt_text="Contacts.", axis="Contacts")


def participants():
    frame = arms_frame(
        step=["Assigned"] * 2 + ["Fourth month"] * 2, people=[644, 679, 592, 646], held=[None, None, 530, 563]
    )
    return charts.flow(frame, name="flow", alt_text="Participants.")


def calendar():
    frame = pd.DataFrame(
        {"what": ["Entry", "Observation"], "start": ["2012-07-23"] * 2, "end": ["2013-04-01", "2014-01-01"]}
    )
    return charts.timeline(frame, name="calendar", alt_text="Periods.")


def power():
    frame = pd.DataFrame({"population": ["none"] * 2 + ["nonwestern"] * 2, "n": [1, 2] * 2, "effect": [4.0, 3, 9, 7]})
    return charts.curve(frame, name="power", x="n", y="effect", x_title="People", y_title="Effect", alt_text="Power.")


def against_truth():
    frame = pd.DataFrame(
        {
            "label": ["Work", "Other"],
            "estimate": [1.2, 3.4],
            "low": [0.1, 1.0],
            "high": [2.3, 5.8],
            "truth": [1.0, None],
        }
    )
    return charts.compared(frame, name="truth", alt_text="Estimates and truth.", axis="Effect, points")


def seconds():
    frame = pd.DataFrame({"way": ["cells", "rows"] * 2, "rows": [1e4, 1e4, 1e6, 1e6], "value": [0.02, 0.05, 0.1, 8.0]})
    return charts.growth(frame, name="seconds", alt_text="Seconds by rows.", axis="Seconds")


def two_paths():
    frame = pd.DataFrame({"path": ["With"] * 2 + ["Without"] * 2, "month": [1, 2] * 2, "share": [1.0, 3.0, 1.0, 2.0]})
    titles = {"x_title": "Months", "y_title": "Share, %"}
    return charts.paths(frame, name="paths", x="month", y="share", **titles, alt_text="Two paths.")


ALL = [exits, quality, exit_levels, contacts, participants, calendar, power, against_truth, seconds, two_paths]
both_widths = pytest.mark.parametrize("width", ["wide", "narrow"])
every_chart = pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)


@pytest.fixture(scope="module")
def vega_lite():
    return jsonschema.Draft7Validator(alt.load_schema())


def walk(node) -> Iterator[dict]:
    """Every object within a specification."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(inner)


class Picture(HTMLParser):
    """The kinds of marks in an SVG, and the texts."""

    def __init__(self, svg: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.marks: list[dict] = []
        self.texts: list[str] = []
        self.feed(svg)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if "aria-roledescription" in dict(attrs):
            self.marks.append(dict(attrs))

    def handle_data(self, data):
        self.texts.append(data)

    def count(self, kind: str) -> int:
        return sum(mark["aria-roledescription"] == kind for mark in self.marks)


def draw(spec: dict) -> tuple[str, Picture]:
    svg = vl_convert.vegalite_to_svg(spec)
    return svg, Picture(svg)


@every_chart
@both_widths
def test_every_chart_is_valid_vega_lite(make, width, vega_lite):
    spec = getattr(make(), width)
    assert [error.message for error in vega_lite.iter_errors(spec)] == []


@every_chart
@both_widths
def test_every_chart_carries_its_data_and_fetches_none(make, width):
    spec = getattr(make(), width)
    assert not [node["url"] for node in walk(spec) if "url" in node]
    assert not [node for node in walk(spec) if node.get("mark") in ("image", "geoshape")]
    assert any(spec["datasets"].values())
    hosts = set(
        re.findall(r"https?://[^\"/]+", json.dumps({key: value for key, value in spec.items() if key != "$schema"}))
    )
    assert hosts == set()


@every_chart
def test_every_chart_can_be_written_as_json_without_nan(make):
    chart = make()
    bundle = json.loads(json.dumps(chart._repr_mimebundle_(), allow_nan=False))
    payload = bundle[charts.MIME]
    assert (payload["name"], payload["alt"]) == (chart.name, chart.alt)
    assert bundle["text/plain"] == chart.alt
    assert len(payload["data"]["rows"]) == len(chart.data) > 0
    assert {len(row) for row in payload["data"]["rows"]} == {len(payload["data"]["columns"])}


@every_chart
def test_the_narrow_picture_fits_a_phone_and_the_wide_one_uses_its_width(make):
    chart = make()
    widths = {}
    for width in ("wide", "narrow"):
        svg, _ = draw(getattr(chart, width))
        widths[width] = float(re.search(r'<svg[^>]* width="([\d.]+)"', svg)[1])
    assert widths["narrow"] <= PHONE
    assert widths["narrow"] < widths["wide"] <= 760


@pytest.mark.parametrize("make", [make for make in ALL if make is not power], ids=lambda make: make.__name__)
def test_every_chart_says_in_words_what_it_shows_and_every_value(make):
    chart = make()
    lead, _, details = chart.alt.partition(". ")
    assert len(lead) > 4
    assert details.count(";") + 1 == len(chart.data)
    assert chart.alt.endswith(".")


def test_a_curve_is_described_by_its_author_since_it_has_too_many_points_to_read_out():
    assert power().alt == "Power."


def test_the_text_alternative_of_an_interval_plot_gives_effect_and_interval():
    alternative = exits().alt
    assert "12 months, No migration background: +1.9* (−0.4 to 4.2)" in alternative
    assert "nan" not in alternative.lower()


def test_a_corrected_effect_is_named_with_the_value_at_which_it_is_drawn():
    """Table 3.3 prints +0.2 where it must be −0.2."""
    found = evidence.effects(STUDY).where(table="T3.3", outcome="fraction_other", population="nonwestern")
    chart = charts.intervals(found, name="t", rows="outcome", alt_text="Neither.")
    assert "Non-western background: −0.2 (" in chart.alt
    (row,) = next(iter(chart.wide["datasets"].values()))
    assert row["effect"] == pytest.approx(-0.2, abs=1e-12)
    assert row["shown"].startswith("−0.2 (")


def test_the_text_alternative_of_a_flow_gives_people_and_interviews():
    assert "Fourth month, Intensive services: 592 people, 530 had the interview (90%)" in participants().alt
    assert "Assigned, Basic services: 679 people;" in participants().alt


@both_widths
def test_every_effect_is_a_point_with_a_bar(width):
    _, picture = draw(getattr(exits(), width))
    assert picture.count("point") == 16
    labels = [mark["aria-label"] for mark in picture.marks if mark["aria-roledescription"] == "point"]
    assert any("+1.9* (−0.4 to 4.2)" in label for label in labels)


def test_an_effect_without_interval_is_a_hollow_point_and_not_a_certain_one():
    chart = quality()
    found = evidence.effects(STUDY).where(table="T3.4", population="none")
    without = sum(not effect.determined for effect in found)
    assert without == 2
    svg, picture = draw(chart.wide)
    points = re.findall(r'<path aria-label="[^"]*"[^>]*aria-roledescription="point"[^>]*>', svg)
    assert picture.count("point") == len(points) == 5
    assert sum(' fill="#' not in point for point in points) == without
    assert "at least ±0.04" in chart.alt


def test_the_axis_of_effects_names_their_unit():
    wages = evidence.effects(STUDY).where(table="T3.4", outcome="hourly_wage")
    chart = charts.intervals(wages, name="t", rows="outcome", alt_text="Wages.")
    assert '"title": "Effect, euros per hour"' in json.dumps(chart.wide)
    assert '"title": "Effect, percentage points"' in json.dumps(exits().wide)
    assert '"title": "Effect, each in its own unit"' in json.dumps(quality().wide)


def test_the_zero_line_is_always_in_the_picture():
    found = evidence.effects(STUDY).where(table="T3.5", population="nonwestern", service="interview_10m")
    chart = charts.intervals(found, name="t", rows="outcome", alt_text="Tenth month.")
    (domain,) = {tuple(n["scale"]["domain"]) for n in walk(chart.wide) if n.get("field") == "low" and "scale" in n}
    assert domain[0] < 0 < domain[1]
    assert domain[1] > 100 * max(effect.estimate.high for effect in found)


def test_a_suppressed_level_is_refused_and_not_drawn_as_nil():
    cells = published(STUDY, "T3.2").where(population="nonwestern", outcome="reentry", statistic="level")
    with pytest.raises(PublishedDataError, match=r"no number here \(suppressed\)\.\n  leave it out with \.printed"):
        charts.levels(cells, name="t", alt_text="Back.")


@pytest.mark.parametrize("make", ["bars", "flow", "timeline"])
def test_a_script_in_a_label_is_drawn_as_text(make):
    if make == "bars":
        frame = arms_frame(label=[SCRIPT] * 2 + ["b"] * 2, value=[1.0, 2.0, 3.0, 4.0])
        chart = charts.paired_bars(frame, name="t", alt_text="Bars.", axis=SCRIPT)
    elif make == "flow":
        frame = arms_frame(step=[SCRIPT] * 2 + ["b"] * 2, people=[4, 3, 2, 1], held=[None] * 4)
        chart = charts.flow(frame, name="t", alt_text="Flow.")
    else:
        frame = pd.DataFrame({"what": [SCRIPT], "start": ["2012-07-23"], "end": ["2013-04-01"]})
        chart = charts.timeline(frame, name="t", alt_text="Periods.")
    svg, picture = draw(chart.wide)
    assert "<script" not in svg
    assert "script" not in picture.tags
    assert any("alert" in text for text in picture.texts)


def test_populations_keep_their_colour_and_shape_in_every_chart():
    for make in (exits, power):
        for node in walk(make().wide):
            if node.get("field") == "population_label" and node.get("scale"):
                colours = dict(zip(node["scale"]["domain"], node["scale"]["range"], strict=True))
                assert colours["No migration background"] == charts.POPULATION_COLOURS["none"]
                assert colours["Non-western background"] == charts.POPULATION_COLOURS["nonwestern"]


def luminance(colour: str) -> float:
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_of_black_on_white_is_21_so_that_the_tests_below_measure_what_wcag_measures():
    assert math.isclose(contrast("#000000", "#ffffff"), 21.0)


@pytest.mark.parametrize("colour", sorted({*charts.POPULATION_COLOURS.values(), *charts.ARM_COLOURS.values()}))
def test_every_data_colour_can_be_seen_on_paper(colour):
    """WCAG 2.1, 1.4.11: at least 3 to 1 for graphics."""
    assert contrast(colour, charts.PAPER) >= 3


@pytest.mark.parametrize("colour", [charts.INK, charts.MUTED])
def test_every_text_colour_can_be_read_on_paper(colour):
    """WCAG 2.1, 1.4.3: at least 4.5 to 1 for text."""
    assert contrast(colour, charts.PAPER) >= 4.5


def test_two_populations_differ_in_shape_as_well_as_in_colour():
    """Colour alone must not tell them apart (WCAG 2.1, 1.4.1)."""
    named = ("nonwestern", "none", "western", "all")
    assert len({charts.POPULATION_SHAPES[population] for population in named}) == 4
    assert len({charts.POPULATION_COLOURS[population] for population in named}) == 4


def test_a_truth_that_is_not_known_has_no_diamond():
    _, picture = draw(against_truth().wide)
    assert picture.count("point") == 3  # two estimates, one truth


def test_a_chart_or_table_says_why_it_may_be_shown():
    with pytest.raises(DisclosureError, match="give one of the two"):
        against_truth().passed()
    shown = against_truth().passed(public="made up for a test")
    assert shown._repr_mimebundle_()[charts.MIME]["cleared"] == {"public": "made up for a test"}
    assert "cleared" not in against_truth()._repr_mimebundle_()[charts.MIME]
