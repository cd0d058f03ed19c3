"""Postgres in memory, as the audit sees it: over the tables of `FakeRecords`, with its own quarantine."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from domain.audit_records import AuditedRow, DoubledJob, OverdueRow, QuarantinedObject, UncertainSubmission
from domain.captions import PublishedCaptions
from domain.posters import OwnPoster
from domain.records import UNRESOLVED, AttemptState, VideoRow
from domain.video import Origin, Phase
from tests.support.fakes.records import FakeRecords


class FakeAuditedRows:
    """Stands in for `database.audit.AuditedRows`. Claims have no age here: all are of today."""

    def __init__(self, records: FakeRecords, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.heals: dict[str, int] = {}
        self.in_quarantine: dict[str, QuarantinedObject] = {}
        self._records = records
        self._clock = clock

    def all(self, *, after: str, until: str | None = None, at_most: int) -> list[AuditedRow]:
        rows = [row for row in self._rows() if row.desired.video_id > after]
        return [self._audited(row) for row in rows if until is None or row.desired.video_id <= until][:at_most]

    def working(self, *, after: str, at_most: int) -> list[AuditedRow]:
        rows = [row for row in self._rows() if row.desired.video_id > after and not row.retired]
        published = [row for row in rows if row.observed.published is not None]
        return [self._audited(row) for row in published if row.observed.is_playable or row.desired.deleted][:at_most]

    def get(self, video_id: str) -> AuditedRow | None:
        row = self._records.get(video_id)
        return None if row is None else self._audited(row)

    def existing(self, video_ids: Iterable[str]) -> set[str]:
        return set(video_ids) & set(self._records.rows)

    def heal(self, row: VideoRow, *, max_heals: int) -> VideoRow | None:
        video_id = row.desired.video_id
        stored = self._records.get(video_id)
        if stored is None or stored.desired != row.desired or stored.observed != row.observed:
            return None
        heals, desired, observed = self.heals.get(video_id, 0), row.desired, row.observed
        is_refused = desired.origin is not Origin.API or desired.deleted or observed.is_paused
        if is_refused or heals >= max_heals or (observed.phase, observed.edition) != (Phase.READY, desired.edition):
            return None
        desired = replace(desired, edition=desired.edition + 1, revision=desired.revision + 1)
        self.heals[video_id] = heals + 1
        self._records.rows[video_id] = replace(stored, desired=desired, retired=False)
        return self._records.rows[video_id]

    def forget_captions(self, row: VideoRow) -> VideoRow | None:
        stored = self._records.get(row.desired.video_id)
        if stored is None or stored.desired != row.desired or stored.observed != row.observed or row.desired.deleted:
            return None
        return self._forget(replace(stored, captions_published=PublishedCaptions()))

    def forget_poster(self, row: VideoRow) -> VideoRow | None:
        stored = self._records.get(row.desired.video_id)
        if stored is None or stored.desired != row.desired or stored.observed != row.observed or row.desired.deleted:
            return None
        return self._forget(replace(stored, poster_published=OwnPoster()))

    def _forget(self, row: VideoRow) -> VideoRow:
        desired = replace(row.desired, revision=row.desired.revision + 1)
        self._records.rows[desired.video_id] = replace(row, desired=desired, retired=False)
        return self._records.rows[desired.video_id]

    def doubled(self, video_ids: Sequence[str], *, since: datetime) -> list[DoubledJob]:
        assert since <= self._clock()
        recorded = {attempt.job_id for attempt in self._records.attempts.values()}
        return [
            DoubledJob(*of, job_id, self._records.attempts[of].job_id)
            for of, job_ids in sorted(self._records.claims.items())
            for job_id in job_ids
            if of[0] in video_ids and job_id not in recorded and self._records.attempts[of].state not in UNRESOLVED
        ]

    def uncertain(self, *, before: datetime, at_most: int) -> list[UncertainSubmission]:
        newest = [
            self._records.attempts[row.desired.video_id, row.observed.attempt]
            for row in self._rows()
            if not row.retired and row.observed.phase is Phase.UPLOADED and row.observed.attempt > 0
        ]
        found = [
            UncertainSubmission(made.video_id, made.attempt, made.intended_at)
            for made in newest
            if made.state is AttemptState.UNCERTAIN
            or (made.state is AttemptState.INTENDED and made.intended_at < before)
        ]
        return sorted(found, key=lambda made: made.intended_at)[:at_most]

    def overdue(self, *, before: datetime, at_most: int) -> list[OverdueRow]:
        found = [
            OverdueRow(row.desired.video_id, row.observed.phase, row.observed.deadline_at)
            for row in self._rows()
            if not (row.retired or row.desired.deleted or row.observed.is_paused)
            and row.observed.deadline_at is not None
        ]
        late = [row for row in found if row.deadline_at < before]
        return sorted(late, key=lambda row: row.deadline_at)[:at_most]

    def quarantine(self, sizes: Mapping[str, int]) -> int:
        new = {key: size for key, size in sizes.items() if key not in self.in_quarantine}
        self.in_quarantine |= {key: QuarantinedObject(key, size, self._clock()) for key, size in new.items()}
        return len(new)

    def quarantined_among(self, object_keys: Iterable[str]) -> set[str]:
        return set(object_keys) & set(self.in_quarantine)

    def quarantined(self, *, after: str, at_most: int) -> list[QuarantinedObject]:
        return [entry for key, entry in sorted(self.in_quarantine.items()) if key > after][:at_most]

    def release(self, object_keys: Sequence[str]) -> int:
        return sum(self.in_quarantine.pop(key, None) is not None for key in object_keys)

    def _rows(self) -> Iterator[VideoRow]:
        yield from (row for _, row in sorted(self._records.rows.items()))

    def _audited(self, row: VideoRow) -> AuditedRow:
        published = row.observed.published
        made = self._records.attempts.get((row.desired.video_id, published.attempt)) if published else None
        return AuditedRow(row, self.heals.get(row.desired.video_id, 0), made.settled_at if made else None)
