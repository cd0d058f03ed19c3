"""The fake keeps the inventory's contract."""

import pytest

from tests.contracts.inventory_contract import Bucket, InventoryContract
from tests.fakes.storage import FakeStorage


class TestFakeInventory(InventoryContract):
    @pytest.fixture
    def bucket(self) -> Bucket:
        fake = FakeStorage()
        return Bucket(fake, fake.put_raw, fake.put_processed)
