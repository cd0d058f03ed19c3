"""Lives of files whose outputs are not what a header promised: what the same file always gives is bought once."""

import pytest

from domain.failures import FailureCode
from domain.messages import present
from domain.video import Phase, Reason
from tests.support.fakes.transcoder import SEGMENTS, JobEnd, Script
from tests.support.fakes.videos import SEGMENT_SECONDS
from tests.support.world.endings import a_world, assert_ends_errored, assert_ends_ready
from tests.support.world.operator import live
from tests.support.world.world import InMemoryWorld

STREAM_SECONDS = SEGMENTS * SEGMENT_SECONDS


@pytest.mark.parametrize(
    "picture_seconds",
    [
        pytest.param(None, id="only-the-container-or-other-tracks-have-a-length"),
        pytest.param(STREAM_SECONDS / 2, id="the-stream-is-longer-than-the-picture-was-said-to-be"),
        pytest.param(STREAM_SECONDS + 1, id="the-last-frame-is-not-counted"),
    ],
)
def test_complete_outputs_are_published_whatever_else_the_file_says(picture_seconds: float | None) -> None:
    world = a_world(Script(picture_seconds=picture_seconds))
    live(world)
    assert_ends_ready(world)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script(picture_seconds=10 * STREAM_SECONDS), id="cut-short"),
        pytest.param(Script(job_ends=[JobEnd.UNEVEN] * 3), id="variants-of-different-lengths"),
    ],
)
def test_a_mismatch_that_the_file_would_repeat_costs_one_job_and_is_not_retryable(script: Script) -> None:
    world = a_world(script)
    live(world)
    assert_ends_errored(world, FailureCode.OUTPUTS_MISMATCH, jobs=1)
    failure = world.row.observed.failure
    assert failure is not None
    assert not failure.advice.retryable
    assert "another" in failure.advice.action


def test_missing_files_lead_to_another_attempt_without_blaming_the_provider() -> None:
    world = a_world(Script(job_ends=[JobEnd.LEAVES_HOLES]))
    words: set[str | None] = set()
    live(world, meanwhile=lambda: words.add(_waiting_for_the_next_attempt(world)))
    assert_ends_ready(world, jobs=2)
    assert words - {None} == {"the next attempt, which follows by itself; the last one failed"}


def _waiting_for_the_next_attempt(world: InMemoryWorld) -> str | None:
    desired, observed = world.row.desired, world.row.observed
    is_between = observed.phase is Phase.UPLOADED and observed.attempt == 1
    if not is_between or observed.reason in {Reason.WAITING_FOR_SUBMISSION, Reason.SUBMISSION_UNCERTAIN}:
        return None
    return present(desired, observed).waiting_for
