"""Postgres in memory, as the operator sees it: rows, attempts, claims and history, fenced like the real one.

It stays because thousands of lives run on it, killed at every effect: about 180 lives a second, of nine observations
each, where one commit on Postgres takes 4 ms without fsync and a life 36 ms at least.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import nsmallest

from database.adoption import STATE_CERTAINTY, newest_state
from database.events import DELETED, EXPIRED, RESTORED, message_of
from database.observations import is_transition
from domain.captions import Captions, CaptionTrack, PublishedCaptions, with_track, without_track
from domain.messages import is_behind
from domain.posters import OwnPoster, chosen, digest_of
from domain.records import (
    AttemptChange,
    AttemptRow,
    AttemptState,
    Cause,
    EventRow,
    Intend,
    Settle,
    VideoRow,
    WorkingRow,
)
from domain.retention import is_file_due, is_row_due
from domain.schedule import Timing
from domain.spending import SubmissionLoad, WaitingUpload, start_of_day
from domain.video import (
    AT_REST,
    WAITING_FOR_A_PLACE,
    DesiredState,
    ObservedState,
    Origin,
    Phase,
    Visibility,
    is_retryable,
    must_relocate,
)

MOST_CLAIMS = 8
# The rules with both periods over.
_AT_ONCE = Timing().model_copy(update={"errored_file_seconds": 0, "errored_row_seconds": 0})


class FakeRecords:
    """Stands in for `Observations`, `Attempts`, `Claims`, `Retention`, `Adoption`, `CaptionRows` and `PosterRows`."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self.rows: dict[str, VideoRow] = {}
        self.attempts: dict[tuple[str, int], AttemptRow] = {}
        self.intents: dict[tuple[str, int], Intend] = {}
        self.claims: dict[tuple[str, int], list[str]] = {}
        self.events: list[EventRow] = []
        self.tombstones: dict[str, int] = {}
        self.notifications: set[tuple[str, int, str]] = set()
        self.texts: dict[tuple[str, str], tuple[str, str]] = {}
        self.pictures: dict[str, bytes] = {}

    def create(self, desired: DesiredState, observed: ObservedState) -> VideoRow:
        """Play the API: insert a row."""
        row = VideoRow(desired, observed, self._clock(), retired=False)
        self.rows[desired.video_id] = row
        return row

    def confirm(self, video_id: str) -> VideoRow:
        """Play the API: record a confirmation that no rejection has answered yet."""
        row = self.rows[video_id]
        answered = row.observed.confirmations_answered
        if row.observed.phase in {Phase.PENDING, Phase.UPLOADING} and row.desired.confirmations <= answered:
            desired = replace(
                row.desired, confirmations=row.desired.confirmations + 1, revision=row.desired.revision + 1
            )
            self.rows[video_id] = replace(row, desired=desired, retired=False)
        return self.rows[video_id]

    def retry(self, video_id: str) -> None:
        """Play the API: a person asks for another try of what failed."""
        row = self.rows[video_id]
        if is_retryable(row.observed) and row.desired.retries <= row.observed.retries:
            self.rows[video_id] = replace(self._desired(row, retries=row.desired.retries + 1), rollout_edition=None)

    def ask_for_edition(self, video_id: str) -> None:
        """Play the API: a person asks for a new transcode."""
        row = self.rows[video_id]
        self._desired(row, edition=row.desired.edition + 1)

    def roll_out(self, video_id: str) -> None:
        """Play a rollout: it asks for a new transcode."""
        row = self._desired(self.rows[video_id], edition=self.rows[video_id].desired.edition + 1)
        self.rows[video_id] = replace(row, rollout_edition=row.desired.edition)

    def set_visibility(self, video_id: str, visibility: Visibility) -> None:
        """Play the API: the owner changes who can play the video."""
        row = self.rows[video_id]
        if row.desired.visibility is not visibility:
            self._desired(row, visibility=visibility)

    def delete(self, video_id: str) -> VideoRow:
        """Play the API: the owner deletes the video."""
        row = self.rows[video_id]
        if not row.desired.deleted:
            self.rows[video_id] = replace(self._desired(row, deleted=True), deleted_at=self._clock())
        return self.rows[video_id]

    def restore(self, video_id: str) -> None:
        """Play the API: the owner wants the video back."""
        row = self.rows[video_id]
        if row.desired.deleted:
            restored = replace(self._desired(row, deleted=False), deleted_at=None, restored_at=self._clock())
            self.rows[video_id] = restored

    def put_captions(self, video_id: str, track: CaptionTrack, text: str) -> None:
        """Play the API: the owner wants captions."""
        row = self.rows[video_id]
        self._captions(row, with_track(row.captions, row.captions_published, track))
        self.texts[video_id, track.language] = (track.digest, text)

    def remove_captions(self, video_id: str, language: str) -> None:
        """Play the API: the owner wants captions no more."""
        row = self.rows[video_id]
        self._captions(row, without_track(row.captions, row.captions_published, language))
        self.texts.pop((video_id, language), None)

    def _captions(self, row: VideoRow, captions: Captions) -> None:
        if captions != row.captions:
            self.rows[row.desired.video_id] = replace(self._desired(row), captions=captions)

    def text(self, video_id: str, language: str, *, digest: str) -> str | None:
        stored = self.texts.get((video_id, language))
        return stored[1] if stored is not None and stored[0] == digest else None

    def publish(self, row: VideoRow, published: PublishedCaptions) -> VideoRow | None:
        stored = self.rows.get(row.desired.video_id)
        if stored is None or _revisions(stored) != _revisions(row):
            return None
        self.rows[row.desired.video_id] = replace(stored, captions_published=published)
        return self.rows[row.desired.video_id]

    def choose_poster(self, video_id: str, picture: bytes | None) -> None:
        """Play the API: the owner chooses a poster, or the automatic one."""
        row = self.rows[video_id]
        poster = chosen(row.poster, None if picture is None else digest_of(picture))
        if poster != row.poster:
            self.rows[video_id] = replace(self._desired(row), poster=poster)
            self.pictures[video_id] = picture or b""

    def picture(self, video_id: str, *, digest: str) -> bytes | None:
        stored = self.pictures.get(video_id)
        return stored if stored is not None and digest_of(stored) == digest else None

    def show(self, row: VideoRow) -> VideoRow | None:
        observed = replace(row.observed, revision=row.observed.revision + 1)
        return self._posted(row, replace(row.poster_published, digest=row.poster.digest), observed)

    def settle(self, row: VideoRow) -> VideoRow | None:
        return self._posted(row, row.poster, row.observed)

    def _posted(self, row: VideoRow, poster: OwnPoster, observed: ObservedState) -> VideoRow | None:
        stored = self.rows.get(row.desired.video_id)
        if stored is None or _revisions(stored) != _revisions(row):
            return None
        self.rows[row.desired.video_id] = replace(stored, poster_published=poster, observed=observed)
        return self.rows[row.desired.video_id]

    def _desired(self, row: VideoRow, **changes: object) -> VideoRow:
        desired = replace(row.desired, revision=row.desired.revision + 1, **changes)  # type: ignore[arg-type]
        self.rows[desired.video_id] = replace(row, desired=desired, retired=False)
        return self.rows[desired.video_id]

    def get(self, video_id: str) -> VideoRow | None:
        return self.rows.get(video_id)

    def commit(
        self, before: VideoRow, after: ObservedState, *, cause: Cause, attempt: AttemptChange | None = None
    ) -> VideoRow | None:
        stored = self.rows.get(before.desired.video_id)
        if stored is None or stored.observed.revision != before.observed.revision:
            return None
        if stored.desired.revision != before.desired.revision and not isinstance(attempt, Settle):
            return None
        if attempt is not None and not self._write(before.desired.video_id, attempt):
            return None
        row = replace(stored, observed=replace(after, revision=before.observed.revision + 1))
        self.rows[before.desired.video_id] = row
        if is_transition(before.observed, row.observed):
            self.events.append(replace(self._event(row, cause), message=message_of(before.observed, row.observed)))
        if row.observed.phase is not before.observed.phase:
            self._tell_owner(row)
        return row

    def submission_load(self, now: datetime, *, per_owner: int, at_most: int) -> SubmissionLoad:
        running: Counter[str | None] = Counter()
        for row in self.rows.values():
            ends_at = row.observed.deadline_at
            is_running = row.observed.phase is Phase.PROCESSING and ends_at is not None and ends_at > self._clock()
            if is_running and not row.desired.deleted:
                running[row.counted_owner] += 1
        today = self._intended_since(start_of_day(now))
        return SubmissionLoad(
            running=running,
            submitted=Counter(intent.owner for intent in today),
            minutes=sum(intent.minutes for intent in today),
            waiting=tuple(self._waiting(per_owner))[:at_most],
        )

    def _intended_since(self, day: datetime) -> list[Intend]:
        paid = (key for key, attempt in self.attempts.items() if attempt.state is not AttemptState.REFUSED)
        return [self.intents[key] for key in paid if key in self.intents and self.intents[key].at >= day]

    def _waiting(self, per_owner: int) -> Iterator[WaitingUpload]:
        places: Counter[str | None] = Counter()
        in_line = sorted(
            self.rows.values(),
            key=lambda row: (row.is_of_administrators, row.observed.phase_since, row.desired.video_id),
        )
        for row in in_line:
            is_held = row.desired.deleted or row.observed.is_paused
            if row.observed.phase is not Phase.UPLOADED or row.observed.reason not in WAITING_FOR_A_PLACE or is_held:
                continue
            owner = row.counted_owner
            places[owner] += 1
            if owner is None or places[owner] <= per_owner:
                yield WaitingUpload(row.desired.video_id, owner, row.observed.phase_since, row.is_of_administrators)

    def working(self, *, after: str, at_most: int) -> list[WorkingRow]:
        page = nsmallest(at_most, (key for key, row in self.rows.items() if key > after and not row.retired))
        return [
            WorkingRow(
                row.desired.video_id,
                row.desired.origin,
                row.desired.revision,
                row.observed.revision,
                row.observed.phase,
                row.observed.phase_since,
                row.deleted_at,
                row.has_captions_due
                or row.has_poster_due
                or must_relocate(row.desired, row.observed)
                or (is_behind(row.desired, row.observed) and not row.desired.deleted and not row.observed.is_paused),
                row.is_retained,
            )
            for row in (self.rows[key] for key in page)
        ]

    def retire(self, row: VideoRow) -> VideoRow | None:
        stored = self.rows.get(row.desired.video_id)
        if stored is None or stored.retired or _revisions(stored) != _revisions(row):
            return None
        self.rows[row.desired.video_id] = replace(stored, retired=True)
        return self.rows[row.desired.video_id]

    def expired(self, *, files_before: datetime, rows_before: datetime, at_most: int) -> list[str]:
        due = [
            row.desired.video_id
            for row in self.rows.values()
            if is_file_due(row, files_before, _AT_ONCE) or is_row_due(row, rows_before, _AT_ONCE)
        ]
        return due[:at_most]

    def expire(self, row: VideoRow, *, after: timedelta) -> VideoRow | None:
        stored = self.rows.get(row.desired.video_id)
        if stored is None or _revisions(stored) != _revisions(row):
            return None
        if not is_row_due(stored, self._clock() - after, _AT_ONCE):
            return None
        deleted = replace(self._desired(stored, deleted=True), deleted_at=self._clock(), retired=stored.retired)
        self.rows[row.desired.video_id] = deleted
        self.events.append(replace(self._event(deleted, Cause.SWEEP), message=EXPIRED))
        return deleted

    def begin_purge(self, row: VideoRow, *, grace: timedelta) -> VideoRow | None:
        stored = self.rows.get(row.desired.video_id)
        if stored is None or stored.deleted_at is None or _revisions(stored) != _revisions(row):
            return None
        self.rows[row.desired.video_id] = replace(stored, deleted_at=min(stored.deleted_at, self._clock() - grace))
        return self.rows[row.desired.video_id]

    def purge(self, row: VideoRow) -> bool:
        stored = self.rows.get(row.desired.video_id)
        if stored is None or not stored.desired.deleted or _revisions(stored) != _revisions(row):
            return False
        video_id = row.desired.video_id
        del self.rows[video_id]
        self.attempts = {key: attempt for key, attempt in self.attempts.items() if key[0] != video_id}
        self.claims = {key: jobs for key, jobs in self.claims.items() if key[0] != video_id}
        self.events = [event for event in self.events if event.video_id != video_id]
        self.tombstones[video_id] = stored.observed.attempt
        self.notifications.add((video_id, stored.desired.edition, "video.deleted"))
        return True

    def purgeable(self, *, before: datetime, at_most: int) -> list[str]:
        gone = [row for row in self.rows.values() if row.deleted_at is not None and row.deleted_at <= before]
        gone.sort(key=lambda row: row.deleted_at or before)
        return [row.desired.video_id for row in gone[:at_most]]

    def last_attempt(self, video_id: str) -> int | None:
        return self.tombstones.get(video_id)

    def forget_old(self, *, at_most: int = 1_000) -> int:
        del at_most
        return 0

    def rows_of(self, names: Sequence[str]) -> list[VideoRow]:
        return [self.rows[name] for name in names if name in self.rows]

    def adopt(
        self, desired: DesiredState, observed: ObservedState, *, created_at: datetime | None, at: datetime
    ) -> VideoRow | None:
        buried = self.tombstones.get(desired.video_id)
        is_forbidden = buried is not None and (desired.origin is Origin.API or buried > observed.attempt)
        if desired.video_id in self.rows or is_forbidden:
            return None
        deleted_at = self._clock() if desired.deleted else None
        row = VideoRow(desired, observed, created_at or self._clock(), retired=False, deleted_at=deleted_at)
        self.rows[desired.video_id] = row
        self._record_learnt(row, at)
        self._tell_owner(row)
        return row

    def learn(
        self,
        before: VideoRow,
        *,
        desired: DesiredState | None = None,
        observed: ObservedState | None = None,
        at: datetime,
    ) -> VideoRow | None:
        stored = self.rows.get(before.desired.video_id)
        desired, after = desired or before.desired, observed or before.observed
        if stored is None or _revisions(stored) != _revisions(before):
            return None
        if desired.revision < stored.desired.revision or after.revision < stored.observed.revision:
            return None
        if after.attempt < stored.observed.attempt:
            return None
        deleted_at = (stored.deleted_at or self._clock()) if desired.deleted else None
        row = replace(stored, desired=desired, observed=after, retired=False, deleted_at=deleted_at)
        self.rows[desired.video_id] = row
        if observed is not None:
            self._record_learnt(row, at)
            if before.observed.phase is not after.phase:
                self._tell_owner(row)
        if before.desired.deleted != desired.deleted:
            said = DELETED if desired.deleted else RESTORED
            self.events.append(replace(self._event(row, Cause.SWEEP), message=said))
        return row

    def is_open(self, video_id: str, attempt: int) -> bool:
        row = self.attempts.get((video_id, attempt))
        return row is not None and row.state is AttemptState.INTENDED

    def since(self, video_id: str, *, floor: int) -> list[AttemptRow]:
        return [row for (of, number), row in sorted(self.attempts.items()) if of == video_id and number > floor]

    def last_accepted_at(self, *, before: datetime | None = None) -> datetime | None:
        accepted = {AttemptState.ACCEPTED, AttemptState.COMPLETED, AttemptState.FAILED}
        times = (row.intended_at for row in self.attempts.values() if row.state in accepted)
        return max((at for at in times if before is None or at < before), default=None)

    def record(self, *, video_id: str, attempt: int, job_id: str) -> None:
        """Play the API: keep what a signed callback said."""
        stored = self.claims.setdefault((video_id, attempt), [])
        if (video_id, attempt) in self.attempts and job_id not in stored:
            stored.append(job_id)
            del stored[:-MOST_CLAIMS]

    def of_attempt(self, video_id: str, attempt: int) -> list[str]:
        taken = {row.job_id for key, row in self.attempts.items() if key != (video_id, attempt)}
        return [job_id for job_id in self.claims.get((video_id, attempt), []) if job_id not in taken]

    def history(self, video_id: str) -> list[EventRow]:
        """Return one video's history, oldest first."""
        return [event for event in self.events if event.video_id == video_id]

    def _write(self, video_id: str, change: AttemptChange) -> bool:
        key = (video_id, change.attempt)
        stored = self.attempts.get(key)
        if isinstance(change, Intend):
            if stored is not None and stored.state is not AttemptState.REFUSED:
                return False
            if not self._is_within_limits(change):
                return False
            self.intents[key] = change
            fresh = AttemptRow(*key, change.edition, AttemptState.INTENDED, None, change.at, None, None)
            self.attempts[key] = replace(fresh, answer=stored.answer if stored else None)
            return True
        others = {row.job_id for of, row in self.attempts.items() if of != key and row.job_id is not None}
        if stored is None or change.job_id in others:
            return False
        if not change.is_charged and key in self.intents:
            self.intents[key] = replace(self.intents[key], minutes=0.0, owner=None)
        elif change.minutes is not None and key in self.intents:
            self.intents[key] = replace(self.intents[key], minutes=change.minutes)
        self.attempts[key] = replace(
            stored,
            state=change.state,
            settled_at=change.at,
            job_id=change.job_id or stored.job_id,
            answer=change.answer or stored.answer,
        )
        return True

    def _is_within_limits(self, intent: Intend) -> bool:
        today, limits = self._intended_since(start_of_day(intent.at)), intent.limits
        ours = sum(other.owner == intent.owner for other in today)
        if intent.owner is not None and ours >= limits.submissions_per_owner:
            return False
        minutes = sum(other.minutes for other in today) + intent.minutes
        return limits.minutes_per_day == 0 or minutes <= limits.minutes_per_day

    def _record_learnt(self, row: VideoRow, at: datetime) -> None:
        video_id, observed = row.desired.video_id, row.observed
        for number in range(1, observed.attempt):
            stored = self.attempts.get((video_id, number))
            failed = AttemptRow(
                video_id, number, observed.edition, AttemptState.FAILED, None, at, at, "restored from the resource"
            )
            if stored is None:
                self.attempts[video_id, number] = failed
            elif stored.state is AttemptState.REFUSED:
                self.attempts[video_id, number] = replace(stored, state=AttemptState.FAILED, settled_at=at)
        if observed.attempt > 0:
            self._record_newest(row, at)
        self.events.append(self._event(row, Cause.SWEEP))

    def _record_newest(self, row: VideoRow, at: datetime) -> None:
        key, observed, state = (row.desired.video_id, row.observed.attempt), row.observed, newest_state(row.observed)
        stored = self.attempts.get(key)
        if stored is None:
            self.attempts[key] = AttemptRow(*key, observed.edition, state, observed.job_id, at, at, None)
        elif STATE_CERTAINTY.index(state) > STATE_CERTAINTY.index(stored.state):
            job_id = stored.job_id or observed.job_id
            self.attempts[key] = replace(stored, state=state, job_id=job_id, intended_at=at, settled_at=at)

    def _tell_owner(self, row: VideoRow) -> None:
        if row.observed.phase in AT_REST:
            self.notifications.add((row.desired.video_id, row.observed.edition, f"video.{row.observed.phase}"))

    def _event(self, row: VideoRow, cause: Cause) -> EventRow:
        seen = row.observed
        return EventRow(
            row.desired.video_id,
            seen.revision,
            self._clock(),
            cause,
            seen.phase,
            seen.reason,
            seen.message,
            seen.attempt,
        )


def _revisions(row: VideoRow) -> tuple[int, int]:
    return row.desired.revision, row.observed.revision
