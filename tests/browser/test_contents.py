"""What the report prints and what the pages show: nothing is missing, nothing suppressed comes out."""

import csv
import json
import re
from pathlib import Path

import frictionless
import pytest
from watwerkt import evidence
from watwerkt.audit import audit, withheld
from watwerkt.published import published, studies

SUPPRESSED_KINDS = ("competency_test", "trial_placement")


@pytest.fixture(scope="module")
def rows(site: Path) -> list[dict[str, str]]:
    """Every row of every chart's and table's download."""
    found = []
    for path in sorted((site / "files").rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            of = path.relative_to(site / "files").parts[0]
            found += [{**row, "file": path.name, "part": of} for row in csv.DictReader(file)]
    return found


def levels_of(row: dict[str, str]) -> list[tuple[str, str]]:
    """The cells of the two levels that stand in the row of an effect."""
    arms = [arm for arm in ("intensive", "basic") if row.get(arm)]
    return [
        (row["table"], row["cell"].replace("intensive_vs_basic", arm).removesuffix("effect") + "level") for arm in arms
    ]


def shares_of(row: dict[str, str]) -> list[tuple[str, str]]:
    """The cells of Table 3.1 that stand in a row of the comparison of groups."""
    return [
        (row["table"], f"{row['population']}.{row['category']}.{arm}.composition.share")
        for arm in ("intensive", "basic")
    ]


def test_every_printed_number_of_every_study_stands_on_the_page_of_its_table(rows):
    shown = {
        (row["study"], row["table"], row["cell"]): row for row in rows if row["part"] == "data" and row.get("statistic")
    }
    for study in studies():
        hidden = withheld(study)
        for cell in published(study).printed:
            row = shown.get((study, cell.table, cell.cell))
            if (cell.table, cell.cell) in hidden:
                assert row is None
            else:
                assert float(row["value"]) == cell.value, cell


def test_every_printed_number_of_the_study_stands_on_some_page(rows):
    rows = [row for row in rows if row["part"] == "intensive"]
    shown = {(row["table"], row["cell"]) for row in rows if row.get("cell")}
    shown |= {share for row in rows if row["file"] == "balance.csv" for share in shares_of(row)}
    shown |= {level for row in rows if row.get("cell", "").endswith(".effect") for level in levels_of(row)}
    # Left out on purpose, so that two suppressed counts cannot be worked out from the rest.
    hidden = {
        (cell.table, cell.cell)
        for cell in published("intensive", "T2.5").where(population="nonwestern")
        if cell.service in (*SUPPRESSED_KINDS, "all_contacts")
    }
    printed = {(cell.table, cell.cell) for cell in published("intensive").printed}
    # Table 3.1 repeats the group sizes of Table 2.4.
    sizes = published("intensive", "T3.1").where(outcome="people")
    first = published("intensive", "T2.4")
    assert all(cell.value == first.one(population=cell.population, arm=cell.arm).value for cell in sizes)
    printed -= {(cell.table, cell.cell) for cell in sizes}
    assert sorted(printed - shown - hidden) == []
    assert not shown & hidden


def test_every_published_effect_stands_on_a_page_with_an_interval_or_its_least_width(rows):
    shown = {(row["table"], row["cell"]): row for row in rows if row.get("se_low") and row.get("cell")}
    for effect in evidence.effects("intensive"):
        row = shown[effect.cell.table, effect.cell.cell]
        if effect.determined:
            assert float(row["ci_low"]) == pytest.approx(effect.estimate.low)
            assert float(row["ci_high"]) == pytest.approx(effect.estimate.high)
        else:
            assert row["ci_low"] == "" and float(row["se_low"]) == pytest.approx(effect.estimate.se.low)


def test_the_data_package_on_the_site_is_complete_and_valid(site):
    report = frictionless.validate(str(site / "data" / "datapackage.json"))
    assert report.stats["tasks"] > len({cell.table for cell in published("intensive")})
    assert report.flatten(["title", "note"]) == []


def test_no_download_gives_a_suppressed_cell_a_value(rows):
    for study in studies():
        hidden = {(c.table, c.cell) for c in published(study) if c.status == "suppressed"} | withheld(study)
        values = [
            row for row in rows if (row.get("table"), row.get("cell")) in hidden and row.get("study", study) == study
        ]
        assert [row for row in values if row.get("value")] == []


def test_every_page_that_describes_data_for_search_engines_does_so_in_json_with_files_that_are_there(site):
    described = 0
    for path in site.rglob("*.html"):
        for text in re.findall(r'<script type="application/ld\+json">(.*?)</script>', path.read_text("utf-8"), re.S):
            dataset = json.loads(text)
            assert dataset["@context"] == "https://schema.org/" and dataset["@type"] == "Dataset", path
            for download in dataset["distribution"]:
                assert (path.parent / download["contentUrl"]).resolve().is_file(), (path, download["contentUrl"])
            described += 1
    assert described > len(studies())


def test_the_audit_on_the_site_is_the_one_that_the_library_makes(site):
    found = json.loads((site / "data" / "audit.json").read_text("utf-8"))
    assert found == [finding.as_dict() for finding in audit()]
