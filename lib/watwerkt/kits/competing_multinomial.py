"""Competing risks on cells against R's VGAM on expanded person-months."""

from pathlib import Path

import pandas as pd

from watwerkt.compress import MOMENTS, Plan, compressed
from watwerkt.estimate.competing import fit
from watwerkt.estimate.deployment import effects
from watwerkt.estimate.design import cells_of

PLAN = Plan(
    {"sex": ("female", "male"), "population": ("no_nonwestern", "nonwestern")},
    services={"jobhunting": MOMENTS}, interviews=1, horizon=8,
)  # fmt: skip
STARTS = (0, 3, 6)


def ours(folder: Path) -> dict[tuple[str, str], float]:
    """What we give: from people to cells, from cells to coefficients, from these to effects."""
    cells = cells_of(*compressed(tables(folder), PLAN), PLAN, interactions={"jobhunting": ["population"]})
    model = fit(cells)
    robust = fit(cells, variance="robust").result.tidy().set_index("name")["se"]
    values: dict[tuple[str, str], float] = {}
    for row in model.result.tidy().itertuples():
        values |= {(row.name, "estimate"): row.estimate, (row.name, "se"): row.se, (row.name, "p"): row.p}
        values[(row.name, "se_robust")] = robust[row.name]
    found = effects(model, "jobhunting", starts=STARTS, group={"population": "nonwestern"})
    for row in found.tidy().itertuples():
        values |= {(f"effect {row.name}", "estimate"): row.estimate, (f"effect {row.name}", "se_delta"): row.se}
    return values


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The kit's people as the three tables of the study."""
    frame = pd.read_csv(folder / "input.csv", keep_default_na=False, na_values={"jobhunting": "", "followup_1": ""})
    begun, talked = frame.dropna(subset="jobhunting"), frame.dropna(subset="followup_1")
    services = pd.DataFrame({"person": begun["person"], "service": "jobhunting", "start_month": begun["jobhunting"]})
    interviews = pd.DataFrame({"person": talked["person"], "number": 1, "month": talked["followup_1"]})
    return {
        "persons": frame.drop(columns=["jobhunting", "followup_1"]),
        "services": services.astype({"start_month": "int64"}),
        "interviews": interviews.astype({"month": "int64"}),
    }
