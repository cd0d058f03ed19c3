"""The rules of a file that is fetched: what is shown, when it is tried again, and when that ends."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.rules.source_fetch import fetching
from controller.rules.steps import AcceptFile, ExtendDeadline, Fail, FetchSource, Snapshot, Step, Wait
from domain.failures import Failure, FailureCode
from domain.objects import SourceProblem
from domain.records import VideoRow
from domain.source_fetch import SourceFetch, pause_seconds
from domain.video import Phase, Reason
from tests.support.builders.rows import NOON, SOURCE, TIMING, a_row

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def a_fetched_row(waited: timedelta = MINUTE, shown: int = 0, **fetch: Any) -> VideoRow:
    row = a_row(Phase.UPLOADING, waited=waited, progress_percent=shown)
    state = SourceFetch(row.observed.phase_since, **fetch)
    return replace(row, source_url="https://origin.test/clip.mp4", source_fetch=state)


LATER: dict[str, Any] = {"retry_at": NOON + MINUTE, "message": "HTTP 503"}
HALF: dict[str, Any] = {"file_bytes": 100, "stored_bytes": 50}
NOT_A_VIDEO = Failure(FailureCode.NOT_A_VIDEO, "no video", attempt=0)


@pytest.mark.parametrize(
    ("row", "snapshot", "step"),
    [
        pytest.param(a_fetched_row(), Snapshot(), FetchSource(0), id="new"),
        pytest.param(a_fetched_row(**HALF), Snapshot(), FetchSource(50), id="further"),
        pytest.param(a_fetched_row(shown=45, **HALF), Snapshot(), FetchSource(45), id="hardly-further"),
        pytest.param(a_fetched_row(shown=90, **HALF), Snapshot(), FetchSource(50), id="started-over"),
        pytest.param(a_fetched_row(timedelta(seconds=9), **HALF), Snapshot(), FetchSource(0), id="shown-too-often"),
        pytest.param(a_fetched_row(**LATER), Snapshot(), Wait(Reason.SOURCE_DELAYED, "HTTP 503"), id="later"),
        pytest.param(a_fetched_row(**{**LATER, "retry_at": NOON}), Snapshot(), FetchSource(0), id="its-time-has-come"),
        pytest.param(a_fetched_row(is_stored=True), Snapshot(source=SOURCE), AcceptFile(SOURCE), id="stored"),
        pytest.param(
            a_fetched_row(is_stored=True),
            Snapshot(is_incomplete=True),
            Wait(Reason.WAITING_FOR_FILE, "as seen"),
            id="storage-away",
        ),
        pytest.param(a_fetched_row(is_stored=True), Snapshot(), FetchSource(0), id="the-stored-file-is-gone"),
        pytest.param(
            a_fetched_row(is_stored=True),
            Snapshot(source=SourceProblem(FailureCode.NOT_A_VIDEO, "no video", "v")),
            Fail(NOT_A_VIDEO),
            id="no-video",
        ),
        pytest.param(
            a_fetched_row(code=FailureCode.SOURCE_REFUSED, message="HTTP 404"),
            Snapshot(),
            Fail(Failure(FailureCode.SOURCE_REFUSED, "HTTP 404", attempt=0)),
            id="refused",
        ),
        pytest.param(
            a_fetched_row(DAY, message="HTTP 503"),
            Snapshot(),
            Fail(Failure(FailureCode.SOURCE_UNREACHABLE, "HTTP 503", attempt=0)),
            id="too-late",
        ),
        pytest.param(
            a_fetched_row(DAY),
            Snapshot(is_incomplete=True),
            ExtendDeadline(NOON + timedelta(hours=1)),
            id="too-late-and-storage-away",
        ),
    ],
)
def test_fetching(row: VideoRow, snapshot: Snapshot, step: Step) -> None:
    assert fetching(row, snapshot, NOON, TIMING) == step


def test_the_state_of_an_earlier_try_counts_for_nothing() -> None:
    row = a_fetched_row(code=FailureCode.SOURCE_REFUSED, message="HTTP 404")
    again = replace(row, observed=replace(row.observed, phase_since=NOON))
    assert fetching(again, Snapshot(), NOON, TIMING) == FetchSource(0)


@pytest.mark.parametrize(
    ("failed_tries", "requested", "seconds"),
    [(1, None, 30), (2, None, 60), (5, None, 480), (60, None, 1800), (1, 90.0, 90), (1, 1e9, 3600), (2, 1.0, 60)],
)
def test_pauses_grow_and_what_a_server_asks_for_is_bounded(
    failed_tries: int, requested: float | None, seconds: float
) -> None:
    assert pause_seconds(failed_tries, requested_seconds=requested) == seconds
