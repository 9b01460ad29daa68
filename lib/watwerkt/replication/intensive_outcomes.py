"""Outcomes of the experiment with intensive services, from its microdata: one row per person, and one per job.

Source of the definitions: De Hek, De Koning & De Lombaerde (2020), sections 2.4 and 3.3 and the notes below the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd

from watwerkt.designs.intensive import INTERVIEWS
from watwerkt.published import prose

HORIZON_DAYS = {6: 183, 9: 274, 12: 365, 15: 456}  # months of 365.25 / 12 days, the last rounded down
EXITS = ("exit_benefit", "exit_job")
FRACTIONS = ("fraction_benefit", "fraction_job", "fraction_other")
FIRST_JOB = ("permanent_contract", "first_job_length", "number_of_jobs")
ALL_JOBS = ("parttime_factor", "hourly_wage")
HAD = ("had_1", "had_2", "had_3", "had_4")

Tables = Mapping[str, pd.DataFrame]


def starts() -> tuple[int, int, int, int]:
    """Days on benefit from which the four interviews are held."""
    told = prose("intensive")
    return tuple(int(told[f"start_{kind}"].value) for kind in INTERVIEWS)


@cache
def windows() -> tuple[tuple[int, int], ...]:
    """The stretch of days over which the effect of each interview is measured: up to the start of the next one.

    The fourth ends as long after its start as the third: on day 435, which is the little over 14 months at which the
    report states net effects. Those follow, within a point, from its effects of single interviews and the exits of
    Table 3.2 up to about that day; with exits up to the end of the observation (day 366 to 618) they do not.
    """
    days = starts()
    return tuple(pairwise((*days, 2 * days[-1] - days[-2])))


def by_person(tables: Tables) -> pd.DataFrame:
    """One row per person: characteristics and every outcome, missing where it is not defined.

    ``assigned`` (1 intensive, 0 basic); ``exit_benefit_6`` … ``exit_job_15`` (0/1, left within so many months; the
    15-month ones only for people followed so long); ``reentry``; ``fraction_…`` of the days from the first interview's
    start to the end of the observation, on benefit, in any job, in neither (the first two may overlap); for people with
    a job in those days ``permanent_contract`` and ``first_job_length`` (days seen) of the first one and
    ``number_of_jobs``; ``had_1`` … ``had_4`` (0/1, the first individually); ``interviews`` (held, in any form).
    """
    persons = tables["persons"].set_index("person", drop=False)
    found = persons.assign(assigned=(persons["arm"] == "intensive").astype(float), **_exits(persons))
    seen = _seen(tables)
    return found.assign(**_fractions(persons, seen), **_first_jobs(seen), **_interviews(tables, persons.index))


def by_job(tables: Tables) -> pd.DataFrame:
    """One row per job in the observation period: the person's characteristics, ``parttime_factor``, ``hourly_wage``.

    Jobs whose factor or wage is not registered have it missing.
    """
    jobs = _seen(tables).query("kind == 'job'")
    persons = tables["persons"].set_index("person", drop=False)
    found = persons.loc[jobs["person"]].reset_index(drop=True)
    return found.assign(
        assigned=(found["arm"] == "intensive").astype(float),
        parttime_factor=jobs["part_time_factor"].to_numpy(),
        hourly_wage=jobs["hourly_wage"].to_numpy(),
    )


def _exits(persons: pd.DataFrame) -> dict[str, pd.Series]:
    day, found = persons["exit_day"].astype(float), {"reentry": persons["reentry"].astype(float)}
    counts = {"exit_benefit": day.notna(), "exit_job": persons["exit_kind"] == "job"}
    for outcome, counted in counts.items():
        for months, until in HORIZON_DAYS.items():
            left = ((day <= until) & counted).astype(float)
            found[f"{outcome}_{months}"] = left.where(persons["followed_days"] > until)
    return found


def _seen(tables: Tables) -> pd.DataFrame:
    """Spells as far as they fall into the observation period, by person and first day; ``from_`` and ``to`` in days."""
    spells = tables["spells"]
    end = spells["person"].map(tables["persons"].set_index("person")["followed_days"])
    found = spells.assign(
        from_=spells["start_day"].clip(lower=starts()[0]).astype(float),
        to=spells["end_day"].astype(float).fillna(end).clip(upper=end),
    )
    return found[found["to"] > found["from_"]].sort_values(["person", "start_day", "spell"], ignore_index=True)


def _fractions(persons: pd.DataFrame, seen: pd.DataFrame) -> dict[str, pd.Series]:
    period = persons["followed_days"] - starts()[0]

    def share(spells: pd.DataFrame) -> pd.Series:
        return _covered(spells).reindex(persons.index, fill_value=0.0) / period

    return {
        "fraction_benefit": share(seen[seen["kind"] == "benefit"]),
        "fraction_job": share(seen[seen["kind"] == "job"]),
        "fraction_other": 1 - share(seen),
    }


def _covered(spells: pd.DataFrame) -> pd.Series:
    """Days in at least one of the spells, per person; spells come sorted by person and first day."""
    before = spells.groupby("person")["to"].cummax().groupby(spells["person"]).shift()
    more = (spells["to"] - np.fmax(spells["from_"], before)).clip(lower=0)
    return more.groupby(spells["person"]).sum()


def _first_jobs(seen: pd.DataFrame) -> dict[str, pd.Series]:
    jobs = seen[seen["kind"] == "job"].assign(days=lambda job: job["to"] - job["from_"])
    first = jobs.drop_duplicates("person").set_index("person")
    return {
        "permanent_contract": first["permanent"].astype("Float64").astype(float),
        "first_job_length": first["days"],
        "number_of_jobs": jobs.groupby("person").size().astype(float),
    }


def _interviews(tables: Tables, people: pd.Index) -> dict[str, pd.Series]:
    held = tables["interviews"].query("held")
    individual = (held["kind"] != INTERVIEWS[0]) | (held["form"] == "interview_individual")
    found = {
        had: pd.Series(people.isin(held["person"][individual & (held["kind"] == kind)]).astype(float), index=people)
        for had, kind in zip(HAD, INTERVIEWS, strict=True)
    }
    number = held.groupby("person").size().astype(float).reindex(people, fill_value=0.0)
    return found | {"interviews": number}
