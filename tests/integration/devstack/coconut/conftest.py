"""A client of the stand-in for Coconut, and a receiver of its callbacks."""

from collections.abc import Iterator

import pytest

from devstack.coconut_server import CoconutAccess
from tests.integration.devstack.coconut.server import CallbackReceiver, StandInClient, a_webhook


@pytest.fixture
def client(coconut: CoconutAccess) -> StandInClient:
    return StandInClient(coconut.url, coconut.api_key)


@pytest.fixture
def webhook() -> Iterator[CallbackReceiver]:
    with a_webhook() as webhook:
        yield webhook
