"""Interview effects by window, net and cumulative, against R's AER, sandwich and car."""

from pathlib import Path

import pandas as pd

from watwerkt.designs.intensive import CUMULATIVE, INTERVIEWS
from watwerkt.estimate.interviews import NET, cumulative_effects, window_effects


def ours(folder: Path) -> dict[tuple[str, str], float]:
    """What we give, for exits from benefit and to a job."""
    frame, values = pd.read_csv(folder / "input.csv"), {}
    for outcome in ("exit_benefit", "exit_job"):
        windows = window_effects(frame, outcome, controls=["age", "sex"])
        more = cumulative_effects(frame, outcome, controls=["age", "sex"])
        comparisons = ("individual_vs_group", *["interview_vs_none"] * 3)
        found = {name: windows.of(f"{c}.{name}") for c, name in zip(comparisons, INTERVIEWS, strict=True)}
        found["net"] = windows.of(NET)
        for name, k in CUMULATIVE.items():
            found[f"extra_1_{k}"] = more.of(f"extra_interview.{name}")
            found[f"earlier_1_{k}"] = more.of(f"earlier_interviews.{name}")
        for name, one in found.items():
            values |= {(f"{outcome}:{name}", "estimate"): one.estimate, (f"{outcome}:{name}", "se"): one.se}
    return values
