"""The book's contents beside each page, and the page's own: plain lists, made from the titles as text.

Made here and not by the book theme, whose lists keep markup of titles, carry buttons that need its scripts, and take
most of the time of writing a page.
"""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from html import escape

from docutils import nodes
from sphinx import addnodes
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import clean_astext

LARGE_FAMILY = 24  # of more pages than this, only the current one is listed: another page has the list
OPEN_LEVELS = 2  # levels shown everywhere; deeper ones, and the pages of families, only near the page itself
CONTENTS_LEVELS = 2


@dataclass(frozen=True)
class Entry:
    docname: str
    children: tuple["Entry", ...]


@dataclass(frozen=True)
class Part:
    caption: str
    entries: tuple[Entry, ...]


def parts(env: BuildEnvironment) -> list[Part]:
    """The table of contents as _toc.yml gives it."""
    return [
        Part(tree.get("caption") or "", tuple(_entries(env, tree)))
        for tree in env.tocs[env.config.root_doc].findall(addnodes.toctree)
    ]


def _entries(env: BuildEnvironment, tree: addnodes.toctree) -> Iterator[Entry]:
    for _, docname in tree["entries"]:
        if docname in env.tocs:
            inner = env.tocs[docname].findall(addnodes.toctree)
            yield Entry(docname, tuple(entry for sub in inner for entry in _entries(env, sub)))


def title_of(env: BuildEnvironment, docname: str) -> str:
    return clean_astext(env.titles[docname]) if docname in env.titles else docname


class Navigation:
    """The lists for one page; `link` gives the address of another page, seen from this one."""

    def __init__(
        self,
        env: BuildEnvironment,
        tree: list[Part],
        families: Container[str],
        pagename: str,
        link: Callable[[str], str],
    ) -> None:
        self.env, self.tree, self.families, self.pagename, self.link = env, tree, families, pagename, link

    def book(self) -> str:
        """All parts, with the current page marked."""
        home = self._item(Entry(self.env.config.root_doc, ()), 1, "Home")
        return f'<ul class="ww-nav">{home}</ul>' + "".join(self._part(part) for part in self.tree)

    def trail(self) -> list[dict[str, str]]:
        """Part and pages above this one, outermost first; the part has no page of its own."""
        for part in self.tree:
            for entry in part.entries:
                path = self._path(entry)
                if path:
                    above = [{"title": title_of(self.env, name), "link": self.link(name)} for name in path[:-1]]
                    return [{"title": part.caption, "link": ""}, *above] if part.caption else above
        return []

    def contents(self) -> str:
        """The sections of this page; nothing for a page with fewer than two."""
        toc = self.env.tocs.get(self.pagename)
        sections = toc[0][1] if toc and len(toc) and len(toc[0]) > 1 else None
        if not isinstance(sections, nodes.bullet_list):
            return ""
        items = _section_items(sections, CONTENTS_LEVELS)
        return f"<ul>{items}</ul>" if items.count("<li>") > 1 else ""

    def _part(self, part: Part) -> str:
        heading = f'<p class="ww-nav-part">{escape(part.caption)}</p>' if part.caption else ""
        return f'{heading}<ul class="ww-nav">{"".join(self._item(entry, 1) for entry in part.entries)}</ul>'

    def _item(self, entry: Entry, level: int, title: str = "") -> str:
        here = entry.docname == self.pagename
        current = ' aria-current="page"' if here else ""
        text = escape(title or title_of(self.env, entry.docname))
        link = f'<a href="{escape(self.link(entry.docname))}"{current}>{text}</a>'
        near = bool(self._path(entry))
        shown = [c for c in entry.children if near or (level < OPEN_LEVELS and c.docname not in self.families)]
        if sum(c.docname in self.families for c in shown) > LARGE_FAMILY:
            shown = [c for c in shown if c.docname not in self.families or self._path(c)]
        inner = f"<ul>{''.join(self._item(child, level + 1) for child in shown)}</ul>" if shown else ""
        return f"<li>{link}{inner}</li>"

    def _path(self, entry: Entry) -> list[str]:
        """Page names from this entry down to the current page; empty if it is not below it."""
        if entry.docname == self.pagename:
            return [entry.docname]
        for child in entry.children:
            below = self._path(child)
            if below:
                return [entry.docname, *below]
        return []


def _section_items(sections: nodes.bullet_list, levels: int) -> str:
    items = []
    for item in sections.findall(nodes.list_item):
        if item.parent is not sections:
            continue
        reference = next(item.findall(nodes.reference), None)
        if reference is None or not reference.get("anchorname"):
            continue
        deeper = [child for child in item.children if isinstance(child, nodes.bullet_list)]
        inner = _section_items(deeper[0], levels - 1) if deeper and levels > 1 else ""
        nested = f"<ul>{inner}</ul>" if inner else ""
        items.append(f'<li><a href="{escape(reference["anchorname"])}">{escape(reference.astext())}</a>{nested}</li>')
    return "".join(items)


def setup(app: object) -> None:
    """Nothing to connect: :mod:`book.sphinx_ext.context` calls :class:`Navigation` for each page."""
