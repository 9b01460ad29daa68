"""Charts and tables: drawn, interactive on request, and their downloads hold what is shown."""

import csv
import io
import re
import xml.etree.ElementTree as ET

import pytest

DRAWN = "e => e.getBoundingClientRect().width > 100 && e.getBoundingClientRect().height > 40"
DATA = ("values", "datasets")  # where a Vega-Lite spec holds rows
# numbers as tables show them; bounds ("<0.01", "at least ±7.3") are words about the standard error in the download
POWER = re.compile(r"−?\d × 10[⁻⁰-⁹¹²³]+")
SHOWN = re.compile(r"(?<![<±\d.,])[−-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
MARKS = "e => e.querySelectorAll('path, circle, rect, text, line').length"


@pytest.mark.parametrize(("width", "size"), [(1600, "wide"), (360, "narrow")])
def test_every_chart_is_drawn_without_script(open_tab, address, chart_pages, width, size):
    tab, _ = open_tab(viewport={"width": width, "height": 900}, java_script_enabled=False)
    for page in chart_pages:
        tab.goto(address + page)
        for chart in tab.locator(".ww-chart").all():
            picture = chart.locator(f".ww-{size} svg")
            name = f"{page}: {chart.get_attribute('id')}"
            assert picture.is_visible(), name
            assert picture.evaluate(DRAWN), f"{name} has no size"
            assert picture.evaluate(MARKS) > 5, f"{name} is empty"
            assert chart.locator(f".ww-{size}").get_attribute("aria-label"), f"{name} has no text alternative"


def test_every_chart_becomes_interactive_and_goes_back(open_tab, address, chart_pages):
    tab, seen = open_tab()
    said = {}
    for page in chart_pages:
        tab.goto(address + page)
        for chart in tab.locator(".ww-chart").all():
            name = f"{page}: {chart.get_attribute('id')}"
            before = chart.locator(".ww-wide").bounding_box()
            chart.locator(".ww-explore").click()
            live = chart.locator(".ww-live svg")
            live.wait_for()
            assert live.evaluate(DRAWN) and live.evaluate(MARKS) > 5, f"{name} is empty"
            after = chart.locator(".ww-live").bounding_box()
            room = max(12, 0.08 * before["height"])  # the reader's fonts are not those that the picture was drawn with
            assert abs(after["height"] - before["height"]) < room, f"{name} makes the page jump: {before} {after}"
            chart.locator(".ww-explore").click()
            assert chart.locator(".ww-wide svg").is_visible()
            if seen.errors:
                said[name] = list(seen.errors)
                seen.errors.clear()
    assert (seen.left, said) == ([], {})


def test_a_chart_starts_when_the_pointer_rests_on_it_and_shows_values(open_tab, address, chart_pages):
    tab, _ = open_tab()
    tab.goto(address + chart_pages[0])
    chart = tab.locator(".ww-chart").first
    chart.locator(".ww-wide svg").hover()
    chart.locator(".ww-live svg").wait_for()
    for mark in chart.locator(".ww-live .mark-symbol path, .ww-live .mark-rect path").all():
        mark.hover(force=True)
        if tab.locator("#vg-tooltip-element.visible").count():
            assert re.search(r"\d", tab.locator("#vg-tooltip-element").inner_text())
            return
    pytest.fail("no mark of the chart shows a value")


def test_an_interactive_chart_takes_the_colours_of_the_page(open_tab, address, chart_pages):
    tab, _ = open_tab(color_scheme="dark")
    tab.goto(address + chart_pages[0])
    chart = tab.locator(".ww-chart").first
    chart.locator(".ww-explore").click()
    live = chart.locator(".ww-live svg")
    live.wait_for()
    assert "#1f2328" not in live.evaluate("e => e.outerHTML").lower(), "light ink on dark paper"


def test_a_chart_whose_script_fails_keeps_its_picture_and_says_so(open_tab, address, chart_pages):
    tab, _ = open_tab()
    tab.route("**/vega.js*", lambda route: route.abort())
    tab.goto(address + chart_pages[0])
    chart = tab.locator(".ww-chart").first
    chart.locator(".ww-explore").click()
    chart.get_by_text("could not be shown").wait_for()
    assert chart.locator(".ww-wide svg").is_visible()


def test_pictures_to_download_are_pictures(open_tab, address, chart_pages):
    tab, _ = open_tab()
    for page in chart_pages:
        tab.goto(address + page)
        for link in tab.locator('.ww-chart .ww-tools a[href$=".svg"]').all():
            root = ET.fromstring(fetch(tab, link))
            assert root.tag.endswith("svg") and len(list(root.iter())) > 5
        for link in tab.locator('.ww-chart .ww-tools a[href$=".png"]').all():
            assert fetch(tab, link).startswith(b"\x89PNG\r\n\x1a\n")


def test_a_chart_shows_what_its_download_holds(open_tab, address, chart_pages):
    tab, _ = open_tab()
    wrong = {}
    for page in chart_pages:
        tab.goto(address + page)
        for chart in tab.locator(".ww-chart").all():
            name = f"{page}: {chart.get_attribute('id')}"
            content = fetch(tab, chart.locator('.ww-tools a[href$=".csv"]'))
            held = numbers_of(content)
            address_of_spec = chart.evaluate("e => new URL(e.dataset.spec, document.baseURI).href")
            rows = plotted(tab.request.get(address_of_spec).json()["wide"])
            numbers = [v for row in rows for v in row.values() if isinstance(v, int | float) and v]  # zero is a ruler
            dates = [v[:10] for row in rows for v in row.values() if isinstance(v, str) and DATE.match(v)]
            assert numbers or dates, f"{name} plots nothing"
            missing = [value for value in numbers if not holds(held, value, 6)]
            missing += [date for date in dates if date not in content.decode("utf-8")]
            if missing:
                wrong[name] = missing
    assert wrong == {}, "plotted, but not in the CSV beside it"


def test_a_table_shows_what_its_download_holds(open_tab, address, table_pages):
    tab, _ = open_tab()
    wrong = {}
    for page in table_pages:
        tab.goto(address + page)
        for block in tab.locator(".ww-table-block").all():
            name = f"{page}: {block.get_attribute('id')}"
            held = numbers_of(fetch(tab, block.locator('.ww-tools a[href$=".csv"]')))
            cells = block.locator("td.num").all_inner_texts()
            powers = [match for cell in cells for match in POWER.findall(cell)]
            shown = [match for cell in cells for match in SHOWN.findall(POWER.sub("", cell))]
            missing = [text for text in powers if not any(f"{value:.0e}" == as_power(text) for value in held)]
            missing += [text for text in shown if not holds(held, as_number(text), decimals(text))]
            if missing:
                wrong[name] = missing
    assert wrong == {}, "shown, but not in the CSV beside it"


def fetch(tab, link) -> bytes:
    answer = tab.request.get(link.evaluate("link => link.href"))
    assert answer.ok, f"{answer.status} {answer.url}"
    return answer.body()


def as_power(text: str) -> str:
    """``3 × 10⁻¹⁵`` as Python writes it: ``3e-15``."""
    digits, power = text.replace("−", "-").split(" × 10")
    return f"{float(digits + 'e' + power.translate(str.maketrans('⁻⁰¹²³⁴⁵⁶⁷⁸⁹', '-0123456789'))):.0e}"


def numbers_of(content: bytes) -> list[float]:
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"))))
    assert len(rows) > 1, "a download without rows"
    found = [re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", value) for row in rows[1:] for value in row]
    return [float(text) for texts in found for text in texts]


def holds(held: list[float], value: float, places: int) -> bool:
    """Whether a number, as rounded for show and in percent or as a fraction, is among those held."""
    half = 0.5 * 10**-places + 1e-9
    return any(abs(number * scale - value) <= half for number in held for scale in (1, 100))


def plotted(spec: object) -> list[dict]:
    """The rows of the data that a spec holds."""
    if isinstance(spec, dict):
        rows = [row for name in DATA if name in spec for row in flat(spec[name])]
        return rows + [row for key, part in spec.items() if key not in DATA for row in plotted(part)]
    if isinstance(spec, list):
        return [row for part in spec for row in plotted(part)]
    return []


def flat(values: object) -> list[dict]:
    if isinstance(values, dict):
        return [row for part in values.values() for row in part if isinstance(row, dict)]
    return [row for row in values if isinstance(row, dict)]


def as_number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def decimals(text: str) -> int:
    return len(text.partition(".")[2])
