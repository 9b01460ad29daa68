"""A small study of microdata for tests: its schema, people, and files of them in every format."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from watwerkt.paths import data_dir

from tests.conftest import clear_caches

STUDY = "intensive"
FORMATS = (".csv", ".parquet", ".sav", ".dta")


def field(name, kind, **more):
    return {"name": name, "type": kind, "title": f"{name} en", "title_nl": f"{name} nl", "description": name, **more}


def required(**more):
    return {"constraints": {"required": True, **more}}


PERSONS = {
    "title": "Persons",
    "title_nl": "Personen",
    "description": "One row per person.",
    "primaryKey": ["person"],
    "fields": [
        field("person", "integer"),
        field("sex", "string", codes={"list": "category", "dimension": "sex"}, **required()),
        field("population", "string", codes={"list": "population"}, allowed=["nonwestern", "western", "none"]),
        field("entry", "date", constraints={"required": True, "minimum": "2012-01-01", "maximum": "2014-12-31"}),
        field("exit", "date"),
        field("interviews", "integer", unit="count", constraints={"minimum": 0, "maximum": 12}),
        field("part_time", "number", unit="factor", constraints={"minimum": 0, "maximum": 1}),
        field("wage", "number", unit="eur_per_hour", constraints={"minimum": 0, "maximum": 200}),
        field("assigned", "boolean", **required()),
        field("found_work", "boolean"),
        field("note", "string"),
    ],
    "rules": [{"name": "exit_after_entry", "left": "entry", "op": "<=", "right": "exit",
               "message": "the benefit ends before it begins"}],
}  # fmt: skip
SPELLS = {
    "title": "Spells",
    "title_nl": "Periodes",
    "description": "One row per spell of a person.",
    "primaryKey": ["person", "spell"],
    "fields": [field("person", "integer"), field("spell", "integer"), field("days", "number", unit="days")],
    "foreignKeys": [{"fields": ["person"], "reference": {"table": "persons", "fields": ["person"]}}],
}
SCHEMA = {"study": STUDY, "title": "A small study", "tables": {"persons": PERSONS, "spells": SPELLS}}


@contextmanager
def small_study(folder: Path) -> Iterator[Path]:
    """The library reads code lists and the small schema from a folder of the test; gives the path of the schema."""
    data = folder / "data"
    copytree(data_dir() / "codes", data / "codes")
    copytree(
        data_dir() / "schemas", data / "schemas", ignore=lambda place, names: names if "microdata" in place else []
    )
    path = data / "schemas" / "microdata" / f"{STUDY}.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WATWERKT_DATA", str(data))
        use(SCHEMA, path)
        yield path
    clear_caches()


def use(schema, path: Path) -> None:
    """Put another schema in the place of the small one."""
    path.write_text(json.dumps(schema), encoding="utf-8")
    clear_caches()


def persons(**columns) -> pd.DataFrame:
    """Four people that fit the schema, with these columns instead of their own."""
    frame = pd.DataFrame(
        {
            "person": [1, 2, 3, 4],
            "sex": ["female", "male", "unknown", "female"],
            "population": ["none", "nonwestern", None, "western"],
            "entry": pd.to_datetime(["2012-05-01", "2013-01-15", "2014-12-31", "2012-02-29"]),
            "exit": pd.to_datetime(["2012-05-01", None, "2016-02-29", "2013-07-01"]),
            "interviews": pd.array([0, 4, None, 12], dtype="Int64"),
            "part_time": [0.5, np.nan, 1.0, 0.1],
            "wage": [12.35, np.nan, 20.0, 0.1 + 0.2],
            "assigned": [True, False, True, True],
            "found_work": pd.array([True, None, False, True], dtype="boolean"),
            "note": ["é", None, "a, b; c", 'say "so"'],
        }
    )
    return frame.assign(**columns)


def spells(**columns) -> pd.DataFrame:
    frame = pd.DataFrame({"person": [1, 1, 4], "spell": [1, 2, 1], "days": [30.0, 12.5, 400.0]})
    return frame.assign(**columns)


def write(frame: pd.DataFrame, path: Path, **options) -> Path:
    """A frame as a file of the format that the ending names; options go to the writer of SPSS and Stata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        _as_text(frame).to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        writer = {".sav": pyreadstat.write_sav, ".dta": pyreadstat.write_dta}[path.suffix]
        writer(_as_numbers(frame), str(path), **options)
    return path


def write_study(folder: Path, *, ending: str = ".csv", **tables: pd.DataFrame) -> Path:
    """A researcher's folder with the small study in it; a table given here replaces the one that fits."""
    for name, frame in ({"persons": persons(), "spells": spells()} | tables).items():
        write(frame, folder / STUDY / f"{name}{ending}")
    return folder


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    days = {name: frame[name].dt.strftime("%Y-%m-%d") for name in frame.select_dtypes("datetime")}
    return frame.assign(**days)


def _as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """What these programs know: doubles, text and dates."""
    days = {
        name: pd.Series([None if pd.isna(day) else day.date() for day in frame[name]], dtype=object)
        for name in frame.select_dtypes("datetime")
    }
    numbers = {name: frame[name].astype("float64") for name in frame.select_dtypes(["number", "boolean", "bool"])}
    return frame.assign(**numbers, **days)
