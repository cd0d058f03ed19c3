"""The audit's rules: from rows and bucket to findings and their remedies. Pure.

A remedy that costs money or cannot be undone needs a reason here; anything that is a pure function of the row is simply
rewritten. Details are for people, and stay the same from run to run.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.audit.findings import (
    CopyPoster,
    Finding,
    FindingType,
    GatherFiles,
    Quarantine,
    Release,
    Remedy,
    RemoveObjects,
    RemoveOutputs,
    RemoveUpload,
    ReportOnly,
    RepublishCaptions,
    RepublishPoster,
    RequestEdition,
    RestoreDeletion,
    RewritePlaylist,
    WithdrawFiles,
)
from controller.audit.limits import AuditRules
from domain import object_keys
from domain.audit_records import AuditedRow, DoubledJob, OverdueRow, QuarantinedObject, UncertainSubmission
from domain.captions import names_of
from domain.objects import ObjectFacts, OutputsProblem, StoredFile, VerifiedOutputs
from domain.posters import file_name
from domain.records import VideoRow
from domain.retention import is_file_due, is_row_due
from domain.stable_playlist import playlist_of
from domain.video import Origin, Phase, Published, Reason, Visibility


@dataclass(frozen=True)
class Evidence:
    """One video in its row and in the bucket. ``stored_attempts``: the folders beside the stable files.

    ``outputs`` and ``original`` are read only if something is published. ``has_withdrawn``: files lie where a deletion
    moves them; looked for only if the playlist or the outputs are not what they should be. ``has_private``: likewise,
    of a public video, below the private prefix. ``is_deletion_marked``: the bucket has the mark of a deletion that is
    newer than the row. ``caption_files``: the names of those of captions; ``poster_files``: likewise.
    """

    audited: AuditedRow
    playlist: str | None
    has_poster: bool
    stored_attempts: Collection[str]
    outputs: VerifiedOutputs | OutputsProblem | None = None
    original: ObjectFacts | None = None
    has_withdrawn: bool = False
    has_private: bool = False
    is_deletion_marked: bool = False
    caption_files: Collection[str] = ()
    poster_files: Collection[str] = ()


def should_be_public(row: VideoRow) -> bool:
    """Return whether the stable files should exist. While a pass publishes, they belong to that pass."""
    observed = row.observed
    is_due = row.has_captions_due or row.has_poster_due
    is_settled = observed.is_playable and observed.reason is not Reason.PUBLISHING and not is_due
    return is_settled and observed.published is not None and not row.desired.deleted and not observed.is_relocating


def should_be_private(row: VideoRow) -> bool:
    """Return whether no file of the video should lie where everyone can read it, and no pass is moving any."""
    desired, observed = row.desired, row.observed
    is_wanted = desired.visibility is Visibility.PRIVATE and observed.attempt > 0 and observed.is_private
    return is_wanted and not (observed.is_relocating or observed.is_withdrawn or desired.deleted)


def should_be_withdrawn(row: VideoRow) -> bool:
    """Return whether no file of the video should be public."""
    return row.desired.deleted and not row.observed.is_playable


def check_stable(row: VideoRow, playlist: str | None) -> Finding | None:
    """Compare the stable playlist with the row."""
    video_id, published = row.desired.video_id, row.observed.published
    if should_be_public(row) and published is not None and playlist != playlist_of(row, published):
        problem = "is missing" if playlist is None else "differs from the row"
        return Finding(FindingType.PLAYLIST_WRONG, video_id, f"the stable playlist {problem}", RewritePlaylist())
    return None


def check_private(row: VideoRow, *, has_public: bool) -> Finding | None:
    """Check that nothing of a private video is public. A job that ran on when it became private writes where it was."""
    if not should_be_private(row) or not has_public:
        return None
    detail = "files of a private video can be read by everyone"
    return Finding(FindingType.PUBLIC_THOUGH_PRIVATE, row.desired.video_id, detail, GatherFiles())


def check_lost_visibility(row: VideoRow) -> Finding:
    """Report a public video whose files lie where private ones do: a row from before it was made private was restored.

    To publish them, or to buy an edition, would make it public again without its owner: a person decides.
    """
    detail = "its files lie below private/, and its row does not know that: make it private, and public again if needed"
    return Finding(FindingType.VISIBILITY_LOST, row.desired.video_id, detail, ReportOnly())


def check_lost_deletion(row: VideoRow, *, is_marked: bool) -> Finding:
    """Report a video whose files were withdrawn although its row is not deleted: without a mark a person decides.

    A row from before its deletion was restored; publishing it again, or buying an edition, would undo the deletion.
    """
    detail = "its files were withdrawn by a deletion that its row does not know"
    if is_marked:
        return Finding(FindingType.DELETION_LOST, row.desired.video_id, detail, RestoreDeletion())
    detail = f"{detail}: delete it, and restore it if needed"
    return Finding(FindingType.DELETION_LOST, row.desired.video_id, detail, ReportOnly())


def may_have_left_over(row: VideoRow) -> bool:
    """Return whether files that a client sent can be of no use: a copy of one was accepted, or all were removed."""
    if row.observed.reason is Reason.FILE_REMOVED:
        return True
    # The pass that submits the first job removes the upload last.
    waits = row.observed.phase in {Phase.PENDING, Phase.UPLOADING, Phase.UPLOADED, Phase.PROCESSING}
    return row.original_key != row.desired.storage_key and not waits


def left_over(row: VideoRow, sent: Collection[str]) -> list[str]:
    """Return which of the files that a client sent, and of their copies, are of no use. ``sent``: their keys.

    A signed URL takes files until it expires, and a pass that dies after a copy leaves it to the next, which finds
    another file if the client replaced it in between.
    """
    if not may_have_left_over(row):
        return []
    return sorted(set(sent) - (set() if row.observed.reason is Reason.FILE_REMOVED else {row.original_key}))


def check_sent(row: VideoRow, sent: Collection[str]) -> Finding | None:
    """Check that of the files that a client sent only the accepted one is kept."""
    if not left_over(row, sent):
        return None
    why = "its upload failed" if row.observed.reason is Reason.FILE_REMOVED else "another was accepted"
    detail = f"a file is kept that the client sent, but {why}"
    return Finding(FindingType.UPLOAD_LEFT_OVER, row.desired.video_id, detail, RemoveUpload())


def check_withdrawn(row: VideoRow, *, has_files: bool) -> Finding | None:
    """Check that a deleted video has no public file. A job that ran on after the deletion may have written some."""
    if not should_be_withdrawn(row) or not has_files:
        return None
    detail = "files of a deleted video can still be read"
    return Finding(FindingType.PUBLIC_THOUGH_DELETED, row.desired.video_id, detail, WithdrawFiles())


def check_video(evidence: Evidence, rules: AuditRules, now: datetime, *, editions_left: int) -> list[Finding]:
    """Compare the objects of one video with its row. ``editions_left``: how many editions this run may still buy."""
    row = evidence.audited.row
    return [finding for finding in _findings_of(evidence, row, rules, now, editions_left) if finding is not None]


def _findings_of(
    evidence: Evidence, row: VideoRow, rules: AuditRules, now: datetime, editions_left: int
) -> Iterator[Finding | None]:
    if should_be_public(row) and evidence.has_withdrawn:
        yield check_lost_deletion(row, is_marked=evidence.is_deletion_marked)
        return
    if should_be_public(row) and evidence.has_private:
        yield check_lost_visibility(row)
        return
    playlist = check_stable(row, evidence.playlist)
    yield playlist
    published = row.observed.published
    if not should_be_public(row) or published is None:
        has_files = evidence.has_poster or evidence.playlist is not None or bool(evidence.stored_attempts)
        yield check_withdrawn(row, has_files=has_files)
        return
    problem = outputs_problem(published, evidence.outputs)
    yield _check_outputs(evidence, row, problem, rules, editions_left)
    yield _check_poster(evidence, row, published)
    yield from _check_captions(evidence, row)
    yield from _check_own_poster(evidence, row)
    if problem is None and row.observed.phase is Phase.READY and not _is_original(evidence, row):
        detail = "the original is gone or was replaced: the video plays, but can never be transcoded again"
        yield Finding(FindingType.ORIGINAL_MISSING, row.desired.video_id, detail, ReportOnly())
    # Players may still be playing what a wrong playlist named.
    yield from _check_folders(evidence, row, published, rules, now, may_remove=playlist is None and problem is None)


def outputs_problem(published: Published, outputs: VerifiedOutputs | OutputsProblem | None) -> str | None:
    """Return why the published outputs cannot be played; None if they can, or were not read."""
    if isinstance(outputs, OutputsProblem):
        return outputs.message
    if outputs is not None and {r.uri for r in published.renditions} - {r.uri for r in outputs.renditions}:
        return "its master playlist no longer names the published variants"
    return None


def _check_outputs(
    evidence: Evidence, row: VideoRow, problem: str | None, rules: AuditRules, editions_left: int
) -> Finding | None:
    if problem is None:
        return None
    why_not = _why_not_retranscoded(evidence, row, rules, editions_left)
    if why_not is not None:
        return Finding(FindingType.OUTPUTS_BROKEN, row.desired.video_id, f"{problem}; {why_not}", ReportOnly())
    return Finding(FindingType.OUTPUTS_BROKEN, row.desired.video_id, problem, RequestEdition())


def _why_not_retranscoded(evidence: Evidence, row: VideoRow, rules: AuditRules, editions_left: int) -> str | None:
    """Return why the audit must not buy a new edition; None if it may."""
    observed = row.observed
    if observed.phase is Phase.ERRORED:
        return "the newest edition failed, so a person has to decide"
    if observed.phase is not Phase.READY or row.desired.edition != observed.edition:
        return "another edition is in progress"
    if row.desired.origin is Origin.KUBERNETES:
        return "its spec.edition can only be raised where the resource was applied"
    if observed.is_paused:
        return "it is paused"
    if not _is_original(evidence, row):
        return "the original is gone or was replaced, so a new edition would fail"
    if evidence.audited.heals >= rules.max_heals:
        return f"its budget of {rules.max_heals} automatic editions is spent"
    if editions_left <= 0:
        return "the budget of this run is spent, and the next run continues"
    return None


def _is_original(evidence: Evidence, row: VideoRow) -> bool:
    verified, original = row.observed.source, evidence.original
    if verified is None or original is None:
        return False
    return (original.etag, original.file_bytes) == (verified.etag, verified.file_bytes)


def _check_poster(evidence: Evidence, row: VideoRow, published: Published) -> Finding | None:
    if not published.has_poster or evidence.has_poster:
        return None
    if isinstance(evidence.outputs, VerifiedOutputs) and evidence.outputs.poster_key is not None:
        return Finding(FindingType.POSTER_MISSING, row.desired.video_id, "the stable poster is missing", CopyPoster())
    detail = "the stable poster is missing, and there is no thumbnail to copy"
    return Finding(FindingType.POSTER_MISSING, row.desired.video_id, detail, ReportOnly())


def _check_captions(evidence: Evidence, row: VideoRow) -> Iterator[Finding]:
    expected, found = names_of(row.captions_published.captions.tracks), set(evidence.caption_files)
    if expected - found:
        detail = f"{len(expected - found)} files of its captions are missing"
        yield Finding(FindingType.CAPTIONS_MISSING, row.desired.video_id, detail, RepublishCaptions())
    if found - expected:
        # They may be newer than the dump from which the row was restored.
        detail = f"{len(found - expected)} files of captions belong to none that its row has"
        yield Finding(FindingType.OUTPUTS_UNKNOWN, row.desired.video_id, detail, ReportOnly())


def _check_own_poster(evidence: Evidence, row: VideoRow) -> Iterator[Finding]:
    digest, found = row.poster_published.digest, set(evidence.poster_files)
    expected = set() if digest is None else {file_name(digest)}
    if expected - found:
        detail = "the poster that its owner chose is missing"
        yield Finding(FindingType.POSTER_MISSING, row.desired.video_id, detail, RepublishPoster())
    if found - expected:
        # It may be newer than the dump from which the row was restored.
        detail = f"{len(found - expected)} posters are none that its row has"
        yield Finding(FindingType.OUTPUTS_UNKNOWN, row.desired.video_id, detail, ReportOnly())


def _check_folders(
    evidence: Evidence, row: VideoRow, published: Published, rules: AuditRules, now: datetime, *, may_remove: bool
) -> Iterator[Finding]:
    video_id, published_at = row.desired.video_id, evidence.audited.published_at
    is_due = may_remove and published_at is not None and now >= published_at + rules.superseded_after
    for name in sorted(set(evidence.stored_attempts) - {object_keys.CAPTIONS_FOLDER, object_keys.POSTERS_FOLDER}):
        attempt = object_keys.attempt_of_folder(name)
        if attempt is None or attempt > row.observed.attempt:
            yield Finding(
                FindingType.OUTPUTS_UNKNOWN, video_id, f"no attempt of its row wrote the folder {name!r}", ReportOnly()
            )
        elif attempt < published.attempt and attempt != row.observed.attempt and is_due:
            detail = f"attempt {published.attempt} has replaced attempt {attempt}"
            yield Finding(FindingType.OUTPUTS_SUPERSEDED, video_id, detail, RemoveOutputs(name))


def check_doubled(doubled: DoubledJob) -> Finding:
    """Report a callback that was signed for one attempt and named a job other than the attempt's own."""
    recorded = "no job is recorded" if doubled.accepted_job_id is None else f"job {doubled.accepted_job_id} is recorded"
    detail = f"job {doubled.job_id} called back for attempt {doubled.attempt}, for which {recorded}"
    return Finding(FindingType.DOUBLED_JOB, doubled.video_id, detail, ReportOnly())


def check_uncertain(submission: UncertainSubmission) -> Finding:
    """Report an unresolved submission: passes resolve it, the audit only counts it."""
    detail = f"it is unknown whether submission {submission.attempt} led to a job"
    return Finding(FindingType.UNCERTAIN_SUBMISSION, submission.video_id, detail, ReportOnly())


def check_overdue(row: OverdueRow) -> Finding:
    """Report an overdue upload: a pass should have ended it."""
    detail = f"its deadline in {row.phase} was {row.deadline_at:%Y-%m-%dT%H:%M:%SZ}"
    return Finding(FindingType.OVERDUE_ROW, row.video_id, detail, ReportOnly())


def check_retention(row: VideoRow, rules: AuditRules, now: datetime) -> Finding | None:
    """Report a failed upload that a pass should have deleted, or whose file it should have removed."""
    at = now - rules.overdue_after
    if is_row_due(row, at, rules.timing):
        detail = "it failed so long ago that it should be deleted"
    elif is_file_due(row, at, rules.timing):
        detail = "it failed so long ago that its file should be removed"
    else:
        return None
    return Finding(FindingType.RETENTION_OVERDUE, row.desired.video_id, detail, ReportOnly())


def check_orphans(folder: str, files: Sequence[StoredFile], listed: Collection[str], *, quota: int) -> list[Finding]:
    """Check objects without a row. ``listed``: those in quarantine; ``quota``: how many more this run may add."""
    new = {file.key: file.file_bytes for file in files if file.key not in listed}
    added = dict(list(new.items())[: max(0, quota)])
    counts: list[tuple[int, str, Remedy]] = [
        (len(files) - len(new), "are in quarantine", ReportOnly()),
        (len(added), "are new", Quarantine(added)),
        (len(new) - len(added), "exceed the quarantine quota of one run", ReportOnly()),
    ]
    return [
        Finding(
            FindingType.OBJECTS_WITHOUT_ROW,
            folder,
            f"it has no row, and {count} of its objects {detail}",
            remedy,
            count,
        )
        for count, detail, remedy in counts
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
    """Check the quarantined objects of a folder without a row; `check_returned` is for one that has a row."""
    gone = [entry.object_key for entry in entries if entry.object_key not in present]
    due = [
        entry.object_key
        for entry in entries
        if entry.object_key in present
        and now >= max(entry.found_at, present[entry.object_key].last_modified) + rules.quarantined_for
    ]
    findings = []
    if gone:
        detail = f"{len(gone)} of its objects are no longer in the bucket"
        findings.append(Finding(FindingType.QUARANTINE_OUTDATED, folder, detail, Release(gone), len(gone)))
    if due:
        detail = f"{len(due)} of its objects have belonged to no row for {rules.quarantined_for}"
        remedy = RemoveObjects(due) if may_purge else ReportOnly()
        findings.append(Finding(FindingType.QUARANTINE_DUE, folder, detail, remedy, len(due)))
    return findings


def check_returned(folder: str, entries: Sequence[QuarantinedObject]) -> Finding:
    """Release the quarantined objects of a folder that has a row again."""
    detail = f"it has a row again, {len(entries)} of its objects were in quarantine"
    return Finding(
        FindingType.QUARANTINE_OUTDATED, folder, detail, Release([entry.object_key for entry in entries]), len(entries)
    )


def folder_of(object_key: str) -> str:
    """Return the folder of the object's video, or the key itself if it lies outside all such folders."""
    video_id = object_keys.video_id_of(object_key)
    if video_id is None:
        return object_key
    prefix, _, _ = object_key.partition("/")
    return f"{prefix}/{video_id}/"
