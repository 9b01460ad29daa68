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
- Whether an interview is held does not depend on what someone would do without it. The report says of nobody that it
  does; with real microdata it may.
- Who stays longer is rather older.

What cannot be met, since it contradicts the levels of Table 3.3: the effects of interviews on fractions (Table 3.7),
which the report estimates with control variables; the cumulative effects (Table 3.6) and the net effects are left to
follow from the others. The printed 15-month levels are of people followed so long, a different and slower group: that
is why fewer of them have left for a job than of everyone at 12 months.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from watwerkt.errors import MicrodataError
from watwerkt.published import published
from watwerkt.replication import intensive as replication
from watwerkt.synthetic.intensive import levels
from watwerkt.synthetic.intensive.interviews import interviews
from watwerkt.synthetic.intensive.jobs import JOB, spells
from watwerkt.synthetic.intensive.people import persons

STUDY = levels.STUDY
FULL = levels.size("all", "basic") + levels.size("all", "intensive")
LEAST = 1_000
WORLD = 10  # times the people of the experiment: the population behind independent draws
WORLD_SEED = 2013
TABLES = (
    "T2.4", "T2.6", "T2.7", "T2.8", "T2.9", "T3.1", "T3.2", "T3.3", "T3.4", "T3.5",
    "TII.1", "TII.2", "TII.3", "TII.4", "TII.5", "TII.6", "TII.7",
)  # fmt: skip
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
    cells = [
        cell for cell in published(STUDY, *TABLES).printed if cell.comparison != "four_interviews_vs_group"
    ]
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
    the arms in different make-up. ``interview_vs_none``, ``individual_vs_group``, ``extra_interview`` and so on: what
    two-stage least squares without controls tends to (Tables 3.5–3.7): for a single interview, its effect on those who
    have it in the intensive group only, as the others leave alike in both groups.
    """
    found = replication.groups(_world())
    effects = found[found["statistic"].isin(["effect", "cumulative_effect"])].drop_duplicates("cell")
    return effects.rename(columns={"cell": "quantity", "recomputed": "value"})[["quantity", "value"]].reset_index(drop=True)


@cache
def _world() -> dict[str, pd.DataFrame]:
    return _exact(np.random.default_rng(WORLD_SEED), WORLD * FULL)


def _exact(rng: np.random.Generator, people: int) -> dict[str, pd.DataFrame]:
    """Tables by quotas, people in random order."""
    frame = persons(rng, people)
    contacts, jobs = interviews(rng, frame), spells(rng, frame)
    number = rng.permutation(people) + 1
    frame = frame.assign(
        person=number, exit_kind=frame["kind"].where(frame["kind"] != "stay"), exit_day=frame["exit_day"].astype("Int64")
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
        pd.DataFrame({"person": frame["person"], "kind": "benefit", "start_day": 0, "end_day": frame["exit_day"].astype(float)}),
        pd.DataFrame({"person": again["person"], "kind": "benefit", "start_day": again["back_from"], "end_day": again["back_to"]}),
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
