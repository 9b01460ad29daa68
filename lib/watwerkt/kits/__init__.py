"""Reference kits: what our estimators give on a kit's input, held against what other software gave.

A kit is a folder in ``data/reference``: ``kit.yml`` (what is compared, with what, how near it must be and why), the
script that made the expected numbers, its input, and ``expected.csv`` (quantity, statistic, value). The module of the
same name in this package says what we give: a function ``ours(folder)`` that returns a value for each pair of quantity
and statistic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import yaml

from watwerkt.kits import (
    competing_multinomial,
    cumulative_incidence,
    did_castle,
    did_organ_donations,
    did_simulated,
    entropy_lalonde,
    fourway,
    fourway_sas,
    interview_windows,
    itt_thornton,
    iv_mroz,
    iv_simulated,
    meta_bcg,
    selection,
    selection_mroz,
    stepdown,
)
from watwerkt.paths import data_dir

Found = Mapping[tuple[str, str], float]

KITS: dict[str, Callable[[Path], Found]] = {
    "competing_multinomial": competing_multinomial.ours,
    "cumulative_incidence": cumulative_incidence.ours,
    "did_castle": did_castle.ours,
    "did_organ_donations": did_organ_donations.ours,
    "did_simulated": did_simulated.ours,
    "entropy_lalonde": entropy_lalonde.ours,
    "fourway": fourway.ours,
    "fourway_sas": fourway_sas.ours,
    "interview_windows": interview_windows.ours,
    "itt_thornton": itt_thornton.ours,
    "iv_mroz": iv_mroz.ours,
    "iv_simulated": iv_simulated.ours,
    "meta_bcg": meta_bcg.ours,
    "selection": selection.ours,
    "selection_mroz": selection_mroz.ours,
    "stepdown": stepdown.ours,
}


@cache
def about(kit: str) -> dict:
    """What ``kit.yml`` says: title, software, source, tolerances by statistic and their reason."""
    return yaml.safe_load((data_dir() / "reference" / kit / "kit.yml").read_text("utf-8"))


def compare(kit: str) -> pd.DataFrame:
    """One row per quantity and statistic: ours, the reference, their relative difference, the tolerance, and whether
    they agree.

    The difference is |ours − reference| / max(|reference|, ``floor`` of the kit).
    """
    folder = data_dir() / "reference" / kit
    expected = pd.read_csv(folder / "expected.csv")
    found = KITS[kit](folder)
    facts = about(kit)
    rows = expected.assign(
        kit=kit,
        ours=[found[key] for key in zip(expected["quantity"], expected["statistic"], strict=True)],
        tolerance=[float(facts["tolerance"][name]) for name in expected["statistic"]],
    ).rename(columns={"value": "reference"})
    size = rows["reference"].abs().clip(lower=float(facts.get("floor", 1e-8)))
    rows["difference"] = (rows["ours"] - rows["reference"]).abs() / size
    rows["agrees"] = rows["difference"] <= rows["tolerance"]
    return rows[["kit", "quantity", "statistic", "ours", "reference", "difference", "tolerance", "agrees"]]


def compare_all(*names: str) -> pd.DataFrame:
    """The comparisons of these kits, or of all, one after the other."""
    return pd.concat([compare(kit) for kit in names or KITS], ignore_index=True)


def summary(compared: pd.DataFrame) -> pd.DataFrame:
    """One row per kit: estimator, software, numbers compared, largest relative difference by kind, and whether all
    agree.

    ``other`` stands for what is neither an estimate, nor a standard error, nor a p value: moments, tests, intervals.
    """
    kinds = compared.assign(kind=compared["statistic"].map(_kind))
    largest = kinds.pivot_table(index="kit", columns="kind", values="difference", aggfunc="max", sort=False)
    limits = kinds.groupby("kit", sort=False)["tolerance"].agg(["min", "max"]).add_prefix("tolerance_")
    found = compared.groupby("kit", sort=False).agg(numbers=("agrees", "size"), agrees=("agrees", "all"))
    facts = pd.DataFrame({kit: about(kit) for kit in found.index}).T[["estimator", "title", "software", "reason"]]
    columns = [name for name in ("estimate", "se", "p", "other") if name in largest]
    return facts.join(found).join(largest[columns]).join(limits).rename_axis("kit").reset_index()


def _kind(statistic: str) -> str:
    """Estimates, standard errors and p values go by names that begin so: ``se_robust``."""
    start = statistic.partition("_")[0]
    return start if start in ("estimate", "se", "p") else "other"
