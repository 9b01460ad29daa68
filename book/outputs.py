"""What executed notebooks carry for the site: numbers that prose shows, charts and tables with their data."""

import ast
import csv
import html
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from book import origin
from book.draw import Chart, Drawn
from book.errors import BookError
from book.pages import Page

CHART = "application/vnd.watwerkt.chart+json"
TABLE = "application/vnd.watwerkt.table+json"
LEDGER = "application/vnd.watwerkt.ledger+json"
_GLUE = "application/papermill.record/text/plain"
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_KEYS = {
    CHART: {"name": str, "alt": str, "wide": dict, "narrow": dict, "data": dict, "note": str},
    TABLE: {"name": str, "data": dict, "note": str},
}


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A chart or a table on a page."""

    page: Page
    kind: str  # CHART or TABLE
    payload: Mapping
    data: dict  # of the output in the notebook, to be replaced by what `html` makes
    label: str = ""  # of the microdata that it was made from

    @property
    def name(self) -> str:
        return self.payload["name"]

    @property
    def stem(self) -> str:
        """Where its downloads lie, from the root of the site, without extension."""
        return f"files/{self.page.name}/{self.name}"

    @property
    def formats(self) -> tuple[str, ...]:
        return ("csv", "svg", "png") if self.kind == CHART else ("csv",)

    @property
    def chart(self) -> Chart:
        where = f"{self.page}, chart '{self.name}'"
        return Chart(where, self.name, self.payload["alt"], **self.specs())

    def specs(self) -> dict[str, dict]:
        """The chart's specifications, wide and narrow; of microdata, they say so."""
        given = {width: self.payload[width] for width in ("wide", "narrow")}
        return {width: origin.titled(spec, self.label) if self.label else spec for width, spec in given.items()}

    def csv(self) -> bytes:
        """The data behind it; a value that is missing is an empty field. Of microdata, each row says so."""
        mark = ([origin.COLUMN], [self.label]) if self.label else ([], [])
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow([*self.payload["data"]["columns"], *mark[0]])
        rows.writerows([*row, *mark[1]] for row in self.payload["data"]["rows"])
        return text.getvalue().encode()

    def html(self, drawn: Drawn | None) -> str:
        """The complete block for the page; a chart needs its pictures."""
        note = f'<p class="ww-note">{html.escape(self.payload["note"])}</p>' if self.payload["note"] else ""
        if drawn is None:
            table = joined(self.data["text/html"])
            return f'<div class="ww-table-block" id="table-{self.name}">{table}{self._tools()}{note}</div>'
        alt = html.escape(self.payload["alt"])
        return (
            f'<div class="ww-chart" id="chart-{self.name}" data-spec="{self._url("json")}">'
            f'<div class="ww-static ww-wide" role="img" aria-label="{alt}">{drawn.wide}</div>'
            f'<div class="ww-static ww-narrow" role="img" aria-label="{alt}">{drawn.narrow}</div>'
            f'<div class="ww-live" hidden></div>{self._tools()}{note}</div>'
        )

    def _tools(self) -> str:
        explore = '<button type="button" class="ww-explore">Interactive</button> ' if self.kind == CHART else ""
        links = (f'<a download href="{self._url(kind)}">{kind.upper()}</a>' for kind in self.formats)
        return f'<div class="ww-tools">{explore}{" ".join(links)}</div>'

    def _url(self, extension: str) -> str:
        return "../" * self.page.name.count("/") + quote(f"{self.stem}.{extension}")


def exhibits(page: Page, notebook: Mapping, *, label: str = "") -> list[Exhibit]:
    """The charts and tables of an executed notebook, in order; a name that is malformed or used twice is an error.

    ``label`` names the microdata that the page read, if it did: then each must have passed the disclosure guard.
    """
    found: dict[str, Exhibit] = {}
    for cell, output in _outputs(notebook):
        data = output.get("data", {})
        for kind in (CHART, TABLE):
            if kind in data:
                if label:
                    origin.require_cleared(str(page), cell, _what(kind), data[kind])
                public = "public" in (data[kind].get("cleared") or {})
                exhibit = Exhibit(page, kind, data[kind], data, "" if public else label)
                _check(exhibit, cell, found)
                found[exhibit.name] = exhibit
    return list(found.values())


def ledger(page: Page, notebook: Mapping, *, label: str = "") -> list[dict[str, object]]:
    """The entries that the page made in the replication ledger, one mapping per row.

    ``label`` names the microdata that the page read, if it did: then they must have passed the disclosure guard.
    """
    rows = []
    for cell, output in _outputs(notebook):
        if entries := output.get("data", {}).get(LEDGER):
            if label:
                origin.require_cleared(str(page), cell, "entries of the ledger", entries)
            rows += [dict(zip(entries["columns"], row, strict=True), page=page.name) for row in entries["rows"]]
    return rows


def numbers(page: Page, notebook: Mapping) -> dict[str, object]:
    """What the page published, by key: the values that glue roles paste into its text."""
    published: dict[str, object] = {}
    for cell, output in _outputs(notebook):
        key = output.get("metadata", {}).get("scrapbook", {}).get("name")
        printed = output.get("data", {}).get(_GLUE)
        if key is None or printed is None:
            continue
        if key in published:
            raise BookError(
                f"PublishError: {page}, cell {cell}: the key '{key}' is published twice on this page.\n"
                "  give one of the two another name"
            )
        published[key] = _value(page, cell, key, joined(printed))
    return published


def joined(text: str | list[str]) -> str:
    """Notebook files keep long text as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def _value(page: Page, cell: int, key: str, printed: str) -> object:
    try:
        return ast.literal_eval(printed)
    except (ValueError, SyntaxError):
        raise BookError(
            f"PublishError: {page}, cell {cell}: the value of '{key}' is {printed[:80]}, which is not a plain value.\n"
            "  publish a number, text, or true or false; nan and inf are none"
        ) from None


def _outputs(notebook: Mapping) -> Iterator[tuple[int, dict]]:
    for number, cell in enumerate(notebook["cells"], start=1):
        for output in cell.get("outputs", ()):
            yield number, output


def _what(kind: str) -> str:
    return "chart" if kind == CHART else "table"


def _check(exhibit: Exhibit, cell: int, earlier: Mapping[str, Exhibit]) -> None:
    where = f"{exhibit.page}, cell {cell}"
    what = _what(exhibit.kind)
    for key, kind in _KEYS[exhibit.kind].items():
        if not isinstance(exhibit.payload.get(key), kind):
            raise BookError(f"ExhibitError: {where}: the {what} lacks '{key}' (a {kind.__name__}).")
    if not _NAME.fullmatch(exhibit.name):
        raise BookError(
            f"ExhibitError: {where}: '{exhibit.name}' cannot name a {what}.\n"
            "  use lower-case letters and digits, with single hyphens between them: exits-net"
        )
    if exhibit.name in earlier:
        raise BookError(
            f"ExhibitError: {where}: the name '{exhibit.name}' is used twice on this page.\n"
            "  names of charts and tables are unique on a page: rename one"
        )
    if exhibit.kind == CHART and not exhibit.payload["alt"].strip():
        raise BookError(
            f"ExhibitError: {where}: the chart '{exhibit.name}' has no text alternative.\n"
            "  say in `alt` what a reader who cannot see it needs to know"
        )
