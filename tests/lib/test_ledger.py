"""The replication ledger: which numbers enter, what is found, and which verdict follows."""

import json
import math

import pandas as pd
import pytest
from watwerkt import audit, codes, evidence, ledger
from watwerkt.audit.checks import Holds, MarkOfRatio, MarkOfShares, Same
from watwerkt.disclosure import Guard
from watwerkt.errors import DisclosureError, PublishedDataError
from watwerkt.ledger import Entries, Row
from watwerkt.published import published

from tests.lib.reports import STUDIES, WITH_TABLES

EFFECT = ("T3.2", "none.all.intensive_vs_basic.exit_benefit.12.effect")


def by_cell(rows, quantity="value"):
    return {(row.table, row.cell): row for row in rows if row.quantity == quantity}


# ---- arithmetic --------------------------------------------------------------------------------------------------


def test_a_share_is_recomputed_from_its_counts():
    row = by_cell(ledger.arithmetic("instruments"))["T1", "nonwestern.male.composition.share"]
    men, everyone = (published("instruments", "T1").one(population="nonwestern", dimension=d, category=c,
                                                        statistic="count").value
                     for d, c in (("sex", "male"), ("all", "all")))  # fmt: skip
    assert row.recomputed == pytest.approx(100 * men / everyone, abs=1e-6)
    assert (row.published, row.low, row.high) == (62.0, 61.5, 62.5)
    assert (row.verdict, row.unit, row.layer) == ("rounding", "pct", "arithmetic")


def test_a_number_is_solved_for_wherever_it_stands_in_an_equation():
    """The contact count stands in a numerator, its row total in a denominator."""
    rows = by_cell(ledger.arithmetic("intensive"))
    part, whole = ("nonwestern.all.intensive.selfemployment_preparation.contacts.count",
                   "nonwestern.all.selfemployment_preparation.contacts.count")  # fmt: skip
    share = rows["T2.5", "nonwestern.all.intensive.selfemployment_preparation.contacts.share"]
    total = rows["T2.5", whole].published
    assert rows["T2.5", part].ci_low == pytest.approx(share.low / 100 * total, rel=1e-6)
    assert rows["T2.5", part].ci_high == pytest.approx(share.high / 100 * total, rel=1e-6)
    count = rows["T2.5", part].published
    assert rows["T2.5", whole].ci_low == pytest.approx(100 * count / share.high, rel=1e-6)
    assert rows["T2.5", whole].ci_high == pytest.approx(100 * count / share.low, rel=1e-6)


@pytest.mark.parametrize("study", WITH_TABLES)
def test_every_number_that_the_audit_finds_at_odds_differs(study):
    board, rows = audit.board(study), by_cell(ledger.arithmetic(study))
    for relation in audit.rules_of(study):
        for check in relation.checks:
            gives = isinstance(check, Same) or (isinstance(check, Holds) and check.equation.compare == "==")
            problem = check.problem(board.prints) if gives else None
            if problem and "its significance mark does not" not in problem.note:
                for i in set(problem.cells):
                    if board.cells[i].unit not in ("code", "date", "month", "year"):
                        assert rows[board.cells[i].table, board.cells[i].cell].verdict == "differs"


@pytest.mark.parametrize("study", WITH_TABLES)
def test_every_printed_number_that_a_check_reaches_enters_once_unless_it_would_give_a_suppressed_one_away(study):
    board, rows = audit.board(study), ledger.arithmetic(study)
    entered = [(row.table, row.cell) for row in rows]
    assert len(entered) == len(set(entered))
    suppressed = {i for i, cell in enumerate(board.cells) if cell.status == "suppressed"}
    reached = {i for relation in audit.rules_of(study) for check in relation.checks for i in check.cells
               if not suppressed & set(check.cells) and board.prints[i].value is not None}  # fmt: skip
    wanted = {(board.cells[i].table, board.cells[i].cell) for i in reached
              if board.cells[i].unit not in ("code", "date", "month", "year")}  # fmt: skip
    missing = wanted - set(entered)
    near = {(cell.table, cell.cell) for relation in audit.rules_of(study) for check in relation.checks
            for cell in (board.cells[i] for i in check.cells)
            if audit.withheld(study) & {(board.cells[i].table, board.cells[i].cell) for i in check.cells}}  # fmt: skip
    assert missing <= near
    assert set(entered) <= wanted


@pytest.mark.parametrize("study", STUDIES)
def test_nothing_suppressed_and_nothing_that_gives_it_away_enters(study):
    suppressed = {(c.table, c.cell) for c in audit.board(study).cells if c.status == "suppressed"}
    entered = {(row.table, row.cell) for row in (*ledger.arithmetic(study), *ledger.counts(study))}
    assert not entered & (suppressed | audit.withheld(study))


def test_the_suppressed_counts_of_table_2_5_cannot_be_told_from_the_ledger():
    """Beside a suppressed count stands no total, neither printed nor recomputed."""
    board = audit.board("intensive")
    closed = {i for i, c in enumerate(board.cells) if c.status == "suppressed" or
              (c.table, c.cell) in audit.withheld("intensive")}  # fmt: skip
    assert len(closed) > 6
    values = {board.prints[i].value for i in closed if board.prints[i].value is not None}
    rows = by_cell(ledger.arithmetic("intensive"))
    for relation in audit.rules_of("intensive"):
        for check in relation.checks:
            if closed & set(check.cells):
                for i in check.cells:
                    row = rows.get((board.cells[i].table, board.cells[i].cell))
                    assert row is None or row.recomputed not in values


@pytest.mark.parametrize("study", WITH_TABLES)
def test_a_row_that_agrees_holds_intervals_that_touch_and_one_that_differs_does_not(study):
    for row in ledger.arithmetic(study):
        if row.verdict == "not_recomputed":
            assert row.recomputed is row.ci_low is row.ci_high is None
        else:
            assert row.ci_low <= row.recomputed <= row.ci_high
            touch = row.ci_low <= row.high + 1e-6 and row.low <= row.ci_high + 1e-6
            assert touch or row.verdict == "differs"
        assert row.why.endswith(".")


def test_a_changed_number_differs_and_so_does_what_it_is_added_to(data_copy):
    before = {key: row.verdict for key, row in by_cell(ledger.arithmetic("instruments")).items()}
    key = ("T1", "nonwestern.male.people.count")
    assert before[key] == "rounding"
    data_copy.set_cell("T1", key[1], of="instruments", value="62994")
    after = by_cell(ledger.arithmetic("instruments"))
    assert after[key].verdict == "differs"
    assert after[key].recomputed == pytest.approx(62993)
    assert after["T1", "nonwestern.female.people.count"].verdict == "differs"
    assert "do not fit together" in after[key].why


# ---- counts ------------------------------------------------------------------------------------------------------


def test_an_effect_follows_from_its_levels_with_the_interval_of_the_group_sizes():
    row = by_cell(ledger.counts("intensive"))[EFFECT]
    effect = evidence.effects("intensive").one(table=EFFECT[0], population="none", outcome="exit_benefit",
                                               horizon_months=12)  # fmt: skip
    assert row.recomputed == pytest.approx(100 * (effect.intensive - effect.basic))
    assert row.ci_high - row.ci_low == pytest.approx(200 * 1.959964 * effect.estimate.se.high, rel=1e-6)
    assert row.published == effect.cell.value
    assert row.verdict == "rounding"


def test_a_printed_mark_is_held_against_the_p_of_the_counts():
    row = by_cell(ledger.counts("intensive"), "p")[EFFECT]
    cell = published("intensive", EFFECT[0]).one(population="none", outcome="exit_benefit", horizon_months=12,
                                                 statistic="effect")  # fmt: skip
    assert cell.stars == "*"
    assert (row.published, row.low, row.high) == (None, pytest.approx(0.05), pytest.approx(0.10))
    assert row.ci_low <= row.recomputed <= row.ci_high
    assert row.verdict == "rounding"


def test_every_effect_has_one_row_and_every_mark_another():
    rows = ledger.counts("intensive")
    effects = {(e.cell.table, e.cell.cell) for e in evidence.effects("intensive")}
    assert set(by_cell(rows)) == effects
    assert effects <= set(by_cell(rows, "p"))
    assert len(rows) == len({(row.table, row.cell, row.quantity) for row in rows})


def test_an_effect_without_printed_levels_cannot_be_recomputed_and_says_why():
    rows = [row for row in ledger.counts("intensive") if row.verdict == "not_recomputed" and row.quantity == "value"]
    assert rows
    assert {row.why for row in rows} == {"The report prints no levels from which this effect follows."}


def test_marks_that_the_audit_finds_wrong_differ_and_no_others():
    board, rows = audit.board("wga"), by_cell(ledger.counts("wga"), "p")
    wrong, tested = set(), set()
    for relation in audit.rules_of("wga"):
        for check in relation.checks:
            if isinstance(check, MarkOfRatio | MarkOfShares):
                if all(board.prints[i].value is not None for i in check.cells):
                    tested.add((board.prints[check.cells[0]].table, board.prints[check.cells[0]].cell))
                if check.problem(board.prints):
                    wrong.add((board.prints[check.cells[0]].table, board.prints[check.cells[0]].cell))
    assert len(wrong) > 3
    assert {key for key, row in rows.items() if row.verdict == "differs"} == wrong
    assert set(rows) == tested


def test_the_p_of_a_printed_standard_error_is_that_of_their_ratio():
    row = by_cell(ledger.counts("wga"), "p")["TII.3",
        "all.education_higher.experiment_vs_control.working_new_job_probit.36.coefficient"]  # fmt: skip
    cells = audit.board("wga").cells
    estimate = next(c for c in cells if (c.table, c.cell) == (row.table, row.cell))
    error = next(c for c in cells if (c.table, c.cell) == (row.table, row.cell.replace(".coefficient", ".se")))
    assert row.ci_low < math.erfc(abs(estimate.value / error.value) / math.sqrt(2)) < row.ci_high
    assert row.verdict == "differs"


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "rounding"), (1.0, "sampling"), (15.0, "differs")])
def test_an_effect_that_its_levels_contradict_differs(data_copy, shift, verdict):
    codes_of = {"population": "none", "dimension": "all", "outcome": "exit_benefit", "horizon_months": 15}
    level = published("intensive", "T3.2").one(**codes_of, arm="basic", statistic="level")
    effect = published("intensive", "T3.2").one(**codes_of, statistic="effect")
    if shift:
        data_copy.set_cell("T3.2", level.cell, value=f"{level.value + shift:.1f}")
    row = by_cell(ledger.counts("intensive"))["T3.2", effect.cell]
    assert row.recomputed == pytest.approx(effect.value - shift, abs=0.11)
    assert row.verdict == verdict


def test_a_study_without_tables_has_no_rows():
    assert ledger.arithmetic("personal") == ledger.counts("via") == []


# ---- microdata ---------------------------------------------------------------------------------------------------


def table(*rows):
    return pd.DataFrame(rows, columns=["table", "cell", "recomputed", "ci_low", "ci_high", "why"])


@pytest.mark.parametrize(
    ("recomputed", "low", "high", "verdict"),
    [
        (0.0187, -0.001, 0.04, "rounding"),
        (0.0194, 0.018, 0.02, "rounding"),
        (0.0196, -0.001, 0.04, "sampling"),
        (0.03, 0.0194, 0.04, "sampling"),
        (0.03, 0.0196, 0.04, "differs"),
    ],
)
def test_a_recomputed_effect_agrees_within_rounding_or_sampling_error_or_differs(recomputed, low, high, verdict):
    rows = by_cell(ledger.estimator("intensive", table((*EFFECT, recomputed, low, high, ""))))
    row = rows[EFFECT]
    assert (row.published, row.low, row.high) == (1.9, pytest.approx(1.85), pytest.approx(1.95))
    assert row.recomputed == pytest.approx(100 * recomputed)
    assert row.verdict == verdict


def test_a_number_that_the_guard_withheld_says_so():
    found = table((*EFFECT, None, None, None, "")).assign(status="suppressed")
    row = by_cell(ledger.estimator("intensive", found))[EFFECT]
    assert (row.verdict, row.why) == ("not_recomputed", "The disclosure guard withholds what the microdata give.")


def test_a_table_without_reasons_is_refused():
    with pytest.raises(PublishedDataError, match="no column 'why'"):
        ledger.estimator("intensive", table((*EFFECT, 0.019, 0.0, 0.03, "")).drop(columns="why"))


def test_published_numbers_that_nothing_recomputes_have_a_row():
    rows = by_cell(ledger.estimator("intensive", table((*EFFECT, 0.019, 0.0, 0.03, ""))))
    printed = {(c.table, c.cell) for c in published("intensive", "T3.2").printed}
    assert set(rows) == printed
    assert {row.verdict for key, row in rows.items() if key != EFFECT} == {"not_recomputed"}


def test_a_number_that_could_not_be_recomputed_says_why():
    rows = by_cell(ledger.estimator("intensive", table((*EFFECT, None, None, None, "the instrument is weak"))))
    assert (rows[EFFECT].verdict, rows[EFFECT].why) == ("not_recomputed", "the instrument is weak")


def test_a_number_without_an_interval_is_held_against_rounding_alone():
    rows = by_cell(ledger.estimator("intensive", table((*EFFECT, 0.0199, None, None, ""))))
    assert (rows[EFFECT].verdict, rows[EFFECT].ci_low) == ("differs", None)


def test_agreement_on_synthetic_microdata_is_never_called_evidence():
    found = table((*EFFECT, 0.019, 0.0, 0.03, ""))
    synthetic = by_cell(ledger.estimator("intensive", found))[EFFECT]
    supplied = by_cell(ledger.estimator("intensive", found, origin="supplied"))[EFFECT]
    assert (synthetic.layer, supplied.layer) == ("synthetic", "microdata")
    assert "no evidence" in synthetic.why
    assert "no evidence" in codes.code("layer", "synthetic").definition
    assert "synthetic" in codes.label("layer", "synthetic")
    assert "no evidence" not in supplied.why


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ([("T3.2", "nowhere", 0.1, 0.0, 0.2, "")], PublishedDataError, "nowhere: recomputed, but not published"),
        ([("T9.9", "nowhere", 0.1, 0.0, 0.2, "")], PublishedDataError, "recomputed, but not published"),
        ([(*EFFECT, 0.1, 0.0, 0.2, "")] * 2, PublishedDataError, "recomputed twice"),
        ([(*EFFECT, None, None, None, "")], PublishedDataError, "neither a number nor a reason"),
        ([(*EFFECT, 0.1, 0.2, 0.3, "")], PublishedDataError, "its interval does not hold its number"),
        ([(*EFFECT, 0.1, None, 0.3, "")], PublishedDataError, "its interval does not hold its number"),
    ],
)  # fmt: skip
def test_a_recomputed_number_that_cannot_be_joined_is_refused(rows, error, message):
    with pytest.raises(error, match=message):
        ledger.estimator("intensive", table(*rows))


@pytest.mark.parametrize("study", WITH_TABLES)
def test_a_suppressed_number_is_refused_and_its_neighbours_are_not_listed(study):
    closed = {(c.table, c.cell) for c in published(study) if c.status == "suppressed"} | audit.withheld(study)
    for key in closed:
        with pytest.raises(DisclosureError, match="suppressed"):
            ledger.estimator(study, table((*key, 0.1, 0.0, 0.2, "")))
    for name in {key[0] for key in closed}:
        other = next(c for c in published(study, name).printed if (c.table, c.cell) not in closed)
        rows = ledger.estimator(study, table((other.table, other.cell, None, None, None, "not yet")))
        assert not closed & {(row.table, row.cell) for row in rows}


# ---- all rows ----------------------------------------------------------------------------------------------------


def rows_of_all():
    return [row for study in codes.codes("study") for row in (*ledger.arithmetic(study), *ledger.counts(study))]


def test_verdicts_layers_and_cells_are_known():
    rows = rows_of_all()
    known = {study: {(c.table, c.cell) for c in audit.board(study).cells} for study in codes.codes("study")}
    for row in rows:
        assert row.verdict in codes.codes("verdict")
        assert row.layer in codes.codes("layer")
        assert (row.table, row.cell) in known[row.study]


def test_the_summary_counts_every_row_once():
    rows = rows_of_all()
    summary = ledger.summary(rows)
    verdicts = list(codes.codes("verdict"))
    assert summary[verdicts].to_numpy().sum() == len(rows)
    line = summary[(summary["study"] == "wga") & (summary["layer"] == "counts")].iloc[0]
    assert line["differs"] == sum(row.verdict == "differs" for row in ledger.counts("wga"))
    assert not summary.duplicated(["study", "layer"]).any()


def test_the_frame_has_the_columns_of_a_row_and_one_line_each():
    rows = ledger.counts("wga")
    found = ledger.frame(rows)
    assert tuple(found.columns) == ledger.COLUMNS
    assert ledger.COLUMNS[:12] == ("study", "table", "cell", "layer", "published", "low", "high", "recomputed",
                                   "ci_low", "ci_high", "verdict", "why")  # fmt: skip
    assert len(found) == len(rows)


def test_no_rows_give_an_empty_frame_and_an_empty_summary():
    assert ledger.frame([]).empty
    assert ledger.summary([]).empty


def test_entries_leave_the_page_as_json_that_gives_the_same_rows():
    rows = ledger.counts("intensive")
    bundle = Entries(rows)._repr_mimebundle_()
    payload = json.loads(json.dumps(bundle["application/vnd.watwerkt.ledger+json"], allow_nan=False))
    assert [Row(**dict(zip(payload["columns"], values, strict=True))) for values in payload["rows"]] == rows
    assert bundle["text/plain"] == f"{len(rows)} rows of the replication ledger"


def test_entries_made_from_microdata_carry_the_stamp_of_the_guard():
    cleared = Guard().clear(pd.DataFrame({"people": [80, 90]}), counts=["people"])
    payload = Entries([]).passed(cleared)._repr_mimebundle_()["application/vnd.watwerkt.ledger+json"]
    assert payload["cleared"] == cleared.stamp
    with pytest.raises(DisclosureError):
        Entries([]).passed()
