"""Write what follows from the two entries and the code lists: tidy tables, sidecars, and the Data Package.

Run as ``python -m watwerkt.package`` (``make data``). Nothing here is typed by hand: a test writes everything anew and
compares it with what is committed.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

from watwerkt import entry, linked
from watwerkt.errors import PublishedDataError, WatWerktError
from watwerkt.paths import data_dir, shown
from watwerkt.published import CODED, LISTS, table_key
from watwerkt.schema import check, load_schema, read_bytes, sha256

LICENSES = [
    {
        "name": "CC-BY-4.0",
        "title": "Creative Commons Attribution 4.0",
        "path": "https://creativecommons.org/licenses/by/4.0/",
    }
]
LICENCE_NOTE = (
    "Figures are facts taken from the report; labels and captions are in own words. "
    "The report itself is its publisher's."
)
HOUSE = [{"title": "Wat werkt voor wie?"}]


def files(data: Path) -> dict[Path, bytes]:
    """Every file that follows from the hand-made ones, by its path."""
    made: dict[Path, bytes] = {}
    resources: list[dict] = []
    for study, source in _sources(data).items():
        resources += _study(data, study, source, made)
    resources.append(_corrections(data / "published" / "corrections.csv", data))
    for path in sorted((data / "codes").glob("*.csv")):
        schema = "schemas/categories.json" if path.stem == "category" else "schemas/codes.json"
        told = f"Code list '{path.stem}': every code with a Dutch and an English label and a definition."
        resources.append(_plain(path, data, f"codes-{path.stem}", f"Codes: {path.stem}", schema, told))
    _check(data, resources, made)
    for resource in resources:
        made[(data / resource["path"]).with_suffix(".json")] = _json(resource)
    package = _package(resources)
    made[data / "datapackage.json"] = _json(package)
    made[data / linked.FILE] = _json(linked.dataset(package))
    return made


def _check(data: Path, resources: list[dict], made: dict[Path, bytes]) -> None:
    """Refuse to write what the library would refuse to read: keys, types, allowed values, codes."""
    lists = [resource for resource in resources if resource["path"].startswith("codes/")]
    for resource in lists:
        check(data / resource["path"], read_bytes(data / resource["path"]), resource["schema"])
    known = {path.stem: _known(path) for path in (data / "codes").glob("*.csv")}
    for resource in [resource for resource in resources if resource not in lists]:
        path = data / resource["path"]
        raw = made.get(path) or read_bytes(path)
        checks = (lambda row: _unknown_code(row, known)) if resource["schema"] == "schemas/published.json" else None
        check(path, raw, resource["schema"], checks=checks)


def _known(path: Path) -> set[tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(read_bytes(path).decode(), newline=""))
    return {(row.get("dimension", ""), row["code"]) for row in rows}


def _unknown_code(row: dict[str, str], known: dict[str, set[tuple[str, str]]]) -> str | None:
    for name in (*CODED, "study", "status"):
        dimension = row["dimension"] if name == "category" else ""
        if row[name] and (dimension, row[name]) not in known[name]:
            where = f"data/codes/{name}.csv"
            return f"column '{name}': {row[name]!r} is not a code in {where}.\n  add it, or correct coding.yml"
    return None


def _sources(data: Path) -> dict[str, dict]:
    return json.loads((data / "sources.json").read_text(encoding="utf-8"))


def _study(data: Path, study: str, source: dict, made: dict[Path, bytes]) -> list[dict]:
    """The resources of a study: its tables, its lists and the numbers in its text; ``made`` gets the tables' files."""
    resources = []
    for part in entry.parts(data / "entry" / study):
        coding = entry.read_coding(part)
        for table, rows in entry.tidy(part, study).items():
            path = data / "published" / study / f"{table}.csv"
            if path in made:
                raise PublishedDataError(f"{shown(part)}: {table} is described in another part, too.\n  keep one")
            made[path] = _csv(rows)
            resources.append(_table(path, made[path], data, study, table, coding[table], source))
    resources.sort(key=lambda resource: table_key(resource["watwerkt"]["table"]))
    folder = data / "published" / study
    lists = [_list(path, data, study, source) for name in LISTS if (path := folder / f"{name}.csv").exists()]
    entry.check_prose(folder / "prose.csv", data / "entry" / study / "prose.csv")
    return [*resources, *lists, _prose(folder / "prose.csv", data, study, source)]


def _csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, entry.TIDY_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _json(content: dict) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _resource(path: Path, raw: bytes, data: Path, name: str, title: str, description: str, schema: str) -> dict:
    return {
        "name": name,
        "path": path.relative_to(data).as_posix(),
        "title": title,
        "description": description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(raw),
        "hash": sha256(raw),
        "schema": schema,
        "sources": HOUSE,
        "licenses": LICENSES,
    }


def _source(source: dict) -> list[dict]:
    names = ", ".join(source["authors"])
    return [{"title": f"{names}. {source['title']}. {source['publisher']}, {source['date']}."}]


def _table(path: Path, raw: bytes, data: Path, study: str, table: str, spec: dict, source: dict) -> dict:
    resource = _resource(
        path, raw, data, f"{study}-{table.lower()}", spec["title"], spec["caption"].strip(), "schemas/published.json"
    )
    told = {key: spec[key] for key in ("estimator", "stars", "larger_than") if key in spec}
    place = {"study": study, "table": table, "section": spec["section"], "licence_note": LICENCE_NOTE, **told}
    return {**resource, "sources": _source(source), "watwerkt": place}


def _list(path: Path, data: Path, study: str, source: dict) -> dict:
    """A list in words, described by its schema."""
    name = f"schemas/{path.stem}.json"
    schema = load_schema(name, path)
    resource = _resource(
        path, read_bytes(path), data, f"{study}-{path.stem}", schema["title"], schema["description"], name
    )
    told = {"study": study, "list": path.stem, "licence_note": LICENCE_NOTE}
    return {**resource, "sources": _source(source), "watwerkt": told}


def _prose(path: Path, data: Path, study: str, source: dict) -> dict:
    described = "Numbers that the report's text gives, some of them repeated from its tables."
    resource = _resource(
        path, read_bytes(path), data, f"{study}-prose", "Numbers in the text", described, "schemas/prose.json"
    )
    return {
        **resource,
        "sources": _source(source),
        "watwerkt": {"study": study, "table": "prose", "licence_note": LICENCE_NOTE},
    }


def _corrections(path: Path, data: Path) -> dict:
    described = "Misprints that can be shown to be misprints: cell, printed value, the value this book uses, and why."
    return _plain(path, data, "corrections", "Corrections", "schemas/corrections.json", described)


def _plain(path: Path, data: Path, name: str, title: str, schema: str, description: str) -> dict:
    return _resource(path, read_bytes(path), data, name, title, description, schema)


def _package(resources: list[dict]) -> dict:
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "wat-werkt-voor-wie",
        "title": "Wat werkt voor wie? The published evidence",
        "description": "Every number that the reports print, one row each, with codes, labels and corrections.",
        "licenses": LICENSES,
        "sources": HOUSE,
        "resources": resources,
    }


def main() -> int:
    """Write all derived files; say what changed."""
    data = data_dir()
    try:
        made = files(data)
    except WatWerktError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    changed = [path for path, raw in made.items() if not path.exists() or path.read_bytes() != raw]
    for path in changed:
        path.write_bytes(made[path])
    for study in _sources(data):
        twice = entry.entered(data / "entry" / study)
        print(
            f"{study}: {twice.tables} tables, {twice.cells} printed cells and {twice.statements} numbers in the text "
            f"entered twice, {twice.differences} differences"
        )
    print(f"{len(made)} files follow from the entries and code lists; {len(changed)} written anew")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
