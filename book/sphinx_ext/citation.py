"""How a page asks to be cited: text after APA's style, and a BibTeX entry."""

import re
from dataclasses import dataclass
from datetime import date
from html import escape

AUTHOR = "Wat Werkt"
BOOK = "Wat werkt voor wie?"
# written out, because strftime follows the machine's locale and a build must not
MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
_LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


@dataclass(frozen=True)
class Source:
    title: str
    page: str  # docname, e.g. intensive/exits
    version: str
    commit: str  # short; may be empty
    data: str  # short hash of the published data
    date: str  # ISO
    address: str  # may be empty: a site that is not on the web yet


def apa(source: Source) -> str:
    """As HTML: titles are in italics."""
    book, title = f"<cite>{BOOK}</cite>", escape(source.title.rstrip("."))
    shown = book if source.title == BOOK else f"{title}{'' if title[-1:] in '?!' else '.'} In {book}"
    where = escape(source.address) if source.address else f"Page: {escape(source.page)}."
    return f"{AUTHOR} ({_year_and_day(source.date)}). {shown} ({escape(_edition(source))}). {where}"


def bibtex(source: Source) -> str:
    fields = {
        "author": f"{{{AUTHOR}}}",
        "title": f"{{{_latex(source.title)}}}",
        "booktitle": BOOK,
        "year": str(_day(source.date).year),
        "month": str(_day(source.date).month),
        "edition": _latex(_edition(source)),
        "note": _latex(f"Page {source.page}, data {source.data}"),
    }
    if source.address:
        fields["url"] = source.address
    lines = [f"  {name:<9} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@incollection{{{_key(source)},", *lines, "}"])


def long_date(iso: str) -> str:
    day = _day(iso)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _edition(source: Source) -> str:
    return f"version {source.version}, commit {source.commit}" if source.commit else f"version {source.version}"


def _year_and_day(iso: str) -> str:
    day = _day(iso)
    return f"{day.year}, {MONTHS[day.month - 1]} {day.day}"


def _day(iso: str) -> date:
    return date.fromisoformat(iso[:10])


def _key(source: Source) -> str:
    return "watwerkt-" + re.sub(r"[^a-z0-9]+", "-", source.page.lower()).strip("-")


def _latex(text: str) -> str:
    return "".join(_LATEX_SPECIAL.get(char, char) for char in text)
