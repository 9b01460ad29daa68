"""Sphinx's search writes titles into the list of results as HTML; here they become text.

A page's title comes from data (a code list's label), so `<` in one must not become a tag; and Sphinx keeps the markup
of titles, which it then shows.
"""

import json
from html import escape
from pathlib import Path

from sphinx.application import Sphinx

from book.sphinx_ext.navigation import title_of

_BEFORE, _AFTER = "Search.setIndex(", ")"


def write_titles_as_text(app: Sphinx, error: Exception | None) -> None:
    index = Path(app.outdir) / "searchindex.js"
    if error or app.builder.name != "html" or not index.is_file():
        return
    content = json.loads(index.read_text("utf-8").removeprefix(_BEFORE).removesuffix(_AFTER))
    content["titles"] = [as_text(title_of(app.env, name)) for name in content["docnames"]]
    content["alltitles"] = {as_text(title): places for title, places in content["alltitles"].items()}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    index.write_text(f"{_BEFORE}{text}{_AFTER}", "utf-8")


def as_text(title: str) -> str:
    """Escaped once, also if it was already: an incremental build reads titles back from the last index."""
    return escape(title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"), quote=False)


def setup(app: Sphinx) -> None:
    app.connect("build-finished", write_titles_as_text)
