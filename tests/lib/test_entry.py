"""Data entry: two readings that agree, and tidy cells in which every printed text is found back."""

import csv
import re
from collections import defaultdict

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from watwerkt import entry
from watwerkt.errors import PublishedDataError
from watwerkt.paths import data_dir

ENTRY = data_dir() / "entry" / "intensive"
PASSES = ("entry/intensive/first.csv", "entry/intensive/second.csv")


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- Dutch notation ------------------------------------------------------------------------------


def dutch(sign: str, whole: int, fraction: str, *, grouped: bool, tail: str) -> str:
    digits = f"{whole:,}".replace(",", ".") if grouped else str(whole)
    return sign + digits + (f",{fraction}" if fraction else "") + tail


@given(
    sign=st.sampled_from(["", "-", "–", "−"]),
    whole=st.integers(0, 9_999_999),
    fraction=st.text("0123456789", max_size=6),
    grouped=st.booleans(),
    percent=st.sampled_from(["", "%", " %"]),
    stars=st.sampled_from(["", "*", "**", "***"]),
)
@example(sign="-", whole=0, fraction="02", grouped=False, percent="", stars="")
@example(sign="", whole=1238, fraction="", grouped=True, percent="", stars="")
@example(sign="", whole=3, fraction="5", grouped=False, percent=" %", stars="")
def test_a_number_in_dutch_notation_keeps_value_decimals_and_stars(sign, whole, fraction, grouped, percent, stars):
    found = entry.parse(dutch(sign, whole, fraction, grouped=grouped, tail=percent + stars))
    negative = "-" if sign else ""
    assert found["value"] == negative + str(whole) + (f".{fraction}" if fraction else "")
    assert float(found["value"]) == float(f"{negative}{whole}.{fraction or '0'}")
    assert (found["decimals"], found["stars"], found["status"]) == (len(fraction), stars, "printed")


@pytest.mark.parametrize("printed", ["[24%", "24%]", "[24%]"])
def test_brackets_around_a_block_are_no_part_of_the_number(printed):
    assert entry.parse(printed)["value"] == "24"


@pytest.mark.parametrize("printed", ["-", "*"])
def test_a_dash_or_a_lone_star_is_a_suppressed_number(printed):
    assert entry.parse(printed) == {"value": "", "decimals": "", "stars": "", "status": "suppressed"}


@pytest.mark.parametrize(
    "printed", ["", "75.2", "1.23", "1,234.5", "12,", ",5", "12.3456", "1.2345", "n.v.t.", "5 6", "5****", "--5", "5€"]
)
def test_what_is_no_dutch_number_is_refused_and_not_guessed(printed):
    with pytest.raises(PublishedDataError) as caught:
        entry.parse(printed, where="T3.2 / I-dvl / 6 maanden")
    assert f"T3.2 / I-dvl / 6 maanden: {printed!r} is not a number in Dutch notation" in str(caught.value)
    assert "examples: 1.238  34,9%" in str(caught.value)


# ---- the two passes ------------------------------------------------------------------------------


def test_the_two_entries_agree_on_every_cell_that_the_coding_expects():
    count, differences = entry.compare(ENTRY)
    assert differences == []
    assert count == len(rows(ENTRY / "first.csv")) == len(rows(ENTRY / "second.csv")) == 685


def test_a_number_typed_differently_in_one_pass_is_found(data_copy):
    data_copy.change(PASSES[1], lambda text: text.replace('"27,8%"', '"28,7%"', 1))
    count, (difference,) = entry.compare(data_copy.path("entry/intensive"))
    assert count == 685
    assert (difference.first, difference.second) == ("27,8%", "28,7%")
    assert str(difference).endswith("I-dvl / 6 maanden: first '27,8%', second '28,7%'")
    with pytest.raises(PublishedDataError) as caught:
        entry.tidy(data_copy.path("entry/intensive"), "intensive")
    message = str(caught.value)
    assert message.startswith("data/entry/intensive: the two entries differ in 1 of 685 cells.\n  T3.2 / Totale")
    assert message.endswith("settle each against the printed report, in both files")


@pytest.mark.parametrize("passes", [PASSES[:1], PASSES[1:], PASSES])
def test_a_cell_that_a_pass_or_both_passes_lack_is_found(passes, data_copy):
    for name in passes:
        data_copy.change(name, lambda text: text.replace("T2.4,,Totaal,Onbekend,14\n", ""))
    _, (difference,) = entry.compare(data_copy.path("entry/intensive"))
    assert difference.place == ("T2.4", "", "Totaal", "Onbekend")


def test_a_cell_that_both_passes_type_but_the_coding_does_not_know_is_not_lost(data_copy):
    for name in PASSES:
        data_copy.change(name, lambda text: text + "T2.4,,Totaal,Nieuwe kolom,7\n")
    _, (difference,) = entry.compare(data_copy.path("entry/intensive"))
    assert str(difference) == "T2.4 / Totaal / Nieuwe kolom: first '7', second '7' (coding.yml knows no such cell)"


def test_a_cell_entered_twice_is_refused(data_copy):
    data_copy.change(PASSES[0], lambda text: text + "T2.4,,Totaal,Onbekend,15\n")
    with pytest.raises(
        PublishedDataError, match=r"first\.csv, row 687: T2\.4 / Totaal / Onbekend is entered twice\.\n  keep one"
    ):
        entry.compare(data_copy.path("entry/intensive"))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda raw: raw.replace(b"printed", b"gedrukt", 1), "row 1: wrong columns (unknown: gedrukt"),
        (lambda raw: raw.replace(b"Totaal", b"Tot\xe9al", 1), "row 2: byte 0xe9 is not UTF-8"),
        (lambda raw: raw.replace(b",4.617", b",4,617", 1), "row 2: 6 values where 5 columns stand"),
    ],
    ids=["column", "byte", "decimal comma without quotes"],
)
def test_a_damaged_pass_is_refused_with_file_and_row(fault, says, data_copy):
    data_copy.write(PASSES[0], fault(data_copy.path(PASSES[0]).read_bytes()))
    with pytest.raises(PublishedDataError) as caught:
        entry.compare(data_copy.path("entry/intensive"))
    assert str(caught.value).startswith(f"data/{PASSES[0]}, {says}")


def test_a_missing_pass_is_named(data_copy):
    data_copy.path(PASSES[1]).unlink()
    with pytest.raises(PublishedDataError, match=rf"^data/{PASSES[1]}: cannot be read"):
        entry.compare(data_copy.path("entry/intensive"))


def test_a_coding_that_is_not_yaml_is_refused(data_copy):
    data_copy.change("entry/intensive/coding.yml", lambda text: text + "\n  - {: oops")
    with pytest.raises(PublishedDataError, match=r"^data/entry/intensive/coding\.yml: cannot be read as YAML"):
        entry.compare(data_copy.path("entry/intensive"))


def test_a_count_that_cannot_be_read_is_refused_with_its_place(data_copy):
    for name in PASSES:
        data_copy.change(name, lambda text: text.replace("758 (39%)", "758 [39%]"))
    with pytest.raises(PublishedDataError, match=r"T2\.5 / Niet-westerse .* / Gesprek / Basis.*: '758 \[39%\]' is not"):
        entry.tidy(data_copy.path("entry/intensive"), "intensive")


# ---- found back: read the printed text here, by characters, and not with entry.parse -------------


def reading(printed: str) -> tuple[str, str, int, int]:
    """Sign, digits, decimals and number of stars of a printed text; digits are empty where it shows no number."""
    body = printed.rstrip("*")
    digits = "".join(character for character in body if character.isdigit())
    after_comma = body.partition(",")[2]
    decimals = sum(character.isdigit() for character in after_comma)
    sign = "-" if digits and body.lstrip("[")[0] in "-–−" else ""
    return sign, digits, decimals, len(printed) - len(body) if digits else 0


def in_dutch(row: dict[str, str]) -> str:
    """A tidy row in Dutch notation again; ``*`` where it has no value."""
    if row["status"] == "suppressed":
        return "*"
    sign = "-" if row["value"].startswith("-") else ""
    whole, _, fraction = row["value"].lstrip("-").partition(".")
    assert len(fraction) == int(row["decimals"])
    percent = "%" if row["unit"] in ("pct", "pp") else ""
    return f"{sign}{int(whole):,}".replace(",", ".") + (f",{fraction}" if fraction else "") + percent + row["stars"]


def tidy_by_place():
    found = defaultdict(list)
    for path in sorted((data_dir() / "published" / "intensive").glob("T*.csv")):
        for row in rows(path):
            found[row["table"], row["panel"], row["row"], row["column"]].append(row)
    return found


@pytest.mark.parametrize("name", ["first.csv", "second.csv"])
def test_every_printed_cell_is_found_back_in_the_tidy_data(name):
    tidy, typed = tidy_by_place(), rows(ENTRY / name)
    for row in typed:
        place = row["table"], row["panel"], row["row"], row["column"]
        printed = row["printed"].strip()
        parts = re.split(r"\s*\(|\)", printed)[: 2 if "(" in printed else 1]
        found = [reading(in_dutch(cell)) for cell in tidy.pop(place)]
        assert found == [reading(part) for part in parts], f"{place}: printed {printed!r}"
    assert not tidy, f"tidy cells that nobody printed: {list(tidy)}"


def test_a_count_with_a_share_makes_two_cells_of_which_either_can_be_suppressed():
    found = tidy_by_place()["T2.5", "Niet-westerse migratieachtergrond", "Competentietest", "Basisdienstverlening"]
    assert [(row["statistic"], row["unit"], row["value"], row["status"]) for row in found] == [
        ("count", "count", "", "suppressed"),
        ("share", "pct", "10", "printed"),
    ]


def test_percent_signs_make_percentages_and_percentages_of_effects_make_points():
    for (table, *_), cells in tidy_by_place().items():
        for row in cells:
            if row["unit"] == "pp":
                assert row["statistic"] in ("effect", "cumulative_effect"), (table, row["cell"])
            if row["unit"] == "pct":
                assert row["statistic"] in ("level", "share"), (table, row["cell"])
    typed = {(r["table"], r["panel"], r["row"], r["column"]): r["printed"] for r in rows(ENTRY / "first.csv")}
    for place, cells in tidy_by_place().items():
        units = {row["unit"] for row in cells}
        assert ("%" in typed[place]) <= bool(units & {"pct", "pp"}), f"{place}: a percentage lost its unit"


def test_an_effect_coded_as_a_percentage_comes_out_in_points(data_copy):
    before = entry.tidy(data_copy.path("entry/intensive"), "intensive")
    data_copy.change(
        "entry/intensive/coding.yml",
        lambda text: text.replace("statistic: effect, unit: pp", "statistic: effect, unit: pct"),
    )
    assert entry.tidy(data_copy.path("entry/intensive"), "intensive") == before
