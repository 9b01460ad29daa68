"""The rules of a study as they are written down in ``data/audit/<study>.yml``: read, and refused if misspelt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from watwerkt import codes
from watwerkt.audit import expressions
from watwerkt.audit.board import KEYS
from watwerkt.errors import AuditError, CodeError
from watwerkt.paths import data_dir, shown

REQUIRED = ("id", "rule", "tables", "note")
COMMON = (*REQUIRED, "kind", "where", "severity", "for", "merge")
COLUMNS = (*KEYS, "cell", "panel", "row", "column", "stars")
CONSEQUENCES = "consequences"

# per kind: the keys that a rule needs, and those that it may have besides COMMON
_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "equation": (("says", "terms"), ("by",)),
    "same": ((), ("ignore", "marks")),
    "same_terms": (("terms",), ("by", "marks")),
    "rising": ((), ()),
    "between": (("whole", "parts"), ("by", "over", "shares", "rest", "floor", "ceiling")),
    "mark_of_ratio": (("terms",), ("by",)),
    "mark_of_shares": (("terms", "people"), ("by", "letter", "legend", "slack")),
    "missing_part": (("terms", "count", "name"), ("by",)),
    "same_sign": (("terms",), ("by",)),
    "direction": (("terms",), ("by",)),
    "verdicts": (("codes", "pairs"), ()),
    "not_printed": ((), ()),
}
_TERMS = {
    "mark_of_ratio": ("estimate", "error"),
    "mark_of_shares": ("first", "second"),
    "missing_part": ("total", "parts"),
    "direction": ("effect", "first", "second"),
}
_NUMBERS = ("rest", "floor", "ceiling", "slack", "count")


class _FaultError(Exception):
    """What is wrong with a rule, without its place; never leaves this module."""


def specs(study: str) -> list[dict]:
    """The rules of a study: ``<study>.yml`` and ``<study>-*.yml``.

    Raises AuditError that names the file and the rule for whatever is missing, unknown or of the wrong make.
    """
    seen: set[str] = set()
    return [spec for path in _paths() if path.stem.partition("-")[0] == study for spec in _read(path, seen)]


def _paths() -> list[Path]:
    paths = sorted(path for path in (data_dir() / "audit").glob("*.yml") if path.stem != CONSEQUENCES)
    studies = codes.codes("study")
    for path in paths:
        if path.stem.partition("-")[0] not in studies:
            raise AuditError(f"{shown(path)}: its name begins with no study.\n  allowed: {', '.join(studies)}")
    return paths


def _read(path: Path, seen: set[str]) -> list[dict]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise AuditError(f"{shown(path)}: byte {error.start} is not UTF-8.\n  save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise AuditError(f"{shown(path)}: cannot be read as YAML.\n  {error}") from None
    if not isinstance(found, list):
        raise AuditError(f"{shown(path)}: found a {type(found).__name__}.\n  allowed: a list of rules")
    for place, spec in enumerate(found, start=1):
        name = repr(spec.get("id", "without id")) if isinstance(spec, Mapping) else f"number {place}"
        try:
            _check(spec, seen)
        except _FaultError as fault:
            raise AuditError(f"{shown(path)}, rule {name}: {fault}") from None
    return found


def _check(spec: object, seen: set[str]) -> None:
    if not isinstance(spec, Mapping):
        raise _FaultError(f"found {spec!r}.\n  allowed: keys and values, such as id: some_name")
    if lacking := [key for key in REQUIRED if key not in spec]:
        raise _FaultError(f"{', '.join(lacking)} missing.\n  required: {', '.join(REQUIRED)}")
    if spec["id"] in seen:
        raise _FaultError("the id stands twice.\n  give each rule an id of its own")
    seen.add(spec["id"])
    kind = spec.get("kind", "equation")
    if kind not in _KEYS:
        raise _FaultError(f"there is no kind {kind!r}.\n  allowed: {', '.join(_KEYS)}")
    try:
        codes.code("rule", spec["rule"])
        codes.code("severity", spec.get("severity", "certain"))
    except CodeError as error:
        raise _FaultError(str(error)) from None
    _check_keys(spec, kind)
    for check in (_check_tables, _check_columns, _check_for, _check_numbers):
        check(spec)
    if "terms" in spec:
        _check_terms(spec, kind)
    _EXTRA.get(kind, lambda spec: None)(spec)


def _check_keys(spec: Mapping, kind: str) -> None:
    needed, optional = _KEYS[kind]
    allowed = (*COMMON, *needed, *optional)
    if unknown := [key for key in spec if key not in allowed]:
        raise _FaultError(f"{', '.join(map(str, unknown))} is no key of a rule of kind {kind!r}.\n"
                     f"  allowed: {', '.join(allowed)}")  # fmt: skip
    if lacking := [key for key in needed if key not in spec]:
        raise _FaultError(f"{', '.join(lacking)} missing in a rule of kind {kind!r}.\n  required: {', '.join(needed)}")


def _check_tables(spec: Mapping) -> None:
    tables = spec["tables"]
    if not isinstance(tables, list) or not tables or not all(isinstance(one, str) for one in tables):
        raise _FaultError(f"tables: found {tables!r}.\n  allowed: a list of names or patterns, such as [T1, TII.*]")


def _check_columns(spec: Mapping) -> None:
    for key in ("by", "over", "ignore"):
        names = spec.get(key, [])
        if not isinstance(names, list):
            raise _FaultError(f"{key}: found {names!r}.\n  allowed: a list of columns")
        if unknown := [str(name) for name in names if name not in COLUMNS]:
            raise _FaultError(f"{key}: cells have no column {', '.join(unknown)}.\n  allowed: {', '.join(COLUMNS)}")
    for key in ("where", "whole", "parts"):
        if key in spec and not isinstance(spec[key], Mapping):
            raise _FaultError(f"{key}: found {spec[key]!r}.\n  allowed: columns and codes, such as {{arm: control}}")


def _check_for(spec: Mapping) -> None:
    repeats = spec.get("for", {"": [""]})
    if not isinstance(repeats, Mapping) or len(repeats) != 1 or not all(
        isinstance(values, list) and values for values in repeats.values()
    ):  # fmt: skip
        raise _FaultError(f"for: found {repeats!r}.\n  allowed: one column with a list of codes")


def _check_numbers(spec: Mapping) -> None:
    for key in _NUMBERS:
        if key in spec and (isinstance(spec[key], bool) or not isinstance(spec[key], int | float)):
            raise _FaultError(f"{key}: found {spec[key]!r}.\n  allowed: a number")


def _check_terms(spec: Mapping, kind: str) -> None:
    terms = spec["terms"]
    if not isinstance(terms, Mapping) or not terms:
        raise _FaultError(f"terms: found {terms!r}.\n  allowed: names with columns and codes")
    for name, term in terms.items():
        if not isinstance(term, Mapping) or not term:
            raise _FaultError(f"term {name!r}: found {term!r}.\n  allowed: columns and codes, such as {{arm: control}}")
    if lacking := [name for name in _TERMS.get(kind, ()) if name not in terms]:
        raise _FaultError(f"terms: {', '.join(lacking)} missing.\n  required: {', '.join(_TERMS[kind])}")


def _check_says(spec: Mapping) -> None:
    try:
        equation = expressions.equation(str(spec["says"]))
    except AuditError as error:
        raise _FaultError(str(error)) from None
    if odd := equation.names ^ set(spec["terms"]):
        raise _FaultError(f"{', '.join(sorted(odd))} stands in 'says' or in 'terms' only.\n  name every term in both")


def _check_shares(spec: Mapping) -> None:
    shares = spec.get("shares", {})
    if not isinstance(shares, Mapping) or not all(
        isinstance(pair, list) and len(pair) == 2 for pair in shares.values()
    ):
        raise _FaultError(f"shares: found {shares!r}.\n  allowed: a category with its lowest and highest share")


def _check_people(spec: Mapping) -> None:
    people = spec["people"]
    if not isinstance(people, list) or len(people) != 2 or not all(isinstance(names, list) for names in people):
        raise _FaultError(f"people: found {people!r}.\n  allowed: two lists of terms")
    if unknown := sorted({str(name) for names in people for name in names} - set(spec["terms"])):
        raise _FaultError(f"people: there is no term {', '.join(unknown)}.\n  allowed: {', '.join(spec['terms'])}")


def _check_two(spec: Mapping) -> None:
    if len(spec["terms"]) != 2:
        raise _FaultError(f"terms: found {len(spec['terms'])}.\n  allowed: two terms")


def _check_pairs(spec: Mapping) -> None:
    if not isinstance(spec["pairs"], Mapping):
        raise _FaultError(f"pairs: found {spec['pairs']!r}.\n  allowed: a verdict and the statistic that it judges")


_EXTRA: dict[str, Callable[[Mapping], None]] = {
    "equation": _check_says,
    "between": _check_shares,
    "mark_of_shares": _check_people,
    "same_sign": _check_two,
    "verdicts": _check_pairs,
}
