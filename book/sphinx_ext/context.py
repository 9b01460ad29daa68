"""What the templates know as ``ww``: of the build, from ``_meta.json``, and of the page at hand."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from book.sphinx_ext import assets, citation, navigation

META = "_meta.json"
BUILD_KEYS = ("version", "commit", "commit_short", "date", "data_hash", "repository", "branch")
DESCRIPTION_LENGTH = 200


def read_meta(source: Path) -> dict[str, Any]:
    path = source / META
    try:
        meta = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ExtensionError(
            f"{path}: not found; it says what the site is built from.\n  it is written by: python -m book bind"
        ) from None
    except ValueError as error:
        raise ExtensionError(f"{path}: not valid JSON ({error}).\n  it is written by: python -m book bind") from error
    missing = [key for key in (*BUILD_KEYS, "pages") if key not in meta]
    if missing:
        raise ExtensionError(f"{path}: lacks {', '.join(missing)}.\n  it is written by: python -m book bind")
    return meta


def build_of(meta: dict[str, Any]) -> dict[str, str]:
    return {
        "version": meta["version"],
        "commit": meta["commit"] or "",
        "commit_short": meta["commit_short"] or "",
        "data_hash": meta["data_hash"],
        "data_short": meta["data_hash"][:10],
        "date_text": citation.long_date(meta["date"]),
    }


def page_of(meta: dict[str, Any], pagename: str, title: str, address: str) -> dict[str, Any] | None:
    """What the foot of a page shows; None for pages that are made by Sphinx, such as the search."""
    page = meta["pages"].get(pagename)
    if page is None:
        return None
    source = citation.Source(
        title=title,
        page=pagename,
        version=meta["version"],
        commit=meta["commit_short"] or "",
        data=meta["data_hash"][:10],
        date=meta["date"],
        address=address,
    )
    files = sorted(name for name in page.get("files", ()) if name.endswith(".csv"))
    return {
        "apa": citation.apa(source),
        "bibtex": citation.bibtex(source),
        "downloads": [{"path": name, "name": name.rsplit("/", 1)[-1]} for name in files],
        "source": f"sources/{page['chapter']}",
        "edit": edit_address(meta, page["chapter"]),
        "template": page["chapter"] if page.get("family") else "",
        "params": page.get("params", {}) if page.get("family") else {},
    }


def edit_address(meta: dict[str, Any], chapter: str) -> str:
    """Where the chapter is edited at the repository's host; empty if no repository is known."""
    if not meta["repository"]:
        return ""
    between = "_edit" if "codeberg.org" in meta["repository"] else "edit"
    between = "-/edit" if "gitlab" in meta["repository"] else between
    return f"{meta['repository'].rstrip('/')}/{between}/{meta['branch'] or 'main'}/{chapter}"


def description_of(meta: dict[str, Any] | None, doctree: nodes.document | None) -> str:
    """The front matter's description, or else the first sentences of the page."""
    if meta and isinstance(meta.get("description"), str):
        return " ".join(meta["description"].split())
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = " ".join(paragraph.astext().split())
        if isinstance(paragraph.parent, nodes.section) and text:
            cut = text[:DESCRIPTION_LENGTH].rsplit(" ", 1)[0]
            return text if len(text) <= DESCRIPTION_LENGTH else f"{cut} …"
    return ""


def add_page_context(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    env, meta = app.env, app.ww_meta
    title = navigation.title_of(env, pagename) if pagename in env.titles else str(context.get("title", pagename))
    families = {name for name, page in meta["pages"].items() if page.get("family")}
    lists = navigation.Navigation(env, app.ww_parts, families, pagename, context["pathto"])
    body = context.get("body", "")
    related = app.builder.relations.get(pagename) or (None, None, None)
    context["ww"] = {
        "book": citation.BOOK,
        "window_title": citation.BOOK if pagename == app.config.root_doc else f"{title} — {citation.BOOK}",
        "description": description_of(context.get("meta"), doctree),
        "build": build_of(meta),
        "page": page_of(meta, pagename, title, context.get("pageurl") or ""),
        "family": bool(meta["pages"].get(pagename, {}).get("family")),
        "chapter": meta["pages"].get(pagename, {}).get("chapter", ""),
        "navigation": lists.book(),
        "contents": lists.contents(),
        "trail": lists.trail(),
        "prev_title": navigation.title_of(env, related[1]) if related[1] else "",
        "next_title": navigation.title_of(env, related[2]) if related[2] else "",
        "version": app.config.ww_theme,
        "styles": assets.styles(body),
        "scripts": assets.scripts("search" if templatename == "search.html" else pagename, body),
    }


def changed_pages(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Pages whose own entry in _meta.json changed since they were written last, though their text did not."""
    before = getattr(env, "ww_pages", {})
    env.ww_pages = app.ww_meta["pages"]
    return [name for name in env.all_docs if before.get(name) != env.ww_pages.get(name)]


def _note_parts(app: Sphinx, env: BuildEnvironment) -> None:
    app.ww_parts = navigation.parts(env)


def _note_build(app: Sphinx, config: Config) -> None:
    app.ww_meta = read_meta(Path(app.srcdir))
    build = json.dumps([app.ww_meta[key] for key in BUILD_KEYS])
    config.ww_build = hashlib.sha256(build.encode()).hexdigest()


def setup(app: Sphinx) -> None:
    app.add_config_value("ww_build", "", "html", str)  # every page says what it was built from
    app.connect("config-inited", _note_build)
    app.connect("env-updated", changed_pages)
    app.connect("env-updated", _note_parts)
    app.connect("html-page-context", add_page_context, priority=900)
