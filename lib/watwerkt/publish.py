"""Put results into the page: the only caller of glue.

``publish(net=effect)`` makes ``net``, ``net_low``, ``net_high`` (and more) available to ``{glue:text}`net:+.1f```.
Numbers are published in the unit in which they are printed: percentages and points times 100.
"""

from __future__ import annotations

import math
import numbers

from IPython import get_ipython
from myst_nb import glue

from watwerkt.errors import WatWerktError
from watwerkt.estimate.result import Result
from watwerkt.evidence import Effect
from watwerkt.published import Cell
from watwerkt.uncertainty import Estimate, Range


class PublishError(WatWerktError):
    """A value that cannot stand on a page."""


# What a number keeps: enough for any page, and free of the last bits in which processors differ.
DIGITS = 12

_published: dict[str, str] = {}


def publish(**values: object) -> None:
    """Make values available to the page under these keys.

    A number or text gives one key. An :class:`~watwerkt.evidence.Effect` or
    :class:`~watwerkt.uncertainty.Estimate` gives ``key``, ``key_low``, ``key_high``, ``key_p_low``, ``key_p_high`` (and
    ``key_intensive``, ``key_basic`` if it has levels); a :class:`~watwerkt.estimate.result.Result` gives ``key``,
    ``key_low``, ``key_high``, ``key_se`` and ``key_p``; a :class:`~watwerkt.uncertainty.Range` gives ``key_low`` and
    ``key_high``; a :class:`~watwerkt.published.Cell` gives its number.

    Raises
    ------
    PublishError
        A key is published twice, or a value is missing, not a number, or infinite.
    """
    _publish_all([_spread(key, value, _scale_of(value)) for key, value in values.items()])


def publish_percent(**values: float | Estimate | Range | Result) -> None:
    """Like :func:`publish`, for fractions that the page shows as percentages or points: each is taken times 100."""
    _publish_all([_spread(key, value, 100.0) for key, value in values.items()])


def _scale_of(value: object) -> float:
    cell = value.cell if isinstance(value, Effect) else value
    return 1.0 / cell.scale if isinstance(cell, Cell) else 1.0


def _spread(key: str, value: object, scale: float) -> dict[str, object]:
    if isinstance(value, Effect):
        levels = {"intensive": value.intensive, "basic": value.basic}
        known = {f"{key}_{name}": level * scale for name, level in levels.items() if level is not None}
        return {**_spread(key, value.estimate, scale), **known}
    if isinstance(value, Estimate):
        interval = {f"{key}_low": value.low * scale, f"{key}_high": value.high * scale} if value.ci else {}
        return {
            key: value.estimate * scale,
            **interval,
            f"{key}_p_low": value.p.low,
            f"{key}_p_high": value.p.high,
        }
    if isinstance(value, Result):
        ends = {f"{key}_low": value.ci[0], f"{key}_high": value.ci[1], f"{key}_se": value.se}
        scaled = {name: number * scale for name, number in {key: value.estimate, **ends}.items()}
        return {**scaled, f"{key}_p": value.p}
    if isinstance(value, Range):
        return {f"{key}_low": value.low * scale, f"{key}_high": value.high * scale}
    if isinstance(value, Cell):
        return {key: value.number * scale}
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and scale != 1.0:
        return {key: float(value) * scale}
    return {key: value}


def _publish_all(spreads: list[dict[str, object]]) -> None:
    names = [name for spread in spreads for name in spread]
    for name in names:
        if names.count(name) > 1:
            raise _twice(name)
    for spread in spreads:
        for name, value in spread.items():
            _publish_one(name, value)


def _twice(key: str) -> PublishError:
    return PublishError(f"{key!r} is published twice on this page.\n  give the second value another key")


def _publish_one(key: str, value: object) -> None:
    plain = _plain(key, value)
    cell = _running_cell()
    if _published.get(key, cell) != cell:
        raise _twice(key)
    _published[key] = cell
    glue(key, plain, display=False)


def _running_cell() -> str:
    """The text of the cell that runs: an author may run a cell again, but two cells may not share a key."""
    shell = get_ipython()
    return shell.user_ns.get("In", [""])[-1] if shell else ""


def _plain(key: str, value: object) -> str | int | float:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(f"{float(value):.{DIGITS}g}") + 0.0
        raise PublishError(f"{key!r} is {value}.\n  publish only results that exist; say in words what is missing")
    raise PublishError(
        f"{key!r} is of type {type(value).__name__}.\n  allowed: text, number, Estimate, Effect, Range, Cell"
    )
