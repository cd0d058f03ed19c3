"""Lives through hours without storage: what was paid for is published afterwards, and says meanwhile why it waits."""

import pytest

from domain.errors import KeyRefusedError, UnavailableError, UpstreamError
from domain.failures import FailureCode
from domain.messages import present
from domain.video import Hindrance, Phase, Reason
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.fakes.videos import mp4
from tests.support.world.endings import a_world, assert_ends_errored, assert_ends_ready, assert_playable
from tests.support.world.operator import live, settled
from tests.support.world.world import InMemoryWorld

SIX_HOURS = 6 * 3600.0
WEEK = 7 * 86_400.0
AWAY = UnavailableError("reading the outputs at the object store: no answer")
REFUSING = KeyRefusedError("reading the outputs at the object store: HTTP 403 InvalidAccessKeyId")
WORDS = {
    AWAY: "storage, which does not answer; nothing is lost, and it continues by itself",
    REFUSING: (
        "storage, which refuses the service's key; nothing is lost, and it continues by itself once the key is right"
    ),
}


def lose_storage(world: InMemoryWorld, error: UpstreamError, *, from_phase: Phase | Reason, for_seconds: float) -> None:
    """Let storage fail from the moment at which the upload is that far."""
    observed, until = world.row.observed, world.storage_returns_at
    if until is None and from_phase in {observed.phase, observed.reason}:
        world.storage.error, world.storage_returns_at = error, world.clock.monotonic() + for_seconds
    if until is not None and world.clock.monotonic() >= until:
        world.storage.error = None


@pytest.mark.parametrize("hours", [1, 6, 30])
@pytest.mark.parametrize("error", [AWAY, REFUSING], ids=["away", "refusing"])
@pytest.mark.parametrize("phase", [Phase.UPLOADED, Phase.PROCESSING, Reason.PUBLISHING])
def test_a_paid_job_is_published_after_storage_was_away(
    phase: Phase | Reason, error: UpstreamError, hours: float
) -> None:
    world = a_world()
    waits: set[tuple[str, str | None]] = set()

    def meanwhile() -> None:
        lose_storage(world, error, from_phase=phase, for_seconds=hours * 3600)
        if world.row.observed.hindrance is not None:
            shown = present(world.row.desired, world.row.observed)
            waits.add((shown.reason, shown.waiting_for))

    live(world, meanwhile=meanwhile)
    reason = Hindrance.STORAGE_REFUSES_KEY if error is REFUSING else Hindrance.STORAGE_AWAY
    assert waits == {(reason.value, WORDS[error])}
    assert world.row.observed.hindrance is None
    assert_ends_ready(world)


def test_many_paid_jobs_survive_six_hours_without_storage() -> None:
    world = InMemoryWorld()
    for number in range(12):
        row = world.create_as(f"video-{number:02}")
        world.storage.put_raw(row.desired.storage_key, mp4())
    away_at: list[float] = []

    def meanwhile() -> None:
        phases = {row.observed.phase for row in world.records.rows.values()}
        if not away_at and phases == {Phase.PROCESSING}:
            away_at.append(world.clock.monotonic())
            world.storage.error = AWAY
        if away_at and world.clock.monotonic() > away_at[0] + SIX_HOURS + 3600:
            world.storage.error = None

    settled(world, meanwhile=meanwhile)
    assert {row.observed.phase for row in world.records.rows.values()} == {Phase.READY}
    assert len(world.transcoder.jobs) == 12


def test_a_storage_that_never_returns_ends_the_upload_after_a_week() -> None:
    world = a_world()
    live(world, meanwhile=lambda: lose_storage(world, AWAY, from_phase=Phase.PROCESSING, for_seconds=2 * WEEK))
    assert WEEK - 3600 <= world.clock.monotonic() <= WEEK + 2 * 3600
    assert_ends_errored(world, FailureCode.STORAGE_UNAVAILABLE, jobs=1)


def test_while_coconut_gives_no_answer_a_job_does_not_time_out_and_is_not_bought_again() -> None:
    world = a_world(Script(job_seconds=600))

    def meanwhile() -> None:
        now = world.clock.monotonic()
        away = UnavailableError("GET /jobs at Coconut: no answer")
        is_away = world.row.observed.phase is Phase.PROCESSING and now < SIX_HOURS + 7200
        world.transcoder.error = away if is_away else None

    live(world, meanwhile=meanwhile)
    assert_ends_ready(world)


def test_a_job_that_runs_on_still_times_out() -> None:
    world = a_world(Script(job_ends=[JobEnd.NEVER_ENDS] * 3))
    live(world)
    assert_ends_errored(world, FailureCode.TRANSCODE_TIMEOUT, jobs=3)


def test_one_failure_of_storage_writes_nothing() -> None:
    world = a_world()
    seen: list[Hindrance | None] = []

    def meanwhile() -> None:
        is_first = world.row.observed.phase is Phase.PROCESSING and world.storage_returns_at is None
        if is_first:
            world.storage.error, world.storage_returns_at = AWAY, world.clock.monotonic()
        elif world.storage.error is not None:
            seen.append(world.row.observed.hindrance)
            world.storage.error = None

    live(world, meanwhile=meanwhile)
    assert set(seen) == {None}
    assert_playable(world)
