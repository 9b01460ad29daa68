"""What a service does to exits within the follow-up: cumulative incidence with it less without it (methods B7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from watwerkt.compress import EXITS
from watwerkt.errors import EstimationError
from watwerkt.estimate.competing import Fit, chances
from watwerkt.estimate.design import Cells, class_labels
from watwerkt.estimate.result import Result

OUTCOMES = (*EXITS, "total")
Among = Literal["entrants", "users"]


def effects(
    fit: Fit,
    state: str,
    *,
    starts: Sequence[int] | None = None,
    group: Mapping[str, str] | None = None,
    among: Among = "entrants",
) -> Result:
    """Effect of a service on the cumulative incidence of each exit by the end of the follow-up, by month of its start.

    For people with the covariates of the sample (or of a group of it) the model gives the chance of each exit within
    the follow-up if the service starts in month m, and if no service does; the effect is the average difference.
    Services that start after someone has left change nothing. The covariance follows by the delta method from that of
    the coefficients; the covariates of the sample are taken as given.
    Source: Heyma & Vervliet (2020) for the effect; Putter, Fiocco & Geskus (2007) for cumulative incidence.

    Parameters
    ----------
    fit
        From :func:`watwerkt.estimate.competing.fit`.
    state
        A service, or an interview (``followup_1``), of the plan.
    starts
        Months, from nought, in which it starts; by default all in which its state is in the design.
    group
        Covariates to hold to: ``{"population": "nonwestern"}``.
    among
        ``entrants``: all who enter the benefit. ``users``: those still on benefit in month m, who alone can have it.

    Returns
    -------
    A result with 3 × len(starts) names: ``work:3``, ``other:3``, ``total:3``; fractions of one.
    """
    cells = fit.cells
    weights, n = _weights(cells, group or {})
    starts = _starts(cells, state) if starts is None else list(starts)
    if not starts:
        raise EstimationError(f"{state!r} starts in no month.\n  nobody has it: leave it out")
    never = _Path.of(fit)
    found = [_effect(fit, never, state, month, weights, among) for month in starts]
    jacobian = np.concatenate([gradient for _, gradient in found])
    return Result(
        method="Difference in cumulative incidence, discrete-time competing risks",
        names=tuple(f"{outcome}:{month}" for month in starts for outcome in OUTCOMES),
        values=np.concatenate([value for value, _ in found]),
        vcov=jacobian @ fit.result.vcov @ jacobian.T,
        n=n,
        variance=f"delta method, {fit.result.variance}",
        focus=f"work:{starts[0]}",
    )


def averaged(by_start: Result, people: Mapping[int, float]) -> Result:
    """Effects by month of start, averaged over the months in which people started: ``work``, ``other``, ``total``.

    ``people`` says how many started in each month; months without an effect do not count.
    """
    months = list(dict.fromkeys(int(name.partition(":")[2]) for name in by_start.names))
    counts = np.array([float(people.get(month, 0.0)) for month in months])
    if counts.sum() <= 0:
        raise EstimationError("nobody started in any of these months.\n  leave the moment out")
    rows = np.kron(counts / counts.sum(), np.eye(len(OUTCOMES)))
    return Result(
        method=by_start.method,
        names=OUTCOMES,
        values=rows @ by_start.values,
        vcov=rows @ by_start.vcov @ rows.T,
        n=by_start.n,
        variance=by_start.variance,
        focus="work",
        diagnostics={"users": float(counts.sum())},
    )


def curves(
    fit: Fit, state: str | None = None, *, start: int = 0, group: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Cumulative incidence of each exit by month, with the service from month ``start`` on, or with none.

    Columns: month (1 is the end of the first), outcome, incidence.
    """
    weights, _ = _weights(fit.cells, group or {})
    path = _Path.of(fit) if state is None else _Path.of(fit, state, start)
    flows = weights @ (path.alive[None, :, :-1] * path.hazard)
    return pd.DataFrame(
        {
            "month": np.tile(np.arange(1, fit.cells.plan.horizon + 1), len(EXITS)),
            "outcome": np.repeat(EXITS, fit.cells.plan.horizon),
            "incidence": np.cumsum(flows, axis=1).ravel(),
        }
    )


@dataclass(frozen=True, eq=False)
class _Path:
    """What happens to each profile month by month: arrays of exits × profiles × months.

    ``hazard`` holds the monthly chances, ``alive`` (profiles × months + 1) the chance to be there still at the start of
    a month, ``ahead`` the chance of each exit from the start of a month until the end.
    """

    hazard: np.ndarray
    alive: np.ndarray
    ahead: np.ndarray
    on: np.ndarray  # months in which the state is active

    @classmethod
    def of(cls, fit: Fit, state: str | None = None, start: int = 0) -> _Path:
        cells, months = fit.cells, fit.cells.plan.horizon
        split = cells.x_people.shape[1]
        at = np.array([cells.names.index(f"month={month}") for month in range(months)])
        on = np.zeros(months, bool)
        hazard = []
        if state is not None:
            lasting = months if state in cells.plan.services else cells.plan.lasting
            on[start : start + lasting] = True
        for beta in fit.coefficients:
            predictor = (cells.x_people @ beta[:split])[:, None] + beta[at]
            if state is not None:
                predictor[:, on] += _shift(cells, beta, state, start)[:, None]
            hazard.append(predictor)
        p = chances(np.stack(hazard))
        stay = 1 - p.sum(axis=0)
        alive = np.cumprod(np.column_stack([np.ones(len(stay)), stay]), axis=1)
        ahead = np.zeros((len(EXITS), len(stay), months + 1))
        for month in reversed(range(months)):
            ahead[:, :, month] = p[:, :, month] + stay[:, month] * ahead[:, :, month + 1]
        return cls(p, alive, ahead, on)

    def slopes(self, outcome: int, exit_: int, start: int) -> np.ndarray:
        """Derivative of ``ahead[outcome]`` at month ``start``, given that one is there, to the predictor of an exit.

        Profiles × months; nought before ``start``.
        """
        h, stay = self.hazard, 1 - self.hazard.sum(axis=0)
        direct = h[outcome] * ((outcome == exit_) - h[exit_])
        later = -h[exit_] * stay * self.ahead[outcome, :, 1:]
        reached = self.alive[:, :-1] / self.alive[:, [start]]
        slope = reached * (direct + later)
        slope[:, :start] = 0.0
        return slope


def _effect(
    fit: Fit, never: _Path, state: str, start: int, weights: np.ndarray, among: Among
) -> tuple[np.ndarray, np.ndarray]:
    """Three effects (work, other, total) of a start in one month, and their gradients to the 2 × k coefficients."""
    given = _Path.of(fit, state, start)
    there = never.alive[:, start]
    gain = given.ahead[:, :, start] - never.ahead[:, :, start]
    scale = weights @ there if among == "users" else 1.0
    values = (gain @ (weights * there)) / scale
    gradients = []
    for outcome in range(len(EXITS)):
        # who are there weighs in the effect, and that depends on the exits before: for users relative to their mean
        lead = gain[outcome] - (values[outcome] if among == "users" else 0.0)
        parts = []
        for exit_ in range(len(EXITS)):
            before = -never.hazard[exit_] * (weights * there * lead / scale)[:, None]
            before[:, start:] = 0.0
            with_it = given.slopes(outcome, exit_, start) * (weights * there / scale)[:, None]
            without = never.slopes(outcome, exit_, start) * (weights * there / scale)[:, None]
            parts.append(_to_coefficients(fit.cells, before + with_it - without, with_it[:, given.on], state, start))
        gradients.append(np.concatenate(parts))
    return np.append(values, values.sum()), np.stack([*gradients, sum(gradients)])


def _to_coefficients(cells: Cells, slope: np.ndarray, active: np.ndarray, state: str, start: int) -> np.ndarray:
    """Slopes to each profile's predictor by month, as a gradient to the coefficients of one exit."""
    gradient = np.zeros(len(cells.names))
    split = cells.x_people.shape[1]
    gradient[:split] = cells.x_people.T @ slope.sum(axis=1)
    for month, total in enumerate(slope.sum(axis=0)):
        gradient[cells.names.index(f"month={month}")] += total
    by_profile = active.sum(axis=1)
    for place, members in _terms(cells, state, start):
        gradient[place] += by_profile[members].sum()
    return gradient


def _shift(cells: Cells, beta: np.ndarray, state: str, start: int) -> np.ndarray:
    """What the state adds to each profile's predictor."""
    shift = np.zeros(len(cells.people))
    for place, members in _terms(cells, state, start):
        shift[members] += beta[place]
    return shift


def _terms(cells: Cells, state: str, start: int) -> list[tuple[int, np.ndarray]]:
    """Places of the state's terms in the design for a start in this month, each with the profiles that have it."""
    main = f"{state}{class_labels(cells.plan, state)[_class(cells, state, start)]}"
    found = [(main, np.ones(len(cells.people), bool))]
    for modifier in cells.interactions.get(state, ()):
        values = list(enumerate(cells.plan.covariates[modifier]))[1:]
        found += [(f"{main}:{modifier}={v}", (cells.people[modifier] == place).to_numpy()) for place, v in values]
    if main not in cells.names:
        raise EstimationError(f"nobody has {main!r}.\n  effects of starts in month {start} cannot be estimated")
    return [(cells.names.index(name), members) for name, members in found if name in cells.names]


def _class(cells: Cells, state: str, start: int) -> int:
    return sum(start >= month for month in cells.plan.services.get(state, ()))


def _starts(cells: Cells, state: str) -> list[int]:
    if state not in cells.plan.states:
        raise EstimationError(f"there is no state {state!r}.\n  allowed: {', '.join(cells.plan.states)}")
    labels = class_labels(cells.plan, state)
    months = range(cells.plan.horizon)
    return [month for month in months if f"{state}{labels[_class(cells, state, month)]}" in cells.names]


def _weights(cells: Cells, group: Mapping[str, str]) -> tuple[np.ndarray, int]:
    """Each profile's share of the group, and the people in it."""
    chosen = np.ones(len(cells.people), bool)
    for name, value in group.items():
        values = cells.plan.covariates.get(name, ())
        if value not in values:
            raise EstimationError(f"there is no group {name}={value}.\n  allowed: {', '.join(values) or 'none'}")
        chosen &= (cells.people[name] == values.index(value)).to_numpy()
    people = np.where(chosen, cells.people["people"], 0.0)
    if not people.sum():
        raise EstimationError(f"nobody is in the group {dict(group)}.\n  choose another group")
    return people / people.sum(), int(people.sum())
