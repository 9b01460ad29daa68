"""Read a CSV against its sidecar and Table Schema; every fault is named by file, row and column.

A file of published data has a sidecar of the same name (``T3.2.csv``, ``T3.2.json``): a Data Package resource with
title, source, hash and schema. :func:`read` refuses a file that does not fit, with a :class:`PublishedDataError`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from watwerkt.errors import PublishedDataError
from watwerkt.paths import data_dir, shown

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_INTEGER = re.compile(r"-?\d+")

Row = dict[str, str]


def read(path: Path, *, checks: Callable[[Row], str | None] | None = None) -> tuple[list[Row], dict]:
    """Rows of a CSV as text, and its sidecar, after every check.

    Parameters
    ----------
    path
        The CSV; its sidecar stands beside it.
    checks
        Called with each row; returns a sentence if the row is wrong (for instance, an unknown code), else None.

    Raises
    ------
    PublishedDataError
        Missing file or sidecar, other hash, not UTF-8, other columns, a value of the wrong type or outside its
        constraints, a key that occurs twice.
    """
    sidecar = read_sidecar(path)
    raw = read_bytes(path)
    _check_hash(path, raw, sidecar)
    return check(path, raw, sidecar["schema"], checks=checks), sidecar


def check(path: Path, raw: bytes, schema_name: str, *, checks: Callable[[Row], str | None] | None = None) -> list[Row]:
    """Rows of a CSV, given as bytes, after every check but those of its sidecar; ``path`` is for messages."""
    schema = load_schema(schema_name, path)
    rows = _rows(path, raw, [field["name"] for field in schema["fields"]])
    for number, row in enumerate(rows, start=2):
        _check_row(path, number, row, schema, checks)
    _check_keys(path, rows, schema)
    return rows


def read_sidecar(path: Path) -> dict:
    """The Data Package resource beside a CSV."""
    sidecar = path.with_suffix(".json")
    if not path.exists():
        allowed = ", ".join(sorted(p.stem for p in path.parent.glob("*.csv"))) or "none"
        raise PublishedDataError(
            f"{shown(path)}: there is no such file.\n  tables here: {allowed}\n"
            "  what was entered is written by: make data"
        )
    if not sidecar.exists():
        raise PublishedDataError(f"{shown(path)}: its sidecar {sidecar.name} is missing.\n  write it with: make data")
    try:
        found = json.loads(sidecar.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PublishedDataError(f"{shown(sidecar)}: not JSON ({error}).\n  write it anew with: make data") from None
    missing = [key for key in ("title", "description", "hash", "schema", "sources", "licenses") if key not in found]
    if missing:
        raise PublishedDataError(f"{shown(sidecar)}: {', '.join(missing)} missing.\n  write it anew with: make data")
    return found


def read_plain(path: Path, columns: Sequence[str]) -> list[Row]:
    """Rows of a hand-typed CSV that has no sidecar; the columns must be these, in this order."""
    return _rows(path, read_bytes(path), list(columns))


def load_schema(name: str, asked_by: Path) -> dict:
    """A Table Schema of ``data/``, by its path there."""
    path = data_dir() / name
    if not path.exists():
        raise PublishedDataError(f"{shown(asked_by)}: its schema {name} does not exist in data/.\n  restore it")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PublishedDataError(f"{shown(path)}: not JSON ({error}).\n  restore it") from None


def sha256(raw: bytes) -> str:
    """The hash of a file as a Data Package writes it."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def read_bytes(path: Path) -> bytes:
    """The content of a file; PublishedDataError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise PublishedDataError(f"{shown(path)}: cannot be read ({error.strerror}).") from None


def _check_hash(path: Path, raw: bytes, sidecar: Mapping) -> None:
    if (found := sha256(raw)) != sidecar["hash"]:
        raise PublishedDataError(
            f"{shown(path)}: its hash is {found[7:19]}…, its sidecar says {sidecar['hash'][7:19]}….\n"
            "  the file was changed by hand, or damaged: restore it, or enter the change in data/entry "
            "and run: make data"
        )


def _rows(path: Path, raw: bytes, columns: list[str]) -> list[Row]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PublishedDataError(
            f"{shown(path)}, row {line}: byte 0x{raw[error.start]:02x} is not UTF-8.\n  save the file as UTF-8"
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = list(reader)
    except csv.Error as error:
        raise PublishedDataError(
            f"{shown(path)}, row {reader.line_num}: not CSV ({error}).\n  close every quote"
        ) from None
    header = lines[0] if lines else []
    if header != columns:
        extra = [name for name in header if name not in columns]
        lacking = [name for name in columns if name not in header]
        what = "; ".join(
            part
            for part in (
                f"unknown: {', '.join(extra)}" if extra else "",
                f"missing: {', '.join(lacking)}" if lacking else "",
                "" if extra or lacking else "the order differs",
            )
            if part
        )
        raise PublishedDataError(
            f"{shown(path)}, row 1: wrong columns ({what}).\n  allowed, in this order: {', '.join(columns)}"
        )
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(columns):
            raise PublishedDataError(
                f"{shown(path)}, row {number}: {len(line)} values where {len(columns)} columns stand.\n"
                "  give every column a value, and put quotes around a text that holds a comma"
            )
    return [dict(zip(columns, line, strict=True)) for line in lines[1:]]


def _check_row(path: Path, number: int, row: Row, schema: Mapping, checks) -> None:
    for field in schema["fields"]:
        if fault := _fault(row[field["name"]], field):
            raise PublishedDataError(f"{shown(path)}, row {number}, column '{field['name']}': {fault}")
    if checks and (fault := checks(row)):
        raise PublishedDataError(f"{shown(path)}, row {number}, {fault}")


def _fault(text: str, field: Mapping) -> str | None:
    limits = field.get("constraints", {})
    if text == "":
        return "is empty.\n  a value is required here" if limits.get("required") else None
    if field["type"] in ("number", "integer"):
        return _number_fault(text, field["type"], limits)
    if "enum" in limits and text not in limits["enum"]:
        return f"{text!r} is not allowed.\n  allowed: {', '.join(repr(value) for value in limits['enum'])}"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], text):
        return f"{text!r} is not allowed.\n  allowed: what fits the pattern {limits['pattern']}"
    return None


def _number_fault(text: str, kind: str, limits: Mapping) -> str | None:
    pattern, name = (_INTEGER, "a whole number") if kind == "integer" else (_NUMBER, "a number")
    if not pattern.fullmatch(text):
        comma = re.fullmatch(r"-?\d+,\d+", text)
        hint = f"use a dot as decimal sign: {text.replace(',', '.')}" if comma else "write digits only: 1238 or -0.02"
        return f"{text!r} is not {name}.\n  {hint}"
    value = float(text)
    if value < limits.get("minimum", value) or value > limits.get("maximum", value):
        return f"{text} is out of range.\n  allowed: {limits.get('minimum', '…')} to {limits.get('maximum', '…')}"
    return None


def _check_keys(path: Path, rows: list[Row], schema: Mapping) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows, start=2):
        key = tuple(row[name] for name in schema["primaryKey"])
        if key in seen:
            raise PublishedDataError(
                f"{shown(path)}, row {number}: the key {'/'.join(key)} stands in row {seen[key]}, too.\n"
                f"  {' + '.join(schema['primaryKey'])} must be unique in a table"
            )
        seen[key] = number
