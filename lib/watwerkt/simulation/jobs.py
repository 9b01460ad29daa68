"""Made-up wages that only people with a job have: selection corrected by an inverse Mills ratio (methods B5)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from watwerkt.estimate.selection import selection
from watwerkt.simulation.design import Design, Draw, arms, drawn

EFFECT, BY_AGE = 0.60, 0.05
SPREAD = 2.0
BOOTSTRAP = 100
CORRELATIONS = np.array([[1.0, 0.6, 0.3], [0.6, 1.0, 0.4], [0.3, 0.4, 1.0]])  # luck in finding a job, wage, choice
ROOT = np.linalg.cholesky(CORRELATIONS)


def _people(rng: np.random.Generator, *, people: int) -> pd.DataFrame:
    """Those with good luck on the job market earn more; those who would earn more take services more often."""
    luck, wage, choice = ROOT @ rng.normal(size=(3, people))
    age, partner = rng.uniform(20, 60, people), (rng.random(people) < 0.5).astype(float)
    assigned = arms(people // 2, people - people // 2)
    services = (1.8 * assigned - 0.9 + choice > 0).astype(float)
    job = (1.2 - 0.03 * age + 0.8 * partner + 0.3 * assigned + luck > 0).astype(float)
    plain = 12 + BY_AGE * age + SPREAD * wage
    frame = {"age": age, "partner": partner, "assigned": assigned, "services": services, "job": job}
    return pd.DataFrame(frame).assign(
        plain=np.where(job == 1, plain, np.nan), wage=np.where(job == 1, plain + EFFECT * services, np.nan)
    )


def _endogenous(rng: np.random.Generator) -> Draw:
    found = selection(
        _people(rng, people=1500), outcome="wage", selected="job", columns=["age"], exclusions=["partner"],
        endogenous="services", instruments=["assigned"], draws=BOOTSTRAP, rng=rng,
    )  # fmt: skip
    return drawn(found.outcome)


def _exogenous(rng: np.random.Generator) -> Draw:
    found = selection(
        _people(rng, people=1500), outcome="plain", selected="job", columns=["age"],
        exclusions=["partner", "assigned"], variance="heckman",
    )  # fmt: skip
    return drawn(found.outcome)


DESIGNS = (
    Design(
        name="selection", study="wga", function="selection.selection",
        estimator=f"Selection-corrected 2SLS, {BOOTSTRAP} bootstrap draws",
        quantity="Effect of services on the hourly wage",
        process="1,500 people, about two in three with a job; luck in finding one goes with wage and with taking "
        "services.",
        truth=lambda: EFFECT, draw=_endogenous,
    ),
    Design(
        name="selection_ols", study="wga", function="selection.selection",
        estimator="Selection-corrected OLS, two-step variance", quantity="Wage by year of age",
        process="The people of the design before, without services.",
        truth=lambda: BY_AGE, draw=_exogenous,
    ),
)  # fmt: skip
