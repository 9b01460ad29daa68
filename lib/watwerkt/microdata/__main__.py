"""``python -m watwerkt.microdata``: check files of microdata before a build, and list what they must hold."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from watwerkt.errors import MicrodataError, WatWerktError
from watwerkt.microdata.problems import limits
from watwerkt.microdata.schema import Field, StudySchema, TableSchema, studies, study_schema
from watwerkt.microdata.store import read_study, studies_in


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands; 1 if something is wrong."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.command == "check":
            return check(asked.folder)
        return describe(asked.study, asked.template)
    except WatWerktError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever reads the list has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def check(folder: Path) -> int:
    """Say of every study in a folder whether its files fit, or what is wrong with them."""
    faulty = 0
    there = studies_in(folder)
    for study in there:
        try:
            found, files = read_study(folder, study)
        except MicrodataError as error:
            faulty = 1
            print(f"{study}: does not fit.\n{error}\n")
            continue
        rows = ", ".join(f"{name} {len(table):,} rows" for name, table in found.tables.items())
        print(f"{study}: fits ({rows}; from {', '.join(files)})")
        for warning in found.warnings:
            print(f"  note: {warning}")
    if others := sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name not in there):
        print(f"not a study, ignored: {', '.join(others)}")
    return faulty


def describe(study: str, template: Path | None) -> int:
    """Print the tables and columns that a study's files must hold; with ``template``, write empty CSV files."""
    known = study_schema(study)
    if template is not None:
        for path in _templates(known, template):
            print(f"wrote {path}")
        return 0
    print(f"{known.study}: {known.title}\n")
    for table in known.tables.values():
        print("\n".join(_described(table)) + "\n")
    return 0


def _templates(study: StudySchema, folder: Path) -> Iterator[Path]:
    paths = {name: folder / study.study / f"{name}.csv" for name in study.tables}
    if there := [str(path) for path in paths.values() if path.exists()]:
        raise MicrodataError(f"{', '.join(there)}: stands there already.\n  name another folder")
    for name, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(study[name].names)
        yield path


def _described(table: TableSchema) -> Iterator[str]:
    yield f"{table.name}: {table.title} ({table.title_nl})"
    yield f"  {table.description}"
    yield f"  one row per {' and '.join(table.primary_key)}"
    rows = [(f.name, f.type, f.unit, "yes" if f.required else "", f"{f.title} ({f.title_nl})") for f in table.fields]
    head = ("column", "type", "unit", "required", "what it holds")
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row, field in zip((head, *rows), (None, *table.fields), strict=True):
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        yield from () if field is None else (f"      {line}" for line in _allowed(field))
    for key in table.foreign_keys:
        yield f"  every {' + '.join(key.columns)} stands in {key.table}"
    for rule in table.rules:
        yield f"  {rule.left} {rule.op} {rule.right}, else: {rule.message}"


def _allowed(field: Field) -> Iterator[str]:
    if field.minimum is not None or field.maximum is not None:
        yield limits(field)
    if field.enum:
        yield f"one of {', '.join(map(str, field.enum))}"
    width = max(map(len, field.allowed), default=0)
    for key, code in field.codes.items():
        yield f"{key.ljust(width)}  {code.nl} / {code.en}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m watwerkt.microdata", description=__doc__.partition(": ")[2])
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="say whether the files in a folder fit, or what is wrong with them")
    checking.add_argument("folder", type=Path, help="holds one folder per study, as make book MICRODATA=… takes it")
    describing = commands.add_parser("describe", help="list the tables and columns that a study's files must hold")
    describing.add_argument("study", choices=studies())
    describing.add_argument("--template", type=Path, metavar="FOLDER", help="write CSV files that hold only the header")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
