"""Arithmetic on ranges, written as in a book: ``total == work + other``.

An expression holds names of terms, numbers, ``+ - * /`` and brackets; ``sum(parts)`` adds up a term of many cells and
``mean(parts, people)`` averages one term with another as weights (counts, which are exact). Every name should stand
once, so that the range of the result is exact and not merely safe.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from watwerkt.errors import AuditError
from watwerkt.uncertainty import Range

Terms = Mapping[str, Sequence[Range]]
Value = Callable[[Terms], Range]

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
GRAMMAR = "names, numbers, + - * /, brackets, sum(many), mean(many, weights), and one of == < >"


@dataclass(frozen=True)
class Equation:
    """``left == right`` (or ``<``, ``>``): two functions of the terms, and which terms may hold many cells.

    ``result`` is the term that stands alone on the left, if one does: the one that the others predict.
    """

    text: str
    left: Value
    right: Value
    compare: str
    result: str
    names: frozenset[str]
    many: frozenset[str]
    weighted: frozenset[tuple[str, str]]  # each mean: its term and the term of its weights

    def holds(self, terms: Terms) -> bool:
        """True if values within the ranges of the terms make the equation true."""
        left, right = self.left(terms), self.right(terms)
        if self.compare == "==":
            return left.meet(right) is not None
        return left.low <= right.high if self.compare == "<" else left.high >= right.low


def equation(text: str) -> Equation:
    """Read an equation; raises AuditError that names what is not allowed."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise AuditError(f"{text!r} is no equation ({error.msg}).\n  allowed: {GRAMMAR}") from None
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1 or type(tree.ops[0]) not in _COMPARE:
        raise AuditError(f"{text!r} is no equation: it holds no single ==, < or >.\n  allowed: {GRAMMAR}")
    single: set[str] = set()
    many: set[str] = set()
    left, right = (_value(side, text, single, many) for side in (tree.left, tree.comparators[0]))
    if mixed := many & single:
        raise AuditError(f"{text!r}: {', '.join(sorted(mixed))} stands for one cell and for many.\n  use two terms")
    result = tree.left.id if isinstance(tree.left, ast.Name) else ""
    weighted = frozenset(tuple(arg.id for arg in call.args) for call in ast.walk(tree) if _is_mean(call))
    names = frozenset(single | many)
    return Equation(text, left, right, _COMPARE[type(tree.ops[0])], result, names, frozenset(many), weighted)


def _is_mean(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and node.func.id == "mean"


_COMPARE = {ast.Eq: "==", ast.Lt: "<", ast.Gt: ">"}


def _value(node: ast.expr, text: str, single: set[str], many: set[str]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            exact = Range(float(number), float(number))
            return lambda terms: exact
        case ast.Name(id=name):
            single.add(name)
            return lambda terms: terms[name][0]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            value = _value(inner, text, single, many)
            return lambda terms: -value(terms)
        case ast.BinOp(left=first, op=op, right=second) if type(op) in _OPERATORS:
            sides = [_value(side, text, single, many) for side in (first, second)]
            apply = _OPERATORS[type(op)]
            return lambda terms: apply(sides[0](terms), sides[1](terms))
        case ast.Call(func=ast.Name(id="sum"), args=[ast.Name(id=name)]):
            many.add(name)
            return lambda terms: reduce(operator.add, terms[name])
        case ast.Call(func=ast.Name(id="mean"), args=[ast.Name(id=name), ast.Name(id=weights)]):
            many.update({name, weights})
            return lambda terms: _mean(terms[name], terms[weights])
    raise AuditError(f"{text!r}: {ast.unparse(node)!r} is not allowed in an equation.\n  allowed: {GRAMMAR}")


def _mean(values: Sequence[Range], weights: Sequence[Range]) -> Range:
    total = sum((weight.low + weight.high) / 2 for weight in weights)
    parts = (value.scaled((w.low + w.high) / 2 / total) for value, w in zip(values, weights, strict=True))
    return reduce(operator.add, parts)
