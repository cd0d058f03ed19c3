"""Applies the audit's remedies: one effect for each, based on the row at that moment.

Passes run concurrently, and another process may audit too. So each effect reads the row again first; where an outdated
row could overwrite a newer pass, it reads the row once more afterwards.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import assert_never

from controller.audit.checks import left_over, outputs_problem, should_be_private, should_be_public
from controller.audit.dependencies import AuditDependencies
from controller.audit.findings import (
    CopyPoster,
    Finding,
    GatherFiles,
    Quarantine,
    Release,
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
from controller.rules.adoption import lost_deletion
from domain import object_keys
from domain.errors import UnavailableError
from domain.objects import VerifiedOutputs
from domain.records import VideoRow
from domain.stable_playlist import playlist_of
from domain.video import Reason
from storage.object_store import Storage

# A row that keeps changing is being worked on by passes, which also write its stable files.
_TRIES = 3
_FILES_AT_ONCE = 200


class Repair:
    """Applies remedies."""

    def __init__(self, deps: AuditDependencies, rules: AuditRules, *, clock: Callable[[], datetime]) -> None:
        self._rows = deps.rows
        self._storage = deps.storage
        self._inventory = deps.inventory
        self._adoption = deps.adoption
        self._rules = rules
        self._clock = clock

    def apply(self, finding: Finding, pause: Callable[[], None]) -> bool:  # noqa: PLR0911 - one case for each remedy
        """Apply the finding's remedy, calling ``pause`` between its requests. Return whether it still differed.

        Raises UpstreamError.
        """
        match finding.remedy:
            case ReportOnly():
                return False
            case RewritePlaylist() | WithdrawFiles():
                return self._rewrite_playlist(finding.target, pause)
            case GatherFiles():
                return self._gather(finding.target, pause)
            case RestoreDeletion():
                return self._restore_deletion(finding.target)
            case CopyPoster():
                return self._copy_poster(finding.target, pause)
            case RepublishCaptions():
                return self._forget(finding.target, self._rows.forget_captions)
            case RepublishPoster():
                return self._forget(finding.target, self._rows.forget_poster)
            case RequestEdition():
                return self._retranscode(finding.target)
            case RemoveOutputs(folder):
                return self._remove_outputs(finding.target, folder, pause)
            case RemoveUpload():
                return self._remove_upload(finding.target)
            case Quarantine(sizes):
                return self._rows.quarantine(sizes) > 0
            case Release(keys):
                return self._rows.release(keys) > 0
            case RemoveObjects(keys):
                return self._remove_objects(keys)
            case _:
                assert_never(finding.remedy)

    def _row(self, video_id: str) -> VideoRow | None:
        audited = self._rows.get(video_id)
        return None if audited is None else audited.row

    def _until_settled(self, video_id: str, write: Callable[[VideoRow], None], pause: Callable[[], None]) -> bool:
        """Make the stable files match the row, until the row is the same before and after.

        Outputs that a pass is publishing at this moment are written as well: the pass writes the same, and an outdated
        write may have come in between.
        """
        row, has_withdrawn = self._row(video_id), False
        for _ in range(_TRIES):
            if row is None:
                return False
            if row.desired.deleted:
                self._withdraw(row, pause)
                has_withdrawn = True
            elif has_withdrawn:
                # A person restored it meanwhile, and its pass may have brought everything back before the last move.
                self._bring_back(row, pause)
                has_withdrawn = False
            elif row.observed.is_playable or row.observed.reason is Reason.PUBLISHING:
                write(row)
            else:
                return False
            before, row = row, self._row(video_id)
            if row is not None and row.observed.is_private is not before.observed.is_private:
                # A pass moved the video meanwhile, and may have removed what lay there before the last write.
                self._storage.remove_published(video_id, is_private=before.observed.is_private)
            if row is not None and _published_state(row) == _published_state(before):
                return True
        return False

    def _withdraw(self, row: VideoRow, pause: Callable[[], None]) -> None:
        """Withdraw the public files of a deleted video. A restore brings back only what the row says was withdrawn."""
        self._storage.remove_published(row.desired.video_id, is_private=row.observed.is_private)
        if row.observed.is_withdrawn:
            while not self._storage.withdraw(row.desired.video_id, at_most=_FILES_AT_ONCE):
                pause()

    def _bring_back(self, row: VideoRow, pause: Callable[[], None]) -> None:
        video_id, is_private = row.desired.video_id, row.observed.is_private
        while not self._storage.bring_back(video_id, at_most=_FILES_AT_ONCE, is_private=is_private):
            pause()
        if row.observed.is_playable:
            self._write_playlist(row)

    def _rewrite_playlist(self, video_id: str, pause: Callable[[], None]) -> bool:
        return self._until_settled(video_id, self._write_playlist, pause)

    def _write_playlist(self, row: VideoRow) -> None:
        if row.observed.published is not None:
            text = playlist_of(row, row.observed.published)
            self._storage.write_playlist(row.desired.video_id, text, is_private=row.observed.is_private)

    def _gather(self, video_id: str, pause: Callable[[], None]) -> bool:
        row = self._row(video_id)
        while row is not None and should_be_private(row):
            if self._storage.gather_stream(video_id, is_private=True, at_most=_FILES_AT_ONCE):
                return True
            pause()
            row = self._row(video_id)
        return False

    def _restore_deletion(self, video_id: str) -> bool:
        row = self._row(video_id)
        desired = None if row is None else lost_deletion(row.desired, self._storage.marks(video_id))
        if row is None or desired is None:
            return False
        return self._adoption.learn(row, desired=desired, at=self._clock()) is not None

    def _copy_poster(self, video_id: str, pause: Callable[[], None]) -> bool:
        def copy(row: VideoRow) -> None:
            published = row.observed.published
            if published is None:
                return
            is_private = row.observed.is_private
            outputs = self._storage.verify_published(video_id, published, is_private=is_private)
            if not isinstance(outputs, VerifiedOutputs) or outputs.poster_key is None:
                raise UnavailableError("publishing the poster: the thumbnail is gone")
            self._storage.publish_poster(video_id, outputs.poster_key, is_private=is_private)

        return self._until_settled(video_id, copy, pause)

    def _forget(self, video_id: str, forget: Callable[[VideoRow], VideoRow | None]) -> bool:
        row = self._row(video_id)
        return row is not None and should_be_public(row) and forget(row) is not None

    def _retranscode(self, video_id: str) -> bool:
        """Buy a new edition. Checks the outputs again first: one incomplete listing must not cost a job."""
        row = self._row(video_id)
        published = row.observed.published if row is not None and should_be_public(row) else None
        if row is None or published is None:
            return False
        outputs = self._storage.verify_published(video_id, published, is_private=row.observed.is_private)
        if outputs_problem(published, outputs) is None:
            return False
        return self._rows.heal(row, max_heals=self._rules.max_heals) is not None

    def _remove_outputs(self, video_id: str, folder: str, pause: Callable[[], None]) -> bool:
        row, attempt = self._row(video_id), object_keys.attempt_of_folder(folder)
        published = row.observed.published if row is not None and should_be_public(row) else None
        if row is None or published is None or attempt is None:
            return False
        if attempt >= published.attempt or attempt == row.observed.attempt:
            return False
        is_private = row.observed.is_private
        while not self._inventory.remove_outputs(video_id, folder, at_most=_FILES_AT_ONCE, is_private=is_private):
            pause()
        return True

    def _remove_upload(self, video_id: str) -> bool:
        row = self._row(video_id)
        sent = [] if row is None else sent_files(row, self._storage)
        # Read again after the listing: what a retry accepted meanwhile must not be removed.
        row = self._row(video_id)
        found = [] if row is None else left_over(row, sent)
        for key in found:
            self._storage.remove_original(key)
        return bool(found)

    def _remove_objects(self, keys: Sequence[str]) -> bool:
        owners = {video_id for key in keys if (video_id := object_keys.video_id_of(key)) is not None}
        owned = self._rows.existing(owners)
        orphans = [key for key in keys if object_keys.video_id_of(key) not in owned]
        for key in orphans:
            self._inventory.remove_file(key)
        return self._rows.release(orphans) > 0


def sent_files(row: VideoRow, storage: Storage) -> list[str]:
    """Return the keys of what the client sent and of its copies. Raises UpstreamError."""
    upload_key = row.desired.storage_key
    sent = [] if storage.head(upload_key) is None else [upload_key]
    return sent + storage.kept_originals(row.desired.video_id)


def is_deletion_lost(row: VideoRow, storage: Storage) -> bool:
    """Return whether the bucket has the mark of a deletion that is newer than the row. Raises UpstreamError."""
    return lost_deletion(row.desired, storage.marks(row.desired.video_id)) is not None


def _published_state(row: VideoRow) -> tuple[object, ...]:
    return row.desired.deleted, row.observed.published, row.observed.is_private, row.captions_published
