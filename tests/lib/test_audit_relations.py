"""Rules as written down: which cells they put together, and what is said of a rule that cannot be applied."""

import pytest
from watwerkt import audit
from watwerkt.audit.relations import relations
from watwerkt.errors import AuditError
from watwerkt.published import prose

from tests.lib.boards import HEAD, board, cell, count
from tests.lib.boards import keys as keys_on

ARMS = ("experiment", "control")
PEOPLE = board(
    *(count(n, table="T1", arm=arm) for n, arm in (("30", "experiment"), ("20", "control"), ("50", "all"))),
    *(count(n, table="T1", arm=arm, population="nonwestern") for n, arm in (("3", "experiment"), ("2", "control"))),
    count("5", table="T1", arm="all", population="nonwestern"),
    *(cell(n, table="T2", arm=ARMS[0], dimension="sex", category=s) for n, s in (("60", "male"), ("40", "female"))),
    *(cell(n, table="T2", arm=ARMS[1], dimension="sex", category=s) for n, s in (("55", "male"), ("45", "female"))),
    *(cell(n, table="T3", arm=arm, horizon_months=12.0) for n, arm in (("26.8", "experiment"), ("23.6", "control"))),
    cell("3.2**", table="T3", comparison="experiment_vs_control", statistic="effect", unit="pp", horizon_months=12.0),
)  # fmt: skip


def keys(found, printed=PEOPLE):
    return keys_on(printed, found)


BY_ARM = """
tables: [T1]
says: total == sum(arms)
terms: {total: {arm: all}, arms: {arm: [experiment, control]}}
"""


# ---- cells that belong together ------------------------------------------------------------------


def test_cells_belong_together_if_they_agree_in_every_column_that_no_term_mentions(applied):
    assert keys(applied(BY_ARM, PEOPLE)) == [
        ["T1:all.all.all.people.count", "T1:all.all.experiment.people.count", "T1:all.all.control.people.count"],
        ["T1:nonwestern.all.all.people.count", "T1:nonwestern.all.experiment.people.count",
         "T1:nonwestern.all.control.people.count"],
    ]  # fmt: skip


def test_where_narrows_every_term(applied):
    assert len(keys(applied(BY_ARM + "where: {population: nonwestern}", PEOPLE))) == 1


def test_a_term_may_look_into_a_table_of_its_own(applied):
    found = applied(
        """
        tables: [T1, T2]
        says: young < people
        by: [arm]
        terms:
          young: {table: T2, category: male}
          people: {table: T1, population: all, arm: [experiment, control]}
        """,
        PEOPLE,
    )
    assert keys(found) == [
        ["T2:all.male.experiment.job.level", "T1:all.all.experiment.people.count"],
        ["T2:all.male.control.job.level", "T1:all.all.control.people.count"],
    ]


def test_by_names_the_columns_that_must_agree_in_place_of_all_others(applied):
    text = BY_ARM.replace("terms: {total: {arm: all}", "by: [population]\nterms: {total: {arm: all}")
    assert keys(applied(text, PEOPLE)) == keys(applied(BY_ARM, PEOPLE))
    everyone = text.replace("by: [population]", "by: []\nwhere: {population: all}")
    assert len(keys(applied(everyone, PEOPLE))) == 1


def test_a_term_that_fixes_a_column_of_by_serves_every_group(applied):
    """One total serves all its parts."""
    found = applied(
        """
        tables: [T1]
        says: part < whole
        by: [population, arm]
        terms:
          whole: {arm: all, population: all}
          part: {arm: [experiment, control], population: [all, nonwestern]}
        """,
        PEOPLE,
    )
    assert sorted(keys(found)) == sorted(
        [f"T1:{population}.all.{arm}.people.count", "T1:all.all.all.people.count"]
        for population in ("all", "nonwestern") for arm in ARMS
    )  # fmt: skip


def test_any_leaves_a_column_free_that_a_term_would_otherwise_have_to_share(applied):
    text = """
        tables: [T3]
        says: effect == first - second
        terms:
          effect: {statistic: effect, comparison: experiment_vs_control, arm: "", unit: any}
          first: {statistic: level, arm: experiment, comparison: "", unit: any}
          second: {statistic: level, arm: control, comparison: "", unit: any}
        """
    assert len(keys(applied(text, PEOPLE))) == 1
    with pytest.raises(AuditError, match=r"no cells belong together"):
        applied(text.replace(", unit: any", ""), PEOPLE)


def test_for_repeats_a_rule_with_each_value_in_turn(applied):
    found = applied(
        """
        tables: [T2]
        says: part < 100
        for: {category: [male, female]}
        terms: {part: {category: each, arm: any}}
        by: [arm]
        """,
        PEOPLE,
    )
    assert [relation.id for relation in found] == ["some_rule", "some_rule"]
    assert [key.split(".")[1] for (key,) in keys(found)] == ["male", "male", "female", "female"]


def test_for_reaches_where_and_lists(applied):
    found = applied(
        """
        tables: [T2]
        says: sum(parts) == 100
        for: {dimension: [sex]}
        where: {dimension: each}
        terms: {parts: {category: any, dimension: [each]}}
        """,
        PEOPLE,
    )
    assert len(keys(found)) == 2
    assert all(len(cells) == 2 for cells in keys(found))


def test_a_group_in_which_a_term_has_no_cell_is_left_out(applied):
    assert len(keys(applied(BY_ARM.replace("[experiment, control]", "experiment"), PEOPLE))) == 2
    short = board(*PEOPLE.cells[:4])
    assert len(keys(applied(BY_ARM, short), short)) == 1


def test_values_and_weights_of_a_mean_stand_in_the_same_order(applied):
    mixed = board(
        cell("20.0", dimension="all"),
        cell("10.0", dimension="sex", category="male"), cell("30.0", dimension="sex", category="female"),
        count("100", dimension="sex", category="female"), count("100", dimension="sex", category="male"),
    )  # fmt: skip
    ((relation,),) = [
        applied(
            """
            tables: [T1]
            says: whole == mean(parts, people)
            by: []
            terms:
              whole: {dimension: all, outcome: job}
              parts: {dimension: sex, outcome: job}
              people: {dimension: sex, outcome: people}
            """,
            mixed,
        )
    ]
    (check,) = relation.checks
    assert [mixed.cells[i].category for i in check.terms["parts"]] == ["female", "male"]
    assert [mixed.cells[i].category for i in check.terms["people"]] == ["female", "male"]


def test_a_relation_keeps_its_rule_severity_and_merging_sentence(applied):
    (relation,) = applied(BY_ARM + "severity: likely\nmerge: They have one cause.", PEOPLE)
    assert (relation.id, relation.rule, relation.severity) == ("some_rule", "total", "likely")
    assert relation.merge == "They have one cause."
    assert applied(BY_ARM, PEOPLE)[0].severity == "certain"


def test_a_study_without_rules_has_none(data_copy):
    assert relations(audit.board("personal")) == []


# ---- what cannot be applied ----------------------------------------------------------------------

FILE = "data/audit/via.yml, rule 'some_rule'"
RULE = "audit rule 'some_rule' of 'via'"


def drop(line):
    return HEAD.replace(line, "")


TWO_TABLES = BY_ARM.replace("arms: {arm:", "arms: {table: T2, arm:").replace("[T1]", "[T1, T2]")
REFUSED = {  # the rule, what stands before it, and how the message begins
    "no note": (BY_ARM, drop("  note: Some cells belong together.\n"), f"{FILE}: note missing.\n  required: id, rule"),
    "no rule": (BY_ARM, drop("  rule: total\n"), f"{FILE}: rule missing.\n  required: id, rule, tables, note"),
    "no tables": (BY_ARM.replace("tables: [T1]", ""), HEAD, f"{FILE}: tables missing.\n  required: "),
    "unknown key": (BY_ARM + "wher: {arm: all}", HEAD, f"{FILE}: wher is no key of a rule of kind 'equation'.\n  a"),
    "unknown kind": (BY_ARM + "kind: equasion", HEAD, f"{FILE}: there is no kind 'equasion'.\n  allowed: equation"),
    "unknown rule": (BY_ARM, HEAD.replace("total", "sums"), f"{FILE}: 'sums' is not a code in data/codes/rule.csv.\n"),
    "unknown severity": (BY_ARM + "severity: sure", HEAD, f"{FILE}: 'sure' is not a code in data/codes/severity.csv"),
    "no table": (BY_ARM.replace("[T1]", "[T9]"), HEAD, f"{RULE}: no table fits 'T9'.\n  tables: T1, T2, T3"),
    "no cell": (BY_ARM.replace("all}", "regular}"), HEAD, f"{RULE}: no cell in T1 has {{'arm': 'regular'}}.\n"),
    "no column": (BY_ARM.replace("arm: all", "arms: all"), HEAD, f"{RULE}: cells have no column 'arms'.\n  allowed: "),
    "no code": (BY_ARM.replace("all}", "al}"), HEAD, f"{RULE}: 'al' is not a code in data/codes/arm.csv.\n  allowed: "),
    "no term": (BY_ARM.replace("sum(arms)", "sum(parts)"), HEAD,
                f"{FILE}: arms, parts stands in 'says' or in 'terms' only.\n  name every term in both"),
    "several cells": (BY_ARM.replace("sum(arms)", "arms"), HEAD,
                      f"{RULE}: the term 'arms' fits several cells at once: T1:all.all.experiment.people.count, "
                      "T1:all.all.control.people.count.\n  name more codes, or sum it"),
    "no group": (TWO_TABLES, HEAD, f"{RULE}: no cells belong together.\n  the terms must agree in every column"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_a_rule_that_cannot_be_applied_is_refused_with_its_name_and_what_is_allowed(fault, applied):
    text, head, says = REFUSED[fault]
    with pytest.raises(AuditError) as caught:
        applied(text, PEOPLE, head=head)
    assert str(caught.value).startswith(says)


def test_a_rule_without_id_is_refused(applied):
    with pytest.raises(AuditError, match=r"^data/audit/via\.yml, rule 'without id': id missing\.\n  required: id"):
        applied(BY_ARM, PEOPLE, head=drop("- id: some_rule\n").replace("  rule", "- rule", 1))


def test_an_id_that_stands_twice_is_refused(applied, data_copy):
    applied(BY_ARM, PEOPLE)
    data_copy.change("audit/via.yml", lambda text: text + "\n" + text)
    with pytest.raises(AuditError) as caught:
        relations(PEOPLE)
    assert str(caught.value) == f"{FILE}: the id stands twice.\n  give each rule an id of its own"


def test_rules_of_a_study_may_stand_in_several_files_and_an_id_in_one_of_them_only(applied, data_copy):
    applied(BY_ARM, PEOPLE)
    text = data_copy.text("audit/via.yml")
    data_copy.write("audit/via-more.yml", text.replace("some_rule", "another"))
    assert sorted(relation.id for relation in relations(PEOPLE)) == ["another", "some_rule"]
    data_copy.write("audit/via-more.yml", text)
    with pytest.raises(AuditError, match=r"^data/audit/via(-more)?\.yml, rule 'some_rule': the id stands twice"):
        relations(PEOPLE)


def test_a_value_of_for_without_cells_is_named(applied):
    with pytest.raises(AuditError, match=r"no cell in T2 has \{'category': 'older'\}"):
        applied("tables: [T2]\nsays: x < 100\nfor: {category: [male, older]}\nterms: {x: {category: each}}", PEOPLE)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("- id: a\n  rule: [", "data/audit/via.yml: cannot be read as YAML.\n  while parsing"),
        ("id: a\nrule: total\n", "data/audit/via.yml: found a dict.\n  allowed: a list of rules"),
        ("", "data/audit/via.yml: found a NoneType.\n  allowed: a list of rules"),
        ("some words", "data/audit/via.yml: found a str.\n  allowed: a list of rules"),
    ],
    ids=["broken", "one rule", "empty", "text"],
)
def test_a_file_that_is_no_list_of_rules_is_refused(content, says, data_copy):
    data_copy.write("audit/via.yml", content)
    with pytest.raises(AuditError) as caught:
        relations(PEOPLE)
    assert str(caught.value).startswith(says)


# ---- numbers of the text that repeat a cell ------------------------------------------------------


def test_a_number_of_the_text_that_repeats_a_cell_is_compared_with_that_cell():
    found = audit.rules_of("intensive")[-1]
    assert (found.id, found.rule, found.severity) == ("text_and_tables", "text", "certain")
    printed = audit.board("intensive")
    told = {tuple(printed.cells[i].table for i in check.cells) for check in found.checks}
    assert all(first == "prose" and second.startswith("T") for first, second in told)
    assert len(found.checks) == sum(bool(statement.repeats) for statement in prose("intensive").values())


def test_a_number_of_the_text_whose_cell_does_not_exist_is_refused_with_its_key(data_copy):
    name = "published/intensive/prose.csv"
    key = "T2.5:nonwestern.all.basic.interview.contacts.count"
    data_copy.change(name, lambda text: text.replace(key, key.replace("T2.5", "T2.99"), 1))
    with pytest.raises(AuditError) as caught:
        audit.rules_of("intensive")
    assert str(caught.value) == (
        f"data/{name}, 'interviews_nonwestern_basic', column 'repeats': there is no cell "
        f"{key.replace('T2.5', 'T2.99')!r}.\n  write table:cell as in the published tables"
    )
