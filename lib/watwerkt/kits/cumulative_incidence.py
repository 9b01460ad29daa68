"""Cumulative incidence against R's survival and cmprsk."""

from pathlib import Path

import pandas as pd

from watwerkt.estimate.incidence import cumulative_incidence


def ours(folder: Path) -> dict[tuple[str, str], float]:
    """What we give; both packages are compared with the same numbers."""
    frame = pd.read_csv(folder / "input.csv", keep_default_na=False)
    found = cumulative_incidence(frame, months="months", exit_="exit", kinds=("work", "other"))
    values = {}
    for name in found.names:
        one = found.of(name)
        values |= {(name, f"estimate{of}"): one.estimate for of in ("", "_cmprsk")}
        values |= {(name, f"se{of}"): one.se for of in ("", "_cmprsk")}
    return values
