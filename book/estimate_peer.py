"""What the estimators on cells are measured against: the same models on rows, by other libraries.

Run as ``python -m book.estimate_peer <model> <way> <size>`` in a process of its own, so that memory can be told apart;
prints as JSON the seconds, the memory above what the libraries take (MB), and the estimates, to be compared.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from watwerkt import compress, microdata
from watwerkt.estimate import grouped
from watwerkt.replication import instruments

SEED = 20251121
CONTROLS = ["age", "education"]
POPULATIONS = ("no_nonwestern", "nonwestern")


def memory() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- monthly exits ----------------------------------------------------------------------------------------------------


def full_on_cells(people: int) -> list[float]:
    """The whole study as the report has it: both populations, all services by moment, all covariates, both exits."""
    tables = _first(people)
    fits = [instruments.model(tables, population) for population in POPULATIONS]
    return [value for one in fits for value in one.result.values.tolist()]


def months_on_cells(people: int) -> list[float]:
    """Compress person-months to cells and fit both exits; one population, all services by moment."""
    return instruments.model(_first(people), POPULATIONS[0]).result.values.tolist()


def months_on_rows(people: int) -> list[float]:
    """The same model: expand to person-months with pandas, and fit with statsmodels' multinomial logit."""
    import statsmodels.api as sm

    tables = instruments.of_population(_first(people), POPULATIONS[0])
    rows = _expanded(tables, instruments.plan(POPULATIONS[0]))
    model = sm.MNLogit(rows.pop("outcome"), rows)
    return model.fit(method="newton", disp=0, tol=1e-10).params.to_numpy().T.ravel().tolist()


def _first(people: int) -> Mapping[str, pd.DataFrame]:
    """The first people of the synthetic study, or all of them (0)."""
    given = microdata.load("instruments")
    tables = {name: given[name] for name in ("persons", "services", "interviews")}
    if people:
        tables["persons"] = tables["persons"].head(people)
    return tables


def _expanded(tables: Mapping[str, pd.DataFrame], plan: compress.Plan) -> pd.DataFrame:
    """One row per person-month, the dummies of the model as columns, in the order of the model on cells."""
    persons = tables["persons"]
    rows = persons.loc[persons.index.repeat(persons["months_observed"])].reset_index(drop=True)
    rows["month"] = rows.groupby("person").cumcount()
    last = rows["month"] == rows["months_observed"] - 1
    made = {"outcome": np.select([last & (rows["exit"] == kind) for kind in compress.EXITS], [1, 2], 0)}
    for name, values in plan.covariates.items():
        made |= {f"{name}={value}": (rows[name] == value).to_numpy(float) for value in values[1:]}
    made |= {f"month={month}": (rows["month"] == month).to_numpy(float) for month in range(plan.horizon)}
    for name, later in plan.services.items():
        starts = tables["services"].query("service == @name").groupby("person")["start_month"].min()
        start = rows["person"].map(starts)
        for first, after in pairwise((0, *later, plan.horizon)):
            on = (start <= rows["month"]) & (start >= first) & (start < after)
            made[f"{name}={first}"] = on.to_numpy(float)
    for number, name in enumerate(plan.talks, start=1):
        these = tables["interviews"][tables["interviews"]["number"] == number]
        start = rows["person"].map(these.groupby("person")["month"].min())
        made[name] = ((start <= rows["month"]) & (rows["month"] < start + plan.lasting)).to_numpy(float)
    found = pd.DataFrame(made)
    return found.loc[:, (found != 0).any()]


# --- two-stage least squares ------------------------------------------------------------------------------------------


def people(rows: int) -> pd.DataFrame:
    """An experiment with imperfect take-up, a wage, and two characteristics."""
    rng = np.random.default_rng(SEED)
    frame = pd.DataFrame({"assigned": rng.integers(0, 2, rows).astype(float)})
    eager = rng.random(rows)
    frame["services"] = ((eager < 0.86 * frame["assigned"]) | (eager < 0.05)).astype(float)
    for name, count in (("age", 5), ("education", 3)):
        frame[name] = pd.Categorical.from_codes(rng.integers(0, count, rows), [f"{name}-{i}" for i in range(count)])
        frame[name] = frame[name].astype("str")
    frame["wage"] = np.round(14 + 0.3 * frame["services"] + eager + rng.normal(0, 3, rows), 2)
    return frame


def iv_on_cells(frame: pd.DataFrame) -> list[float]:
    """Sums per cell by DuckDB, then two-stage least squares on the cells, HC1."""

    by = ["assigned", "services", *CONTROLS]
    cells = compress.collect(compress.statistics(compress.in_memory(frame), "wage", by=by), compress.duckdb())
    found = grouped.iv(cells, endogenous="services", instrument="assigned", controls=CONTROLS)
    return [found.estimate, found.se]


def iv_linearmodels(frame: pd.DataFrame) -> list[float]:
    """linearmodels' IV2SLS on rows, robust and debiased."""
    from linearmodels.iv import IV2SLS

    exog = pd.get_dummies(frame[CONTROLS], drop_first=True, dtype=float).assign(constant=1.0)
    found = IV2SLS(frame["wage"], exog, frame[["services"]], frame[["assigned"]]).fit(cov_type="robust", debiased=True)
    return [float(found.params["services"]), float(found.std_errors["services"])]


def iv_pyfixest(frame: pd.DataFrame) -> list[float]:
    """pyfixest on rows, characteristics as fixed effects, HC1."""
    import pyfixest

    found = pyfixest.feols("wage ~ 1 | age + education | services ~ assigned", frame, vcov="HC1", copy_data=False)
    return [float(found.coef()["services"]), float(found.se()["services"])]


MONTHS: dict[str, Callable[[int], list[float]]] = {
    "full": full_on_cells, "cells": months_on_cells, "rows": months_on_rows,
}  # fmt: skip
IV: dict[str, Callable[[pd.DataFrame], list[float]]] = {
    "cells": iv_on_cells, "linearmodels": iv_linearmodels, "pyfixest": iv_pyfixest,
}  # fmt: skip


def main() -> None:
    """Measure one way of one model, at one size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=["months", "iv"])
    parser.add_argument("way", choices=[*MONTHS, *IV])
    parser.add_argument("size", type=int, help="people; 0 for all of the study")
    given = parser.parse_args()
    if given.model == "iv":
        ways, frame, rows = IV, people(given.size), given.size
        IV[given.way](people(1000))  # what is imported, compiled and planned once
    else:
        ways, frame = MONTHS, given.size
        rows = int(instruments.of_population(_first(given.size), POPULATIONS[0])["persons"]["months_observed"].sum())
        MONTHS["cells"](30_000)
    before, start = memory(), time.perf_counter()
    found = ways[given.way](frame)
    seconds = time.perf_counter() - start
    json.dump({"rows": rows, "seconds": seconds, "mb": memory() - before, "found": found}, sys.stdout)


if __name__ == "__main__":
    main()
