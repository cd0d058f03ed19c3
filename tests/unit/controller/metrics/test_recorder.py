"""The metrics after whole lives of uploads in a world in memory."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from controller.metrics.recorder import CALLBACK_EXPECTED_SECONDS, MetricsRecorder
from controller.metrics.registry import OperatorMetrics
from database.stats import StatsQueries, WorkingSetStats
from domain.errors import UnavailableError
from domain.jobs import Job, JobState
from domain.notifications import DeliveryState
from domain.records import Cause
from domain.spending import Prices
from domain.video import Phase
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.fakes.videos import mp4
from tests.support.world.operator import live
from tests.support.world.world import VIDEO_ID, InMemoryWorld

PRICES = Prices(hd=0.015, sd=0.0075, uhd=0.03)
EMPTY = WorkingSetStats({}, {}, overdue=0, uncertain=0, paused=0)


class FakeQueries:
    """The queries that only metrics need."""

    def __init__(self, *claimed: tuple[str, int]) -> None:
        self.claimed = set(claimed)
        self.is_away = False

    def working_set(self, **_: object) -> WorkingSetStats:
        if self.is_away:
            raise UnavailableError("away")
        return EMPTY

    def is_claimed(self, video_id: str, attempt: int) -> bool:
        return (video_id, attempt) in self.claimed


class Counted:
    """A small world whose operator records metrics."""

    def __init__(self, script: Script | None = None) -> None:
        self.world = InMemoryWorld(script)
        self.metrics = OperatorMetrics(workers=1, prices=PRICES)
        self.recorder = MetricsRecorder(self.metrics, monotonic=self.world.clock.monotonic, scale=1)
        self.world.deps = replace(self.world.deps, on_commit=self.recorder.committed, on_job=self.recorder.job_seen)

    def value(self, name: str, **labels: str) -> float:
        """Return a sample; fail if it was never exported."""
        value = self.metrics.registry.get_sample_value(name, labels)
        assert value is not None, name
        return value

    def collect_stats(self, queries: FakeQueries) -> None:
        stats = cast("StatsQueries", queries)
        self.recorder.collect_stats(stats, now=self.world.clock.now(), overdue_after=timedelta(minutes=10))


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_an_upload_that_ends_ready_is_counted_once(counted: Counted) -> None:
    counted.world.create()
    counted.world.send_file()
    live(counted.world)
    assert counted.world.row.observed.phase is Phase.READY
    assert counted.value("video_uploads_ended_total", result="ready", stage="", code="") == 1
    for outcome in ("intended", "accepted", "completed"):
        assert counted.value("video_uploads_submissions_total", outcome=outcome) == 1
    for phase in ("uploading", "uploaded", "processing"):
        assert counted.value("video_uploads_phase_seconds_count", phase=phase) == 1
    assert counted.value("video_uploads_transcode_seconds_count") == 1
    assert counted.value("video_uploads_overhead_seconds_count", handover="submission") == 1
    assert sum(counted.value("video_uploads_spend_dollars_total", variant=variant) for variant in ("hd", "sd")) > 0


def test_a_file_that_is_not_a_video_is_counted_at_its_stage(counted: Counted) -> None:
    counted.world.create()
    counted.world.send_file(b"no video at all")
    live(counted.world)
    assert counted.world.row.observed.phase is Phase.ERRORED
    code = counted.world.row.observed.failure
    assert code is not None
    assert counted.value("video_uploads_ended_total", result="errored", stage="upload", code=str(code.code)) == 1
    assert counted.value("video_uploads_ended_total", result="ready", stage="", code="") == 0


def test_overhead_runs_from_the_end_of_the_job_to_ready(counted: Counted) -> None:
    before = counted.world.create(phase=Phase.PROCESSING, job_id="job1")
    ended_at = counted.world.clock.now()
    counted.recorder.job_seen(Job("job1", JobState.COMPLETED, 100, finished_at=ended_at))
    ready = replace(before.observed, phase=Phase.READY, phase_since=ended_at + timedelta(seconds=4))
    counted.recorder.committed(before, replace(before, observed=ready), None, Cause.CLAIM)
    assert counted.value("video_uploads_overhead_seconds_sum", handover="publication") == 4


@pytest.mark.parametrize(
    ("delivers_claims", "claimed", "missing"),
    [
        pytest.param(False, [], 1, id="no-callback-ever"),
        pytest.param(False, [(VIDEO_ID, 1)], 0, id="a-callback-that-came-after-the-poll"),
        pytest.param(True, [], 0, id="reported-by-a-callback"),
    ],
)
def test_a_job_found_by_polling_waits_two_minutes_for_its_callback(
    counted: Counted, *, delivers_claims: bool, claimed: list[tuple[str, int]], missing: int
) -> None:
    counted.world.create()
    counted.world.send_file(mp4())
    live(counted.world, delivers_claims=delivers_claims)
    counted.collect_stats(FakeQueries(*claimed))
    assert counted.value("video_uploads_callbacks_missing_total") == 0
    counted.world.clock.advance(CALLBACK_EXPECTED_SECONDS)
    counted.collect_stats(FakeQueries(*claimed))
    counted.collect_stats(FakeQueries(*claimed))
    assert counted.value("video_uploads_callbacks_missing_total") == missing


def test_while_postgres_is_away_outdated_statistics_are_not_exported(counted: Counted) -> None:
    queries = FakeQueries()
    counted.collect_stats(queries)
    assert counted.value("video_uploads_overdue") == 0
    queries.is_away = True
    with pytest.raises(UnavailableError):
        counted.collect_stats(queries)
    assert counted.metrics.registry.get_sample_value("video_uploads_overdue") is None


@pytest.mark.parametrize(
    ("state", "result"),
    [(DeliveryState.DELIVERED, "delivered"), (DeliveryState.PENDING, "deferred"), (DeliveryState.FAILED, "failed")],
)
def test_an_attempt_at_a_delivery_is_counted_by_its_result(counted: Counted, state: DeliveryState, result: str) -> None:
    counted.metrics.delivery_attempted("mail", state)
    assert counted.value("video_uploads_deliveries_total", channel="mail", result=result) == 1


@pytest.mark.parametrize(
    ("file", "job_ends", "stage", "code"),
    [
        pytest.param(mp4(), [JobEnd.CANNOT_DECODE], "file", "video_undecodable", id="the-provider-cannot-decode-it"),
        pytest.param(
            mp4(),
            [JobEnd.BREAKS, JobEnd.CANNOT_DECODE],
            "file",
            "video_undecodable",
            id="it-says-so-at-the-second-attempt",
        ),
        pytest.param(
            bytes(1000),
            [JobEnd.CANNOT_DECODE],
            "file",
            "video_undecodable",
            id="nor-one-that-verification-does-not-know",
        ),
        pytest.param(bytes(1000), [JobEnd.BREAKS], "transcode", "transcode_failed", id="its-job-breaks-by-chance"),
        pytest.param(mp4(), [JobEnd.BREAKS] * 3, "transcode", "transcode_failed", id="every-job-breaks"),
    ],
)
def test_a_failed_job_counts_as_the_files_or_ours(file: bytes, job_ends: list[JobEnd], stage: str, code: str) -> None:
    counted = Counted(Script(job_ends=list(job_ends)))
    counted.world.create()
    counted.world.send_file(file)
    live(counted.world)

    ended = {
        labels: counted.value("video_uploads_ended_total", result="errored", stage=labels[0], code=labels[1])
        for labels in (("file", "video_undecodable"), ("transcode", "transcode_failed"))
    }
    assert ended == {labels: float(labels == (stage, code)) for labels in ended}
