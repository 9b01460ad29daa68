"""The duration model of ``instruments`` (SEO 2020) on microdata: what stands in it, fitted to one population."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pandas as pd

from watwerkt.compress import MOMENTS, Plan, compressed
from watwerkt.errors import EstimationError
from watwerkt.estimate.competing import Fit, fit
from watwerkt.estimate.design import cells_of
from watwerkt.microdata import study_schema

STUDY = "instruments"
COVARIATES = ("sex", "age", "education", "history")
ONLY = {"nonwestern": ("generation", "origin")}  # covariates that only this population has
YEARS = ("2008", "2009", "2010")
# Bought-in services, of which the report tells moments of deployment apart (Tables 8–14).
BOUGHT = (
    "jobhunting", "placement", "application_letters", "regular_trajectory", "iro", "training", "short_training",
)  # fmt: skip

Tables = Mapping[str, pd.DataFrame]


@cache
def plan(population: str, *, by_moment: bool = True) -> Plan:
    """The model: characteristics, year of entry, every service as a lasting state, five interviews of two months each.

    ``by_moment``: bought-in services by moment of deployment, as in Tables 8–14; else one state per service.
    """
    known = study_schema(STUDY)
    persons, services = ({field.name: field for field in known[name].fields} for name in ("persons", "services"))
    covariates = {
        name: persons[name].allowed or persons[name].enum for name in (*COVARIATES, *ONLY.get(population, ()))
    }
    later = {name: MOMENTS if by_moment and name in BOUGHT else () for name in services["service"].allowed}
    return Plan({**covariates, "year": YEARS}, later)


def model(microdata: Tables, population: str, *, by_moment: bool = True) -> Fit:
    """The model of exits within 18 months, fitted to everyone with a background: all services at once, both exits.

    Raises EstimationError if nobody has the background, and as :func:`watwerkt.estimate.competing.fit`.
    """
    chosen = plan(population, by_moment=by_moment)
    return fit(cells_of(*compressed(of_population(microdata, population), chosen), chosen))


def of_population(microdata: Tables, population: str) -> dict[str, pd.DataFrame]:
    """The people with a background, with the year in which the benefit began; services and interviews of everyone."""
    persons = microdata["persons"]
    persons = persons[persons["population"] == population]
    if persons.empty:
        raise EstimationError(f"nobody has population = {population!r}.\n  look at the column in persons")
    persons = persons.assign(year=persons["inflow_month"].dt.year.astype(str))
    return {"persons": persons, "services": microdata["services"], "interviews": microdata["interviews"]}
