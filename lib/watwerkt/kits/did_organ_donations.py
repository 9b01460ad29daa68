"""Two-way fixed effects on a small panel against R's lm, sandwich and plm."""

from pathlib import Path

import pandas as pd

from watwerkt.estimate.linear import ols


def ours(folder: Path) -> dict[tuple[str, str], float]:
    """What we give; one state is treated, so by least squares and not by the estimator that refuses that."""
    frame = pd.read_csv(folder / "input.csv")
    found = ols(frame, "rate", of="california_later", controls=["state", "quarter"], cluster="state")
    return {
        ("california_later", "estimate"): found.estimate,
        ("california_later", "se"): found.se,
        ("california_later", "p"): found.p,
        ("plm:california_later", "estimate"): found.estimate,
    }
