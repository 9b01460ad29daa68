"""Made-up offices before and during an experiment: difference-in-differences with few clusters (methods B4)."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from watwerkt.estimate.did import Design as Comparison
from watwerkt.estimate.did import did, event_study, iv_did
from watwerkt.estimate.wild import Wild
from watwerkt.simulation.design import Design, Draw, drawn, happens

OFFICES = 35
EFFECT, RECEIPT_EFFECT = 0.04, 0.06
LEVEL, SPREAD, SHOCK = 0.30, 0.08, 0.04  # half widths of what is an office's own, and an office's own in a period
TREND = 0.03
SELF_REPORTERS, COMPLIERS = 0.08, 0.72
COHORTS = ("2017-1", "2017-2", "2018-1", "2018-2", "2019-1", "2019-2", "2020-1", "2020-2", "2021-1")
FIRST_DURING = 5
WILD_DRAWS = 399

BEFORE_AND_AFTER = Comparison("treated", "post", "office")
BY_COHORT = Comparison("treated", "post", "office", cohort="cohort")


def _people(rng: np.random.Generator, *, treated: int, periods: int, first: int, size: int) -> pd.DataFrame:
    """One row per person: office, period, and ``level``, the chance of work without services.

    Offices of ``size`` to three times as many people a period; each has a level of its own and, in every period, a
    shock of its own that all its people share. Neither depends on who is treated.
    """
    sizes = np.linspace(size, 3 * size, OFFICES).astype(int)
    parts = rng.permutation(np.arange(OFFICES) < treated)
    own = rng.uniform(-SPREAD, SPREAD, OFFICES)
    shocks = rng.uniform(-SHOCK, SHOCK, (OFFICES, periods))
    office = np.repeat(np.tile(np.arange(OFFICES), periods), np.tile(sizes, periods))
    period = np.repeat(np.arange(periods), sizes.sum())
    post = (period >= first).astype(float)
    level = LEVEL + own[office] + shocks[office, period] + TREND * period / max(1, periods - 1)
    return pd.DataFrame(
        {"office": office, "period": period, "treated": parts[office].astype(float), "post": post, "level": level}
    )


def _did(rng: np.random.Generator, *, treated: int) -> Draw:
    people = _people(rng, treated=treated, periods=2, first=1, size=40)
    chance = people["level"] + EFFECT * people["treated"] * people["post"]
    return drawn(did(people.assign(work=happens(rng, chance)), "work", BEFORE_AND_AFTER))


def _iv_did(rng: np.random.Generator) -> Draw:
    people = _people(rng, treated=21, periods=2, first=1, size=40)
    kind = rng.choice(3, len(people), p=[SELF_REPORTERS, COMPLIERS, 1 - SELF_REPORTERS - COMPLIERS])
    during = people["post"] == 1
    receipt = (during & ((kind == 0) | ((kind == 1) & (people["treated"] == 1)))).astype(float)
    chance = people["level"] + np.array([0.1, 0.0, -0.05])[kind] + RECEIPT_EFFECT * receipt
    return drawn(iv_did(people.assign(receipt=receipt, work=happens(rng, chance)), "work", BEFORE_AND_AFTER,
                        receipt="receipt"))  # fmt: skip


def _cohorts(rng: np.random.Generator, *, effect: float) -> pd.DataFrame:
    people = _people(rng, treated=21, periods=len(COHORTS), first=FIRST_DURING, size=10)
    chance = people["level"] + effect * people["treated"] * people["post"]
    return people.assign(cohort=np.array(COHORTS)[people["period"]], work=happens(rng, chance))


def _event_study(rng: np.random.Generator) -> Draw:
    return drawn(event_study(_cohorts(rng, effect=EFFECT), "work", BY_COHORT))


def _pretrend(rng: np.random.Generator) -> Draw:
    return Draw(event_study(_cohorts(rng, effect=EFFECT), "work", BY_COHORT).diagnostics["pretrend_p"])


def _wild(rng: np.random.Generator) -> Draw:
    people = _people(rng, treated=8, periods=2, first=1, size=40)
    frame = people.assign(work=happens(rng, people["level"]))
    found = did(frame, "work", BEFORE_AND_AFTER, wild=Wild(rng, draws=WILD_DRAWS))
    return Draw(found.diagnostics["wild_p"])


DESIGNS = (
    Design(
        name="did", study="wga", function="did.did", estimator="Difference-in-differences, clustered by office",
        quantity="Effect of services on work",
        process="35 offices of 80 to 240 people, 21 take part; each office has a level and, per period, a shock.",
        truth=lambda: EFFECT, draw=partial(_did, treated=21),
    ),
    Design(
        name="did_few", study="wga", function="did.did",
        estimator="Difference-in-differences, four treated offices", quantity="Effect of services on work",
        process="As the design before, but only 4 of the 35 offices take part.",
        truth=lambda: EFFECT, draw=partial(_did, treated=4),
        limit="Four treated clusters say too little of how much treated clusters differ: the page warns of it.",
    ),
    Design(
        name="iv_did", study="wga", function="did.iv_did",
        estimator="IV difference-in-differences, clustered by office", quantity="Effect of receipt on work",
        process="As with 21 offices; 8% report themselves in any office, 72% take part where services are offered.",
        truth=lambda: RECEIPT_EFFECT, draw=_iv_did,
    ),
    Design(
        name="event_study", study="wga", function="did.event_study",
        estimator="Event study by cohort, clustered by office", quantity="Effect in the first cohort of the experiment",
        process="35 offices, nine cohorts of half a year with 10 to 30 people an office; 21 offices take part.",
        truth=lambda: EFFECT, draw=_event_study,
    ),
    Design(
        name="pretrend", study="wga", function="did.event_study", measures="test",
        estimator="Joint F test of trends before the experiment, clustered",
        quantity="False alarms where trends are the same",
        process="The cohorts of the design before; offices that take part move like the others.",
        truth=lambda: 0.05, draw=_pretrend,
        limit="A joint test of several coefficients with 35 clusters is known to refuse too often.",
    ),
    Design(
        name="wild", study="wga", function="did.did", measures="test",
        estimator=f"Wild cluster bootstrap, {WILD_DRAWS} draws", quantity="False alarms where services do nothing",
        process="35 offices of which 8 take part, as in the difference-in-differences, without an effect.",
        truth=lambda: 0.05, draw=_wild,
    ),
)  # fmt: skip
