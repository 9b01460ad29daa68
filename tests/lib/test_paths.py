"""Where the data stand, and how messages show it."""

from pathlib import Path

from watwerkt.paths import data_dir, shown


def test_messages_show_paths_of_the_data_without_the_folders_above(data_copy):
    assert shown(data_copy.path("published/intensive/T3.2.csv")) == "data/published/intensive/T3.2.csv"


def test_messages_show_paths_elsewhere_in_full(data_copy, tmp_path):
    elsewhere = tmp_path.parent / "real.sav"
    assert shown(elsewhere) == str(elsewhere.resolve())


def test_without_a_setting_the_library_reads_the_data_of_its_own_tree(monkeypatch):
    monkeypatch.delenv("WATWERKT_DATA", raising=False)
    assert data_dir() == Path(__file__).resolve().parents[2] / "data"
