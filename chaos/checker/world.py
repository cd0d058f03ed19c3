"""Everything that the checks judge, as plain values. All times are seconds since 1970."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar

AT_REST = frozenset({"ready", "errored"})
_VIDEO_IN_PATH = re.compile(r"/videos/([a-z0-9][-a-z0-9]*)")


class _OfVideo(Protocol):
    @property
    def video_id(self) -> str: ...


_Row = TypeVar("_Row", bound=_OfVideo)


@dataclass(frozen=True)
class Run:
    """The conditions of a run. ``bound_seconds``: within which an upload comes to rest once it meets no more faults.

    ``secrets``: texts that nothing may show; ``killable``: processes of which each must have been killed.
    """

    seed: int
    n: int
    started_at: float
    ended_at: float
    scale: float
    bound_seconds: float
    secrets: tuple[str, ...] = ()
    wanted_faults: tuple[str, ...] = ()
    killable: tuple[str, ...] = ()
    max_submissions: int = 3
    max_heals: int = 3


@dataclass(frozen=True)
class Answer:
    """What a client got for one request; ``status`` is None if no answer came."""

    at: float
    client: str
    method: str
    path: str
    status: int | None
    code: str | None

    @property
    def video_id(self) -> str | None:
        """Return the video that the path names."""
        match = _VIDEO_IN_PATH.search(self.path)
        return match[1] if match else None


@dataclass(frozen=True)
class FiredFault:
    """One fault that fired. ``dump_at``: of a restore of Postgres, when the dump was made that was put back."""

    at: float
    until: float
    kind: str
    target: str
    dump_at: float | None = None

    def overlaps(self, since: float, until: float) -> bool:
        """Return whether the fault was in force at any moment of a span."""
        return self.at <= until and since <= max(self.at, self.until)


@dataclass(frozen=True)
class Action:
    """What a client did, in its own words, with an upload. ``is_import``: it named the upload itself."""

    at: float
    client: str
    video_id: str
    did: str
    is_import: bool = False


@dataclass(frozen=True)
class Receipt:
    """One message that the receiver of notifications got."""

    at: float
    notification_id: str
    video_id: str
    type: str
    edition: int


@dataclass(frozen=True)
class VideoRecord:
    """One row of `videos`. ``source``, ``published`` and ``failure`` are its JSON."""

    video_id: str
    created_at: float
    origin: str
    owner: str
    storage_key: str
    revision: int
    edition: int
    retries: int
    heals: int
    deleted: bool
    deleted_at: float | None
    retired: bool
    observed_revision: int
    phase: str
    phase_since: float
    reason: str
    message: str
    observed_edition: int
    observed_retries: int
    attempt: int
    is_paused: bool
    is_playable: bool
    is_withdrawn: bool
    upload_id: str | None
    source: Mapping[str, Any] | None
    published: Mapping[str, Any] | None
    failure: Mapping[str, Any] | None

    @property
    def is_import(self) -> bool:
        """Return whether a user's resource owns the desired state."""
        return self.origin == "kubernetes"

    @property
    def has_new_request(self) -> bool:
        """Return whether an edition or a retry was requested that no pass has begun."""
        return (self.edition, self.retries) > (self.observed_edition, self.observed_retries)

    @property
    def is_at_rest(self) -> bool:
        """Return whether nothing is left to do for the newest edition."""
        return self.phase in AT_REST and not self.has_new_request

    @property
    def is_public(self) -> bool:
        """Return whether people can play the video by its URL."""
        return self.is_playable and not self.deleted

    @property
    def shown_phase(self) -> str:
        """Return the phase that people see."""
        return "ready" if self.is_public else self.phase

    @property
    def failure_code(self) -> str | None:
        """Return why the newest edition failed."""
        return None if self.failure is None else str(self.failure.get("code"))

    @property
    def original_key(self) -> str:
        """Return where the accepted file is kept, or where it is to be sent."""
        return str((self.source or {}).get("key") or self.storage_key)


@dataclass(frozen=True)
class Attempt:
    """One row of `attempts`: a paid submission."""

    video_id: str
    attempt: int
    edition: int
    state: str
    job_id: str | None
    intended_at: float
    settled_at: float | None
    answer: str | None
    minutes: float = 0.0


@dataclass(frozen=True)
class Claim:
    """One row of `job_claims`: what a signed callback said."""

    video_id: str
    attempt: int
    job_id: str
    claimed_at: float


@dataclass(frozen=True)
class HistoryLine:
    """One row of `video_events`, the history."""

    video_id: str
    observed_revision: int
    desired_revision: int
    at: float
    cause: str
    phase: str
    reason: str
    message: str
    attempt: int


@dataclass(frozen=True)
class CountedRequest:
    """One row of `retranscodes`: a counted ``retry`` or ``retranscode`` of an owner."""

    video_id: str
    kind: str
    number: int
    at: float


@dataclass(frozen=True)
class NotificationRecord:
    """One row of `notifications`."""

    notification_id: str
    video_id: str
    edition: int
    kind: str
    owner: str
    created_at: float
    failure: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Delivery:
    """One row of `deliveries` to a webhook endpoint."""

    notification_id: str
    state: str
    attempts: int
    next_at: float
    last_answer: str | None = None


@dataclass(frozen=True)
class Tombstone:
    """One row of `tombstones`: a video that was purged."""

    video_id: str
    purged_at: float
    last_attempt: int


@dataclass(frozen=True)
class LedgerEntry:
    """One job that Coconut accepted: it was paid for. ``attempt`` is None if its callback URL names no number."""

    job_id: str
    video_id: str
    attempt: int | None
    accepted_at: float
    status: str


@dataclass(frozen=True)
class StoredObject:
    """One object of the bucket; ``etag`` without quotes."""

    key: str
    size: int
    etag: str
    modified_at: float


@dataclass(frozen=True)
class UnfinishedUpload:
    """A multipart upload that is neither complete nor aborted."""

    key: str
    upload_id: str
    begun_at: float


@dataclass(frozen=True)
class Fetched:
    """What an anonymous request for a key got. ``text``: of playlists only."""

    status: int
    size: int
    text: str = ""


@dataclass(frozen=True)
class ResourceRecord:
    """One VideoUpload. ``text``: all of it, for the search for secrets."""

    name: str
    version: str
    origin: str
    owner: str
    storage_key: str
    revision: int
    status_revision: int
    phase: str
    reason: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class ClusterEvent:
    """A Kubernetes Event about an upload."""

    at: float
    name: str
    reason: str
    message: str


@dataclass(frozen=True)
class World:
    """What a run did and left behind.

    ``videos`` and ``resources`` were read last, the ``earlier`` ones first, the bucket between them: what differs was
    still changing. ``fetched``: anonymous requests by key. ``logs``: the lines of each log by its name.
    ``receiving_since``: when the first webhook endpoint was registered.
    """

    run: Run
    answers: Sequence[Answer] = ()
    faults: Sequence[FiredFault] = ()
    actions: Sequence[Action] = ()
    receipts: Sequence[Receipt] = ()
    videos: Mapping[str, VideoRecord] = field(default_factory=dict)
    earlier_videos: Mapping[str, VideoRecord] = field(default_factory=dict)
    attempts: Sequence[Attempt] = ()
    claims: Sequence[Claim] = ()
    history: Sequence[HistoryLine] = ()
    requests: Sequence[CountedRequest] = ()
    notifications: Sequence[NotificationRecord] = ()
    deliveries: Sequence[Delivery] = ()
    tombstones: Mapping[str, Tombstone] = field(default_factory=dict)
    quarantined: frozenset[str] = frozenset()
    receiving_since: float | None = None
    ledger: Sequence[LedgerEntry] = ()
    objects: Mapping[str, StoredObject] = field(default_factory=dict)
    open_uploads: Sequence[UnfinishedUpload] = ()
    fetched: Mapping[str, Fetched] = field(default_factory=dict)
    resources: Mapping[str, ResourceRecord] = field(default_factory=dict)
    earlier_resources: Mapping[str, ResourceRecord] = field(default_factory=dict)
    events: Sequence[ClusterEvent] = ()
    logs: Mapping[str, Iterable[str]] = field(default_factory=dict)

    @cached_property
    def history_of(self) -> Mapping[str, Sequence[HistoryLine]]:
        """The history of each video in the order in which it was written."""
        return _by_video(sorted(self.history, key=lambda line: (line.observed_revision, line.desired_revision)))

    @cached_property
    def attempts_of(self) -> Mapping[str, Sequence[Attempt]]:
        """The paid attempts of each video by number."""
        return _by_video(sorted(self.attempts, key=lambda attempt: attempt.attempt))

    @cached_property
    def jobs_of(self) -> Mapping[str, Sequence[LedgerEntry]]:
        """The accepted jobs of each video, oldest first."""
        return _by_video(sorted(self.ledger, key=lambda job: job.accepted_at))

    @cached_property
    def requests_of(self) -> Mapping[str, Sequence[CountedRequest]]:
        """The counted requests of each video, oldest first."""
        return _by_video(sorted(self.requests, key=lambda request: request.at))

    def last_attempt(self, video_id: str) -> int | None:
        """Return the number of a video's newest attempt; None if it has neither row nor tombstone."""
        if video_id in self.videos:
            return self.videos[video_id].attempt
        return self.tombstones[video_id].last_attempt if video_id in self.tombstones else None

    def is_lost_with_dump(self, since: float) -> bool:
        """Return whether a row made at that time is missing from a dump that was put back later.

        Where its resource had left Kubernetes too, only its objects remain: docs/operations.md says so.
        """
        return any(
            fault.dump_at is not None and fault.dump_at <= since <= max(fault.at, fault.until) for fault in self.faults
        )

    def is_settled(self, video_id: str) -> bool:
        """Return whether neither state of a row changed while everything was read."""
        before, after = self.earlier_videos.get(video_id), self.videos.get(video_id)
        return before is not None and after is not None and _state_of(before) == _state_of(after)

    def is_old(self, at: float) -> bool:
        """Return whether the bound has passed since then, so that what is left of that time should be gone."""
        return at + self.run.bound_seconds < self.run.ended_at


def _state_of(video: VideoRecord) -> tuple[int, int, bool]:
    return video.revision, video.observed_revision, video.retired


def _by_video(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    groups = dict[str, list[_Row]]()
    for row in rows:
        groups.setdefault(row.video_id, []).append(row)
    return groups
