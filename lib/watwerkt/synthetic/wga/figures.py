"""The published cells that the generator is calibrated to, and the same cells computed from generated tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import pandas as pd

from watwerkt.published import Cell, published
from watwerkt.synthetic.wga import people, printed
from watwerkt.synthetic.wga.response import weights
from watwerkt.synthetic.wga.services import TALKS, TRAJECTORIES
from watwerkt.synthetic.wga.survey import STEPS

FULL_TIME = 5400.0  # hours in three years behind Tables 4.6 and 7.2: 36 hours in 150 weeks
DAYS = 1096.0  # days in three years behind Table 4.6
NAMES = {  # outcome of a table: column of the microdata, where they differ
    "permanent_contract_jobholders": "permanent_contract",
    "applications_mean": "applications",
    "application_actions": "applications",
    "insight_what_work": "know_what_work",
    "insight_fitting_work": "know_skills",
    "insight_steps": "know_next_steps",
}
LEVELS = ("T4.1", "T4.4", "T4.6", "T4.8", "T4.13", "T4.19", "TI.10")
SURVEY = ("T4.11", "T4.15", "T4.17")
EFFECTS = ("T4.2", "T4.3", "T4.5", "T4.7", "T4.14", "T4.19", "TI.10")
PARTS = ("T2.1", "T2.2", "T2.3", "T2.5", "T2.6", "T2.7", "T4.10", "TI.1", "TI.11", "TI.12", "T7.3")


def target_cells() -> list[Cell]:
    """The cells of :func:`watwerkt.synthetic.wga.targets`, in printed order within each table."""
    found: list[Cell] = []
    for table in PARTS:
        found += published(printed.STUDY, table).printed
    found += [c for c in published(printed.STUDY, "T3.2").printed if c.service == "conversations"]
    for table in dict.fromkeys((*LEVELS, *SURVEY)):
        found += published(printed.STUDY, table).where(statistic="level").printed
    for table in EFFECTS:
        found += published(printed.STUDY, table).where(statistic="effect").printed
    first = published(printed.STUDY, "TII.1").where(category="assigned", outcome="received_services")
    found += first.where(statistic="coefficient")
    found += published(printed.STUDY, "T4.16").where(statistic="effect").printed
    found += [
        c for c in published(printed.STUDY, "T5.1").where(statistic="level") if c.outcome != "self_esteem_regular"
    ]
    found += [
        c for c in published(printed.STUDY, "T5.2").where(statistic=["change", "effect"]) if "esteem" not in c.outcome
    ]
    return [cell for cell in found if _measurable(cell)]


def targets() -> pd.DataFrame:
    """Published cells, percentages as fractions."""
    rows = [(c.table, c.cell, c.number, c.unit) for c in target_cells()]
    return pd.DataFrame(rows, columns=["table", "cell", "published", "unit"])


def margins(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The cells of :func:`targets` in generated tables."""
    measured = _Measured(tables)
    rows = [(c.table, c.cell, measured.value(c)) for c in target_cells()]
    return pd.DataFrame(rows, columns=["table", "cell", "synthetic"])


def _measurable(cell: Cell) -> bool:
    """Leaves out what the microdata do not hold, effects that only a model corrected for selection gives, and what is
    taken for a misprint."""
    if cell.table == "TI.10" and cell.statistic == "level" and printed.misprinted(cell.arm, cell.outcome, cell.number):
        return False
    if cell.statistic == "effect" and cell.outcome in ("hourly_wage", "permanent_contract_jobholders"):
        return False
    if cell.outcome == "self_employment" and cell.comparison not in ("", "experiment_vs_control"):
        return False
    return cell.arm != "left_out" and cell.outcome != "state_total"


class _Measured:
    """Figures of generated tables, each computed as its table in the report says."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        persons = tables["persons"].merge(tables["offices"], on="office", how="left")
        self.frame = persons.merge(tables["outcomes"], on="person", how="left")
        self.during = (self.frame["cohort"] == "during").to_numpy()
        self.inside = (self.frame["office_type"] == "experiment").to_numpy()
        self.tables = tables
        self._known: dict[tuple[str, str], np.ndarray] = {}

    def value(self, cell: Cell) -> float:
        """One figure, percentages as fractions."""
        if cell.outcome in ("people", "assignment", "composition") or cell.outcome.startswith("response_"):
            return self._group(cell)
        if cell.outcome in ("service_received", "services_used"):
            return self._services(cell)
        if cell.outcome.startswith("state_"):
            return self._state(cell)
        if cell.outcome in ("workfit_started", "training_or_to_work_started", "workfit_completed"):
            return self._trajectory(cell)
        if cell.population.startswith("respondents"):
            return self._survey(cell)
        return self._effect(cell) if cell.statistic in ("effect", "coefficient") else self._level(cell)

    def subgroup(self, cell: Cell) -> np.ndarray:
        """Rows of the subgroup of a cell."""
        key = (cell.dimension, cell.category)
        if key not in self._known:
            self._known[key] = people.subgroup(self.frame, *key)
        return self._known[key]

    @cached_property
    def groups(self) -> dict[str, np.ndarray]:
        arm, asked = self.frame["arm"].to_numpy(object), (self.frame["self_reporter"] == 1).to_numpy()
        found = {name: self.during & (arm == name) for name in printed.ARMS}
        return found | {"self_reporters": self.during & asked, "all": self.during, "": self.during}

    @cached_property
    def covariates(self) -> np.ndarray:
        return covariates(self.frame)

    @cached_property
    def used(self) -> pd.DataFrame:
        """Services with the place of the person in the frame."""
        place = pd.Series(np.arange(len(self.frame)), index=self.frame["person"])
        return self.tables["services"].assign(place=place.loc[self.tables["services"]["person"]].to_numpy())

    @cached_property
    def answered(self) -> dict[str, np.ndarray]:
        waves = {w: self.frame["person"].isin(g["person"]).to_numpy() for w, g in self.tables["survey"].groupby("wave")}
        return waves | {"both": waves["t0"] & waves["t1"]}

    @cached_property
    def weight(self) -> dict[str, np.ndarray]:
        return {wave: weights(self.frame, self.answered[wave]) for wave in ("t1", "both")}

    @cached_property
    def wide(self) -> dict[str, pd.DataFrame]:
        """Answers by wave, in the order of the people."""
        order = self.frame["person"]
        survey = self.tables["survey"]
        return {w: survey[survey["wave"] == w].set_index("person").reindex(order) for w in ("t0", "t1")}

    def _group(self, cell: Cell) -> float:
        rows = self.groups[cell.arm]
        if cell.outcome == "assignment":
            offices = self.tables["offices"]
            return float((offices["office"] == cell.category)[offices["office_type"] == cell.arm].any())
        if cell.outcome == "people":
            return float(rows.sum())
        if cell.outcome.startswith("response_"):
            return float(self.answered[cell.outcome.removeprefix("response_")][rows].mean())
        if cell.population == "respondents":
            rows = rows & self.answered["t1"]
        return float(people.characteristic(self.frame[rows], cell.dimension, cell.category).mean())

    def _services(self, cell: Cell) -> float:
        rows = self.groups[cell.arm] & self.subgroup(cell)
        kinds = {"conversations": TALKS, "trajectories": TRAJECTORIES}.get(cell.service, (cell.service,))
        used = self._places(rows, None if cell.service == "any_service" else kinds)
        return (len(np.unique(used)) if cell.outcome == "service_received" else len(used)) / rows.sum()

    def _places(self, rows: np.ndarray, kinds: tuple[str, ...] | None) -> np.ndarray:
        """Places of the people, once for each service."""
        used = self.used if kinds is None else self.used[self.used["service"].isin(kinds)]
        place = used["place"].to_numpy()
        return place[rows[place]]

    def _trajectory(self, cell: Cell) -> float:
        rows = self.groups[cell.arm]
        if cell.outcome == "workfit_completed":
            workfit = self.used[self.used["service"] == "workfit"].drop_duplicates("person")
            return float(workfit.loc[rows[workfit["place"]], "completed"].mean())
        kinds = ("workfit",) if cell.outcome == "workfit_started" else ("training", "to_work")
        return len(np.unique(self._places(rows, kinds))) / rows.sum()

    def _state(self, cell: Cell) -> float:
        if cell.statistic == "effect":
            return self._share_in(cell, "experiment") - self._share_in(cell, "control")
        return self._share_in(cell, cell.arm)

    def _share_in(self, cell: Cell, arm: str) -> float:
        states = self.tables["states"]
        names = ("state_35_80", "state_80_100", "state_iva") if cell.outcome == "state_wia" else (cell.outcome,)
        states = states[states["month"] == cell.horizon_months]
        rows = states["person"].isin(self.frame.loc[self.groups[arm], "person"])
        return float(states.loc[rows, "state"].isin(names).mean())

    def _outcome(self, name: str) -> np.ndarray:
        derived = {"no_job": ("working", -1.0, 1.0), "days_worked": ("fraction_days", DAYS, 0.0)}
        derived["hours_worked"] = ("fraction_hours", FULL_TIME, 0.0)
        column, factor, constant = derived.get(name, (NAMES.get(name, name), 1.0, 0.0))
        if name in ("permanent_contract_all", "temporary_contract"):
            permanent = self.frame["permanent_contract"].astype(float).fillna(0.0).to_numpy()
            return permanent if name == "permanent_contract_all" else self.frame["working"].to_numpy() - permanent
        return constant + factor * self.frame[column].astype(float).to_numpy()

    def _level(self, cell: Cell) -> float:
        rows = self.groups[cell.arm] & self.subgroup(cell)
        return float(np.nanmean(self._outcome(cell.outcome)[rows]))

    def _effect(self, cell: Cell) -> float:
        """LATE with the covariates of Table II.1; difference-in-differences without, where needed by instrument."""
        frame, inside = self.frame, self.inside
        served = frame["received_services"].to_numpy(float)
        known = np.ones(len(frame)) if cell.outcome == "received_services" else self._outcome(cell.outcome)
        rows = ~np.isnan(known)
        if cell.dimension != "covariate":
            rows &= self.subgroup(cell)
        if cell.comparison == "experiment_vs_control":
            rows &= self.during & inside
            assigned = (frame["arm"] == "experiment").to_numpy(float)
            if cell.outcome == "received_services":
                return partialled(served[rows], assigned[rows], assigned[rows], self.covariates[rows])
            return partialled(known[rows], served[rows], assigned[rows], self.covariates[rows])
        other = "control" if cell.comparison == "experiment_vs_regular" else "experiment"
        rows &= (frame["arm"] != other).to_numpy()
        controls = np.column_stack([np.ones(len(frame)), inside, self.during])[rows]
        extra = (self.during & inside).astype(float)
        taken = extra if other == "control" else served
        return partialled(known[rows], taken[rows], (extra if other == "control" else 1 - extra)[rows], controls)

    def _survey(self, cell: Cell) -> float:
        if cell.outcome.startswith("ladder_"):
            return self._ladder(cell)
        if cell.statistic == "level":
            return self._answer(cell.outcome, cell.arm)
        if cell.statistic == "change":
            return self._change(cell.outcome, np.isin(self.frame["arm"].to_numpy(object), printed.ARMS))
        first, second = cell.comparison.split("_vs_")
        effect = self._change(cell.outcome, self.groups[first]) - self._change(cell.outcome, self.groups[second])
        if cell.table == "T5.2":
            return effect
        return effect / (self._stage() if second == "control" else 1.0)

    def _stage(self) -> float:
        return 1 - float(self.frame.loc[self.groups["control"], "self_reporter"].mean())

    def _answer(self, outcome: str, arm: str) -> float:
        table = self.wide["t1"]
        if outcome.startswith("self_esteem"):
            value = (table["self_esteem"] == outcome).to_numpy(float)
        else:
            value = table[NAMES.get(outcome, outcome)].astype(float).to_numpy()
        rows = self.groups[arm] & self.answered["t1"] & ~np.isnan(value)
        return float(np.average(value[rows], weights=self.weight["t1"][rows]))

    def _change(self, outcome: str, rows: np.ndarray) -> float:
        late, early = (self.wide[w][NAMES.get(outcome, outcome)].astype(float).to_numpy() for w in ("t1", "t0"))
        rows = rows & self.answered["both"]
        return float(np.average((late - early)[rows], weights=self.weight["both"][rows]))

    def _ladder(self, cell: Cell) -> float:
        rows = self.groups[cell.arm] & self.answered["both"]
        own = self.weight["both"][rows]
        start, end = (self.wide[w]["ladder"].to_numpy(object)[rows] for w in ("t0", "t1"))
        if cell.outcome == "ladder_steps":
            return float(np.average([STEPS[e] - STEPS[s] for s, e in zip(start, end, strict=True)], weights=own))
        return float(np.average((start if cell.outcome == "ladder_start" else end) == cell.category, weights=own))


def covariates(frame: pd.DataFrame) -> np.ndarray:
    """The characteristics of Table II.1 with a constant."""
    age = frame["age"].to_numpy(float)
    marks = (
        ("education", "middle"), ("education", "higher"), ("education", "education_unknown"), ("sex", "female"),
        ("marital", "married"), ("wga_class", "wga_80_100"), ("wga_class", "iva"),
        ("sickness_benefit", "from_sickness_benefit"), ("condition", "mental"), ("condition", "other_condition"),
        ("conditions", "multiple_conditions"), ("job_at_start", "job"),
    )  # fmt: skip
    columns = [people.characteristic(frame, *mark) for mark in marks]
    rest = [np.ones(len(frame)), age, age**2 / 100, frame["days_followed"].to_numpy(float)]
    return np.column_stack([*rest, *columns]).astype(float)


def partialled(outcome: np.ndarray, taken: np.ndarray, instrument: np.ndarray, controls: np.ndarray) -> float:
    """Just-identified instrumental-variables estimate, with the controls partialled out of the instrument."""
    fitted = np.linalg.lstsq(controls.T @ controls, controls.T @ instrument, rcond=1e-14)[0]
    left = instrument - controls @ fitted
    return float(left @ outcome / (left @ taken))
