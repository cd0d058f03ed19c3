"""The fake keeps the adapter's contract, and fails with its storage."""

import pytest

from domain.errors import UnavailableError
from tests.support.contracts.multipart_contract import KEY, MultipartContract, Parted
from tests.support.fakes.multipart import FakeMultipart
from tests.support.fakes.storage import FakeStorage


class TestFakeMultipart(MultipartContract):
    @pytest.fixture
    def parted(self) -> Parted:
        storage = FakeStorage()
        fake = FakeMultipart(storage)
        return Parted(fake, storage, fake.send_part)


def test_the_fake_fails_when_its_storage_does() -> None:
    storage = FakeStorage()
    fake = FakeMultipart(storage)
    storage.error = UnavailableError("no answer")
    with pytest.raises(UnavailableError):
        fake.create(KEY, content_type="video/mp4")
