"""Two-stage least squares against R's AER and sandwich: clusters, weights, several instruments, weak ones."""

from pathlib import Path

import pandas as pd

from watwerkt.estimate.linear import anderson_rubin, iv, late
from watwerkt.estimate.result import Result

GRID = (-50, -5, -1, -0.5, -0.2, 0, 0.2, 0.5, 1, 2, 5, 50)


def ours(folder: Path) -> dict[tuple[str, str], float]:
    """What we give, for each model and variance."""
    frame = pd.read_csv(folder / "input.csv")
    values = {}
    for kind, options in {
        "classical": {"variance": "classical"},
        "HC1": {"variance": "HC1"},
        "clustered": {"cluster": "office"},
    }.items():
        receipt = {"receipt": "service", "assigned": "assigned"} | options
        over = {"endogenous": "service", "instruments": ["assigned", "other"], "controls": ["age"]} | options
        found = {
            "late": late(frame, "work", controls=["age", "education"], **receipt),
            "weighted": late(frame, "work", controls=["age"], weights="weight", **receipt),
            "over": iv(frame, "work", **over),
            "two": iv(frame, "work", **(over | {"endogenous": ["service", "hours"]})),
        }
        for label, result in found.items():
            values |= _one(f"{label}:{kind}", result)
        values["two", "cragg_donald_f"] = found["two"].diagnostics["cragg_donald_f"]
    return values | _weak(frame)


def _one(label: str, result: Result) -> dict[tuple[str, str], float]:
    first = result.diagnostics.get("first_stage_f", result.diagnostics.get("first_stage_f[service]"))
    values = {(label, "f"): first}
    for name in result.names:
        one, key = result.of(name), f"{label}:{name}"
        values |= {(key, "estimate"): one.estimate, (key, "se"): one.se, (key, "p"): one.p}
    return values


def _weak(frame: pd.DataFrame) -> dict[tuple[str, str], float]:
    values = {}
    for kind, cluster in (("HC1", None), ("clustered", "office")):
        found = anderson_rubin(
            frame, "work", endogenous="service", instrument="assigned", controls=["age"], cluster=cluster
        )
        values |= {(f"anderson_rubin:{kind}:{end}", "end"): getattr(found, end) for end in ("low", "high")}
    weak = late(frame, "work", receipt="weak", assigned="assigned", controls=["age"])
    found = anderson_rubin(frame, "work", endogenous="weak", instrument="assigned", controls=["age"])
    values["weak", "f"] = weak.diagnostics["first_stage_f"]
    return values | {(f"weak:{effect}", "inside"): float(effect in found) for effect in GRID}
