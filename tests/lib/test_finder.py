"""The catalogue: every number is in it, none that is suppressed or withheld, and words of both languages find it."""

import gzip
import json
import re

import pytest
from watwerkt import codes, finder
from watwerkt.audit import withheld
from watwerkt.published import prose, published, studies, title

LIMIT = 150_000  # bytes, gzipped
HEAD, TAIL = "window.wwCells = ", ";\n"
STUDIES = list(codes.codes("study"))


@pytest.fixture(scope="module")
def script() -> str:
    return finder.script()


@pytest.fixture(scope="module")
def rows(script) -> list[dict]:
    """Every row of the script, as the page reads it."""
    assert script.startswith(HEAD) and script.endswith(TAIL)
    data = json.loads(script.removeprefix(HEAD).removesuffix(TAIL))
    fields = data["fields"]
    assert {len(field["at"]) for field in fields.values()} == {data["rows"]}
    return [
        {name: field["values"][field["at"][row]] for name, field in fields.items()} | {"studies": data["studies"]}
        for row in range(data["rows"])
    ]


def words(row: dict) -> str:
    """What a search can find of a row, apart from its numbers."""
    labelled = [row[name] for name in (*finder.LABELLED, "group", "place")]
    parts = [row["row"], row["column"], row["panel"], *[text for texts in labelled for text in texts]]
    return " ".join([*parts, *row["studies"][row["place"][0]]]).lower()


def of_table(rows: list[dict], study: str, table: str) -> list[dict]:
    return [row for row in rows if row["place"][:2] == [study, table]]


def key(row: dict) -> str:
    """The key of a row, put together as the page does where it is the usual one."""
    parts = (row["group"][0], row["group"][2], *(row[name][0] for name in finder.LABELLED[:4]))
    return row["key"] or ".".join(part for part in (*parts, row["months"], row["statistic"][0]) if part)


def test_every_cell_and_every_number_of_the_texts_is_listed_once_under_its_own_key(rows):
    cells = [(study, c.table, c.cell) for study in studies() for c in published(study)]
    said = [(study, "", name) for study in STUDIES for name in prose(study)]
    listed = [(row["place"][0], row["place"][1], key(row)) for row in rows]
    assert sorted(listed) == sorted(cells + said)
    assert len(set(listed)) == len(listed)


def test_codes_labels_and_numbers_are_those_of_the_published_files(rows):
    listed = {(row["place"][0], row["place"][1], key(row)): row for row in rows}
    for study in studies():
        hidden = withheld(study)
        for cell in published(study):
            row = listed[study, cell.table, cell.cell]
            assert row["group"][:3] == [cell.population, cell.dimension, cell.category]
            assert [row[name][0] for name in finder.LABELLED] == [getattr(cell, name) for name in finder.LABELLED]
            assert [row["panel"], row["row"], row["column"]] == [cell.panel, cell.row, cell.column]
            assert row["months"] == ("" if cell.horizon_months is None else f"{cell.horizon_months:g}")
            if (cell.table, cell.cell) in hidden:
                continue
            _, value, decimals, stars, letters, status, corrected = row["number"]
            assert (float(value) if value else None) == cell.value
            assert (int(decimals) if decimals else None) == cell.decimals
            assert [stars, letters, status] == [cell.stars, cell.larger_than, cell.status]
            assert (float(corrected) if corrected else None) == (cell.correction and cell.correction.corrected)


def test_suppressed_and_withheld_cells_say_so_and_carry_no_number(rows):
    suppressed = [row for row in rows if row["number"][5] == "suppressed"]
    assert len(suppressed) == sum(c.status == "suppressed" for study in studies() for c in published(study)) > 0
    hidden = {(study, *place) for study in STUDIES for place in withheld(study)}
    kept_back = [row for row in rows if (row["place"][0], row["place"][1], key(row)) in hidden]
    assert len(kept_back) == len(hidden) > 0
    assert {row["number"][0] for row in suppressed} == {"suppressed"}
    assert {row["number"][0] for row in kept_back} == {"not shown"}
    for row in suppressed + kept_back:
        assert not re.search(r"\d", "".join(row["number"])), row["place"]


def test_a_text_that_repeats_a_withheld_number_does_not_give_it_away(monkeypatch):
    said = next(s for s in prose("intensive").values() if s.repeats)
    repeated = tuple(said.repeats.split(":", 1))
    monkeypatch.setattr(finder, "withheld", lambda study: frozenset({repeated}))
    texts = [row for row in finder.rows() if row.place[:2] == ("intensive", "")]
    assert {row.key for row in texts if not row.printed} == {
        s.key for s in prose("intensive").values() if s.repeats == said.repeats
    }


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("niet-westerse migratieachtergrond", ("group", "nonwestern")),
        ("non-western", ("group", "nonwestern")),
        ("jobhunting", ("service", "jobhunting")),
        ("job hunting", ("service", "jobhunting")),
        ("lager opgeleid", ("group", "lower")),
        ("lower education", ("group", "lower")),
    ],
)
def test_words_of_either_language_find_every_cell_with_the_code(rows, query, code):
    field, wanted = code
    coded = [row for row in rows if wanted in row[field][:3]]
    assert coded
    assert [key(row) for row in coded if query not in words(row)] == []


def test_every_code_has_its_english_and_dutch_label(rows):
    seen = {(name, *row[name]) for row in rows for name in finder.LABELLED[:5] if row[name][0]}
    assert {name for name, *_ in seen} == set(finder.LABELLED[:5])
    for name, code, english, dutch in seen:
        assert (english, dutch) == (codes.label(name, code), codes.label(name, code, language="nl"))
    groups = {tuple(row["group"]) for row in rows if row["place"][1]}
    for *who, english, dutch, _, _ in groups:
        assert (english, dutch) == (codes.group_label(*who), codes.group_label(*who, language="nl"))


@pytest.mark.parametrize("study", STUDIES)
def test_numbers_in_the_text_are_those_of_the_report_with_their_statement(rows, study):
    listed = {row["key"]: row for row in of_table(rows, study, "")}
    for name, said in prose(study).items():
        row = listed[name]
        assert [row["row"], row["panel"], row["unit"][0]] == [said.statement, said.section, said.unit]
        assert (float(row["number"][1]), int(row["number"][2])) == (said.value, said.decimals)


def test_addresses_are_those_of_the_pages_of_tables_and_texts(rows):
    assert finder.address("wga", "T4.19") == "data/table/wga-T4.19.html"
    assert finder.address("via") == "data/text/via.html"
    assert {row["place"][3] for row in of_table(rows, "wga", "T4.19")} == {finder.address("wga", "T4.19")}
    assert {row["place"][3] for row in of_table(rows, "via", "")} == {finder.address("via")}


def test_a_sign_is_shown_as_printed_and_a_number_in_the_style_of_the_book(rows):
    shown = {row["number"][0] for row in rows if row["unit"][0] == "code"}
    assert {"+", "−", "yes", "no"} & shown
    assert not shown & {"1", "-1", "0"}
    assert not [row["number"][0] for row in rows if row["number"][0].startswith("-")]


def test_the_script_stays_within_its_size(script):
    assert len(gzip.compress(script.encode(), 6)) < LIMIT


@pytest.mark.parametrize("study", STUDIES)
def test_the_list_of_a_study_links_each_of_its_tables_and_its_text(study):
    html = finder.tables_of(study)._repr_html_()
    tables = list(dict.fromkeys(c.table for c in published(study))) if study in studies() else []
    expected = [f"table/{study}-{table}.html" for table in tables] + [f"text/{study}.html"]
    assert re.findall(r'href="([^"]+)"', html) == expected
    assert html.count('scope="row"') == len(expected)


def test_a_title_with_markup_stays_text(monkeypatch):
    monkeypatch.setattr(finder, "title", lambda study, table: f"<b>{title(study, table)}</b>")
    html = finder.tables_of("intensive")._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;" in html
