"""Finding one's way: keyboard, drawers, colours, search, and the box that says how to cite."""

PHONE = {"width": 390, "height": 800}


def test_the_first_tab_stop_leads_to_the_text(open_tab, address, chart_pages):
    tab, _ = open_tab()
    tab.goto(address + chart_pages[0])
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "ww-skip"
    assert tab.locator(".ww-skip").bounding_box()["y"] >= 0, "the skip link stays hidden when it has the focus"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main-content"


def test_the_menu_opens_by_keyboard_on_a_phone_and_escape_closes_it(open_tab, address, chart_pages):
    tab, _ = open_tab(viewport=PHONE)
    tab.goto(address + chart_pages[0])
    menu = tab.locator("#ww-sidebar")
    assert not menu.is_visible()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Menu"
    tab.keyboard.press("Enter")
    assert menu.is_visible()
    tab.keyboard.press("Tab")
    assert tab.evaluate("!!document.activeElement.closest('#ww-sidebar')"), "the focus does not enter the menu"
    tab.keyboard.press("Escape")
    assert not menu.is_visible()
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Menu"


def test_the_contents_of_the_page_open_on_a_phone_and_lead_there(open_tab, address, chart_pages):
    tab, _ = open_tab(viewport=PHONE)
    tab.goto(address + chart_pages[0])
    tab.locator(".ww-contents-button").click()
    entry = tab.locator("#ww-contents a").last
    target = entry.get_attribute("href")
    entry.click()
    assert not tab.locator("#ww-contents").is_visible()
    assert tab.evaluate("location.hash") == target
    assert tab.locator(target).is_visible()


def test_colours_follow_the_system_until_the_reader_chooses(open_tab, address, chart_pages):
    tab, _ = open_tab(color_scheme="dark")
    tab.goto(address + chart_pages[0])
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = tab.evaluate(paper)
    tab.locator(".ww-scheme").click()  # from "as the system" to light
    light = tab.evaluate(paper)
    assert light != dark
    tab.reload()
    assert tab.evaluate(paper) == light, "the choice is not kept"
    tab.locator(".ww-scheme").click()
    assert tab.evaluate(paper) == dark
    assert tab.locator(".ww-scheme").get_attribute("aria-label") == "Colours: dark"


def test_a_picture_changes_its_colours_with_the_page(open_tab, address, chart_pages):
    tab, _ = open_tab()
    tab.goto(address + chart_pages[0])
    colours = """[...document.querySelectorAll(".ww-wide svg [fill], .ww-wide svg [stroke]")]
        .map(e => getComputedStyle(e).fill + getComputedStyle(e).stroke).join()"""
    tab.emulate_media(color_scheme="light")
    light = tab.evaluate(colours)
    tab.emulate_media(color_scheme="dark")
    assert tab.evaluate(colours) != light


def test_search_finds_the_dutch_and_the_english_word(open_tab, address, site):
    for words in ("baanfractie", "job fraction"):
        tab, seen = open_tab()
        tab.goto(address + "index.html")
        tab.locator("#ww-search-top").fill(words)
        tab.keyboard.press("Enter")
        tab.locator("#search-results li").first.wait_for()
        tab.wait_for_load_state("networkidle")
        links = tab.locator("#search-results li > a")
        found = [link.get_attribute("href") for link in links.all()]
        assert found, f"nothing found for {words!r}"
        for link in found:
            text = (site / link.split("#")[0].split("?")[0]).read_text("utf-8").lower()
            assert all(word in text for word in words.split()), f"{link} is found for {words!r} but lacks it"
        assert (seen.left, seen.errors) == ([], [])


def test_search_says_that_nothing_was_found(open_tab, address):
    tab, _ = open_tab()
    tab.goto(address + "search.html?q=xyzzyplugh")
    tab.get_by_text("did not match any documents").wait_for()


def test_wide_tables_scroll_in_their_own_region_by_keyboard(open_tab, address, table_pages):
    tab, _ = open_tab(viewport={"width": 360, "height": 740})
    scrolled = 0
    for page in table_pages:
        tab.goto(address + page)
        for region in tab.locator(".ww-table-wrap.ww-scrolls").all():
            assert region.get_attribute("tabindex") == "0"
            assert region.get_attribute("aria-label"), f"{page}: a region that scrolls has no name"
            region.focus()
            tab.keyboard.press("ArrowRight")
            tab.wait_for_function("region => region.scrollLeft > 0", arg=region.element_handle())
            label = region.locator("tbody th[scope=row]").first
            assert abs(label.bounding_box()["x"] - region.bounding_box()["x"]) < 2, f"{page}: row labels scroll away"
            scrolled += 1
    assert scrolled, "no table of the site is wider than a phone: nothing was tested"


def test_the_citation_can_be_copied_without_network(open_tab, address, chart_pages):
    tab, _ = open_tab(permissions=["clipboard-read", "clipboard-write"])
    tab.goto(address + chart_pages[0])
    tab.locator(".ww-copy").first.click()
    tab.get_by_text("Copied").wait_for()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied == tab.locator("#ww-citation-apa").inner_text().strip()
    assert copied.startswith("Wat Werkt (20")


def test_every_page_leads_to_its_source_and_its_data(open_tab, address, pages):
    tab, _ = open_tab()
    for page in pages:
        tab.goto(address + page)
        for link in tab.locator(".ww-built li a, .ww-downloads a").all():
            target = link.evaluate("link => link.href")
            if target.startswith(address):
                assert tab.request.get(target).ok, f"{page} leads to {target}, which is not there"
