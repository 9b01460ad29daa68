"""The catalogue in a browser: it finds, filters, is shared by its address, downloads what it shows, fits a phone."""

import csv
import gzip
import io
import re
from pathlib import Path

import pytest

from tests.browser.browser import visit
from tests.browser.test_accessibility import violations
from tests.browser.test_pages import PHONE, SMALL_TARGETS, SMALLEST_TARGET, WEIGHT_LIMIT

PAGE = "data/catalogue.html"
FACETS = ("study", "table", "group", "outcome", "service", "kind", "months")
AT_A_TIME = 50
SMALLEST_TEXT = 14  # px
QUERY = "#q=opgeleid&study=wga&kind=effect"
WITHHELD = ("T2.5", "nonwestern.all.all_contacts.contacts.count")


@pytest.fixture(scope="module")
def published(site: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    """Every cell of the site's own published files."""
    found = {}
    for path in sorted((site / "data" / "published").glob("*/T*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found |= {(row["study"], row["table"], row["cell"]): row for row in csv.DictReader(file)}
    return found


@pytest.fixture
def tab(open_tab, address):
    tab, seen = open_tab(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    visit(tab, address + PAGE)
    yield tab
    assert (seen.left, seen.errors) == ([], [])


def found(tab) -> int:
    """How many results the page says there are."""
    return int(re.match(r"([\d,]+) result", tab.locator(".ww-finder-status").inner_text())[1].replace(",", ""))


def search(tab, words: str) -> None:
    """Type the words and wait until the page has answered."""
    tab.locator("#ww-finder-q").fill(words)
    tab.wait_for_function(
        "words => new URLSearchParams(location.hash.slice(1)).get('q') === (words || null)", arg=words
    )


def choose(tab, facet: str, code: str) -> None:
    tab.locator(f"#ww-finder-{facet}").select_option(code)


def options(tab, facet: str) -> dict[str, int]:
    """The options of a filter and how many rows each says it leaves."""
    texts = tab.locator(f"#ww-finder-{facet} option").evaluate_all("all => all.map(one => [one.value, one.text])")
    return {code: int(re.search(r"\(([\d,]+)\)$", text)[1].replace(",", "")) for code, text in texts}


def downloaded(tab) -> list[dict[str, str]]:
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name="Download").click()
    assert waiting.value.suggested_filename.endswith(".csv")
    text = Path(waiting.value.path()).read_text("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_it_begins_with_everything(tab, published):
    assert found(tab) > len(published)
    assert tab.locator("#ww-finder tbody tr").count() == AT_A_TIME
    assert tab.locator("#ww-finder noscript").is_visible() is False


def test_all_words_must_occur_in_either_language_whatever_the_case_and_accents(tab):
    search(tab, "jobhunting")
    both = found(tab)
    search(tab, "JÓBhunting")
    assert found(tab) == both > 0
    search(tab, "job hunting migratieachtergrond")
    assert 0 < found(tab) < both
    for text in tab.locator("#ww-finder tbody th").all_inner_texts():
        assert "job" in text.lower()


def test_short_words_and_numbers_must_begin_a_word(tab):
    search(tab, "men")
    choose(tab, "kind", "effect")
    groups = tab.locator(".ww-finder-group").all_inner_texts()
    assert groups and not [group for group in groups if re.fullmatch("women.*", group.lower())]
    choose(tab, "kind", "")
    search(tab, "16,4")
    shown = tab.locator("#ww-finder td.num").all_inner_texts()
    assert shown and all(re.search(r"(?<![\d.])16\.4", text) for text in shown)


def test_the_counts_of_the_options_are_what_choosing_them_leaves(tab):
    search(tab, "migratieachtergrond")
    for facet in FACETS:
        offered = options(tab, facet)
        assert offered[""] == found(tab)
        code = [code for code in offered if code][-1]
        choose(tab, facet, code)
        assert found(tab) == offered[code] > 0, facet
        choose(tab, facet, "")


def test_the_tables_offered_are_those_of_the_study_and_another_study_lets_the_table_go(tab):
    studies = options(tab, "study")
    choose(tab, "study", "wga")
    assert {code.split("-")[0] for code in options(tab, "table") if code} == {"wga"}
    choose(tab, "table", "wga-T4.19")
    assert found(tab) < studies["wga"]
    assert options(tab, "study") == studies
    choose(tab, "study", "intensive")
    assert tab.locator("#ww-finder-table").input_value() == ""
    assert found(tab) == studies["intensive"]


def test_an_address_brings_the_search_back_and_the_back_button_undoes_it(tab, open_tab):
    everything = found(tab)
    choose(tab, "study", "wga")
    in_study = found(tab)
    search(tab, "lager")
    search(tab, "lager opgeleid")
    narrowed, shared = found(tab), tab.url
    other, _ = open_tab()
    visit(other, shared)
    assert found(other) == narrowed
    assert other.locator("#ww-finder-q").input_value() == "lager opgeleid"
    assert other.locator("#ww-finder-study").input_value() == "wga"
    tab.go_back()
    assert (found(tab), tab.locator("#ww-finder-q").input_value()) == (in_study, "")
    tab.go_back()
    assert found(tab) == everything
    tab.go_forward()
    assert found(tab) == in_study


def test_an_address_with_codes_that_do_not_exist_shows_everything_else(tab, address):
    everything = found(tab)
    visit(tab, f"{address}{PAGE}#study=nothing&outcome=%3Cscript%3E&other=1")
    assert found(tab) == everything
    tab.goto(f"{address}{PAGE}#study=wga")
    inside = found(tab)
    tab.evaluate("location.hash = '#all-tables-and-texts'")
    assert found(tab) == inside, "a jump to a heading changed the search"


def test_the_download_holds_the_rows_found_as_the_published_files_do(tab, published):
    tab.goto(tab.url + QUERY)
    rows = downloaded(tab)
    assert len(rows) == found(tab) > AT_A_TIME
    columns = list(next(iter(published.values())))
    assert list(rows[0]) == [*columns, "corrected"]
    for row in rows:
        assert {name: row[name] for name in columns} == published[row["study"], row["table"], row["cell"]]
    while tab.get_by_role("button", name="more").is_visible():
        tab.get_by_role("button", name="more").click()
    places = tab.locator("#ww-finder tbody tr").evaluate_all(
        """all => all.map(row => ["a", "[lang=nl]"].map(one => row.querySelector(one)))
            .map(([link, printed]) => [link.getAttribute("href"), printed.textContent])"""
    )
    assert places == [
        [f"../data/table/{r['study']}-{r['table']}.html", " › ".join(filter(None, (r["panel"], r["row"], r["column"])))]
        for r in rows
    ]


def corrected(site: Path) -> dict[tuple[str, str, str], str]:
    with (site / "data" / "published" / "corrections.csv").open(encoding="utf-8", newline="") as file:
        return {(row["study"], row["table"], row["cell"]): row["corrected"] for row in csv.DictReader(file)}


def test_everything_can_be_downloaded_but_what_is_suppressed_or_withheld_has_no_number(tab, site, published):
    rows = downloaded(tab)
    tables = {(row["study"], row["table"], row["cell"]): row for row in rows if row["table"]}
    assert set(tables) == set(published)
    kept_back = [row for row in rows if row["status"] in ("suppressed", "not_shown")]
    assert tables[("intensive", *WITHHELD)] in kept_back
    assert {row["value"] for row in kept_back} == {""}
    assert {place: row["corrected"] for place, row in tables.items() if row["corrected"]} == corrected(site)
    texts = [row for row in rows if not row["table"]]
    assert texts and all(row["cell"] and row["row"] and row["value"] and row["statistic"] == "" for row in texts)


def test_where_nothing_fits_the_page_says_what_to_loosen_and_does_it(tab):
    search(tab, "zelfmelder")
    before = found(tab)
    search(tab, "zelfmelder qqqqq")
    assert found(tab) == 0
    assert not tab.locator("#ww-finder table").is_visible()
    way = tab.get_by_role("button", name="Without the word “qqqqq”")
    assert f"({before:,})" in way.inner_text()
    way.click()
    assert (found(tab), tab.locator("#ww-finder-q").input_value()) == (before, "zelfmelder")
    assert tab.locator(".ww-finder-status").evaluate("one => one === document.activeElement")
    tab.get_by_role("button", name="Clear all").click()
    assert found(tab) > before
    assert tab.locator("#ww-finder-q").evaluate("one => one === document.activeElement")


def test_it_can_be_used_by_keyboard_alone(tab):
    tab.locator("#ww-finder-q").focus()
    tab.keyboard.type("opgeleid")
    tab.keyboard.press("Enter")
    assert "q=opgeleid" in tab.url
    for facet in FACETS:
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.id") == f"ww-finder-{facet}"
        ring = tab.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert float(ring.removesuffix("px")) >= 2
    tab.locator("#ww-finder-study").focus()
    tab.keyboard.press("ArrowDown")
    assert "study=" in tab.url
    more = tab.get_by_role("button", name="Show")
    more.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#ww-finder tbody tr").count() == 2 * AT_A_TIME
    place = tab.evaluate("[...document.querySelectorAll('#ww-finder tbody a')].indexOf(document.activeElement)")
    assert place == AT_A_TIME, "the focus is not on the first of the new rows"


def test_every_result_links_to_the_page_of_its_table_or_text(tab, site):
    for query in ("#kind=text&study=via", QUERY):
        tab.goto(tab.url.split("#")[0] + query)
        links = tab.locator("#ww-finder tbody a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        assert links and all((site / PAGE).parent.joinpath(link).resolve().is_file() for link in links)


def test_every_control_has_a_label_and_the_number_of_results_is_announced(tab):
    for name in ("Words or numbers", "Study", "Table or text", "Group", "Outcome", "Service", "Kind of number"):
        assert tab.get_by_label(name, exact=True).count() == 1, name
    assert tab.locator(".ww-finder-status").get_attribute("role") == "status"
    headings = tab.locator("#ww-finder thead th").all_inner_texts()
    assert headings == ["What", "Group", "Kind", "Number", "Unit", "Where"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1600), ("dark", 1600), ("light", 390), ("dark", 390)])
def test_axe_finds_nothing_serious(open_tab, address, scheme, width):
    tab, _ = open_tab(viewport={"width": width, "height": 900}, color_scheme=scheme)
    for query in ("", QUERY, "#q=zelfmelder+qqqqq"):
        visit(tab, address + PAGE + query)
        assert violations(tab) == [], query


@pytest.mark.parametrize("width", [360, 390, 700])
def test_results_fit_a_phone_and_can_be_read_and_touched_there(open_tab, address, width):
    tab, _ = open_tab(viewport=PHONE | {"width": width}, has_touch=True, is_mobile=True)
    for query in ("", QUERY, "#kind=text", "#table=wga-T5.3", "#q=zelfmelder+qqqqq&study=wga"):
        visit(tab, address + PAGE + query)
        assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth"), query
        assert tab.evaluate(STICKING_OUT) == [], query
        sizes = tab.evaluate(TEXT_SIZES)
        assert min(sizes) >= SMALLEST_TEXT
        assert tab.evaluate(SMALL_TARGETS, SMALLEST_TARGET) == []


STICKING_OUT = """() => {
  const edge = document.getElementById("ww-finder").getBoundingClientRect().right + 1;
  return [...document.querySelectorAll("#ww-finder :is(p, label, input, select, button, tbody *)")]
    .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > edge).map(e => e.outerHTML.slice(0, 100));
}"""
TEXT_SIZES = """() => [...document.querySelectorAll("#ww-finder *")]
  .filter(e => e.checkVisibility() && e.innerText?.trim()).map(e => parseFloat(getComputedStyle(e).fontSize))"""


def test_it_works_from_a_file_and_says_so_where_it_cannot(open_tab, site):
    tab, seen = open_tab()
    visit(tab, (site / PAGE).as_uri() + "#study=wga")
    inside = found(tab)
    choose(tab, "kind", "effect")
    assert 0 < found(tab) < inside
    tab.go_back()
    assert found(tab) == inside
    assert (seen.left, seen.errors) == ([], [])
    tab.route("**/cells.js", lambda route: route.abort())
    tab.reload()
    assert "could not be loaded" in tab.locator("#ww-finder").inner_text()


def test_without_javascript_every_table_is_listed_and_no_dead_control_is_shown(open_tab, address, site):
    tab, _ = open_tab(java_script_enabled=False)
    tab.goto(address + PAGE)
    assert "needs JavaScript" in tab.locator("#ww-finder").inner_text()
    assert tab.locator("#ww-finder :is(input, select, button)").count() == 0
    linked = {link.get_attribute("href") for link in tab.locator(".ww-finder-list a").all()}
    pages = {path.name for path in (site / "data" / "table").glob("*.html")}
    assert {Path(link).name for link in linked if link.startswith("table/")} == pages


def test_the_page_is_light_enough(open_tab, address):
    tab, seen = open_tab()
    visit(tab, address + PAGE)
    weight = sum(len(gzip.compress(answer.body(), 6)) for answer in seen.answers)
    assert weight < WEIGHT_LIMIT
