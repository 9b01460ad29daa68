"""One pass over an HTML page: ids, links, what a browser would load, pictures, and text that should not be there."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_LOADING_LINKS = {
    "apple-touch-icon",
    "dns-prefetch",
    "icon",
    "manifest",
    "mask-icon",
    "modulepreload",
    "preconnect",
    "prefetch",
    "preload",
    "prerender",
    "stylesheet",
}
_SOURCES = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_END_OPTIONAL = {"body", "dd", "dt", "head", "html", "li", "optgroup", "option", "p", "rp", "rt"}
_END_OPTIONAL |= {"colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"}
_NO_TEXT = {"code", "kbd", "pre", "samp", "script", "style", "svg", "template", "textarea"}
# An inline picture is long and holds nothing but shapes: only its ids and references are looked at.
_SVG = re.compile(r"<svg\b.*?</svg>", flags=re.S)
_SVG_ID = re.compile(r'\sid="([^"]*)"')
_SVG_REF = re.compile(r'(?:href="|url\()([^")]+)')
_ROLE = re.compile(r"\{[a-z][a-z:_-]*\}`|\{glue:|\bglue:(?:text|figure|math|md)\b")
_NO_VALUE = re.compile(r"(?<![\w.-])[-+−]?(?:nan|NaN|NaT|inf|<NA>)(?![\w-])|^None$")


@dataclass
class Markup:
    """What was found in one page; each with the line it stands on."""

    ids: dict[str, int] = field(default_factory=dict)
    twice: list[tuple[int, str]] = field(default_factory=list)
    links: list[tuple[int, str]] = field(default_factory=list)
    nav_links: list[str] = field(default_factory=list)
    loads: list[tuple[int, str]] = field(default_factory=list)
    styles: list[tuple[int, str]] = field(default_factory=list)
    scripts: list[tuple[int, str]] = field(default_factory=list)
    headers: list[tuple[int, str]] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    redirect: bool = False


def read_markup(page: str) -> Markup:
    reader = _Reader()
    reader.feed(_SVG.sub(_kept_of_svg, page))
    reader.close()
    return reader.found


def _kept_of_svg(picture: re.Match) -> str:
    """The ids and references of an inline picture as empty elements, on the line where it starts."""
    opening = picture[0][: picture[0].index(">") + 1]
    ids = "".join(f'<g id="{name}"></g>' for name in _SVG_ID.findall(picture[0]) if f' id="{name}"' not in opening)
    refs = "".join(f'<use href="{ref}"></use>' for ref in _SVG_REF.findall(picture[0]))
    return f"{opening}{ids}{refs}</svg>" + "\n" * picture[0].count("\n")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Markup()
        self._open: list[str] = []
        self._silent = 0  # how many open elements hold no text of the page
        self._pasted: list[str] | None = None  # text of the glued value being read
        self._header: list[str] | None = None

    @property
    def _line(self) -> int:
        return self.getpos()[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._note_id(given)
        self._note_links(tag, given)
        self._note_faults(tag, given, {name for name, _ in attrs})
        if tag in _VOID:
            return
        self._open.append(tag)
        self._silent += tag in _NO_TEXT
        if "pasted-text" in given.get("class", "").split():
            self._pasted = []
        if tag == "th":
            self._header = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._open:
            return
        while self._open:
            closed = self._open.pop()
            self._silent -= closed in _NO_TEXT
            if closed == tag:
                break
            if closed not in _END_OPTIONAL:
                self.found.faults.append((self._line, f"<{closed}> is not closed before </{tag}>"))
        if tag == "span" and self._pasted is not None:
            self._note_pasted("".join(self._pasted).strip())
            self._pasted = None
        if tag == "th" and self._header is not None:
            self.found.headers.append((self._line, "".join(self._header).strip()))
            self._header = None

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "style":
            self.found.styles.append((self._line, data))
        elif inside == "script":
            self.found.scripts.append((self._line, data))
        if self._silent:
            return
        for part in (self._pasted, self._header):
            if part is not None:
                part.append(data)
        for leftover in _ROLE.findall(data):
            self.found.faults.append((self._line, f"text that was not rendered: '{leftover}'"))

    def _note_id(self, given: dict[str, str]) -> None:
        name = given.get("id")
        if name is None:
            return
        if name in self.found.ids:
            self.found.twice.append((self._line, name))
        self.found.ids.setdefault(name, self._line)

    def _note_links(self, tag: str, given: dict[str, str]) -> None:
        if tag in ("a", "area") and "href" in given:
            self.found.links.append((self._line, given["href"]))
            if "nav" in self._open:
                self.found.nav_links.append(given["href"])
        if tag == "link" and _LOADING_LINKS & set(given.get("rel", "").lower().split()):
            self.found.loads.append((self._line, given.get("href", "")))
        for name in _SOURCES.get(tag, ()):
            for address in _addresses(name, given.get(name)):
                self.found.loads.append((self._line, address))
        if "style" in given:
            self.found.styles.append((self._line, given["style"]))
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.found.redirect = True
            self.found.links.append((self._line, given.get("content", "").partition("url=")[2]))

    def _note_faults(self, tag: str, given: dict[str, str], names: set[str]) -> None:
        if tag == "img" and "alt" not in names:
            self.found.faults.append((self._line, f"the picture {given.get('src', '')} has no alt"))
        if given.get("role") == "img" and not (given.get("aria-label", "").strip() or given.get("aria-labelledby")):
            self.found.faults.append((self._line, f"a <{tag}> with the role of a picture has no aria-label"))

    def _note_pasted(self, text: str) -> None:
        if not text:
            self.found.faults.append((self._line, "a glued value is empty"))
        elif _NO_VALUE.search(text):
            self.found.faults.append((self._line, f"a glued value is '{text}'"))


def _addresses(attribute: str, value: str | None) -> list[str]:
    if not value:
        return []
    if attribute == "srcset":
        return [part.split()[0] for part in value.split(",") if part.strip()]
    return [value]
