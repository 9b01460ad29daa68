"""From the SVG that vl_convert writes to the SVG that a page carries, and the one that a reader downloads."""

import re
import xml.etree.ElementTree as ET

# Light value -> CSS variable, so that the picture in a page follows dark mode. One palette: charts use nothing else.
PALETTE = {
    "#1f2328": "--ww-ink",
    "#5b6169": "--ww-muted",
    "#d4d0c8": "--ww-rule",
    "#fffdf9": "--ww-paper",
    "#f5f2ea": "--ww-panel",
    "#1f5f99": "--ww-c1",
    "#b4530a": "--ww-c2",
    "#2f6f4f": "--ww-c3",
    "#6b4b8a": "--ww-c4",
    "#6f7680": "--ww-c5",
}
_VEGA_DEFAULTS = {"#000": "#1f2328", "black": "#1f2328", "#888": "#5b6169", "#ddd": "#d4d0c8", "#fff": "#fffdf9"}
_VEGA_DEFAULTS |= {"white": "#fffdf9", "#000000": "#1f2328", "#ffffff": "#fffdf9"}
_NO_COLOUR = {"none", "transparent", "currentColor"}

FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_DROPPED = {"class", "role", "pointer-events", "font-family"}
_GEOMETRY = {
    "d",
    "transform",
    "points",
    "x",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "cx",
    "cy",
    "r",
    "dx",
    "dy",
    "width",
    "height",
}
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
_RGB = re.compile(r"rgb\((\d+), ?(\d+), ?(\d+)\)")
_COLOURED = ("fill", "stroke", "stop-color")

ET.register_namespace("", _SVG)
ET.register_namespace("xlink", _XLINK)


def inline(raw: str, *, prefix: str) -> str:
    """For a page: as wide as its box allows, colours as CSS variables, ids that start with `prefix`.

    Hidden from assistive technology: the element around it carries the text alternative. A colour outside the palette
    is a ValueError, because it would not follow dark mode.
    """
    root = _tidied(raw)
    for element in root.iter():
        for name in _COLOURED:
            if name in element.attrib:
                element.set(name, _as_variable(element.get(name, "")))
        if "id" in element.attrib:
            element.set("id", prefix + element.get("id", ""))
        for name, value in element.attrib.items():
            if "url(#" in value:
                element.set(name, value.replace("url(#", f"url(#{prefix}"))
    root.attrib.pop("height", None)
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    text = ET.tostring(root, encoding="unicode")
    return text.replace(f' xmlns="{_SVG}"', "", 1)  # HTML needs no namespace


def on_background(raw: str, colour: str) -> str:
    """The picture as vl_convert wrote it, on a ground of one colour."""
    opening = raw.index(">") + 1
    return f'{raw[:opening]}<rect width="100%" height="100%" fill="{colour}"/>{raw[opening:]}'


def standalone(raw: str, *, title: str) -> str:
    """For a file: the same picture with the light colours and a title."""
    root = _tidied(raw)
    root.set("role", "img")
    heading = ET.Element(f"{{{_SVG}}}title")
    heading.text = title
    root.insert(0, heading)
    return ET.tostring(root, encoding="unicode") + "\n"


def _tidied(raw: str) -> ET.Element:
    """The tree without what cannot be seen, and with coordinates to a hundredth of a pixel."""
    root = ET.fromstring(raw)
    _drop_unseen(root)
    for element in root.iter():
        for name in list(element.attrib):
            if name in _DROPPED or name.startswith("aria-") or element.get(name) == _default(name):
                del element.attrib[name]
            elif name in _GEOMETRY:
                element.set(name, _NUMBER.sub(_shorter, element.get(name, "")))
    root.set("font-family", FONTS)  # inherited; any CSS rule overrides it
    return root


def _default(name: str) -> str | None:
    return "1" if name in ("opacity", "stroke-width") else None


def _drop_unseen(parent: ET.Element) -> None:
    for child in list(parent):
        if child.tag == f"{{{_SVG}}}defs":  # clip paths have neither fill nor stroke
            continue
        _drop_unseen(child)
        if _unseen(child):
            parent.remove(child)


def _unseen(element: ET.Element) -> bool:
    tag = element.tag.removeprefix(f"{{{_SVG}}}")
    if element.get("display") == "none" or element.get("opacity") == "0":
        return True
    if tag == "path":
        return element.get("d") in ("", "M0,0h0v0h0Z") or not (element.get("fill") or element.get("stroke"))
    return tag == "g" and len(element) == 0


def _shorter(number: re.Match) -> str:
    text = number.group()
    if "." not in text and "e" not in text:
        return text
    short = f"{float(text):.2f}".rstrip("0").rstrip(".")
    return "0" if short in ("-0", "") else short


def _as_variable(colour: str) -> str:
    if colour in _NO_COLOUR or colour.startswith("url("):
        return colour
    rgb = _RGB.fullmatch(colour)
    plain = "#{:02x}{:02x}{:02x}".format(*map(int, rgb.groups())) if rgb else colour.lower()
    plain = _VEGA_DEFAULTS.get(plain, plain)
    if plain not in PALETTE:
        raise ValueError(f"the colour {colour!r} is not in the palette; use one of {', '.join(PALETTE)}")
    return f"var({PALETTE[plain]})"
