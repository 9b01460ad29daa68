"""Tables: text stays text, headers say what they head, every effect has its interval, downloads hold the numbers."""

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from watwerkt import evidence, formats, tables
from watwerkt.published import published

STUDY = "intensive"
SCRIPT = "<script>alert('x')</script>"
LETTERS = "ᵃᵇᶜᵈᵉᶠᵍʰ"
INTERVAL = re.compile(r"−?[\d,]+(\.\d+)? to −?[\d,]+(\.\d+)?|at least ±\d+(\.\d+)?|not known")


class Page(HTMLParser):
    """Elements with their attributes and own text, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict, list[str]]] = []
        self.open: list[list[str]] = []
        self.feed(html)
        assert not self.open, "an element is left open"

    def handle_starttag(self, tag, attrs):
        text: list[str] = []
        self.elements.append((tag, dict(attrs), text))
        self.open.append(text)

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.open[-1].append(data)

    def all(self, *tags, **attributes):
        return [
            "".join(text)
            for tag, found, text in self.elements
            if tag in tags and all(found.get(name) == value for name, value in attributes.items())
        ]

    def rows(self) -> list[list[str]]:
        """Tags of the cells of each row."""
        found: list[list[str]] = []
        for tag, _, _ in self.elements:
            if tag == "tr":
                found.append([])
            elif tag in ("th", "td"):
                found[-1].append(tag)
        return found


@pytest.fixture(scope="module")
def exits():
    return tables.effects(
        evidence.effects(STUDY).where(table="T3.2"), name="exits", label="Exits", rows=("group", "horizon_months")
    )


@pytest.mark.parametrize("place", ["value", "row label", "column label", "group label", "table label", "corner"])
def test_a_script_in_a_text_is_shown_and_not_run(place):
    places = ["value", "row label", "column label", "group label", "table label", "corner"]
    texts = {name: SCRIPT if name == place else f"a {name}" for name in places}
    index = pd.MultiIndex.from_tuples([(texts["group label"], texts["row label"])], names=["Outer", texts["corner"]])
    shown = pd.DataFrame({texts["column label"]: [texts["value"]]}, index=index)
    html = tables.show(shown, name="t", label=texts["table label"]).html()
    page = Page(html)
    assert "<script" not in html
    assert page.all("script") == []
    seen = [*page.all("th", "td"), *(attributes.get("aria-label") for _, attributes, _ in page.elements)]
    assert SCRIPT in seen


def test_a_quote_in_a_label_does_not_end_the_attribute():
    html = tables.show(pd.DataFrame({"A": ["1"]}, index=["r"]), name="t", label='"><img src=x onerror=alert(1)>').html()
    assert Page(html).all("img") == []


def test_every_header_says_what_it_heads(exits):
    page = Page(exits.html())
    scopes = [attributes.get("scope") for tag, attributes, _ in page.elements if tag == "th"]
    assert set(scopes) == {"col", "row", "rowgroup"}
    assert page.all("th", scope="col") == ["Months", "Effect", "95% interval", "Intensive", "Basic", "p"]
    assert page.all("th", scope="rowgroup") == ["Non-western background", "No migration background"]
    assert len(page.all("th", scope="row")) == 18


def test_every_row_has_a_header_and_as_many_values_as_there_are_columns(exits):
    head, *rows = Page(exits.html()).rows()
    assert head == ["th"] * 6
    values = [row for row in rows if row != ["th"]]  # a group's header stands alone in its row
    assert len(values) == 18
    assert {tuple(row) for row in values} == {("th", *["td"] * 5)}


def test_a_group_header_spans_the_whole_table(exits):
    spans = [a["colspan"] for tag, a, _ in Page(exits.html()).elements if tag == "th" and a["scope"] == "rowgroup"]
    assert spans == ["6", "6"]


def test_a_table_can_be_scrolled_by_keyboard_and_says_what_it_is(exits):
    (region,) = [a for tag, a, _ in Page(exits.html()).elements if tag == "div"]
    assert (region["role"], region["tabindex"], region["aria-label"]) == ("region", "0", "Exits")


def test_a_table_without_groups_has_none():
    page = Page(tables.show(pd.DataFrame({"A": ["1", "2"]}, index=["r", "s"]), name="t", label="l").html())
    assert page.all("th", scope="rowgroup") == []
    assert page.all("th", scope="row") == ["r", "s"]
    assert page.all("td") == ["", "1", "2"]


def test_columns_of_text_are_not_set_as_numbers():
    shown = pd.DataFrame({"A": ["1"], "B": ["words"]}, index=["r"])
    page = Page(tables.show(shown, name="t", label="l", numeric=["A"]).html())
    assert page.all("td", **{"class": "num"}) == ["1"]
    assert page.all("th", **{"class": "num"}) == ["A"]


# ---- effects ------------------------------------------------------------------------------------


def test_every_effect_is_shown_with_its_interval_and_mark():
    found = evidence.effects(STUDY)
    shown = tables.effects(found, name="all", label="All", levels=False, rows=("group", "outcome_label")).shown
    assert len(shown) == len(found) == 206
    for (_, row), effect in zip(shown.iterrows(), found, strict=True):
        assert INTERVAL.fullmatch(row["95% interval"].rstrip(LETTERS)), row["95% interval"]
        assert row["Effect"].endswith(effect.cell.stars)
        assert (row["p"] == "–") == (not effect.determined)


def test_shown_intervals_are_those_of_the_effects_in_points():
    found = evidence.effects(STUDY).where(table="T3.2", outcome="exit_benefit", horizon_months=12)
    shown = tables.effects(found, name="t", label="l").shown
    assert list(shown["95% interval"]) == ["−1.7 to 8.7", "−0.4 to 4.2"]
    assert list(shown["Intensive"]) == ["64.6%", "61.7%"]
    assert list(shown["Basic"]) == ["61.1%", "59.8%"]
    assert list(shown["Effect"]) == ["+3.5", "+1.9*"]


def test_a_suppressed_level_is_a_dash_and_not_a_number():
    found = evidence.effects(STUDY).where(table="T3.2", outcome="reentry", population="nonwestern")
    (row,) = tables.effects(found, name="t", label="l").shown.to_dict("records")
    assert (row["Intensive"], row["Basic"], row["95% interval"]) == ("–", "–", "not known")


def test_levels_and_effect_of_a_row_are_both_corrected():
    """Table 3.3 prints 28.0, 27.8 and +0.2 where it must be 27.8, 28.0 and −0.2."""
    found = evidence.effects(STUDY).where(table="T3.3", outcome="fraction_other", population="nonwestern")
    (row,) = tables.effects(found, name="t", label="l").shown.to_dict("records")
    assert (row["Intensive"], row["Basic"], row["Effect"]) == ("27.8%", "28.0%", "−0.2")


def test_rows_can_be_labelled_by_interview_and_headings_renamed():
    found = evidence.effects(STUDY).where(table="T3.5", outcome="exit_job", population="none")
    table = tables.effects(
        found, name="t", label="l", rows=("service_label",), levels=False, labels={"service_label": "Talk"}
    )
    assert table.shown.index.name == "Talk"
    assert list(table.shown.index)[:2] == ["Fourth-month interview", "Seventh-month interview"]
    assert "Intensive" not in table.shown


# ---- downloads ----------------------------------------------------------------------------------


def test_the_download_of_a_table_holds_every_number_and_no_nan(exits):
    bundle = exits._repr_mimebundle_()
    payload = json.loads(json.dumps(bundle[tables.MIME], allow_nan=False))
    columns, rows = payload["data"]["columns"], payload["data"]["rows"]
    assert payload["name"] == "exits"
    assert len(rows) == 18
    assert {len(row) for row in rows} == {len(columns)}
    for row, effect in zip(rows, evidence.effects(STUDY).where(table="T3.2"), strict=True):
        record = dict(zip(columns, row, strict=True))
        assert record["printed"] == effect.cell.value
        assert record["ci_low"] == (effect.estimate.low if effect.determined else None)


def test_a_table_shows_itself_as_html_and_as_plain_text(exits):
    bundle = exits._repr_mimebundle_()
    assert bundle["text/html"] == exits.html()
    assert "−1.7 to 8.7" in bundle["text/plain"]


def test_the_download_of_a_shown_table_is_its_text_unless_data_are_given():
    shown = pd.DataFrame({"A": ["1.0%"]}, index=pd.Index(["r"], name="Row"))
    assert tables.show(shown, name="t", label="l").data.to_dict("records") == [{"Row": "r", "A": "1.0%"}]
    data = pd.DataFrame({"a": [0.0104]})
    assert tables.show(shown, name="t", label="l", data=data).data is data


# ---- tables as the report prints them -----------------------------------------------------------


def test_a_mirrored_table_has_every_cell_at_its_place_as_printed():
    cells = published(STUDY, "T2.6").where(population="nonwestern")
    table = tables.mirrored(cells, name="t", label="l", rows="outcome", columns="arm")
    assert table.shown.loc["Individual interview", "Intensive services"] == "510 (86%)"
    assert table.shown.loc["People", "All groups"] == "1,238"
    assert len(table.data) == len(cells)
    texts = [part for text in table.shown.to_numpy().ravel() for part in re.split(r" \(|\)", text) if part]
    assert sorted(texts) == sorted(formats.printed(cell) for cell in cells)


def test_a_mirrored_table_keeps_the_order_of_the_report():
    cells = published(STUDY, "T3.2").where(population="none", outcome="exit_benefit", statistic="level")
    shown = tables.mirrored(cells, name="t", label="l", rows="arm", columns="horizon_months").shown
    assert list(shown.index) == ["Intensive services", "Basic services"]
    assert list(shown.columns) == ["6 months", "9 months", "12 months", "15 months"]


def test_a_suppressed_count_is_named_as_suppressed_in_table_and_download():
    cells = published(STUDY, "T2.5").where(service="competency_test", population="nonwestern", statistic="count")
    table = tables.mirrored(cells, name="t", label="l", rows="service", columns="arm")
    assert set(table.shown.to_numpy().ravel()) == {"suppressed"}
    rows = table._repr_mimebundle_()[tables.MIME]["data"]
    assert {row[rows["columns"].index("value")] for row in rows["rows"]} == {None}


def test_the_footnote_on_misprints_names_table_people_both_values_and_reason():
    note = tables.corrections(published(STUDY, "T2.7"))
    assert note.startswith(
        "Table 2.7, Non-western background: printed 558, read as 228 (certain). The groups beside it"
    )
    assert tables.corrections(published(STUDY, "T2.8")) == ""


def test_every_interval_says_where_it_comes_from(exits):
    """A letter leads from the interval to the note, and the note knows every letter and no other."""
    used = {text[-1] for text in exits.shown["95% interval"] if text[-1] in LETTERS}
    noted = {letter for letter in LETTERS if letter in exits.note}
    assert used == noted != set()
    assert "group sizes and printed percentages" in exits.note


def test_one_way_for_all_intervals_needs_no_letters():
    table = tables.effects(
        evidence.effects("intensive").where(table="T3.2", horizon_months=[6, 9]), name="t", label="l"
    )
    assert not any(letter in table.html() + table.note for letter in LETTERS)
    assert table.note == "Intervals follow from group sizes and printed percentages."


def test_a_mark_that_fits_only_by_rounding_is_said_below_the_table(exits):
    assert "The mark of +1.9* (Table 3.2, exit from benefit, 12 months, no migration background) fits" in exits.note


def test_a_mark_that_the_counts_contradict_is_said_below_the_table(data_copy):
    data_copy.set_cell("T3.2", "nonwestern.all.intensive_vs_basic.exit_benefit.12.effect", stars="**")
    table = tables.effects(evidence.effects("intensive").where(table="T3.2"), name="t", label="l")
    assert (
        "The mark of +3.5** (Table 3.2, exit from benefit, 12 months, non-western background) contradicts" in table.note
    )
