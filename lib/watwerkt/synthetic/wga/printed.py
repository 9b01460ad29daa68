"""What the report prints, by who, arm and outcome."""

from __future__ import annotations

from functools import cache

from watwerkt.published import Cell, published

STUDY = "wga"
ARMS = ("experiment", "control", "regular")
COMPARISONS = ("experiment_vs_control", "experiment_vs_regular", "regular_vs_control")
MISPRINT = 3.0  # times everyone's level, from which on a group's is taken for a misprint

# The tables of each kind of number: the first one that prints it is used.
LEVELS = ("T4.1", "T4.4", "T4.6", "T4.8", "T4.11", "T4.13", "T4.15", "T4.17", "T5.1", "T4.7", "TI.10")
EFFECTS = ("T4.2", "T4.3", "T4.5", "T4.7", "T4.9", "T4.12", "T4.14", "T4.16", "T5.1", "T5.2", "TI.10")


@cache
def _cells(tables: tuple[str, ...], statistic: str) -> dict[tuple[str, str, str, str], Cell]:
    """Cells by (dimension, category, arm or comparison, outcome)."""
    found: dict[tuple[str, str, str, str], Cell] = {}
    for table in tables:
        for cell in published(STUDY, table).where(statistic=statistic).printed:
            who = cell.comparison if statistic == "effect" else cell.arm
            if statistic != "effect" and not who:
                continue
            found.setdefault((cell.dimension, cell.category, who, cell.outcome), cell)
    return found


def level(arm: str, outcome: str, dimension: str = "all", category: str = "all") -> float | None:
    """The printed level of an outcome in an arm, percentages as fractions; None where the report prints none."""
    cell = _cells(LEVELS, "level").get((dimension, category, arm, outcome))
    return None if cell is None else cell.number


def misprinted(arm: str, outcome: str, value: float) -> bool:
    """True if a group's level is so far from everyone's that the generator takes it for a misprint (75.2%, I.10)."""
    total = level(arm, outcome)
    return total is not None and abs(value) > MISPRINT * abs(total)


def effect(comparison: str, outcome: str, dimension: str = "all", category: str = "all") -> float | None:
    """The printed effect of one situation against another; None where the report prints none."""
    cell = _cells(EFFECTS, "effect").get((dimension, category, comparison, outcome))
    return None if cell is None else cell.number


@cache
def size(arm: str) -> int:
    """People in an arm, or self-reporters (Table 2.1)."""
    return int(published(STUDY, "T2.1").one(arm=arm).number)


@cache
def composition(arm: str, dimension: str) -> dict[str, float]:
    """Shares of a characteristic in an arm (Table 2.5), scaled to add up to 1."""
    if dimension == "job_at_start":
        return _old_job(arm)
    found = published(STUDY, "T2.5").where(arm=arm, dimension=dimension)
    total = sum(cell.number for cell in found)
    return {cell.category: cell.number / total for cell in found}


def _old_job(arm: str) -> dict[str, float]:
    """Table 2.5 lacks the old job: users of Workfit and the others (Table I.4) make up everyone, by their shares."""
    arm = "regular" if arm == "regular" else "experiment"
    users = share(arm, "workfit")
    parts = {cell.population: cell.number for cell in published(STUDY, "TI.4").where(arm=arm, category="job")}
    job = users * parts["users"] + (1 - users) * parts["nonusers"]
    return {"job": job, "no_job": 1 - job}


@cache
def share(arm: str, service: str) -> float:
    """Share of an arm that had a service (Table 2.7)."""
    return published(STUDY, "T2.7").one(arm=arm, service=service).number


@cache
def mean_number(arm: str, service: str) -> float:
    """Mean number of conversations, trajectories or instruments (Table 2.6)."""
    return published(STUDY, "T2.6").one(arm=arm, service=service).number


@cache
def first_stage(outcome: str) -> float:
    """Effect of assignment on having services, in everyone or in those with a job (Tables II.1 and II.3)."""
    tables = ("TII.3",) if outcome.startswith("received_services_") else ("TII.1",)
    return published(STUDY, *tables).one(category="assigned", outcome=outcome, statistic="coefficient").number
