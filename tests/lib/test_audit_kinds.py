"""Every kind of rule: which cells its checks get, and which it must leave alone."""

import pytest
from watwerkt import audit
from watwerkt.audit import checks
from watwerkt.audit.relations import legend
from watwerkt.audit.weights import Between
from watwerkt.errors import AuditError
from watwerkt.uncertainty import Range

from tests.lib.boards import board, cell, count, keys


def cells_of(printed, relations):
    """The prints of each check, in the order of the check."""
    return [[printed.prints[i].text or "–" for i in check.cells] for one in relations for check in one.checks]


# ---- the same quantity in several places ---------------------------------------------------------

REPEATED = board(
    cell("26.8", table="T1", arm="experiment"),
    cell("23.6", table="T1", arm="control"),
    cell("26.7", table="T2", arm="experiment"),
    cell("26.9", table="T2", arm="experiment", comparison="experiment_vs_control", key="in_brackets"),
    cell("9.0", table="T2", arm="experiment", outcome="job_12h"),
    *(cell(text, table="T1", arm="regular", key=key) for text, key in (("5.0", "above"), ("6.0", "below"))),
    cell("", table="T3", arm="control"),
)


def test_the_same_quantity_is_sought_in_other_tables_and_not_in_its_own(applied):
    found = applied("kind: same\ntables: [T1, T2, T3]", REPEATED)
    assert cells_of(REPEATED, found) == [["26.8", "26.7"], ["23.6", "–"]]


def test_a_column_that_is_ignored_does_not_part_what_is_the_same(applied):
    found = applied("kind: same\ntables: [T1, T2]\nignore: [comparison]", REPEATED)
    assert cells_of(REPEATED, found) == [["26.8", "26.7", "26.9"]]


@pytest.mark.parametrize(("line", "marks"), [("", False), ("marks: true", True)])
def test_marks_are_compared_only_where_the_rule_says_so(line, marks, applied):
    (relation,) = applied(f"kind: same\ntables: [T1, T2]\n{line}", REPEATED)
    assert [check.marks for check in relation.checks] == [marks]


def test_a_quantity_that_stands_in_one_table_only_is_refused_as_a_rule_without_cells(applied):
    with pytest.raises(AuditError, match=r"no cells belong together"):
        applied("kind: same\ntables: [T1]", REPEATED)


def test_the_same_quantity_under_other_codes_is_named_term_by_term(applied):
    found = applied(
        """
        kind: same_terms
        tables: [T1, T2]
        by: []
        terms: {one: {table: T1, arm: experiment}, two: {table: T2, cell: in_brackets}}
        """,
        REPEATED,
    )
    assert cells_of(REPEATED, found) == [["26.8", "26.9"]]


# ---- shares that can only grow -------------------------------------------------------------------

MONTHS = board(
    *(cell(text, horizon_months=h, arm="experiment") for text, h in (("30.0", 12.0), ("10.0", 3.0), ("20.0", 6.0))),
    cell("11.0", horizon_months=3.0, arm="control"),
    cell("5.0", arm="control"),
    cell("12.0", horizon_months=3.0, arm="regular", outcome="job_12h"),
)


def test_shares_that_grow_are_put_in_the_order_of_time_and_a_single_moment_is_left_out(applied):
    found = applied("kind: rising\ntables: [T1]", MONTHS)
    assert cells_of(MONTHS, found) == [["10.0", "20.0", "30.0"]]


# ---- totals between their parts ------------------------------------------------------------------

BETWEEN = board(
    *(cell(whole, outcome=o) for whole, o in (("20.0", "job"), ("50.0", "exit_benefit"))),
    *(
        cell(text, outcome=o, dimension="sex", category=sex)
        for text, o, sex in (("30.0", "job", "male"), ("10.0", "job", "female"), ("60.0", "exit_benefit", "male"),
                             ("40.0", "exit_benefit", "female"), ("9.0", "working", "male"))
    ),
    cell("12.0", outcome="self_employment"),
    cell("15.0", outcome="self_employment", dimension="sex", category="male"),
)  # fmt: skip
RULE = """
kind: between
tables: [T1]
whole: {dimension: all, category: all}
parts: {dimension: sex, category: any}
"""


def columns(found):
    return [[(c.whole, *c.parts) for c in check.columns] for relation in found for check in relation.checks]


def test_columns_named_in_over_share_one_set_of_weights(applied):
    found = applied(RULE + "over: [outcome]", BETWEEN)
    assert columns(found) == [[(0, 3, 2), (1, 5, 4)]]
    assert all(isinstance(check, Between) for relation in found for check in relation.checks)


def test_without_over_every_column_has_weights_of_its_own(applied):
    assert columns(applied(RULE, BETWEEN)) == [[(0, 3, 2)], [(1, 5, 4)]]


def test_a_total_with_one_part_only_says_nothing_and_is_left_out(applied):
    """Self-employment is printed for men only: the total may be anything."""
    places = {i for check in applied(RULE, BETWEEN)[0].checks for i in check.cells}
    assert places.isdisjoint({6, 7, 8})


def test_limits_of_weights_come_in_the_order_of_the_parts(applied):
    ((check, _),) = [r.checks for r in applied(RULE + "shares: {male: [0.5, 0.6]}\nrest: 0.05\nceiling: 100", BETWEEN)]
    assert check.limits == (Range(0.0, 1.0), Range(0.5, 0.6))
    assert (check.rest, check.floor, check.ceiling) == (0.05, 0.0, 100.0)


# ---- missing parts, signs, and what should not be printed ----------------------------------------

FOUR = ["controlled_direct_effect", "reference_interaction", "mediated_interaction", "pure_indirect_effect"]
PARTS = board(
    cell("1.0", statistic="total_effect"),
    *(cell(text, statistic=s) for text, s in zip(("0.5", "0.2", "0.2", "0.1"), FOUR, strict=True)),
    cell("2.0", statistic="total_effect", outcome="working"),
    *(cell(text, statistic=s, outcome="working") for text, s in zip(("1.5", "0.2"), FOUR[:2], strict=True)),
)  # fmt: skip


def test_only_a_total_with_too_few_parts_lacks_one(applied):
    found = applied(
        f"""
        kind: missing_part
        tables: [T1]
        terms: {{total: {{statistic: total_effect}}, parts: {{statistic: [{", ".join(FOUR)}]}}}}
        count: 4
        name: an indirect effect
        """,
        PARTS,
    )
    assert cells_of(PARTS, found) == [["2.0", "1.5", "0.2"]]


def test_two_estimates_of_one_effect_are_paired_by_what_they_share(applied):
    printed = board(
        *(cell(t, table="T1", outcome=o, statistic="effect") for t, o in (("1.0", "job"), ("-1.0", "working"))),
        *(cell(t, table="T2", outcome=o, statistic="effect") for t, o in (("-2.0", "working"), ("2.0", "job"))),
    )
    found = applied(
        "kind: same_sign\ntables: [T1, T2]\nby: [outcome]\nterms: {iv: {table: T1}, itt: {table: T2}}", printed
    )
    assert cells_of(printed, found) == [["1.0", "2.0"], ["-1.0", "-2.0"]]


def test_an_effect_is_put_beside_the_levels_that_the_rule_names(applied):
    found = applied(
        """
        kind: direction
        tables: [T2, T3]
        by: []
        terms: {effect: {table: T3}, first: {table: T2, arm: experiment}, second: {table: T2, arm: control}}
        """,
        SHARES,
    )
    assert cells_of(SHARES, found) == [["3.2***", "26.8", "23.6"]]


def test_numbers_that_could_not_be_estimated_are_one_check(applied):
    (relation,) = applied("kind: not_printed\ntables: [T1]\nwhere: {outcome: job}", BETWEEN)
    assert [len(check.cells) for check in relation.checks] == [3]


# ---- marks ---------------------------------------------------------------------------------------

SHARES = board(
    *(cell(t, table="T2", arm=a) for t, a in (("26.8B", "experiment"), ("23.6", "control"))),
    *(count(n, table="T1", arm=a) for n, a in (("6774", "experiment"), ("6620", "control"))),
    cell("3.2***", table="T3", statistic="effect", comparison="experiment_vs_control"),
    *(cell(t, table="T4", arm=a, outcome="composition") for t, a in (("50.0", "experiment"), ("60.0", "control"))),
)
OF_SHARES = """
kind: mark_of_shares
tables: [T1, T2, T3, T4]
by: []
legend: {"*": 0.05}
letter: B
terms:
  first: {table: T2, arm: experiment}
  second: {table: T2, arm: control}
  n1: {table: T1, arm: experiment}
  n2: {table: T1, arm: control}
people: [[n1], [n2]]
"""


def test_a_letter_stands_at_the_first_share_and_people_are_the_counts_named(applied):
    ((check,),) = [relation.checks for relation in applied(OF_SHARES, SHARES)]
    assert (check.shares, check.marked, check.people) == ((0, 1), 0, ((2,), (3,)))
    assert (check.letter, check.legend, check.slack) == ("B", {"*": 0.05}, 0.01)
    assert check.problem(SHARES.prints) is None


def test_a_mark_may_stand_at_another_cell_and_people_be_a_product(applied):
    found = applied(
        """
        kind: mark_of_shares
        tables: [T1, T2, T3, T4]
        by: []
        slack: 0.1
        legend: {"*": 0.10, "**": 0.05, "***": 0.01}
        terms:
          first: {table: T2, arm: experiment}
          second: {table: T2, arm: control}
          marked: {table: T3}
          n1: {table: T1, arm: experiment}
          n2: {table: T1, arm: control}
          share1: {table: T4, arm: experiment}
          share2: {table: T4, arm: control}
        people: [[n1, share1], [n2, share2]]
        """,
        SHARES,
    )
    ((check,),) = [relation.checks for relation in found]
    assert (check.marked, check.people) == (4, ((2, 5), (3, 6)))
    assert (check.letter, check.slack) == ("", 0.1)


def test_a_mark_of_a_ratio_is_read_with_the_legend_of_its_table():
    (relation,) = [one for one in audit.rules_of("wga") if one.id == "marks_of_coefficients"]
    printed = audit.board("wga")
    assert all(isinstance(check, checks.MarkOfRatio) for check in relation.checks)
    assert len(relation.checks) > 100
    for check in relation.checks:
        estimate, error = (printed.cells[i] for i in check.cells)
        assert (estimate.statistic, error.statistic) == ("coefficient", "se")
        assert (estimate.table, estimate.category, estimate.outcome) == (error.table, error.category, error.outcome)
        assert check.legend == {"*": 0.10, "**": 0.05, "***": 0.01}


def test_the_legend_of_a_table_goes_before_that_of_its_report():
    """wga's Table 2.5 marks with one star at 5%; intensive's tables have no legend of their own."""
    assert legend("intensive", "T3.2") == {"*": 0.10, "**": 0.05}
    assert legend("wga", "T4.2") == {"*": 0.10, "**": 0.05, "***": 0.01}
    assert legend("wga", "T2.5") == {"*": 0.05}


# ---- verdicts ------------------------------------------------------------------------------------

CODES = {"dimension": "mechanism", "unit": "code"}
VERDICTS = board(
    cell("1", table="T5", category="mastery", statistic="moderation", **CODES),
    cell("1", table="T5", category="self_efficacy", statistic="no_mechanism", **CODES),
    cell("0.2*", table="TIII.1", dimension="mechanism", category="mastery", statistic="reference_interaction"),
    cell("0.3", table="TIII.1", dimension="mechanism", category="mastery", statistic="pure_indirect_effect"),
    cell("0.4*", table="TIII.2", dimension="mechanism", category="self_efficacy", statistic="reference_interaction"),
    cell("0.5*", table="TIII.3", dimension="mechanism", category="search_intention", statistic="reference_interaction"),
)


def test_a_verdict_judges_the_number_of_its_own_mechanism_and_outcome(applied):
    found = applied(
        """
        kind: verdicts
        tables: [TIII.*]
        codes: T5
        pairs: {moderation: reference_interaction, mediation: pure_indirect_effect}
        """,
        VERDICTS,
    )
    assert keys(VERDICTS, found) == [
        ["T5:all.mastery.job.moderation", "TIII.1:all.mastery.job.reference_interaction"],
        ["T5:all.self_efficacy.job.no_mechanism", "TIII.2:all.self_efficacy.job.reference_interaction"],
        ["T5:all.mastery.job.moderation", "TIII.1:all.mastery.job.pure_indirect_effect"],
    ]
    wrong = [bool(check.problem(VERDICTS.prints)) for check in found[0].checks]
    assert wrong == [False, True, False]
