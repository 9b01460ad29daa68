"""axe, with the rules for WCAG 2.1 AA and its best practices: nothing serious or critical on any kind of page."""

import pytest
from axe_playwright_python.sync_playwright import Axe

GRAVE = {"serious", "critical"}


def violations(tab) -> list[str]:
    found = Axe().run(tab).response["violations"]
    return [
        f"{item['impact']} {item['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for item in found
        if item["impact"] in GRAVE
        for node in item["nodes"]
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1600), ("dark", 390)])
def test_axe_finds_nothing_serious(open_tab, address, pages, scheme, width):
    tab, _ = open_tab(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found = {}
    for page in pages:
        tab.goto(address + page)
        grave = violations(tab)
        if grave:
            found[page] = grave
    assert found == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_what_opens(open_tab, address, chart_pages, scheme):
    """The menu and the contents on a phone, unfolded code, an interactive chart, search results."""
    tab, _ = open_tab(viewport={"width": 390, "height": 900}, color_scheme=scheme)
    tab.goto(address + chart_pages[0])
    for opener in (".ww-menu", ".ww-contents-button"):
        tab.locator(opener).click()
        assert violations(tab) == []
        tab.keyboard.press("Escape")
    tab.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    tab.locator(".ww-explore").first.click()
    tab.locator(".ww-live svg").first.wait_for()
    assert violations(tab) == []
    tab.goto(address + "search.html?q=benefit")
    tab.locator("#search-results li").first.wait_for()
    assert violations(tab) == []


def test_no_id_is_used_twice_and_no_heading_is_empty(open_tab, address, pages):
    tab, _ = open_tab()
    for page in pages:
        tab.goto(address + page)
        twice = tab.evaluate("""() => {
            const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
            return ids.filter((id, place) => ids.indexOf(id) !== place)
        }""")
        empty = tab.evaluate("""() => [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")]
            .filter(e => !e.textContent.trim()).length""")
        assert (page, twice, empty) == (page, [], 0)
