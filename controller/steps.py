"""What a pass can see and what it can do next: closed sets, matched exhaustively. No rule is here."""

from dataclasses import dataclass

from controller.ports import Job
from crds.failures import Failure
from crds.videoupload import Reason, Rejection, SourceFacts
from desired.rows import AttemptRow
from spaces.outcome import ObjectFacts, OutputsProblem, SourceProblem, VerifiedOutputs


@dataclass(frozen=True)
class Seen:
    """What a look found; a field that this phase did not ask about keeps its default.

    ``is_blind``: a neighbour gave no answer, so an absence proves nothing.
    """

    is_blind: bool = False
    original: ObjectFacts | None = None
    source: SourceFacts | SourceProblem | None = None
    attempts: tuple[AttemptRow, ...] = ()
    job: Job | None = None
    outputs: VerifiedOutputs | OutputsProblem | None = None
    playlist: str | None = None


@dataclass(frozen=True)
class Rest:
    """Nothing is left to do for this edition."""


@dataclass(frozen=True)
class Wait:
    """Come back at the next check; show why."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class OfferUpload:
    """A URL can be issued: wait for the bytes from now on."""


@dataclass(frozen=True)
class AcceptFile:
    """The original is a video: go on to submission."""

    source: SourceFacts


@dataclass(frozen=True)
class RejectFile:
    """The original is no video, but another may be sent. ``rejections`` counts bad versions seen so far."""

    rejected: Rejection
    rejections: int


@dataclass(frozen=True)
class Submit:
    """Buy one transcode. ``attempt`` was never accepted before."""

    attempt: int


@dataclass(frozen=True)
class AdoptJob:
    """A job of a submission with unknown outcome has been found."""

    attempt: int
    job_id: str


@dataclass(frozen=True)
class AbandonAttempt:
    """Nobody ever claimed this submission: count it as lost."""

    attempt: int


@dataclass(frozen=True)
class ShowProgress:
    """The job has advanced far enough to be worth a write."""

    percent: int


@dataclass(frozen=True)
class FailAttempt:
    """This submission came to nothing; another may be made."""

    failure: Failure


@dataclass(frozen=True)
class Publish:
    """The outputs are complete: put them on record as what the stable playlist shows."""

    attempt: int
    outputs: VerifiedOutputs


@dataclass(frozen=True)
class WritePlaylist:
    """The stable playlist does not show what is on record."""


@dataclass(frozen=True)
class Finish:
    """The stable playlist was read back as it should be."""


@dataclass(frozen=True)
class Fail:
    """End in `errored`."""

    failure: Failure


Step = (
    Rest
    | Wait
    | OfferUpload
    | AcceptFile
    | RejectFile
    | Submit
    | AdoptJob
    | AbandonAttempt
    | ShowProgress
    | FailAttempt
    | Publish
    | WritePlaylist
    | Finish
    | Fail
)
