"""One number format for all tables and charts: real minus signs, points for percentages, "to" between bounds."""

from __future__ import annotations

import math
import re

from watwerkt import codes
from watwerkt.evidence import Effect
from watwerkt.published import FRACTIONS, Cell
from watwerkt.uncertainty import Range

MINUS = "−"
EUROS = {"eur", "eur_per_hour", "eur_million"}
NOT_PRINTED = {"suppressed": "suppressed", "not_estimated": "not estimated", "not_applicable": "–"}


def number(value: float, decimals: int = 1, *, signed: bool = False) -> str:
    """A number with a real minus sign; ``signed`` puts a plus before what is above zero."""
    text = f"{abs(value):,.{decimals}f}"
    zero = float(text.replace(",", "")) == 0
    sign = "" if zero else MINUS if value < 0 else "+" if signed else ""
    return sign + text


def tiny(value: float) -> str:
    """A very small number by its size: ``3 × 10⁻¹⁵``; a dash where there is none, plain from a thousandth on."""
    if math.isnan(value):
        return "–"
    if value == 0 or abs(value) >= 1e-3:
        return number(value, 3) if value else "0"
    digits, power = f"{value:.0e}".split("e")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{with_minus(digits)} × 10{raised}"


def with_minus(text: str) -> str:
    """Text in which numbers have a real minus sign; hyphens and ranges stay."""
    return re.sub(r"(?<![\w)])-(?=[.\d])", MINUS, text)


def interval(low: float, high: float, decimals: int = 1) -> str:
    """Bounds in words: ``−0.4 to 4.2``."""
    return f"{number(low, decimals)} to {number(high, decimals)}"


def p_value(p: Range) -> str:
    """A p value known up to a range: two decimals, one number where both ends round alike."""
    low, high = (f"{end:.2f}" if end >= 0.005 else "<0.01" for end in (p.low, p.high))
    return low if low == high else f"{low} to {high}"


def printed(cell: Cell) -> str:
    """A cell as the report prints it, with its significance mark; a percent sign where the unit is one."""
    return NOT_PRINTED[cell.status] if cell.value is None else _marked(cell, cell.value)


def as_printed(cell: Cell) -> str:
    """A cell in the report's own notation but for the decimal point: percent and euro signs, marks, letters; a code as
    what it means."""
    if cell.value is None:
        return NOT_PRINTED[cell.status]
    if cell.unit == "code":
        return _code(cell)
    text = number(abs(cell.value), cell.decimals or 0)
    sign = MINUS if math.copysign(1, cell.value) < 0 else ""  # reports print −0.0, too
    euro = "€ " if cell.unit in EUROS else ""
    percent = "%" if cell.unit in ("pct", "pp") else ""
    letters = f" {cell.larger_than}" if cell.larger_than else ""
    return f"{sign}{euro}{text}{percent}{cell.stars}{letters}"


def _code(cell: Cell) -> str:
    minus = MINUS if cell.value < 0 else ""
    if cell.statistic == "direction":
        return minus or "+"
    if cell.statistic == "assignment":
        return codes.label("arm", cell.arm)
    if cell.statistic == "significant":
        return "yes" if cell.value else "no"
    return minus + codes.label("statistic", cell.statistic).removesuffix(" (verdict)")


def used(cell: Cell) -> str:
    """A cell as analyses use it: like :func:`printed`, but a misprint gives its corrected value."""
    return _marked(cell, cell.correction.corrected) if cell.correction else printed(cell)


def _marked(cell: Cell, value: float) -> str:
    text = number(value, cell.decimals or 0, signed=cell.statistic in ("effect", "cumulative_effect"))
    return text + ("%" if cell.unit == "pct" else "") + cell.stars


def effect_interval(effect: Effect) -> str:
    """The 95% interval in printed units; "at least ± …" where only the significance mark says anything."""
    cell, estimate = effect.cell, effect.estimate
    decimals = max(cell.decimals or 0, 1) if cell.unit in FRACTIONS else cell.decimals or 0
    if effect.determined:
        return interval(estimate.low / cell.scale, estimate.high / cell.scale, decimals)
    if math.isclose(estimate.least_half_width, 0.0, abs_tol=1e-12):
        return "not known"
    return f"at least ±{number(estimate.least_half_width / cell.scale, decimals)}"
