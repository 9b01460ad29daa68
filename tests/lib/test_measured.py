"""Recorded measurements: refused if they are missing or other than expected; ratios in proportion to the rows."""

import pandas as pd
import pytest
from watwerkt import measured
from watwerkt.errors import PublishedDataError


def test_a_peer_measured_on_fewer_rows_is_taken_in_proportion():
    found = pd.DataFrame(
        {
            "model": "months", "way": ["cells", "cells", "rows"], "rows": [100, 1000, 100],
            "seconds": [1.0, 2.0, 8.0], "mb": [1.0, 4.0, 20.0],
        }
    )  # fmt: skip
    assert measured.ratio(found, "months", "cells", "rows", "seconds") == pytest.approx(40)
    assert measured.ratio(found, "months", "cells", "rows", "mb") == pytest.approx(50)


def test_the_record_names_every_way_and_is_refused_without_its_columns(monkeypatch, tmp_path):
    assert set(measured.estimators()["way"]) == {way for _, way in measured.WAYS}
    monkeypatch.setattr(measured, "data_dir", lambda: tmp_path)
    with pytest.raises(PublishedDataError, match="make bench RECORD=yes"):
        measured.estimators()
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "estimators.csv").write_text("way,seconds\ncells,1\n")
    with pytest.raises(PublishedDataError, match="allowed"):
        measured.estimators()
