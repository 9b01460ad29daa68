"""Fixtures for tests of the build program."""

import pytest


@pytest.fixture(scope="session")
def charts(tmp_path_factory):
    """Where drawn charts are kept, so that each is drawn once in a session."""
    return tmp_path_factory.mktemp("charts")
