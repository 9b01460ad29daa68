"""What the results of the simulation study say: bias, RMSE, coverage, false alarms; and whether they still hold."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from watwerkt.simulation import store
from watwerkt.simulation.design import Design, SimulationError
from watwerkt.simulation.register import DESIGNS

WANTED = (0.93, 0.97)
LEVEL = 0.05
SAME = 1e-6  # relative: eight digits are kept, and processors differ in the last bits
NIL = 1e-10  # absolute: a number that is nil but for rounding
ROUNDING = 1e-12

AS_IT_SHOULD = "as it should be"
CHANCE = "outside, within chance"
LOW, HIGH, MANY = "too low", "too high", "too many"


def summary(designs: Iterable[str] | None = None) -> pd.DataFrame:
    """Bias, RMSE and coverage of 95% intervals over the committed draws: one row per design with an interval.

    Source: Morris, White & Crowther (2019), Table 6. Columns: design, study, estimator, quantity, truth, draws; bias
    (mean estimate less truth) with its Monte Carlo standard error ``bias_se``; rmse; ``se_ratio`` (mean standard error
    over the standard deviation of estimates); coverage with a Wilson interval (``coverage_low``, ``coverage_high``);
    ``wanted_low``, ``wanted_high``; ``verdict`` in words; ``limit``, what is known to keep it from the wanted share.
    A method without point estimate has NaN for bias, rmse and se_ratio.

    Raises SimulationError for results that are missing or not those that were written. Arithmetic checked by a
    made-up file in ``tests/lib/test_simulation.py``.
    """
    return pd.DataFrame([_intervals(design, frame) for design, frame in _read(designs, "interval")])


def false_alarms(designs: Iterable[str] | None = None) -> pd.DataFrame:
    """How often tests at 5% find something where nothing is: one row per design of a test.

    Columns: design, study, estimator, quantity, draws, allowed, rate with a Wilson interval (``rate_low``,
    ``rate_high``), ``wanted_high``, verdict, limit. For a family of tests the rate is that of any false alarm in it.
    Raises SimulationError as :func:`summary`.
    """
    return pd.DataFrame([_alarms(design, frame) for design, frame in _read(designs, "test")])


def check(design: str, draws: int) -> int:
    """Make the first draws of a design anew and hold them against the committed ones; the number that agree.

    Raises SimulationError at the first that differs by more than 1e-6 of its size: the library, or the file, has
    changed since.
    """
    return _checked(*_read([design])[0], draws)


def check_all(draws: int) -> pd.DataFrame:
    """:func:`check` for every design: design, draws that agree."""
    agreeing = {design.name: _checked(design, frame, draws) for design, frame in _read(None)}
    return pd.DataFrame({"design": list(agreeing), "agreeing": list(agreeing.values())})


def verdict(share: float, low: float, high: float) -> str:
    """A coverage and its Wilson interval, held against the wanted range."""
    if WANTED[0] - ROUNDING <= share <= WANTED[1] + ROUNDING:
        return AS_IT_SHOULD
    if low <= WANTED[1] and high >= WANTED[0]:
        return CHANCE
    return LOW if share < WANTED[0] else HIGH


def _read(designs: Iterable[str] | None, measures: str | None = None) -> list[tuple[Design, pd.DataFrame]]:
    """Designs that measure this with their draws; all of the register if none are named."""
    found = store.read()
    names = list(DESIGNS) if designs is None else list(designs)
    for name in names:
        if name not in DESIGNS:
            raise SimulationError(f"there is no design {name!r}.\n  allowed: {', '.join(DESIGNS)}")
        if name not in found:
            raise SimulationError(f"there are no results of design {name!r}.\n  run `{store.COMMAND} {name}`")
    return [(DESIGNS[name], found[name]) for name in names if measures in (None, DESIGNS[name].measures)]


def _checked(design: Design, known: pd.DataFrame, draws: int) -> int:
    if not 0 < draws <= len(known):
        raise SimulationError(
            f"design {design.name!r} has {len(known)} draws in the file; asked: {draws}.\n"
            f"  allowed: 1 to {len(known)}, or run `{store.COMMAND} --draws {draws} {design.name}`"
        )
    for number in range(draws):
        fresh, kept = design.nth(number), known.iloc[number]
        for column in store.NUMBERS:
            now, then = getattr(fresh, column), float(kept[column])
            nothing = math.isnan(now) and math.isnan(then)
            if not (nothing or math.isclose(now, then, rel_tol=SAME, abs_tol=NIL)):
                raise SimulationError(
                    f"design {design.name!r}, draw {number}: {column} is {now:.8g}, the file has {then:.8g}.\n"
                    f"  if the library changed for a reason, run `{store.COMMAND} {design.name}`"
                )
    return draws


def _intervals(design: Design, frame: pd.DataFrame) -> dict[str, object]:
    truth, n = design.truth(), len(frame)
    error = frame["estimate"] - truth
    spread = float(error.std(ddof=1))
    holds = np.where(
        frame["low"] <= frame["high"],
        (frame["low"] <= truth) & (truth <= frame["high"]),
        (truth <= frame["high"]) | (frame["low"] <= truth),  # everything but a gap
    )
    low, high = _wilson(int(holds.sum()), n)
    return {
        "design": design.name,
        "study": design.study,
        "estimator": design.estimator,
        "quantity": design.quantity,
        "truth": truth,
        "draws": n,
        "bias": float(error.mean()),
        "bias_se": spread / math.sqrt(n),
        "rmse": float(np.sqrt((error**2).mean())),
        "se_ratio": float(frame["se"].mean()) / spread,
        "coverage": float(holds.mean()),
        "coverage_low": low,
        "coverage_high": high,
        "wanted_low": WANTED[0],
        "wanted_high": WANTED[1],
        "verdict": verdict(float(holds.mean()), low, high),
        "limit": design.limit,
    }


def _alarms(design: Design, frame: pd.DataFrame) -> dict[str, object]:
    n, alarms = len(frame), int((frame["estimate"] <= LEVEL + ROUNDING).sum())
    low, high = _wilson(alarms, n)
    often = low > design.truth()  # the interval leaves out what is allowed
    return {
        "design": design.name,
        "study": design.study,
        "estimator": design.estimator,
        "quantity": design.quantity,
        "draws": n,
        "allowed": design.truth(),
        "rate": alarms / n,
        "rate_low": low,
        "rate_high": high,
        "wanted_high": 1 - WANTED[0],
        "verdict": MANY if often else AS_IT_SHOULD if alarms / n <= 1 - WANTED[0] else CHANCE,
        "limit": design.limit,
    }


def _wilson(count: int, n: int) -> tuple[float, float]:
    low, high = proportion_confint(count, n, alpha=LEVEL, method="wilson")
    return float(low), float(high)
