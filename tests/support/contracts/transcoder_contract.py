"""What `Coconut` of controller/coconut/ and `FakeTranscoder` have in common: a submission, its response, its job."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from controller.ports import Transcoder
from domain.errors import RefusedError, UnavailableError
from domain.jobs import Job, JobOrder, JobState, UncertainError
from domain.objects import VerifiedOutputs
from storage.object_store import Storage
from tests.support.eventually import eventually
from tests.support.fakes.storage import FakeStorage
from tests.support.fakes.transcoder import Answer, JobEnd

# Sound is padded to whole frames, so a file is a little longer than what was put into it.
ABOUT_SECONDS = 0.2


@dataclass(frozen=True)
class Account:
    """A transcoder under test, as its provider lets jobs end. ``away``: the same one without an answer.

    ``prepare`` lets the next order have this answer and its job this job_end, and returns the order. ``jobs`` names
    the jobs that exist, oldest first. ``pass_time`` lets those that can end do so, at once or soon.
    """

    transcoder: Transcoder
    away: Transcoder
    storage: Storage | FakeStorage
    source_seconds: float
    prepare: Callable[[Answer, JobEnd], JobOrder]
    jobs: Callable[[], list[str]]
    pass_time: Callable[[], None]

    def order(self, answer: Answer = Answer.ACCEPTED, job_end: JobEnd = JobEnd.COMPLETES) -> JobOrder:
        """Prepare for an order and return it."""
        return self.prepare(answer, job_end)

    def existing(self, job_id: str) -> Job:
        """Return a job that exists."""
        job = self.transcoder.job(job_id)
        assert job is not None
        return job

    def ended(self, job_id: str) -> Job:
        """Return a job after it ended."""

        def look() -> Job | None:
            self.pass_time()
            job = self.existing(job_id)
            return None if job.state is JobState.IN_PROGRESS else job

        job = eventually(look, within_seconds=120)
        assert job is not None
        return job


class TranscoderContract:
    """Subclasses give the fixture ``account``: without any job."""

    def test_a_submission_starts_a_job_that_is_in_progress(self, account: Account) -> None:
        job_id = account.transcoder.start(account.order(job_end=JobEnd.NEVER_ENDS))
        assert account.jobs() == [job_id]
        account.pass_time()
        job = account.existing(job_id)
        assert (job.job_id, job.state) == (job_id, JobState.IN_PROGRESS)
        assert 0 <= job.progress_percent < 100
        assert (job.problem, job.is_undecodable, job.answer) == ("", False, None)

    def test_a_job_completes_with_outputs_under_its_attempts_prefix(self, account: Account) -> None:
        order = account.order()
        job_id = account.transcoder.start(order)
        job = account.ended(job_id)
        assert job.finished_at is not None
        assert job.finished_at.tzinfo is not None
        assert job == Job(job_id, JobState.COMPLETED, 100, finished_at=job.finished_at)
        seconds = account.transcoder.picture_seconds(job_id)
        assert seconds is None or seconds == pytest.approx(account.source_seconds, abs=ABOUT_SECONDS)
        outputs = account.storage.verify_outputs(order.video_id, order.folder, input_seconds=seconds)
        assert isinstance(outputs, VerifiedOutputs)
        assert outputs.poster_key is not None

    @pytest.mark.parametrize(("job_end", "is_undecodable"), [(JobEnd.BREAKS, False), (JobEnd.CANNOT_DECODE, True)])
    def test_a_failed_job_has_the_message_of_the_provider(
        self, account: Account, job_end: JobEnd, is_undecodable: bool
    ) -> None:
        job = account.ended(account.transcoder.start(account.order(job_end=job_end)))
        assert (job.state, job.is_undecodable) == (JobState.FAILED, is_undecodable)
        assert job.problem
        assert job.answer == job.problem
        assert "://" not in job.problem

    def test_a_submission_made_twice_is_two_jobs(self, account: Account) -> None:
        order = account.order(job_end=JobEnd.NEVER_ENDS)
        first, second = account.transcoder.start(order), account.transcoder.start(order)
        assert first != second
        assert account.jobs() == [first, second]

    def test_a_probe_is_answered_with_and_without_a_known_job_and_starts_none(self, account: Account) -> None:
        account.transcoder.probe()
        assert account.jobs() == []
        job_id = account.transcoder.start(account.order(job_end=JobEnd.NEVER_ENDS))
        account.transcoder.probe()
        assert account.jobs() == [job_id]

    def test_an_unknown_job_is_none(self, account: Account) -> None:
        assert account.transcoder.job("nosuchjob") is None
        assert account.transcoder.picture_seconds("nosuchjob") is None

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            pytest.param(Answer.BUSY, UnavailableError, id="busy"),
            pytest.param(Answer.REFUSED, RefusedError, id="refused"),
            pytest.param(Answer.LOST_BEFORE, UncertainError, id="lost"),
        ],
    )
    def test_a_submission_that_failed_is_no_job(self, account: Account, answer: Answer, kind: type[Exception]) -> None:
        with pytest.raises(kind):
            account.transcoder.start(account.order(answer))
        assert account.jobs() == []

    def test_a_submission_whose_response_was_lost_may_be_a_job(self, account: Account) -> None:
        with pytest.raises(UncertainError):
            account.transcoder.start(account.order(Answer.LOST_AFTER))
        (job_id,) = account.jobs()
        assert account.ended(job_id).state is JobState.COMPLETED

    def test_a_busy_provider_accepts_the_next_submission(self, account: Account) -> None:
        with pytest.raises(UnavailableError):
            account.transcoder.start(account.order(Answer.BUSY))
        job_id = account.transcoder.start(account.order(job_end=JobEnd.NEVER_ENDS))
        assert account.jobs() == [job_id]

    def test_while_the_provider_is_away_no_job_can_be_read(self, account: Account) -> None:
        job_id = account.transcoder.start(account.order(job_end=JobEnd.NEVER_ENDS))
        with pytest.raises(UnavailableError):
            account.away.job(job_id)
        with pytest.raises(UnavailableError):
            account.away.probe()
        with pytest.raises(UnavailableError):
            account.away.picture_seconds(job_id)
