"""One pass of a worker, without threads: what it writes, when it is repeated, and what it does about errors."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from controller.loop.cache import ResourceCache
from controller.loop.pass_result import PassResult
from controller.loop.workers import Workers
from domain.errors import ConflictError, RefusedError, UnavailableError
from domain.records import Cause
from domain.regions import RegionScope
from domain.video import RECONCILE_REQUESTED_ANNOTATION, Phase, Reason
from runtime.bulkhead import Bulkhead, guard
from tests.support.fakes.storage import FakeStorage
from tests.support.world.workers import OTHER, WorkerHarness
from tests.support.world.world import VIDEO_ID

WRITES = {"commit", "apply", "write_status", "publish_poster", "write_playlist", "start"}


@pytest.fixture
def harness() -> WorkerHarness:
    return WorkerHarness()


def test_a_pass_shows_the_row_and_schedules_the_next(harness: WorkerHarness) -> None:
    harness.handle()
    status = harness.world.resources.by_name[VIDEO_ID].status
    assert status is not None
    assert (status["phase"], status["reason"]) == (Phase.UPLOADING, Reason.WAITING_FOR_FILE)
    assert 0 < harness.seconds_to_next() <= harness.world.timing.uploading_first_check_seconds


def test_an_idle_pass_writes_nothing_and_does_not_call_kubernetes(harness: WorkerHarness) -> None:
    harness.handle()
    harness.watch_event()
    harness.calls()
    harness.world.pass_time(60)
    harness.handle()
    assert harness.calls() == ["get", "head"]


def test_an_idle_pass_writes_nothing_even_before_the_first_watch_event(harness: WorkerHarness) -> None:
    harness.handle()
    harness.calls()
    harness.handle()
    assert not WRITES & set(harness.calls())


def test_a_resource_that_the_resync_misses_is_made_without_being_read(harness: WorkerHarness) -> None:
    harness.workers.one_pass(VIDEO_ID, Cause.SWEEP)
    calls = harness.calls()
    assert calls.count("get") == 1  # the row
    assert calls[-2:] == ["apply", "write_status"]


def test_a_resource_that_is_newer_than_the_missed_one_is_left_alone(harness: WorkerHarness) -> None:
    harness.handle()
    newer = replace(harness.world.row.desired, revision=9)
    harness.world.resources.apply(newer)
    status = harness.world.resources.by_name[VIDEO_ID].status
    harness.workers.one_pass(VIDEO_ID, Cause.SWEEP)
    resource = harness.world.resources.by_name[VIDEO_ID]
    assert resource.spec["revision"] == 9
    assert (resource.status or {})["revision"] == (status or {})["revision"]


def test_a_step_followed_at_once_by_another_writes_no_status(harness: WorkerHarness) -> None:
    harness.world.send_file()
    harness.handle()
    assert harness.world.row.observed.phase is Phase.UPLOADED
    assert VIDEO_ID not in harness.world.resources.by_name
    assert harness.seconds_to_next() == 0


def test_a_request_by_annotation_is_acknowledged_though_nothing_else_changed(harness: WorkerHarness) -> None:
    harness.handle()
    harness.world.resources.annotate(VIDEO_ID, RECONCILE_REQUESTED_ANNOTATION, "2026-07-01T08:00:00Z")
    harness.watch_event()
    harness.handle()
    status = harness.world.resources.by_name[VIDEO_ID].status
    assert status is not None
    assert status["lastHandledReconcileAt"] == "2026-07-01T08:00:00Z"


def test_a_row_at_rest_is_not_scheduled(harness: WorkerHarness) -> None:
    harness.world.create(phase=Phase.READY, deadline_at=None, reason=Reason.PUBLISHED)
    harness.handle()
    assert harness.queue.next_due() is None


def test_a_retired_row_gets_no_resource(harness: WorkerHarness) -> None:
    row = harness.world.create(phase=Phase.READY, deadline_at=None, reason=Reason.PUBLISHED)
    harness.world.records.rows[VIDEO_ID] = replace(row, retired=True)
    harness.handle()
    assert harness.world.resources.by_name == {}


def test_an_upload_of_another_region_is_left_alone(harness: WorkerHarness) -> None:
    harness.world.send_file()
    before = harness.world.row
    elsewhere = RegionScope("fra1", is_home=False)
    workers = Workers(
        harness.queue,
        ResourceCache(elsewhere),
        replace(harness.world.deps, scope=elsewhere),
        count=1,
        clock=harness.world.clock.now,
    )
    harness.calls()
    for _ in range(2):
        assert workers.one_pass(VIDEO_ID, Cause.SWEEP) is PassResult.SUCCESS
    assert harness.calls() == ["get", "get"]
    assert (harness.world.row, harness.queue.next_due()) == (before, None)


def test_a_key_without_a_row_is_ignored(harness: WorkerHarness) -> None:
    harness.handle(OTHER)
    assert harness.queue.next_due() is None


def test_a_status_that_is_ahead_of_a_restored_row_is_left_alone(harness: WorkerHarness) -> None:
    harness.handle()
    resource = harness.world.resources.by_name[VIDEO_ID]
    ahead = {**(resource.status or {}), "revision": 99}
    harness.world.resources.write_status(resource, ahead)
    before = harness.world.resources.by_name[VIDEO_ID]
    harness.cache.drop(VIDEO_ID)
    harness.handle()
    assert harness.world.resources.by_name[VIDEO_ID] == before


def test_a_row_behind_its_resource_is_restored_before_its_pass(harness: WorkerHarness) -> None:
    harness.handle()
    resource = harness.world.resources.by_name[VIDEO_ID]
    ahead = {**(resource.status or {}), "revision": 99}
    harness.world.resources.write_status(resource, ahead)
    harness.watch_event()
    harness.world.send_file()
    harness.calls()
    harness.handle()
    assert harness.calls()[:3] == ["get", "get", "learn"]
    assert (harness.world.row.observed.phase, harness.world.row.observed.revision) == (Phase.UPLOADED, 100)


def test_a_refused_resource_is_not_scheduled(harness: WorkerHarness) -> None:
    harness.world.resources.put(OTHER, storage_key="imports/nobody/a.mov")
    harness.cache.note(harness.world.resources.by_name[OTHER])
    harness.handle(OTHER)
    assert harness.queue.next_due() is None


def raising(error: Callable[[], Exception]) -> Callable[..., Any]:
    """Return a call that fails each time with an exception of its own: one raised twice keeps both tracebacks."""

    def fail(*_: object, **__: object) -> Any:
        raise error()

    return fail


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(lambda: ConflictError("another process wrote"), id="conflict"),
        pytest.param(lambda: UnavailableError("no answer"), id="away"),
        pytest.param(lambda: RefusedError("HTTP 403"), id="refused"),
        pytest.param(lambda: KeyError("a bug"), id="a-bug"),
    ],
)
@pytest.mark.parametrize("method", ["apply", "write_status"])
def test_a_status_that_cannot_be_written_backs_off_exponentially(
    harness: WorkerHarness, error: Callable[[], Exception], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness.world.resources, method, raising(error))
    waits = []
    for _ in range(9):
        harness.handle()
        waits.append(harness.seconds_to_next())
        harness.world.clock.advance(waits[-1] + 1)
        taken = harness.queue.take()
        assert taken is not None
        harness.queue.done(taken[0])
    assert waits[0] < 0.3
    assert 20 < waits[-1] <= 60


@pytest.mark.parametrize(("stated", "waited"), [(7, 7), (3600, 60), (None, 0)])
def test_an_upstream_that_says_when_to_come_again_is_not_called_before(
    harness: WorkerHarness, stated: float | None, waited: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = raising(lambda: UnavailableError("HTTP 429", retry_after_seconds=stated))
    monkeypatch.setattr(harness.world.resources, "get", busy)
    harness.handle()
    # Spread: passes that were requeued together must not come back together.
    assert waited <= harness.seconds_to_next() <= max(0.2, 1.5 * waited)


def test_a_pass_that_succeeds_resets_the_back_off(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(9):
        with monkeypatch.context() as broken:
            broken.setattr(harness.world.resources, "get", raising(lambda: UnavailableError("no answer")))
            harness.handle()
    harness.handle()
    harness.cache.drop(VIDEO_ID)
    monkeypatch.setattr(harness.world.resources, "get", raising(lambda: UnavailableError("no answer")))
    harness.handle()
    assert harness.seconds_to_next() < 0.3


def test_a_pass_that_fails_still_shows_what_earlier_ones_committed(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.world.send_file()
    monkeypatch.setattr(harness.world.records, "commit", raising(lambda: UnavailableError("no answer")))
    harness.handle()
    status = harness.world.resources.by_name[VIDEO_ID].status
    assert status is not None
    assert status["reason"] == Reason.WAITING_FOR_FILE
    assert 0 < harness.seconds_to_next() < 0.3


def test_a_pass_whose_commit_is_refused_is_repeated_soon(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.world.send_file()
    monkeypatch.setattr(harness.world.records, "commit", lambda *_, **__: None)
    harness.handle()
    assert harness.world.row.observed.phase is Phase.UPLOADING
    assert 0 < harness.seconds_to_next() < 0.3


def test_a_pass_over_its_time_begins_no_further_call_and_says_what_took_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    harness = WorkerHarness()
    storage: Any = harness.world.storage
    harness.world.send_file()
    head = FakeStorage.head

    def slow_head(self: FakeStorage, key: str) -> object:
        harness.world.clock.advance(61)
        return head(self, key)

    monkeypatch.setattr(FakeStorage, "head", slow_head)
    monkeypatch.setattr(FakeStorage, "verify_source", raising(AssertionError))
    slow = replace(harness.world.deps, storage=guard(Bulkhead("S3", at_most=1), storage), pass_seconds=60)
    results: list[PassResult] = []
    workers = Workers(
        harness.queue,
        harness.cache,
        slow,
        count=1,
        clock=harness.world.clock.now,
        on_pass_end=lambda result, _: results.append(result),
    )
    with capture_logs() as logs:
        workers.handle(VIDEO_ID, Cause.POLL)
    assert results == [PassResult.ERROR]
    assert logs[-1]["error"] == "the pass took longer than 60 s: 61 s in S3 slow_head"
    assert 0 < harness.seconds_to_next() < 0.3


def test_an_upload_that_always_fails_does_not_delay_others(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness.world.storage, "head", raising(ZeroDivisionError))
    harness.handle()
    assert 0 < harness.seconds_to_next() < 0.3
    harness.handle(OTHER)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        pytest.param(None, PassResult.REQUEUE_AFTER, id="planned"),
        pytest.param(lambda: UnavailableError("away"), PassResult.ERROR, id="upstream-away"),
        pytest.param(lambda: ConflictError("moved"), PassResult.REQUEUE, id="another-writer-was-first"),
        pytest.param(ZeroDivisionError, PassResult.PANIC, id="unexpected"),
    ],
)
def test_each_pass_is_counted_by_how_it_ended(
    monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception] | None, result: PassResult
) -> None:
    counted: list[PassResult] = []
    harness = WorkerHarness(on_pass_end=lambda ended, _seconds: counted.append(ended))
    if error is not None:
        monkeypatch.setattr(harness.workers, "one_pass", raising(error))
    harness.handle()
    assert counted == [result]
