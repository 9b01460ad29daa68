"""Levels for each situation and subgroup that go together: the printed ones where they agree, else the nearest that do.

Situations: ``experiment``, ``control`` (with its self-reporters), ``regular``, and ``before``: people at experimental
offices in the earlier inflow. People at regular offices had the same services in both periods and have the same levels.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from watwerkt.synthetic.wga import printed
from watwerkt.synthetic.wga.calibration import agreed, reconciled
from watwerkt.synthetic.wga.people import asking, characteristic, subgroup

SPLITS = {
    "wga_class": ("wga_35_80", "wga_80_100"),
    "education": ("higher", "lower"),
    "age": ("under_35", "35-55", "55_over"),
    "sickness_benefit": ("from_sickness_benefit", "not_from_sickness_benefit"),
    "condition": ("mental", "not_mental"),
}
COLUMNS = (  # of the models, after the constant
    ("wga_class", "wga_80_100"),
    ("education", "higher"),
    ("age", "under_35"),
    ("age", "55_over"),
    ("sickness_benefit", "from_sickness_benefit"),
    ("condition", "mental"),
)

Group = tuple[str, str]
Levels = dict[Group, float]


def member(frame: pd.DataFrame, dimension: str, category: str) -> np.ndarray:
    """Who belongs to a part of a split; the few on IVA go with WGA 80-100, unknown education with the lower."""
    if category in ("wga_80_100", "lower"):
        return ~characteristic(frame, dimension, "wga_35_80" if category == "wga_80_100" else "higher")
    return subgroup(frame, dimension, category)


def design(frame: pd.DataFrame) -> np.ndarray:
    """A constant and one column per entry of COLUMNS."""
    return np.column_stack([np.ones(len(frame)), *(member(frame, *group).astype(float) for group in COLUMNS)])


def levels(
    frame: pd.DataFrame,
    arm: str,
    outcome: str,
    *,
    mass: np.ndarray | None = None,
    scale: str = "logit",
    shift: float = 0.0,
) -> Levels:
    """Printed levels in an arm by group, shifted within each split so that they average to the level of everyone.

    ``mass`` weighs people where only some count: those with a job. ``shift`` moves the level of everyone.
    """
    total = printed.level(arm, outcome) + shift
    found = {group: printed.level(arm, outcome, *group) for group in _groups()}
    kept = {group: None if v is None or printed.misprinted(arm, outcome, v) else v for group, v in found.items()}
    return shifted(frame, kept, total, mass=mass, scale=scale)


def shifted(
    frame: pd.DataFrame,
    values: Mapping[Group, float | None],
    total: float,
    *,
    mass: np.ndarray | None = None,
    scale: str = "logit",
) -> Levels:
    """Levels by group that average to the total within each split."""
    mass = np.ones(len(frame)) if mass is None else mass
    out: Levels = {("all", "all"): total}
    for dimension, categories in SPLITS.items():
        shares = {c: float(mass[member(frame, dimension, c)].sum() / mass.sum()) for c in categories}
        one = agreed({c: values.get((dimension, c)) for c in categories}, shares, total, scale=scale)
        out |= {(dimension, c): v for c, v in one.items()}
    return out


def before(frame: pd.DataFrame, outcome: str, situations: Mapping[str, Levels], *, scale: str = "logit") -> Levels:
    """Levels at experimental offices in the earlier inflow: the experiment group's less the effect of extra services.

    The three printed effects of a group seldom go together; what is used lies halfway (:func:`calibration.reconciled`).
    """
    share = asking(frame)
    values = {
        group: situations["experiment"][group] - extra_effect(situations, group, outcome, taking(frame, share, group))
        for group in situations["experiment"]
    }
    kept = {group: max(v, 0.001) if scale == "logit" else v for group, v in values.items()}
    return shifted(frame, kept, kept["all", "all"], scale=scale)


def taking(frame: pd.DataFrame, share: np.ndarray, group: Group = ("all", "all")) -> float:
    """Share of a group that takes services only when assigned to them: the first stage."""
    rows = np.ones(len(frame), bool) if group == ("all", "all") else member(frame, *group)
    return float(1 - share[rows].mean())


def extra_effect(situations: Mapping[str, Levels], group: Group, outcome: str, first_stage: float) -> float:
    """Effect of extra against regular services that goes with the other two effects."""
    inside = situations["experiment"][group] - situations["control"][group]
    extra, basic = (printed.effect(c, outcome, *group) for c in printed.COMPARISONS[1:])
    if extra is None or basic is None:
        return situations["experiment"][group] - situations["regular"][group]
    return reconciled(inside / first_stage, first_stage, extra, basic)[0]


def sums(frame: pd.DataFrame, found: Levels, *, mass: np.ndarray | None = None) -> np.ndarray:
    """What the levels make of each column of the design: totals over its people."""
    mass = np.ones(len(frame)) if mass is None else mass
    totals = [found["all", "all"] * mass.sum()]
    return np.array(totals + [found[group] * mass[member(frame, *group)].sum() for group in COLUMNS])


def _groups() -> list[Group]:
    return [(d, c) for d, categories in SPLITS.items() for c in categories]
