"""From two independent readings of a printed table to tidy, coded cells.

A study's tables are entered in one or more parts, folders under ``data/entry/<study>`` with a ``coding.yml``.
``first.csv`` and ``second.csv`` of a part hold the same printed cells, typed by two passes that did not see
each other. ``coding.yml`` says what each printed label means. :func:`compare` lists where the passes differ;
:func:`tidy` makes the rows of ``data/published/<study>/<table>.csv`` from the first pass once there is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from watwerkt.errors import PublishedDataError
from watwerkt.paths import shown
from watwerkt.reading import CHOICES, SETTINGS, numbers
from watwerkt.schema import read_plain

ENTRY_COLUMNS = ("table", "panel", "row", "column", "printed")
TABLE_REQUIRED = ("title", "caption", "section", "columns")
TABLE_KEYS = {
    *TABLE_REQUIRED, "codes", "panels", "rows", "blank", "share_of", "estimator", "stars", "larger_than", *SETTINGS,
}  # fmt: skip
PROSE_COLUMNS = ("study", "key", "statement", "value", "decimals", "unit", "section", "repeats", "source")
CODE_COLUMNS = (
    "population", "dimension", "category", "arm", "comparison", "service", "outcome", "horizon_months",
    "statistic", "unit",
)  # fmt: skip
TIDY_COLUMNS = (
    "study", "table", "cell", "panel", "row", "column", *CODE_COLUMNS,
    "value", "decimals", "stars", "larger_than", "status",
)  # fmt: skip


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
        reading = {name: spec[name] for name in SETTINGS if name in spec}
        blank = {(b["panel"], column) for b in spec.get("blank", []) for column in b["columns"]}
        for panel, inner in (spec.get("panels") or {"": {}}).items():
            nested = "rows" in inner
            panel_codes = inner.get("codes", {}) if nested else inner
            for row, row_codes in (inner["rows"] if nested else spec["rows"]).items():
                for column, column_codes in spec["columns"].items():
                    if (panel, column) not in blank:
                        codes = {**reading, **spec.get("codes", {}), **panel_codes, **row_codes, **column_codes}
                        yield Place(table, panel, row, column, codes)


def parts(study: Path) -> list[Path]:
    """The folders in which a study's tables were entered; none for a document without tables."""
    return sorted(path.parent for path in study.rglob("coding.yml"))


def check_prose(first: Path, second: Path) -> int:
    """Compare the numbers in a report's text with their second reading; returns how many there are.

    Raises PublishedDataError that names every number on which the two readings differ, or that one lacks.
    """
    values, again = _values(first, PROSE_COLUMNS), _values(second, ("key", "value"))
    differing = [key for key in dict.fromkeys([*values, *again]) if values.get(key) != again.get(key)]
    if differing:
        listed = "\n  ".join(f"{key}: first {values.get(key)!r}, second {again.get(key)!r}" for key in differing[:20])
        raise PublishedDataError(
            f"{shown(first)} and {shown(second)}: the two readings differ in {len(differing)} of {len(values)} numbers."
            f"\n  {listed}\n  settle each against the report, in both files"
        )
    return len(values)


def _values(path: Path, columns: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, row in enumerate(read_plain(path, columns), start=2):
        if row["key"] in found:
            raise PublishedDataError(f"{shown(path)}, row {number}: {row['key']!r} stands twice.\n  keep one of them")
        found[row["key"]] = row["value"]
    return found


@dataclass(frozen=True)
class Entered:
    """How much of a study was entered by two passes, and where they differ."""

    tables: int
    cells: int
    numbers: int
    statements: int
    differences: int


def entered(study: Path) -> Entered:
    """Compare the two passes of a study's tables; :func:`check_prose` compares those of its text."""
    compared = [compare(part) for part in parts(study)]
    agreeing = [part for part, (_, found) in zip(parts(study), compared, strict=True) if not found]
    tidied = [rows for part in agreeing for rows in tidy(part, study.name).values()]
    return Entered(
        len(tidied),
        sum(count for count, _ in compared),
        sum(len(rows) for rows in tidied),
        len(read_plain(study / "prose.csv", ("key", "value"))),
        sum(len(found) for _, found in compared),
    )


def read_coding(folder: Path) -> dict:
    """The coding of a part's tables; raises PublishedDataError for what is missing or misspelt in it."""
    path = folder / "coding.yml"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PublishedDataError(f"{shown(path)}: cannot be read as YAML.\n  {error}") from None
    if not isinstance(found, dict) or not found:
        raise PublishedDataError(f"{shown(path)}: holds no table.\n  allowed: a mapping from tables to their coding")
    for table, spec in found.items():
        _check_coding(f"{shown(path)}, {table}", spec)
    return found


def _check_coding(where: str, spec: dict) -> None:
    lacking = [key for key in TABLE_REQUIRED if not spec.get(key)]
    if not spec.get("rows") and not all("rows" in (p or {}) for p in (spec.get("panels") or {"": {}}).values()):
        lacking.append("rows")
    if lacking:
        required = ", ".join((*TABLE_REQUIRED, "rows"))
        raise PublishedDataError(f"{where}: {', '.join(lacking)} missing.\n  required: {required}")
    if unknown := sorted(set(spec) - TABLE_KEYS):
        raise PublishedDataError(
            f"{where}: {', '.join(unknown)} is no key of a table.\n  allowed: {', '.join(sorted(TABLE_KEYS))}"
        )
    parts = [spec, spec.get("codes"), *(spec.get("rows") or {}).values(), *spec["columns"].values()]
    for panel in (spec.get("panels") or {}).values():
        nested = "rows" in (panel or {})
        parts += [panel.get("codes"), *panel["rows"].values()] if nested else [panel]
    for part in parts:
        _check_codes_of(where, part or {}, whole=part is spec)


def _check_codes_of(where: str, part: dict, *, whole: bool) -> None:
    known = (*CODE_COLUMNS, *SETTINGS)
    if unknown := [] if whole else sorted(set(part) - set(known)):
        raise PublishedDataError(f"{where}: {', '.join(unknown)} is no code or setting.\n  allowed: {', '.join(known)}")
    for name, allowed in CHOICES.items():
        if part.get(name, allowed[0]) not in allowed:
            raise PublishedDataError(f"{where}: {name}: {part[name]!r}.\n  allowed: {', '.join(allowed)}")


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
        for codes, number in numbers(printed[place.key], place.codes, where=_words(place.key)):
            tables[place.table].append(_row(place, codes, number, study))
    return tables


def _row(place: Place, codes: Mapping[str, object], number: Mapping[str, object], study: str) -> dict[str, str]:
    codes = {name: str(codes.get(name, "")) for name in CODE_COLUMNS}
    if codes["statistic"] == "effect" and codes["unit"] == "pct":
        codes["unit"] = "pp"
    key_parts = ("population", "category", "arm", "comparison", "service", "outcome", "horizon_months", "statistic")
    key = ".".join(codes[name] for name in key_parts if codes[name] and not (name == "arm" and codes[name] == "all"))
    printed = {name: str(value) for name, value in number.items()}
    return {
        "study": study, "table": place.table, "cell": key,
        "panel": place.panel, "row": place.row, "column": place.column,
        **codes, **printed,
    }  # fmt: skip
