"""Every printed text is found back in the tidy data, and the tidy data hold nothing else.

The printed text is read here by characters, and not with :mod:`watwerkt.reading`; of the coding this uses only the
notation of a table, its blank cells and what its tokens mean.
"""

import csv
from collections import Counter, defaultdict
from functools import cache

import pytest
from watwerkt import entry
from watwerkt.paths import data_dir

from tests.lib.reports import WITH_TABLES

MINUS = "-–−"


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def place_of(row):
    return row["table"], row["panel"], row["row"], row["column"]


@cache
def typed(study, name):
    """Printed texts of one pass of all parts by place."""
    parts = entry.parts(data_dir() / "entry" / study)
    return {place_of(row): row["printed"].strip() for part in parts for row in rows(part / name)}


@cache
def tidied(study):
    found = defaultdict(list)
    for path in sorted((data_dir() / "published" / study).glob("T*.csv")):
        for row in rows(path):
            found[place_of(row)].append(row)
    return dict(found)


@cache
def spoken(study):
    """What the codings say of notation and tokens, by place."""
    parts = entry.parts(data_dir() / "entry" / study)
    return {place.key: place.codes for part in parts for place in entry.places(entry.read_coding(part))}


# ---- a reader by characters ----------------------------------------------------------------------


def pieces(printed):
    """The texts of the numbers in a cell: before the bracket, and in it, parted by a dash between spaces."""
    main, _, bracket = printed.partition("(")
    inner, _, behind = bracket.partition(")")
    for dash in MINUS:
        inner = inner.replace(f" {dash} ", "|")
    return [main + behind, *inner.split("|")] if bracket else [main]


def seen(text, codes):
    """Value (as text), decimals, stars and letters of one number, or None where no digit stands."""
    first = next((k for k, character in enumerate(text) if character.isdigit()), None)
    stars = 0 if codes.get("marks") == "footnote" else text.count("*")
    if first is None:
        return None
    last = max(k for k, character in enumerate(text) if character.isdigit())
    number = text[first : last + 1]
    if codes.get("thousands") == "comma":
        number = number.replace(",", "")
    elif codes.get("decimal") == "point":
        number = number.replace(".", ",")
    whole, _, fraction = number.replace(".", "").partition(",")
    sign = "-" if set(text[:first]) & set(MINUS) else ""
    letters = [letter for letter in text[last + 1 :].partition("+")[0] if letter in "ABCD"]
    return sign + whole + (f".{fraction}" if fraction else ""), len(fraction), "*" * stars, ",".join(letters)


def expected(printed, codes):
    """What the tidy data must hold of a printed cell, in order."""
    tokens = codes.get("tokens", {})
    if printed == "(blank)":
        return []
    if printed in tokens or codes.get("cells") == "tokens":
        meant = [tokens[part] for part in ([printed] if printed in tokens else printed.split("/"))]
        return [
            (str(m["value"]), 0, "", "", "printed") if "value" in m else ("", None, "", "", m["status"]) for m in meant
        ]
    found = [seen(text, codes) for text in pieces(printed)]
    return [("", None, "", "", "suppressed") if one is None else (*one, "printed") for one in found]


def held(row):
    decimals = int(row["decimals"]) if row["decimals"] else None
    return row["value"], decimals, row["stars"], row["larger_than"], row["status"]


# ---- every cell ----------------------------------------------------------------------------------


@pytest.mark.parametrize("study", WITH_TABLES)
@pytest.mark.parametrize("name", ["first.csv", "second.csv"])
def test_every_printed_cell_is_found_back_in_the_tidy_data_and_nothing_else(study, name):
    left = dict(tidied(study))
    for place, printed in typed(study, name).items():
        found = [held(row) for row in left.pop(place, [])]
        assert found == expected(printed, spoken(study)[place]), f"{place}: printed {printed!r}"
    assert not left, f"tidy cells that nobody printed: {list(left)}"


def test_the_reader_of_this_test_sees_what_a_reader_sees():
    """Table II.2 and 4.9 of wga, 2.5 of intensive: the cells that are hardest to read."""
    assert [seen(text, {}) for text in pieces("--0,0443* (0,024)")] == [
        ("-0.0443", 4, "*", ""), ("0.024", 3, "", ""),
    ]  # fmt: skip
    assert [seen(text, {})[0] for text in pieces("- € 0,59 (€17,52 - €18,11)")] == ["-0.59", "17.52", "18.11"]
    assert [seen(text, {}) for text in pieces("*(10%)")] == [None, ("10", 0, "", "")]
    assert seen("9,65B,C", {}) == ("9.65", 2, "", "B,C")
    assert seen("16,921", {"thousands": "comma"}) == ("16921", 0, "", "")


@pytest.mark.parametrize("study", WITH_TABLES)
def test_percent_signs_make_percentages_and_percentages_of_effects_make_points(study):
    for place, cells in tidied(study).items():
        units = {row["unit"] for row in cells}
        percent = "%" in typed(study, "first.csv")[place]
        assert percent <= bool(units & {"pct", "pp"}), f"{place}: a percentage lost its unit"
        for row in cells:
            if row["unit"] == "pp":
                assert row["statistic"] in ("effect", "cumulative_effect", "change"), place
            if row["unit"] == "pct":
                assert row["statistic"] in ("level", "share", "counterfactual"), place


@pytest.mark.parametrize("study", WITH_TABLES)
def test_euro_signs_make_amounts(study):
    amounts = 0
    for place, cells in tidied(study).items():
        if "€" in typed(study, "first.csv")[place]:
            amounts += 1
            assert {row["unit"] for row in cells} <= {"eur", "eur_per_hour", "eur_million"}, place
    assert (amounts > 0) == (study != "intensive")


@pytest.mark.parametrize("study", WITH_TABLES)
def test_a_key_tells_the_cells_of_a_table_apart(study):
    keys = Counter((row["table"], row["cell"]) for cells in tidied(study).values() for row in cells)
    assert [key for key, count in keys.items() if count > 1] == []


def test_a_count_with_a_share_makes_two_cells_of_which_either_can_be_suppressed():
    found = tidied("intensive")["T2.5", "Niet-westerse migratieachtergrond", "Competentietest", "Basisdienstverlening"]
    assert [(row["statistic"], row["unit"], row["value"], row["status"]) for row in found] == [
        ("count", "count", "", "suppressed"),
        ("share", "pct", "10", "printed"),
    ]


def test_an_effect_with_its_levels_makes_three_cells_with_an_effect_in_points():
    found = next(cells for place, cells in tidied("wga").items() if place[0] == "T4.2")
    assert [(row["statistic"], row["unit"]) for row in found] == [
        ("effect", "pp"), ("level", "pct"), ("counterfactual", "pct"),
    ]  # fmt: skip


def test_an_effect_coded_as_a_percentage_comes_out_in_points(data_copy):
    before = entry.tidy(data_copy.path("entry/intensive"), "intensive")
    data_copy.change(
        "entry/intensive/coding.yml",
        lambda text: text.replace("statistic: effect, unit: pp", "statistic: effect, unit: pct"),
    )
    assert entry.tidy(data_copy.path("entry/intensive"), "intensive") == before
