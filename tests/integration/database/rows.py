"""The rows of videos as the API reads and writes them, and the changes that the operator and time make."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import psycopg

from database.catalogue import Catalogue
from database.commands import VideoCommands
from database.events import EventLog
from database.idempotency_keys import IdempotencyKey, made_before
from database.job_claims import Claims
from database.observations import Observations
from database.pool import Database
from database.queries import Selection, VideoQueries
from database.wakeups import Wakeup, listen
from domain.records import Cause, Intend, VideoRow
from domain.schedule import Timing
from domain.video import Phase, Rejection
from tests.support.builders.videos import VIDEO, a_new_video, in_phase

OTHER_VIDEO = "contractcontractcontractx2"
THIRD_VIDEO = "contractcontractcontractx3"
KEY = IdempotencyKey("8e03978e", "a" * 64)


class Rows:
    """An empty database and the classes of database/ on it."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, max_size=2, timeout_seconds=1)
        self.commands = VideoCommands(self.database, Timing())
        self.queries = VideoQueries(self.database)
        self.catalogue = Catalogue(self.database)
        self.history = EventLog(self.database)
        self.claims = Claims(self.database)
        self._observations = Observations(self.database)
        self._url = url
        self._wakeups = listen(url, quiet_seconds=5)
        assert next(self._wakeups) is None, "the channel is open"

    def row(self, video_id: str = VIDEO) -> VideoRow:
        """Return a row that must exist."""
        row = self.queries.get(video_id)
        assert row is not None
        return row

    def create(self, *video_ids: str) -> None:
        """Create Ann's videos, one after the other."""
        for video_id in video_ids or (VIDEO,):
            self.commands.create(a_new_video(video_id), per_hour=10)

    def observe(self, video_id: str, attempt: Intend | None = None, **changes: Any) -> None:
        """Change what is observed of a video."""
        row = self.row(video_id)
        observed = replace(row.observed, **changes)
        assert self._observations.commit(row, observed, cause=Cause.POLL, attempt=attempt) is not None

    def reject(self, confirmations: int) -> None:
        """Reject the file that has arrived."""
        self.observe(VIDEO, rejected=Rejection("not_a_video", "no video", "etag@1", confirmations))

    def enter(self, phase: Phase, video_id: str = VIDEO, **changes: Any) -> None:
        """Bring a video into a phase, with the columns it requires."""
        self.observe(video_id, **in_phase(phase), **changes)

    def import_it(self, video_id: str) -> None:
        """Make a video an import, whose desired state belongs to Kubernetes."""
        self._execute("UPDATE videos SET origin = 'kubernetes' WHERE video_id = %s", video_id)

    def retire(self, video_id: str) -> None:
        """Record that the resource of a video was removed."""
        self._execute("UPDATE videos SET retired = true WHERE video_id = %s", video_id)

    def age_creation(self, video_id: str, by: timedelta) -> None:
        """Move the creation of a video into the past."""
        self._execute("UPDATE videos SET created_at = created_at - %s WHERE video_id = %s", by, video_id)

    def age_deletion(self, video_id: str, by: timedelta) -> None:
        """Move the deletion of a video into the past."""
        self._execute("UPDATE videos SET deleted_at = deleted_at - %s WHERE video_id = %s", by, video_id)

    def age_keys(self) -> None:
        """Make every idempotency key a day older."""
        self._execute("UPDATE idempotency_keys SET created_at = created_at - interval '1 day'")

    def age_retranscodes(self) -> None:
        """Make every re-transcode a day older."""
        self._execute("UPDATE retranscodes SET asked_at = asked_at - interval '1 day'")

    def next_wakeup(self) -> Wakeup | None:
        """Wait for the next notification that the operator receives."""
        # Between two wakeups the listener reports that the channel is quiet.
        return next((wakeup for wakeup in islice(self._wakeups, 2) if wakeup is not None), None)

    @contextmanager
    def hold_key(self, text: str) -> Iterator[None]:
        """Be another process, whose request under one of Ann's keys has not finished."""
        other = Database(self._url, max_size=1)
        with other.transaction() as running:
            assert made_before(running, "ann", IdempotencyKey(text, "")) is None
            yield
        other.close()

    def listed(self, **selected: Any) -> list[str]:
        """Return the ids on the first page of Ann's videos."""
        page = self.queries.of_owner(Selection("ann", **selected), after=None, at_most=10)
        assert page.last is None
        return [row.desired.video_id for row in page.rows]

    def _execute(self, statement: str, *parameters: object) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(statement, parameters)
