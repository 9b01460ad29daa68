"""Pictures of charts: what is in them, and that they are drawn once and from nothing but the spec."""

import os
import re
import threading
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from book import draw, svg
from book.draw import Chart
from book.errors import BookError
from tests.book.small_book import SPEC


def made(name="c", *, spec=SPEC, alt="What it shows"):
    return Chart(f"chapters/a.md, chart '{name}'", name, alt, spec | {"width": 680}, spec | {"width": 330})


@pytest.fixture(scope="module")
def drawn(charts, pool):
    chart = made("first")
    return draw.draw([chart], charts, pool)[chart.key]


def test_the_picture_in_the_page_follows_the_colours_of_the_page(drawn):
    assert "var(--ww-c1)" in drawn.wide
    assert not re.search(r"#[0-9a-f]{3,6}", drawn.wide)


def test_the_downloaded_picture_has_the_light_colours_and_a_title(drawn):
    picture = drawn.picture_svg.read_text("utf-8")
    assert "#1f5f99" in picture
    assert "var(" not in picture
    assert ET.fromstring(picture)[0].text == "What it shows"
    assert drawn.picture_png.read_bytes().startswith(b"\x89PNG")


def test_the_picture_in_the_page_scales_and_is_hidden_from_screen_readers(drawn):
    root = ET.fromstring(drawn.wide)
    assert root.get("height") is None
    assert root.get("viewBox").split()[2] == root.get("width")
    assert (root.get("aria-hidden"), root.get("focusable")) == ("true", "false")


def test_a_narrow_picture_is_drawn_for_small_screens(drawn):
    assert int(ET.fromstring(drawn.narrow).get("width")) < 500 < int(ET.fromstring(drawn.wide).get("width"))


def test_ids_carry_the_name_of_the_chart_and_are_referred_to(drawn):
    ids = re.findall(r' id="([^"]+)"', drawn.wide)
    assert ids
    assert all(name.startswith("svg-first-wide-") for name in ids)
    assert set(re.findall(r"url\(#([^)]+)\)", drawn.wide)) <= set(ids)


def test_text_stays_text(drawn):
    assert "&lt;b&gt;men&lt;/b&gt;" in drawn.wide


def test_css_decides_on_the_font(drawn):
    """Only the outermost element names fonts, so that any rule for `text` wins."""
    assert re.findall(r"<(\w+)[^>]*font-family=", drawn.wide) == ["svg"]


def test_a_colour_outside_the_palette_is_an_error_that_names_the_chart(charts, pool):
    odd = SPEC | {"mark": {"type": "bar", "color": "#123456"}}
    with pytest.raises(BookError, match=r"chapters/a\.md, chart 'odd': the colour '#123456' is not in the palette"):
        draw.draw([made("odd", spec=odd)], charts, pool)


def test_all_charts_that_cannot_be_drawn_are_named_at_once(charts, pool):
    bad = {"mark": "nonsense", "data": {"values": []}}
    with pytest.raises(BookError) as error:
        draw.draw([made("one", spec=bad), made("two", spec=bad)], charts, pool)
    assert "chart 'one'" in str(error.value)
    assert "chart 'two'" in str(error.value)


class NoPool:
    """Starts nothing."""

    def map(self, function, *arguments):
        assert not list(zip(*arguments, strict=True))
        return []

    def submit(self, *arguments):
        pytest.fail("something was to be made")


def test_a_chart_is_drawn_once(charts, drawn):
    again = draw.draw([made("first")], charts, NoPool())
    assert list(again.values()) == [drawn]


@pytest.mark.parametrize(
    "other", [made("second"), made("first", alt="Other"), made("first", spec=SPEC | {"title": "T"})]
)
def test_a_chart_is_drawn_anew_when_its_name_text_or_spec_changes(other):
    assert other.key != made("first").key


def test_pictures_depend_on_the_code_that_draws_them(monkeypatch, tmp_path):
    before = made("first").key
    changed = tmp_path / "svg.py"
    changed.write_text("changed")
    monkeypatch.setattr(svg, "__file__", str(changed))
    draw._tools.cache_clear()
    assert made("first").key != before
    monkeypatch.undo()
    draw._tools.cache_clear()
    assert made("first").key == before


def test_drawing_asks_no_host_for_anything(charts, pool):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        spec = SPEC | {"data": {"url": f"http://127.0.0.1:{server.server_port}/data.json"}}
        with pytest.raises(BookError, match="chart 'remote'"):
            draw.draw([made("remote", spec=spec)], charts, pool)
        server.shutdown()
    assert asked == []


def test_the_script_for_interactive_charts_is_one_file_that_asks_no_host(charts, drawn):
    script = draw.vega_script(charts).read_text("utf-8")
    assert script.startswith("(()=>{")  # its short names stay its own
    assert "window.vegaEmbed=" in script
    assert "jsdelivr" not in script


def test_the_script_is_begun_beside_the_execution_of_pages_only_where_it_is_missing(charts, drawn, pool, tmp_path):
    draw.begin(charts, NoPool(), jobs=2)
    draw.begin(tmp_path, pool, jobs=2)
    draw.draw([made("first")], tmp_path, pool)
    assert draw.vega_script(tmp_path).read_bytes() == draw.vega_script(charts).read_bytes()


def test_pictures_that_no_build_used_for_a_month_are_removed(tmp_path):
    used, recent, old = (tmp_path / name / name for name in ("aa", "bb", "cc"))
    for folder, days in ((used, 90), (recent, 5), (old, 90)):
        folder.mkdir(parents=True)
        then = folder.stat().st_mtime - days * 86400
        os.utime(folder, (then, then))
    draw.forget_unused(tmp_path, [used])
    assert (used.exists(), recent.exists(), old.exists()) == (True, True, False)
