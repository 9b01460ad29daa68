"""What the data-generating process has for effects: averages over its population, known without sampling error."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from watwerkt.synthetic.wga import benefits, people, printed
from watwerkt.synthetic.wga.items import ITEMS, change, first_stage, level
from watwerkt.synthetic.wga.levels import SPLITS, member
from watwerkt.synthetic.wga.model import HALF_YEAR_MONTHS, SHARES, WAGE_SPREAD, Work, late, part_of, trends, work
from watwerkt.synthetic.wga.survey import STEPS, four_way, interview_model, rungs

MEANS = (*(name for name in SHARES if name != "permanent_contract_jobholders"), "job_under_12h")
GROUPS = [("all", "all"), *((d, c) for d, categories in SPLITS.items() for c in categories)]


@cache
def truth() -> pd.DataFrame:
    """See :func:`watwerkt.synthetic.wga.truth`."""
    found = {"first_stage": first_stage()} | _work() | _job_quality() | _benefits() | _survey() | _mediation()
    return pd.DataFrame({"quantity": list(found), "value": [float(v) for v in found.values()]})


@cache
def situation_means() -> dict[str, tuple[pd.DataFrame, dict[str, np.ndarray]]]:
    """The population of each situation, and the expected outcomes of its people; control with its self-reporters."""
    model, frame = work(), people.population()
    inside, outside = frame[frame["arm"] != "regular"], frame[frame["arm"] == "regular"]
    found = {"experiment": (inside, model.means("experiment", part_of(inside)))}
    asks, rest = (model.means(s, part_of(inside, k)) for s, k in (("experiment", "asks"), ("control", "refrains")))
    share = people.asking(inside)
    found["control"] = (inside, {k: share * asks[k] + (1 - share) * rest[k] for k in asks})
    found["regular"] = (outside, model.means("regular", part_of(outside)))
    for name, situation, rows in (("before", "before", inside), ("regular_before", "regular", outside)):
        found[name] = (rows, _over_half_years(model, situation, rows))
    return found


def _over_half_years(model: Work, situation: str, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    part = part_of(frame)
    each = [model.means(situation, part, trend=shift) for shift in trends(situation)]
    months = np.array(HALF_YEAR_MONTHS) / sum(HALF_YEAR_MONTHS)
    return {k: sum(m * one[k] for m, one in zip(months, each, strict=True)) for k in each[0]}


def _mean(situation: str, outcome: str, group: tuple[str, str] = ("all", "all")) -> float:
    frame, means = situation_means()[situation]
    rows = np.ones(len(frame), bool) if group == ("all", "all") else member(frame, *group)
    return float(means[outcome][rows].mean())


def _work() -> dict[str, float]:
    found: dict[str, float] = {}
    for outcome in MEANS:
        for group in GROUPS:
            name = outcome if group[0] == "all" else f"{outcome}.{group[1]}"
            found[f"itt.{name}"] = _mean("experiment", outcome, group) - _mean("control", outcome, group)
            found[f"late.{name}"] = late(work(), outcome, group)
            if outcome != "self_employment":
                found |= _differences(name, {s: _mean(s, outcome, group) for s in situation_means()}, _taking(group))
        found |= {f"level.{outcome}.{arm}": _mean(arm, outcome) for arm in printed.ARMS}
    return found


def _taking(group: tuple[str, str]) -> float:
    frame = situation_means()["control"][0]
    rows = np.ones(len(frame), bool) if group == ("all", "all") else member(frame, *group)
    return float(1 - people.asking(frame)[rows].mean())


def _differences(name: str, mean: dict[str, float], taking: float) -> dict[str, float]:
    """Extra against regular services, and regular against none, as difference-in-differences."""
    extra = (mean["experiment"] - mean["regular"]) - (mean["before"] - mean["regular_before"])
    basic = (mean["regular"] - mean["control"]) - (mean["regular_before"] - mean["before"])
    return {f"did.{name}": extra, f"iv_did.{name}": basic / taking}


def _job_quality() -> dict[str, float]:
    """Wages and contracts of those with a job: the wage equation, and differences between the people who have one."""
    model, tie = work(), work().wage_tie
    constant = {
        s: float(model.coefficients[s, "hourly_wage"][0]) for s in ("experiment", "control", "regular", "before")
    }
    found = {
        "selection.hourly_wage": constant["experiment"] - constant["control"],
        "selection.correlation": tie,
        "selection.inverse_mills": tie * WAGE_SPREAD,
        "selection.tie_of_self_reporting_and_work": model.tie,
        "did.hourly_wage": constant["experiment"] - constant["before"],
    }
    for arm in printed.ARMS:
        found[f"level.hourly_wage.{arm}"] = _mean(arm, "wage") / _mean(arm, "job")
        permanent = _mean(arm, "permanent_contract_jobholders") / _mean(arm, "working")
        found[f"level.permanent_contract.{arm}"] = permanent
    return found


def _benefits() -> dict[str, float]:
    found: dict[str, float] = {}
    for outcome in (*benefits.SHARES, *benefits.AMOUNTS):
        mean = {}
        for situation in ("experiment", "regular", "before"):
            frame = situation_means()[situation][0]
            mean[situation] = float(benefits.mean(benefits.constants(), situation, outcome, frame).mean())
        frame = situation_means()["control"][0]
        share, parts = people.asking(frame), [
            benefits.mean(benefits.constants(), s, outcome, frame) for s in ("experiment", "control")
        ]  # fmt: skip
        mean["control"] = float((share * parts[0] + (1 - share) * parts[1]).mean())
        mean["regular_before"] = mean["regular"]
        found[f"itt.{outcome}"] = mean["experiment"] - mean["control"]
        found[f"late.{outcome}"] = float((1 - share) @ (parts[0] - parts[1]) / (1 - share).sum())
        found |= _differences(outcome, mean, first_stage())
        found |= {f"level.{outcome}.{arm}": mean[arm] for arm in printed.ARMS}
    return found


def _survey() -> dict[str, float]:
    """Means of everyone in a group, had all answered; the effect of services is that on the compliers."""
    found: dict[str, float] = {}
    names = [(i.name, i.served) for i in ITEMS]
    names += [(n, False) for n in ("application_interview", "applications_monthly", "applications_weekly")]
    for name, served in names:
        for arm in printed.ARMS[:1] + printed.ARMS[2:] if served else printed.ARMS:
            found[f"survey.{name}.{arm}"] = level(name, arm)
        if not served:
            found[f"survey.late.{name}"] = (level(name, "experiment") - level(name, "control")) / first_stage()
    for item in ITEMS:
        if item.twice:
            found |= {f"survey.change.{item.name}.{arm}": v for arm, v in change(item.name).items()}
    for arm in printed.ARMS:
        step = np.array(list(STEPS.values())) @ (rungs(arm, "ladder_end", 36.0) - rungs(arm, "ladder_start", 0.0))
        found[f"survey.ladder_steps.{arm}"] = float(step)
    return found


def _mediation() -> dict[str, float]:
    found = {f"four_way.{part}": value for part, value in four_way().items()}
    return found | {f"four_way.model.{name}": value for name, value in interview_model().items()}
