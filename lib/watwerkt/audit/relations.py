"""From rules as they are written down (``data/audit/<study>.yml``) to checks of printed cells.

A relation names terms by their codes. Cells belong together if they agree in every column that no term mentions (a
natural join); ``by`` names the columns instead, and the value ``any`` in a term leaves a column free. ``for`` repeats a
relation, with the value in place of ``each``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from watwerkt import codes
from watwerkt.audit import checks, expressions
from watwerkt.audit.board import KEYS, PROSE, Board
from watwerkt.audit.rules import COLUMNS, specs
from watwerkt.audit.weights import Between, Column
from watwerkt.errors import AuditError, CodeError
from watwerkt.paths import data_dir, shown
from watwerkt.published import CODED, prose, source, table_facts
from watwerkt.uncertainty import Range

EXACT = Range(0.0, 1.0)


@dataclass(frozen=True)
class Relation:
    """One rule as written down, and its checks."""

    id: str
    rule: str
    severity: str
    checks: tuple[checks.Check, ...]
    merge: str = ""  # a sentence for all problems together, where they have one cause


def relations(board: Board) -> list[Relation]:
    """Every relation of a study with its checks, in the order of the file.

    Raises AuditError for a relation that is misspelt or that refers to cells that do not exist.
    """
    found = [relation for spec in specs(board.study) for relation in _expanded(board, spec)]
    return [*found, *_repeats(board)]


def _repeats(board: Board) -> Iterator[Relation]:
    """Numbers in the text that repeat a cell of a table, as ``prose.csv`` says."""
    places = {(cell.table, cell.cell): i for i, cell in enumerate(board.cells)}
    made = []
    for said in prose(board.study).values():
        if said.repeats:
            table, _, cell = said.repeats.partition(":")
            if (table, cell) not in places:
                raise AuditError(
                    f"{shown(data_dir() / 'published' / board.study / 'prose.csv')}, {said.key!r}, column 'repeats': "
                    f"there is no cell {said.repeats!r}.\n  write table:cell as in the published tables"
                )
            note = f"Section {said.section}: {said.statement}"
            made.append(checks.Same((places[PROSE, said.key], places[table, cell]), False, note))
    if made:
        yield Relation("text_and_tables", "text", "certain", tuple(made))


def _expanded(board: Board, spec: Mapping) -> Iterator[Relation]:
    repeats = spec.get("for", {"": [""]})
    ((column, values),) = repeats.items()
    for value in values:
        one = _filled(spec, column, value)
        made = tuple(_KINDS[spec.get("kind", "equation")](board, one))
        if not made:
            raise AuditError(
                f"audit rule {spec['id']!r} of {board.study!r}{f' for {value!r}' if value else ''}: no cells belong "
                "together.\n  the terms must agree in every column that they do not mention; name the columns with 'by'"
            )
        yield Relation(spec["id"], spec["rule"], spec.get("severity", "certain"), made, spec.get("merge", ""))


def _filled(spec: Mapping, column: str, value: str) -> dict:
    """The relation with a value of ``for`` in place of ``each``."""
    if not column:
        return dict(spec)

    def fill(found):
        if isinstance(found, Mapping):
            return {key: fill(inner) for key, inner in found.items()}
        return [fill(inner) for inner in found] if isinstance(found, list) else value if found == "each" else found

    return {key: fill(inner) for key, inner in spec.items() if key != "for"}


# ---- cells that belong together ----------------------------------------------------------------------------------


Group = dict[str, list[int]]


def _groups(board: Board, spec: Mapping, terms: Mapping[str, Mapping]) -> list[Group]:
    """Cells of each term that belong together; only groups in which every term has a cell.

    A column named in ``by`` that a term fixes does not part that term's cells: one total serves all its parts.
    """
    mentioned = {column for term in terms.values() for column in term}
    by = tuple(spec["by"] if "by" in spec else (key for key in KEYS if key not in mentioned))
    keyed = {name: tuple(column for column in by if not _fixed(term, column)) for name, term in terms.items()}
    found = {name: _by_key(board, spec, {**spec.get("where", {}), **terms[name]}, keyed[name]) for name in terms}
    full = [name for name in terms if keyed[name] == by]
    groups: list[Group] = []
    for key in dict.fromkeys(key for name in full for key in found[name]):
        values = dict(zip(by, key, strict=True))
        group = {name: found[name].get(tuple(values[c] for c in keyed[name]), []) for name in terms}
        if all(group.values()):
            groups.append({name: list(places) for name, places in group.items()})
    return groups


def _fixed(term: Mapping, column: str) -> bool:
    return term.get(column, "any") != "any" and not isinstance(term[column], list)


def _by_key(board: Board, spec: Mapping, where: Mapping, by: Sequence[str]) -> dict[tuple, list[int]]:
    found: dict[tuple, list[int]] = defaultdict(list)
    for i in _selected(board, spec, where):
        found[tuple(_key(board, i, column) for column in by)].append(i)
    return found


def _key(board: Board, i: int, column: str) -> object:
    return getattr(board.cells[i], column)


def _selected(board: Board, spec: Mapping, where: Mapping) -> list[int]:
    where = {column: value for column, value in where.items() if value != "any"}
    tables = where.pop("table", None) or spec["tables"]
    for column, value in where.items():
        _check_column(board, spec, column, value)
    patterns = [tables] if isinstance(tables, str) else tables
    return board.select(patterns, where, rule=spec["id"])


def _check_column(board: Board, spec: Mapping, column: str, value: object) -> None:
    if column not in COLUMNS:
        raise AuditError(f"audit rule {spec['id']!r} of {board.study!r}: cells have no column {column!r}.\n"
                         f"  allowed: {', '.join(COLUMNS)}")  # fmt: skip
    if column in CODED and column != "category":
        for one in value if isinstance(value, list) else [value]:
            if one != "":
                try:
                    codes.code(column, str(one))
                except CodeError as error:
                    raise AuditError(f"audit rule {spec['id']!r} of {board.study!r}: {error}") from None


# ---- kinds of relation -------------------------------------------------------------------------------------------


def _equations(board: Board, spec: Mapping) -> Iterator[checks.Holds]:
    equation = expressions.equation(str(spec["says"]))
    for group in _groups(board, spec, spec["terms"]):
        for name in group:
            if name not in equation.many:
                _single(board, spec, group, name)
        for name in equation.many:
            group[name].sort(key=lambda i: (board.cells[i].category, board.cells[i].population))
        for values, weights in equation.weighted:
            _check_weights(board, spec, group[values], group[weights])
        yield checks.Holds(equation, {name: tuple(places) for name, places in group.items()}, spec["note"])


def _single(board: Board, spec: Mapping, group: Group, name: str) -> int:
    """The one cell of a term."""
    if len(group[name]) > 1:
        places = ", ".join(f"{board.cells[i].table}:{board.cells[i].cell}" for i in group[name][:4])
        raise AuditError(
            f"audit rule {spec['id']!r} of {board.study!r}: the term {name!r} fits several cells at once: {places}.\n"
            "  name more codes, or sum it in an equation"
        )
    return group[name][0]


def _check_weights(board: Board, spec: Mapping, values: Sequence[int], weights: Sequence[int]) -> None:
    """The weights of a mean are those of the same groups, one for one."""
    of, by = ([(board.cells[i].category, board.cells[i].population) for i in places] for places in (values, weights))
    if of != by:
        raise AuditError(
            f"audit rule {spec['id']!r} of {board.study!r}: the mean of {of} is weighted with {by}.\n"
            "  name codes that give one weight for each group"
        )


def _same(board: Board, spec: Mapping) -> Iterator[checks.Same]:
    ignored = {"table", *spec.get("ignore", ())}
    groups: dict[tuple, list[int]] = defaultdict(list)
    for i in _selected(board, spec, spec.get("where", {})):
        groups[tuple(_key(board, i, key) for key in KEYS if key not in ignored)].append(i)
    for places in groups.values():
        if len({board.cells[i].table for i in places}) > 1:
            yield checks.Same(tuple(places), bool(spec.get("marks", False)), spec["note"])


def _same_terms(board: Board, spec: Mapping) -> Iterator[checks.Same]:
    """The same quantity under different codes: one cell of each term."""
    for group in _groups(board, spec, spec["terms"]):
        yield checks.Same(tuple(i for places in group.values() for i in places), bool(spec.get("marks")), spec["note"])


def _rising(board: Board, spec: Mapping) -> Iterator[checks.Rising]:
    groups: dict[tuple, list[int]] = defaultdict(list)
    for i in _selected(board, spec, spec.get("where", {})):
        if board.cells[i].horizon_months is not None:
            groups[tuple(_key(board, i, key) for key in KEYS if key != "horizon_months")].append(i)
    for places in groups.values():
        if len(places) > 1:
            yield checks.Rising(tuple(sorted(places, key=lambda i: board.cells[i].horizon_months)), spec["note"])


def _between(board: Board, spec: Mapping) -> Iterator[Between]:
    over = tuple(spec.get("over", ()))
    terms = {"whole": spec["whole"], "parts": spec["parts"]}
    joint: dict[tuple, list[Column]] = defaultdict(list)
    known: set[str] = set()
    for group in _groups(board, spec, terms):
        if len(group["whole"]) == 1 and len(group["parts"]) > 1:
            whole, parts = group["whole"][0], sorted(group["parts"], key=lambda i: board.cells[i].category)
            names = tuple(board.cells[i].category for i in parts)
            known.update(names)
            key = tuple(_key(board, whole, k) for k in KEYS if k not in over and k not in terms["whole"])
            joint[(*key, names)].append(Column(whole, tuple(parts)))
    if unknown := sorted(set(spec.get("shares", {})) - known):
        raise AuditError(f"audit rule {spec['id']!r} of {board.study!r}: shares of {', '.join(unknown)}, which is no "
                         f"part.\n  allowed: {', '.join(sorted(known))}")  # fmt: skip
    for (*_, names), columns in joint.items():
        limits = tuple(Range(*spec["shares"][name]) if name in spec.get("shares", {}) else EXACT for name in names)
        rest, floor, ceiling = (float(spec.get(name, 0.0)) for name in ("rest", "floor", "ceiling"))
        yield Between(tuple(columns), limits, rest, floor, ceiling, spec["note"])


def _ratios(board: Board, spec: Mapping) -> Iterator[checks.MarkOfRatio]:
    for group in _groups(board, spec, spec["terms"]):
        estimate, error = (_single(board, spec, group, name) for name in ("estimate", "error"))
        yield checks.MarkOfRatio((estimate, error), legend(board.study, board.cells[estimate].table), spec["note"])


def _shares(board: Board, spec: Mapping) -> Iterator[checks.MarkOfShares]:
    """Terms ``first`` and ``second`` are shares, ``marked`` carries the mark (else ``first`` does).

    ``people`` names, for each of the two, the terms whose product is the number of people behind it.
    """
    for group in _groups(board, spec, spec["terms"]):
        one = {name: _single(board, spec, group, name) for name in group}
        marked = one.get("marked", one["first"])
        people = tuple(tuple(one[name] for name in names) for names in spec["people"])
        known = spec.get("legend") or legend(board.study, board.cells[marked].table)
        yield checks.MarkOfShares(
            (one["first"], one["second"]), marked, spec.get("letter", ""), people, known,
            spec.get("slack", 0.01), spec["note"],
        )  # fmt: skip


def _missing(board: Board, spec: Mapping) -> Iterator[checks.Missing]:
    """Terms ``total`` and ``parts``; a group of fewer parts than ``count`` lacks one, called ``name``."""
    for group in _groups(board, spec, spec["terms"]):
        if len(group["parts"]) < spec["count"]:
            total = _single(board, spec, group, "total")
            yield checks.Missing(total, tuple(group["parts"]), spec["name"], spec["note"])


def _directions(board: Board, spec: Mapping) -> Iterator[checks.SameDirection]:
    for group in _groups(board, spec, spec["terms"]):
        three = tuple(_single(board, spec, group, name) for name in ("effect", "first", "second"))
        yield checks.SameDirection(three, spec["note"])


def _verdicts(board: Board, spec: Mapping) -> Iterator[checks.Verdict]:
    """``pairs`` says which verdict judges which statistic; verdict and number share category and outcome."""
    verdicts: dict[tuple, dict[str, int]] = defaultdict(dict)
    for i in _selected(board, spec, {"unit": "code", "table": spec["codes"]}):
        cell = board.cells[i]
        verdicts[cell.category, cell.outcome][cell.statistic] = i
    for verdict, statistic in spec["pairs"].items():
        for part in _selected(board, spec, {"statistic": statistic}):
            said = verdicts.get((board.cells[part].category, board.cells[part].outcome))
            if said:
                yield checks.Verdict(said.get(verdict), tuple(said.values()), part, spec["note"])


def _not_printed(board: Board, spec: Mapping) -> Iterator[checks.NotPrinted]:
    yield checks.NotPrinted(tuple(_selected(board, spec, spec.get("where", {}))), spec["note"])


def _signs(board: Board, spec: Mapping) -> Iterator[checks.SameSign]:
    for group in _groups(board, spec, spec["terms"]):
        yield checks.SameSign(tuple(_single(board, spec, group, name) for name in group), spec["note"])


_KINDS: dict[str, Callable[[Board, Mapping], Iterator[checks.Check]]] = {
    "equation": _equations,
    "same": _same,
    "same_terms": _same_terms,
    "rising": _rising,
    "between": _between,
    "mark_of_ratio": _ratios,
    "mark_of_shares": _shares,
    "missing_part": _missing,
    "same_sign": _signs,
    "direction": _directions,
    "verdicts": _verdicts,
    "not_printed": _not_printed,
}


@cache
def legend(study: str, table: str) -> Mapping[str, float]:
    """What the marks of a table mean: its own legend, else the report's."""
    return table_facts(study, table).get("stars") or source(study)["stars"]
