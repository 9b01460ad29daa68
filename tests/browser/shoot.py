"""Pictures of pages, to look at: python tests/browser/shoot.py PAGE… --widths 1600 390 --schemes light dark --out DIR

PAGE is a page of the built site, such as intensive/exits. --site takes another folder than _build/html.
"""

import argparse
import sys
from pathlib import Path

from browser import launch, served, visit
from playwright.sync_api import Browser, sync_playwright

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"


def main() -> int:
    options = _options()
    if not (options.site / "index.html").is_file():
        print(f"{options.site}: no site here.\n  build it first: make book", file=sys.stderr)
        return 1
    missing = [page for page in options.pages if not (options.site / f"{page}.html").is_file()]
    if missing:
        print(f"{options.site}: no page {', '.join(missing)}.\n  name pages without .html", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    with served(options.site) as address, sync_playwright() as playwright:
        browser = launch(playwright)
        for page in options.pages:
            for width in options.widths:
                for scheme in options.schemes:
                    print(_shoot(browser, options, f"{address}{page}.html", page, width, scheme))
        browser.close()
    return 0


def _shoot(browser: Browser, options: argparse.Namespace, url: str, page: str, width: int, scheme: str) -> Path:
    tab = browser.new_page(
        viewport={"width": width, "height": options.height}, color_scheme=scheme, device_scale_factor=options.scale
    )
    visit(tab, url)
    path = options.out / f"{page.replace('/', '-')}-{width}-{scheme}.png"
    tab.screenshot(path=path, full_page=options.full)
    tab.close()
    return path


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", metavar="PAGE")
    parser.add_argument("--site", type=Path, default=SITE)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--widths", type=int, nargs="+", default=[1600, 390])
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--schemes", nargs="+", choices=["light", "dark"], default=["light", "dark"])
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--full", action="store_true", help="the whole page, not only what fits the window")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
