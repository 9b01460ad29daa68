"""From two independent readings of a printed table to tidy, coded cells.

``data/entry/<study>/first.csv`` and ``second.csv`` hold the same printed cells, typed by two passes that did not see
each other. ``coding.yml`` says what each printed label means. :func:`compare` lists where the passes differ;
:func:`tidy` makes the rows of ``data/published/<study>/<table>.csv`` from the first pass once there is no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from watwerkt.errors import PublishedDataError
from watwerkt.paths import shown
from watwerkt.schema import read_plain

ENTRY_COLUMNS = ("table", "panel", "row", "column", "printed")
CODE_COLUMNS = (
    "population", "dimension", "category", "arm", "comparison", "service", "outcome", "horizon_months",
    "statistic", "unit",
)  # fmt: skip
TIDY_COLUMNS = (
    "study", "table", "cell", "panel", "row", "column", *CODE_COLUMNS,
    "value", "decimals", "stars", "larger_than", "status",
)  # fmt: skip

_NUMBER = re.compile(
    r"^\[?(?P<sign>[-–−]?)(?P<digits>\d{1,3}(?:\.\d{3})+|\d+)(?:,(?P<frac>\d+))?\s?%?\]?(?P<stars>\*{0,3})$"
)
_COUNT_SHARE = re.compile(r"^(?P<count>[\d.]+|\*)(?:\s?\((?P<share>\d+%)\))?$")


@dataclass(frozen=True)
class Place:
    """Where a printed cell stands: table, panel, row and column labels, and the codes they carry."""

    table: str
    panel: str
    row: str
    column: str
    codes: dict[str, object]

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.table, self.panel, self.row, self.column


def places(coding: dict) -> Iterator[Place]:
    """Every cell that the coding expects, in printed order."""
    for table, spec in coding.items():
        blank = {(b["panel"], column) for b in spec.get("blank", []) for column in b["columns"]}
        for panel, inner in (spec.get("panels") or {"": {}}).items():
            nested = "rows" in inner
            panel_codes = inner.get("codes", {}) if nested else inner
            for row, row_codes in (inner["rows"] if nested else spec["rows"]).items():
                for column, column_codes in spec["columns"].items():
                    if (panel, column) not in blank:
                        codes = {**spec.get("codes", {}), **panel_codes, **row_codes}
                        yield Place(table, panel, row, column, _overlay(codes, column_codes))


def _overlay(codes: dict, column: dict) -> dict:
    """Lay a column's codes over the rest; a column's unit names the level's unit, and an effect in % is in points."""
    return {**codes, **column}


def parse(printed: str, *, where: str = "") -> dict[str, object]:
    """Read one printed number in Dutch notation; a dash or a lone ``*`` is a suppressed value.

    Returns ``value`` (as text, with a decimal point), ``decimals``, ``stars`` and ``status``.
    """
    text = printed.strip().replace(" %", "%")
    if text in {"-", "*"}:
        return {"value": "", "decimals": "", "stars": "", "status": "suppressed"}
    match = _NUMBER.match(text)
    if not match:
        raise PublishedDataError(
            f"{where}: {printed!r} is not a number in Dutch notation.\n  examples: 1.238  34,9%  -0,02  2,0%*"
        )
    fraction = match["frac"] or ""
    number = match["digits"].replace(".", "") + (f".{fraction}" if fraction else "")
    return {
        "value": ("-" if match["sign"] else "") + number,
        "decimals": len(fraction),
        "stars": match["stars"],
        "status": "printed",
    }


def read_coding(folder: Path) -> dict:
    """The coding of a study's tables."""
    path = folder / "coding.yml"
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise PublishedDataError(f"{shown(path)}: cannot be read as YAML.\n  {error}") from None


def read_pass(path: Path) -> dict[tuple[str, ...], str]:
    """One pass of data entry: printed text by (table, panel, row, column)."""
    found: dict[tuple[str, ...], str] = {}
    for number, row in enumerate(read_plain(path, ENTRY_COLUMNS), start=2):
        key = tuple(row[name] for name in ENTRY_COLUMNS[:4])
        if key in found:
            raise PublishedDataError(
                f"{shown(path)}, row {number}: {_words(key)} is entered twice.\n  keep one of the two rows"
            )
        found[key] = row["printed"]
    return found


def _words(place: tuple[str, ...]) -> str:
    return " / ".join(part for part in place if part)


@dataclass(frozen=True)
class Difference:
    """A printed cell on which the two passes, or a pass and the coding, do not agree."""

    place: tuple[str, ...]
    first: str | None
    second: str | None
    expected: bool = True

    def __str__(self) -> str:
        unknown = "" if self.expected else " (coding.yml knows no such cell)"
        return f"{_words(self.place)}: first {self.first!r}, second {self.second!r}{unknown}"


def compare(folder: Path) -> tuple[int, list[Difference]]:
    """How many cells the coding expects, and every one on which the two passes differ, or that one lacks."""
    first, second = read_pass(folder / "first.csv"), read_pass(folder / "second.csv")
    expected = dict.fromkeys(place.key for place in places(read_coding(folder)))
    every = dict.fromkeys([*expected, *first, *second])
    found = [Difference(key, first.get(key), second.get(key), key in expected) for key in every]
    return len(expected), [d for d in found if d.first != d.second or d.first is None or not d.expected]


def tidy(folder: Path, study: str) -> dict[str, list[dict[str, str]]]:
    """Tidy rows by table, from two passes that agree.

    Raises
    ------
    PublishedDataError
        The passes differ, or a printed text cannot be read.
    """
    count, differences = compare(folder)
    if differences:
        listed = "\n  ".join(str(d) for d in differences[:20])
        raise PublishedDataError(
            f"{shown(folder)}: the two entries differ in {len(differences)} of {count} cells.\n  {listed}\n"
            "  settle each against the printed report, in both files"
        )
    printed, coding = read_pass(folder / "first.csv"), read_coding(folder)
    tables: dict[str, list[dict[str, str]]] = {table: [] for table in coding}
    for place in places(coding):
        tables[place.table] += _cells(place, printed[place.key], coding[place.table], study)
    return tables


def _cells(place: Place, printed: str, spec: dict, study: str) -> Iterator[dict[str, str]]:
    where = _words(place.key)
    if spec.get("cells") != "count_share":
        yield _row(place, place.codes, parse(printed, where=where), study)
        return
    match = _COUNT_SHARE.match(printed)
    if not match:
        raise PublishedDataError(f"{where}: {printed!r} is not a count, with or without a share: 758 (39%)")
    yield _row(place, {**place.codes, "statistic": "count", "unit": "count"}, parse(match["count"], where=where), study)
    if match["share"]:
        yield _row(
            place, {**place.codes, "statistic": "share", "unit": "pct"}, parse(match["share"], where=where), study
        )


def _row(place: Place, codes: dict, number: dict, study: str) -> dict[str, str]:
    codes = {name: str(codes.get(name, "")) for name in CODE_COLUMNS}
    if codes["statistic"] == "effect" and codes["unit"] == "pct":
        codes["unit"] = "pp"
    key_parts = ("population", "category", "arm", "comparison", "service", "outcome", "horizon_months", "statistic")
    key = ".".join(codes[name] for name in key_parts if codes[name] and not (name == "arm" and codes[name] == "all"))
    printed = {name: str(value) for name, value in number.items()}
    return {
        "study": study, "table": place.table, "cell": key,
        "panel": place.panel, "row": place.row, "column": place.column,
        **codes, **printed, "larger_than": "",
    }  # fmt: skip
