"""Difference-in-differences with an instrument, and the wild cluster bootstrap, against R."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from watwerkt.estimate.did import Design, did, iv_did
from watwerkt.estimate.wild import Wild

SIMPLE = Design(treated="experiment", post="during", cluster="office")
TWO_WAY = replace(SIMPLE, unit="office", cohort="cohort", controls=["age"])


def ours(folder: Path) -> dict[tuple[str, str], float]:
    """What we give; ten offices have 1,024 sign patterns, so the bootstrap draws none at random."""
    frame = pd.read_csv(folder / "input.csv")
    wild = Wild(np.random.default_rng(0), draws=1024)
    effects = {
        label: did(frame, "work", design, wild=wild) for label, design in (("simple", SIMPLE), ("two_way", TWO_WAY))
    }
    receipt = iv_did(frame, "work", TWO_WAY, receipt="service")
    found = {
        "iv_did:two_way": receipt,
        "iv_did:simple": iv_did(frame, "work", SIMPLE, receipt="service"),
        "first_stage:two_way": did(frame, "service", TWO_WAY),
        "did:two_way": effects["two_way"],
    }
    values = {(f"did:{label}", "wild_p"): one.diagnostics["wild_p"] for label, one in effects.items()}
    values["first_stage:two_way", "f"] = receipt.diagnostics["first_stage_f"]
    for key, one in found.items():
        values |= {(key, "estimate"): one.estimate, (key, "se"): one.se, (key, "p"): one.p}
    return values
