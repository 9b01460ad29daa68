"""What the library should do and does not yet: every test here is expected to fail, and says so when it no longer does.

Whoever mends the library moves the test to the file of its module, without the mark.
"""

import json

import pytest
from watwerkt import package
from watwerkt.errors import AuditError, PublishedDataError
from watwerkt.paths import data_dir
from watwerkt.published import published
from watwerkt.reading import parse

from tests.lib.boards import board, cell, count

pytestmark = pytest.mark.xfail(strict=True, reason="the library does not do this yet")

# ---- published data ------------------------------------------------------------------------------


def test_a_table_that_the_data_package_lists_is_missed_even_without_its_sidecar(data_copy):
    for suffix in ("csv", "json"):
        data_copy.path(f"published/wga/T4.2.{suffix}").unlink()
    with pytest.raises(PublishedDataError, match=r"T4\.2"):
        published("wga")


def test_a_code_list_that_is_not_utf_8_stops_make_data_with_its_row(data_copy, capsys):
    data_copy.write("codes/status.csv", data_copy.path("codes/status.csv").read_bytes() + b"a,\xe9,c,D.\n")
    assert package.main() == 1
    assert "data/codes/status.csv, row 6: byte 0xe9 is not UTF-8" in capsys.readouterr().err


def test_every_part_of_the_linked_data_is_described_at_the_length_that_search_engines_want():
    parts = json.loads((data_dir() / "dataset.jsonld").read_text(encoding="utf-8"))["hasPart"]
    assert [part["@id"] for part in parts if len(part["description"]) < 50] == []


# ---- rules ---------------------------------------------------------------------------------------

CELLS = board(
    *(cell(text, dimension="sex", category=sex) for text, sex in (("10.0", "male"), ("20.0", "female"))),
    *(count(n, arm=arm) for n, arm in (("30", "experiment"), ("20", "control"))),
    *(cell(text, population=who) for text, who in (("12.0", "nonwestern"), ("14.0", "none"))),
    *(count(n, population=who, arm="all") for n, who in (("70", "nonwestern"), ("30", "western"))),
    cell("13.0"),
)
SEXES = "{dimension: sex, statistic: level, category: any}"
SEVERAL = {
    "same_sign": f"kind: same_sign\ntables: [T1]\nby: []\nterms: {{a: {SEXES}, b: {{category: all, outcome: job}}}}",
    "direction": "kind: direction\ntables: [T1]\nby: []\nterms: {effect: {category: male}, first: {category: female}, "
                 f"second: {SEXES}}}",
    "mark_of_shares": "kind: mark_of_shares\ntables: [T1]\nby: []\nlegend: {'*': 0.05}\npeople: [[n1], [n2]]\n"
                      f"terms: {{first: {SEXES}, second: {{category: female}}, n1: {{arm: experiment}}, "
                      "n2: {arm: control}}",
}  # fmt: skip


@pytest.mark.parametrize("kind", SEVERAL)
def test_a_term_of_any_kind_of_rule_that_fits_several_cells_is_named(kind, applied):
    """As in an equation. Two kinds end with a ValueError, the third silently takes the first cell."""
    with pytest.raises(AuditError, match=r"several cells"):
        applied(SEVERAL[kind], CELLS)


def test_a_mean_over_populations_is_weighted_with_the_same_populations(applied):
    with pytest.raises(AuditError, match=r"weighted with"):
        applied(
            """
            tables: [T1]
            says: whole == mean(parts, people)
            by: []
            terms:
              whole: {population: all, outcome: job, dimension: all}
              parts: {population: [nonwestern, none], outcome: job}
              people: {population: [nonwestern, western], outcome: people, arm: all}
            """,
            CELLS,
        )


def test_two_minus_signs_around_a_euro_sign_are_refused():
    with pytest.raises(PublishedDataError):
        parse("- € -5")
