"""Every design by name, and the modules of ``watwerkt.estimate`` that need none of their own."""

from __future__ import annotations

from watwerkt.simulation import benefit, experiments, families, jobs, offices, survey
from watwerkt.simulation.design import Design

DESIGNS: dict[str, Design] = {
    one.name: one
    for one in (
        *experiments.DESIGNS,
        *benefit.DESIGNS,
        *offices.DESIGNS,
        *jobs.DESIGNS,
        *survey.DESIGNS,
        *families.DESIGNS,
    )
}

# Modules of watwerkt.estimate that estimate nothing by themselves, and the designs through which they are studied.
THROUGH_OTHERS: dict[str, tuple[str, ...]] = {
    "balancing": ("balanced_mean", "balanced_effect"),
    "competing": ("competing",),
    "design": ("competing",),
    "equation": ("itt", "late"),
    "fourway_models": ("fourway_linear_te", "fourway_logistic_te"),
    "frontier": ("balanced_mean",),
    "regressors": ("itt_controls",),
    "resampling": ("selection",),
    "result": ("itt",),
    "separation": ("selection", "fourway_logistic_te"),
    "weak": ("anderson_rubin",),
    "wild": ("wild",),
}
