"""Bilingual code lists: the only place where charts, tables and pages take their labels from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from watwerkt.errors import CodeError
from watwerkt.paths import data_dir
from watwerkt.schema import read

Language = Literal["en", "nl"]


@dataclass(frozen=True)
class Code:
    """One code: its Dutch and English label, its definition, and its place in the list."""

    code: str
    nl: str
    en: str
    definition: str
    order: int
    dimension: str = ""


@cache
def codes(name: str) -> dict[str | tuple[str, str], Code]:
    """A code list by name, in its own order; categories are keyed by (dimension, code)."""
    path = data_dir() / "codes" / f"{name}.csv"
    if not path.exists():
        allowed = ", ".join(sorted(p.stem for p in path.parent.glob("*.csv")))
        raise CodeError(f"there is no code list {name!r}.\n  code lists: {allowed}")
    rows, _ = read(path)
    listed = [Code(order=order, **row) for order, row in enumerate(rows)]
    return {(code.dimension, code.code) if code.dimension else code.code: code for code in listed}


def code(name: str, key: str, *, dimension: str | None = None) -> Code:
    """One code of a list; a category needs its dimension."""
    known = codes(name)
    found = known.get((dimension, key) if dimension is not None else key)
    if found is None:
        within = f" of dimension {dimension!r}" if dimension is not None else ""
        listed = [c.code for c in known.values() if dimension is None or c.dimension == dimension]
        raise CodeError(f"{key!r} is not a code in data/codes/{name}.csv{within}.\n  allowed: {', '.join(listed)}")
    return found


def label(name: str, key: str, *, dimension: str | None = None, language: Language = "en") -> str:
    """The label of a code in English or Dutch."""
    return getattr(code(name, key, dimension=dimension), language)


def group_label(population: str, dimension: str, category: str, *, language: Language = "en") -> str:
    """A subgroup in words: ``Women, non-western background``; the population alone where there is no split."""
    base = label("population", population, language=language)
    if dimension == "all":
        return base
    part = label("category", category, dimension=dimension, language=language)
    return f"{part}, {base[0].lower()}{base[1:]}"


def grid(name: str) -> list[dict[str, str]]:
    """One row of parameters per code, for a family of pages over a code list."""
    return [{name: c.code} for c in codes(name).values()]
