"""The API on a real Postgres whose clock the tests set."""

from collections.abc import Iterator

import pytest

from tests.integration.databases import clocked_database
from tests.support.api import Api
from tests.support.postgres import ClockedDatabase


@pytest.fixture(scope="session")
def clocked(postgres_url: str) -> Iterator[ClockedDatabase]:
    """One database for all tests, each of which begins by deleting the rows of the one before."""
    with clocked_database(postgres_url) as database:
        yield database


@pytest.fixture
def api(clocked: ClockedDatabase) -> Api:
    """An API that has no videos."""
    clocked.is_away = False
    clocked.clear()
    return Api(clocked)
