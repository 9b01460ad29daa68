"""The evidence base as linked data: schema.org Dataset in JSON-LD, from the same resources as the Data Package."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

CONTEXT = "https://schema.org/"
FILE = "dataset.jsonld"
FILES = (
    ("datapackage.json", "application/json", "Data Package descriptor"),
    ("evidence/wat-werkt-csv.zip", "application/zip", "All tables as CSV"),
    ("evidence/wat-werkt-parquet.zip", "application/zip", "All tables as Parquet"),
    ("evidence/wat-werkt.duckdb", "application/vnd.duckdb.file", "All tables as one DuckDB database"),
)


def dataset(package: Mapping) -> dict:
    """The whole evidence base as a Dataset whose parts are its tables.

    Addresses are relative to the file's own place, so that a copy of the site describes itself.
    """
    return {
        "@context": CONTEXT,
        "@type": "Dataset",
        "@id": "#evidence",
        "name": package["title"],
        "description": package["description"],
        "license": package["licenses"][0]["path"],
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "creator": _creators(package["sources"]),
        "keywords": ["reintegration services", "unemployment insurance", "disability benefit", "migration background"],
        "spatialCoverage": "Netherlands",
        "includedInDataCatalog": {"@type": "DataCatalog", "name": "Wat werkt voor wie?"},
        "distribution": [_download(*file) for file in FILES],
        "hasPart": [table(resource) for resource in package["resources"]],
    }


def table(resource: Mapping) -> dict:
    """One resource as a Dataset with its file, its sources and, for a printed table, its place in the report."""
    told = resource.get("watwerkt", {})
    printed = {"identifier": f"{told['study']} {told['table']}"} if "table" in told else {}
    return {
        "@type": "Dataset",
        "@id": f"#{resource['name']}",
        "name": resource["title"],
        "description": resource["description"],
        "license": resource["licenses"][0]["path"],
        "creator": _creators([{"title": "Wat werkt voor wie?"}]),
        "isBasedOn": [{"@type": "CreativeWork", "name": source["title"]} for source in resource["sources"]],
        **printed,
        "distribution": [
            {
                **_download(resource["path"], resource["mediatype"], resource["title"]),
                "contentSize": f"{resource['bytes']} B",
                "sha256": resource["hash"].removeprefix("sha256:"),
            }
        ],
    }


def script(described: Mapping, *, root: str) -> str:
    """A Dataset as a script for a page; ``root`` leads from the page to the data folder's parent."""
    placed = _placed({"@context": CONTEXT, **described}, f"{root}data/")
    text = json.dumps(placed, ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/ld+json">{text}</script>'


def _placed(part: object, root: str) -> object:
    """The same with addresses of files seen from the page."""
    if isinstance(part, list):
        return [_placed(inner, root) for inner in part]
    if not isinstance(part, dict):
        return part
    return {key: root + value if key == "contentUrl" else _placed(value, root) for key, value in part.items()}


def _download(path: str, media: str, name: str) -> dict:
    return {"@type": "DataDownload", "name": name, "contentUrl": path, "encodingFormat": media}


def _creators(sources: Sequence[Mapping]) -> list[dict]:
    return [{"@type": "Organization", "name": source["title"]} for source in sources]
