"""The replication ledger: what executed pages recomputed of the published numbers, as a page and as a file."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping

from book.errors import BookError
from book.pages import House
from book.words import labels

PAGE = "book/matter/ledger.md"
FILE = "data/ledger.csv"
MARKS = ("<!-- ledger: summary -->", "<!-- ledger: differs -->", "<!-- ledger: not recomputed -->")
_LONGEST = 200  # rows of a list on the page; the file holds all

Row = Mapping[str, object]


def merged(rows: Iterable[Row]) -> list[Row]:
    """One row per published number, layer and quantity: a page that recomputed it goes before one that could not.

    Raises `BookError` if two pages recomputed it and found different numbers.
    """
    kept: dict[tuple, Row] = {}
    for row in rows:
        key = tuple(row[name] for name in ("study", "table", "cell", "layer", "quantity"))
        earlier = kept.get(key)
        if earlier is None or (earlier["recomputed"] is None and row["recomputed"] is not None):
            kept[key] = row
        elif row["recomputed"] is not None and row["recomputed"] != earlier["recomputed"]:
            raise BookError(
                f"LedgerError: {row['study']} {row['table']}, cell {row['cell']}: {earlier['page']} finds "
                f"{earlier['recomputed']:.6g} and {row['page']} finds {row['recomputed']:.6g}.\n"
                "  a number is recomputed in one way: correct one of the pages"
            )
    return list(kept.values())


def as_csv(rows: list[Row]) -> bytes:
    """The whole ledger; empty fields are missing."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue().encode()


def filled(text: str, rows: list[Row], house: House) -> str:
    """The ledger's page with its tables in the place of the marks."""
    made = (_summary(rows, house), _listed(rows, "differs", house), _reasons(rows, house))
    for mark, table in zip(MARKS, made, strict=True):
        text = text.replace(mark, table)
    return text


def _summary(rows: list[Row], house: House) -> str:
    verdicts, layers, studies = (labels(house, name) for name in ("verdict", "layer", "study"))
    count = Counter((row["study"], row["layer"], row["verdict"]) for row in rows)
    lines = [
        f"| {studies[study][0]} | {layers[layer][0]} | "
        + " | ".join(f"{count[study, layer, verdict]:,}" for verdict in verdicts)
        + " |"
        for study in studies
        for layer in layers
        if any(count[study, layer, verdict] for verdict in verdicts)
    ]
    head = " | ".join(label for label, _ in verdicts.values())
    return "\n".join([f"| Study | Layer | {head} |", f"| --- | --- |{' --: |' * len(verdicts)}", *lines])


def _listed(rows: list[Row], verdict: str, house: House) -> str:
    """Every number with this verdict in the layers that the published numbers themselves decide."""
    layers = labels(house, "layer")
    found = [row for row in rows if row["verdict"] == verdict and row["quantity"] == "value"]
    lines = [f"| {' | '.join(_cells(row, layers[row['layer']][0]))} |" for row in found[:_LONGEST]]
    more = f"\n\nThe file holds {len(found) - _LONGEST:,} more." if len(found) > _LONGEST else ""
    head = ["| Table | Cell | Layer | Printed | Recomputed (interval) | Why |", "| --- | --- | --- | --: | --: | --- |"]
    return "\n".join([*head, *lines]) + more


def _cells(row: Row, layer: str) -> list[str]:
    printed, recomputed, low, high = (_number(row[name]) for name in ("published", "recomputed", "ci_low", "ci_high"))
    found = f"{recomputed} ({low} to {high})"
    return [f"{row['study']} {row['table']}", f"`{row['cell']}`", layer, printed, found, _plain(row["why"])]


def _reasons(rows: list[Row], house: House) -> str:
    """Why numbers could not be recomputed, and how many for each reason."""
    layers = labels(house, "layer")
    count = Counter((row["study"], row["layer"], row["why"]) for row in rows if row["verdict"] == "not_recomputed")
    lines = [
        f"| {study} | {layers[layer][0]} | {_plain(why)} | {number:,} |"
        for (study, layer, why), number in count.most_common(_LONGEST)
    ]
    return "\n".join(["| Study | Layer | Why | Numbers |", "| --- | --- | --- | --: |", *lines])


def _number(value: object) -> str:
    return "–" if value is None else f"{float(value):.4g}".replace("-", "−")


def _plain(text: object) -> str:
    return str(text).replace("|", "/").replace("\n", " ").replace("*", "\\*")
