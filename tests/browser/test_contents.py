"""What the report prints and what the pages show: nothing is missing, nothing suppressed comes out."""

import csv
from pathlib import Path

import frictionless
import pytest
from watwerkt import evidence
from watwerkt.published import published

SUPPRESSED_KINDS = ("competency_test", "trial_placement")


@pytest.fixture(scope="module")
def rows(site: Path) -> list[dict[str, str]]:
    """Every row of every chart's and table's download."""
    found = []
    for path in sorted((site / "files").rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += [{**row, "file": path.name} for row in csv.DictReader(file)]
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


def test_every_printed_number_of_the_study_stands_on_some_page(rows):
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
    suppressed = {(cell.table, cell.cell) for cell in published("intensive") if cell.status == "suppressed"}
    assert suppressed
    values = [row for row in rows if (row.get("table"), row.get("cell")) in suppressed]
    assert [row for row in values if row.get("value")] == []
