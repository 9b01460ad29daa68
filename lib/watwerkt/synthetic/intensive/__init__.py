"""Synthetic microdata of the experiment with intensive services (SEOR 2020). Never evidence.

The people, their exits, interviews and jobs are made such that sizes, characteristics, interviews, exits, fractions and
quality of jobs equal the published (corrected) figures as nearly as whole people allow, and so do the effects of each
interview (Table 3.5).

What is assumed, because the report does not print it:

- People with a western or unknown background leave, work and have interviews as those without a migration background
  do; generations among western people are shared out as among non-western ones. Nobody's sex is unknown.
- The share of people followed for 15 months is the middle of what the marks at 15 months allow.
- Given when and how they leave, sex and generation do not depend on each other.
- People come back on benefit as often, by sex, as those without a migration background (the figure for people with a
  non-western background is suppressed).
- Whether an interview is held does not depend on what someone would do without it; the report fears that it does.
- Who stays longer is rather older.

What cannot be met, since it contradicts the levels of Table 3.3: the effects of interviews on fractions (Table 3.7),
which the report estimates with control variables; the cumulative effects (Table 3.6) and the net effects are left to
follow from the others. The printed 15-month levels are of people followed so long, a different and slower group: that
is why fewer of them have left for a job than of everyone at 12 months.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd

from watwerkt.designs.intensive import INTERVIEWS
from watwerkt.errors import MicrodataError
from watwerkt.published import published
from watwerkt.replication import intensive as replication
from watwerkt.replication.intensive_outcomes import (
    ALL_JOBS,
    EXITS,
    FIRST_JOB,
    FRACTIONS,
    HAD,
    HORIZON_DAYS,
    by_job,
    by_person,
    windows,
)
from watwerkt.synthetic.intensive import levels
from watwerkt.synthetic.intensive.interviews import interviews
from watwerkt.synthetic.intensive.jobs import JOB, spells
from watwerkt.synthetic.intensive.people import persons

STUDY = levels.STUDY
FULL = levels.size("all", "basic") + levels.size("all", "intensive")
LEAST = 1_000
WORLD = 5  # times the people of the experiment: the population behind independent draws
WORLD_SEED = 2013
TABLES = (
    "T2.4", "T2.6", "T2.7", "T2.8", "T2.9", "T3.1", "T3.2", "T3.3", "T3.4", "T3.5",
    "TII.1", "TII.2", "TII.3", "TII.4", "TII.5", "TII.6", "TII.7",
)  # fmt: skip
OUTCOMES = (*(f"{exit_}_{months}" for exit_ in EXITS for months in HORIZON_DAYS), "reentry", *FRACTIONS, *FIRST_JOB)
COLUMNS = [
    "person", "arm", "population", "sex", "generation", "age", "household", "office",
    "benefit_start", "followed_days", "exit_day", "exit_kind", "reentry",
]  # fmt: skip


def generate(rng: np.random.Generator, *, people: int = FULL, exact: bool = True) -> dict[str, pd.DataFrame]:
    """Synthetic tables ``persons``, ``interviews`` and ``spells`` that fit ``data/schemas/microdata/intensive.json``.

    Parameters
    ----------
    people
        How many; at least 1,000 with ``exact``, for fewer cannot have the published shares.
    exact
        True: quotas, so that the published figures come out as nearly as whole people allow. False: ``people`` drawn
        independently, with replacement, from one large population that has the published figures; :func:`truth` holds
        its effects, which estimates on such draws scatter around.

    Raises MicrodataError for too few people. Deterministic for the state of ``rng``.
    """
    if people < (LEAST if exact else 1):
        raise MicrodataError(
            f"{people:,} people are too few for quotas.\n  allowed: at least {LEAST:,}; or draw them with exact=False"
        )
    return _exact(rng, people) if exact else _draw(rng, people)


def targets() -> pd.DataFrame:
    """The published cells to which the generator is calibrated: table, cell, published (corrected, fractions), unit."""
    cells = [cell for cell in published(STUDY, *TABLES).printed if cell.comparison != "four_interviews_vs_group"]
    return pd.DataFrame(
        {
            "table": [cell.table for cell in cells],
            "cell": [cell.cell for cell in cells],
            "published": [cell.number for cell in cells],
            "unit": [cell.unit for cell in cells],
        }
    )


def margins(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The cells of :func:`targets` computed from tables: table, cell, synthetic."""
    found = [replication.counts(tables), replication.groups(tables)]
    every = pd.concat([part[["table", "cell", "recomputed"]] for part in found], ignore_index=True)
    wanted = targets()[["table", "cell"]]
    return wanted.merge(every, how="left", on=["table", "cell"]).rename(columns={"recomputed": "synthetic"})


@cache
def truth() -> pd.DataFrame:
    """The effects in the population behind ``exact=False``: quantity (a published cell's key), value.

    ``….intensive_vs_basic.…``: differences between the arms, by group, outcome and horizon, including what chance gave
    the arms in different make-up. ``individual_vs_group``, ``interview_vs_none``, ``extra_interview`` (on fractions):
    difference between the arms over their difference in interviews, which two-stage least squares without controls
    tends to; for a single interview it is the effect on those who have it in the intensive group only, as the others
    leave alike in both.
    """
    people, jobs = by_person(_world()), by_job(_world())
    found: dict[str, float] = {}
    for population, dimension, category in replication.printed_groups():
        chosen, work = (replication.among(frame, population, dimension, category) for frame in (people, jobs))
        name = f"{population}.{category}"
        for frame, columns in ((chosen, OUTCOMES), (work, ALL_JOBS)):
            for column, gap in _gaps(frame, columns).items():
                outcome = re.sub(r"_(\d+)$", r".\1", column)
                found[f"{name}.intensive_vs_basic.{outcome}.effect"] = gap
        for outcome, effect in _gaps(chosen, (*FRACTIONS, "interviews"), over="interviews").items():
            found[f"{name}.extra_interview.{outcome}.effect"] = effect
        found |= {f"{name}.{key}.effect": effect for key, effect in _interview_effects(chosen).items()}
    return pd.DataFrame({"quantity": list(found), "value": list(found.values())})


def _gaps(frame: pd.DataFrame, columns: Sequence[str], *, over: str = "") -> pd.Series:
    """Mean in the intensive group less that in the basic group; over the same of another column, which is left out."""
    means = frame.groupby("arm")[list(columns)].mean()
    gaps = means.loc["intensive"] - means.loc["basic"]
    return (gaps / gaps[over]).drop(over) if over else gaps


def _interview_effects(people: pd.DataFrame) -> dict[str, float]:
    found = {}
    for kind, had, (start, end) in zip(INTERVIEWS, HAD, windows(), strict=True):
        at_risk = people[~(people["exit_day"] <= start).fillna(False)]
        left = (at_risk["exit_day"] <= end).fillna(False)
        exits = {"exit_benefit": left.astype(float), "exit_job": (left & (at_risk["exit_kind"] == "job")).astype(float)}
        effects = _gaps(at_risk.assign(**exits), (*EXITS, had), over=had)
        comparison = "individual_vs_group" if kind == INTERVIEWS[0] else "interview_vs_none"
        found |= {f"{comparison}.{kind}.{outcome}": effect for outcome, effect in effects.items()}
    return found


@cache
def _world() -> dict[str, pd.DataFrame]:
    return _exact(np.random.default_rng(WORLD_SEED), WORLD * FULL)


def _exact(rng: np.random.Generator, people: int) -> dict[str, pd.DataFrame]:
    """Tables by quotas, people in random order."""
    frame = persons(rng, people)
    contacts, jobs = interviews(rng, frame), spells(rng, frame)
    number = rng.permutation(people) + 1
    frame = frame.assign(
        person=number,
        exit_kind=frame["kind"].where(frame["kind"] != "stay"),
        exit_day=frame["exit_day"].astype("Int64"),
    )
    contacts = contacts.assign(person=number[contacts["person"]], day=contacts["day"].astype("Int64"))
    return {
        "persons": frame.sort_values("person", ignore_index=True)[COLUMNS],
        "interviews": contacts.sort_values("person", kind="stable", ignore_index=True),
        "spells": _spells(frame, jobs.assign(person=number[jobs["person"]])),
    }


def _spells(frame: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    """Benefit and job spells together, numbered per person; those that run on at the end have no end."""
    again = frame[frame["reentry"]]
    parts = [
        pd.DataFrame(
            {"person": frame["person"], "kind": "benefit", "start_day": 0, "end_day": frame["exit_day"].astype(float)}
        ),
        pd.DataFrame(
            {"person": again["person"], "kind": "benefit", "start_day": again["back_from"], "end_day": again["back_to"]}
        ),
        jobs.rename(columns={"start": "start_day", "end": "end_day"}).drop(columns="first").assign(kind="job"),
    ]
    every = pd.concat([part.astype({"start_day": float}) for part in parts], ignore_index=True)
    end = every["person"].map(frame.set_index("person")["followed_days"])
    every["end_day"] = every["end_day"].where(every["end_day"] < end).astype("Int64")
    every = every.sort_values(["person", "start_day", "kind"], ignore_index=True)
    every = every.assign(spell=every.groupby("person").cumcount() + 1, start_day=every["start_day"].astype("int64"))
    every["permanent"] = every["permanent"].astype("boolean")
    return every[["person", "spell", "kind", "start_day", "end_day", *JOB]]


def _draw(rng: np.random.Generator, people: int) -> dict[str, pd.DataFrame]:
    """People of the large population drawn one by one, with what belongs to them, under new numbers."""
    world = _world()
    chosen = rng.integers(len(world["persons"]), size=people)
    drawn = {"persons": world["persons"].iloc[chosen].assign(person=np.arange(1, people + 1)).reset_index(drop=True)}
    for name in ("interviews", "spells"):
        table = world[name]
        bounds = np.searchsorted(table["person"].to_numpy(), np.arange(1, len(world["persons"]) + 2))
        first, many = bounds[chosen], bounds[chosen + 1] - bounds[chosen]
        rows = np.repeat(first - np.cumsum(many) + many, many) + np.arange(many.sum())
        owner = np.repeat(np.arange(1, people + 1), many)
        drawn[name] = table.iloc[rows].assign(person=owner).reset_index(drop=True)
    return drawn
