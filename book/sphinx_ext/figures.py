"""Figures that hold a table are tables: numbered "Table n", caption above. Numbers start anew on every page."""

from collections import defaultdict

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector
from sphinx.transforms import SphinxTransform
from sphinx.writers.html5 import HTML5Translator

TABLE_MARK = "ww-table-block"


class TableFigure(nodes.figure):
    """A figure whose content is a table of ours."""


class TableCaption(nodes.caption):
    """Its caption. docutils writes captions below, and closes them with the figure."""


class TableLegend(nodes.legend):
    """What a caption says after its first paragraph."""


class TablesFromFigures(SphinxTransform):
    """Turns the figures that myst-nb makes of cells with a caption into tables, where the cell shows a table.

    Runs while the page is read, before labels are collected: {numref} and {ref} then know the table as a table.
    """

    default_priority = 400

    def apply(self, **_: object) -> None:
        for figure in list(self.document.findall(nodes.figure)):
            if _holds_table(figure):
                self._replace(figure)

    def _replace(self, figure: nodes.figure) -> None:
        captions = [_renewed(child, TableCaption) for child in figure if isinstance(child, nodes.caption)]
        legends = [_renewed(child, TableLegend) for child in figure if isinstance(child, nodes.legend)]
        content = [child for child in figure if not isinstance(child, nodes.caption | nodes.legend)]
        table = TableFigure("", *captions, *legends, *content, **figure.attributes)
        table["classes"] = [*table["classes"], "ww-table-figure"]
        table.source, table.line = figure.source, figure.line
        for identifier in table["ids"]:
            self.document.ids[identifier] = table
        figure.replace_self(table)


def _holds_table(figure: nodes.figure) -> bool:
    return any(raw.get("format") == "html" and TABLE_MARK in raw.astext() for raw in figure.findall(nodes.raw))


def _renewed(node: nodes.Element, kind: type[nodes.Element]) -> nodes.Element:
    new = kind(node.rawsource, **node.attributes)
    new.extend(node.children)
    new.source, new.line = node.source, node.line
    return new


def _visit_figure(translator: HTML5Translator, node: TableFigure) -> None:
    translator.body.append(translator.starttag(node, "figure", ""))


def _depart_figure(translator: HTML5Translator, node: TableFigure) -> None:
    translator.body.append("</figure>\n")


def _visit_caption(translator: HTML5Translator, node: TableCaption) -> None:
    translator.body.append("<figcaption>" + translator.starttag(node, "p", ""))
    translator.add_fignumber(node.parent)
    translator.body.append('<span class="caption-text">')


def _depart_caption(translator: HTML5Translator, node: TableCaption) -> None:
    translator.body.append("</span>")
    translator.add_permalink_ref(node.parent, "Link to this table")
    legend = node.next_node(TableLegend, descend=False, siblings=True)
    translator.body.append("</p>\n" if legend else "</p></figcaption>\n")


def _visit_legend(translator: HTML5Translator, node: TableLegend) -> None:
    translator.body.append('<div class="legend">')


def _depart_legend(translator: HTML5Translator, node: TableLegend) -> None:
    translator.body.append("</div></figcaption>\n")


def number_per_page(collector: TocTreeCollector, env: BuildEnvironment) -> list[str]:
    """Number figures and tables from 1 on every page, because pages are read, cited and printed one by one.

    Stands in for ``TocTreeCollector.assign_figure_numbers``, which counts through the whole book: a new figure on the
    first page would renumber, and so rewrite, all pages after it. Returns the pages whose numbers changed.
    """
    old = env.toc_fignumbers
    env.toc_fignumbers = {}
    for docname in sorted(env.all_docs):
        numbers = _numbers(env, docname)
        if numbers:
            env.toc_fignumbers[docname] = numbers
    return [name for name in sorted(env.all_docs) if env.toc_fignumbers.get(name) != old.get(name)]


def _numbers(env: BuildEnvironment, docname: str) -> dict[str, dict[str, tuple[int, ...]]]:
    numbers: dict[str, dict[str, tuple[int, ...]]] = defaultdict(dict)
    for node in env.get_doctree(docname).findall(nodes.Element):
        kind = _kind(env, node)
        if kind and node["ids"]:
            numbers[kind][node["ids"][0]] = (len(numbers[kind]) + 1,)
    return dict(numbers)


def _kind(env: BuildEnvironment, node: nodes.Element) -> str | None:
    """What a node is counted as: figure or table if it has a caption, equation if it has a label; sections are not."""
    standard = env.get_domain("std")
    kind = standard.get_enumerable_node_type(node)
    if kind and kind != "section" and standard.get_numfig_title(node):
        return kind
    return env.get_domain("math").get_enumerable_node_type(node)


def setup(app: Sphinx) -> None:
    app.add_enumerable_node(TableFigure, "table", html=(_visit_figure, _depart_figure))
    app.add_node(TableCaption, html=(_visit_caption, _depart_caption))
    app.add_node(TableLegend, html=(_visit_legend, _depart_legend))
    app.add_transform(TablesFromFigures)
    TocTreeCollector.assign_figure_numbers = number_per_page
