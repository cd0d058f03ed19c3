"""Rows as values: videos, attempts, events, and the changes that a commit makes to attempts. SQL is in database/."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.captions import Captions, PublishedCaptions
from domain.posters import OwnPoster
from domain.source_fetch import SourceFetch
from domain.spending import SpendingLimits
from domain.video import DeletionPolicy, DesiredState, ObservedState, Origin, Phase, Published, Reason


class Cause(StrEnum):
    """What woke the pass that made a transition. Kept for people; no decision looks at it."""

    CLIENT = "client"
    POLL = "poll"
    CLAIM = "claim"
    PERSON = "person"
    SWEEP = "sweep"


class AttemptState(StrEnum):
    """The state of one paid attempt."""

    INTENDED = "intended"  # stored; the request may or may not have been sent
    REFUSED = "refused"  # certainly no job
    UNCERTAIN = "uncertain"  # the request left, the answer did not come
    ACCEPTED = "accepted"  # a job is known
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"  # uncertain past the resolve window, or past its deadline


UNRESOLVED = frozenset({AttemptState.INTENDED, AttemptState.UNCERTAIN})


@dataclass(frozen=True)
class Revisions:
    """The revisions of a row's two states, and who owns the desired one."""

    origin: Origin
    desired: int
    observed: int

    @property
    def tag(self) -> str:
        """Return the text that clients see: equal tags of one video mean that nothing was committed in between."""
        return revision_tag(self.desired, self.observed)


def revision_tag(desired: int, observed: int) -> str:
    """Return one text for both revisions of a video; clients compare it and read nothing in it."""
    return f"{desired}.{observed}"


@dataclass(frozen=True)
class VideoRow:
    """One video: its desired and observed state. ``retired``: its resource has left Kubernetes.

    ``deleted_at``: when its deletion was requested; None if it is not deleted. ``restored_at``: when the last deletion
    was undone; None if none was. ``metadata``: set by the client.
    ``upload_id``: the newest multipart upload that was opened at storage, even if it has ended; ``part_bytes``: its
    part size. ``content_md5``: the checksum that the client declared, in base64. ``captions``: those that the owner
    wants; ``captions_published``: those that the operator made public; ``poster`` and ``poster_published``: likewise.
    ``source_url``: from where the operator fetches
    the file, a secret of the owner; None if the client sends it. ``source_fetch``: how far that is.
    ``rollout_edition``: the newest edition that a rollout requested, or an administrator for many videos; None once it
    is retried.
    ``embed_origins``: the sites that may show it; None for those of the installation.
    """

    desired: DesiredState
    observed: ObservedState
    created_at: datetime
    retired: bool
    deleted_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    part_bytes: int | None = None
    upload_id: str | None = None
    restored_at: datetime | None = None
    content_md5: str | None = None
    captions: Captions = field(default_factory=Captions)
    captions_published: PublishedCaptions = field(default_factory=PublishedCaptions)
    poster: OwnPoster = field(default_factory=OwnPoster)
    poster_published: OwnPoster = field(default_factory=OwnPoster)
    source_url: str | None = field(default=None, repr=False)
    source_fetch: SourceFetch | None = None
    rollout_edition: int | None = None
    embed_origins: tuple[str, ...] | None = None

    @property
    def is_of_administrators(self) -> bool:
        """Return whether administrators requested the newest edition, by a rollout or for many videos at once."""
        return self.rollout_edition == self.observed.edition

    @property
    def counted_owner(self) -> str | None:
        """Return whose limits hold for the edition; None for an import, or where administrators requested it."""
        return None if self.desired.origin is Origin.KUBERNETES or self.is_of_administrators else self.desired.owner

    @property
    def is_retained(self) -> bool:
        """Return whether an import plays on when its resource is deleted."""
        return self.desired.deletion_policy is DeletionPolicy.RETAIN and self.observed.is_playable

    @property
    def original_key(self) -> str:
        """Return where the verified original is, or where it is to be sent."""
        source = self.observed.source
        return self.desired.storage_key if source is None or source.key is None else source.key

    @property
    def current_fetch(self) -> SourceFetch:
        """Return how far the fetch of the file is that is waited for now: a retry begins another one."""
        since, fetch = self.observed.phase_since, self.source_fetch
        return fetch if fetch is not None and fetch.since == since else SourceFetch(since)

    @property
    def is_waiting_for_source(self) -> bool:
        """Return whether its file is to be fetched now."""
        desired, observed = self.desired, self.observed
        is_held = desired.deleted or observed.is_paused
        return self.source_url is not None and observed.phase is Phase.UPLOADING and not is_held

    @property
    def has_captions_due(self) -> bool:
        """Return whether the stream that is public, or is being published, lacks a change of its captions."""
        stream, published = self._public_stream, self.captions_published
        if stream is None:
            return False
        is_of_another = bool(self.captions.tracks) and published.attempt != stream.attempt
        return is_of_another or self.captions != published.captions

    @property
    def has_poster_due(self) -> bool:
        """Return whether the poster that the owner chose is not yet the one beside the stream, or not the only one."""
        return self._public_stream is not None and self.poster != self.poster_published

    @property
    def shown_poster(self) -> str | None:
        """Return the name of the owner's picture that is shown; None for the one that the transcode made."""
        return None if self.poster.digest is None else self.poster_published.digest

    @property
    def _public_stream(self) -> Published | None:
        """Return the stream that is public, or is being published."""
        observed = self.observed
        is_public = observed.is_playable or observed.reason is Reason.PUBLISHING
        return observed.published if is_public and not self.desired.deleted and not observed.is_withdrawn else None

    @property
    def revisions(self) -> Revisions:
        """Return what a resource is compared with."""
        return Revisions(self.desired.origin, self.desired.revision, self.observed.revision)


@dataclass(frozen=True)
class AttemptRow:
    """One paid submission. ``answer``: the provider's words about its failure, redacted."""

    video_id: str
    attempt: int
    edition: int
    state: AttemptState
    job_id: str | None
    intended_at: datetime
    settled_at: datetime | None
    answer: str | None


@dataclass(frozen=True)
class EventRow:
    """One line of a video's history."""

    video_id: str
    observed_revision: int
    at: datetime
    cause: Cause
    phase: Phase
    reason: Reason
    message: str
    attempt: int


@dataclass(frozen=True)
class Intend:
    """Store a paid submission before it is made, unless that exceeds ``limits``.

    ``owner``: whose submission it counts as, None for an import; ``minutes``: the most that it can bill.
    """

    attempt: int
    edition: int
    at: datetime
    owner: str | None = None
    minutes: float = 0.0
    limits: SpendingLimits = field(default_factory=SpendingLimits)


@dataclass(frozen=True)
class Settle:
    """Record the outcome of a submission. ``minutes``: what it billed, None if that is not known better than before.

    ``is_charged``: whether the submission still counts against the limits of the day on which it was made.
    """

    attempt: int
    state: AttemptState
    at: datetime
    job_id: str | None = None
    answer: str | None = None
    minutes: float | None = None
    is_charged: bool = True


AttemptChange = Intend | Settle


@dataclass(frozen=True)
class WorkingRow:
    """The part of a row that the resync compares: its revisions and phase, and since when.

    ``is_behind``: an edition or a retry was requested, the upload is not paused, and no pass has begun it; or its
    captions or poster are due. ``is_retained``: it needs no resource, as in `VideoRow`.
    """

    video_id: str
    origin: Origin
    revision: int
    observed_revision: int
    phase: Phase
    phase_since: datetime
    deleted_at: datetime | None
    is_behind: bool
    is_retained: bool = False

    @property
    def revisions(self) -> Revisions:
        """Return what a resource is compared with."""
        return Revisions(self.origin, self.revision, self.observed_revision)
