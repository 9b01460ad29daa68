"""Hold tables of microdata against their schema: every kind of fault at once, each with its place and its count."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from watwerkt.microdata.convert import converted, frame, plain
from watwerkt.microdata.problems import Problem, outside, refuse, unfit, unit_of
from watwerkt.microdata.readers import Raw
from watwerkt.microdata.schema import Field, ForeignKey, Rule, StudySchema, TableSchema

_COMPARE = {"<": operator.lt, "<=": operator.le, "==": operator.eq, ">=": operator.ge, ">": operator.gt}
_LISTED_ROWS = 5
_ENOUGH = 10  # values from which a pattern in them is worth a warning


@dataclass(frozen=True)
class Fitted:
    """Tables that fit their schema, in its types and order of columns, and what their reader should know of them."""

    tables: Mapping[str, pd.DataFrame]
    warnings: tuple[str, ...]


def fit(raws: Mapping[str, Raw], schema: StudySchema, *, problems: Sequence[Problem | str] = ()) -> Fitted:
    """The tables in the types of the schema, if nothing is wrong with them.

    Parameters
    ----------
    raws
        Tables as read, by name; a table that could not be read is left out.
    problems
        What went wrong in reading, to be told with the rest.

    Raises
    ------
    MicrodataError
        With up to twenty problems: missing and empty columns, missing values, wrong types, unknown codes, values out
        of range (with a guess at a wrong unit), keys that stand twice, broken rules, references to nobody.
    """
    checks = {name: _Table(raws[name], schema[name]) for name in schema.tables if name in raws}
    for check in checks.values():
        check.columns()
        check.values()
        check.rows()
    for check in checks.values():
        for key in check.schema.foreign_keys:
            if key.table in checks:
                check.reference(key, checks[key.table])
    found = [problem for check in checks.values() for problem in check.problems]
    refuse([*problems, *found], f"microdata of {schema.study}")
    return Fitted(
        {name: check.typed() for name, check in checks.items()},
        tuple(warning for check in checks.values() for warning in check.warnings),
    )


@dataclass
class _Table:
    """One table while it is checked: ``frame`` holds what could be converted, ``bad`` the columns with faults."""

    raw: Raw
    schema: TableSchema
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    bad: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def columns(self) -> None:
        """Convert each column; note those that are missing, not known, without a value, or hold what does not fit."""
        self._names()
        fields = [column for column in self.schema.fields if column.name in self.raw.columns]
        converted_columns = {column.name: self._converted(column) for column in fields}
        self.frame = frame(converted_columns)

    def values(self) -> None:
        """Note values out of range or not in the list."""
        for column in self.schema.fields:
            if column.name not in self.frame:
                continue
            values = self.frame[column.name]
            mask = _outside(column, values)
            if mask.any():
                found = f"{_shown(values[mask].iloc[0])} is out of range"
                self._note(mask, found, outside(column, values, mask), column=column.name)
            if column.enum and (mask := (values.notna() & ~values.isin(column.enum)).to_numpy(bool)).any():
                allowed = f"allowed: {', '.join(map(str, column.enum))}"
                self._note(mask, f"{_shown(values[mask].iloc[0])} is not allowed", allowed, column=column.name)
            self._warn_of_unit(column, values)

    def rows(self) -> None:
        """Note keys that stand twice and rows that break a rule."""
        self._twice(self.schema.primary_key)
        for column in self.schema.fields:
            if column.unique and (column.name,) != self.schema.primary_key:
                self._twice((column.name,))
        for rule in self.schema.rules:
            if {rule.left, rule.right} <= set(self.frame.columns):
                self._rule(rule)

    def reference(self, key: ForeignKey, other: _Table) -> None:
        """Note rows that refer to a row of another table that is not there."""
        ours, theirs = list(key.columns), list(key.references)
        if self._unsure(ours) or other._unsure(theirs):
            return
        mask = self.frame[ours].notna().all(axis=1).to_numpy() & ~_among(self.frame[ours], other.frame[theirs])
        if mask.any():
            found = f"{self._key(ours, mask)} is not in {other.raw.name}"
            self._note(mask, found, f"every {' + '.join(ours)} must stand in {key.table}", column=", ".join(ours))

    def typed(self) -> pd.DataFrame:
        """The table in the types of its schema."""
        return self.frame.astype({column.name: column.dtype for column in self.schema.fields})[self.schema.names]

    # ---- steps ----

    def _names(self) -> None:
        missing = [name for name in self.schema.names if name not in self.raw.columns]
        if missing:
            found = ", ".join([*self.raw.columns, *self.raw.other_columns]) or "none"
            near = [pair for name in missing if (pair := _near(name, self.raw.other_columns))]
            then = f"rename {', '.join(near)}" if near else f"found: {found}"
            many = "columns" if len(missing) > 1 else "column"
            self.problems.append(Problem(self.raw.name, f"{many} missing: {', '.join(missing)}", then))
        elif not self.raw.rows:
            self.problems.append(Problem(self.raw.name, "holds no rows", "write one row per record below the header"))
        if self.raw.other_columns:
            names = ", ".join(self.raw.other_columns)
            self.warnings.append(f"{self.raw.name}: columns that the schema does not know were left out: {names}.")

    def _converted(self, column: Field) -> pa.Array:
        labels = self.raw.labels.get(column.name, {})
        found = plain(self.raw.columns[column.name])
        result = converted(found, column, labels)
        mask = _mask(pc.and_(found.is_valid(), result.is_null()))
        if mask.any():
            self._unfit(column, found, mask, labels)
        if found.null_count and (column.required or (self.raw.from_file and found.null_count == len(found))):
            self._missing(column, _mask(found.is_null()))
        self._warn_of_labels(column, found, labels)
        return result

    def _unfit(self, column: Field, found: pa.Array, mask: np.ndarray, labels: Mapping) -> None:
        values = found.filter(pa.array(mask)).unique().to_pylist() if not pa.types.is_nested(found.type) else ["a list"]
        what, more, then = unfit(column, values, str(labels.get(values[0], "")) if labels else "")
        self._note(mask, what, then, column=column.name, more=more)

    def _missing(self, column: Field, mask: np.ndarray) -> None:
        if mask.all():
            self.bad.add(column.name)
            then = (
                "a value is required in every row" if column.required else "fill it; see whether the export went wrong"
            )
            what = f"no value in any of {len(mask):,} rows"
            self.problems.append(Problem(self.raw.name, what, then, column=column.name))
        else:
            self._note(mask, "is empty", "a value is required in every row", column=column.name)

    def _twice(self, names: Sequence[str]) -> None:
        if self._unsure(names):
            return
        keys = self.frame[list(names)]
        mask = keys.duplicated(keep=False).to_numpy() & keys.notna().all(axis=1).to_numpy()
        if mask.any():
            then = f"{' + '.join(names)} must be unique: one row per {' and '.join(names)}"
            self._note(mask, f"{self._key(names, mask)} stands more than once", then, column=", ".join(names))

    def _rule(self, rule: Rule) -> None:
        left, right = self.frame[rule.left], self.frame[rule.right]
        both = (left.notna() & right.notna()).to_numpy(bool)
        mask = np.zeros(len(both), bool)
        mask[both] = ~_COMPARE[rule.op](left[both], right[both]).to_numpy(bool)
        if mask.any():
            pair = f"{rule.left} {_shown(left[mask].iloc[0])}, {rule.right} {_shown(right[mask].iloc[0])}"
            self._note(
                mask, f"{rule.message}: {pair}", f"the rule {rule.name} asks: {rule.left} {rule.op} {rule.right}"
            )

    def _warn_of_labels(self, column: Field, found: pa.Array, labels: Mapping) -> None:
        if not labels or column.type not in ("integer", "number", "date") or pa.types.is_string(found.type):
            return
        present = set(found.unique().to_pylist())
        if named := [f"{value:g} ({text})" for value, text in labels.items() if value in present]:
            shown = ", ".join(named[:5]) + (", …" if len(named) > 5 else "")
            self.warnings.append(
                f"{self.raw.name}, column '{column.name}': values with a label count as numbers: {shown}. "
                "If they stand for missing values, declare them so in the file."
            )

    def _warn_of_unit(self, column: Field, values: pd.Series) -> None:
        if column.unit == "pct" and column.maximum == 100 and column.type == "number":
            known = values.dropna()
            if len(known) >= _ENOUGH and known.between(0, 1).all() and known.max() > 0:
                self.warnings.append(
                    f"{self.raw.name}, column '{column.name}': every value lies between 0 and 1{unit_of(column)}. "
                    "If they are fractions, multiply them by 100."
                )

    # ---- helpers ----

    def _note(self, mask: np.ndarray, what: str, then: str, *, column: str = "", more: str = "") -> None:
        self.bad.update(column.split(", "))
        rows = np.flatnonzero(mask) + self.raw.first_row
        first = tuple(rows[:_LISTED_ROWS].tolist())
        self.problems.append(Problem(self.raw.name, what, then, column=column, rows=first, count=len(rows), more=more))

    def _unsure(self, names: Sequence[str]) -> bool:
        """Whether a key cannot be judged, because one of its columns is missing or has faults of its own."""
        return any(name not in self.frame or name in self.bad for name in names)

    def _key(self, names: Sequence[str], mask: np.ndarray) -> str:
        first = self.frame.loc[mask, list(names)].iloc[0]
        return ", ".join(f"{name} {_shown(value)}" for name, value in zip(names, first, strict=True))


def _outside(column: Field, values: pd.Series) -> np.ndarray:
    mask = np.zeros(len(values), bool)
    for limit, beyond in ((column.minimum, operator.lt), (column.maximum, operator.gt)):
        if limit is not None:
            bound = pd.Timestamp(limit) if column.type == "date" else limit
            mask |= beyond(values, bound).fillna(False).to_numpy(bool)
    return mask


def _among(ours: pd.DataFrame, theirs: pd.DataFrame) -> np.ndarray:
    if ours.shape[1] == 1:
        return ours.iloc[:, 0].isin(theirs.iloc[:, 0]).to_numpy(bool)
    return pd.MultiIndex.from_frame(ours).isin(pd.MultiIndex.from_frame(theirs))


def _near(name: str, others: Sequence[str]) -> str:
    """``'Person' to 'person'`` if a column that nobody knows may be the missing one."""
    lowered = {other.casefold(): other for other in others}
    close = difflib.get_close_matches(name.casefold(), lowered, n=1, cutoff=0.8)
    return f"{lowered[close[0]]!r} to {name!r}" if close else ""


def _shown(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return repr(str(value)) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _mask(found: pa.Array) -> np.ndarray:
    return found.to_numpy(zero_copy_only=False)
