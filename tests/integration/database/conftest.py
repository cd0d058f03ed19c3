"""One database for each module of this package; every test begins by deleting its rows."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.database.rows import Rows
from tests.integration.databases import fresh_database
from tests.support.postgres import delete_rows


@pytest.fixture(scope="module")
def module_url(postgres_url: str) -> Iterator[str]:
    """A migrated database for this module."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture
def empty_url(module_url: str) -> str:
    """The module's database without rows."""
    with psycopg.connect(module_url) as connection:
        delete_rows(connection)
    return module_url


@pytest.fixture
def rows(empty_url: str) -> Iterator[Rows]:
    """The rows of videos: none yet."""
    rows = Rows(empty_url)
    yield rows
    rows.database.close()
