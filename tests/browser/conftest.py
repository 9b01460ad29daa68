"""The built site, served on this machine and opened in a browser that can reach nothing else."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, Response, sync_playwright

from tests.browser.browser import launch, served

ROOT = Path(__file__).resolve().parents[2]
PAGES_OF_A_FAMILY = 2  # the pages of a family come from one template; two of them stand for all
NOT_PAGES = {"_static", "_downloads", "files", "sources"}
TEMPLATE = re.compile(r'<meta name="ww-template" content="([^"]+)"')


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site; WATWERKT_SITE names one that is tested as it is."""
    named = os.environ.get("WATWERKT_SITE")
    if named:
        return Path(named).resolve()
    built = subprocess.run([sys.executable, "-m", "book", "build"], cwd=ROOT, capture_output=True, text=True)
    if built.returncode:
        pytest.fail(f"the site does not build:\n{built.stderr[-4000:]}", pytrace=False)
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def pages(site: Path) -> list[str]:
    """Every page, but only the first few of each family; as paths from the root of the site."""
    seen: dict[str, int] = {}
    chosen = []
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site)
        if NOT_PAGES.intersection(name.parts):
            continue
        template = TEMPLATE.search(path.read_text("utf-8"))
        if template:
            seen[template.group(1)] = seen.get(template.group(1), 0) + 1
            if seen[template.group(1)] > PAGES_OF_A_FAMILY:
                continue
        chosen.append(name.as_posix())
    assert chosen, f"{site} holds no page"
    return chosen


@pytest.fixture(scope="session")
def chart_pages(site: Path, pages: list[str]) -> list[str]:
    found = [page for page in pages if 'class="ww-chart"' in (site / page).read_text("utf-8")]
    assert found, "no page of the site has a chart"
    return found


@pytest.fixture(scope="session")
def table_pages(site: Path, pages: list[str]) -> list[str]:
    found = [page for page in pages if 'class="ww-table"' in (site / page).read_text("utf-8")]
    assert found, "no page of the site has a table"
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@dataclass
class Seen:
    """What a tab did: requests to other hosts, messages in the console, answers received."""

    left: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)


@pytest.fixture
def open_tab(browser: Browser, address: str) -> Iterator[Callable[..., tuple[Page, Seen]]]:
    """Opens tabs that note what they ask for; keyword arguments go to the browser context."""
    contexts = []

    def open_one(**settings: object) -> tuple[Page, Seen]:
        context = browser.new_context(**settings)
        contexts.append(context)
        seen = Seen()

        def note(request: Request) -> None:
            if not request.url.startswith((address, "data:", "blob:", "file:")):
                seen.left.append(request.url)

        tab = context.new_page()
        tab.on("request", note)
        tab.on("console", lambda m: seen.errors.append(m.text) if m.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: seen.errors.append(str(error)))
        tab.on("response", lambda answer: seen.answers.append(answer))
        return tab, seen

    yield open_one
    for context in contexts:
        context.close()  # closing twice is allowed
