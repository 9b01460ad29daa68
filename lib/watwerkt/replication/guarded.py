"""Recomputed cells of the experiment with intensive services, through the disclosure guard and beside the printed ones.

The pages of all groups are one family. Each asks :func:`protect` for the same verdict, so that no page gives away what
another withholds: the first generation is what is left of a background when the second is taken away.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cache
from typing import Literal

import pandas as pd

from watwerkt import audit, codes, formats, ledger, tables
from watwerkt.designs.intensive import ARMS, CUMULATIVE, INTERVIEWS, STUDY, level
from watwerkt.disclosure import Cleared, Guard, Verdict, family
from watwerkt.disclosure.cleared import cleared
from watwerkt.disclosure.groups import Family, Selector
from watwerkt.ledger import Row
from watwerkt.published import Cell, published
from watwerkt.replication.intensive import printed_groups
from watwerkt.replication.intensive_outcomes import (
    ALL_JOBS,
    EXITS,
    FIRST_JOB,
    FRACTIONS,
    HORIZON_DAYS,
    Tables,
    by_job,
    by_person,
    windows,
)
from watwerkt.synthetic.intensive import targets

NUMBERS = ("recomputed", "ci_low", "ci_high")
LONGEST = max(HORIZON_DAYS)
FOLLOWED = f"followed_{LONGEST}"
HAS_JOB = "has_job"
OF = ("population", "dimension", "category", "outcome", "statistic", "comparison", "service", "horizon_months", "stars")
AMOUNTS = (*FRACTIONS, *FIRST_JOB[1:], *ALL_JOBS)

_CLOSED = "The report suppresses the levels behind this effect, and an interval beside it would give them away."
_FREE = "The synthetic people were not made to give this number: what they give says nothing of the printed one."
_NONE = "–"
ALIGNED = ("Printed", "Recomputed", "95% interval")  # columns of :func:`texts` to align as numbers
_HEADS = {
    "group": "Group", "table_label": "Table", "outcome_label": "Outcome", "months_label": "Months",
    "service_label": "Interview", "comparison_label": "What", "row_label": "What",
}  # fmt: skip


# ---- the guard -----------------------------------------------------------------------------------


def protect(microdata: Tables, *, guard: Guard | None = None) -> Verdict:
    """What may be shown of every group for which the report prints effects, each arm apart; the same for every page.

    What is counted of exits by 6, 9, 12 and 15 months is protected together, and so are jobs and permanent contracts.
    Interview effects rest on the people at risk and leaving in each window; the report prints them for the backgrounds
    only. These counts stand on no page, so they are protected by themselves: what they would tell together with Table
    3.2, of the three weeks between two days, is not looked at. Numbers of interviews held are public (Tables 2.6–2.9).

    Raises DisclosureError for a group that holds nobody.
    """
    guard, people = guard or Guard(), _people(microdata)
    exits = [f"{outcome}_{months}" for outcome in EXITS for months in HORIZON_DAYS]
    found = guard.protect(
        _family(people, printed_groups()),
        outcomes={"exits": [*exits, FOLLOWED], "reentry": ["reentry"], "jobs": [HAS_JOB, FIRST_JOB[0]]},
        amounts=AMOUNTS,
    )
    backgrounds = [group for group in printed_groups() if group[1] == "all"]
    days = [_by(outcome, k) for outcome in EXITS for k in range(len(windows()))]
    at_risk = guard.protect(_family(people, backgrounds), outcomes={"windows": days})
    return Verdict(guard, at_risk.rules | found.rules)


def clear(recomputed: pd.DataFrame, verdict: Verdict) -> Cleared:
    """The printed cells among the rows of :func:`watwerkt.replication.intensive.groups`, with what may be shown.

    Columns table, cell, recomputed, ci_low, ci_high, why, status: ready for :func:`entries`. Levels that the report
    suppresses are left out; the effects between them have no number, whatever the guard says. Why an estimator found
    nothing, and its warnings, are told only of numbers that may be shown.
    """
    known = _printed()
    cells = [known.get(key) for key in zip(recomputed["table"], recomputed["cell"], strict=True)]
    kept = recomputed[[cell is not None for cell in cells]].reset_index(drop=True)
    cells = [cell for cell in cells if cell is not None]
    closed = [_gives_away(cell) for cell in cells]
    rules = ["" if shut else _rule(cell, verdict) for cell, shut in zip(cells, closed, strict=True)]
    told = [
        _CLOSED if shut else "" if rule else why or warnings
        for shut, rule, why, warnings in zip(closed, rules, kept["why"], kept["warnings"], strict=True)
    ]
    numbers = kept[list(NUMBERS)].astype(float).mask(pd.Series(closed, dtype=bool))
    frame = pd.concat([kept[["table", "cell"]], numbers], axis=1).assign(why=told)
    return cleared(frame, dict.fromkeys(NUMBERS, rules), settings=asdict(verdict.guard), family=verdict.name)


def _people(microdata: Tables) -> pd.DataFrame:
    """One row per person: characteristics, and what is counted and summed of each."""
    people, jobs = by_person(microdata), by_job(microdata).groupby("person")
    day, to_job = people["exit_day"].astype(float).fillna(math.inf), people["exit_kind"] == "job"
    found = {f"{outcome}_{m}": people[f"{outcome}_{m}"] == 1 for outcome in EXITS for m in HORIZON_DAYS}
    found[FOLLOWED] = people[f"{EXITS[0]}_{LONGEST}"].notna()
    for k, (_, end) in enumerate(windows()):
        found |= {_by(EXITS[0], k): day <= end, _by(EXITS[1], k): (day <= end) & to_job}
    found |= {"reentry": people["reentry"] == 1, HAS_JOB: people[FIRST_JOB[0]].notna()}
    found[FIRST_JOB[0]] = people[FIRST_JOB[0]] == 1
    found |= {outcome: people[outcome].clip(lower=0) for outcome in FRACTIONS}
    found |= {outcome: jobs[outcome].sum(min_count=1).reindex(people.index) for outcome in ALL_JOBS}
    return people.assign(**found)


def _by(outcome: str, window: int) -> str:
    """The column that says who had left by the end of a window (0–3)."""
    return f"{outcome}_by_window_{window}"


def _family(people: pd.DataFrame, groups: Iterable[tuple[str, str, str]]) -> Family:
    selectors: dict[str, Selector] = {}
    for population, dimension, category in groups:
        split = {} if dimension == "all" else {dimension: category}
        for arm in ARMS:
            selectors[_name(population, category, arm)] = {"population": population, "arm": arm, **split}
    return family(people, selectors)


def _name(population: str, category: str, arm: str) -> str:
    return f"{population}.{category}.{arm}"


def _rule(cell: Cell, verdict: Verdict) -> str:
    """The rule by which a number is withheld: that of one of the numbers it rests on, or none."""
    groups = [_name(cell.population, cell.category, arm) for arm in ([cell.arm] if cell.arm else ARMS)]
    places = [(group, column) for group in groups for column in ("", *_columns(cell))]
    return next((verdict.rules[place] for place in places if not verdict.shown(*place)), "")


def _columns(cell: Cell) -> list[str]:
    """What is counted or summed behind a printed cell."""
    if cell.outcome in EXITS and cell.service:
        after = {kind: k for k, kind in enumerate(INTERVIEWS)} | {kind: n - 1 for kind, n in CUMULATIVE.items()}
        one = after[cell.service] if cell.comparison != "four_interviews_vs_group" else None
        ends = range(len(windows())) if one is None else range(max(one - 1, 0), one + 1)
        return [_by(outcome, k) for outcome in {EXITS[0], cell.outcome} for k in ends]
    if cell.outcome in EXITS:
        counted = f"{cell.outcome}_{cell.horizon_months:g}"
        return [counted, FOLLOWED] if cell.horizon_months == LONGEST else [counted]
    if cell.outcome in FRACTIONS:
        return list(FRACTIONS)  # two of them nearly tell the third
    return [HAS_JOB, cell.outcome] if cell.outcome in FIRST_JOB else [cell.outcome]


@cache
def _printed() -> dict[tuple[str, str], Cell]:
    return {(c.table, c.cell): c for c in published(STUDY).printed if (c.table, c.cell) not in audit.withheld(STUDY)}


def _gives_away(cell: Cell) -> bool:
    """True for an effect between levels that the report suppresses."""
    known = [level(cell, arm) for arm in ARMS] if cell.comparison == "intensive_vs_basic" else ARMS
    return None in known


# ---- beside the printed numbers ------------------------------------------------------------------


def entries(found: Cleared, *, origin: Literal["synthetic", "supplied"]) -> list[Row]:
    """Rows of the replication ledger for the cells that were cleared, and for no others."""
    frame = found.frame
    if origin == "synthetic":
        made = set(targets()[["table", "cell"]].itertuples(index=False, name=None))
        free = pd.Series([key not in made for key in zip(frame["table"], frame["cell"], strict=True)], frame.index)
        frame["why"] = frame["why"].mask(free & frame["recomputed"].notna() & (frame["why"] == ""), _FREE)
    asked = set(zip(frame["table"], frame["cell"], strict=True))
    return [row for row in ledger.estimator(STUDY, frame, origin=origin) if (row.table, row.cell) in asked]


def beside(rows: Sequence[Row]) -> pd.DataFrame:
    """Rows of the ledger with what they are of: the codes and stars of the printed cell, and in words ``group``,
    ``table_label``, ``outcome_label``, ``months_label``, ``service_label``, ``comparison_label`` and ``row_label``, the
    last three in one, with the arm of a level.
    """
    cells = [_printed()[row.table, row.cell] for row in rows]
    found = ledger.frame(rows).assign(
        **{name: [getattr(cell, name) for cell in cells] for name in OF},
        table_label=[cell.reference for cell in cells],
        group=[cell.group for cell in cells],
        outcome_label=[codes.label("outcome", cell.outcome) for cell in cells],
        months_label=[_months(cell) for cell in cells],
        service_label=[codes.label("service", cell.service) if cell.service else "" for cell in cells],
        comparison_label=[codes.label("comparison", cell.comparison) if cell.comparison else "" for cell in cells],
        row_label=[_row_label(cell) for cell in cells],
    )
    return found.astype(dict.fromkeys(("published", "low", "high", *NUMBERS), float))


def texts(found: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """What readers see of :func:`beside`: as printed, recomputed to one decimal more, 95% interval, verdict.

    ``by`` names the columns that label the rows; the first of several makes groups of rows.
    """
    cells = [_printed()[row.table, row.cell] for row in found.itertuples()]
    pairs = list(zip(found.itertuples(), cells, strict=True))
    shown = pd.DataFrame(
        {
            "Printed": [_as_printed(cell) for cell in cells],
            "Recomputed": [_number(row.recomputed, cell) for row, cell in pairs],
            "95% interval": [_interval(row.ci_low, row.ci_high, cell) for row, cell in pairs],
            "Verdict": [codes.label("verdict", row.verdict) for row in found.itertuples()],
        }
    )
    *outer, inner = [by[:1], by[1:]] if len(by) > 1 else [by]
    labels = [_joined(found, columns, ": ") for columns in (*outer, inner)]
    names = [": ".join(_HEADS[name] for name in columns) for columns in (*outer, inner)]
    return shown.set_index([pd.Index(values, name=name) for values, name in zip(labels, names, strict=True)])


def _as_printed(cell: Cell) -> str:
    """As printed; a misprint with what it is read as, which is what the verdict speaks of."""
    told = formats.printed(cell)
    return f"{told}, read as {formats.used(cell)}" if cell.correction else told


def tally(found: pd.DataFrame, by: str = "table_label") -> pd.DataFrame:
    """How many numbers of :func:`beside` have which verdict: a row for each value of a column, and their sum."""
    counted = found.groupby([by, "verdict"], sort=False).size().unstack(fill_value=0)
    counted = counted.reindex(columns=list(codes.codes("verdict")), fill_value=0)
    counted.loc["Together"] = counted.sum()
    return counted.rename(columns=lambda verdict: codes.label("verdict", verdict)).rename_axis(
        index=_HEADS.get(by, by), columns=None
    )


def reasons(found: pd.DataFrame) -> str:
    """Why numbers could not be recomputed, and which misprints were corrected: a note below a table."""
    told = found.loc[found["verdict"] == "not_recomputed", "why"]
    misprints = tables.corrections([_printed()[row.table, row.cell] for row in found.itertuples()])
    return formats.with_minus(" ".join(filter(None, [*dict.fromkeys(told), misprints])))


def pictured(found: pd.DataFrame, label: Sequence[str]) -> pd.DataFrame:
    """Recomputed numbers with intervals and the printed ones, as :func:`watwerkt.charts.compared` takes them.

    ``label`` names the columns that together label a row. Numbers that could not be recomputed are left out.
    """
    kept = found[found["ci_low"].notna()]
    picture = kept[["recomputed", "ci_low", "ci_high", "published"]]
    return picture.set_axis(["estimate", "low", "high", "truth"], axis=1).assign(label=_joined(kept, label, ", "))


def _joined(found: pd.DataFrame, columns: Sequence[str], between: str) -> list[str]:
    return [between.join(filter(None, parts)) for parts in found[list(columns)].itertuples(index=False)]


def _months(cell: Cell) -> str:
    return f"{cell.horizon_months:g} months" if cell.horizon_months else ""


def _row_label(cell: Cell) -> str:
    interview = codes.label("service", cell.service) if cell.service else ""
    what = codes.label("arm", cell.arm) if cell.arm else codes.label("comparison", cell.comparison)
    if cell.comparison == "intensive_vs_basic":
        what = "Effect"
    first, *rest = [part for part in (_months(cell), interview, what) if part]
    return ", ".join([first, *(f"{part[0].lower()}{part[1:]}" for part in rest)])


def _number(value: float, cell: Cell) -> str:
    signed = cell.statistic in ("effect", "cumulative_effect")
    percent = "%" if cell.unit == "pct" else ""
    return _NONE if math.isnan(value) else formats.number(value, (cell.decimals or 0) + 1, signed=signed) + percent


def _interval(low: float, high: float, cell: Cell) -> str:
    return _NONE if math.isnan(low) else formats.interval(low, high, cell.decimals or 0)
