"""What files of microdata must hold: ``data/schemas/microdata/<study>.json``, itself checked when it is read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NoReturn, get_args

from watwerkt.codes import Code, Language, codes
from watwerkt.errors import CodeError, MicrodataError
from watwerkt.paths import data_dir, shown

Type = Literal["integer", "number", "string", "boolean", "date"]
Operator = Literal["<", "<=", "==", ">=", ">"]

_STUDY = {"study": str, "title": str, "tables": dict}
_TABLE = {"title": str, "title_nl": str, "description": str, "primaryKey": list, "fields": list}
_FIELD = {"name": str, "type": str, "title": str, "title_nl": str, "description": str}
_CONSTRAINTS = {"required": bool, "unique": bool, "minimum": object, "maximum": object, "enum": list}
_RULE = {"name": str, "left": str, "op": str, "right": str, "message": str}
_PYTHON = {"integer": int, "number": (int, float), "string": str, "boolean": bool, "date": dt.date}
_RANGED = ("integer", "number", "date")


@dataclass(frozen=True)
class Field:
    """One column: its type, unit, codes and limits. ``minimum`` and ``maximum`` are of the column's type."""

    name: str
    type: Type
    title: str
    title_nl: str
    description: str
    unit: str = ""
    code_list: str = ""
    dimension: str = ""
    allowed: tuple[str, ...] = ()
    required: bool = False
    unique: bool = False
    minimum: float | dt.date | None = None
    maximum: float | dt.date | None = None
    enum: tuple = ()

    @property
    def codes(self) -> dict[str, Code]:
        """The codes that the column may hold, with their labels; empty for a column without codes."""
        return {key: _listed(self.code_list, self.dimension)[key] for key in self.allowed}

    @property
    def dtype(self) -> str:
        """The pandas dtype of the column in memory."""
        if self.type in ("integer", "boolean"):
            return {("integer", True): "int64", ("integer", False): "Int64", ("boolean", True): "bool"}.get(
                (self.type, self.required), "boolean"
            )
        return {"number": "float64", "string": "str", "date": "datetime64[us]"}[self.type]

    def label(self, language: Language = "en") -> str:
        """The title of the column in English or Dutch."""
        return self.title_nl if language == "nl" else self.title


@dataclass(frozen=True)
class ForeignKey:
    """Columns whose values must occur in columns of another table."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """A comparison of two columns that every row must keep; a row in which either is missing is skipped."""

    name: str
    left: str
    op: Operator
    right: str
    message: str


@dataclass(frozen=True)
class TableSchema:
    """One table: its columns in order, its key, and what rows must keep."""

    name: str
    title: str
    title_nl: str
    description: str
    primary_key: tuple[str, ...]
    fields: tuple[Field, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [field.name for field in self.fields]


@dataclass(frozen=True)
class StudySchema:
    """The tables of a study's microdata, by name."""

    study: str
    title: str
    tables: Mapping[str, TableSchema]

    def __getitem__(self, table: str) -> TableSchema:
        if table not in self.tables:
            raise MicrodataError(f"{self.study} has no table {table!r}.\n  tables: {', '.join(self.tables)}")
        return self.tables[table]


@cache
def study_schema(study: str) -> StudySchema:
    """What the microdata of a study must hold.

    Raises MicrodataError for a study without schema, and for a schema with a fault, naming its file and place.
    """
    path = _folder() / f"{study}.json"
    if not path.exists():
        raise MicrodataError(f"there is no schema for microdata of {study!r}.\n  studies: {', '.join(studies())}")
    return load_schema(path)


def studies() -> list[str]:
    """The studies that have a schema for microdata."""
    return sorted(path.stem for path in _folder().glob("*.json"))


def load_schema(path: Path) -> StudySchema:
    """The schema in a file, after every check; MicrodataError names the file, the place and what is allowed."""
    here = _Place(shown(path))
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        here.fault(f"cannot be read as JSON ({error})", "restore it")
    here.keys(raw, _STUDY, {"title_nl": str, "description": str})
    if raw["study"] != path.stem or raw["study"] not in codes("study"):
        here.fault(f"study is {raw['study']!r}", f"write {path.stem!r}, a code of data/codes/study.csv")
    tables = {name: _table(here / f"tables.{name}", name, table) for name, table in raw["tables"].items()}
    for table in tables.values():
        _check_foreign_keys(here / f"tables.{table.name}", table, tables)
    return StudySchema(raw["study"], raw["title"], MappingProxyType(tables))


# ---- one table -----------------------------------------------------------------------------------


def _table(here: _Place, name: str, raw: object) -> TableSchema:
    here.keys(raw, _TABLE, {"foreignKeys": list, "rules": list})
    fields = tuple(_field(here / f"fields[{n}]", field, raw["primaryKey"]) for n, field in enumerate(raw["fields"]))
    names = [field.name for field in fields]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        here.fault(f"{', '.join(twice)} stands twice among the fields", "give every column one field")
    here.columns("primaryKey", raw["primaryKey"], names)
    by_name = dict(zip(names, fields, strict=True))
    return TableSchema(
        name,
        raw["title"],
        raw["title_nl"],
        raw["description"],
        tuple(raw["primaryKey"]),
        fields,
        tuple(_foreign_key(here / f"foreignKeys[{n}]", key, names) for n, key in enumerate(raw.get("foreignKeys", []))),
        tuple(_rule(here / f"rules[{n}]", rule, by_name) for n, rule in enumerate(raw.get("rules", []))),
    )


def _foreign_key(here: _Place, raw: object, names: list[str]) -> ForeignKey:
    here.keys(raw, {"fields": list, "reference": dict}, {})
    (here / "reference").keys(raw["reference"], {"table": str, "fields": list}, {})
    here.columns("fields", raw["fields"], names)
    return ForeignKey(tuple(raw["fields"]), raw["reference"]["table"], tuple(raw["reference"]["fields"]))


def _check_foreign_keys(here: _Place, table: TableSchema, tables: Mapping[str, TableSchema]) -> None:
    for number, key in enumerate(table.foreign_keys):
        place = here / f"foreignKeys[{number}]"
        if key.table not in tables:
            place.fault(f"there is no table {key.table!r}", f"allowed: {', '.join(tables)}")
        place.columns("reference.fields", key.references, tables[key.table].names)
        for ours, theirs in zip_longest(_types(table, key.columns), _types(tables[key.table], key.references)):
            if ours != theirs:
                place.fault(
                    "columns of different number or type", f"allowed: the same on both sides, not {ours}/{theirs}"
                )


def _types(table: TableSchema, columns: Iterable[str]) -> list[str]:
    by_name = {field.name: field.type for field in table.fields}
    return [by_name[name] for name in columns]


def _rule(here: _Place, raw: object, fields: Mapping[str, Field]) -> Rule:
    here.keys(raw, _RULE, {})
    here.columns("left, right", [raw["left"], raw["right"]], list(fields))
    if raw["op"] not in get_args(Operator):
        here.fault(f"op is {raw['op']!r}", f"allowed: {', '.join(get_args(Operator))}")
    kinds = {{"integer": "number"}.get(fields[raw[side]].type, fields[raw[side]].type) for side in ("left", "right")}
    if len(kinds) > 1:
        here.fault(f"{raw['left']} and {raw['right']} are of different types", "compare two columns of one type")
    return Rule(**raw)


# ---- one column ----------------------------------------------------------------------------------


def _field(here: _Place, raw: object, key: list) -> Field:
    here.keys(raw, _FIELD, {"unit": str, "codes": dict, "allowed": list, "constraints": dict})
    here = _Place(f"{here.text} '{raw['name']}'")
    if raw["type"] not in get_args(Type):
        here.fault(f"type is {raw['type']!r}", f"allowed: {', '.join(get_args(Type))}")
    if raw.get("unit", "count") not in codes("unit"):
        here.fault(f"unit is {raw['unit']!r}, no code in data/codes/unit.csv", f"allowed: {', '.join(codes('unit'))}")
    return Field(**{name: raw[name] for name in _FIELD}, unit=raw.get("unit", ""), **_codes(here, raw),
                 **_limits(here / "constraints", raw, key))  # fmt: skip


def _codes(here: _Place, raw: Mapping) -> dict:
    if "codes" not in raw:
        if "allowed" in raw:
            here.fault("allowed without codes", "name the code list in codes, or use constraints.enum")
        return {}
    (here / "codes").keys(raw["codes"], {"list": str}, {"dimension": str})
    if raw["type"] != "string":
        here.fault(f"codes with the type {raw['type']!r}", "allowed: string, as codes are text")
    name, dimension = raw["codes"]["list"], raw["codes"].get("dimension", "")
    try:
        known = _listed(name, dimension)
    except CodeError as error:
        (here / "codes").fault(*str(error).removesuffix(".").split(".\n  ", 1))
    if not known:
        dimensions = sorted({code.dimension for code in codes(name).values()} - {""})
        (here / "codes").fault(
            f"{name} has no codes of dimension {dimension!r}", f"dimensions: {', '.join(dimensions) or 'none'}"
        )
    allowed = tuple(raw.get("allowed", known))
    if unknown := [key for key in allowed if key not in known]:
        (here / "allowed").fault(
            f"{', '.join(map(repr, unknown))} not in the list {name}", f"allowed: {', '.join(known)}"
        )
    return {"code_list": name, "dimension": dimension, "allowed": allowed}


@cache
def _listed(name: str, dimension: str) -> dict[str, Code]:
    return {code.code: code for code in codes(name).values() if code.dimension == dimension}


def _limits(here: _Place, raw: Mapping, key: list) -> dict:
    limits = raw.get("constraints", {})
    here.keys(limits, {}, _CONSTRAINTS)
    found = dict(limits)
    for name in ("minimum", "maximum"):
        if name in limits:
            if raw["type"] not in _RANGED:
                here.fault(f"{name} with the type {raw['type']!r}", f"allowed: with {', '.join(_RANGED)}")
            found[name] = _value(here, name, raw["type"], limits[name])
    if {"minimum", "maximum"} <= set(found) and found["minimum"] > found["maximum"]:
        here.fault("minimum above maximum", "write the smaller one first")
    if "enum" in limits:
        if "codes" in raw or raw["type"] in ("boolean", "date"):
            here.fault("enum beside codes, or with a type that has none", "use allowed for a part of a code list")
        found["enum"] = tuple(_value(here, "enum", raw["type"], value) for value in limits["enum"])
    return found | {"required": limits.get("required", False) or raw["name"] in key}


def _value(here: _Place, name: str, kind: Type, value: object) -> object:
    if kind == "date" and isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            here.fault(f"{name} is {value!r}", "write dates as 2013-04-15")
    if not isinstance(value, _PYTHON[kind]) or (isinstance(value, bool) and kind != "boolean"):
        here.fault(f"{name} is {value!r}, in a column of type {kind}", f"write a value of type {kind}")
    return value


# ---- faults --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Where in a schema something stands, for messages."""

    text: str

    def __truediv__(self, inside: str) -> _Place:
        return _Place(f"{self.text}{'.' if '.json, ' in self.text else ', '}{inside}")

    def fault(self, what: str, then: str) -> NoReturn:
        raise MicrodataError(f"{self.text}: {what}.\n  {then}")

    def keys(self, value: object, required: Mapping[str, type], optional: Mapping[str, type]) -> None:
        """Refuse what is no object, lacks a key, has one that means nothing, or one of another type."""
        allowed = {**required, **optional}
        if not isinstance(value, dict):
            self.fault("is no object", f"keys: {', '.join(allowed)}")
        if unknown := [key for key in value if key not in allowed]:
            self.fault(f"unknown: {', '.join(unknown)}", f"allowed: {', '.join(allowed)}")
        if missing := [key for key in required if key not in value]:
            self.fault(f"missing: {', '.join(missing)}", f"required: {', '.join(required)}")
        for key, found in value.items():
            if not isinstance(found, allowed[key]):
                self.fault(f"{key} is {found!r}", f"allowed: a JSON {_JSON[allowed[key]]}")

    def columns(self, key: str, found: Iterable, names: list[str]) -> None:
        """Refuse names that are no columns of the table, and an empty list."""
        if not found or any(name not in names for name in found):
            self.fault(f"{key} is {list(found)!r}", f"allowed: columns among {', '.join(names)}")


_JSON = {str: "string", dict: "object", list: "array", bool: "true or false"}


def _folder() -> Path:
    return data_dir() / "schemas" / "microdata"
