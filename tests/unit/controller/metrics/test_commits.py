"""What is counted for one commit."""

from datetime import timedelta

import pytest

from controller.metrics.commits import CommitMetrics, EditionEnd, PhaseDuration, metrics_of
from domain.failures import Failure, FailureCode
from domain.records import AttemptChange, AttemptState, Intend, Settle, VideoRow
from domain.spending import PriceClass
from domain.video import Phase, Published, Reason, Rendition
from tests.support.builders.rows import NOON, a_desired_state, an_observation, row_of

LATER = NOON + timedelta(seconds=90)


def a_row(phase: Phase, *, since_seconds: float = 0.0, **changes: object) -> VideoRow:
    since = NOON + timedelta(seconds=since_seconds)
    return row_of(a_desired_state(), an_observation(phase, phase_since=since, **changes))


def a_stream(*sizes: tuple[int, int] | None, mp4_heights: tuple[int, ...] = ()) -> Published:
    variants = tuple(
        Rendition("v.m3u8", 1_000, width=size[0] if size else None, height=size[1] if size else None) for size in sizes
    )
    return Published(1, 1, duration_seconds=120.0, renditions=variants, has_poster=True, mp4_heights=mp4_heights)


def settled(state: AttemptState) -> Settle:
    return Settle(1, state, LATER)


@pytest.mark.parametrize(
    ("before", "after", "attempt", "counted"),
    [
        pytest.param(a_row(Phase.UPLOADING), a_row(Phase.UPLOADING), None, CommitMetrics(), id="nothing-to-count"),
        pytest.param(
            a_row(Phase.UPLOADING),
            a_row(Phase.UPLOADED, since_seconds=7),
            None,
            CommitMetrics(stay=PhaseDuration(Phase.UPLOADING, 7.0)),
            id="the-next-phase",
        ),
        pytest.param(
            a_row(Phase.PROCESSING),
            a_row(Phase.READY, since_seconds=2),
            None,
            CommitMetrics(ending=EditionEnd(Phase.READY, None), stay=PhaseDuration(Phase.PROCESSING, 2.0)),
            id="ready",
        ),
        pytest.param(
            a_row(Phase.UPLOADING),
            a_row(Phase.ERRORED, failure=Failure(FailureCode.NOT_A_VIDEO, "text", 0)),
            None,
            CommitMetrics(
                ending=EditionEnd(Phase.ERRORED, FailureCode.NOT_A_VIDEO), stay=PhaseDuration(Phase.UPLOADING, 0.0)
            ),
            id="errored",
        ),
        pytest.param(
            a_row(Phase.PROCESSING, job_id="job1"),
            a_row(Phase.ERRORED, job_id="job1", failure=Failure(FailureCode.VIDEO_UNDECODABLE, "text", 1)),
            Settle(1, AttemptState.FAILED, LATER),
            CommitMetrics(
                ending=EditionEnd(Phase.ERRORED, FailureCode.VIDEO_UNDECODABLE),
                stay=PhaseDuration(Phase.PROCESSING, 0.0),
                submission=AttemptState.FAILED,
                settled_job="job1",
            ),
            id="a-file-that-cannot-be-decoded",
        ),
        pytest.param(
            a_row(Phase.UPLOADED, reason=Reason.WAITING_FOR_SUBMISSION),
            a_row(Phase.UPLOADED, attempt=1),
            Intend(1, 1, LATER),
            CommitMetrics(submission=AttemptState.INTENDED, submission_seconds=90.0),
            id="the-first-submission",
        ),
        pytest.param(
            a_row(Phase.UPLOADED, reason=Reason.SUBMISSIONS_PAUSED),
            a_row(Phase.UPLOADED, attempt=1),
            Intend(1, 1, LATER),
            CommitMetrics(submission=AttemptState.INTENDED),
            id="a-delayed-submission-is-not-our-overhead",
        ),
        pytest.param(
            a_row(Phase.UPLOADED, reason=Reason.WAITING_FOR_SUBMISSION, attempt=1),
            a_row(Phase.UPLOADED, attempt=2),
            Intend(2, 1, LATER),
            CommitMetrics(submission=AttemptState.INTENDED),
            id="nor-is-a-second-submission",
        ),
        pytest.param(
            a_row(Phase.PROCESSING, job_id="job1"),
            a_row(Phase.PROCESSING, job_id="job1", published=a_stream((640, 360), (1280, 720), (1080, 1920))),
            settled(AttemptState.COMPLETED),
            CommitMetrics(
                submission=AttemptState.COMPLETED,
                transcode_seconds=90.0,
                minutes={PriceClass.HD: 4.0, PriceClass.SD: 2.0},
                settled_job="job1",
            ),
            id="a-job-billed-by-the-minute-of-each-variant",
        ),
        pytest.param(
            a_row(Phase.PROCESSING, job_id="job1"),
            a_row(Phase.PROCESSING, published=a_stream((640, 360), (3840, 2160), mp4_heights=(360, 2160))),
            settled(AttemptState.COMPLETED),
            CommitMetrics(
                submission=AttemptState.COMPLETED,
                transcode_seconds=90.0,
                minutes={PriceClass.SD: 4.0, PriceClass.UHD: 4.0},
                settled_job="job1",
            ),
            id="mp4-files-are-billed-too-and-large-variants-at-a-price-of-their-own",
        ),
        pytest.param(
            a_row(Phase.UPLOADED),
            a_row(Phase.PROCESSING, published=a_stream(None)),
            settled(AttemptState.COMPLETED),
            CommitMetrics(
                stay=PhaseDuration(Phase.UPLOADED, 0.0),
                submission=AttemptState.COMPLETED,
                minutes={PriceClass.HD: 2.0},
            ),
            id="outputs-of-a-lost-submission-of-unknown-size",
        ),
        pytest.param(
            a_row(Phase.PROCESSING, job_id="job1"),
            a_row(Phase.UPLOADED, job_id="job1", since_seconds=5),
            settled(AttemptState.FAILED),
            CommitMetrics(
                stay=PhaseDuration(Phase.PROCESSING, 5.0), submission=AttemptState.FAILED, settled_job="job1"
            ),
            id="a-failed-job",
        ),
    ],
)
def test_metrics_of_a_commit(
    before: VideoRow, after: VideoRow, attempt: AttemptChange | None, counted: CommitMetrics
) -> None:
    assert metrics_of(before, after, attempt) == counted
