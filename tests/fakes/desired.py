"""Postgres in memory, as the API sees it."""

from dataclasses import replace
from datetime import UTC, datetime

from crds.schedule import Timing, deadline_at
from crds.trouble import UnavailableError
from crds.videoupload import Observed, Origin, Phase, Reason, UploadMode, Wish
from desired.rows import VideoRow
from desired.wishes import LimitReachedError, NewVideo

CREATED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Switch:
    """Turns a fake neighbour off and on."""

    def __init__(self) -> None:
        self.is_away = False

    def check(self) -> None:
        """Raise what the real one raises when Postgres is away."""
        if self.is_away:
            raise UnavailableError("asking Postgres: OperationalError at db.internal:5432")


class FakeWishes:
    """Rows by id. The limit counts all rows of an owner, as if every one were of this hour."""

    def __init__(self, postgres: Switch | None = None, timing: Timing | None = None) -> None:
        self.postgres = postgres or Switch()
        self.rows: dict[str, VideoRow] = {}
        self.limits_asked: list[int] = []
        self._timing = timing or Timing()

    def create(self, new: NewVideo, *, per_hour: int) -> VideoRow:
        self.postgres.check()
        self.limits_asked.append(per_hour)
        if sum(row.wish.owner == new.owner for row in self.rows.values()) >= per_hour:
            raise LimitReachedError(per_hour=per_hour, retry_after_seconds=1234.5)
        row = VideoRow(_wish(new), _waits_for_the_file(self._timing), CREATED_AT, retired=False)
        self.rows[new.video_id] = row
        return row

    def get(self, video_id: str) -> VideoRow | None:
        self.postgres.check()
        return self.rows.get(video_id)

    def confirm(self, video_id: str) -> VideoRow:
        self.postgres.check()
        row = self.rows[video_id]
        rejected = row.observed.rejected
        answered = rejected.confirmations if rejected else 0
        if row.observed.phase in (Phase.PENDING, Phase.UPLOADING) and row.wish.confirmations <= answered:
            wish = replace(row.wish, confirmations=row.wish.confirmations + 1, revision=row.wish.revision + 1)
            self.rows[video_id] = replace(row, wish=wish, retired=False)
        return self.rows[video_id]

    def observe(self, video_id: str, **changes: object) -> None:
        """Play the operator: change what is observed of a video."""
        row = self.rows[video_id]
        observed = replace(row.observed, revision=row.observed.revision + 1, **changes)  # type: ignore[arg-type]
        self.rows[video_id] = replace(row, observed=observed)


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


def _wish(new: NewVideo) -> Wish:
    return Wish(revision=1, origin=Origin.API, upload_mode=UploadMode.SINGLE, **vars(new))


def _waits_for_the_file(timing: Timing) -> Observed:
    return Observed(
        revision=1,
        phase=Phase.UPLOADING,
        phase_since=CREATED_AT,
        reason=Reason.WAITING_FOR_FILE,
        message="the file has not arrived yet",
        deadline_at=deadline_at(Phase.UPLOADING, CREATED_AT, timing),
    )
