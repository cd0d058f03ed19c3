"""The API without Postgres: for what is decided before a row is read. `tests/integration/webapi` has the rest."""

import pytest

from tests.support.api import Api
from tests.support.postgres import Unreachable


@pytest.fixture
def api() -> Api:
    """An API whose Postgres is away."""
    return Api(Unreachable())
