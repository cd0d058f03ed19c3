"""What an upload waits for and what a person can do about it, in plain English.

The same words appear in the API's answers and in the resource's status. They hold no ids, times or
counters, so the text of an idle upload stays the same from pass to pass.
"""

from dataclasses import dataclass, replace

from domain.failures import FailureCode
from domain.reasons import DELETED, FAILURE_REASONS, PAUSED
from domain.video import AT_REST, PAUSED_ANNOTATION, DesiredState, ObservedState, Origin, Phase, Reason


@dataclass(frozen=True)
class Explanation:
    """``waiting_for`` completes the sentence "waiting for …"; ``what_to_do`` is a sentence of its own."""

    waiting_for: str | None
    what_to_do: str | None

    @property
    def sentence(self) -> str | None:
        """Return both as one text for people; None when there is nothing to say."""
        waiting = f"Waiting for {self.waiting_for}." if self.waiting_for else None
        return " ".join(part for part in (waiting, self.what_to_do) if part) or None


# What to upload instead of a rejected file; the codes that are not here mean that it was no video.
_INSTEAD: dict[str, str] = {
    FailureCode.FILE_TOO_LARGE: "a smaller file",
    FailureCode.SIZE_MISMATCH: "the whole file of the declared size",
    FailureCode.VIDEO_INCOMPLETE: "the complete file",
}

_WORDS: dict[Reason, Explanation] = {
    Reason.WAITING_FOR_UPLOAD_URL: Explanation("an upload URL", "Ask for an upload URL."),
    Reason.WAITING_FOR_FILE: Explanation(
        "the file to arrive in storage", "Send the file to the upload URL, then confirm the upload."
    ),
    Reason.FILE_REJECTED: Explanation("another file, because the last one was rejected", None),
    Reason.WAITING_FOR_SUBMISSION: Explanation("the transcoding job to be submitted", None),
    Reason.SUBMISSION_DELAYED: Explanation("the transcoding service to accept jobs again", None),
    Reason.SUBMISSION_UNCERTAIN: Explanation(
        "word from the transcoding service whether it took the job; it is not asked twice meanwhile", None
    ),
    Reason.SUBMISSION_HELD: Explanation(
        "a person, because it is not known whether the transcoding service took the job",
        "Look for the job in the provider's dashboard, then retry; a retry may buy it again.",
    ),
    Reason.SUBMISSIONS_PAUSED: Explanation(
        "the transcoding service to recover; new jobs are held back for everybody and resume by themselves", None
    ),
    Reason.WAITING_FOR_CAPACITY: Explanation("its turn: as many jobs as are allowed run or were begun lately", None),
    Reason.TRANSCODING: Explanation("the transcoding job to finish", None),
    Reason.PUBLISHING: Explanation("the finished stream to be checked and published", None),
    Reason.PUBLISHED: Explanation(None, None),
    Reason.FAILED: Explanation("a person", "Retry the video."),
}


def explain(desired: DesiredState, observed: ObservedState) -> Explanation:
    """Say what the newest edition waits for and what a person can do."""
    if desired.deleted:
        return Explanation(None, "The video is deleted; restore it to bring it back.")
    if observed.is_paused:
        annotation = f"Remove the annotation {PAUSED_ANNOTATION} to let it go on; its deadline then begins anew."
        return Explanation("a person to end the pause", annotation)
    if is_behind(desired, observed):
        return Explanation("the operator to begin what was asked for", None)
    if observed.reason is Reason.FAILED and observed.failure is not None:
        return Explanation("a person", observed.failure.advice.action)
    if observed.reason is Reason.PUBLISHED and not observed.is_playable:
        return Explanation("the stream to be put back in its place", None)
    words = _WORDS[observed.reason]
    is_import = desired.origin is Origin.KUBERNETES
    if observed.reason is Reason.FILE_REJECTED:
        code = observed.rejected.code if observed.rejected else ""
        return replace(words, what_to_do=_after_rejection(code, is_import=is_import))
    if observed.reason is Reason.WAITING_FOR_FILE and is_import:
        return replace(words, what_to_do="Put the file at the key that spec.source.storageKey names.")
    return words


def is_held(desired: DesiredState, observed: ObservedState) -> bool:
    """Tell whether a person holds the video back: nothing is looked at then, and nothing ends by itself."""
    return desired.deleted or observed.is_paused


def is_moving(desired: DesiredState, observed: ObservedState) -> bool:
    """Tell whether the operator has something to do for it."""
    if is_held(desired, observed):
        return False
    lost_its_playlist = observed.phase is Phase.READY and not observed.is_playable
    return observed.phase not in AT_REST or lost_its_playlist or is_behind(desired, observed)


def is_behind(desired: DesiredState, observed: ObservedState) -> bool:
    """Tell whether an edition or a retry was asked for that no pass has begun yet."""
    return (desired.edition, desired.retries) > (observed.edition, observed.retries)


def shown_reason(desired: DesiredState, observed: ObservedState) -> str:
    """Return the word of the REASON column: for a failed edition its failure's code, written as a reason."""
    if desired.deleted:
        return DELETED
    if observed.is_paused:
        return PAUSED
    if observed.reason is Reason.FAILED and observed.failure is not None:
        return FAILURE_REASONS[observed.failure.code]
    return observed.reason.value


def _after_rejection(code: str, *, is_import: bool) -> str:
    file = _INSTEAD.get(code, "a playable video file")
    if is_import:
        return f"Put {file} at the same key."
    return f"Ask for a new upload URL, upload {file} and confirm the upload."
