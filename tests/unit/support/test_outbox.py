"""`FakeOutbox` keeps the contract of `Outbox` (tests/integration/database/test_outbox_rows.py)."""

from uuid import uuid4

import pytest

from domain.failures import FailureCode
from domain.notifications import Notification, NotificationKind, NotifiedFailure
from domain.video import new_video_id
from tests.support.contracts.outbox_contract import AnyOffice, Office, OutboxContract
from tests.support.fakes.outbox import FakeOutbox
from tests.support.world.clock import FakeClock


class TestFakeOutbox(OutboxContract):
    @pytest.fixture
    def office(self) -> AnyOffice:
        clock = FakeClock()
        fake = FakeOutbox(clock.now)

        def notify(kind: NotificationKind = NotificationKind.READY, *, email: str | None = None) -> str:
            clock.advance(1)
            video_id = new_video_id()
            failure = NotifiedFailure(FailureCode.NOT_A_VIDEO, "no") if kind is NotificationKind.ERRORED else None
            fake.tell(Notification(uuid4(), kind, video_id, 1, "ann", clock.now(), 5, email=email, failure=failure))
            return video_id

        return Office(fake, fake, fake, notify, clock.now)
