"""The inputs of a decision and the steps it can choose: closed sets, matched exhaustively. No rules are here."""

from dataclasses import dataclass
from datetime import datetime

from domain.failures import Failure
from domain.jobs import Job
from domain.objects import ObjectFacts, OutputsProblem, SourceProblem, StoredPart, VerifiedOutputs
from domain.records import AttemptRow
from domain.video import Hindrance, Phase, Reason, Rejection, SourceFacts


@dataclass(frozen=True)
class AnnotationRequest:
    """What people request by annotations of the resource. ``retry_token``: each new text is one request."""

    is_paused: bool = False
    retry_token: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """What a look returned; a field that this situation does not need keeps its default.

    ``is_incomplete``: an upstream did not answer, so an absence proves nothing. ``parts``: None without an open
    multipart upload. ``is_readable``: a file of a deleted video is left where it was published; ``is_marked``: the
    bucket has the mark of its deletion. ``has_withdrawn``: files of a restored video lie where its deletion moved them,
    although all had been brought back. ``used``: an attempt that the row does not know, looked for before an end
    without another job.
    ``accepted_at``: when the newest submission of any video was made that led to a job; ``accepted_before``: the newest
    of them before the last attempt. ``hindrance``: why the snapshot is incomplete, once that has lasted.
    """

    is_incomplete: bool = False
    original: ObjectFacts | None = None
    source: SourceFacts | SourceProblem | None = None
    parts: tuple[StoredPart, ...] | None = None
    attempts: tuple[AttemptRow, ...] = ()
    accepted_at: datetime | None = None
    accepted_before: datetime | None = None
    hindrance: Hindrance | None = None
    job: Job | None = None
    outputs: VerifiedOutputs | OutputsProblem | None = None
    playlist: str | None = None
    is_readable: bool = False
    is_marked: bool = False
    has_withdrawn: bool = False
    used: "RestoreAttempt | None" = None
    unknown_looks: int = 0
    unknown_seconds: float = 0.0


@dataclass(frozen=True)
class NoOp:
    """Nothing is left to do for this edition."""


@dataclass(frozen=True)
class SetPaused:
    """A person paused or resumed the upload."""

    is_paused: bool


@dataclass(frozen=True)
class AcknowledgeRetry:
    """A retry was requested where nothing failed: acknowledge it, so that it does not start a job later."""

    retry_token: str | None


@dataclass(frozen=True)
class StartEdition:
    """A new edition, or another try of this one: the count of attempts starts over.

    ``phase``: `uploaded` if the verified original is still there, else `uploading`. ``abandons``: an uncertain attempt
    that from now on counts as lost.
    """

    phase: Phase
    retry_token: str | None
    abandons: int | None = None


@dataclass(frozen=True)
class Unpublish:
    """The video is deleted: from here on it cannot be played, and its public files are to be withdrawn."""


@dataclass(frozen=True)
class Withdraw:
    """The video is deleted: mark that in the bucket, and move its public files to where they cannot be read.

    They are kept for a restore.
    """


@dataclass(frozen=True)
class BringBack:
    """The video was restored: move its files back."""


@dataclass(frozen=True)
class BringBackAgain:
    """A late process withdrew files of a restored video after they had been brought back."""


@dataclass(frozen=True)
class Republish:
    """The row of a restored video says that it is published, but its stable files are gone."""

    poster_key: str | None


@dataclass(frozen=True)
class MarkPlayable:
    """The stable files of a restored video were read back."""


@dataclass(frozen=True)
class BeginRelocation:
    """Who can play the video was changed: from here on files may lie below both prefixes."""


@dataclass(frozen=True)
class CopyFiles:
    """Copy the files to where they are to lie; once all are there, serve them from there."""


@dataclass(frozen=True)
class RemoveCopies:
    """The files lie where they belong: remove what is left below the other prefix."""


@dataclass(frozen=True)
class Retire:
    """The upload has been at rest long enough: its resource may leave Kubernetes, its row stays."""


@dataclass(frozen=True)
class RemoveFile:
    """The upload failed long ago: remove the file that was sent, and keep the row."""


@dataclass(frozen=True)
class Expire:
    """The upload failed very long ago: delete the video, as its owner could have done."""


@dataclass(frozen=True)
class Purge:
    """The deleted video was not restored in time: remove its files, then its row."""


@dataclass(frozen=True)
class Wait:
    """Wait for the next scheduled check; show why."""

    reason: Reason
    message: str
    hindrance: Hindrance | None = None


@dataclass(frozen=True)
class AwaitUpload:
    """A URL can be issued: start waiting for the file."""


@dataclass(frozen=True)
class CompleteUpload:
    """All parts have arrived: join them."""

    upload_id: str
    parts: tuple[StoredPart, ...]


@dataclass(frozen=True)
class FetchSource:
    """The file is to be fetched from its URL. ``percent``: how much of it is to be shown as fetched."""

    percent: int


@dataclass(frozen=True)
class ExtendDeadline:
    """Parts keep arriving, or an upstream gives no answer: extend the deadline."""

    deadline_at: datetime


@dataclass(frozen=True)
class AcceptFile:
    """The original is a video: copy it to where no client can write, unless that was done, and go on to submission."""

    source: SourceFacts


@dataclass(frozen=True)
class RejectFile:
    """The original is no video, but another may be sent. ``rejections`` counts the bad versions so far."""

    rejected: Rejection
    rejections: int


@dataclass(frozen=True)
class Submit:
    """Buy one transcode. ``attempt`` was never accepted before."""

    attempt: int


@dataclass(frozen=True)
class RestoreAttempt:
    """The bucket has an attempt that the row does not know: Postgres was restored from an older dump.

    Its number was used. Its job is looked at again; if the bucket does not name it, the attempt counts as a submission
    whose answer was lost.
    """

    attempt: int
    folder: str
    job_id: str | None


@dataclass(frozen=True)
class AdoptJob:
    """The job of an uncertain submission has been found."""

    attempt: int
    job_id: str


@dataclass(frozen=True)
class AbandonAttempt:
    """No job ever claimed this submission: count it as lost.

    ``is_charged``: it counts against the limits of its day, as it does unless the provider has accepted no submission
    since. ``is_repeated``: an earlier one of the same outage counts for both.
    """

    attempt: int
    is_charged: bool = True
    is_repeated: bool = False


@dataclass(frozen=True)
class ShowProgress:
    """The job has advanced far enough to be worth a write."""

    percent: int


@dataclass(frozen=True)
class FailAttempt:
    """This submission failed; another may be made."""

    failure: Failure


@dataclass(frozen=True)
class Publish:
    """The outputs are complete: commit them as what the stable playlist is to show."""

    attempt: int
    outputs: VerifiedOutputs


@dataclass(frozen=True)
class PublishCaptions:
    """The captions that the owner wants are not those that accompany the stream."""


@dataclass(frozen=True)
class PublishPoster:
    """The poster that the owner chose is not the one beside the stream, or not the only one."""


@dataclass(frozen=True)
class WritePlaylist:
    """The stable playlist does not match the committed outputs."""


@dataclass(frozen=True)
class Finish:
    """The stable playlist was read back and matches."""


@dataclass(frozen=True)
class Fail:
    """End in `errored`. ``billed_minutes``: what the failed job cost, None if that is not known."""

    failure: Failure
    billed_minutes: float | None = None


Step = (
    NoOp
    | SetPaused
    | AcknowledgeRetry
    | StartEdition
    | Unpublish
    | Withdraw
    | BringBack
    | BringBackAgain
    | Republish
    | MarkPlayable
    | BeginRelocation
    | CopyFiles
    | RemoveCopies
    | Retire
    | RemoveFile
    | Expire
    | Purge
    | Wait
    | AwaitUpload
    | CompleteUpload
    | FetchSource
    | ExtendDeadline
    | AcceptFile
    | RejectFile
    | Submit
    | RestoreAttempt
    | AdoptJob
    | AbandonAttempt
    | ShowProgress
    | FailAttempt
    | Publish
    | PublishCaptions
    | PublishPoster
    | WritePlaylist
    | Finish
    | Fail
)
