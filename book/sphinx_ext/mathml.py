"""Formulas as MathML, made while the site is built: no script and no fonts to load, and readable by screen readers."""

import re
from html import escape

import latex2mathml.exceptions
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

ERRORS = tuple(e for e in vars(latex2mathml.exceptions).values() if isinstance(e, type) and issubclass(e, Exception))
# What latex2mathml passes through when it does not know a command, or an alignment outside of a table.
NOT_UNDERSTOOD = re.compile(r">(\\[a-zA-Z]+|&)<")


def to_mathml(latex: str, *, block: bool) -> str:
    """MathML of a formula.

    Raises ValueError for what cannot be converted: latex2mathml itself lets unknown commands through as text.
    """
    source = latex.strip()
    prepared = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{split}", source)
    if r"\\" in prepared and r"\begin{" not in prepared:
        prepared = rf"\begin{{split}}{prepared}\end{{split}}"
    try:
        made = convert(prepared, display="block" if block else "inline")
    except ERRORS as error:
        raise ValueError(f"{type(error).__name__.removesuffix('Error')} in {source!r}") from error
    unknown = NOT_UNDERSTOOD.search(made)
    if unknown:
        raise ValueError(f"{unknown.group(1)!r} is not understood in {source!r}")
    return made.replace("<math ", f'<math alttext="{escape(source)}" ', 1)


def _convert(node: nodes.Element, *, block: bool) -> str:
    try:
        return to_mathml(node.astext(), block=block)
    except ValueError as error:
        logger.warning(
            "formula: %s\n  use commands that latex2mathml knows", error, location=node, type="math", subtype="mathml"
        )
        return f"<code>{escape(node.astext())}</code>"


def visit_math(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(f'<span class="math">{_convert(node, block=False)}</span>')
    raise nodes.SkipNode


def visit_math_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math ww-equation"))
    translator.body.append(f'<div class="ww-formula">{_convert(node, block=True)}</div>')
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
