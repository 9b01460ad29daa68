"""Synthetic microdata of study ``wga``: people on a WGA disability benefit with extra, regular or no services.

Never evidence: invented people whose totals are those that the report prints (corrected), with effects that are known.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from watwerkt.synthetic.wga import figures
from watwerkt.synthetic.wga.benefits import drawn_benefits, drawn_states
from watwerkt.synthetic.wga.outcomes import drawn_outcomes
from watwerkt.synthetic.wga.people import drawn_during, offices, people_before, people_during, placed
from watwerkt.synthetic.wga.printed import ARMS, size
from watwerkt.synthetic.wga.services import drawn_services
from watwerkt.synthetic.wga.survey import drawn_survey
from watwerkt.synthetic.wga.truth import truth as _truth

__all__ = ["generate", "margins", "targets", "truth"]

LEAST = 2000
PERSONS = (
    "person", "cohort", "arm", "office", "inflow_date", "sex", "age", "marital", "education", "wga_class", "conditions",
    "condition", "sickness_benefit", "job_at_start", "self_reporter", "received_services", "days_followed",
)  # fmt: skip
OUTCOMES = (
    "person", "job", "job_12h", "job_under_12h", "first_job_month", "working", "permanent_contract", "hourly_wage",
    "fraction_days", "fraction_hours", "self_employment", "to_follow_up_benefit", "iva", "recovered",
    "from_80_100_to_35_80", "benefit_sum", "sickness_benefit_sum", "unemployment_benefit_sum",
)  # fmt: skip


def generate(rng: np.random.Generator, *, people: int | None = None, exact: bool = True) -> dict[str, pd.DataFrame]:
    """Synthetic tables that fit ``data/schemas/microdata/wga.json``.

    Parameters
    ----------
    rng
        Source of randomness; the same state gives the same tables.
    people
        People in the experimental period, at least 2,000; the report's 20,013 if not given. The earlier inflow comes on
        top, as many a month.
    exact
        True: quotas, so that the cells of :func:`targets` are met as nearly as whole people allow. False: independent
        draws from the same model, with the effects of :func:`truth`.

    Returns ``offices``, ``persons``, ``services``, ``outcomes``, ``states`` and ``survey``. Raises ValueError for fewer
    people than the quotas of the subgroups need.
    """
    number = sum(size(arm) for arm in ARMS) if people is None else people
    if number < LEAST:
        raise ValueError(f"people={number}: too few for the subgroups.\n  ask for {LEAST:,} or more")
    persons = _persons(rng, number, exact=exact)
    benefits = drawn_benefits(rng, persons, exact=exact)
    outcomes = drawn_outcomes(rng, persons, exact=exact)
    outcomes = pd.concat([persons["person"], outcomes, benefits], axis=1)
    return {
        "offices": offices(),
        "persons": persons[list(PERSONS)],
        "services": drawn_services(rng, persons, exact=exact),
        "outcomes": outcomes[list(OUTCOMES)],
        "states": drawn_states(rng, persons, benefits, exact=exact),
        "survey": drawn_survey(rng, persons, outcomes, exact=exact),
    }


def targets() -> pd.DataFrame:
    """Published cells that the generator is calibrated to (columns table, cell, published, unit).

    Met by quota: sizes, response and make-up (Tables 2.1–2.3, 2.5), services (2.6, 2.7), levels of work and benefits
    (4.1, 4.4, 4.6, 4.8, 4.13), the ladder and the survey (4.10, 4.11, 4.15, 4.17, levels of 5.1, changes of 4.16 and
    5.2), states (I.11, I.12, 7.3), offices (I.1), and the first stage of Table II.1.

    Met as nearly as one model allows, since the printed numbers do not go together: effects (4.2, 4.3, 4.5, 4.7, 4.14)
    and subgroups (3.2, 4.19, I.10). LATE · take-up must be the sum of the two other effects and is not; levels of days,
    hours and self-employment by class, age and education do not average to those of everyone; wages by subgroup follow
    those of the experiment group, and not at all whether people came from sickness benefit.

    Not among the targets: effects on wage and contract (4.9, I.10), which the report corrects for selection into work;
    that on the wage is the printed one in :func:`truth`. Not calibrated: Tables 2.4, 3.1, 3.3–3.5 and I.2–I.9 (who gets
    which service), 4.12 and 4.18 (effects on answers of the survey, which follow from the levels), effects of 5.1, 5.3
    and III.6–III.16 (one mechanism takes its two coefficients from III.13), the other rows of II.1–II.3, the costs of
    7.1 and 7.2. The sums of sickness and unemployment benefit have the printed effects at levels that are assumed.
    """
    return figures.targets()


def margins(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The cells of :func:`targets` computed from generated tables (columns table, cell, synthetic)."""
    return figures.margins(tables)


def truth() -> pd.DataFrame:
    """Known effects of the data-generating process (columns quantity, value), percentages as fractions.

    ``itt.``, ``late.`` (compliers), ``did.`` (extra against regular) and ``iv_did.`` (regular against none) of each
    outcome, by subgroup after a dot; ``selection.`` (the wage equation corrected for selection into work, its
    correlation with finding a job); ``level.``; ``survey.`` (means of everyone in a group, changes, effects);
    ``four_way.`` (services, confidence in finding work and a job interview: parts of the excess risk, mediator held at
    nil, and the coefficients).
    """
    return _truth().copy()


def _persons(rng: np.random.Generator, number: int, *, exact: bool) -> pd.DataFrame:
    during = (people_during if exact else drawn_during)(rng, number)
    before = people_before(rng, during, exact=exact)
    blocks = [placed(rng, b, c, exact=exact) for b, c in ((during, "during"), (before, "before"))]
    frame = pd.concat([block.drop(columns="inside", errors="ignore") for block in blocks], ignore_index=True)
    frame = frame.merge(offices(), on="office", how="left")
    return frame.assign(person=np.arange(1, len(frame) + 1), arm=frame["arm"].astype("str"))
