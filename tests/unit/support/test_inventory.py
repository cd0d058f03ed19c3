"""The fake keeps the inventory's contract."""

import pytest

from tests.support.contracts.inventory_contract import Bucket, InventoryContract
from tests.support.fakes.storage import FakeStorage


class TestFakeInventory(InventoryContract):
    @pytest.fixture
    def bucket(self) -> Bucket:
        fake = FakeStorage()
        return Bucket(fake, fake.put_raw, fake.put_processed)
