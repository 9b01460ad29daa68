"""False alarms: what the audit finds in numbers that obeyed all its rules before rounding (methods A8)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import optimize, sparse, stats

from watwerkt import codes
from watwerkt.audit.board import Board
from watwerkt.audit.checks import (
    Check,
    Holds,
    MarkOfRatio,
    MarkOfShares,
    Missing,
    NotPrinted,
    Prints,
    Rising,
    Same,
    SameDirection,
    SameSign,
    Verdict,
)  # fmt: skip
from watwerkt.audit.findings import Finding
from watwerkt.audit.quality import Base, Change, compared
from watwerkt.audit.structure import Row
from watwerkt.audit.weights import Between
from watwerkt.published import Cell
from watwerkt.uncertainty import Range, pooled_test

ROUNDS = 12
STEP = 1e-4  # of a cell's room: for slopes
CLOSED = 1e-8  # relative: numbers agree
EVENNESS = 4.0  # of random group shares: no group of almost everyone
RIDGE = 1e-10  # lets equations follow from each other
TINY = 1e-12


@dataclass(frozen=True)
class Gap:
    """How far values are from what a relation asks: nil where they agree; where ``loose``, at most nil.

    The first cell is the one to leave out where the gap cannot be closed.
    """

    relation: str
    cells: tuple[int, ...]
    loose: bool
    of: Callable[[np.ndarray], float]

    def open(self, values: np.ndarray) -> bool:
        """True if the values do not agree."""
        off = self.of(values) if self.loose else abs(self.of(values))
        return not off <= CLOSED * max(1.0, *np.abs(values[list(self.cells)]))

    def slopes(self, values: np.ndarray, room: np.ndarray) -> list[float]:
        """How the gap moves with each of its cells, in units of that cell's room."""
        found = []
        for i in self.cells:
            more, less = values.copy(), values.copy()
            more[i], less[i] = values[i] + STEP * room[i], values[i] - STEP * room[i]
            found.append((self.of(more) - self.of(less)) / (2 * STEP))
        return found


@dataclass(frozen=True)
class Consistent:
    """A board whose numbers obeyed the rules before they were rounded; the relations that some cell had to leave."""

    board: Board
    left_out: tuple[str, ...]


def consistent(base: Base, *, amount: float = 0.1, generator: np.random.Generator) -> Consistent:
    """Make an evidence base that obeys its rules: numbers, moved at random, then made to agree and rounded as printed.

    Every number moves by at most ``amount`` of itself. Counts are made to agree as whole numbers (with the least sum of
    relative changes), then all else by Newton's method (with the least squares of relative changes); totals between
    parts get one random set of group shares per check, and what should point one way keeps the way it is printed.
    Marks follow from the values. Left blank are numbers that a rule wants blank, and one cell of whatever could not be
    made to agree. Where the report contradicts itself, numbers move further; so no rule goes unasked.
    """
    cells = base.board.cells
    unwanted = {i for _, check in base.asked if isinstance(check, Missing | NotPrinted) for i in check.cells}
    blank = {i: replace(base.board.prints[i], value=None) for i in unwanted}
    prints = base.board.changed(blank).prints
    start = np.array([math.nan if p.value is None else p.value for p in prints])
    exact = np.array([p.half == 0 for p in prints])
    counts = exact & np.array([cell.statistic == "count" for cell in cells])
    values = np.where(exact & ~counts, start, start * (1 + generator.uniform(-amount, amount, len(start))))
    values[counts] = np.round(values[counts])
    gaps = [gap for relation, check in base.asked for gap in _gaps(relation.id, check, prints, generator)]
    values = _whole([gap for gap in gaps if exact[list(gap.cells)].all()], values, counts)
    room = np.where(exact, 0.0, np.maximum(np.abs(start), [10.0**-p.decimals for p in prints]))
    values = _agreeing(gaps, values, room, _limits(cells, start))
    failed = [gap for gap in gaps if gap.open(values)]
    values[[gap.cells[0] for gap in failed]] = math.nan
    numbers = [
        None if math.isnan(v) else round(v, p.decimals) + 0.0 for p, v in zip(prints, values.tolist(), strict=True)
    ]
    shown = [replace(p, value=number) for p, number in zip(prints, numbers, strict=True)]
    made = {**dict(enumerate(shown)), **_marked(base, shown, values)}
    return Consistent(base.board.changed(made), tuple(gap.relation for gap in failed))


def _limits(cells: Sequence[Cell], start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nil for all that the study never prints below zero, a hundred for percentages."""
    kinds = [(cell.statistic, cell.unit) for cell in cells]
    signed = {kind for kind, value in zip(kinds, start, strict=True) if value < 0}
    low = [-math.inf if kind in signed else 0.0 for kind in kinds]
    return np.array(low), np.array([100.0 if unit == "pct" else math.inf for _, unit in kinds])


def _gaps(name: str, check: Check, prints: Prints, generator: np.random.Generator) -> Iterator[Gap]:
    """What a check asks of numbers, one gap for each equation."""
    present = compared(check, prints)
    match check:
        case Holds(equation=equation, terms=terms) if present:
            sign = -1.0 if equation.compare == ">" else 1.0

            def off(values: np.ndarray) -> float:
                points = {name: [Range(values[i], values[i]) for i in places] for name, places in terms.items()}
                return sign * (equation.left(points).low - equation.right(points).low)

            yield Gap(name, present, equation.compare != "==", off)
        case Same() | Rising():
            for a, b in pairwise(present):
                yield Gap(name, (b, a), isinstance(check, Rising), lambda v, a=a, b=b: v[a] - v[b])
        case SameSign(cells=(a, b)) if present:
            sign = math.copysign(1.0, prints[a].value)
            yield Gap(name, (a,), True, lambda v: -sign * v[a])
            yield Gap(name, (b,), True, lambda v: -sign * v[b])
        case SameDirection(cells=(effect, a, b)) if present:
            sign = math.copysign(1.0, prints[a].value - prints[b].value)
            yield Gap(name, (effect,), True, lambda v: -sign * v[effect])
            yield Gap(name, (a, b), True, lambda v: -sign * (v[a] - v[b]))
        case Between(columns=columns):
            shares = generator.dirichlet(np.full(len(columns[0].parts), EVENNESS))
            for whole, parts in ((c.whole, list(c.parts)) for c in columns if {c.whole, *c.parts} <= set(present)):
                yield Gap(name, (whole, *parts), False, lambda v, w=whole, p=parts: v[w] - float(shares @ v[p]))


def _whole(gaps: Sequence[Gap], values: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Whole numbers that close the gaps between counts, with the least sum of relative changes; integer programming."""
    cells = sorted({i for gap in gaps for i in gap.cells})
    if not cells:
        return values
    old, count = values[cells], len(cells)
    slopes = np.zeros((len(gaps), len(values)))
    for row, gap in zip(slopes, gaps, strict=True):
        row[list(gap.cells)] = np.round(gap.slopes(values, np.full(len(values), 1 / STEP)), 6) * STEP
    slopes, none = slopes[:, cells], np.zeros((len(gaps), count))
    ends = slopes @ old - [gap.of(values) for gap in gaps]
    starts = np.where([gap.loose for gap in gaps], -math.inf, ends)
    eye, fixed = np.eye(count), ~free[cells]
    rules = [
        optimize.LinearConstraint(np.hstack([slopes, none]), starts, ends),
        optimize.LinearConstraint(np.hstack([eye, -eye]), -math.inf, old),
        optimize.LinearConstraint(np.hstack([-eye, -eye]), -math.inf, -old),
    ]
    low, high = np.where(fixed, old, 0.0), np.where(fixed, old, math.inf)
    found = optimize.milp(
        np.r_[np.zeros(count), 1 / np.maximum(old, 1.0)],
        constraints=rules,
        bounds=optimize.Bounds(np.r_[low, np.zeros(count)], np.r_[high, np.full(count, math.inf)]),
        integrality=np.r_[np.ones(count), np.zeros(count)],
    )
    moved = values.copy()
    moved[cells] = np.round(found.x[:count]) if found.success else old
    return moved


def _agreeing(
    gaps: Sequence[Gap], values: np.ndarray, room: np.ndarray, limits: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Values that close the gaps, near the old ones; cells without room stay, and so does what reaches a limit."""
    values = np.clip(values, *limits)
    binding = {k for k, gap in enumerate(gaps) if not gap.loose}
    for _ in range(ROUNDS):
        wide = {k for k, gap in enumerate(gaps) if gap.open(values) and room[list(gap.cells)].any()}
        if not wide:
            break
        binding |= wide
        kept = [gaps[k] for k in sorted(binding)]
        slopes = sparse.lil_matrix((len(kept), len(values)))
        for k, gap in enumerate(kept):
            slopes[k, list(gap.cells)] = gap.slopes(values, room)
        size = np.sqrt(slopes.multiply(slopes).sum(axis=1).A1) + TINY
        slopes = (sparse.diags(1 / size) @ slopes).tocsr()
        normal = (slopes @ slopes.T + RIDGE * sparse.eye(len(kept))).tocsc()
        off = np.array([gap.of(values) for gap in kept]) / size
        wanted = values - room * (slopes.T @ sparse.linalg.spsolve(normal, off))
        values = np.clip(wanted, *limits)
        room = np.where(values == wanted, room, 0.0)
    return values


def _marked(base: Base, shown: Prints, values: np.ndarray) -> Change:
    """Prints with the stars and letters that the values call for; blank where checks call for different ones."""
    asked = [check for _, check in base.asked if compared(check, shown, marks=True)]
    stars: dict[int, set[str]] = defaultdict(set)
    letters: dict[int, set[str]] = {}
    for check in asked:
        match check:
            case MarkOfRatio(cells=(estimate, error)):
                p = 2 * stats.norm.sf(abs(values[estimate]) / max(values[error], TINY))
                stars[estimate].add(_mark(p, check.legend))
            case MarkOfShares(shares=(first, second), marked=i):
                people = [math.prod(values[k] / (100 if shown[k].half else 1) for k in ks) for ks in check.people]
                p = pooled_test(values[first] / 100, people[0], values[second] / 100, people[1])
                if check.letter:
                    larger = values[first] > values[second] and _mark(p, check.legend)
                    letters.setdefault(i, set()).update({check.letter} if larger else ())
                else:
                    stars[i].add(_mark(p, check.legend))
            case Verdict(code=code, part=part):
                stars[part].add("" if code is None else shown[part].stars or "*")
    _repeat(stars, [compared(c, shown, marks=True) for c in asked if isinstance(c, Same)], shown)
    made = {i: replace(shown[i], larger_than=",".join(sorted(found))) for i, found in letters.items()}
    for i, found in stars.items():
        old = made.get(i, shown[i])
        made[i] = replace(old, stars=min(found)) if len(found) == 1 else replace(old, value=None)
    return made


def _repeat(stars: dict[int, set[str]], groups: Sequence[Row], shown: Prints) -> None:
    """Give cells that repeat each other the mark of the first whose mark is known."""
    while groups:
        ready = [group for group in groups if stars.keys() & set(group)] or groups[:1]
        for group in ready:
            mark = next((min(stars[i]) for i in group if i in stars), shown[group[0]].stars)
            for i in group:
                stars[i].add(mark)
        groups = [group for group in groups if group not in ready]


def _mark(p: float, levels: Mapping[str, float]) -> str:
    return min(((level, mark) for mark, level in levels.items() if p <= level), default=(1.0, ""))[1]


# ---- false alarms ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FalseAlarms:
    """What the audit finds in numbers that agree: every finding is a false alarm.

    ``asked`` counts, by rule, the checks that had enough numbers to compare, or the rows and sets of labels that were
    compared; ``left_out`` names the relations of numbers that could not be made to agree.
    """

    asked: Mapping[str, int]
    alarms: tuple[Finding, ...]
    left_out: tuple[str, ...]

    @property
    def rate(self) -> float:
        """False alarms per check asked."""
        return len(self.alarms) / sum(self.asked.values())

    @property
    def frame(self) -> pd.DataFrame:
        """One row per rule: checks asked, false alarms, and their rate."""
        found = Counter(one.rule for one in self.alarms)
        rows = [
            (r, codes.label("rule", r), asked, found[r], found[r] / asked) for r, asked in self.asked.items() if asked
        ]
        return pd.DataFrame(rows, columns=["rule", "rule_label", "asked", "alarms", "rate"])


def false_alarms(bases: Iterable[Base], *, times: int = 20, generator: np.random.Generator) -> FalseAlarms:
    """Put the audit to evidence bases made :func:`consistent`, each so many times."""
    asked: Counter[str] = Counter()
    alarms: list[Finding] = []
    left_out: list[str] = []
    for base in list(bases) * times:
        made = consistent(base, generator=generator)
        prints = made.board.prints
        asked.update(r.rule for r, c in base.asked if compared(c, prints) or compared(c, prints, marks=True))
        asked.update({"duplicate": len(base.layout.rows), "label": len(base.layout.categories)})
        alarms += base.findings(made.board, range(len(base.asked)), replace(base.layout, names={}))
        left_out += made.left_out
    return FalseAlarms(dict(asked), tuple(alarms), tuple(left_out))
