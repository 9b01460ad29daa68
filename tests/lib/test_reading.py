"""Printed cells: every kind of cell gives the numbers that a reader sees, and nothing is guessed."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from watwerkt.errors import PublishedDataError
from watwerkt.reading import BLANK, SUPPRESSED, numbers, parse

WHERE = "T3.2 / I-dvl / 6 maanden"
EFFECT = {"statistic": "effect", "unit": "pp"}


def read(printed, **codes):
    """The numbers of a cell: the codes that it carries, and value, decimals and marks, each as text."""
    return list(numbers(printed, {**EFFECT, **codes}, where=WHERE))


def values(printed, **codes):
    return [number["value"] for _, number in read(printed, **codes)]


def refused(printed, **codes):
    with pytest.raises(PublishedDataError) as caught:
        read(printed, **codes)
    return str(caught.value)


# ---- one number in Dutch notation ----------------------------------------------------------------


def dutch(sign: str, whole: int, fraction: str, *, grouped: bool, tail: str) -> str:
    digits = f"{whole:,}".replace(",", ".") if grouped else str(whole)
    return sign + digits + (f",{fraction}" if fraction else "") + tail


SIGNS = {"": "", "+": "", "+ ": "", "-": "-", "–": "-", "−": "-", "- ": "-", "--": "-"}
EUROS = {"": "", "€": "", "€ ": "", "€ -": "-", "€-": "-"}


@given(
    sign=st.sampled_from(sorted(SIGNS)),
    euro=st.sampled_from(sorted(EUROS)),
    whole=st.integers(0, 9_999_999),
    fraction=st.text("0123456789", max_size=6),
    grouped=st.booleans(),
    percent=st.sampled_from(["", "%", " %"]),
    stars=st.sampled_from(["", "*", "**", "***"]),
    letters=st.lists(st.sampled_from("ABCD"), unique=True, max_size=3),
)
@example(sign="-", euro="", whole=0, fraction="02", grouped=False, percent="", stars="", letters=[])
@example(sign="", euro="", whole=1238, fraction="", grouped=True, percent="", stars="", letters=[])
@example(sign="", euro="", whole=3, fraction="5", grouped=False, percent=" %", stars="", letters=[])
@example(sign="--", euro="", whole=0, fraction="0443", grouped=False, percent="", stars="*", letters=[])
@example(sign="- ", euro="€ ", whole=3748, fraction="", grouped=True, percent="", stars="**", letters=[])
@example(sign="", euro="", whole=9, fraction="65", grouped=False, percent="", stars="", letters=["B", "C"])
def test_a_number_in_dutch_notation_keeps_value_decimals_marks_and_letters(
    sign, euro, whole, fraction, grouped, percent, stars, letters
):
    assume(not (sign.strip() and euro.strip("€ ")))  # one sign, before or behind the €
    tail = percent + stars + ",".join(letters)
    found = parse(dutch(sign + euro, whole, fraction, grouped=grouped, tail=tail))
    negative = SIGNS[sign] or EUROS[euro]
    assert found == {
        "value": negative + str(whole) + (f".{fraction}" if fraction else ""),
        "decimals": len(fraction),
        "stars": stars,
        "larger_than": ",".join(letters),
        "status": "printed",
    }
    assert float(found["value"]) == float(f"{negative}{whole}.{fraction or '0'}")


@pytest.mark.parametrize("printed", ["[24%", "24%]", "[24%]"])
def test_brackets_around_a_block_are_no_part_of_the_number(printed):
    assert parse(printed)["value"] == "24"


def test_a_mark_behind_the_bracket_of_a_block_is_kept():
    assert (parse("0%]**")["value"], parse("0%]**")["stars"]) == ("0", "**")


@pytest.mark.parametrize("printed", ["-", "*", " - ", "*\n"])
def test_a_dash_or_a_lone_star_is_a_suppressed_number(printed):
    assert parse(printed) == {"value": "", "decimals": "", "stars": "", "larger_than": "", "status": "suppressed"}


def test_suppressed_cells_share_no_state():
    parse("*")["value"] = "1"
    assert (parse("*")["value"], SUPPRESSED["value"]) == ("", "")


def test_a_double_minus_is_a_minus_and_no_plus():
    """Table II.2 of wga prints ``--0,0443* (0,024)``."""
    assert parse("--0,0443*")["value"] == "-0.0443"


def test_letters_may_be_parted_by_comma_and_space_and_come_out_without():
    assert parse("15,4%A, B,C")["larger_than"] == "A,B,C"


@pytest.mark.parametrize("printed", ["- € 421 + A + B + C", "- € 3.067 + D"])
def test_items_without_a_price_behind_a_total_are_no_letters_of_a_test(printed):
    """Table 7.1 of wga: A to D stand for what could not be put into money."""
    found = parse(printed)
    assert (found["larger_than"], found["stars"]) == ("", "")
    assert found["value"] in ("-421", "-3067")


def test_stars_that_point_at_a_footnote_are_no_significance_marks():
    assert parse("- € 577**", marks="footnote")["stars"] == ""
    assert parse("- € 577**")["stars"] == "**"


@pytest.mark.parametrize(
    "printed",
    ["", "75.2", "1.23", "1,234.5", "12,", ",5", "12.3456", "1.2345", "n.v.t.", "5 6", "5****", "5€", "5E",
     "5 %%", "00", "0.500",
     "012", "-+5", "+-5", "---5", "A", "+ A", "5A B", "5,A", "1 (2)", "(5)", "1e5", "½", "5+", "€", "5--"],
)  # fmt: skip
def test_what_is_no_dutch_number_is_refused_and_not_guessed(printed):
    with pytest.raises(PublishedDataError) as caught:
        parse(printed, where=WHERE)
    assert str(caught.value).startswith(f"{WHERE}: {printed!r} is not a number in Dutch notation.\n  examples: 1.238")
    assert "say in coding.yml how the cell reads" in str(caught.value)


SLOTS = (["", "-", "–", "−", "+"], ["", "€", "€ "], ["5", "12", "750", "1.238"], ["", ",5", ",02"], ["", "%"],
         ["", "*", "**"], ["", "B", "A,C"])  # fmt: skip
STRAY = ["", "", "-", " ", "[", "]", ".", ",", "5", "*", "€", "+ A", "x"]


@st.composite
def nearly_dutch(draw):
    """A number in Dutch notation, often with something that does not belong there."""
    pieces = [draw(st.sampled_from(slot)) for slot in SLOTS]
    pieces.insert(draw(st.integers(0, len(pieces))), draw(st.sampled_from(STRAY)))
    return "".join(pieces)


@given(printed=nearly_dutch())
def test_any_text_is_read_as_a_decimal_number_or_refused(printed):
    """What comes out holds the digits of what went in, in order, and no other."""
    try:
        found = parse(printed)
    except PublishedDataError:
        return
    if found["status"] == "suppressed":
        assert printed.strip() in ("-", "*")
        return
    assert [c for c in found["value"] if c.isdigit()] == [c for c in printed if c.isdigit()]
    assert found["stars"] == "*" * printed.count("*")
    assert found["value"].startswith("-") == any(c in "-–−" for c in printed)
    assert found["decimals"] == len(found["value"].partition(".")[2])


# ---- notations that depart from it ---------------------------------------------------------------


@given(whole=st.integers(0, 999), fraction=st.text("0123456789", min_size=1, max_size=2))
def test_a_table_with_decimal_points_reads_like_one_with_commas(whole, fraction):
    assert parse(f"{whole}.{fraction}%*", decimal="point") == parse(f"{whole},{fraction}%*")


def test_a_decimal_point_is_refused_where_the_coding_does_not_announce_it():
    assert "is not a number in Dutch notation" in refused("19.3%")
    assert values("19.3%", decimal="point") == ["19.3"]


def test_three_digits_behind_a_point_are_decimals_where_the_coding_says_so():
    assert (parse("1.234", decimal="point")["value"], parse("1.234")["value"]) == ("1.234", "1234")


def test_a_comma_parts_thousands_where_the_coding_says_so():
    assert (parse("16,921", thousands="comma")["value"], parse("16,921")["value"]) == ("16921", "16.921")
    assert parse("1,238,000", thousands="comma")["value"] == "1238000"


def test_a_comma_before_two_digits_stays_a_decimal_sign_even_there():
    assert parse("16,92", thousands="comma")["value"] == "16.92"


def test_the_notation_of_a_table_reaches_every_number_of_a_cell():
    pair = [{"statistic": "level", "unit": "pct"}, {"statistic": "counterfactual", "unit": "pct"}]
    assert values("-0.10 (0.83 - 0.93)", cells="effect_levels", pair=pair, decimal="point") == ["-0.10", "0.83", "0.93"]
    se = {"statistic": "se"}
    assert values("1,5* (0,2)", cells="bracketed", bracket=se, marks="footnote") == ["1.5", "0.2"]
    assert [n["stars"] for _, n in read("1,5* (0,2)", cells="bracketed", bracket=se, marks="footnote")] == ["", ""]


def test_settings_are_no_codes_of_the_number():
    ((codes, _),) = read("5", marks="footnote", decimal="comma", thousands="point", cells="number", tokens={})
    assert codes == EFFECT


# ---- blanks and tokens ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["number", "count_share", "bracketed", "effect_levels", "tokens"])
def test_a_cell_typed_as_blank_gives_no_number(kind):
    assert read(BLANK, cells=kind) == []


def test_a_text_that_the_coding_explains_becomes_a_status_and_no_value():
    ((codes, number),) = read("n.b.", tokens={"n.b.": {"status": "not_estimated"}})
    assert codes == EFFECT
    assert number == {"value": "", "decimals": "", "stars": "", "larger_than": "", "status": "not_estimated"}


def test_a_cell_beside_a_token_still_reads_as_a_number():
    assert values("-1,2%", tokens={"n.b.": {"status": "not_estimated"}}) == ["-1.2"]


def test_a_dash_that_the_coding_explains_is_not_suppressed():
    ((_, number),) = read("-", tokens={"-": {"status": "not_estimated"}}, cells="bracketed")
    assert number["status"] == "not_estimated"


def test_tokens_lay_their_codes_over_those_of_the_cell_and_may_have_a_value():
    tokens = {"CD": {"statistic": "controlled_direct", "value": 1}, "-MOD": {"statistic": "moderation", "value": -1}}
    found = read("CD/-MOD", cells="tokens", tokens=tokens)
    assert [codes for codes, _ in found] == [
        {"statistic": "controlled_direct", "unit": "pp"}, {"statistic": "moderation", "unit": "pp"},
    ]  # fmt: skip
    assert [(n["value"], n["decimals"], n["status"]) for _, n in found] == [("1", 0, "printed"), ("-1", 0, "printed")]


def test_a_token_with_a_slash_is_read_whole_if_the_coding_explains_it_whole():
    tokens = {"n/a": {"status": "not_applicable"}, "n": {"value": 1}, "a": {"value": 2}}
    assert [number["status"] for _, number in read("n/a", cells="tokens", tokens=tokens)] == ["not_applicable"]


def test_reading_a_token_does_not_change_the_coding():
    tokens = {"+": {"statistic": "direction", "value": 1, "status": "printed"}}
    read("+", tokens=tokens)
    assert tokens == {"+": {"statistic": "direction", "value": 1, "status": "printed"}}


def test_a_token_that_the_coding_does_not_explain_is_refused_with_those_that_it_does():
    message = refused("CD/MID", cells="tokens", tokens={"CD": {"value": 1}, "MED": {"value": 1}})
    assert message == f"{WHERE}: 'CD/MID' holds 'MID', which the coding does not explain.\n  explained: 'CD', 'MED'"
    assert refused("x", cells="tokens").endswith("explained: none")


# ---- several numbers in a cell -------------------------------------------------------------------

COUNT, SHARE = {"statistic": "count", "unit": "count"}, {"statistic": "share", "unit": "pct"}


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("758 (39%)", [(COUNT, "758", "printed"), (SHARE, "39", "printed")]),
        ("1.203 (61%)", [(COUNT, "1203", "printed"), (SHARE, "61", "printed")]),
        ("4.617", [(COUNT, "4617", "printed")]),
        ("*(10%)", [(COUNT, "", "suppressed"), (SHARE, "10", "printed")]),
        ("*", [(COUNT, "", "suppressed")]),
    ],
)
def test_a_count_with_a_share_is_two_numbers_of_which_the_count_can_be_suppressed(printed, found):
    assert [(codes, n["value"], n["status"]) for codes, n in read(printed, cells="count_share")] == found


@pytest.mark.parametrize("printed", ["758 [39%]", "39%", "758 (39)", "758 (39%) (40%)", "-5", "758(39%)*"])
def test_what_is_no_count_with_a_share_is_refused(printed):
    assert refused(printed, cells="count_share") == (
        f"{WHERE}: {printed!r} is not a count, with or without a share: 758 (39%)"
    )


SE = {"statistic": "se", "unit": "coefficient"}


@pytest.mark.parametrize(
    ("printed", "main", "inner"),
    [
        ("0,8587*** (0,004)", ("0.8587", "***"), "0.004"),
        ("-0,0097***(0,002)", ("-0.0097", "***"), "0.002"),
        ("--0,0443* (0,024)", ("-0.0443", "*"), "0.024"),
        ("-3,7% (0,024)", ("-3.7", ""), "0.024"),
        ("12,2%B (134 dagen)", ("12.2", ""), "134"),
        ("7,2% (389 uren)", ("7.2", ""), "389"),
        ("16.921", ("16921", ""), None),
    ],
)
def test_a_number_with_another_in_brackets_is_two_numbers_with_their_own_codes(printed, main, inner):
    found = read(printed, cells="bracketed", bracket=SE)
    assert [codes for codes, _ in found] == [EFFECT, SE][: 2 if inner else 1]
    assert (found[0][1]["value"], found[0][1]["stars"]) == main
    assert [number["value"] for _, number in found[1:]] == ([inner] if inner else [])


def test_the_codes_of_the_bracket_leave_the_cells_own_codes_where_they_say_nothing():
    found = read("1 (2)", cells="bracketed", bracket={"statistic": "se"}, outcome="job")
    assert found[1][0] == {"statistic": "se", "unit": "pp", "outcome": "job"}


@pytest.mark.parametrize("printed", ["(0,024)", "1 (2) (3)", "1 (2", "1 )2(", "1 ()"])
def test_what_is_no_number_with_another_in_brackets_is_refused(printed):
    assert refused(printed, cells="bracketed", bracket=SE) == (
        f"{WHERE}: {printed!r} is not a number with another in brackets: -3,7% (0,024)"
    )


def test_a_word_in_the_bracket_that_is_no_unit_is_refused():
    assert "is not a number in Dutch notation" in refused("1 (circa 2)", cells="bracketed", bracket=SE)


PAIR = [{"arm": "experiment", "statistic": "level", "unit": "pct"}, {"statistic": "counterfactual", "unit": "pct"}]


@pytest.mark.parametrize(
    ("printed", "found", "stars"),
    [
        ("3,2%*** (26,8% - 23,6%)", ["3.2", "26.8", "23.6"], "***"),
        ("-1,0% (26,8% - 27,8%)", ["-1.0", "26.8", "27.8"], ""),
        ("0,00 (3,4 – 3,4)", ["0.00", "3.4", "3.4"], ""),
        ("-3% (12% - 15%)**", ["-3", "12", "15"], "**"),
        ("-0,23*** (2,53 - 2,76)", ["-0.23", "2.53", "2.76"], "***"),
        ("€-1.130** (€50.008 - €51.138)", ["-1130", "50008", "51138"], "**"),
        ("- € 0,59 (€17,52 - €18,11)", ["-0.59", "17.52", "18.11"], ""),
        ("-0,1 (-0,2 - -0,1)", ["-0.1", "-0.2", "-0.1"], ""),
        ("-2,1% (36,9% - 39%)", ["-2.1", "36.9", "39"], ""),
        ("11,7%**", ["11.7"], "**"),
    ],
)
def test_an_effect_with_its_levels_is_three_numbers_and_the_stars_are_the_effects(printed, found, stars):
    read_back = read(printed, cells="effect_levels", pair=PAIR)
    assert [number["value"] for _, number in read_back] == found
    assert [number["stars"] for _, number in read_back] == [stars, "", ""][: len(found)]
    assert [codes for codes, _ in read_back] == [EFFECT, PAIR[0], {**EFFECT, **PAIR[1]}][: len(found)]


level = st.tuples(st.integers(0, 99), st.integers(0, 9)).map(lambda n: f"{n[0]},{n[1]}%")


@given(effect=level, first=level, second=level, minus=st.sampled_from(["", "-", "–"]), dash=st.sampled_from("-–−"))
def test_the_dash_between_two_levels_is_no_minus_of_the_second(effect, first, second, minus, dash):
    found = values(f"{minus}{effect} ({first} {dash} {second})", cells="effect_levels", pair=PAIR)
    assert [v.replace(".", ",").removeprefix("-") + "%" for v in found] == [effect, first, second]
    assert [v.startswith("-") for v in found] == [bool(minus), False, False]


@pytest.mark.parametrize("printed", ["3,2% (26,8%)", "3,2% 26,8% - 23,6%)", "(1% - 2%)", "3,2% (1% - 2%) (3% - 4%)"])
def test_what_is_no_effect_with_two_levels_is_refused(printed):
    assert refused(printed, cells="effect_levels", pair=PAIR) == (
        f"{WHERE}: {printed!r} is not an effect with two levels: 3,2%*** (26,8% - 23,6%)"
    )


@pytest.mark.parametrize(("kind", "printed", "lacking"), [
    ("bracketed", "1 (2)", "bracket"), ("effect_levels", "1% (2% - 3%)", "pair"),
])  # fmt: skip
def test_codes_of_the_numbers_in_brackets_that_the_coding_lacks_are_asked_for(kind, printed, lacking):
    assert refused(printed, cells=kind) == (
        f"{WHERE}: the coding does not say what stands in the brackets.\n  add {lacking!r} to it"
    )


def test_three_levels_in_the_bracket_are_refused():
    assert "is not a number in Dutch notation" in refused("1% (2% - 3% - 4%)", cells="effect_levels", pair=PAIR)


def test_a_kind_of_cell_that_does_not_exist_is_refused_with_those_that_do():
    assert refused("5", cells="pair") == (
        f"{WHERE}: there is no kind of cell 'pair'.\n  allowed: number, count_share, bracketed, effect_levels, tokens"
    )


def test_two_minus_signs_around_a_euro_sign_are_refused():
    with pytest.raises(PublishedDataError):
        parse("- € -5")
