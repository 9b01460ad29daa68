"""From the text of one printed cell to the numbers it holds.

How a cell reads is declared in ``coding.yml`` beside its codes, under the names of :data:`SETTINGS`:

``cells``
    ``number`` (default), ``count_share`` (``758 (39%)``), ``effect_levels`` (``3,2%*** (26,8% - 23,6%)``),
    ``bracketed`` (``-3,7% (0,024)``) or ``tokens`` (``CD/-MOD``).
``tokens``
    What a printed text stands for when it is no number: codes to lay over the cell's, with ``value`` or ``status``.
``bracket``, ``pair``
    Codes of the number in brackets, or of the two.
``marks``
    ``footnote`` if the stars of the table point at footnotes and are no significance marks.
``decimal``, ``thousands``
    ``point``, ``comma`` where a table departs from Dutch notation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from watwerkt.errors import PublishedDataError

SETTINGS = ("cells", "tokens", "bracket", "pair", "marks", "decimal", "thousands")
KINDS = ("number", "count_share", "effect_levels", "bracketed", "tokens")
CHOICES = {
    "cells": KINDS,
    "marks": ("significance", "footnote"),
    "decimal": ("comma", "point"),
    "thousands": ("point", "comma"),
}
BLANK = "(blank)"
SUPPRESSED = {"value": "", "decimals": "", "stars": "", "larger_than": "", "status": "suppressed"}

_DUTCH = re.compile(
    r"^\[?(?P<lead>--|[+\-–−])?\s?(?:€\s?(?P<sign>[-–−])?\s?)?"
    r"(?P<digits>[1-9]\d{0,2}(?:\.\d{3})+|0|[1-9]\d*)(?:,(?P<frac>\d+))?"
    r"\s?%?\]?\s?(?P<stars>\*{0,3})\s?(?P<larger>[A-D](?:, ?[A-D])*)?(?P<unpriced>(?: ?\+ ?[A-D])*)$"
)
_COUNT_SHARE = re.compile(r"^(?P<count>[\d.]+|\*)(?:\s?\((?P<share>\d+%)\))?$")
_BRACKETED = re.compile(r"^(?P<main>[^()]+?)\s*(?:\(\s*(?P<inner>[^()]+?)(?:\s*[a-z]+)?\s*\))?$")
_PAIR = re.compile(
    r"^(?P<main>[^()]+?)\s*(?:\((?P<first>[^()]*?[\d%])\s*[-–−]\s*(?P<second>[^()]+?)\)(?P<stars>\*{0,3}))?$"
)

Numbers = Iterator[tuple[Mapping[str, object], dict[str, object]]]


def parse(
    printed: str, *, where: str = "", decimal: str = "comma", thousands: str = "point", marks: str = "significance"
) -> dict[str, object]:
    """Read one printed number in Dutch notation; a dash or a lone ``*`` is a suppressed value.

    Returns ``value`` (as text, with a decimal point), ``decimals``, ``stars``, ``larger_than`` and ``status``.
    """
    text = printed.strip()
    if text in {"-", "*"}:
        return dict(SUPPRESSED)
    match = _DUTCH.match(_to_dutch(text, decimal, thousands))
    if not match:
        raise PublishedDataError(
            f"{where}: {printed!r} is not a number in Dutch notation.\n"
            "  examples: 1.238  34,9%  -0,02  2,0%*  € 17,52  9,65B,C\n"
            "  say in coding.yml how the cell reads, if it holds something else"
        )
    fraction = match["frac"] or ""
    number = match["digits"].replace(".", "") + (f".{fraction}" if fraction else "")
    if match["lead"] and match["sign"]:
        raise PublishedDataError(f"{where}: {printed!r} has two signs.\n  one sign stands before or behind the €")
    negative = match["sign"] or (match["lead"] or "").strip("+")
    return {
        "value": ("-" if negative else "") + number,
        "decimals": len(fraction),
        "stars": match["stars"] if marks == "significance" else "",
        "larger_than": (match["larger"] or "").replace(" ", ""),
        "status": "printed",
    }


def _to_dutch(text: str, decimal: str, thousands: str) -> str:
    if thousands == "comma":
        text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", ".", text)
    if decimal == "point":
        text = re.sub(r"(?<=\d)\.(?=\d)", ",", text)
    return text


def numbers(printed: str, codes: Mapping[str, object], *, where: str) -> Numbers:
    """Every number in one printed cell, with the codes that it carries.

    Raises PublishedDataError for a text that does not fit what the coding says of the cell.
    """
    settings = {name: codes[name] for name in SETTINGS if name in codes}
    codes = {name: value for name, value in codes.items() if name not in SETTINGS}
    tokens, kind = settings.get("tokens", {}), settings.get("cells", "number")
    notation = {name: settings[name] for name in ("marks", "decimal", "thousands") if name in settings}
    printed = printed.strip()
    if printed == BLANK:
        return
    if kind == "tokens" or printed in tokens:
        yield from _tokens(printed, codes, tokens, where)
        return
    for text, more in _KINDS[_known(kind, where)](printed, settings, where):
        yield {**codes, **more}, parse(text, where=where, **notation)


def _known(kind: object, where: str) -> str:
    if kind not in _KINDS:
        raise PublishedDataError(f"{where}: there is no kind of cell {kind!r}.\n  allowed: {', '.join(_KINDS)}, tokens")
    return str(kind)


def _tokens(printed: str, codes: Mapping, tokens: Mapping, where: str) -> Numbers:
    parts = [printed] if printed in tokens else printed.split("/")
    for part in parts:
        if part not in tokens:
            allowed = ", ".join(repr(token) for token in tokens) or "none"
            raise PublishedDataError(f"{where}: {printed!r} holds {part!r}, which the coding does not explain.\n"
                                     f"  explained: {allowed}")  # fmt: skip
        meant = dict(tokens[part])
        value, status = str(meant.pop("value", "")), meant.pop("status", "printed")
        decimals = 0 if value else ""
        yield (
            {**codes, **meant},
            {"value": value, "decimals": decimals, "stars": "", "larger_than": "", "status": status},
        )


def _number(printed: str, settings: Mapping, where: str) -> Iterator[tuple[str, Mapping]]:
    yield printed, {}


def _count_share(printed: str, settings: Mapping, where: str) -> Iterator[tuple[str, Mapping]]:
    match = _COUNT_SHARE.match(printed)
    if not match:
        raise PublishedDataError(f"{where}: {printed!r} is not a count, with or without a share: 758 (39%)")
    yield match["count"], {"statistic": "count", "unit": "count"}
    if match["share"]:
        yield match["share"], {"statistic": "share", "unit": "pct"}


def _bracketed(printed: str, settings: Mapping, where: str) -> Iterator[tuple[str, Mapping]]:
    match = _BRACKETED.match(printed)
    if not match:
        raise PublishedDataError(f"{where}: {printed!r} is not a number with another in brackets: -3,7% (0,024)")
    yield match["main"], {}
    if match["inner"]:
        yield match["inner"], _asked(settings, "bracket", where)


def _asked(settings: Mapping, name: str, where: str):
    if name not in settings:
        raise PublishedDataError(f"{where}: the coding does not say what stands in the brackets.\n  add {name!r} to it")
    return settings[name]


def _effect_levels(printed: str, settings: Mapping, where: str) -> Iterator[tuple[str, Mapping]]:
    match = _PAIR.match(printed)
    if not match:
        raise PublishedDataError(f"{where}: {printed!r} is not an effect with two levels: 3,2%*** (26,8% - 23,6%)")
    yield match["main"] + (match["stars"] or ""), {}
    if match["first"]:
        first, second = _asked(settings, "pair", where)
        yield match["first"], first
        yield match["second"], second


_KINDS = {
    "number": _number,
    "count_share": _count_share,
    "bracketed": _bracketed,
    "effect_levels": _effect_levels,
}
