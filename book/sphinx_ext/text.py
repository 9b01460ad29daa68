"""Words and numbers in running text: minus signs, Dutch terms, and the layer that a number belongs to."""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxRole

PASTED = "pasted-text"  # myst-nb's class for {glue:text}
HYPHEN_AS_MINUS = re.compile(r"(?<![\w)])-(?=[.\d])")
WORDS = re.compile(r"[^\W\d]{3,}\s+\S")
LAYERS = {
    "published": "printed in the report",
    "recomputed": "recomputed from printed numbers",
    "synthetic": "from synthetic microdata: not evidence",
}


def with_minus(text: str) -> str:
    """Numbers with a real minus sign: '-1.2 to -0.4' becomes '−1.2 to −0.4'; ranges and hyphens stay."""
    return HYPHEN_AS_MINUS.sub("−", text)


def _cure(document: nodes.document) -> None:
    for inline in document.findall(nodes.inline):
        if PASTED in inline["classes"]:
            if WORDS.search(inline.astext()):
                inline["classes"].append("ww-words")  # may break over lines; a number may not
            for leaf in list(inline.findall(nodes.Text)):
                leaf.parent.replace(leaf, nodes.Text(with_minus(leaf)))


class MinusInPage(SphinxTransform):
    """Before titles, captions and tables of contents are collected."""

    default_priority = 500

    def apply(self, **_: object) -> None:
        _cure(self.document)


class MinusAcrossPages(SphinxPostTransform):
    """After values pasted from other pages are filled in."""

    default_priority = 800

    def run(self, **_: object) -> None:
        _cure(self.document)


class DutchTerm(SphinxRole):
    """{nl}`term`: italic, marked as Dutch, and linked to the glossary if that has the term."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        shown = nodes.emphasis(self.rawtext, self.text, classes=["ww-nl", "language-nl"])
        link = addnodes.pending_xref(
            self.rawtext, refdomain="std", reftype="term", reftarget=self.text, refexplicit=True, ww_optional=True
        )
        link["refdoc"] = self.env.docname
        link += shown
        self.set_source_info(link)
        return [link], []


class Layer(SphinxRole):
    """{layer}`published`, `recomputed` or `synthetic`: a badge that says where a number comes from."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        if self.text not in LAYERS:
            message = self.inliner.reporter.error(
                f"unknown layer {self.text!r} in {{layer}}; use one of: {', '.join(LAYERS)}", line=self.lineno
            )
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        label = self.text.capitalize()
        return [nodes.inline(self.rawtext, label, classes=["ww-layer", f"ww-{self.text}"])], []


def keep_term_without_entry(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """A Dutch term need not be in the glossary."""
    return content if node.get("ww_optional") else None


def setup(app: Sphinx) -> None:
    app.add_transform(MinusInPage)
    app.add_post_transform(MinusAcrossPages)
    app.add_role("nl", DutchTerm())
    app.add_role("layer", Layer())
    app.connect("missing-reference", keep_term_without_entry)
