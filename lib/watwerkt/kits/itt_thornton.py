"""Intention to treat and linear probability models against R's lm and sandwich."""

from pathlib import Path

import pandas as pd

from watwerkt.estimate.linear import itt


def ours(folder: Path) -> dict[tuple[str, str], float]:
    """What we give, for each model and variance."""
    frame = pd.read_csv(folder / "input.csv")
    models = {
        "plain": {},
        "controls": {"controls": ["age", "hiv2004"], "bases": {"hiv2004": "negative"}},
        "weighted": {"controls": ["age_too"], "weights": "age"},
    }
    kinds = {
        "classical": {"variance": "classical"},
        "HC1": {"variance": "HC1"},
        "clustered": {"cluster": "village"},
    }
    values = {}
    for label, model in models.items():
        for kind, options in kinds.items():
            found = itt(frame.assign(age_too=frame["age"]), "got", assigned="any", **model, **options)
            for name in found.names:
                one, key = found.of(name), f"{label}:{kind}:{name.removesuffix('_too')}"
                values |= {(key, "estimate"): one.estimate, (key, "se"): one.se, (key, "p"): one.p}
    return values
