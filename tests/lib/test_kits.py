"""Every reference kit: our numbers against those of other software, within the kit's own tolerance."""

import pandas as pd
import pytest
from watwerkt import kits
from watwerkt.paths import data_dir

FOLDERS = sorted(path.name for path in (data_dir() / "reference").iterdir() if path.is_dir())


def test_every_folder_with_a_kit_is_compared_and_every_comparison_has_a_folder():
    assert sorted(kits.KITS) == FOLDERS


@pytest.mark.parametrize("kit", sorted(kits.KITS))
def test_our_estimates_agree_with_the_other_software(kit):
    found = kits.compare(kit)
    far = found[~found["agrees"]]
    assert len(found)
    assert far.empty, far.to_string()


@pytest.mark.parametrize("kit", sorted(kits.KITS))
def test_a_kit_says_what_it_compares_with_what_and_how_it_was_made(kit):
    facts = kits.about(kit)
    assert {"title", "estimator", "software", "source", "tolerance", "reason"} <= set(facts)
    assert all(0 < float(value) < 0.1 for value in facts["tolerance"].values())
    folder = data_dir() / "reference" / kit
    assert any((folder / name).exists() for name in ("make.R", "make.py"))


def test_a_number_that_differs_is_seen(monkeypatch):
    kit = next(iter(kits.KITS))
    truth = kits.KITS[kit]
    monkeypatch.setitem(kits.KITS, kit, lambda folder: {key: value * 1.2 + 0.1 for key, value in truth(folder).items()})
    assert not kits.compare(kit)["agrees"].any()
    assert isinstance(kits.compare_all(), pd.DataFrame)


def test_the_summary_gives_the_largest_difference_of_each_kind_and_loses_no_number():
    compared = pd.DataFrame(
        {
            "kit": "meta_bcg",
            "quantity": "a",
            "statistic": ["estimate", "se_robust", "se", "moment"],
            "difference": [0.1, 0.2, 0.3, 0.4],
            "tolerance": [1.0, 1.0, 0.2, 1.0],
            "agrees": [True, True, False, True],
        }
    )
    (row,) = kits.summary(compared).to_dict("records")
    assert (row["numbers"], row["agrees"], row["estimate"], row["se"], row["other"]) == (4, False, 0.1, 0.3, 0.4)
    assert (row["tolerance_min"], row["tolerance_max"]) == (0.2, 1.0)
