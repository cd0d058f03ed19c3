"""The fake keeps the adapter's contract, and fails when it is set to."""

import pytest

from domain.errors import UnavailableError
from tests.support.contracts.storage_contract import ORIGINAL, VIDEO, StorageContract, Store
from tests.support.fakes.storage import FakeStorage


class TestFakeStorage(StorageContract):
    @pytest.fixture
    def store(self) -> Store:
        fake = FakeStorage()
        return Store(fake, fake.put_raw, fake.raw.__delitem__, fake.put_processed)


def test_the_fake_fails_while_it_is_set_to_fail() -> None:
    fake = FakeStorage()
    fake.error = UnavailableError("looking for the original: no answer")
    with pytest.raises(UnavailableError):
        fake.head(ORIGINAL)
    with pytest.raises(UnavailableError):
        fake.write_playlist(VIDEO, "#EXTM3U\n")
    fake.error = None
    assert fake.head(ORIGINAL) is None
