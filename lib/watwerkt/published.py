"""What the reports print: validated cells, with codes, rounding intervals and corrections."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pandas as pd

from watwerkt import codes
from watwerkt.errors import CodeError, PublishedDataError
from watwerkt.paths import data_dir, shown
from watwerkt.schema import load_schema, read, read_sidecar

CODED = ("population", "dimension", "category", "arm", "comparison", "service", "outcome", "statistic", "unit")
FRACTIONS = {"pct", "pp"}
LISTS = ("facts", "pilots", "companions", "outcomes", "constructs", "decomposition")


@dataclass(frozen=True)
class Correction:
    """What a misprinted cell is taken to be, and why."""

    printed: float
    corrected: float
    certainty: str
    reason: str


@dataclass(frozen=True)
class Cell:
    """One printed number. ``value`` is as printed; :attr:`number` is what analyses use."""

    study: str
    table: str
    cell: str
    panel: str
    row: str
    column: str
    population: str
    dimension: str
    category: str
    arm: str
    comparison: str
    service: str
    outcome: str
    horizon_months: float | None
    statistic: str
    unit: str
    value: float | None
    decimals: int | None
    stars: str
    larger_than: str
    status: str
    correction: Correction | None = None

    @property
    def scale(self) -> float:
        """What one printed unit is inside the library: percentages and points become fractions."""
        return 0.01 if self.unit in FRACTIONS else 1.0

    @property
    def number(self) -> float:
        """The value that analyses use: corrected, percentages as fractions.

        Raises PublishedDataError for a cell without a printed value.
        """
        if self.value is None:
            raise PublishedDataError(
                f"{self.study} {self.table}, cell {self.cell}: the report prints no number here ({self.status}).\n"
                "  leave it out with .printed"
            )
        return (self.correction.corrected if self.correction else self.value) * self.scale

    @property
    def rounding(self) -> float:
        """Half a unit of the last printed decimal, on the scale of :attr:`number` (methods A1)."""
        return 0.5 * 10.0 ** -(self.decimals or 0) * self.scale

    @property
    def group(self) -> str:
        """The people behind the number, in words."""
        return codes.group_label(self.population, self.dimension, self.category)

    @property
    def reference(self) -> str:
        """Where the number stands, for a footnote: ``Table 3.2``."""
        return f"Table {self.table.removeprefix('T')}"


@dataclass(frozen=True)
class Cells:
    """Printed cells in printed order."""

    cells: tuple[Cell, ...]

    def __iter__(self) -> Iterator[Cell]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def printed(self) -> Cells:
        """The cells with a printed value."""
        return Cells(tuple(cell for cell in self.cells if cell.value is not None))

    def where(self, **wanted: object) -> Cells:
        """The cells with these codes; a list or tuple of values means any of them.

        Raises CodeError for a column or a code that does not exist.
        """
        kept = self.cells
        for column, value in wanted.items():
            _check_wanted(column, value)
            among = value if isinstance(value, list | tuple | set) else (value,)
            kept = tuple(cell for cell in kept if getattr(cell, column) in among)
        return Cells(kept)

    def one(self, **wanted: object) -> Cell:
        """The single cell with these codes; an error names what was found instead."""
        found = self.where(**wanted).cells
        if len(found) != 1:
            listed = ", ".join(f"{c.table}:{c.cell}" for c in found[:8]) or "none"
            raise PublishedDataError(f"{wanted}: {len(found)} cells fit, one was asked for.\n  found: {listed}")
        return found[0]

    @property
    def frame(self) -> pd.DataFrame:
        """The cells as a table, one row each, columns as in the published CSV plus ``corrected``."""
        rows = []
        for cell in self.cells:
            row = {name: getattr(cell, name) for name in Cell.__dataclass_fields__ if name != "correction"}
            rows.append({**row, "corrected": cell.correction.corrected if cell.correction else None})
        return pd.DataFrame(rows)


def published(study: str, *tables: str) -> Cells:
    """The cells of the named tables of a study, or of all its tables.

    Raises PublishedDataError if a table does not exist or does not keep the contract.
    """
    codes.code("study", study)
    folder = data_dir() / "published" / study
    names = tables or tuple(p.stem for p in _table_paths(folder))
    found: list[Cell] = []
    for name in names:
        found += _table(folder / f"{name}.csv")
    _check_targets(study, names, found)
    return _corrected(Cells(tuple(found)), corrections())


@dataclass(frozen=True)
class Statement:
    """A number that the report's text gives."""

    key: str
    statement: str
    value: float
    decimals: int
    unit: str
    section: str
    repeats: str
    source: str

    @property
    def date(self) -> dt.date:
        """The value as a date; PublishedDataError where the unit is not ``date``."""
        if self.unit != "date":
            raise PublishedDataError(
                f"{self.key}: its unit is {self.unit!r}.\n  only a value with the unit 'date' is one"
            )
        return dt.datetime.strptime(f"{self.value:.0f}", "%Y%m%d").date()


@cache
def prose(study: str) -> Mapping[str, Statement]:
    """Numbers in a report's text, by key."""
    rows, _ = read(data_dir() / "published" / study / "prose.csv", checks=lambda row: check_statement(row, study))
    return {
        row["key"]: Statement(
            row["key"],
            row["statement"],
            float(row["value"]),
            int(row["decimals"]),
            row["unit"],
            row["section"],
            row["repeats"],
            row["source"],
        )
        for row in rows
    }


@cache
def listed(study: str, name: str) -> pd.DataFrame:
    """A list in words of a study (``facts``, ``pilots``, ``constructs`` …) as a table, one row per entry.

    Raises PublishedDataError for a list that the study does not have, or that does not keep its schema.
    """
    if name not in LISTS:
        raise PublishedDataError(f"there is no list {name!r}.\n  lists: {', '.join(LISTS)}")
    path = data_dir() / "published" / study / f"{name}.csv"
    return pd.DataFrame(read(path, checks=lambda row: check_study(row, study))[0])


@cache
def corrections() -> Mapping[tuple[str, str, str], Correction]:
    """Corrections by (study, table, cell)."""
    rows, _ = read(data_dir() / "published" / "corrections.csv", checks=check_study)
    return {
        (row["study"], row["table"], row["cell"]): Correction(
            float(row["printed"]), float(row["corrected"]), row["certainty"], row["reason"]
        )
        for row in rows
    }


@cache
def source(study: str) -> Mapping[str, object]:
    """Title, authors, publisher, date and star legend of a report."""
    codes.code("study", study)
    path = data_dir() / "sources.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))[study]
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PublishedDataError(f"{shown(path)}: not JSON ({error}).\n  mend it") from None
    except KeyError:
        raise PublishedDataError(
            f"{shown(path)}: says nothing of {study!r}.\n  add its title, authors and date"
        ) from None


def title(study: str, table: str) -> str:
    """The title of a table, in own words."""
    return read(data_dir() / "published" / study / f"{table}.csv")[1]["title"]


@cache
def sidecar(study: str, table: str) -> Mapping[str, object]:
    """What is known of a table beside its numbers: a resource of the Data Package."""
    return read_sidecar(data_dir() / "published" / study / f"{table}.csv")


def described(study: str, table: str) -> str:
    """What a table shows, in own words."""
    return str(sidecar(study, table)["description"])


def table_facts(study: str, table: str) -> Mapping[str, object]:
    """What the sidecar says in the book's own terms: section, legend of marks, estimators."""
    found = sidecar(study, table)
    if "watwerkt" not in found:
        path = data_dir() / "published" / study / f"{table}.json"
        raise PublishedDataError(f"{shown(path)}: watwerkt missing.\n  write it anew with: make data")
    return found["watwerkt"]


def studies() -> list[str]:
    """The studies that print tables, in the order of the code list."""
    return [study for study in codes.codes("study") if _table_paths(data_dir() / "published" / study)]


def grid(study: str, where: Mapping[str, object], by: Iterable[str]) -> list[dict[str, str]]:
    """Distinct combinations of codes among a study's cells, in the order of the code lists: the grid of a family.

    ``study`` may be ``all``: every study that prints tables.
    """
    by, allowed = tuple(by), (*CODED, "study", "table")
    for name in by:
        if name not in allowed:
            raise CodeError(f"{name!r} is not a code column.\n  allowed: {', '.join(allowed)}")
    among = studies() if study == "all" else [study]
    found = {tuple(getattr(cell, name) for name in by) for one in among for cell in published(one).where(**where)}
    rows = [dict(zip(by, values, strict=True)) for values in found]
    return sorted(rows, key=lambda row: tuple(_order(name, row) for name in by))


def _order(name: str, row: Mapping[str, str]) -> int | tuple:
    if name == "table":
        return table_key(row[name])
    if not row[name]:
        return -1
    dimension = row.get("dimension") if name == "category" else None
    if name == "category" and dimension is None:
        return next(c.order for c in codes.codes("category").values() if c.code == row[name])
    return codes.code(name, row[name], dimension=dimension).order


def _table_paths(folder: Path) -> list[Path]:
    """The tables of a study in printed order; one that only its sidecar remembers is missed when it is read."""
    return sorted({p.with_suffix(".csv") for p in folder.glob("T*.*")}, key=lambda p: table_key(p.stem))


def table_key(table: str) -> tuple:
    """Sorts tables as the report numbers them: T1, T2.10, then the appendices."""
    part, _, number = table.removeprefix("T").partition(".")
    group = 0 if part == "S" else 1 if part.isdigit() else 2  # summary, chapters, appendices
    return (group, int(part) if part.isdigit() else 0, part, int(number or 0))


def check_study(row: Mapping[str, str], study: str = "") -> str | None:
    """What is wrong with the study of a row: unknown, or another than that of the file."""
    try:
        codes.code("study", row["study"])
    except CodeError as error:
        return f"column 'study': {error}"
    if study and row["study"] != study:
        return f"column 'study': {row['study']!r} does not belong here.\n  allowed: {study!r}"
    return None


def check_statement(row: Mapping[str, str], study: str) -> str | None:
    """What is wrong with a number of a text: its study, its unit, its decimals."""
    if row["unit"] not in codes.codes("unit"):
        allowed = ", ".join(codes.codes("unit"))
        return f"column 'unit': {row['unit']!r} is not a code in data/codes/unit.csv.\n  allowed: {allowed}"
    if len(row["value"].partition(".")[2]) != int(row["decimals"]):
        return f"column 'decimals': {row['value']} has not {row['decimals']}.\n  write value and decimals as printed"
    return check_study(row, study)


def _check_codes(row: Mapping[str, str]) -> str | None:
    for name in (*CODED, "study", "status"):
        if row[name]:
            dimension = row["dimension"] if name == "category" else None
            try:
                codes.code(name, row[name], dimension=dimension)
            except CodeError as error:
                return f"column '{name}': {error}"
    if (row["status"] == "printed") != bool(row["value"]):
        return (
            f"column 'value': {row['value']!r} does not go with status {row['status']!r}.\n"
            "  allowed: a number with 'printed', nothing with any other status"
        )
    return None


@cache
def _table(path: Path) -> tuple[Cell, ...]:
    place = {"study": path.parent.name, "table": path.stem}
    rows, _ = read(path, checks=lambda row: _check_place(row, place) or _check_codes(row))
    return tuple(_cell(row) for row in rows)


def _check_place(row: Mapping[str, str], place: Mapping[str, str]) -> str | None:
    for name, here in place.items():
        if row[name] != here:
            return f"column '{name}': {row[name]!r} does not belong here.\n  allowed: {here!r}"
    return None


def _cell(row: Mapping[str, str]) -> Cell:
    return Cell(
        **{
            **row,
            "horizon_months": float(row["horizon_months"]) if row["horizon_months"] else None,
            "value": float(row["value"]) if row["value"] else None,
            "decimals": int(row["decimals"]) if row["decimals"] else None,
        }
    )


def _corrected(cells: Cells, known: Mapping[tuple[str, str, str], Correction]) -> Cells:
    return Cells(tuple(_with_correction(cell, known.get((cell.study, cell.table, cell.cell))) for cell in cells))


def _with_correction(cell: Cell, correction: Correction | None) -> Cell:
    if correction is None:
        return cell
    if cell.value != correction.printed:
        found = cell.status if cell.value is None else f"{cell.value:g}"
        raise PublishedDataError(
            f"{_correction_place(cell.study, cell.table, cell.cell)}, column 'printed': "
            f"{correction.printed:g} is not what {cell.table} {cell.cell} prints.\n  the table says: {found}"
        )
    return replace(cell, correction=correction)


def _check_targets(study: str, tables: Iterable[str], found: Iterable[Cell]) -> None:
    """Refuse a correction in one of these tables that points at no cell."""
    present = {(cell.table, cell.cell) for cell in found}
    for of, table, cell in corrections():
        if of == study and table in tables and (table, cell) not in present:
            raise PublishedDataError(_no_target(of, table, cell))


def check_corrections() -> list[str]:
    """Corrections that point at no cell, in any study or table; empty when all is well."""
    faults = []
    for study, table, cell in corrections():
        path = data_dir() / "published" / study / f"{table}.csv"
        if not path.exists() or cell not in {c.cell for c in _table(path)}:
            faults.append(_no_target(study, table, cell))
    return faults


def _no_target(study: str, table: str, cell: str) -> str:
    path = data_dir() / "published" / study / f"{table}.csv"
    return (
        f"{_correction_place(study, table, cell)}, column 'cell': there is no cell {cell!r} in {shown(path)}.\n"
        "  copy the key from the column 'cell' of the table"
    )


def _correction_place(study: str, table: str, cell: str) -> str:
    row = list(corrections()).index((study, table, cell)) + 2
    return f"{shown(data_dir() / 'published' / 'corrections.csv')}, row {row}"


def _check_wanted(column: str, value: object) -> None:
    if column not in Cell.__dataclass_fields__ or column == "correction":
        allowed = ", ".join(name for name in Cell.__dataclass_fields__ if name != "correction")
        raise CodeError(f"cells have no column {column!r}.\n  allowed: {allowed}")
    if column not in (*CODED, "study", "status"):
        return
    for one in value if isinstance(value, list | tuple | set) else [value]:
        if column == "category" and one not in _categories():
            codes.code("category", str(one))
        elif column != "category" and one != "":
            codes.code(column, str(one))


@cache
def _categories() -> frozenset[str]:
    return frozenset(known.code for known in codes.codes("category").values())


def field_names() -> list[str]:
    """The columns of a published table, in order."""
    return [field["name"] for field in load_schema("schemas/published.json", data_dir() / "schemas")["fields"]]
