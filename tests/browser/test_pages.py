"""Every page in a browser with the network cut: it asks no other host, says nothing in the console, and is light."""

import gzip

from tests.browser.browser import visit

PHONE = {"width": 360, "height": 740}
WEIGHT_LIMIT = 250_000  # bytes, gzipped, without vega
SMALLEST_TARGET = 24  # px; links within running text are exempt (WCAG 2.2, 2.5.8)


def test_no_request_leaves_and_the_console_is_silent(open_tab, address, pages):
    tab, seen = open_tab()
    for page in pages:
        visit(tab, address + page)
        failed = [f"{answer.status} {answer.url}" for answer in seen.answers if answer.status >= 400]
        assert (page, seen.left, seen.errors, failed) == (page, [], [], [])


def test_first_load_is_at_most_250_kb_gzipped(open_tab, address, pages, record_property):
    weights = {}
    for page in pages:
        if page == "search.html":  # loads the index of the whole book
            continue
        tab, seen = open_tab()  # nothing cached
        visit(tab, address + page)
        weights[page] = sum(len(gzip.compress(answer.body(), 6)) for answer in seen.answers)
        assert [answer.url for answer in seen.answers if "vega" in answer.url] == [], "vega is loaded unasked"
        tab.context.close()
    heaviest = max(weights, key=weights.get)
    record_property("heaviest page, bytes gzipped", f"{heaviest} {weights[heaviest]}")
    print(f"heaviest of {len(weights)} pages: {heaviest}, {weights[heaviest] / 1000:.0f} kB gzipped")
    assert {page: weight for page, weight in weights.items() if weight > WEIGHT_LIMIT} == {}


def test_nothing_sticks_out_sideways_at_360_px(open_tab, address, pages):
    tab, _ = open_tab(viewport=PHONE)
    wide = []
    for page in pages:
        tab.goto(address + page)
        if tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(page)
    assert wide == []


def test_targets_are_large_enough_to_touch(open_tab, address, pages):
    tab, _ = open_tab(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    small = []
    for page in pages:
        tab.goto(address + page)
        small += [f"{page}: {text}" for text in tab.evaluate(SMALL_TARGETS, SMALLEST_TARGET)]
    assert small == []


SMALL_TARGETS = """
limit => [...document.querySelectorAll("button, input, summary, nav a, .ww-tools a, .ww-furniture li a, .ww-top a")]
  .filter(e => e.checkVisibility())
  .filter(e => { const box = e.getBoundingClientRect(); return box.width < limit || box.height < limit })
  .map(e => e.outerHTML.slice(0, 100))
"""


def test_titles_name_the_page_and_the_book(open_tab, address, pages):
    tab, _ = open_tab()
    titles = {}
    for page in pages:
        tab.goto(address + page)
        assert tab.locator("h1").count() == 1, f"{page} has not one main heading"
        assert tab.locator("html").get_attribute("lang") == "en"
        assert titles.setdefault(tab.title(), page) == page, f"{page} and {titles[tab.title()]} have the same title"
        assert tab.title().endswith("Wat werkt voor wie?"), page


def test_a_page_works_without_javascript(open_tab, address, chart_pages):
    tab, _ = open_tab(java_script_enabled=False)
    tab.goto(address + chart_pages[0])
    assert tab.locator(".ww-chart .ww-static svg").first.is_visible()
    assert tab.locator(".ww-sidebar a[aria-current=page]").is_visible()
    assert not tab.locator(".ww-explore").first.is_visible(), "a button that does nothing is shown"


def test_a_page_opened_from_a_file_shows_its_charts_and_says_what_needs_a_server(open_tab, site, chart_pages):
    tab, seen = open_tab()
    tab.goto((site / chart_pages[0]).as_uri())
    chart = tab.locator(".ww-chart").first
    assert chart.locator(".ww-static svg").first.is_visible()
    chart.locator(".ww-explore").click()
    assert "web server" in chart.locator(".ww-status").inner_text()
    assert (seen.left, seen.errors) == ([], [])


def test_print_shows_pictures_and_no_controls(open_tab, address, chart_pages):
    tab, _ = open_tab(color_scheme="dark")
    tab.goto(address + chart_pages[0])
    chart = tab.locator(".ww-chart").first
    chart.locator(".ww-explore").click()
    chart.locator(".ww-live svg").wait_for()
    tab.emulate_media(media="print")
    assert chart.locator(".ww-wide svg").is_visible()
    for hidden in (".ww-live", ".ww-tools"):
        assert not chart.locator(hidden).is_visible(), f"{hidden} is printed"
    for hidden in (".ww-top", ".ww-sidebar", ".ww-prevnext"):
        assert not tab.locator(hidden).is_visible(), f"{hidden} is printed"
    assert tab.locator(".ww-citation").is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
