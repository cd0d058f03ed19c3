"""The fakes of desired/ keep the contract that the real ones keep (tests/integration/test_client_rows.py)."""

import pytest

from crds.videoupload import Phase, Rejection
from tests.contracts.client_rows_contract import ClientRowsContract, Rows
from tests.fakes.desired import FakeClaims, FakeWishes, Switch


class TestFakes(ClientRowsContract):
    @pytest.fixture
    def rows(self) -> Rows:
        postgres = Switch()
        wishes, claims = FakeWishes(postgres), FakeClaims(postgres)

        def reject(video_id: str, confirmations: int) -> None:
            wishes.observe(video_id, rejected=Rejection("not_a_video", "no video", "etag@1", confirmations))

        def stop() -> None:
            postgres.is_away = True

        return Rows(
            wishes=wishes,
            claims=claims,
            reject=reject,
            accept=lambda video_id: wishes.observe(video_id, phase=Phase.UPLOADED),
            intend=lambda video_id, attempt: claims.attempts.add((video_id, attempt)),
            claimed=lambda: claims.recorded,
            stop=stop,
        )
