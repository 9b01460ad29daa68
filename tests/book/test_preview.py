"""Preview: the site as it is now, with a script that reloads it, and what failed shown without losing the page."""

import http.client
import json
import threading
from contextlib import contextmanager

import pytest

from book import preview
from book.errors import BookError
from book.pages import House


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    (folder / "a").mkdir(parents=True)
    (folder / "index.html").write_text("<html><body><p>Start</p></body></html>")
    (folder / "a" / "page.html").write_text("<html><body><p>Page</p></body></html>")
    (folder / "a" / "data.csv").write_text("x\n1\n")
    return folder


@contextmanager
def listening(site, state=None):
    """A running server; gives a function that fetches an address: (status, kind, text)."""
    with preview.server(site, port=8765, state=state) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

        def get(path):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.headers.get_content_type(), answer.read().decode()
            finally:
                connection.close()

        get.port = server.server_port
        yield get
        server.shutdown()


def test_the_reload_script_is_in_the_answer_and_not_in_the_site(site):
    before = {path: path.read_bytes() for path in site.rglob("*.html")}
    with listening(lambda: site, preview.State()) as get:
        for path in ("/", "/index.html", "/a/page.html?x=1"):
            status, kind, text = get(path)
            assert (status, kind) == (200, "text/html")
            assert text.endswith('<script src="/_preview/client.js"></script></body></html>')
        assert get("/a/data.csv") == (200, "text/csv", "x\n1\n")
        assert get("/gone.html")[0] == 404
        assert get("/_preview/client.js")[1] == "text/javascript"
    assert {path: path.read_bytes() for path in site.rglob("*.html")} == before


def test_serving_without_preview_adds_nothing(site):
    with listening(lambda: site) as get:
        assert "script" not in get("/")[2]
        assert get("/_preview/client.js")[0] == 404


def test_a_new_site_is_served_from_the_next_request_on(site, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(site)
    with listening(lambda: link.resolve(), preview.State()) as get:
        assert "Start" in get("/")[2]
        other = tmp_path / "other"
        other.mkdir()
        (other / "index.html").write_text("<body>New</body>")
        link.unlink()
        link.symlink_to(other)
        assert "New" in get("/")[2]


def test_before_the_first_build_the_browser_waits_for_it():
    with listening(lambda: None, preview.State()) as get:
        status, _, text = get("/a/page.html")
        assert status == 200
        assert "The first build is running" in text
        assert "/_preview/client.js" in text


@pytest.mark.parametrize("path", ["/../secret", "/%2e%2e/secret", "/a/../../secret"])
def test_nothing_outside_the_site_is_served(site, path):
    (site.parent / "secret").write_text("secret")
    with listening(lambda: site, preview.State()) as get:
        assert get(path)[0] == 404


def test_a_port_in_use_is_passed_over(site):
    with listening(lambda: site) as first, listening(lambda: site) as second:
        assert first.port != second.port
        assert second("/")[0] == 200


def test_no_free_port_is_an_error_that_names_the_option(site):
    with pytest.raises(BookError, match=r"no port from 70000 to 70049 is free\.\n  name another: --port"):
        preview.server(lambda: site, port=70000)


def events(get, number):
    """The first messages that a page gets."""
    connection = http.client.HTTPConnection("127.0.0.1", get.port, timeout=5)
    connection.request("GET", "/_preview/events")
    answer = connection.getresponse()
    assert answer.headers.get_content_type() == "text/event-stream"
    found = []
    while len(found) < number:
        line = answer.readline().decode()
        if line.startswith("data: "):
            found.append(json.loads(line.removeprefix("data: ")))
            yield found[-1]
    connection.close()


def test_a_page_is_told_of_failures_and_of_the_next_good_build(site):
    state = preview.State()
    with listening(lambda: site, state) as get:
        seen = events(get, 3)
        assert next(seen) == {"built": 0, "failed": ""}
        state.failed("RunFailed: chapters/a.md, line 3")
        assert next(seen) == {"built": 0, "failed": "RunFailed: chapters/a.md, line 3"}
        state.built()
        assert next(seen) == {"built": 1, "failed": ""}


def test_a_page_opened_after_a_failure_shows_it(site):
    state = preview.State()
    state.built()
    state.failed("broken")
    with listening(lambda: site, state) as get:
        assert next(events(get, 1)) == {"built": 1, "failed": "broken"}


@pytest.fixture
def fake(tmp_path):
    """A program in the place of `book`, which does what its house says."""
    (tmp_path / "fake.py").write_text(
        "import sys\nfrom pathlib import Path\n"
        "assert sys.argv[1:] == ['build', '--incremental', '--jobs', '2'], sys.argv\n"
        "sys.exit(Path('fails').read_text() if Path('fails').exists() else 0)\n"
    )
    return House(tmp_path)


def test_a_rebuild_tells_the_pages_how_it_ended(fake, monkeypatch, capfd):
    monkeypatch.setenv("PYTHONPATH", str(fake.root))
    state = preview.State()
    listener = state.listen()
    preview.rebuild(fake, state, jobs=2, module="fake")
    (fake.root / "fails").write_text("CheckError: a.html: broken")
    preview.rebuild(fake, state, jobs=2, module="fake")
    said = [json.loads(listener.get_nowait()) for _ in range(3)]
    assert said[1:] == [{"built": 1, "failed": ""}, {"built": 1, "failed": "CheckError: a.html: broken"}]
    assert "CheckError: a.html: broken\nthe last good site is still served" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("path", "watched"),
    [
        ("/h/chapters/a.md", True),
        ("/h/book/__pycache__/x.pyc", False),
        ("/h/chapters/.a.md.swp", False),
        ("/h/chapters/a.md~", False),
    ],
)
def test_only_sources_start_a_rebuild(path, watched):
    assert preview._is_source("modified", path) is watched
