"""Changes that clients and administrators request through the API. Rows are created in database/creation.py and read
in database/queries.py; the operator writes through database/observations.py.

Every change of a desired state raises the row's revision and clears `retired` in the same statement, and nudges the
operator on commit. The desired state of an import comes from its resource and never changes here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum

import orjson
import psycopg
from psycopg.types.json import Jsonb

from database import captions, creation, events, idempotency_keys, locks, posters, retranscodes, wakeups
from database.columns import SELECT_VIDEO, VIDEO, fetch_video
from database.creation import BytesPerDay, Created, NewRow
from database.idempotency_keys import IdempotencyKey
from database.pool import Connection, Database
from database.retranscodes import Allowance, CountedRequest
from domain.captions import CaptionTrack
from domain.records import Cause, VideoRow
from domain.schedule import Timing, restore_window
from domain.video import COUNTER_MAX, Visibility

# The lock makes a refused change return the row that the statement refused, not one changed a moment later.
_LOCK = SELECT_VIDEO + " FOR UPDATE"

# One confirmation counts until a rejection answers it; further ones only nudge.
_CONFIRM = f"""
UPDATE videos SET confirmations = confirmations + 1, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND phase IN ('pending', 'uploading') AND NOT deleted
  AND confirmations <= coalesce((rejected ->> 'confirmations')::integer, confirmations_floor)
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

# Where `is_retryable` of domain/video.py holds; a retry that no pass has begun yet counts for this request too. What a
# rollout began is the owner's from here on, and counts against the owner's limits.
_RETRY = f"""
UPDATE videos SET retries = retries + 1, revision = revision + 1, retired = false, rollout_edition = NULL
WHERE video_id = %(video_id)s AND origin = 'api' AND NOT deleted AND retries <= observed_retries
  AND (phase = 'errored' OR (phase = 'uploaded' AND reason = 'SubmissionHeld'))
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

# Neither is an observation, so each writes its line of the history itself, in the same round trip.
_WITH_HISTORY = f"""
WITH changed AS ({{statement}}), outdated AS ({events.DROP_OLDEST}), history AS (
    INSERT INTO video_events (video_id, observed_revision, desired_revision, at, cause, phase, reason, message, attempt)
    SELECT video_id, observed_revision, revision, clock_timestamp(), %(by)s, phase, reason, %(said)s, attempt
    FROM changed
)
SELECT changed.* FROM changed
"""  # noqa: S608 - a constant

_DELETE = _WITH_HISTORY.format(
    statement=f"""
    UPDATE videos SET deleted = true, deleted_at = clock_timestamp(), revision = revision + 1, retired = false
    WHERE video_id = %(video_id)s AND origin = 'api' AND NOT deleted
    RETURNING {VIDEO}
"""  # noqa: S608 - a constant
)

_RESTORE = _WITH_HISTORY.format(
    statement=f"""
    UPDATE videos SET deleted = false, deleted_at = NULL, restored_at = clock_timestamp(), revision = revision + 1,
        retired = false
    WHERE video_id = %(video_id)s AND origin = 'api' AND deleted_at > clock_timestamp() - %(window)s
    RETURNING {VIDEO}
"""  # noqa: S608 - a constant
)

_DESCRIBE = _WITH_HISTORY.format(
    statement=f"""
    UPDATE videos SET title = %(title)s, metadata = %(metadata)s, visibility = %(visibility)s,
        embed_origins = %(embed_origins)s::text[], revision = revision + 1, retired = false
    WHERE video_id = %(video_id)s AND origin = 'api'
      AND (title, metadata, visibility, embed_origins)
        IS DISTINCT FROM (%(title)s, %(metadata)s, %(visibility)s, %(embed_origins)s::text[])
    RETURNING {VIDEO}
"""  # noqa: S608 - a constant
)

# Two processes may open an upload at the same time: the first one counts, and the other aborts its upload. The part
# size stays, so that a client that resumes finds the same boundaries.
_OPEN_UPLOAD = f"""
UPDATE videos SET upload_id = %(upload_id)s, part_bytes = coalesce(part_bytes, %(part_bytes)s)
WHERE video_id = %(video_id)s AND origin = 'api' AND upload_mode = 'multipart' AND NOT deleted
  AND phase IN ('pending', 'uploading') AND upload_id IS NOT DISTINCT FROM %(instead_of)s
RETURNING {VIDEO}
"""  # noqa: S608 - a constant


class Unchanged(Enum):
    """Says that a change leaves a field for which None is a value."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


class VideoGoneError(Exception):
    """There is no such row, or it has been purged."""


class VideoChangedError(Exception):
    """The video has another revision than the request was made for. Nothing was changed."""


class CountersSpentError(Exception):
    """The video was changed so often that its counters are at their end. It can still be deleted."""


class MetadataTooLargeError(Exception):
    """What a change would leave is larger than metadata may be."""


class VideoCommands:
    """Commands that change desired states. Whether a caller may change a row is decided in webapi/."""

    def __init__(self, database: Database, timing: Timing) -> None:
        self._database = database
        self._timing = timing

    def create(
        self, new: NewRow, *, per_hour: int, per_day: BytesPerDay | None = None, key: IdempotencyKey | None = None
    ) -> Created:
        """Insert a row that waits for its file, or return the one created earlier under ``key``, which has another id.

        ``per_day``: None if bytes are not limited.
        Raises LimitReachedError, BytesSpentError, KeyInUseError, KeyReusedError, UnavailableError.
        """
        if key is None:
            with self._database.connection() as connection:
                return creation.create(connection, new, per_hour=per_hour, per_day=per_day, timing=self._timing)
        with self._database.transaction() as connection:
            made = idempotency_keys.made_before(connection, new.owner, key)
            if made is not None:
                return Created(made, creation.quota(connection, new.owner, per_hour=per_hour, per_day=per_day))
            created = creation.create(connection, new, per_hour=per_hour, per_day=per_day, timing=self._timing)
            idempotency_keys.keep(connection, new.owner, key, new.video_id)
            return created

    def made_before(
        self, owner: str, key: IdempotencyKey, *, per_hour: int, per_day: BytesPerDay | None = None
    ) -> Created | None:
        """Return what `create` returned under the key, with the quotas of now; None if there is nothing yet.

        Raises KeyReusedError, UnavailableError.
        """
        with self._database.connection() as connection:
            made = idempotency_keys.find(connection, owner, key)
            if made is None:
                return None
            return Created(made, creation.quota(connection, owner, per_hour=per_hour, per_day=per_day))

    def open_upload(self, video_id: str, *, upload_id: str, part_bytes: int, instead_of: str | None) -> VideoRow:
        """Record a multipart upload that was opened for a video that waits for its file.

        ``instead_of``: the stored one when it was opened. Returns the row afterwards: it has another upload if another
        process was faster or the video waits for no file. Raises VideoGoneError, UnavailableError.
        """
        parameters = {
            "video_id": video_id,
            "upload_id": upload_id,
            "part_bytes": part_bytes,
            "instead_of": instead_of,
        }
        with self._database.transaction() as connection:
            # The resource does not show the upload, so the revision stays and no pass is needed.
            row = fetch_video(connection, _OPEN_UPLOAD, parameters) or fetch_video(connection, SELECT_VIDEO, parameters)
        if row is None:
            raise VideoGoneError(video_id)
        return row

    def confirm(self, video_id: str) -> VideoRow:
        """Record that the client says its file has arrived. Repeating it changes nothing.

        This method and those below return the row afterwards, whether or not it changed.
        They raise VideoGoneError, CountersSpentError, UnavailableError.
        """
        return self._change(_CONFIRM, video_id, Cause.CLIENT)

    def retry(self, video_id: str, *, allowance: Allowance | None = None, revision: int | None = None) -> VideoRow:
        """Request a retry of a failed video. A request that is still pending counts for this one too.

        ``allowance``: None for an administrator, whose retries are not counted; ``revision``: the only one that an
        administrator's may change, None for any. Also raises RequestsSpentError, VideoChangedError.
        """
        if allowance is None:
            return self._change(_RETRY, video_id, Cause.PERSON, only_at=revision)
        with _at_most_its_type(), self._database.transaction() as connection:
            locks.lock_retranscodes(connection, allowance.owner)
            before = _locked(connection, video_id)
            row = _counted(fetch_video(connection, _RETRY, {"video_id": video_id}))
            if row is not None:
                retranscodes.count(connection, CountedRequest.RETRY, video_id, row.desired.retries, allowance)
            wakeups.send(connection, wakeups.Wakeup(video_id, Cause.PERSON))
        return row or before

    def retranscode(
        self, video_id: str, *, allowance: Allowance | None = None, revision: int | None = None
    ) -> VideoRow:
        """Request a new edition of a playable video. A request that is still pending counts for this one too.

        ``allowance``: None for an administrator, whose editions count against no owner's limits; ``revision``: as of
        `retry`. Also raises RequestsSpentError, VideoChangedError.
        """
        if allowance is None:
            return self._change(retranscodes.OF_ADMINISTRATOR, video_id, Cause.PERSON, only_at=revision)
        with _at_most_its_type(), self._database.transaction() as connection:
            locks.lock_retranscodes(connection, allowance.owner)
            before = _locked(connection, video_id)
            row = _counted(retranscodes.request_edition(connection, video_id, allowance)) or before
            wakeups.send(connection, wakeups.Wakeup(video_id, Cause.PERSON))
        return row

    def describe(
        self,
        video_id: str,
        *,
        title: str,
        metadata: Mapping[str, str | None],
        metadata_bytes_max: int,
        visibility: Visibility | None = None,
        embed_origins: Sequence[str] | Unchanged | None = UNCHANGED,
    ) -> VideoRow:
        """Change what people wrote about a video, and who can play it; it needs no job. Repeating it changes nothing.

        ``title``: empty to leave it. ``metadata``: texts that are added or replaced, None for names that are removed.
        ``metadata_bytes_max``: of the result as JSON. ``visibility``: None to leave it. ``embed_origins``: None for
        those of the installation. Also raises MetadataTooLargeError.
        """
        with _at_most_its_type(), self._database.transaction() as connection:
            before = _locked(connection, video_id)
            merged = {name: text for name, text in {**before.metadata, **metadata}.items() if text is not None}
            if metadata and len(orjson.dumps(merged)) > metadata_bytes_max:
                raise MetadataTooLargeError(video_id)
            values = {
                "video_id": video_id,
                "title": title or before.desired.title,
                "metadata": Jsonb(merged),
                "visibility": visibility or before.desired.visibility,
                "embed_origins": _array(before.embed_origins if embed_origins is UNCHANGED else embed_origins),
                "by": Cause.CLIENT,
                "said": events.described(before.desired.visibility, visibility),
            }
            row = _counted(fetch_video(connection, _DESCRIBE, values)) or before
            wakeups.send(connection, wakeups.Wakeup(video_id, Cause.CLIENT))
        return row

    def put_captions(self, video_id: str, track: CaptionTrack, text: str) -> VideoRow:
        """Replace the captions in one language, unless the video is deleted. ``text``: the one that the track names.

        Also raises TooManyCaptionsError, CaptionsBusyError.
        """
        return self._change_files(video_id, lambda connection, row: captions.put(connection, row, track, text))

    def remove_captions(self, video_id: str, language: str) -> VideoRow:
        """Remove the captions in one language, unless the video is deleted. Also raises CaptionsBusyError."""
        return self._change_files(video_id, lambda connection, row: captions.remove(connection, row, language))

    def choose_poster(self, video_id: str, picture: bytes | None) -> VideoRow:
        """Choose a picture as the poster, or None for the one of the transcode, unless the video is deleted."""
        return self._change_files(video_id, lambda connection, row: posters.choose(connection, row, picture))

    def _change_files(self, video_id: str, change: Callable[[Connection, VideoRow], VideoRow | None]) -> VideoRow:
        with _at_most_its_type(), self._database.transaction() as connection:
            before = _locked(connection, video_id)
            row = _counted(change(connection, before)) or before
            wakeups.send(connection, wakeups.Wakeup(video_id, Cause.PERSON))
        return row

    def delete(self, video_id: str) -> VideoRow:
        """Mark the video as deleted. It is purged unless it is restored in time."""
        return self._change(_DELETE, video_id, Cause.PERSON, by=Cause.CLIENT, said=events.DELETED)

    def restore(self, video_id: str) -> VideoRow:
        """Undo a deletion, unless the removal of files has begun or is about to."""
        window = restore_window(self._timing)
        return self._change(_RESTORE, video_id, Cause.PERSON, window=window, by=Cause.CLIENT, said=events.RESTORED)

    def _change(
        self, statement: str, video_id: str, cause: Cause, *, only_at: int | None = None, **values: object
    ) -> VideoRow:
        """Change the row if the statement's conditions hold, and nudge the operator."""
        parameters = {"video_id": video_id, **values}
        with _at_most_its_type(), self._database.transaction() as connection:
            before = _locked(connection, video_id)
            if only_at not in (None, before.desired.revision):
                raise VideoChangedError(video_id)
            row = _counted(fetch_video(connection, statement, parameters)) or before
            wakeups.send(connection, wakeups.Wakeup(video_id, cause))
        return row


@contextmanager
def _at_most_its_type() -> Iterator[None]:
    """Translate that a counter of a row from before they were bounded does not fit into its column."""
    try:
        yield
    except psycopg.errors.NumericValueOutOfRange as error:
        raise CountersSpentError from error


def _counted(row: VideoRow | None) -> VideoRow | None:
    """Return a changed row, unless its resource could not show it. The transaction must then be rolled back.

    A deletion is always possible: the last revision is for it, and rows from before the bound are beyond.
    """
    if row is None or row.desired.deleted:
        return row
    desired = row.desired
    if desired.revision >= COUNTER_MAX or max(desired.edition, desired.retries, desired.confirmations) > COUNTER_MAX:
        raise CountersSpentError
    return row


def _array(texts: Sequence[str] | None) -> list[str] | None:
    """Return what psycopg stores as an array."""
    return None if texts is None else list(texts)


def _locked(connection: Connection, video_id: str) -> VideoRow:
    row = fetch_video(connection, _LOCK, {"video_id": video_id})
    if row is None:
        raise VideoGoneError(video_id)
    return row
