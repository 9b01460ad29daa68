"""Two-stage least squares against R's AER and sandwich: Mroz's data, which come with linearmodels."""

from pathlib import Path

from linearmodels.datasets import mroz

from watwerkt.estimate.linear import iv


def ours(folder: Path) -> dict[tuple[str, str], float]:
    """What we give, with classical and HC1 variance."""
    frame = mroz.load().dropna(subset=["lwage"])
    values = {}
    for variance in ("classical", "HC1"):
        found = iv(
            frame, "lwage", endogenous="educ", instruments=["motheduc", "fatheduc"], controls=["exper", "expersq"],
            variance=variance,
        )  # fmt: skip
        for name in ("educ", "exper", "expersq"):
            one, key = found.of(name), f"{variance}:{name}"
            values |= {(key, "estimate"): one.estimate, (key, "se"): one.se, (key, "p"): one.p}
        values[f"{variance}:first_stage", "f"] = found.diagnostics["first_stage_f"]
    return values
