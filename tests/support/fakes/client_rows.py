"""Postgres in memory, as the API sees it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from database.commands import VideoGoneError
from database.creation import Created, LimitReachedError, NewVideo, Quota
from database.idempotency_keys import IdempotencyKey, KeyInUseError, KeyReusedError
from database.notify import Wakeup
from database.queries import Cursor, Page, Selection
from database.retranscodes import Allowance, RetranscodesSpentError
from domain.errors import UnavailableError
from domain.records import Cause, EventRow, VideoRow
from domain.schedule import Timing, first_observation, restore_window
from domain.video import (
    DesiredState,
    Origin,
    Phase,
    UploadMode,
    is_retranscodable,
    is_retryable,
    shown_phase,
)

CREATED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Switch:
    """Turns a fake neighbour off and on."""

    def __init__(self) -> None:
        self.is_away = False

    def check(self) -> None:
        """Raise what the real one raises when Postgres is away."""
        if self.is_away:
            raise UnavailableError("asking Postgres: OperationalError at db.internal:5432")


class FakeClientRows:
    """Stands in for `Wishes`, `Catalogue` and `Events`, over rows by id.

    The limits count all rows of an owner, as if every one were of this hour, and all re-transcodes.
    """

    def __init__(
        self,
        postgres: Switch | None = None,
        timing: Timing | None = None,
        clock: Callable[[], datetime] = lambda: CREATED_AT,
    ) -> None:
        self.postgres = postgres or Switch()
        self.rows: dict[str, VideoRow] = {}
        self.emails: dict[str, str | None] = {}
        self.limits_asked: list[int] = []
        # The owner of each re-transcode that counts.
        self.retranscodes: list[str] = []
        self.nudges: list[Wakeup] = []
        # What each key of an owner made, and from what; and those of requests that are still running.
        self.keys: dict[tuple[str, str], tuple[str, str]] = {}
        self.keys_in_use: set[tuple[str, str]] = set()
        self._events: list[EventRow] = []
        self._timing = timing or Timing()
        self._clock = clock

    def create(self, new: NewVideo, *, per_hour: int, key: IdempotencyKey | None = None) -> Created:
        self.postgres.check()
        made = self._made_before(new.owner, key) if key else None
        if made is not None:
            return Created(made, self._quota(new.owner, per_hour))
        self.limits_asked.append(per_hour)
        if sum(row.desired.owner == new.owner for row in self.rows.values()) >= per_hour:
            raise LimitReachedError(per_hour=per_hour, retry_after_seconds=1234.5)
        now = self._clock()
        observed = first_observation(now, self._timing)
        row = VideoRow(_desired(new), observed, now, retired=False, metadata=new.metadata)
        self.rows[new.video_id] = row
        self.emails[new.video_id] = new.email
        if key is not None:
            self.keys[new.owner, key.text] = (key.fingerprint, new.video_id)
        self._events.append(_event(row, now, Cause.CLIENT))
        return Created(row, self._quota(new.owner, per_hour))

    def _quota(self, owner: str, per_hour: int) -> Quota:
        used = sum(row.desired.owner == owner for row in self.rows.values())
        return Quota(per_hour, max(0, per_hour - used), more_in_seconds=3600)

    def _made_before(self, owner: str, key: IdempotencyKey) -> VideoRow | None:
        if (owner, key.text) in self.keys_in_use:
            raise KeyInUseError
        fingerprint, video_id = self.keys.get((owner, key.text), (key.fingerprint, ""))
        if fingerprint != key.fingerprint:
            raise KeyReusedError
        return self.rows.get(video_id)

    def get(self, video_id: str) -> VideoRow | None:
        self.postgres.check()
        return self.rows.get(video_id)

    def of_owner(self, selection: Selection, *, after: Cursor | None, at_most: int) -> Page:
        self.postgres.check()
        placed = [(Cursor(row.created_at, key), row) for key, row in self.rows.items() if _is_in(selection, row)]
        return _page(placed, after, at_most)

    def dead_letters(self, *, after: Cursor | None, at_most: int) -> Page:
        self.postgres.check()
        placed = [
            (Cursor(row.observed.phase_since, key), row)
            for key, row in self.rows.items()
            if row.observed.phase is Phase.ERRORED and not row.desired.deleted
        ]
        return _page(placed, after, at_most)

    def of_video(self, video_id: str, *, at_most: int) -> list[EventRow]:
        self.postgres.check()
        return [event for event in self._events if event.video_id == video_id][-at_most:]

    def open_upload(self, video_id: str, *, upload_id: str, part_bytes: int, instead_of: str | None) -> VideoRow:
        self.postgres.check()
        if video_id not in self.rows:
            raise VideoGoneError(video_id)
        row = self.rows[video_id]
        is_ours = row.desired.origin is Origin.API and row.desired.upload_mode is UploadMode.MULTIPART
        waits = row.observed.phase in (Phase.PENDING, Phase.UPLOADING) and not row.desired.deleted
        if is_ours and waits and row.upload_id == instead_of:
            self.rows[video_id] = replace(row, upload_id=upload_id, part_bytes=row.part_bytes or part_bytes)
        return self.rows[video_id]

    def confirm(self, video_id: str) -> VideoRow:
        row = self._asked(video_id, Cause.CLIENT)
        answered = row.observed.confirmations_answered
        if row.observed.phase not in (Phase.PENDING, Phase.UPLOADING) or row.desired.deleted:
            return row
        return self._change(row, row.desired.confirmations <= answered, confirmations=row.desired.confirmations + 1)

    def retry(self, video_id: str) -> VideoRow:
        row = self._asked(video_id, Cause.PERSON)
        is_new = row.desired.retries <= row.observed.retries
        is_due = is_retryable(row.observed) and is_new and not row.desired.deleted
        return self._change(row, is_due, retries=row.desired.retries + 1)

    def retranscode(self, video_id: str, *, allowance: Allowance) -> VideoRow:
        row = self._asked(video_id, Cause.PERSON)
        is_due = (
            is_retranscodable(row.observed) and row.desired.edition <= row.observed.edition and not row.desired.deleted
        )
        after = self._change(row, is_due, edition=row.desired.edition + 1)
        if after is not row:
            if self.retranscodes.count(allowance.owner) >= allowance.per_day:
                self.rows[video_id] = row
                raise RetranscodesSpentError(per_day=allowance.per_day, retry_after_seconds=1234.5)
            self.retranscodes.append(allowance.owner)
        return after

    def delete(self, video_id: str) -> VideoRow:
        row = self._asked(video_id, Cause.PERSON)
        return self._change(row, not row.desired.deleted, deleted=True)

    def restore(self, video_id: str) -> VideoRow:
        row = self._asked(video_id, Cause.PERSON)
        since = row.deleted_at
        is_due = since is not None and self._clock() < since + restore_window(self._timing)
        return self._change(row, is_due, deleted=False)

    def observe(self, video_id: str, **changes: object) -> None:
        """Play the operator: change what is observed of a video, because of a poll or of ``cause``."""
        row, cause = self.rows[video_id], Cause(str(changes.pop("cause", Cause.POLL)))
        observed = replace(row.observed, revision=row.observed.revision + 1, **changes)  # type: ignore[arg-type]
        self.rows[video_id] = replace(row, observed=observed)
        self._events.append(_event(self.rows[video_id], self._clock(), cause))

    def set_desired_state(self, video_id: str, **changes: Any) -> None:
        """Put a wish on record whoever may have asked for it."""
        row = self.rows[video_id]
        self.rows[video_id] = replace(row, desired=replace(row.desired, **changes))

    def _asked(self, video_id: str, cause: Cause) -> VideoRow:
        self.postgres.check()
        if video_id not in self.rows:
            raise VideoGoneError(video_id)
        self.nudges.append(Wakeup(video_id, cause))
        return self.rows[video_id]

    def _change(self, row: VideoRow, is_due: bool, **changes: Any) -> VideoRow:
        if not is_due or row.desired.origin is Origin.KUBERNETES:
            return row
        desired = replace(row.desired, revision=row.desired.revision + 1, **changes)
        deleted_at = (row.deleted_at or self._clock()) if desired.deleted else None
        self.rows[desired.video_id] = replace(row, desired=desired, retired=False, deleted_at=deleted_at)
        return self.rows[desired.video_id]


class FakeClaims:
    """Claims of the attempts that were made; others are dropped, as by the real one."""

    def __init__(self, postgres: Switch | None = None) -> None:
        self.postgres = postgres or Switch()
        self.attempts: set[tuple[str, int]] = set()
        self.recorded: set[tuple[str, int, str]] = set()

    def record(self, *, video_id: str, attempt: int, job_id: str) -> None:
        self.postgres.check()
        if (video_id, attempt) in self.attempts:
            self.recorded.add((video_id, attempt, job_id))


def _desired(new: NewVideo) -> DesiredState:
    return DesiredState(revision=1, origin=Origin.API, **wished(new))


def wished(new: NewVideo) -> dict[str, Any]:
    """Return what becomes part of the wish."""
    return {name: value for name, value in vars(new).items() if name not in ("metadata", "email")}


def _event(row: VideoRow, at: datetime, cause: Cause) -> EventRow:
    seen = row.observed
    return EventRow(row.desired.video_id, seen.revision, at, cause, seen.phase, seen.reason, seen.message, seen.attempt)


def _is_in(selection: Selection, row: VideoRow) -> bool:
    if (row.desired.owner, row.desired.deleted) != (selection.owner, selection.is_deleted):
        return False
    newest, shown = row.observed.phase, shown_phase(row.desired, row.observed)
    return selection.status in (None, newest if selection.status is Phase.ERRORED else shown)


def _page(placed: Sequence[tuple[Cursor, VideoRow]], after: Cursor | None, at_most: int) -> Page:
    def key(place: Cursor) -> tuple[datetime, str]:
        return place.at, place.video_id

    rest = [one for one in placed if after is None or key(one[0]) < key(after)]
    rest.sort(key=lambda one: key(one[0]), reverse=True)
    shown = rest[:at_most]
    return Page(tuple(row for _, row in shown), shown[-1][0] if len(rest) > at_most else None)
