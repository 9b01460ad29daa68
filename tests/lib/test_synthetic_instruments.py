"""Synthetic microdata of the study of services in unemployment benefit: calibrated, consistent, of known effects."""

import time

import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.discrete_model import MNLogit
from watwerkt.errors import MicrodataError
from watwerkt.microdata import store
from watwerkt.published import published
from watwerkt.synthetic import instruments as synthetic
from watwerkt.synthetic.instruments.effects import MOMENTS
from watwerkt.synthetic.instruments.model import population
from watwerkt.synthetic.instruments.takeup import BOUGHT

MONTHS = 18
SECONDS = 20.0  # of processor time: calibration, and everybody followed for 18 months
FAR = 4.0  # standard errors
EXACT = 1e-6  # of an effect: searches for shifts of log-odds stop at a millionth

# The largest difference from a published number, reached over three other seeds: nothing in Table 1 but the rounding of
# its shares; 0.8 points for an exit in Table 2 and 1.1 for a total, since printed work, other and total exit do not
# always add up; 0.1 points of use in Table 3 and 0.4 in small groups of Tables 4 and 5; 1.2% of the users in 19 and 20.
BOUNDS = {"T1": 0.005, "T2": 0.012, "T3": 0.0015, "T4": 0.005, "T5": 0.005}
USERS = 0.02


@pytest.fixture(scope="module")
def timed():
    population.cache_clear()
    begin = time.process_time()
    made = synthetic.generate(np.random.default_rng(2008))
    return made, time.process_time() - begin


@pytest.fixture(scope="module")
def tables(timed):
    return timed[0]


@pytest.fixture(scope="module")
def compared(tables):
    found = synthetic.targets().merge(synthetic.margins(tables), on=["table", "cell"], validate="one_to_one")
    return found.assign(off=(found["synthetic"] - found["published"]).abs())


@pytest.fixture(scope="module")
def truth():
    return synthetic.truth()


# ---- form ----------------------------------------------------------------------------------------


def test_the_tables_fit_the_schema_that_real_files_must_fit(tables, tmp_path):
    saved = store.save(tables, tmp_path, "instruments", origin="synthetic")
    assert {name: len(table) for name, table in saved.tables.items()} == {n: len(t) for n, t in tables.items()}


def test_nothing_starts_after_the_benefit_has_ended(tables):
    last = tables["persons"].set_index("person")["months_observed"]
    for name, month in (("services", "start_month"), ("interviews", "month")):
        table = tables[name]
        assert (table[month].to_numpy() < last.loc[table["person"]].to_numpy()).all()


def test_interviews_follow_one_another(tables):
    talks = tables["interviews"].sort_values(["person", "number"])
    one = talks.groupby("person")
    assert (one["number"].transform("min") == 1).all()
    steps = one[["number", "month"]].diff().dropna()
    assert (steps["number"] == 1).all()
    assert steps["month"].min() >= 1
    assert steps["month"].median() == 2  # "about two months after the one before"


def test_an_exit_happens_in_the_last_month_observed(tables):
    persons = tables["persons"]
    left = persons["exit"] != "none"
    assert (persons.loc[left, "exit_month"] == persons.loc[left, "months_observed"] - 1).all()
    assert persons.loc[~left, "exit_month"].isna().all()
    assert (persons.loc[~left, "months_observed"] == MONTHS).all()


def test_the_same_seed_gives_the_same_people_and_another_seed_others():
    one, again, other = (synthetic.generate(np.random.default_rng(seed), people=3000) for seed in (1, 1, 2))
    for name in one:
        pd.testing.assert_frame_equal(one[name], again[name])
    assert not one["persons"]["exit"].equals(other["persons"]["exit"])


@pytest.mark.parametrize("people", [1, 7, 500])
@pytest.mark.parametrize("exact", [True, False])
def test_few_people_can_be_made_as_well(people, exact):
    made = synthetic.generate(np.random.default_rng(3), people=people, exact=exact)
    assert made["persons"]["person"].tolist() == list(range(1, people + 1))


def test_fewer_than_one_person_are_refused():
    with pytest.raises(MicrodataError, match="people is 0"):
        synthetic.generate(np.random.default_rng(3), people=0)


# ---- calibration ---------------------------------------------------------------------------------


@pytest.mark.parametrize("table", list(BOUNDS))
def test_the_margins_are_those_of_the_table(compared, table):
    rows = compared[compared["table"] == table]
    assert (rows.loc[rows["unit"] == "count", "off"] == 0).all()
    assert rows.loc[rows["unit"] == "pct", "off"].max() <= BOUNDS[table]


@pytest.mark.parametrize("table", ["T19", "T20"])
def test_services_have_as_many_users_as_printed(compared, table):
    rows = compared[compared["table"] == table]
    assert len(rows) == 14
    assert (rows["off"] / rows["published"]).max() <= USERS


def test_exits_and_use_are_nearly_always_within_the_rounding_of_the_print(compared):
    rows = compared[compared["unit"] == "pct"]
    inside = (rows["off"] <= rows["rounding"] + 1e-9).groupby(rows["table"]).mean()
    assert inside[["T1"]].min() == 1
    assert inside[["T2", "T3", "T5"]].min() > 0.85
    assert inside["T4"] > 0.65  # its use by origin does not average to its use by everyone, to which it is moved


def test_what_the_report_suppresses_is_no_target():
    hidden = {cell.cell for cell in published("instruments", "T5") if cell.status == "suppressed"}
    assert len(hidden) == 4
    assert not hidden & set(synthetic.targets()["cell"])


def test_margins_find_what_is_in_the_tables_and_not_what_was_wanted(tables):
    persons = tables["persons"].assign(exit="none")
    found = synthetic.margins(tables | {"persons": persons}).set_index("cell")["synthetic"]
    assert found["nonwestern.all.exit_job.18.level"] == 0


def test_services_start_when_the_notes_to_the_tables_say(tables):
    mean = tables["services"].groupby("service")["start_month"].mean()
    assert mean[list(BOUGHT)].to_numpy() == pytest.approx(6, abs=0.4)
    assert mean[["competency_test", "workshop"]].to_numpy() == pytest.approx(3, abs=0.2)


def test_independent_draws_come_from_the_same_population():
    persons = synthetic.generate(np.random.default_rng(4), people=100_000, exact=False)["persons"]
    for name, outcome in (("nonwestern", "exit_job"), ("no_nonwestern", "exit_job")):
        share = published("instruments", "T2").one(population=name, dimension="all", outcome=outcome).number
        group = persons.loc[persons["population"] == name, "exit"] == "work"
        error = np.sqrt(share * (1 - share) / len(group))
        assert 0 < abs(group.mean() - share) < FAR * error + 0.005  # half a printed unit


def test_everybody_is_made_in_seconds(timed):
    assert timed[1] < SECONDS


# ---- truth ---------------------------------------------------------------------------------------


def test_the_true_effects_are_those_printed_for_everyone(truth):
    effects = truth[(truth["kind"] == "effect") & truth["published"].notna()]
    tables = effects.groupby("table").size()
    assert tables[["T6", "T7"]].tolist() == [28, 28]
    assert tables.drop(["T6", "T7"]).tolist() == [8] * 7  # two moments of each service that is bought in
    assert np.abs(effects["value"] - effects["published"]).max() < EXACT


def test_effects_follow_from_the_coefficients(tables, truth):
    """Follow the observed make-up of a population through 18 months by hand, with and without a service."""
    persons = tables["persons"].query("population == 'no_nonwestern'").assign(year=_year)
    known = _coefficients(truth, "no_nonwestern")
    predictor = np.zeros((2, len(persons)))
    for name in ("sex", "age", "education", "history", "year"):
        for k, exit_ in enumerate(("work", "other")):
            predictor[k] += persons[name].map(lambda v, e=exit_, n=name: known[f"{e}:{n}={v}"]).to_numpy(float)
    without, with_ = (_incidence(predictor, known, state, 6) for state in (None, "iro=late"))
    row = truth.set_index(["population", "kind", "quantity"])["value"]
    for k, exit_ in enumerate(("work", "other")):
        assert with_[k] - without[k] == pytest.approx(row["no_nonwestern", "effect", f"{exit_}:iro:6"], abs=2e-4)


def test_a_multinomial_logit_finds_the_coefficients(truth):
    made = synthetic.generate(np.random.default_rng(6), people=10_000, exact=False)
    rows, names = _person_months(made)
    found = MNLogit(rows["outcome"], rows[names]).fit(method="newton", disp=False)
    known = _coefficients(truth, "no_nonwestern")
    wanted = np.array([[known[f"{exit_}:{name}"] for exit_ in ("work", "other")] for name in names])
    z = (found.params.to_numpy() - wanted) / found.bse.to_numpy()
    assert np.abs(z).max() < FAR
    assert 0.7 < np.sqrt((z**2).mean()) < 1.3


def test_with_characteristics_effects_differ_between_groups_and_average_to_the_overall_effect():
    known = synthetic.truth(effects="characteristics", populations=["no_nonwestern"])
    iro = known[(known["service"] == "iro") & (known["outcome"] == "work")]
    ages = iro[(iro["kind"] == "effect_in_group") & (iro["dimension"] == "age")]
    people = published("instruments", "T1").where(population="no_nonwestern", dimension="age", statistic="count")
    weights = np.array([cell.number for cell in people])
    overall = iro.loc[iro["quantity"] == "work:iro:6", "value"].iloc[0]
    assert ages["value"].to_numpy() @ weights / weights.sum() == pytest.approx(overall, abs=1e-4)
    assert np.corrcoef(ages["value"], ages["published"].astype(float))[0, 1] > 0.9


def _year(persons):
    return persons["inflow_month"].dt.year.astype(str)


def _coefficients(truth, population):
    rows = truth[(truth["kind"] == "coefficient") & (truth["population"] == population)]
    return dict(zip(rows["quantity"], rows["value"], strict=True))


def _incidence(predictor, known, state, start):
    there, gone = np.ones(predictor.shape[1]), np.zeros(2)
    for month in range(MONTHS):
        shift = [known[f"{e}:{state}"] if state and month >= start else 0.0 for e in ("work", "other")]
        level = [known[f"{e}:month={month}"] for e in ("work", "other")]
        odds = np.exp(predictor + np.add(shift, level)[:, None])
        leave = odds / (1 + odds.sum(axis=0))
        gone += (there * leave).mean(axis=1)
        there = there * (1 - leave.sum(axis=0))
    return gone


def _person_months(made):
    """Months of people without a non-western background, until they start a service that is not in the model."""
    modelled = ("workshop", "competency_test", "iro", "short_training")
    persons = made["persons"].query("population == 'no_nonwestern'").assign(year=_year).set_index("person")
    services = made["services"][made["services"]["person"].isin(persons.index)]
    other = services[~services["service"].isin(modelled)].groupby("person")["start_month"].min()
    until = persons["months_observed"].clip(upper=other.reindex(persons.index).fillna(MONTHS))
    rows = persons.loc[persons.index.repeat(until.astype(int))].reset_index()
    rows["month"] = rows.groupby("person").cumcount()
    last = rows["month"] == rows["months_observed"] - 1
    columns = {"outcome": np.where(last, rows["exit"].map({"none": 0, "work": 1, "other": 2}), 0)}
    columns |= {f"month={m}": rows["month"] == m for m in range(MONTHS)}
    for name in ("sex", "age", "education", "history", "year"):
        columns |= {f"{name}={v}": rows[name] == v for v in _later(name)}
    start = (
        services.pivot(index="person", columns="service", values="start_month").reindex(rows["person"]).reset_index()
    )
    for service in modelled:
        on = start[service] <= rows["month"]
        if service in BOUGHT:
            ends = [*list(MOMENTS.values())[1:], MONTHS]
            for (moment, first), end in zip(MOMENTS.items(), ends, strict=True):
                columns[f"{service}={moment}"] = on & (start[service] >= first) & (start[service] < end)
        else:
            columns[service] = on
    talks = made["interviews"].pivot(index="person", columns="number", values="month").reindex(rows["person"])
    for number in range(1, 6):
        since = rows["month"] - talks[number].to_numpy()
        columns[f"followup_{number}"] = (since >= 0) & (since < 2)
    frame = pd.DataFrame(columns).astype(float)
    return frame, [name for name in frame if name != "outcome"]


def _later(name):
    """The values of a covariate but the base."""
    if name in ("history", "year"):
        return {"history": ("long",), "year": ("2009", "2010")}[name]
    cells = published("instruments", "T1").where(population="no_nonwestern", dimension=name, statistic="count")
    values = [cell.category for cell in cells]
    return values[1:] + (["education_unknown"] if name == "education" else [])
