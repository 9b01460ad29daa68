"""The whole evidence base as files for other people's tools: CSV, Parquet, DuckDB; and the audit as JSON.

Run as ``python -m watwerkt.export FOLDER``; the build does. The same data give the same bytes, except for the DuckDB
file, whose format does not promise that.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from watwerkt import audit, codes, finder
from watwerkt.errors import WatWerktError
from watwerkt.paths import data_dir
from watwerkt.published import LISTS, corrections, described, published, studies, table_facts, title
from watwerkt.schema import load_schema

NAME = "wat-werkt"
TYPES = {"string": "VARCHAR", "number": "DOUBLE", "integer": "INTEGER"}
DATE = (1980, 1, 1, 0, 0, 0)  # the same archive for the same data
README = """Wat werkt voor wie? The evidence base: every number that five Dutch reports on reintegration services print.

{files}
Tables
{tables}
Every number is as printed, misprints included; the column `corrected` holds the value that the book uses where it
corrects one, and the table `corrections` says why. A number that a report suppressed is empty, with status
`suppressed`: please do not work it out. Codes are explained in the table `codes`, in Dutch and English.

Figures are facts taken from the reports; labels, captions and statements are in the words of this book, under
CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Cite the report behind a number, and this book.
"""


def tables() -> dict[str, tuple[list[str], list[str], list[list[object]]]]:
    """Every table of the evidence base: columns, their SQL types, and rows."""
    found = {
        "cells": _cells(),
        "tables": _described(),
        "corrections": _corrections(),
        "codes": _codes(),
        "findings": _findings(),
        "prose": _files("prose", codes.codes("study")),
    }
    for name in LISTS:
        found[name] = _files(name, codes.codes("study"))
    return found


def _cells() -> tuple:
    fields = load_schema("schemas/published.json", data_dir())["fields"]
    names, types = [f["name"] for f in fields], [TYPES[f["type"]] for f in fields]
    rows = [
        [*(getattr(cell, n) for n in names), cell.correction.corrected if cell.correction else None]
        for study in studies()
        for cell in published(study)
    ]
    return [*names, "corrected"], [*types, "DOUBLE"], rows


def _described() -> tuple:
    rows = []
    for study in studies():
        for table in dict.fromkeys(cell.table for cell in published(study)):
            section = table_facts(study, table)["section"]
            rows.append([study, table, title(study, table), described(study, table), section])
    return ["study", "table", "title", "caption", "section"], ["VARCHAR"] * 5, rows


def _corrections() -> tuple:
    rows = [[*place, c.printed, c.corrected, c.certainty, c.reason] for place, c in corrections().items()]
    names = ["study", "table", "cell", "printed", "corrected", "certainty", "reason"]
    return names, ["VARCHAR"] * 3 + ["DOUBLE"] * 2 + ["VARCHAR"] * 2, rows


def _codes() -> tuple:
    lists = sorted(path.stem for path in (data_dir() / "codes").glob("*.csv"))
    rows = [[name, c.dimension, c.code, c.nl, c.en, c.definition] for name in lists for c in codes.codes(name).values()]
    return ["list", "dimension", "code", "nl", "en", "definition"], ["VARCHAR"] * 6, rows


def _findings() -> tuple:
    names = ["id", "study", "rule", "severity", "expected", "note", "tables", "cells"]
    rows = []
    for f in audit.audit():
        said = f.as_dict()
        rows.append([*(said[n] for n in names[:6]), ", ".join(f.tables), json.dumps(said["cells"], ensure_ascii=False)])
    return names, ["VARCHAR"] * 8, rows


def _files(name: str, among: Iterable[str]) -> tuple:
    """A file that several studies have, one below the other."""
    fields = load_schema(f"schemas/{name}.json", data_dir())["fields"]
    rows: list[list[object]] = []
    for study in among:
        path = data_dir() / "published" / study / f"{name}.csv"
        if path.exists():
            rows += list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))[1:]
    return [f["name"] for f in fields], [TYPES[f["type"]] for f in fields], rows


def write(folder: Path) -> list[Path]:
    """Write every file of the evidence base into a folder; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    made = tables()
    with tempfile.TemporaryDirectory(prefix="watwerkt-") as private:
        texts = {name: _csv(columns, rows) for name, (columns, _, rows) in made.items()}
        sources = _written(Path(private), {f"{name}.csv": text.encode() for name, text in texts.items()})
        base = Path(private) / f"{NAME}.duckdb"
        parquet = _database(base, made, sources, Path(private))
        (folder / base.name).write_bytes(base.read_bytes())
        _zip(
            folder / f"{NAME}-csv.zip",
            {"README.txt": _readme(made, "One CSV file per table, UTF-8."), **_read(sources)},
        )
        _zip(
            folder / f"{NAME}-parquet.zip",
            {"README.txt": _readme(made, "One Parquet file per table."), **_read(parquet)},
        )
    files = f"{NAME}-csv.zip: one CSV file per table\n{NAME}-parquet.zip: one Parquet file per table\n" + (
        f"{NAME}.duckdb: all tables in one DuckDB database, with this text in the table `readme`\n"
    )
    (folder / "README.txt").write_text(_readme(made, files), encoding="utf-8")
    (folder / "cells.js").write_text(finder.script(), encoding="utf-8")
    (folder / "audit.json").write_text(audit.exported(), encoding="utf-8")
    return sorted(folder.iterdir())


def _csv(columns: list[str], rows: list[list[object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if v is None else _plain(v) for v in row] for row in rows])
    return text.getvalue()


def _plain(value: object) -> object:
    return f"{value:.12g}" if isinstance(value, float) else value


def _readme(made: Mapping, files: str) -> str:
    listed = "".join(f"- {name}: {len(rows):,} rows\n" for name, (_, _, rows) in made.items())
    return README.format(files=files.rstrip("\n") + "\n", tables=listed)


def _written(folder: Path, contents: Mapping[str, bytes]) -> dict[str, Path]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


def _read(paths: Mapping[str, Path]) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in paths.items()}


def _database(base: Path, made: Mapping, sources: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Write all tables into one DuckDB file, and each as Parquet; returns the Parquet files by name."""
    parquet = {}
    with duckdb.connect() as database:
        database.execute("SET threads = 1")
        database.execute(f"ATTACH '{base}' AS base (BLOCK_SIZE 16384)")  # many small tables
        database.execute("USE base")
        for name, (columns, types, _) in made.items():
            kinds = ", ".join(f"'{c}': '{t}'" for c, t in zip(columns, types, strict=True))
            database.execute(
                f"CREATE TABLE \"{name}\" AS SELECT * FROM read_csv(?, header = true, nullstr = '', "
                f"delim = ',', quote = '\"', escape = '\"', columns = {{{kinds}}})",
                [str(sources[f"{name}.csv"])],
            )
            parquet[f"{name}.parquet"] = folder / f"{name}.parquet"
            database.execute(f"COPY \"{name}\" TO '{parquet[f'{name}.parquet']}' (FORMAT parquet)")
        database.execute("CREATE TABLE readme (text VARCHAR)")
        database.execute("INSERT INTO readme VALUES (?)", [_readme(made, "All tables in one database.")])
    return parquet


def _zip(path: Path, contents: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(f"{NAME}/{name}", DATE), content, zipfile.ZIP_DEFLATED)


def main() -> int:
    """Write the evidence base into the folder named on the command line."""
    if len(sys.argv) != 2:
        print("usage: python -m watwerkt.export FOLDER", file=sys.stderr)
        return 2
    try:
        write(Path(sys.argv[1]))
    except WatWerktError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
