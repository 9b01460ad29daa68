"""Rules that are written down wrongly: each fault names the rule, or its file, and what is allowed."""

import pytest
from watwerkt import audit
from watwerkt.audit.relations import relations
from watwerkt.errors import AuditError

from tests.lib.boards import board, cell, count

CELLS = board(
    *(count(n, arm=arm) for n, arm in (("30", "experiment"), ("20", "control"), ("50", "all"))),
    *(cell(text, dimension="sex", category=sex) for text, sex in (("10.0", "male"), ("20.0", "female"))),
    *(count(n, dimension="sex", category=sex) for n, sex in (("5", "male"), ("7", "female"))),
    cell("12.0"),
)
WEIGHTED = "the mean of [('female', 'all'), ('male', 'all')] is weighted with"
TWO = "terms: {a: {arm: all}, b: {arm: control}}"
SEXES = "parts: {dimension: sex, statistic: level, category: any}"
WHOLE = "whole: {dimension: all, category: all, statistic: level}"
RULES = {
    "no says": f"tables: [T1]\n{TWO}",
    "no terms": "tables: [T1]\nsays: a == b",
    "no equation": f"tables: [T1]\nsays: a = b\n{TWO}",
    "by is a text": f"tables: [T1]\nsays: a > b\nby: arm\n{TWO}",
    "by an unknown column": f"tables: [T1]\nsays: a > b\nby: [arms]\n{TWO}",
    "for with two columns": f"tables: [T1]\nsays: a > b\nfor: {{arm: [all], outcome: [people]}}\n{TWO}",
    "for with no value": f"tables: [T1]\nsays: a > b\nfor: {{arm: []}}\n{TWO}",
    "terms are a list": "tables: [T1]\nsays: a > 0\nterms: [a]",
    "a term without codes": "tables: [T1]\nsays: a > 0\nterms: {a: }",
    "tables are a number": "tables: 1\nsays: a > 0\nterms: {a: {arm: all}}",
    "between without a whole": f"kind: between\ntables: [T1]\n{SEXES}",
    "between over an unknown column": f"kind: between\ntables: [T1]\n{WHOLE}\n{SEXES}\nover: [outcom]",
    "shares of an unknown part": f"kind: between\ntables: [T1]\n{WHOLE}\n{SEXES}\nshares: {{mail: [0.4, 0.6]}}",
    "people that no term names": "kind: mark_of_shares\ntables: [T1]\nby: []\nlegend: {'*': 0.05}\npeople: [[n], [m]]\n"
                                 "terms: {first: {category: male, statistic: level}, second: {category: female, "
                                 "statistic: level}}",
    "three terms of one sign": "kind: same_sign\ntables: [T1]\nby: []\n"
                               "terms: {a: {arm: all}, b: {arm: control}, c: {arm: experiment}}",
    "where is a list": "tables: [T1]\nsays: a > 0\nterms: {a: {arm: all}}\nwhere: [arm]",
    "a rest in words": f"kind: between\ntables: [T1]\n{WHOLE}\n{SEXES}\nrest: some",
    "shares without ends": f"kind: between\ntables: [T1]\n{WHOLE}\n{SEXES}\nshares: {{male: 0.4}}",
    "people of one share": "kind: mark_of_shares\ntables: [T1]\nterms: {first: {arm: all}, second: {arm: all}}\n"
                           "people: [[first]]",
    "no standard error": "kind: mark_of_ratio\ntables: [T1]\nterms: {estimate: {arm: all}, se: {arm: control}}",
    "verdicts without pairs": "kind: verdicts\ntables: [T1]\ncodes: T1\npairs: [mediation]",
    "ignored is an unknown column": "kind: same\ntables: [T1]\nignore: [comparisons]",
    "a key that the kind does not use": "tables: [T1]\nsays: a > 0\nterms: {a: {arm: all}}\nceiling: 5",
    "a mean with other groups as weights": "tables: [T1]\nsays: a == mean(p, n)\nby: []\nterms: {a: {category: all, "
                                           "statistic: level}, p: {dimension: sex, statistic: level}, n: {arm: "
                                           "[experiment, control]}}",
    "a mean with more weights than values": "tables: [T1]\nsays: a == mean(p, n)\nby: []\nterms: {a: {category: all, "
                                            "statistic: level}, p: {dimension: sex, statistic: level}, n: {statistic: "
                                            "count}}",
}  # fmt: skip


SAYS = {
    "no says": "says missing in a rule of kind 'equation'.\n  required: says, terms",
    "no terms": "terms missing in a rule of kind 'equation'.\n  required: says, terms",
    "no equation": "'a = b' is no equation",
    "by is a text": "by: found 'arm'.\n  allowed: a list of columns",
    "by an unknown column": "by: cells have no column arms.\n  allowed: table, population",
    "for with two columns": "allowed: one column with a list of codes",
    "for with no value": "for: found {'arm': []}.\n  allowed: one column with a list of codes",
    "terms are a list": "terms: found ['a'].\n  allowed: names with columns and codes",
    "a term without codes": "term 'a': found None.\n  allowed: columns and codes",
    "tables are a number": "tables: found 1.\n  allowed: a list of names or patterns",
    "between without a whole": "whole missing in a rule of kind 'between'.\n  required: whole, parts",
    "between over an unknown column": "over: cells have no column outcom.\n  allowed: table, population",
    "shares of an unknown part": "shares of mail, which is no part.\n  allowed: female, male",
    "people that no term names": "people: there is no term m, n.\n  allowed: first, second",
    "three terms of one sign": "terms: found 3.\n  allowed: two terms",
    "where is a list": "where: found ['arm'].\n  allowed: columns and codes",
    "a rest in words": "rest: found 'some'.\n  allowed: a number",
    "shares without ends": "allowed: a category with its lowest and highest share",
    "people of one share": "people: found [['first']].\n  allowed: two lists of terms",
    "no standard error": "terms: error missing.\n  required: estimate, error",
    "verdicts without pairs": "pairs: found ['mediation'].\n  allowed: a verdict and the statistic",
    "ignored is an unknown column": "ignore: cells have no column comparisons.\n  allowed: table",
    "a key that the kind does not use": "ceiling is no key of a rule of kind 'equation'.\n  allowed: id, rule",
    "a mean with other groups as weights": f"{WEIGHTED} [('all', 'all'), ('all', 'all')].\n  name",
    "a mean with more weights than values": f"{WEIGHTED} [('all', 'all'), ('all', 'all'), ",
}


@pytest.mark.parametrize("fault", RULES)
def test_a_fault_in_a_rule_is_named_with_the_rule_and_what_is_allowed(fault, applied):
    with pytest.raises(AuditError) as caught:
        applied(RULES[fault], CELLS)
    message = str(caught.value)
    assert "rule 'some_rule'" in message.splitlines()[0]
    assert SAYS[fault] in message
    assert "\n  " in message


@pytest.mark.parametrize("content", ["- a\n- b\n", b"- id: \xe9"], ids=["texts", "not UTF-8"])
def test_a_file_of_rules_that_holds_something_else_is_refused(content, data_copy):
    data_copy.write("audit/via.yml", content)
    with pytest.raises(AuditError, match=r"^data/audit/via\.yml.*\n  (allowed: keys and values|save it as UTF-8)"):
        relations(CELLS)


def test_rules_of_a_study_that_does_not_exist_are_not_passed_over(data_copy):
    data_copy.write("audit/vai.yml", "- {id: a, rule: total, tables: [T1], note: A note.}")
    with pytest.raises(
        AuditError, match=r"^data/audit/vai\.yml: its name begins with no study\.\n  allowed: intensive"
    ):
        audit.audit()


MIXED = board(
    *(cell(text, dimension="sex", category=sex) for text, sex in (("10.0", "male"), ("20.0", "female"))),
    *(count(n, arm=arm) for n, arm in (("30", "experiment"), ("20", "control"))),
    *(cell(text, population=who) for text, who in (("12.0", "nonwestern"), ("14.0", "none"))),
    *(count(n, population=who, arm="all") for n, who in (("70", "nonwestern"), ("30", "western"))),
    cell("13.0"),
)
BOTH_SEXES = "{dimension: sex, statistic: level, category: any}"
SEVERAL = {
    "same_sign": f"kind: same_sign\ntables: [T1]\nby: []\nterms: {{a: {BOTH_SEXES}, "
                 "b: {category: all, outcome: job}}",
    "direction": "kind: direction\ntables: [T1]\nby: []\nterms: {effect: {category: male}, first: {category: female}, "
                 f"second: {BOTH_SEXES}}}",
    "mark_of_shares": "kind: mark_of_shares\ntables: [T1]\nby: []\nlegend: {'*': 0.05}\npeople: [[n1], [n2]]\n"
                      f"terms: {{first: {BOTH_SEXES}, second: {{category: female}}, n1: {{arm: experiment}}, "
                      "n2: {arm: control}}",
}  # fmt: skip


@pytest.mark.parametrize("kind", SEVERAL)
def test_a_term_of_any_kind_of_rule_that_fits_several_cells_is_named(kind, applied):
    """As in an equation."""
    with pytest.raises(AuditError, match=r"several cells"):
        applied(SEVERAL[kind], MIXED)


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
            MIXED,
        )
