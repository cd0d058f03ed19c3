"""The audit's rules: from what rows and bucket show to what is wrong and what may be done about it. Pure.

Whatever costs money or cannot be undone needs a reason here; whatever is a pure function of the row is simply written
again. The words are for people and stay the same from turn to turn.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.audit.findings import (
    CopyPoster,
    Finding,
    FindingType,
    Quarantine,
    Release,
    Remedy,
    RemoveObjects,
    RemoveOutputs,
    ReportOnly,
    Retranscode,
    RewritePlaylist,
)
from controller.audit.limits import AuditRules
from domain import object_keys
from domain.audit_records import AuditedRow, DoubledJob, OverdueRow, QuarantinedObject, UncertainSubmission
from domain.objects import ObjectFacts, OutputsProblem, StoredFile, VerifiedOutputs
from domain.records import VideoRow
from domain.stable_playlist import stable_playlist
from domain.video import Origin, Phase, Published, Reason


@dataclass(frozen=True)
class Evidence:
    """One video as its row and the bucket show it. ``stored_attempts``: the folders beside the stable files.

    ``outputs`` and ``original`` are looked at only where something is published.
    """

    audited: AuditedRow
    playlist: str | None
    has_poster: bool
    stored_attempts: Collection[str]
    outputs: VerifiedOutputs | OutputsProblem | None = None
    original: ObjectFacts | None = None


def is_public(row: VideoRow) -> bool:
    """Tell whether the stable files are to be there. While a pass publishes, they are that pass's business."""
    observed = row.observed
    is_settled = observed.is_playable and observed.reason is not Reason.PUBLISHING
    return is_settled and observed.published is not None and not row.desired.deleted


def is_withdrawn(row: VideoRow) -> bool:
    """Tell whether the stable files are to be gone."""
    return row.desired.deleted and not row.observed.is_playable


def check_stable(row: VideoRow, playlist: str | None) -> Finding | None:
    """Compare the stable playlist with what is on record."""
    video_id, published = row.desired.video_id, row.observed.published
    if is_public(row) and published is not None and playlist != stable_playlist(published):
        what = "is missing" if playlist is None else "shows something else than is on record"
        return Finding(FindingType.PLAYLIST_WRONG, video_id, f"the stable playlist {what}", RewritePlaylist())
    if is_withdrawn(row) and playlist is not None:
        return Finding(
            FindingType.PUBLIC_THOUGH_DELETED,
            video_id,
            "the stable playlist of a deleted video is there",
            RewritePlaylist(),
        )
    return None


def check_video(sight: Evidence, rules: AuditRules, now: datetime, *, heals_left: int) -> list[Finding]:
    """Judge everything that lies in the bucket for one video, and what should."""
    row = sight.audited.row
    return [finding for finding in _judged(sight, row, rules, now, heals_left) if finding is not None]


def _judged(
    sight: Evidence, row: VideoRow, rules: AuditRules, now: datetime, heals_left: int
) -> Iterator[Finding | None]:
    playlist = check_stable(row, sight.playlist)
    yield playlist
    published = row.observed.published
    if not is_public(row) or published is None:
        if is_withdrawn(row) and playlist is None and sight.has_poster:
            words = "the stable poster of a deleted video is there"
            yield Finding(FindingType.PUBLIC_THOUGH_DELETED, row.desired.video_id, words, RewritePlaylist())
        return
    problem = outputs_problem(published, sight.outputs)
    yield _judge_outputs(sight, row, problem, rules, heals_left)
    yield _judge_poster(sight, row, published)
    if problem is None and row.observed.phase is Phase.READY and not _is_original(sight, row):
        words = "the original is gone or was replaced: the video plays, but can never be transcoded again"
        yield Finding(FindingType.ORIGINAL_MISSING, row.desired.video_id, words, ReportOnly())
    # Players may still be in the middle of what a wrong playlist named.
    yield from _judge_folders(sight, row, published, rules, now, may_remove=playlist is None and problem is None)


def outputs_problem(published: Published, outputs: VerifiedOutputs | OutputsProblem | None) -> str | None:
    """Return why what is on record as published cannot be played; None if it can, or nobody looked."""
    if isinstance(outputs, OutputsProblem):
        return outputs.message
    if outputs is not None and {r.uri for r in published.renditions} - {r.uri for r in outputs.renditions}:
        return "its master playlist no longer names what was published"
    return None


def _judge_outputs(
    sight: Evidence, row: VideoRow, problem: str | None, rules: AuditRules, heals_left: int
) -> Finding | None:
    if problem is None:
        return None
    why_not = _why_not_healed(sight, row, rules, heals_left)
    if why_not is not None:
        return Finding(FindingType.OUTPUTS_BROKEN, row.desired.video_id, f"{problem}; {why_not}", ReportOnly())
    return Finding(FindingType.OUTPUTS_BROKEN, row.desired.video_id, problem, Retranscode())


def _why_not_healed(sight: Evidence, row: VideoRow, rules: AuditRules, heals_left: int) -> str | None:
    """Return why no edition is bought; None if one is."""
    observed = row.observed
    if observed.phase is Phase.ERRORED:
        return "the newest edition failed, a person decides"
    if observed.phase is not Phase.READY or row.desired.edition != observed.edition:
        return "another edition is on its way"
    if row.desired.origin is Origin.KUBERNETES:
        return "whoever applied the resource has to raise spec.edition"
    if observed.is_paused:
        return "a person holds it"
    if not _is_original(sight, row):
        return "the original is gone or was replaced, so another edition would fail"
    if sight.audited.heals >= rules.max_heals:
        return f"its {rules.max_heals} editions without a person are spent"
    if heals_left <= 0:
        return "this turn has bought what it may, the next one goes on"
    return None


def _is_original(sight: Evidence, row: VideoRow) -> bool:
    verified, original = row.observed.source, sight.original
    if verified is None or original is None:
        return False
    return (original.etag, original.file_bytes) == (verified.etag, verified.file_bytes)


def _judge_poster(sight: Evidence, row: VideoRow, published: Published) -> Finding | None:
    if not published.has_poster or sight.has_poster:
        return None
    if isinstance(sight.outputs, VerifiedOutputs) and sight.outputs.poster_key is not None:
        return Finding(FindingType.POSTER_MISSING, row.desired.video_id, "the stable poster is missing", CopyPoster())
    words = "the stable poster is missing, and there is no thumbnail to copy"
    return Finding(FindingType.POSTER_MISSING, row.desired.video_id, words, ReportOnly())


def _judge_folders(
    sight: Evidence, row: VideoRow, published: Published, rules: AuditRules, now: datetime, *, may_remove: bool
) -> Iterator[Finding]:
    video_id, published_at = row.desired.video_id, sight.audited.published_at
    is_due = may_remove and published_at is not None and now >= published_at + rules.superseded_after
    for name in sorted(sight.stored_attempts):
        attempt = _attempt_of(name)
        if attempt is None or attempt > row.observed.attempt:
            yield Finding(
                FindingType.OUTPUTS_UNKNOWN, video_id, f"no attempt on record wrote the folder {name!r}", ReportOnly()
            )
        elif attempt < published.attempt and attempt != row.observed.attempt and is_due:
            words = f"attempt {published.attempt} has replaced attempt {attempt}"
            yield Finding(FindingType.OUTPUTS_SUPERSEDED, video_id, words, RemoveOutputs(attempt))


def _attempt_of(name: str) -> int | None:
    """Return the number of the attempt that writes under this name; it is written in one way only."""
    is_number = name.isascii() and name.isdigit() and not name.startswith("0") and len(name) < 10
    return int(name) if is_number else None


def check_doubled(doubled: DoubledJob) -> Finding:
    """A callback signed for one attempt named another job than is on record for it."""
    known = "none is on record" if doubled.accepted_job_id is None else f"{doubled.accepted_job_id} is on record"
    words = f"job {doubled.job_id} reported itself for attempt {doubled.attempt}, for which {known}"
    return Finding(FindingType.DOUBLED_JOB, doubled.video_id, words, ReportOnly())


def check_uncertain(submission: UncertainSubmission) -> Finding:
    """Passes resolve it; here it is only counted."""
    words = f"whether submission {submission.attempt} led to a job is not known"
    return Finding(FindingType.UNCERTAIN_SUBMISSION, submission.video_id, words, ReportOnly())


def check_overdue(row: OverdueRow) -> Finding:
    """Passes end it; that none did is what a person has to know."""
    words = f"its deadline in {row.phase} was {row.deadline_at:%Y-%m-%dT%H:%M:%SZ}"
    return Finding(FindingType.OVERDUE_ROW, row.video_id, words, ReportOnly())


def check_orphans(folder: str, files: Sequence[StoredFile], listed: Collection[str], *, room: int) -> list[Finding]:
    """Judge objects that belong to no row. ``listed``: those in quarantine; ``room``: how many more may follow."""
    new = {file.key: file.file_bytes for file in files if file.key not in listed}
    added = dict(list(new.items())[: max(0, room)])
    counts: list[tuple[int, str, Remedy]] = [
        (len(files) - len(new), "are in quarantine", ReportOnly()),
        (len(added), "had not been seen before", Quarantine(added)),
        (len(new) - len(added), "are more than one turn puts into quarantine", ReportOnly()),
    ]
    return [
        Finding(
            FindingType.OBJECTS_WITHOUT_ROW, folder, f"it has no row, and {count} of its objects {words}", remedy, count
        )
        for count, words, remedy in counts
        if count
    ]


def check_quarantined(
    folder: str,
    entries: Sequence[QuarantinedObject],
    present: Mapping[str, StoredFile],
    rules: AuditRules,
    now: datetime,
    *,
    may_purge: bool,
) -> list[Finding]:
    """Judge what is in quarantine of one folder that has no row; `check_returned` is for one that has."""
    gone = [entry.object_key for entry in entries if entry.object_key not in present]
    due = [
        entry.object_key
        for entry in entries
        if entry.object_key in present
        and now >= max(entry.found_at, present[entry.object_key].last_modified) + rules.quarantined_for
    ]
    found = []
    if gone:
        words = f"{len(gone)} of its objects are no longer in the bucket"
        found.append(Finding(FindingType.QUARANTINE_OUTDATED, folder, words, Release(gone), len(gone)))
    if due:
        words = f"{len(due)} of its objects have belonged to no row for {rules.quarantined_for}"
        remedy = RemoveObjects(due) if may_purge else ReportOnly()
        found.append(Finding(FindingType.QUARANTINE_DUE, folder, words, remedy, len(due)))
    return found


def check_returned(folder: str, entries: Sequence[QuarantinedObject]) -> Finding:
    """Judge what is in quarantine of a folder that has a row again."""
    words = f"it has a row again, {len(entries)} of its objects were in quarantine"
    return Finding(
        FindingType.QUARANTINE_OUTDATED, folder, words, Release([entry.object_key for entry in entries]), len(entries)
    )


def folder_of(object_key: str) -> str:
    """Return the folder that is one video's, or the key itself where it lies beside all folders."""
    video_id = object_keys.video_of(object_key)
    if video_id is None:
        return object_key
    prefix = (
        object_keys.PUBLIC_PREFIX if object_key.startswith(object_keys.PUBLIC_PREFIX) else object_keys.ORIGINALS_PREFIX
    )
    return f"{prefix}{video_id}/"
