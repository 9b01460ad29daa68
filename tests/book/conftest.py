"""Fixtures for tests of the build program."""

import pytest

from book import draw


@pytest.fixture(scope="session")
def charts(tmp_path_factory):
    """Where drawn charts are kept, so that each is drawn once in a session."""
    return tmp_path_factory.mktemp("charts")


@pytest.fixture(scope="session")
def pool():
    """The processes that draw them."""
    with draw.drawers(2) as pool:
        yield pool
