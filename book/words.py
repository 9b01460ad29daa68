"""Words of the site that the build program itself writes: they come from the code lists and nowhere else."""

import csv
from functools import cache
from pathlib import Path

from book.pages import House


def labels(house: House, name: str) -> dict[str, tuple[str, str]]:
    """English label and definition by code, in the order of the list."""
    return _read(house.data / "codes" / f"{name}.csv")


@cache
def _read(path: Path) -> dict[str, tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["code"]: (row["en"], row["definition"]) for row in csv.DictReader(lines)}
