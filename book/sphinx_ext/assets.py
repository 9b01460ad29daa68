"""Which scripts and style sheets a page loads: ours, Sphinx's search, and an extension's only where it is used."""

import hashlib
import shutil
from functools import cache
from importlib.metadata import version
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

from book.sphinx_ext.settings import THEME

STYLES = ("ww/site.css",)  # one file, joined from these parts of the theme
STYLE_PARTS = ("tokens", "text", "frame", "evidence", "findings", "finder", "notebook", "furniture", "print")
SCRIPTS = ("ww/site.js",)
CHART_SCRIPTS = ("ww/chart.js",)  # on pages with a chart; vega itself is loaded by it, on demand
HIGHLIGHT_SCRIPTS = ("documentation_options.js", "doctools.js", "sphinx_highlight.js")
SEARCH_SCRIPTS = ("searchtools.js", "language_data.js", "../searchindex.js")
# what extensions add to every page, and the text in a page that says that it needs it
OPTIONAL = {
    "sphinx-design.min.css": 'class="sd-',
    "design-tabs.js": 'class="sd-tab',
}
# copied by the themes and extensions, loaded by nothing in our layout
UNUSED = (
    "styles",
    "scripts",
    "vendor",
    "locales",
    "images",
    "*.map",
    "*webpack-macros.html",
    "pygments*.css",
    "basic.css",
    "mystnb.*css",
    "copybutton*",
    "copy-button.svg",
    "check-solid.svg",
    "clipboard.min.js",
    "togglebutton.*",
    "thebelab*",
    "sphinx-thebe.*",
    "play-solid.svg",
    "file.png",
    "minus.png",
    "plus.png",
)


@cache
def digest() -> str:
    """Changes when anything does that a browser may have cached; the same for the same sources on every machine."""
    content = hashlib.sha256()
    for path in sorted(p for p in THEME.rglob("*") if p.is_file()):
        content.update(path.relative_to(THEME).as_posix().encode() + path.read_bytes())
    for package in ("sphinx", "sphinx-design", "vl-convert-python"):
        content.update(f"{package} {version(package)}".encode())
    return content.hexdigest()[:10]


def styles(body: str) -> list[str]:
    return [*_optional(body, ".css"), *STYLES]


def scripts(pagename: str, body: str) -> list[str]:
    charts = CHART_SCRIPTS if 'class="ww-chart"' in body else ()
    searching = SEARCH_SCRIPTS if pagename == "search" else ()
    return [*HIGHLIGHT_SCRIPTS, *searching, *SCRIPTS, *charts, *_optional(body, ".js")]


def _optional(body: str, suffix: str) -> list[str]:
    return [path for path, mark in OPTIONAL.items() if path.endswith(suffix) and mark in body]


def join_styles(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.name != "html":
        return
    parts = [(THEME / "ww" / "css" / f"{name}.css").read_text("utf-8") for name in STYLE_PARTS]
    for path in STYLES:
        (Path(app.outdir) / "_static" / path).write_text("\n".join(parts), "utf-8")


def remove_unused(app: Sphinx, error: Exception | None) -> None:
    """Leave out of the site what no page loads: icon fonts, other themes' scripts, source maps."""
    static = Path(app.outdir) / "_static"
    if error or app.builder.name != "html":
        return
    for pattern in UNUSED:
        for path in static.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _note_theme(app: Sphinx, config: Config) -> None:
    config.ww_theme = digest()


def setup(app: Sphinx) -> None:
    app.add_config_value("ww_theme", "", "html", str)  # a changed theme rewrites every page
    app.connect("config-inited", _note_theme)
    app.connect("build-finished", join_styles)
    app.connect("build-finished", remove_unused, priority=900)
