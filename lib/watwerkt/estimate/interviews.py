"""Effects of interviews in the experiment with intensive services, instrumented by assignment (methods B3).

Source: De Hek, De Koning & De Lombaerde (2020), section 3.4 and Tables 3.5–3.7. Names of estimates are the codes of
the published cells: ``comparison.service``, as in ``interview_vs_none.interview_10m``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from watwerkt.designs.intensive import ARMS, CUMULATIVE, INTERVIEWS
from watwerkt.errors import EstimationError
from watwerkt.estimate.equation import covariance, equation, regress
from watwerkt.estimate.linear import late
from watwerkt.estimate.regressors import binary, checked
from watwerkt.estimate.result import Result
from watwerkt.estimate.weak import strength

Exit = Literal["exit_benefit", "exit_job"]

NET = "four_interviews_vs_group.interviews_1_4"
EXTRA = "extra_interview"
ALL_FOUR = "four_interviews_vs_group"


@dataclass(frozen=True)
class Layout:
    """Which columns of a table with one row per person hold what.

    Attributes
    ----------
    assigned
        1 for intensive services, 0 for basic.
    exit_day, exit_kind
        Day on benefit on which it ended, missing if it did not within the observation; the kind of exit, text.
    job
        The value of ``exit_kind`` that is an exit to a job.
    had
        Four columns of 0 and 1: had an individual first interview (a group meeting is 0); had the second, third,
        fourth. Only people still on benefit when an interview starts need a value.
    starts
        Days on benefit from which the four interviews are held.
    """

    assigned: str = "assigned"
    exit_day: str = "exit_day"
    exit_kind: str = "exit_kind"
    job: str = "job"
    had: tuple[str, str, str, str] = ("held_1", "held_2", "held_3", "held_4")
    starts: tuple[int, int, int, int] = (91, 162, 253, 344)


class _Notes:
    """Diagnostics and warnings, gathered over windows."""

    def __init__(self) -> None:
        self.diagnostics: dict[str, float] = {}
        self.warnings: list[str] = []


@dataclass(frozen=True)
class _Part:
    """An estimate with the influence of each of the n persons on it; nil for people outside its window."""

    value: float
    influence: np.ndarray


@dataclass(frozen=True)
class _Window:
    """The people at risk in one window: their table, places among the n persons, and the name of the interview."""

    name: str
    table: pd.DataFrame
    rows: np.ndarray
    people: int

    def part(self, value: float, influence: np.ndarray) -> _Part:
        """An estimate on these people, its influence spread out over all persons."""
        everyone = np.zeros(self.people)
        everyone[self.rows] = influence
        return _Part(value, everyone)

    def mean(self, values: pd.Series, among: pd.Series) -> _Part:
        """The mean over some of these people; its influence gives the variance s² / n."""
        chosen, count = among.to_numpy(bool), int(among.sum())
        if count < 2:
            raise EstimationError(f"{self.name}: {count} people are too few for a mean.\n  take a wider group")
        value = float(values[among].mean())
        share = (values.to_numpy(float) - value) / np.sqrt(count * (count - 1))
        return self.part(value, np.where(chosen, share, 0.0))


def person_columns(persons: pd.DataFrame, interviews: pd.DataFrame) -> pd.DataFrame:
    """The persons with the columns of the default :class:`Layout`, and ``interviews``, how many they had of any form.

    ``persons`` and ``interviews`` as the schema of the study says: ``arm`` becomes ``assigned``; interviews that were
    held become ``held_1`` (held individually) to ``held_4``, 0 for people who were not due. Raises EstimationError for
    people or interviews that stand twice, interviews of people who are not there, and values that the schema does not
    know or that are missing.
    """
    _refuse_unknown(persons, {"person": None, "arm": ARMS})
    _refuse_unknown(interviews, {"person": None, "kind": INTERVIEWS, "held": (False, True)})
    for table, key in ((persons, ["person"]), (interviews, ["person", "kind"])):
        twice = table.duplicated(key)
        if twice.any():
            raise EstimationError(f"{table.loc[twice, key].iloc[0].to_dict()} stands twice.\n  leave one of them out")
    strange = ~interviews["person"].isin(persons["person"])
    if strange.any():
        raise EstimationError(
            f"{int(strange.sum())} interviews are of people who are not in the table, the first of person "
            f"{interviews['person'][strange].iloc[0]}.\n  select interviews and people alike"
        )
    held = interviews[interviews["held"].astype(bool)]
    individual = (held["kind"] != INTERVIEWS[0]) | (held["form"] == "interview_individual")
    columns = {
        column: persons["person"].isin(held["person"][individual & (held["kind"] == kind)]).astype(float)
        for column, kind in zip(Layout().had, INTERVIEWS, strict=True)
    }
    number = persons["person"].map(held["person"].value_counts()).fillna(0).astype(float)
    assigned = (persons["arm"] == ARMS[0]).astype(float)
    return persons.assign(assigned=assigned, **columns, interviews=number)


def _refuse_unknown(table: pd.DataFrame, allowed: Mapping[str, Sequence | None]) -> None:
    checked(table, list(allowed))
    for column, values in allowed.items():
        strange = table[column][~table[column].isin(values)] if values is not None else []
        if len(strange):
            raise EstimationError(
                f"column {column!r} holds {strange.iloc[0]!r} in row {strange.index[0]}.\n"
                f"  allowed: {', '.join(map(str, values))}"
            )


def window_effects(
    persons: pd.DataFrame,
    outcome: Exit,
    *,
    layout: Layout | None = None,
    controls: Sequence[str] = (),
    bases: Mapping[str, str] | None = None,
) -> Result:
    """Effects of each interview on exit before the next one starts, and the net effect of four (Table 3.5).

    For interview k: people whose benefit has not ended on the day it starts; endogenous is having had it (the first:
    individually), the instrument assignment, the outcome an exit after that day, up to the day the next starts; for
    the fourth, up to the end of the observation. The net effect is [1 − Π(1 − h_k − δ_k)] − [1 − Π(1 − h_k)], h_k the
    exits of the basic group, with the delta method on the joint covariance of all δ and h over persons.

    Parameters
    ----------
    persons
        One row per person, columns as ``layout`` says.
    outcome
        Exits that count: all (``exit_benefit``) or those to a job (``exit_job``).
    controls, bases
        As in :func:`watwerkt.estimate.linear.ols`.

    Returns a :class:`Result` with the four effects, ``hazard.<interview>`` of the basic group, and the net effect, in
    focus. Variance HC1; normal intervals. Diagnostics per interview: ``n[…]``, ``first_stage[…]``,
    ``first_stage_f[…]``.

    Raises EstimationError for what :func:`watwerkt.estimate.linear.late` refuses, naming the interview, and for exits
    without a day or kind. Checked against R's ``AER::ivreg``, ``sandwich`` and ``car::deltaMethod`` by the kit
    ``interview_windows``.
    """
    layout = layout or Layout()
    parts, notes = {}, _Notes()
    for k, name in enumerate(INTERVIEWS, start=1):
        had = layout.had[k - 1]
        window = _window(persons, k, outcome, layout, [had], controls)
        effect = _effect(window, outcome, had, layout.assigned, controls, bases, notes)
        parts[f"{'individual_vs_group' if k == 1 else 'interview_vs_none'}.{name}"] = effect
        parts[f"hazard.{name}"] = window.mean(window.table[outcome], window.table[layout.assigned] == 0)
    hazards = [part for name, part in parts.items() if name.startswith("hazard.")]
    effects = [part for name, part in parts.items() if "_vs_" in name]
    parts[NET] = _net(effects, hazards, notes)
    return _result("Interview effects by window", parts, persons, notes, focus=NET)


def cumulative_effects(
    persons: pd.DataFrame,
    outcome: Exit,
    *,
    layout: Layout | None = None,
    controls: Sequence[str] = (),
    bases: Mapping[str, str] | None = None,
) -> Result:
    """Effects of one more interview on exit in the window of the last one, and of the earlier ones (Table 3.6).

    For k = 2, 3, 4, among people whose benefit has not ended on the day interview k starts: endogenous is the number
    of interviews 1 to k that they had (``extra_interview.interviews_1_k``), the instrument assignment, the outcome an
    exit in the window of k. The effect of the earlier interviews (``earlier_interviews.interviews_1_k``, the report's
    cumulative effect) is this coefficient times the mean number of interviews of those who had interview k, less the
    effect of interview k alone. That is our reading of the report's notes b and 24; in its printed numbers the mean
    comes out near 2, 2.6 and 2.7 interviews (non-Western background).

    One instrument moves all interviews at once: both coefficients of a window are the same difference between the
    arms, divided by two first stages, so the data say nothing of earlier interviews apart from the last. Their ratio is
    then one for all outcomes; in Tables 3.5 and 3.6 it differs between outcomes for the third and fourth interview, so
    the report's equations must differ in something that it does not print, and both tables cannot come out of this.

    Parameters, variance and errors as in :func:`window_effects`; checked by the same kit. Diagnostics also
    ``mean_interviews[…]``.
    """
    layout = layout or Layout()
    parts, notes = {}, _Notes()
    for name, k in CUMULATIVE.items():
        had, last = list(layout.had[:k]), layout.had[k - 1]
        window = _window(persons, k, outcome, layout, had, controls)
        alone = _effect(window, outcome, last, layout.assigned, controls, bases, _Notes())
        number = window.table[had].astype(float).sum(axis=1)
        counted = _Window(name, window.table.assign(**{name: number}), window.rows, window.people)
        extra = _effect(counted, outcome, name, layout.assigned, controls, bases, notes)
        mean = counted.mean(number, window.table[last] == 1)
        notes.diagnostics[f"mean_interviews[{name}]"] = mean.value
        parts[f"{EXTRA}.{name}"] = extra
        parts[f"earlier_interviews.{name}"] = _Part(
            extra.value * mean.value - alone.value,
            mean.value * extra.influence + extra.value * mean.influence - alone.influence,
        )
    return _result("Cumulative interview effects", parts, persons, notes, focus=f"{EXTRA}.{name}")


def fraction_effects(
    persons: pd.DataFrame,
    outcome: str,
    *,
    interviews: str,
    assigned: str = "assigned",
    controls: Sequence[str] = (),
    bases: Mapping[str, str] | None = None,
) -> Result:
    """Effect of one more interview on a share of the observation period, and of all four (Table 3.7).

    ``outcome`` is the share of the period on benefit, in a job, or neither (a fraction); ``interviews`` the number of
    interviews a person had, instrumented by ``assigned``. The result speaks of ``extra_interview``;
    ``four_interviews_vs_group`` is four times as much, as the report reckons. Variance HC1.

    Raises and is checked as :func:`watwerkt.estimate.linear.late`.
    """
    if outcome in persons and ((persons[outcome] < 0) | (persons[outcome] > 1)).any():
        raise EstimationError(
            f"column {outcome!r} runs from {persons[outcome].min():g} to {persons[outcome].max():g}; allowed: 0 to 1.\n"
            "  inside the library 35% is 0.35"
        )
    found = late(persons, outcome, receipt=interviews, assigned=assigned, controls=controls, bases=bases)
    weights = np.array([1.0, float(len(INTERVIEWS))])
    return Result(
        method="Interview effects on fractions", names=(EXTRA, ALL_FOUR), values=weights * found.estimate,
        vcov=np.outer(weights, weights) * found.se**2, n=found.n, variance=found.variance, focus=EXTRA, df=found.df,
        warnings=found.warnings, diagnostics=found.diagnostics,
    )  # fmt: skip


def _window(
    persons: pd.DataFrame, k: int, outcome: Exit, layout: Layout, had: Sequence[str], controls: Sequence[str]
) -> _Window:
    """People at risk when interview k starts, with their exit in its window as column ``outcome``."""
    if outcome not in ("exit_benefit", "exit_job"):
        raise EstimationError(f"there is no exit {outcome!r}.\n  allowed: exit_benefit, exit_job")
    binary(checked(persons, [layout.assigned]), layout.assigned)
    start, until = (*layout.starts, np.finfo(float).max)[k - 1 : k + 1]
    day = _exit_days(persons, layout)
    rows = np.flatnonzero(day > start)
    leaves = day[rows] <= until
    if outcome == "exit_job":
        leaves &= (persons[layout.exit_kind].iloc[rows] == layout.job).to_numpy(bool)
    try:
        table = checked(persons.iloc[rows], [layout.assigned, *had, *controls])
        for column in (layout.assigned, *had):
            binary(table, column)
    except EstimationError as error:
        raise EstimationError(f"{INTERVIEWS[k - 1]}: {error}") from None
    return _Window(INTERVIEWS[k - 1], table.assign(**{outcome: leaves.astype(float)}), rows, len(persons))


def _exit_days(persons: pd.DataFrame, layout: Layout) -> np.ndarray:
    """Day of exit of each person, infinite for those who stayed; refuses exits that cannot be placed."""
    for column in (layout.exit_day, layout.exit_kind):
        if column not in persons:
            raise EstimationError(f"there is no column {column!r} in the table.\n  give its name in layout")
    day, kind = persons[layout.exit_day].astype(float), persons[layout.exit_kind]
    left = day.notna()
    bad = (left & ~((day > 0) & (day < np.inf))).to_numpy()
    unlike = (left & kind.isna()).to_numpy()
    for wrong, what in ((bad, "a day above 0"), (unlike, f"a kind of exit in {layout.exit_kind!r}")):
        if wrong.any():
            row = persons.index[wrong][0]
            raise EstimationError(
                f"{int(wrong.sum())} exits in {layout.exit_day!r} do not have {what}, the first in row {row}: "
                f"{day[wrong].iloc[0]:g}.\n  leave the day empty for people who stayed on benefit"
            )
    if not (kind == layout.job).any():
        raise EstimationError(
            f"nobody's {layout.exit_kind!r} is {layout.job!r}; found: {', '.join(map(repr, kind.dropna().unique()))}.\n"
            "  give the value for an exit to a job in layout"
        )
    return day.fillna(np.inf).to_numpy()


def _effect(
    window: _Window,
    outcome: str,
    endogenous: str,
    assigned: str,
    controls: Sequence[str],
    bases: Mapping[str, str] | None,
    notes: _Notes,
) -> _Part:
    """The effect of one column, instrumented by assignment, among the people of a window."""
    try:
        found = equation(
            window.table, outcome, endogenous=[endogenous], instruments=[assigned], controls=controls, bases=bases
        )
        diagnostics, warnings = strength(found, "HC1")
        fit = regress(found)
    except EstimationError as error:
        raise EstimationError(f"{window.name}: {error}") from None
    value, _, influence = fit.of(endogenous)
    notes.diagnostics[f"n[{window.name}]"] = float(len(window.rows))
    notes.diagnostics |= {f"{name}[{window.name}]": number for name, number in diagnostics.items()}
    notes.warnings += [f"{window.name}: {warning}" for warning in warnings]
    return window.part(value, influence)


def _net(effects: Sequence[_Part], hazards: Sequence[_Part], notes: _Notes) -> _Part:
    """Net effect on leaving over all windows, with its influence by the delta method."""
    stay = np.array([1 - h.value for h in hazards])
    stay_with = stay - np.array([d.value for d in effects])
    if ((stay_with < 0) | (stay_with > 1)).any():
        notes.warnings.append(
            "In a window the exits of the basic group plus the effect fall outside 0 to 1: the net effect cannot be "
            "read as a difference of chances."
        )
    influence = np.zeros_like(effects[0].influence)
    for k, (effect, hazard) in enumerate(zip(effects, hazards, strict=True)):
        slope_with, slope = np.prod(np.delete(stay_with, k)), np.prod(np.delete(stay, k))
        influence += slope_with * effect.influence + (slope_with - slope) * hazard.influence
    return _Part(float(np.prod(stay) - np.prod(stay_with)), influence)


def _result(method: str, parts: Mapping[str, _Part], persons: pd.DataFrame, notes: _Notes, *, focus: str) -> Result:
    return Result(
        method=method, names=tuple(parts), values=np.array([part.value for part in parts.values()]),
        vcov=covariance(np.column_stack([part.influence for part in parts.values()])), n=len(persons),
        variance="HC1, joint over windows", focus=focus, warnings=tuple(notes.warnings), diagnostics=notes.diagnostics,
    )  # fmt: skip
