"""Read one table of microdata from CSV, Parquet, SPSS or Stata: the wanted columns, as the file has them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from watwerkt.errors import MicrodataError
from watwerkt.microdata.convert import Labels

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_NOT_CSV = {
    b"PK\x03\x04": "an Excel or zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"PAR1": "a Parquet file",
    b"$FL": "an SPSS file",
    b"<stata": "a Stata file",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


@dataclass(frozen=True)
class Raw:
    """What a file or a frame holds, before conversion.

    ``name`` is for messages; ``first_row`` is the number that its first record has in them: 2 in a CSV, whose header is
    row 1, else 1. ``other_columns`` were found, but are not in the schema.
    """

    name: str
    columns: Mapping[str, pa.ChunkedArray]
    rows: int
    labels: Mapping[str, Labels]
    other_columns: tuple[str, ...]
    first_row: int
    from_file: bool = True


def read(path: Path, wanted: Sequence[str]) -> Raw:
    """One table from a file; only the wanted columns are read.

    Raises MicrodataError for a file of another type, a damaged one, and text that is not UTF-8.
    """
    name = f"{path.parent.name}/{path.name}"
    reader = KINDS.get(path.suffix.lower())
    if reader is None:
        _fault(name, f"files of type {path.suffix or '(none)'} cannot be read", f"allowed: {', '.join(KINDS)}")
    return reader(path, name, wanted)


def of_frame(frame: pd.DataFrame, name: str, wanted: Sequence[str]) -> Raw:
    """One table from a frame in memory, as the generators of synthetic microdata make them."""
    present = [column for column in wanted if column in frame.columns]
    try:
        table = pa.Table.from_pandas(frame[present], preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        _fault(name, "; ".join(map(str, error.args)), "give a column values of one type")
    return _raw(name, table, frame.columns, wanted, first_row=1, from_file=False)


def _raw(name: str, table: pa.Table, names: Sequence[str], wanted: Sequence[str], **values) -> Raw:
    columns = dict(zip(table.column_names, table.columns, strict=True))
    others = tuple(str(column) for column in names if column not in wanted)
    return Raw(**{"labels": {}, "name": name, "columns": columns, "rows": table.num_rows, "other_columns": others,
                  **values})  # fmt: skip


# ---- CSV -----------------------------------------------------------------------------------------


def _csv(path: Path, name: str, wanted: Sequence[str]) -> Raw:
    raw = _text(_bytes(path, name), name)
    header, _, body = raw.partition(b"\n")
    separator, names = _header(header.decode(), name, wanted)
    present = [column for column in wanted if column in names]
    if not body:
        table = pa.table({column: pa.array([], pa.string()) for column in present})
        return _raw(name, table, names, wanted, first_row=2)
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(body + b"\n"),
            pa.csv.ReadOptions(column_names=names),
            pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True, ignore_empty_lines=False),
            pa.csv.ConvertOptions(
                include_columns=present, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        _uneven(body, separator, name, names, error)
    if table.num_rows != body.count(b"\n") + 1:
        _open_quote(body, name)
    return _raw(name, table, names, wanted, first_row=2)


def _text(raw: bytes, name: str) -> bytes:
    """The file as UTF-8 without byte order mark, lines ended by line feeds, no empty lines at the end."""
    for start, what in _NOT_CSV.items():
        if raw.startswith(start):
            _fault(name, f"is {what}, not CSV", "save it as CSV in UTF-8, or give it its own file type")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        _fault(f"{name}, row {row}", f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as CSV in UTF-8")
    if b"\0" in raw:
        _fault(name, "holds zero bytes, so it is not text", "save it as CSV in UTF-8")
    return raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n")


def _header(line: str, name: str, wanted: Sequence[str]) -> tuple[str, list[str]]:
    """The separator that gives most of the wanted columns, and the columns that it gives."""
    split = {sign: [part.strip() for part in next(csv.reader([line], delimiter=sign), [])] for sign in _SEPARATORS}
    separator = max(split, key=lambda sign: (len(set(split[sign]) & set(wanted)), len(split[sign])))
    names = split[separator]
    if separator not in ",;":
        what = f"columns are separated by {_SEPARATORS[separator]}"
        _fault(f"{name}, row 1", what, "separate them by commas or semicolons")
    if twice := sorted({column for column in names if names.count(column) > 1}):
        _fault(f"{name}, row 1", f"{', '.join(map(repr, twice))} stands twice", "give every column a name of its own")
    return separator, names


def _uneven(body: bytes, separator: str, name: str, names: Sequence[str], error: pa.ArrowInvalid) -> NoReturn:
    for row, line in enumerate(body.decode().split("\n"), start=2):
        values = next(csv.reader([line], delimiter=separator), [""])
        if len(values) != len(names):
            _fault(
                f"{name}, row {row}",
                f"{len(values)} values where {len(names)} columns stand",
                "give every column one value, write decimals with a dot, put quotes around a text that holds "
                f"{_SEPARATORS[separator]}",
            )
    _fault(name, f"cannot be read as CSV ({error})", "close every quote on its own row")


def _open_quote(body: bytes, name: str) -> NoReturn:
    odd = [row for row, line in enumerate(body.split(b"\n"), start=2) if line.count(b'"') % 2]
    where = f"{name}, row {odd[0]}" if odd else name
    _fault(where, "a quote is opened and not closed on its row", "close it; a value cannot hold a line break")


# ---- Parquet, SPSS, Stata ------------------------------------------------------------------------


def _parquet(path: Path, name: str, wanted: Sequence[str]) -> Raw:
    try:
        file = pa.parquet.ParquetFile(pa.BufferReader(_bytes(path, name)))
        names = file.schema_arrow.names
        table = file.read(columns=[column for column in wanted if column in names])
    except (pa.ArrowException, OSError) as error:
        _fault(name, f"cannot be read as Parquet ({error})", "write it anew")
    return _raw(name, table, names, wanted, first_row=1)


def _labelled(path: Path, name: str, wanted: Sequence[str]) -> Raw:
    import pyreadstat  # only here: pages that load microdata have no need of it

    kind, reader = {".sav": ("SPSS", pyreadstat.read_sav), ".dta": ("Stata", pyreadstat.read_dta)}[path.suffix.lower()]
    try:
        names = reader(str(path), metadataonly=True)[0].columns.tolist()
        present = [column for column in wanted if column in names]
        if not present:
            return _raw(name, pa.table({}), names, wanted, first_row=1)
        found, facts = reader(str(path), usecols=present, dates_as_pandas_datetime=True)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, OSError) as error:
        _fault(
            name,
            f"cannot be read as {kind} ({error})",
            f"save it anew in {kind}, in Unicode; or save it as CSV in UTF-8",
        )
    except OverflowError:
        _fault(name, "holds a date after the year 9999", "mend the date, or declare it missing")
    table = pa.Table.from_pandas(found[present], preserve_index=False)
    return _raw(name, table, names, wanted, first_row=1, labels=facts.variable_value_labels)


def _bytes(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        _fault(name, f"cannot be read ({error.strerror})", "check its permissions")


def _fault(where: str, what: str, then: str) -> NoReturn:
    raise MicrodataError(f"{where}: {what}.\n  {then}")


KINDS: dict[str, Callable[[Path, str, Sequence[str]], Raw]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".sav": _labelled,
    ".dta": _labelled,
}
