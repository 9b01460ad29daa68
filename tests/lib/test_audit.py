"""The audit as a whole: known misprints are found, every finding points at prints, corrections play no part."""

import csv
import json
import re

import pytest
from watwerkt import audit, codes
from watwerkt.audit import problems
from watwerkt.audit.checks import Holds
from watwerkt.audit.expressions import equation
from watwerkt.audit.findings import COLUMNS, SEVERITIES, Problem, finding, frame
from watwerkt.audit.relations import Relation
from watwerkt.errors import AuditError
from watwerkt.paths import data_dir

from tests.conftest import clear_caches
from tests.lib.boards import board, count
from tests.lib.reports import STUDIES, WITH_TABLES


@pytest.fixture(scope="module")
def found():
    return audit.audit()


def cells(one):
    return {(cell.table, cell.cell): cell.printed for cell in one.cells}


def the_one(study, relation, **holds):
    """The only finding of a relation whose cells include these prints."""
    fits = [f for f in audit.findings(study) if f.relation == relation and holds.items() <= cells(f).items()]
    assert len(fits) == 1, [f.id for f in fits]
    return fits[0]


def with_cells(study, relation, *places):
    (one,) = [f for f in audit.findings(study) if f.relation == relation and set(places) <= set(cells(f))]
    return one


# ---- known truths --------------------------------------------------------------------------------


def test_the_558_of_table_2_7_of_intensive_is_found_with_the_228_that_the_groups_make():
    place = "T2.7", "nonwestern.all.interview_7m.interview_held.count"
    one = with_cells("intensive", "people_by_arm", place)
    assert (cells(one)[place], one.expected, one.severity) == ("558", "228", "certain")


@pytest.mark.parametrize(("arm", "printed", "fits"), [("intensive", "28.0", 27.8), ("basic", "27.8", 28.0)])
def test_the_exchanged_levels_of_table_3_3_of_intensive_are_found_and_room_is_left_for_the_exchange(arm, printed, fits):
    place = "T3.3", f"nonwestern.all.{arm}.fraction_other.level"
    by_groups = [f for f in audit.findings("intensive") if f.relation == "levels_between_groups" and place in cells(f)]
    assert by_groups
    for one in by_groups:
        assert cells(one)[place] == printed
        first = (one.cells[0].table, one.cells[0].cell)
        if first == place:
            low, high = map(float, one.expected.split(" to "))
            assert low <= fits <= high
            assert not low <= float(printed) <= high


def test_the_exchanged_conditions_of_tables_2_3_and_2_5_of_wga_are_found():
    (one,) = [f for f in audit.findings("wga") if f.relation == "exchanged_labels"]
    assert (one.tables, one.rule, one.severity) == (("T2.3", "T2.5"), "label", "likely")
    assert {re.split(r"\.", cell.cell)[1] for cell in one.cells} == {"mental", "musculoskeletal"}
    assert {cell.cell.split(".")[2] for cell in one.cells} == {"experiment", "control", "regular"}


def test_the_almost_one_month_of_wga_is_found_to_be_a_third_of_a_month():
    (one,) = [f for f in audit.findings("wga") if f.relation == "month_on_benefit"]
    assert one.cells[0].table == "prose"
    assert one.tables == ("prose", "T7.3")
    trapezium = -(0.3 + 1.2 + 0.9 + 1.0 + 1.0 + 0.9 / 2) * 6 / 100
    assert one.expected == f"{trapezium:.1f}"


def test_the_university_row_of_table_11_of_instruments_is_found_as_that_of_table_8():
    (one,) = [f for f in audit.findings("instruments") if f.relation == "repeated_row"]
    assert (one.tables, one.rule, len(one.cells)) == (("T11", "T8"), "duplicate", 12)
    assert all(cell.cell.split(".")[1] == "university" for cell in one.cells)
    assert [c.printed for c in one.cells[:6]] == [c.printed for c in one.cells[6:]]


def test_the_name_that_tables_iii_9_and_iii_16_of_wga_share_is_found():
    (one,) = [f for f in audit.findings("wga") if f.relation == "shared_label"]
    assert one.tables == ("TIII.9", "TIII.16")
    assert one.cells[0].cell.split(".")[1] == "search_intention"


def test_the_numbers_of_the_text_that_differ_from_their_tables_are_found_and_no_other():
    differing = {f.cells[0].cell for f in audit.findings("intensive") if f.relation == "text_and_tables"}
    assert differing == {"interviews_nonwestern_basic", "interviews_nonwestern_intensive"}
    assert not [f for f in audit.findings("instruments") if f.relation == "text_and_tables"]
    assert len([f for f in audit.findings("wga") if f.relation == "text_and_tables"]) == 7


@pytest.mark.parametrize("study", ["personal", "via"])
def test_documents_without_tables_have_no_findings(study):
    assert audit.findings(study) == ()


# ---- every finding -------------------------------------------------------------------------------


def test_ids_are_unique_over_all_studies_and_begin_with_the_study(found):
    ids = [one.id for one in found]
    assert len(ids) == len(set(ids)) > 100
    for one in found:
        assert re.fullmatch(rf"{one.study}-{one.relation}-[0-9a-f]{{6}}", one.id)


def test_ids_are_the_same_in_another_run(found):
    clear_caches()
    assert [one.id for one in audit.audit()] == [one.id for one in found]


def test_an_id_hangs_on_relation_and_cells_and_on_nothing_that_is_printed_or_said():
    first, second = board(count("5", key="a"), count("6", key="b")), board(count("7", key="a"), count("8", key="b"))
    how = {"rule": "total", "severity": "certain"}
    one = finding(first, Problem((0, 1), "1", "A note."), relation="r", **how)
    assert finding(second, Problem((0, 1), "2", "Another."), relation="r", **how).id == one.id
    others = [
        finding(first, Problem((1, 0), "1", "A note."), relation="r", **how),
        finding(first, Problem((0,), "1", "A note."), relation="r", **how),
        finding(first, Problem((0, 1), "1", "A note."), relation="s", **how),
    ]
    assert len({one.id, *(other.id for other in others)}) == 4


def test_a_problem_that_is_less_sure_than_its_rule_makes_a_finding_that_is_less_sure():
    printed = board(count("5"))
    sure, unsure = (
        finding(printed, Problem((0,), "6", "A note.", severity), rule="total", relation="r", severity="certain")
        for severity in ("", "likely")
    )
    assert (sure.severity, unsure.severity) == ("certain", "likely")


def test_a_finding_exports_the_keys_that_readers_of_audit_json_rely_on(found):
    for one in found:
        told = one.as_dict()
        assert list(told) == ["id", "study", "tables", "cells", "rule", "expected", "severity", "note"]
        assert told["tables"] == list(dict.fromkeys(cell["table"] for cell in told["cells"]))
        assert all(list(cell) == ["table", "cell", "printed"] for cell in told["cells"])


def test_the_export_is_json_of_all_findings_in_the_order_of_the_studies(found):
    text = audit.exported()
    assert text.endswith("]\n")
    assert json.loads(text) == [one.as_dict() for one in found]
    order = list(dict.fromkeys(one.study for one in found))
    assert order == [study for study in codes.codes("study") if study in order]


def test_severities_and_rules_come_from_the_code_lists(found):
    assert tuple(codes.codes("severity")) == SEVERITIES
    assert {one.severity for one in found} == set(SEVERITIES)
    assert {one.rule for one in found} <= set(codes.codes("rule"))


@pytest.mark.parametrize("study", WITH_TABLES)
def test_findings_of_a_study_come_most_severe_first(study):
    places = [SEVERITIES.index(one.severity) for one in audit.findings(study)]
    assert places == sorted(places)


def as_typed(study):
    """What the files print, by table and cell, with marks."""
    told = {}
    for path in (data_dir() / "published" / study).glob("T*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            told |= {(row["table"], row["cell"]): row["value"] + row["stars"] for row in csv.DictReader(file)}
    with (data_dir() / "published" / study / "prose.csv").open(encoding="utf-8", newline="") as file:
        return told | {("prose", row["key"]): row["value"] for row in csv.DictReader(file)}


@pytest.mark.parametrize("study", WITH_TABLES)
def test_every_cell_of_a_finding_exists_and_prints_what_the_finding_says(study):
    told = as_typed(study)
    for one in audit.findings(study):
        assert one.cells
        assert len(cells(one)) == len(one.cells), f"{one.id} names a cell twice"
        for place, printed in cells(one).items():
            assert told[place].removeprefix("-") == printed.removeprefix("-"), (one.id, place)
            assert told[place] == printed or float(printed.rstrip("*")) == 0, (one.id, place)


def test_no_finding_expects_of_its_first_cell_what_it_prints(found):
    assert [one.id for one in found if one.expected == one.cells[0].printed] == []


def test_what_a_note_calls_printed_is_printed(found):
    """A claim of 'over 18 thousand' times 1.1 is 19800, and 19800 stands nowhere."""
    for one in found:
        told = re.search(r"Printed is (-?\d+(\.\d+)?)", one.note)
        assert not told or told[1] in {cell.printed.rstrip("*") for cell in one.cells}, one.id


def test_every_finding_says_something_in_whole_sentences(found):
    for one in found:
        assert one.expected.strip(), one.id
        assert one.note[0].isupper(), one.id
        assert one.note.endswith("."), one.id
        assert "  " not in one.note, one.id
        assert not re.search(r"\bnan\b|\binf\b|None|1e-|Range\(", one.note + one.expected), one.id


def test_the_table_of_findings_has_a_row_for_each_with_labels_in_words(found):
    shown = frame(found)
    assert tuple(shown.columns) == COLUMNS
    assert list(shown["id"]) == [one.id for one in found]
    assert list(shown["cells"]) == [len(one.cells) for one in found]
    assert set(shown["severity_label"]) == {"Certain", "Likely", "Suspicion"}
    assert tuple(frame([]).columns) == COLUMNS


# ---- many problems of one cause ------------------------------------------------------------------

PAIRS = board(*(count(text, key=f"c{k}") for k, text in enumerate(("1", "2", "3", "4", "5", "5"))))


def relation(merge, *pairs):
    checks = tuple(Holds(equation("a == b"), {"a": (a,), "b": (b,)}, "A note.") for a, b in pairs)
    return Relation("r", "total", "certain", checks, merge)


def test_problems_of_one_cause_are_one_finding_with_all_cells():
    (one,) = problems(PAIRS, relation("They have one cause.", (0, 1), (2, 3), (4, 5)))
    assert (one.cells, one.expected) == ((0, 1, 2, 3), "2")
    assert one.note == (
        "They have one cause. The first of 2: A note. Printed is 1; the other cells allow 2."
    )  # fmt: skip


def test_a_single_problem_is_told_without_the_sentence_for_many():
    (one,) = problems(PAIRS, relation("They have one cause.", (0, 1), (4, 5)))
    assert one.note == "A note. Printed is 1; the other cells allow 2."


def test_problems_without_a_common_cause_stay_apart():
    assert [one.cells for one in problems(PAIRS, relation("", (0, 1), (2, 3)))] == [(0, 1), (2, 3)]


# ---- how far the rules reach ---------------------------------------------------------------------


@pytest.mark.parametrize("study", WITH_TABLES)
def test_every_rule_asks_something_of_cells_that_are_there(study):
    size = len(audit.board(study))
    for one in audit.rules_of(study):
        assert one.checks, one.id
        for check in one.checks:
            assert check.cells, one.id
            assert all(0 <= i < size for i in check.cells), one.id
            assert len(set(check.cells)) == len(check.cells), f"{one.id} asks a cell twice"


@pytest.mark.parametrize("study", STUDIES)
def test_no_check_is_put_to_the_same_cells_twice_in_one_rule(study):
    """Else a finding would count double in what the audit is measured by."""
    for one in {r.id: r for r in audit.rules_of(study)}.values():
        same = [check for r in audit.rules_of(study) if r.id == one.id for check in r.checks]
        assert len({(type(c), c.cells) for c in same}) == len(same), one.id


@pytest.mark.parametrize("study", WITH_TABLES)
def test_every_mean_weighs_each_group_with_the_number_of_its_own_people(study):
    """Values and weights are paired by their order: a group that one side lacks would shift all that follow."""
    printed = audit.board(study)
    for one in audit.rules_of(study):
        for check in one.checks:
            if isinstance(check, Holds) and "mean(" in check.equation.text:
                values, weights = re.search(r"mean\((\w+), (\w+)\)", check.equation.text).groups()
                groups = [[(printed.cells[i].category, printed.cells[i].population) for i in check.terms[name]]
                          for name in (values, weights)]  # fmt: skip
                assert groups[0] == groups[1], one.id


def test_coverage_counts_each_printed_number_once():
    parts = [audit.covered(study) for study in WITH_TABLES]
    assert audit.covered().cells == sum(part.cells for part in parts)
    assert audit.covered().checks == sum(part.checks for part in parts)
    assert all(0.5 < part.share <= 1 for part in parts)
    assert audit.covered("via").share == 0.0


# ---- corrections and changed prints --------------------------------------------------------------


def test_corrections_play_no_part(data_copy, found):
    """The audit reads what is printed; a correction must not make its own reason disappear."""
    name = "published/corrections.csv"
    data_copy.write(name, data_copy.text(name).splitlines(keepends=True)[0])
    assert [one.as_dict() for one in audit.audit()] == [one.as_dict() for one in found]


def test_a_misprint_that_is_mended_in_the_table_is_found_no_more(data_copy):
    name = "published/corrections.csv"
    data_copy.write(name, data_copy.text(name).splitlines(keepends=True)[0])
    place = "T2.7", "nonwestern.all.interview_7m.interview_held.count"
    about = sorted(one.relation for one in audit.findings("intensive") if place in cells(one))
    assert about == ["interview_shares", "interviews_by_form", "people_by_arm"]
    rest = [one for one in audit.findings("intensive") if place not in cells(one)]
    data_copy.set_cell(*place, value="228")
    assert list(audit.findings("intensive")) == rest


@pytest.mark.parametrize(
    ("of", "table", "cell", "value", "relation"),
    [
        ("intensive", "T2.4", "nonwestern.all.basic.people.count", "680", "people_by_arm"),
        ("intensive", "T3.2", "nonwestern.all.intensive.exit_benefit.12.level", "46.6", "effects"),
        ("instruments", "T2", "nonwestern.male.exit_job.18.level", "99", "exits_add_up"),
        ("wga", "T2.1", "all.all.experiment.people.count", "6775", "people_add_up"),
        ("wga", "TII.1", "all.all.experiment_vs_control.job_12h.36.count", "99999", "people_in_regressions"),
    ],
)
def test_a_number_changed_in_a_table_is_found(of, table, cell, value, relation, data_copy, found):
    before = {one.id for one in found}
    data_copy.set_cell(table, cell, of=of, value=value)
    new = [one for one in audit.findings(of) if one.id not in before]
    assert (relation, value) in {(one.relation, cells(one).get((table, cell), "").rstrip("*")) for one in new}


def test_a_rule_about_a_cell_that_is_no_longer_there_stops_the_audit_and_names_rule_and_cell(data_copy):
    data_copy.change(
        "audit/instruments.yml", lambda text: text.replace("cell: under_35_no_nonwestern", "cell: under_35")
    )
    with pytest.raises(AuditError) as caught:
        audit.audit()
    assert str(caught.value) == (
        "audit rule 'young_people' of 'instruments': no cell in prose has {'cell': 'under_35', 'population': ''}.\n"
        "  compare with the columns of the published table"
    )
