"""Markup that Sphinx leaves out and that screen readers and keyboards need: scopes in tables, names for regions."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

_HEAD = re.compile(r"<th\b(?![^>]*\bscope=)")


def visit_entry(translator: HTML5Translator, node: nodes.entry) -> None:
    """A table cell as Sphinx writes it, with a scope if it is a heading."""
    start = len(translator.body)
    HTML5Translator.visit_entry(translator, node)
    scope = "col" if isinstance(node.parent.parent, nodes.thead) else "row"
    translator.body[start:] = [_HEAD.sub(f'<th scope="{scope}"', piece) for piece in translator.body[start:]]


def depart_entry(translator: HTML5Translator, node: nodes.entry) -> None:
    HTML5Translator.depart_entry(translator, node)


# What others write that misleads screen readers, and what stands there instead.
REPAIRS = {
    # myst-nb gives every folded cell the same label, which hides what is written there
    '<summary aria-label="Toggle hidden content">': "<summary>",
    # docutils announces a list, but its children are not list items
    '<div role="list" class="citation-list">': '<div class="citation-list">',
}


def repair(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    body = context.get("body", "")
    for wrong, right in REPAIRS.items():
        body = body.replace(wrong, right)
    context["body"] = body


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", repair)
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
