"""What people read about an upload: where it is, what it waits for and what they can do, in plain English.

The API's answers, the resource's status, its conditions and its Events all show the same `Presentation`. The texts
hold no ids, times or counters, so the text of an idle upload stays the same from pass to pass.
"""

from dataclasses import dataclass

from domain.failures import FailureCode
from domain.reasons import DELETED, FAILURE_REASONS, MOVING, PAUSED
from domain.video import (
    AT_REST,
    HAS_FAILED,
    PAUSED_ANNOTATION,
    DesiredState,
    Hindrance,
    ObservedState,
    Origin,
    Phase,
    Reason,
    must_relocate,
    shown_phase,
)


@dataclass(frozen=True)
class Presentation:
    """One upload as people see it.

    ``reason``: the word of the REASON column; for a failed edition its failure's code, written as a reason.
    ``waiting_for`` completes the sentence "Waiting for …"; ``what_to_do`` is a sentence of its own.
    ``is_held``: a person deleted or paused the video, so no check is scheduled and no deadline counts.
    ``is_moving``: the operator still has something to do.
    """

    phase: Phase
    reason: str
    message: str
    waiting_for: str | None
    what_to_do: str | None
    is_moving: bool
    is_held: bool


def present(desired: DesiredState, observed: ObservedState) -> Presentation:
    """Return what people see of the newest edition."""
    waiting_for, what_to_do = _waiting_for_and_what_to_do(desired, observed)
    is_held = desired.deleted or observed.is_paused
    lost_its_playlist = observed.phase is Phase.READY and not observed.is_playable
    return Presentation(
        phase=shown_phase(desired, observed),
        reason=_reason(desired, observed),
        message=_message(observed, waiting_for, what_to_do),
        waiting_for=waiting_for,
        what_to_do=what_to_do,
        is_moving=not is_held
        and (
            observed.phase not in AT_REST
            or lost_its_playlist
            or is_behind(desired, observed)
            or must_relocate(desired, observed)
        ),
        is_held=is_held,
    )


def is_behind(desired: DesiredState, observed: ObservedState) -> bool:
    """Return whether an edition or a retry was requested that no pass has started yet."""
    return (desired.edition, desired.retries) > (observed.edition, observed.retries)


_Words = tuple[str | None, str | None]

_SEND_AGAIN = (
    "Retry the video and upload the file again, if it has no source URL: it was removed a while after the failure."
)

_WORDS: dict[Reason, _Words] = {
    Reason.WAITING_FOR_UPLOAD_URL: ("an upload URL", "Ask for an upload URL."),
    Reason.WAITING_FOR_FILE: (
        "the file to arrive in storage",
        "Send the file to the upload URL, then confirm the upload.",
    ),
    Reason.WAITING_FOR_SOURCE: ("its turn to be fetched from its URL: as many files as may be are being fetched", None),
    Reason.FETCHING_SOURCE: ("the file to be fetched from its URL", None),
    Reason.SOURCE_DELAYED: (
        "the server of its URL, which did not give the file; it is tried again automatically",
        None,
    ),
    Reason.FILE_REJECTED: ("another file, because the last one was rejected", None),
    Reason.WAITING_FOR_SUBMISSION: ("the transcoding job to be submitted", None),
    Reason.WAITING_FOR_PROFILE: (
        "a TranscodeProfile of the name that the video says",
        "An administrator has to apply the TranscodeProfile, or the resource has to name another one.",
    ),
    Reason.SUBMISSION_DELAYED: ("the transcoding service to accept jobs again", None),
    Reason.SUBMISSION_UNCERTAIN: (
        "the transcoding service to confirm that it took the job; no other job is submitted meanwhile",
        None,
    ),
    Reason.SUBMISSION_HELD: (
        "a person, because it is unknown whether the transcoding service took the job",
        "Look for the job in the provider's dashboard, then retry; a retry may buy it again.",
    ),
    Reason.ATTEMPT_FAILED: ("the next attempt, which follows by itself; the last one failed", None),
    Reason.SUBMISSIONS_PAUSED: (
        "the transcoding service to recover; new jobs of all users wait and are submitted automatically after that",
        None,
    ),
    Reason.WAITING_FOR_CAPACITY: ("its turn, because the limit of running or recently submitted jobs is reached", None),
    Reason.WAITING_FOR_OWN_JOBS: ("another job of the same owner to finish: as many run as one owner may have", None),
    Reason.DAILY_LIMIT_REACHED: (
        "the next day (UTC): today's jobs of this owner are used up; it continues by itself",
        None,
    ),
    Reason.SPENDING_STOPPED: (
        "the next day (UTC), or an administrator: what may be spent on it for now is spent",
        None,
    ),
    Reason.TRANSCODING: ("the transcoding job to finish", None),
    Reason.PUBLISHING: ("the finished stream to be checked and published", None),
    Reason.PUBLISHED: (None, None),
    Reason.FAILED: ("a person", "Retry the video."),
    Reason.FILE_REMOVED: ("a person", _SEND_AGAIN),
}

HINDRANCES: dict[Hindrance, tuple[str, str | None]] = {
    Hindrance.STORAGE_AWAY: ("storage, which does not answer; nothing is lost, and it continues by itself", None),
    Hindrance.STORAGE_REFUSES_KEY: (
        "storage, which refuses the service's key; nothing is lost, and it continues by itself once the key is right",
        "An administrator has to give the operator a valid key for storage.",
    ),
    Hindrance.JOBS_UNKNOWN: (
        "the transcoding service, which does not know the running jobs at the moment; no new ones are submitted",
        "An administrator has to check that the operator's key belongs to the account that runs the jobs.",
    ),
}

# What to upload instead of a rejected file; for all other codes the file was no video.
_INSTEAD: dict[str, str] = {
    FailureCode.FILE_TOO_LARGE: "a smaller file",
    FailureCode.SIZE_MISMATCH: "the whole file of the declared size",
    FailureCode.VIDEO_INCOMPLETE: "the complete file",
    FailureCode.VIDEO_TOO_LONG: "a shorter video",
}


def _waiting_for_and_what_to_do(desired: DesiredState, observed: ObservedState) -> _Words:
    if desired.deleted:
        return None, "The video is deleted; restore it to bring it back."
    if observed.is_paused:
        resume = f"Remove the annotation {PAUSED_ANNOTATION} to resume; its deadline then starts over."
        return "a person to end the pause", resume
    if is_behind(desired, observed):
        return "the operator to start the requested work", None
    if observed.reason is Reason.FAILED and observed.failure is not None:
        return "a person", observed.failure.advice.action
    if observed.reason is Reason.PUBLISHED and not observed.is_playable:
        return "the stream to be restored", None
    if _is_relocated(desired, observed):
        return "its files to be moved, since who can play it was changed; it plays on until they are", None
    if observed.hindrance is not None:
        return HINDRANCES[observed.hindrance]
    waiting_for, what_to_do = _WORDS[observed.reason]
    is_import = desired.origin is Origin.KUBERNETES
    if observed.reason is Reason.FILE_REJECTED:
        code = observed.rejected.code if observed.rejected else ""
        return waiting_for, _after_rejection(code, is_import=is_import)
    if observed.reason is Reason.WAITING_FOR_FILE and is_import:
        return waiting_for, "Put the file at the key that spec.source.storageKey names."
    return waiting_for, what_to_do


def _after_rejection(code: str, *, is_import: bool) -> str:
    file = _INSTEAD.get(code, "a playable video file")
    if is_import:
        return f"Put {file} at the same key."
    return f"Ask for a new upload URL, upload {file} and confirm the upload."


def _reason(desired: DesiredState, observed: ObservedState) -> str:
    if desired.deleted:
        return DELETED
    if observed.is_paused:
        return PAUSED
    if observed.reason in HAS_FAILED and observed.failure is not None:
        return FAILURE_REASONS[observed.failure.code]
    if _is_relocated(desired, observed):
        return MOVING
    return observed.reason.value if observed.hindrance is None else observed.hindrance.value


def _is_relocated(desired: DesiredState, observed: ObservedState) -> bool:
    """Return whether people see that files are moved. Of a failed upload they see why it failed, which matters more."""
    return must_relocate(desired, observed) and observed.phase is Phase.READY and observed.is_playable


def _message(observed: ObservedState, waiting_for: str | None, what_to_do: str | None) -> str:
    if observed.failure is not None and observed.reason in HAS_FAILED:
        return f"{observed.failure.message.rstrip('.')}. {what_to_do or ''}".rstrip()
    waiting = f"Waiting for {waiting_for}." if waiting_for else None
    sentence = " ".join(part for part in (waiting, what_to_do) if part)
    return sentence or f"{observed.message[:1].upper()}{observed.message[1:]}."
