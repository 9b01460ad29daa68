"""Selection into a job: our two steps on simulated people, against R's glm, AER and sandwich."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from watwerkt.estimate.result import Result
from watwerkt.estimate.selection import inverse_mills, probit, selection

REGRESSORS = ["age", "high"]
EXCLUSIONS = ["female", "married", "old_job"]
PROBIT = ["age", "female", "high", "married", "old_job", "assigned"]


def ours(folder: Path) -> Mapping[tuple[str, str], float]:
    """Coefficients and standard errors of each step, and the diagnostics."""
    data = pd.read_csv(folder / "input.csv")
    first = probit(data, outcome="job", columns=PROBIT)
    found = named("probit", first.coefficients) | named("effect", first.effects) | _ratio(data, first.coefficients)
    exogenous = {"outcome": "wage", "selected": "job", "columns": REGRESSORS, "exclusions": [*EXCLUSIONS, "assigned"]}
    heckman = selection(data, **exogenous, variance="heckman").outcome
    found |= named("heckman", heckman)
    found |= {(f"heckman: {name}", "estimate"): heckman.diagnostics[name] for name in ("sigma", "rho")}
    found |= named("ols hc1", selection(data, **exogenous, variance="unadjusted").outcome)
    for name, outcome, as_instruments in (
        ("wage, wooldridge", "wage", True),
        ("wage, report", "wage", False),
        ("permanent, report", "permanent", False),
    ):
        for suffix, cluster in (("", None), (", by office", "office")):
            both = selection(
                data, outcome=outcome, selected="job", columns=REGRESSORS, exclusions=EXCLUSIONS,
                endogenous="services", instruments=["assigned"], exclusions_as_instruments=as_instruments,
                variance="unadjusted", cluster=cluster,
            )  # fmt: skip
            found |= named(name + suffix, both.outcome)
            if (name, cluster) == ("wage, report", None):
                found |= named("first stage", both.first_stage)
                found["first stage", "f"] = both.outcome.diagnostics["first_stage_f"]
                found["ratio on the rest", "r2"] = both.outcome.diagnostics["ratio_r2"]
    return found


def _ratio(data: pd.DataFrame, first: Result) -> dict[tuple[str, str], float]:
    job = data[data["job"] == 1].assign(constant=1.0)
    ratio = inverse_mills(job[list(first.names)].to_numpy() @ first.values)
    measures = {"mean": ratio.mean(), "largest": ratio.max(), "least": ratio.min()}
    return {(f"ratio: {name}", "estimate"): float(value) for name, value in measures.items()}


def named(prefix: str, result: Result) -> dict[tuple[str, str], float]:
    """Every quantity of a result with its estimate and standard error."""
    each = [result.of(name) for name in result.names]
    return {(f"{prefix}: {one.focus}", "estimate"): one.estimate for one in each} | {
        (f"{prefix}: {one.focus}", "se"): one.se for one in each
    }
