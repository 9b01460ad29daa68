"""A researcher's own files in place of the synthetic ones: the same people give the same results in every format."""

import numpy as np
import pandas as pd
import pytest
from watwerkt import microdata
from watwerkt.replication import instruments
from watwerkt.replication import intensive as replication
from watwerkt.synthetic import instruments as months
from watwerkt.synthetic import intensive

from tests.lib import microdata_files as files

GROUPS = [("nonwestern", "all", "all"), ("none", "sex", "female")]


@pytest.fixture(scope="module")
def people():
    return intensive.generate(np.random.default_rng(3), people=3000, exact=False)


def taken_in(tables, study, ending, folder):
    for name, table in tables.items():
        files.write(table, folder / "mine" / study / f"{name}{ending}")
    return microdata.take_in(folder / "mine", study, folder / "kept")


@pytest.fixture(scope="module")
def from_parquet(people, tmp_path_factory):
    return taken_in(people, "intensive", ".parquet", tmp_path_factory.mktemp("parquet"))


@pytest.mark.parametrize("ending", [".sav", ".dta", ".csv"])
def test_files_of_any_format_give_the_results_of_the_same_people_in_parquet(ending, people, from_parquet, tmp_path):
    found = taken_in(people, "intensive", ending, tmp_path)
    assert found.origin == "supplied"
    for name, table in from_parquet.tables.items():
        pd.testing.assert_frame_equal(found[name], table)
    ours, wanted = (replication.groups(one.tables, GROUPS) for one in (found, from_parquet))
    assert wanted["recomputed"].notna().sum() > 50
    pd.testing.assert_frame_equal(ours, wanted)


def test_the_duration_model_on_spss_files_is_the_one_on_parquet(tmp_path):
    tables = months.generate(np.random.default_rng(4), people=40_000, exact=False)
    fits = [
        instruments.model(
            taken_in(tables, "instruments", ending, tmp_path / ending).tables, "nonwestern", by_moment=False
        )
        for ending in (".sav", ".parquet")
    ]
    first, second = (one.result for one in fits)
    assert first.names == second.names
    assert (first.values == second.values).all()
    assert (first.vcov == second.vcov).all()


def test_supplied_files_go_before_synthetic_ones_unless_these_are_asked_for(people, tmp_path):
    microdata.save(people, tmp_path / "kept", "intensive", origin="synthetic")
    first = people["persons"].head(500)["person"]
    fewer = {name: table[table["person"].isin(first)] for name, table in people.items()}
    taken_in(fewer, "intensive", ".parquet", tmp_path)
    assert len(microdata.load("intensive", folder=tmp_path / "kept")["persons"]) == 500
    assert len(microdata.load("intensive", synthetic=True, folder=tmp_path / "kept")["persons"]) == 3000
