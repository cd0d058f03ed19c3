"""Lives during outages, interference or long pauses of the operator: the end is the same, only later."""

from collections.abc import Callable

import pytest

from domain.errors import RefusedError, UnavailableError, UpstreamError
from domain.failures import FailureCode
from domain.video import Phase, Reason
from tests.support.fakes.transcoder import Answer, JobEnd, Script
from tests.support.world.endings import HASTY, a_world, assert_ends_errored, assert_ends_ready
from tests.support.world.operator import live
from tests.support.world.world import VIDEO_ID, InMemoryWorld

AWAY = UnavailableError("no answer")
FORBIDDEN = RefusedError("HTTP 403")
OUTAGES = [pytest.param(AWAY, id="away"), pytest.param(FORBIDDEN, id="refusing")]
TEN_MINUTES = 600.0
HALF_AN_HOUR = 1800.0
TWELVE_HOURS = 12 * 3600.0
TWENTY_SIX_HOURS = 26 * 3600.0


def until(world: InMemoryWorld, seconds: float, change: Callable[[], None]) -> Callable[[], None]:
    """Return something to do meanwhile: ``change``, once the time has come."""

    def meanwhile() -> None:
        if world.clock.monotonic() >= seconds:
            change()

    return meanwhile


@pytest.mark.parametrize("error", OUTAGES)
def test_an_outage_of_storage_only_delays_the_video(error: UpstreamError) -> None:
    world = a_world()
    world.storage.error = error
    live(world, meanwhile=until(world, TEN_MINUTES, lambda: setattr(world.storage, "error", None)))
    assert_ends_ready(world)


@pytest.mark.parametrize("error", OUTAGES)
@pytest.mark.parametrize("is_confirmed", [True, False])
def test_storage_away_at_the_deadline_of_a_file_only_delays_the_video(error: UpstreamError, is_confirmed: bool) -> None:
    world = a_world()
    if is_confirmed:
        world.records.confirm(VIDEO_ID)
    world.storage.error = error
    live(world, meanwhile=until(world, TWENTY_SIX_HOURS, lambda: setattr(world.storage, "error", None)))
    assert_ends_ready(world)


@pytest.mark.parametrize("error", OUTAGES)
def test_storage_away_before_the_file_is_found_fails_the_upload_at_its_last_deadline(error: UpstreamError) -> None:
    world = InMemoryWorld(timing=HASTY)
    world.create()
    world.storage.error = error
    live(world)
    assert_ends_errored(world, FailureCode.STORAGE_UNAVAILABLE, jobs=0)


@pytest.mark.parametrize("error", OUTAGES)
@pytest.mark.parametrize("reason", [Reason.TRANSCODING, Reason.PUBLISHING])
def test_storage_away_after_the_job_fails_the_upload_at_its_deadline(reason: Reason, error: UpstreamError) -> None:
    world = a_world(timing=HASTY)

    def leave() -> None:
        if world.row.observed.reason is reason:
            world.storage.error = error

    live(world, meanwhile=leave)
    world.storage.error = None
    assert_ends_errored(world, FailureCode.STORAGE_UNAVAILABLE, jobs=1)


@pytest.mark.parametrize("error", OUTAGES)
@pytest.mark.parametrize("method", ["publish_poster", "write_playlist"])
def test_a_bucket_that_cannot_be_written_fails_the_upload_at_its_deadline(
    method: str, error: UpstreamError, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_world(timing=HASTY)

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(world.storage, method, refuse)
    live(world)
    assert_ends_errored(world, FailureCode.STORAGE_UNAVAILABLE, jobs=1)


@pytest.mark.parametrize("error", OUTAGES)
def test_an_outage_of_coconut_only_delays_the_video(error: UpstreamError) -> None:
    world = a_world()
    world.transcoder.error = error
    live(world, meanwhile=until(world, TEN_MINUTES, lambda: setattr(world.transcoder, "error", None)))
    assert_ends_ready(world)


def test_a_lost_response_followed_by_a_long_outage_buys_no_second_job() -> None:
    world = a_world(Script([Answer.LOST_AFTER], job_seconds=3600))
    world.transcoder.error = AWAY
    live(world, meanwhile=until(world, HALF_AN_HOUR, lambda: setattr(world.transcoder, "error", None)))
    assert_ends_ready(world)


def test_the_resource_shows_what_was_committed_even_if_the_next_step_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    shown: set[str] = set()

    def refuse(*_: object, **__: object) -> None:
        raise AWAY

    def look() -> None:
        resource = world.resources.by_name.get(VIDEO_ID)
        shown.add((resource.status or {}).get("reason", "") if resource else "")
        if world.clock.monotonic() > TEN_MINUTES:
            monkeypatch.undo()

    monkeypatch.setattr(world.storage, "write_playlist", refuse)
    live(world, meanwhile=look)
    assert Reason.PUBLISHING in shown
    assert_ends_ready(world)


@pytest.mark.parametrize("error", OUTAGES)
def test_nothing_is_bought_before_every_resource_was_read(error: UpstreamError) -> None:
    world = a_world()
    world.resources.error = error

    def look() -> None:
        if world.clock.monotonic() > TEN_MINUTES:
            world.resources.error = None
        elif world.resources.error is not None:
            assert not world.transcoder.jobs

    live(world, meanwhile=look)
    assert_ends_ready(world)
    assert world.clock.monotonic() > TEN_MINUTES


def test_an_outage_of_kubernetes_delays_only_the_status() -> None:
    world = a_world()
    passes = []

    def look() -> None:
        passes.append(world.clock.monotonic())
        world.resources.error = AWAY if world.clock.monotonic() < TEN_MINUTES else None
        if world.clock.monotonic() > TEN_MINUTES / 2:
            assert world.row.observed.is_playable

    live(world, meanwhile=look)
    assert_ends_ready(world)
    assert len([at for at in passes if at > TEN_MINUTES / 2]) < 15, "passes come later and later"


def test_an_operator_away_past_every_deadline_still_publishes_the_finished_video() -> None:
    world = a_world()
    live_until_submitted(world)
    world.pass_time(TWELVE_HOURS)
    live(world)
    assert_ends_ready(world)


def live_until_submitted(world: InMemoryWorld) -> None:
    class Submitted(BaseException):
        """Seen."""

    def stop() -> None:
        if world.row.observed.phase is Phase.PROCESSING:
            raise Submitted

    with pytest.raises(Submitted):
        live(world, meanwhile=stop)


def test_a_resource_deleted_repeatedly_comes_back_each_time() -> None:
    world = a_world()
    deleted: list[Phase] = []

    def delete() -> None:
        if VIDEO_ID in world.resources.by_name and len(deleted) < 5:
            deleted.append(world.row.observed.phase)
            world.resources.remove(VIDEO_ID)

    live(world, meanwhile=delete)
    assert len(deleted) == 5
    assert_ends_ready(world)


def test_an_original_replaced_before_publication_fails_the_upload() -> None:
    world = a_world()
    live_until_submitted(world)
    world.storage.put_raw(world.row.original_key, b"another file")
    live(world)
    assert_ends_errored(world, FailureCode.SOURCE_CHANGED, jobs=1)


def test_a_bad_file_followed_by_a_good_one_ends_ready() -> None:
    world = InMemoryWorld()
    world.create()
    world.send_file(b"this is a text")
    live(world, meanwhile=until(world, TEN_MINUTES, lambda: send_good_file(world)))
    assert_ends_ready(world)


def send_good_file(world: InMemoryWorld) -> None:
    if world.row.observed.phase is Phase.UPLOADING:
        world.send_file()


def test_a_bad_file_that_is_confirmed_fails_the_upload() -> None:
    world = InMemoryWorld()
    world.create()
    world.send_file(b"this is a text")
    live(world, meanwhile=lambda: confirm(world))
    assert_ends_errored(world, FailureCode.NOT_A_VIDEO, jobs=0)
    assert world.row.desired.confirmations == 2
    assert world.clock.monotonic() < TEN_MINUTES


def confirm(world: InMemoryWorld) -> None:
    world.records.confirm(VIDEO_ID)


def test_confirming_at_every_step_changes_nothing_else() -> None:
    world = a_world(Script(job_ends=[JobEnd.BREAKS]))
    live(world, meanwhile=lambda: confirm(world))
    assert_ends_ready(world, jobs=2)


@pytest.mark.parametrize("skew", [TEN_MINUTES, -TEN_MINUTES], ids=["ahead", "behind"])
@pytest.mark.parametrize("phase", [Phase.UPLOADING, Phase.PROCESSING])
def test_a_jump_of_the_wall_clock_changes_no_outcome(phase: Phase, skew: float) -> None:
    world = a_world(Script(job_seconds=HALF_AN_HOUR))

    def jump() -> None:
        if world.row.observed.phase is phase:
            world.clock.set_wrong(skew)

    live(world, meanwhile=jump)
    assert_ends_ready(world)


def test_an_upload_writes_its_resource_rarely() -> None:
    world = a_world(Script(job_seconds=3600))
    live(world)
    shown = sum(call in {"apply", "write_status"} for call in world.kill_switch.calls)
    # The creation, the intent, its job and the end; everything else is progress.
    progress = sum(call == "write_status" for call in world.kill_switch.calls) - 4
    assert shown - progress <= 6
    assert progress <= 10


def test_a_claimed_job_that_coconut_does_not_know_is_not_believed() -> None:
    world = a_world(Script([Answer.LOST_BEFORE]))

    def lie() -> None:
        if world.row.observed.reason is Reason.SUBMISSION_UNCERTAIN:
            world.records.record(video_id=VIDEO_ID, attempt=1, job_id="never-was")

    live(world, meanwhile=lie)
    assert world.records.attempts[VIDEO_ID, 1].job_id is None
    assert_ends_ready(world)
