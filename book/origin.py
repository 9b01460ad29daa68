"""What pages made from microdata owe their readers: a notice, marked downloads, numbers that passed the guard."""

from collections.abc import Iterable, Mapping

from book.errors import BookError
from book.microdata import SUPPLIED, SYNTHETIC
from book.pages import Executed, House
from book.words import labels

COLUMN = "made_from"  # of downloads


def of_page(run: Executed) -> str | None:
    """Synthetic, or supplied if any of the microdata that the page read were; None for a page that read none."""
    found = set(run.microdata.values())
    return SUPPLIED if SUPPLIED in found else SYNTHETIC if found else None


def with_notice(notebook: dict, house: House, origin: str, warnings: Iterable[str] = ()) -> None:
    """Put the notice under the page's first heading, with what was noticed about the files."""
    label, meaning = labels(house, "origin")[origin]
    said = "".join(f"\n- {warning}" for warning in warnings)
    notice = f":::{{div}} ww-origin ww-origin-{origin}\n**{label}.** {meaning}\n{said}\n:::"
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and text.lstrip().startswith("# "):
            heading, _, rest = text.lstrip().partition("\n")
            cell["source"] = f"{heading}\n\n{notice}\n{rest}"
            return
    raise BookError(f"OriginError: a page made from {label.lower()} has no heading to put a notice under.")


def require_cleared(where: str, cell: int, what: str, payload: Mapping) -> None:
    """Refuse a chart or table on a page that read microdata unless it carries the guard's stamp."""
    stamp = payload.get("cleared")
    if not isinstance(stamp, Mapping) or not ({"guard", "public"} & set(stamp)):
        raise BookError(
            f"DisclosureError: {where}, cell {cell}: the {what} '{payload.get('name', '')}' stands on a page that read "
            "microdata and has not passed the disclosure guard.\n"
            "  pass it what was cleared: tables.show(…).passed(cleared); or, if nothing in it comes from microdata, "
            ".passed(public='made from published numbers')"
        )


def titled(spec: Mapping, label: str) -> dict:
    """A chart's specification with its origin as a title, so that a picture on its own says what it is."""
    title = {"text": label, "anchor": "start", "fontSize": 11, "fontWeight": "normal", "offset": 6}
    return {**spec, "title": title}
