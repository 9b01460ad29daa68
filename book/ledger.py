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
_SHOWN = 4  # numbers in one row of it

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
    return "\n".join([f"| Report | Layer | {head} |", f"| --- | --- |{' --: |' * len(verdicts)}", *lines])


def _listed(rows: list[Row], verdict: str, house: House) -> str:
    """What has this verdict: one line per reason, since a sum that fails concerns each of its numbers."""
    layers, studies = (labels(house, name) for name in ("layer", "study"))
    found: dict[tuple, list[Row]] = {}
    for row in rows:
        if row["verdict"] == verdict and row["quantity"] == "value":
            found.setdefault((row["study"], row["layer"], row["why"]), []).append(row)
    lines = [
        f"| {studies[study][0]} | {', '.join(dict.fromkeys(str(row['table'])[1:] for row in each))} | "
        f"{layers[layer][0]} | {_plain(why)} | {_pairs(each)} |"
        for (study, layer, why), each in list(found.items())[:_LONGEST]
    ]
    left = len(found) - _LONGEST
    more = f'\n\n<a href="{FILE}">The file</a> holds {left:,} more.' if left > 0 else ""
    head = ["| Report | Table | Layer | Why | Printed (recomputed) |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *lines]) + more


def _pairs(rows: list[Row]) -> str:
    """Printed numbers, each with what was recomputed; of many, the first."""
    told = [f"{_number(row['published'])} ({_interval(row)})" for row in rows[:_SHOWN]]
    return ", ".join(told) + (" …" if len(rows) > _SHOWN else "")


def _interval(row: Row) -> str:
    low, high = _number(row["ci_low"]), _number(row["ci_high"])
    return low if low == high else f"{low} to {high}"


def _reasons(rows: list[Row], house: House) -> str:
    """Why numbers could not be recomputed, and how many for each reason."""
    layers, studies = (labels(house, name) for name in ("layer", "study"))
    count = Counter((row["study"], row["layer"], row["why"]) for row in rows if row["verdict"] == "not_recomputed")
    lines = [
        f"| {studies[study][0]} | {layers[layer][0]} | {_plain(why)} | {number:,} |"
        for (study, layer, why), number in count.most_common(_LONGEST)
    ]
    return "\n".join(["| Report | Layer | Why | Numbers |", "| --- | --- | --- | --: |", *lines])


def _number(value: object) -> str:
    """As printed, with separators and a real minus sign; never as a power of ten."""
    if value is None:
        return "–"
    number = float(value)
    small = number != 0 and abs(number) < 0.001
    text = f"{number:.2g}" if small else f"{number:,.3f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def _plain(text: object) -> str:
    return str(text).replace("|", "/").replace("\n", " ").replace("*", "\\*")
