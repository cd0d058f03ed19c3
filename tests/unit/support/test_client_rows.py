"""The fakes of database/ keep the contract that the real ones keep (tests/integration/test_client_rows.py)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from database.notify import Wakeup
from domain.video import Origin
from tests.support.contracts.client_rows_contract import ClientRowsContract, Rows
from tests.support.contracts.creating_contract import CreatingContract
from tests.support.contracts.lists_contract import ListsContract
from tests.support.contracts.multipart_rows_contract import MultipartRowsContract
from tests.support.contracts.retranscodes_contract import RetranscodesContract
from tests.support.fakes.client_rows import FakeClaims, FakeClientRows, Switch
from tests.support.world.clock import FakeClock


class TestFakes(ClientRowsContract, CreatingContract, ListsContract, MultipartRowsContract, RetranscodesContract):
    @pytest.fixture
    def rows(self) -> Rows:
        postgres, clock = Switch(), FakeClock()

        def now() -> datetime:
            clock.advance(1)
            return clock.now()

        commands, claims = FakeClientRows(postgres, clock=now), FakeClaims(postgres)

        def retire(video_id: str) -> None:
            commands.rows[video_id] = replace(commands.rows[video_id], retired=True)

        def age(video_id: str, by: timedelta) -> None:
            row = commands.rows[video_id]
            assert row.deleted_at is not None
            commands.rows[video_id] = replace(row, deleted_at=row.deleted_at - by)

        def next_nudge() -> Wakeup | None:
            return commands.nudges.pop(0) if commands.nudges else None

        @contextmanager
        def hold_key(text: str) -> Iterator[None]:
            commands.keys_in_use.add(("ann", text))
            yield
            commands.keys_in_use.remove(("ann", text))

        def stop() -> None:
            postgres.is_away = True

        return Rows(
            commands=commands,
            queries=commands,
            history=commands,
            claims=claims,
            observe=commands.observe,
            intend=lambda video_id, attempt: claims.attempts.add((video_id, attempt)),
            import_it=lambda video_id: commands.set_desired_state(video_id, origin=Origin.KUBERNETES),
            retire=retire,
            age=age,
            claimed=lambda: claims.recorded,
            next_nudge=next_nudge,
            hold_key=hold_key,
            outdate_keys=commands.keys.clear,
            outdate_retranscodes=commands.retranscodes.clear,
            stop=stop,
        )
