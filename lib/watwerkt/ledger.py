"""The replication ledger: every published number that this book recomputes, and whether the two agree (methods D).

Layers: the reports' own arithmetic (:mod:`watwerkt.audit`), group sizes and levels (:mod:`watwerkt.evidence`), and the
reports' methods on microdata. Numbers are in printed units, percentages as percentages, so that a row can be held
against the report. What a report suppressed never enters, nor what would give it away.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields, replace
from functools import reduce
from operator import mul
from typing import Literal

import pandas as pd

from watwerkt import audit, codes, evidence
from watwerkt.audit.board import Board
from watwerkt.audit.checks import TOUCH, Check, Holds, MarkOfRatio, MarkOfShares, Prints, Same, ratio, z_range
from watwerkt.audit.relations import Relation
from watwerkt.designs import design
from watwerkt.errors import CodeError, DisclosureError, PublishedDataError
from watwerkt.published import Cell, published, source
from watwerkt.stamps import Passed, stamped
from watwerkt.uncertainty import ANY, Z95, Estimate, Range, combine, rounding, t_range

MIME = "application/vnd.watwerkt.ledger+json"

LayerName = Literal["arithmetic", "counts", "synthetic", "microdata"]
VerdictName = Literal["rounding", "sampling", "differs", "not_recomputed"]
Quantity = Literal["value", "p"]
Asked = tuple[Relation, Check]

_NOT_AMOUNTS = {"code", "date", "month", "year"}
_SOLVED = 1e-9
_BOUNDED = "What the report prints bounds this number but does not give it."
_NO_LEVELS = "The report prints no levels from which this effect follows."
_NO_SIZES = "The report prints no group sizes that test this mark."
_NOT_YET = "Nothing recomputes this number from microdata."
_WITHHELD = "The disclosure guard withholds what the microdata give."
_AGREES = {
    "synthetic": "The method gives back what the generator was calibrated to; this is no evidence for the number.",
    "microdata": "The report's method, run on the microdata.",
}


@dataclass(frozen=True)
class Row:
    """A published number, and what this book makes of it.

    Attributes
    ----------
    study, table, cell, layer
        Which number, and how it was recomputed (code list ``layer``).
    published, low, high
        The number as printed, and what it can stand for. For ``quantity`` ``p``: no number, and what p can be by the
        printed mark.
    recomputed, ci_low, ci_high
        What this book finds, and its interval: by rounding in the layer ``arithmetic``, else of 95%. For ``p``: what p
        can be.
    verdict, why
        Code list ``verdict``; a sentence.
    quantity, unit
        ``value``, or ``p`` for the printed significance mark; the printed unit.
    """

    study: str
    table: str
    cell: str
    layer: LayerName
    published: float | None
    low: float | None
    high: float | None
    recomputed: float | None
    ci_low: float | None
    ci_high: float | None
    verdict: VerdictName
    why: str
    quantity: Quantity = "value"
    unit: str = ""


RECOMPUTED = ("table", "cell", "recomputed", "ci_low", "ci_high", "why")
COLUMNS = tuple(field.name for field in fields(Row))


def _row(cell: Cell, layer: LayerName, told: Range, found: Range | None, verdict: VerdictName, why: str,
         *, value: float | None, recomputed: float | None, quantity: Quantity = "value") -> Row:  # fmt: skip
    ends = (None, None) if found is None else (_finite(found.low), _finite(found.high))
    return Row(
        cell.study, cell.table, cell.cell, layer, value, _finite(told.low), _finite(told.high), recomputed, *ends,
        verdict, why, quantity, cell.unit,
    )  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


# ---- arithmetic --------------------------------------------------------------------------------------------------


def arithmetic(study: str) -> list[Row]:
    """Every printed number that a check of the audit reaches, and what the other numbers of the check say it is.

    The number is taken as printed, misprints included. Where several checks give it, the row shows one that fails, or
    else the one that says most. A check that fails tells that its numbers do not fit together, not which of them is
    wrong: each of them has a row that differs. A number that stands twice in an equation is taken as one number here,
    where the audit takes it as two that are rounded alike; so a few rows differ of which the audit says nothing.
    """
    printed, asked = audit.board(study), _asked(study)
    return [_arithmetic(printed, i, asked[i]) for i in sorted(asked) if printed.cells[i].unit not in _NOT_AMOUNTS]


def _asked(study: str) -> Mapping[int, list[Asked]]:
    """The checks that reach each printed number; none that reads what is suppressed or would give it away."""
    printed, secret = audit.board(study), audit.withheld(study)
    closed = {i for i, c in enumerate(printed.cells) if c.status == "suppressed" or (c.table, c.cell) in secret}
    found: dict[int, list[Asked]] = defaultdict(list)
    for relation in audit.rules_of(study):
        for check in relation.checks:
            if not closed & set(check.cells):
                for i in check.cells:
                    if printed.prints[i].value is not None:
                        found[i].append((relation, check))
    return found


def _arithmetic(printed: Board, i: int, asked: list[Asked]) -> Row:
    one, cell = printed.prints[i], printed.cells[i]
    told = rounding(one.value, one.half)
    known = [
        (relation, check, found)
        for relation, check in asked
        for found in _expected(check, printed.prints, i)
        if math.isfinite(found.low + found.high)
    ]
    if not known:
        return _row(cell, "arithmetic", told, None, "not_recomputed", _BOUNDED, value=one.value, recomputed=None)
    fails = [
        (relation, check, found)
        for relation, check, found in known
        if not _meet(found, told, alike=isinstance(check, Same))
    ]
    relation, check, found = min(fails or known, key=lambda known_: known_[2].high - known_[2].low)
    note = getattr(check, "note", "")
    why = f"{codes.label('rule', relation.rule)}: {note}"
    if fails:
        sure = codes.label("severity", relation.severity).lower()
        why = f"{why} {len(check.cells)} printed numbers do not fit together ({sure})."
    middle = (found.low + found.high) / 2
    verdict = "differs" if fails else "rounding"
    return _row(cell, "arithmetic", told, found, verdict, why, value=one.value, recomputed=middle)


def _meet(first: Range, second: Range, *, alike: bool = False) -> bool:
    """True if the ranges touch. Two prints ``alike`` share more than the single point 3.85 that 3.8 and 3.9 share."""
    room = min(first.high, second.high) - max(first.low, second.low)
    exact = min(first.high - first.low, second.high - second.low) < TOUCH
    return room >= (TOUCH if alike and not exact else -TOUCH)


def _expected(check: Check, prints: Prints, i: int) -> Iterator[Range]:
    """What the other numbers of a check say that a number is."""
    if isinstance(check, Same):
        yield from (rounding(prints[k].value, prints[k].half) for k in check.cells
                    if k != i and prints[k].value is not None)  # fmt: skip
    if isinstance(check, Holds) and _gives(check, prints, i) and (found := _solved(check, prints, i)):
        yield found


def _gives(check: Holds, prints: Prints, i: int) -> bool:
    """True if an equation gives a number: all of it is printed, and the number is not merely a weight in a mean."""
    weights = {k for _, name in check.equation.weighted for k in check.terms[name]}
    return check.equation.compare == "==" and i not in weights and all(prints[k].value is not None for k in check.cells)


def _solved(check: Holds, prints: Prints, i: int) -> Range | None:
    """The values of one number that make an equation true; None if it can be anything."""
    ranges = {name: [prints[k].range for k in places] for name, places in check.terms.items()}

    def gap(value: float) -> Range:
        tried = {
            name: [Range(value, value) if k == i else known for k, known in zip(places, ranges[name], strict=True)]
            for name, places in check.terms.items()
        }
        return check.equation.left(tried) - check.equation.right(tried)

    start = prints[i].value
    ends = [_root(lambda value: gap(value).low, start), _root(lambda value: gap(value).high, start)]
    return Range(min(ends), max(ends)) if all(end is not None for end in ends) else None


def _root(gap: Callable[[float], float], start: float) -> float | None:
    """Where a function is nil, by secants: equations are linear in almost every number; None where it is found not."""
    before, after = start, start + max(abs(start), 1.0) / 64
    for _ in range(50):
        height, rise = gap(after), gap(after) - gap(before)
        if not math.isfinite(height) or not math.isfinite(rise):
            return None
        if abs(height) < _SOLVED:
            return after
        if rise == 0:
            return None
        before, after = after, after - height * (after - before) / rise
    return None


# ---- counts ------------------------------------------------------------------------------------------------------


def counts(study: str) -> list[Row]:
    """Effects from levels, and significance marks against the p that group sizes and standard errors give.

    Effects are taken as analyses use them, corrected. The interval of an effect comes from group sizes.
    """
    rows = {(row.table, row.cell, row.quantity): row for row in _marks(study)}
    for effect in _effects(study):
        for row in (_effect(effect), _mark(effect)):
            rows[row.table, row.cell, row.quantity] = row
    return list(rows.values())


def _effects(study: str) -> Iterable[evidence.Effect]:
    try:
        design(study)
    except CodeError:
        return ()
    return evidence.effects(study)


def _effect(effect: evidence.Effect) -> Row:
    cell = effect.cell
    told = rounding(cell.number / cell.scale, cell.rounding / cell.scale)
    behind = design(cell.study).levels(cell) if effect.intensive is not None and effect.basic is not None else {}
    if not behind:
        return _row(cell, "counts", told, None, "not_recomputed", _NO_LEVELS, value=cell.value, recomputed=None)
    first, second = (rounding(level.number / level.scale, level.rounding / level.scale) for level in behind.values())
    found, middle = first - second, (effect.intensive - effect.basic) / cell.scale
    reach = Z95 * effect.estimate.se.high / cell.scale
    interval = Range(middle - reach, middle + reach)
    verdict, why = "differs", "The levels are further apart, or nearer, than chance allows."
    if _meet(found, told):
        verdict, why = "rounding", "The difference between the printed levels, with its interval by group sizes."
    elif interval.meet(told):
        verdict, why = "sampling", "Not the difference between the printed levels, but within its interval."
    return _row(cell, "counts", told, interval, verdict, why + _corrected(cell), value=cell.value, recomputed=middle)


def _mark(effect: evidence.Effect) -> Row:
    cell = effect.cell
    told = _p(t_range(cell.stars, source(cell.study)["stars"]))
    if effect.mark == "not testable":
        return _row(cell, "counts", told, None, "not_recomputed", _NO_SIZES, value=None, recomputed=None, quantity="p")
    exact = [one for one in design(cell.study).se_sources(cell) if one[0] in evidence.EXACT]
    found = combine(cell.number, cell.rounding, exact)
    middle = (found.se.low + found.se.high) / 2
    sharp = replace(found, rounding=0.0, se=Range(middle, middle))
    verdict = "differs" if effect.mark == "disagrees" else "rounding"
    why = f"The printed mark {cell.stars or '(none)'} against p by {evidence.BASIS_WORDS[exact[0][0]]}."
    return _row(
        cell, "counts", told, found.p, verdict, why + _corrected(cell), value=None, recomputed=sharp.p.low, quantity="p"
    )


def _marks(study: str) -> Iterator[Row]:
    """Marks that the audit holds against printed standard errors, or against shares and counts."""
    printed = audit.board(study)
    asked = {i: [c for _, c in known if isinstance(c, MarkOfRatio | MarkOfShares) and c.cells[0] == i]
             for i, known in _asked(study).items()}  # fmt: skip
    for i, checks in sorted(asked.items()):
        tested = [check for check in checks if all(printed.prints[k].value is not None for k in check.cells)]
        if tested:
            failing = [check for check in tested if check.problem(printed.prints)]
            yield _mark_by_audit(printed, i, (failing or tested)[0], bool(failing))


def _mark_by_audit(printed: Board, i: int, check: MarkOfRatio | MarkOfShares, fails: bool) -> Row:
    mark, prints = printed.prints[i], printed.prints
    if isinstance(check, MarkOfRatio):
        t, stars, test = ratio(*(prints[k] for k in check.cells)), mark.stars, "the printed standard error"
    else:
        first, second = (prints[k].range.scaled(0.01) for k in check.shares)
        sizes = [reduce(mul, (_amount(prints, k) for k in places)) for places in check.people]
        stars = mark.stars if not check.letter else "*" if check.letter in mark.larger_than else ""
        t, test = z_range(first, second, *sizes), "the printed shares and numbers of people"
    told = _p(t_range(stars, check.legend)) if stars in ("", *check.legend) else Range(0.0, 1.0)
    found, cell = _p(t), printed.cells[i]
    why = f"The printed mark {stars or '(none)'} against p by {test}."
    middle = (found.low + found.high) / 2
    verdict = "differs" if fails else "rounding"
    return _row(cell, "counts", told, found, verdict, why, value=None, recomputed=middle, quantity="p")


def _amount(prints: Prints, k: int) -> Range:
    """A count as it is, a share as a fraction: the product of both is a number of people."""
    one = prints[k]
    return one.range if one.half == 0 and one.decimals == 0 else one.range.scaled(0.01)


def _p(t: Range) -> Range:
    """What p can be where |t| can be this."""
    return Estimate(0.0, ANY, mark=t).p


def _corrected(cell: Cell) -> str:
    if cell.correction is None:
        return ""
    return f" Printed {cell.correction.printed:g} is read as {cell.correction.corrected:g}."


# ---- microdata ---------------------------------------------------------------------------------------------------


def estimator(study: str, table: pd.DataFrame, *, origin: Literal["synthetic", "supplied"] = "synthetic") -> list[Row]:
    """Published numbers against what the report's method gives on microdata.

    Parameters
    ----------
    table
        Columns table, cell, recomputed, ci_low, ci_high, why; numbers as the library has them (fractions), the interval
        missing where there is none. A row without a number says why, unless its column ``status`` says that the
        disclosure guard withheld it. Printed numbers of the same tables that it lacks get a row, too.
    origin
        Where the microdata come from. On synthetic data agreement is no evidence: it shows that the method gives back
        what the generator was calibrated to.

    Raises
    ------
    PublishedDataError
        A missing column, a cell that is not published or stands twice, a missing number without a reason, an interval
        that does not hold its number.
    DisclosureError
        A cell that the report suppressed.
    """
    layer: LayerName = "synthetic" if origin == "synthetic" else "microdata"
    known = {(c.table, c.cell): c for c in published(study)}
    found = _checked(study, table, known)
    among = {key: c for key, c in known.items() if key[0] in set(table["table"])}
    return [
        _estimated(cell, layer, found.get(key))
        for key, cell in among.items()
        if cell.value is not None and key not in audit.withheld(study)
    ]


def _checked(study: str, table: pd.DataFrame, known: Mapping[tuple[str, str], Cell]) -> dict[tuple, dict]:
    if missing := [name for name in RECOMPUTED if name not in table]:
        raise PublishedDataError(
            f"{study}: the recomputed numbers have no column {missing[0]!r}.\n  allowed: {RECOMPUTED}"
        )
    numbers = table.astype(dict.fromkeys(("recomputed", "ci_low", "ci_high"), float)).fillna({"why": ""})
    found: dict[tuple, dict] = {}
    for row in numbers.to_dict("records"):
        key, place = (row["table"], row["cell"]), f"{study} {row['table']}, cell {row['cell']}"
        if key not in known or (known[key].value is None and known[key].status != "suppressed"):
            raise PublishedDataError(f"{place}: recomputed, but not published.\n  correct the key, or leave it out")
        if known[key].status == "suppressed" or key in audit.withheld(study):
            raise DisclosureError(f"{place}: suppressed, so it cannot be held against anything.\n  leave it out")
        if key in found:
            raise PublishedDataError(f"{place}: recomputed twice.\n  keep one")
        if pd.isna(row["recomputed"]) and row.get("status") == "suppressed":
            row["why"] = row["why"] or _WITHHELD
        if pd.isna(row["recomputed"]) and not row["why"]:
            raise PublishedDataError(f"{place}: neither a number nor a reason.\n  say in 'why' what is missing")
        if not (
            (pd.isna(row["ci_low"]) and pd.isna(row["ci_high"])) or row["ci_low"] <= row["recomputed"] <= row["ci_high"]
        ):
            raise PublishedDataError(f"{place}: its interval does not hold its number.\n  correct ci_low and ci_high")
        found[key] = row
    return found


def _estimated(cell: Cell, layer: LayerName, row: Mapping | None) -> Row:
    told = rounding(cell.number / cell.scale, cell.rounding / cell.scale)
    if row is None or pd.isna(row["recomputed"]):
        why = row["why"] if row else _NOT_YET
        return _row(cell, layer, told, None, "not_recomputed", why, value=cell.value, recomputed=None)
    value, low, high = (row[name] / cell.scale for name in ("recomputed", "ci_low", "ci_high"))
    interval = None if pd.isna(low) else Range(low, high)
    verdict = "differs"
    if told.low - TOUCH <= value <= told.high + TOUCH:
        verdict = "rounding"
    elif interval and interval.meet(told):
        verdict = "sampling"
    why = (row["why"] or _AGREES[layer]) + _corrected(cell)
    return _row(cell, layer, told, interval, verdict, why, value=cell.value, recomputed=value)


# ---- all rows ----------------------------------------------------------------------------------------------------


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows as a table, one line each, sorted as the reports print them."""
    return pd.DataFrame([astuple(row) for row in rows], columns=list(COLUMNS))


def summary(rows: Iterable[Row]) -> pd.DataFrame:
    """How many numbers have which verdict: one line per study and layer, in the order of the code lists."""
    found = frame(rows)
    table = found.groupby(["study", "layer", "verdict"]).size()
    lines = [
        {
            "study": study,
            "layer": layer,
            **{verdict: int(table.get((study, layer, verdict), 0)) for verdict in codes.codes("verdict")},
        }
        for study in codes.codes("study")
        for layer in codes.codes("layer")
        if ((found["study"] == study) & (found["layer"] == layer)).any()
    ]
    return pd.DataFrame(lines, columns=["study", "layer", *codes.codes("verdict")])


class Entries:
    """Rows of the ledger as a page hands them to the build: shown, they leave with the executed page."""

    def __init__(self, rows: Iterable[Row], cleared: Mapping[str, object] | None = None) -> None:
        self.rows = tuple(rows)
        self.cleared = cleared

    def passed(self, cleared: Passed | None = None, *, public: str = "") -> Entries:
        """The rows with the disclosure guard's stamp; see :func:`watwerkt.stamps.stamped`."""
        return Entries(self.rows, stamped("", cleared, public)["cleared"])

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        payload = {"columns": list(COLUMNS), "rows": [list(astuple(row)) for row in self.rows]}
        payload |= {"cleared": dict(self.cleared)} if self.cleared else {}
        return {MIME: payload, "text/plain": f"{len(self.rows)} rows of the replication ledger"}
