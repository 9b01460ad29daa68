"""Columns of any file format in the type that the schema asks for: the same data give the same column.

Columns are Arrow arrays, in which a missing value is null whatever the format wrote for it. A value that does not fit
becomes null, too; :mod:`watwerkt.microdata.validate` tells the two apart and explains what did not fit.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from watwerkt.microdata.schema import Field, Type

Labels = Mapping[object, str]

TRUTH = {
    **dict.fromkeys(("true", "1", "yes", "ja", "waar"), True),
    **dict.fromkeys(("false", "0", "no", "nee", "onwaar"), False),
}
_ARROW: dict[Type, pa.DataType] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.timestamp("us"),
}
_PANDAS = {
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype(na_value=np.nan),
}
_DIGITS = r"^-?\d{1,18}$"
_NUMBER = r"^-?\d+(\.\d+)?([eE][-+]?\d+)?$"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EXACT = 2.0**53  # the largest whole number up to which a double holds each one


def plain(column: pa.ChunkedArray) -> pa.Array:
    """A column as a file holds it, without what only some formats can hold: categories, padding, empty text, NaN."""
    found = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    if pa.types.is_large_string(found.type) or pa.types.is_string_view(found.type):
        found = found.cast(pa.string())
    if pa.types.is_string(found.type):
        found = pc.utf8_trim_whitespace(found)
        return _where(pc.not_equal(found, ""), found)
    if pa.types.is_floating(found.type):
        found = found.cast(pa.float64())
        return _where(pc.invert(pc.is_nan(found)), found)
    return found


def converted(found: pa.Array, field: Field, labels: Labels) -> pa.Array:
    """A :func:`plain` column in the field's type; null where it was, and where a value does not fit.

    ``labels`` are the value labels of SPSS and Stata. In a column of codes or truth values a label says what its value
    means; elsewhere labels are no data.
    """
    if field.code_list:
        return _by_distinct(found, _meaning(meanings(field), labels), pa.string())
    if field.type == "boolean":
        return _by_distinct(found, _meaning(TRUTH, labels), pa.bool_())
    return {"integer": _integers, "number": _numbers, "string": _texts, "date": _dates}[field.type](found)


def frame(columns: Mapping[str, pa.Array]) -> pd.DataFrame:
    """Converted columns as a table in which every type can hold missing values."""
    return pa.table(dict(columns)).to_pandas(types_mapper=_PANDAS.get)


def meanings(field: Field) -> dict[str, str]:
    """Which text stands for which code, in lower case: the code, its English and its Dutch label.

    A label that two of the allowed codes share stands for neither.
    """
    by_label: dict[str, set[str]] = {}
    for key, code in field.codes.items():
        for label in (code.en, code.nl):
            by_label.setdefault(label.casefold(), set()).add(key)
    labels = {label: next(iter(keys)) for label, keys in by_label.items() if len(keys) == 1}
    return labels | {key.casefold(): key for key in field.codes}


def as_text(value: object) -> str:
    """A value as a CSV would hold it: whole numbers without decimals."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _meaning(known: Mapping[str, object], labels: Labels) -> Callable[[object], object]:
    def meaning(value: object) -> object:
        label = str(labels.get(value, "")).strip().casefold()
        return known[label] if label in known else known.get(as_text(value).casefold())

    return meaning


def _by_distinct(found: pa.Array, meaning: Callable[[object], object], kind: pa.DataType) -> pa.Array:
    """Each value through a function that is called once per distinct value."""
    if pa.types.is_null(found.type) or pa.types.is_nested(found.type):
        return pa.nulls(len(found), kind)
    encoded = found.dictionary_encode()
    return pa.array([meaning(value) for value in encoded.dictionary.to_pylist()], kind).take(encoded.indices)


def _integers(found: pa.Array) -> pa.Array:
    if pa.types.is_string(found.type):
        digits = pc.match_substring_regex(found, _DIGITS)
        others = _integers(_numbers(_where(pc.invert(digits), found)))
        return pc.coalesce(_where(digits, found).cast(pa.int64()), others)
    if pa.types.is_integer(found.type) and not pa.types.is_uint64(found.type):
        return found.cast(pa.int64())
    numbers = _numbers(found)
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less_equal(pc.abs(numbers), _EXACT))
    return _where(whole, numbers).cast(pa.int64())


def _numbers(found: pa.Array) -> pa.Array:
    if pa.types.is_string(found.type):
        found = _where(pc.match_substring_regex(found, _NUMBER), found)
    elif not (pa.types.is_integer(found.type) or pa.types.is_floating(found.type) or pa.types.is_decimal(found.type)):
        return pa.nulls(len(found), pa.float64())
    numbers = found.cast(pa.float64(), safe=False)
    return _where(pc.is_finite(numbers), numbers)


def _texts(found: pa.Array) -> pa.Array:
    if pa.types.is_string(found.type):
        return found
    return _integers(found).cast(pa.string())


def _dates(found: pa.Array) -> pa.Array:
    if pa.types.is_string(found.type):
        return _by_distinct(found, _date, pa.date32()).cast(_ARROW["date"])
    if pa.types.is_date(found.type):
        return found.cast(pa.date32()).cast(_ARROW["date"])
    if pa.types.is_timestamp(found.type) and found.type.tz is None:
        return _where(pc.equal(pc.floor_temporal(found, unit="day"), found), found).cast(_ARROW["date"])
    return pa.nulls(len(found), _ARROW["date"])


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _where(kept: pa.Array, found: pa.Array) -> pa.Array:
    return pc.if_else(kept, found, pa.scalar(None, found.type))
