"""The compression on Spark: the same expressions, the same cells as on DuckDB (run by `make spark`)."""

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from watwerkt.compress import TABLES, cells, collect, compressed, profiles
from watwerkt.estimate.competing import fit
from watwerkt.estimate.design import cells_of

from tests.lib.months import PLAN, tables

# Spark's own code raises deprecation warnings of pandas, and takes an error for a failure: shown, not raised.
pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def given():
    return tables(20_000, np.random.default_rng(13))


@pytest.fixture(scope="module")
def engine():
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "4",
    }  # fmt: skip
    session = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    yield ibis.pyspark.connect(session)
    session.stop()


@pytest.fixture(scope="module")
def on_spark(given, engine, tmp_path_factory):
    """Cells and profiles as Spark computes them from Parquet files."""
    folder = tmp_path_factory.mktemp("microdata")
    for name in TABLES:
        pq.write_table(pa.Table.from_pandas(given[name], preserve_index=False), folder / f"{name}.parquet")
    read = [engine.read_parquet(folder / f"{name}.parquet", table_name=name) for name in TABLES]
    return collect(cells(*read, PLAN), engine), collect(profiles(read[0], PLAN), engine)


def test_spark_and_duckdb_give_the_same_cells_and_profiles(given, on_spark):
    for spark, duckdb in zip(on_spark, compressed(given, PLAN), strict=True):
        assert len(duckdb) > 100 or "people" in duckdb
        pd.testing.assert_frame_equal(spark, duckdb)


def test_a_model_fitted_to_spark_s_cells_is_the_one_fitted_to_duckdb_s(given, on_spark):
    one, two = (fit(cells_of(*found, PLAN)).result for found in (on_spark, compressed(given, PLAN)))
    assert one.names == two.names
    assert (one.values == two.values).all()
