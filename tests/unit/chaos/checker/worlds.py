"""A world in which everything went right, of uploads that lived through different things, and changes to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from chaos.checker.world import (
    Action,
    Answer,
    Attempt,
    Claim,
    CountedRequest,
    Delivery,
    Fetched,
    FiredFault,
    HistoryLine,
    LedgerEntry,
    NotificationRecord,
    Receipt,
    ResourceRecord,
    Run,
    StoredObject,
    Tombstone,
    VideoRecord,
    World,
)

BEGAN, ENDED, BOUND = 1_000_000.0, 1_000_600.0, 120.0
SECRET = "the-key-of-the-service"
OWNER = "ann"
CREATED_AT = BEGAN + 10
RESTED_AT = CREATED_AT + 20

PLAIN, FAILED_ONCE, RETRANSCODED, REJECTED = "plain", "failedonce", "retranscoded", "rejected"
DOUBLED, DELETED, PURGED, IMPORTED, RETIRED = "doubled", "deleted", "purged", "imported", "retired"
RUN = Run(
    seed=1,
    n=9,
    started_at=BEGAN,
    ended_at=ENDED,
    scale=0.01,
    bound_seconds=BOUND,
    secrets=(SECRET,),
    wanted_faults=("kill", "latency"),
    killable=("operator",),
)


@dataclass
class Upload:
    """One upload and all that any source says about it."""

    video: VideoRecord
    attempts: list[Attempt] = field(default_factory=list)
    history: list[HistoryLine] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    requests: list[CountedRequest] = field(default_factory=list)

    @property
    def video_id(self) -> str:
        return self.video.video_id


def a_video(video_id: str, **changes: Any) -> VideoRecord:
    """Return the row of a ready upload, published by attempt 1."""
    attempt = changes.get("attempt", 1)
    row = VideoRecord(
        video_id=video_id,
        created_at=CREATED_AT,
        origin="api",
        owner=OWNER,
        storage_key=f"uploads/{video_id}/original.mp4",
        revision=2,
        edition=1,
        retries=0,
        heals=0,
        deleted=False,
        deleted_at=None,
        retired=False,
        observed_revision=5,
        phase="ready",
        phase_since=RESTED_AT,
        reason="Published",
        message="the video can be played",
        observed_edition=changes.get("edition", 1),
        observed_retries=changes.get("retries", 0),
        attempt=1,
        is_paused=False,
        is_playable=True,
        is_withdrawn=False,
        upload_id=None,
        source={"key": f"originals/{video_id}/abc.mp4", "etag": "e", "file_bytes": 7},
        published={"attempt": attempt, "renditions": [{"uri": f"{attempt}-word/hls/360p.m3u8"}]},
        failure=None,
    )
    return replace(row, **changes)


def an_attempt(video_id: str, number: int = 1, state: str = "completed", **changes: Any) -> Attempt:
    at = CREATED_AT + 5 * number
    attempt = Attempt(video_id, number, 1, state, f"job-{video_id}-{number}", at, at + 4, None, minutes=2.0)
    return replace(attempt, **changes)


def a_job(video_id: str, attempt: int = 1, **changes: Any) -> LedgerEntry:
    job = LedgerEntry(f"job-{video_id}-{attempt}", video_id, attempt, CREATED_AT + 5 * attempt + 1, "job.completed")
    return replace(job, **changes)


def a_history(video_id: str, *phases: str, began: int = 1) -> list[HistoryLine]:
    """Return a line for each phase; ``phase:attempt`` names the attempt."""
    lines = []
    for number, text in enumerate(phases, began):
        phase, _, attempt = text.partition(":")
        at = CREATED_AT + 20 / max(1, len(phases) - 1) * (number - began)
        message = f"it is {phase}"
        lines.append(HistoryLine(video_id, number, 0, at, "poll", phase, "Some", message, int(attempt or 0)))
    return lines


ONE_ATTEMPT = ("uploading", "uploaded", "processing:1", "processing:1", "ready:1")


def files_of(video_id: str, *folders: str) -> list[str]:
    """Return the keys of a public video with these folders of outputs, with its marks and its original."""
    outputs = [
        f"processed/{video_id}/{folder}/{name}"
        for folder in folders
        for name in ("hls/master.m3u8", "hls/360p.m3u8", "hls/360p_0.ts", "thumbnails/thumb_01.jpg")
    ]
    stable = [f"processed/{video_id}/playlist.m3u8", f"processed/{video_id}/thumbnail.jpg"]
    return [f"originals/{video_id}/abc.mp4", *marks_of(video_id, *folders), *stable, *outputs]


def marks_of(video_id: str, *folders: str) -> list[str]:
    return [f"marks/{video_id}/attempt-{folder}" for folder in folders]


def uploads() -> list[Upload]:
    """Return one of each kind, all as they should be."""
    failed, late = an_attempt(FAILED_ONCE, 1, "failed"), an_attempt(DOUBLED, 1, "abandoned", job_id=None, answer="none")
    return [
        Upload(
            a_video(PLAIN),
            [an_attempt(PLAIN)],
            a_history(PLAIN, *ONE_ATTEMPT),
            [a_job(PLAIN)],
            files_of(PLAIN, "1-word"),
        ),
        # Another job after one that certainly failed is right.
        Upload(
            a_video(FAILED_ONCE, attempt=2),
            [failed, an_attempt(FAILED_ONCE, 2)],
            a_history(FAILED_ONCE, "uploading", "processing:1", "uploaded:1", "processing:2", "ready:2"),
            [a_job(FAILED_ONCE, status="job.failed"), a_job(FAILED_ONCE, 2)],
            files_of(FAILED_ONCE, "1-word", "2-word"),
        ),
        # A new edition leaves rest, and the outputs of the older one stay for a while.
        Upload(
            a_video(RETRANSCODED, attempt=2, edition=2, observed_revision=8),
            [an_attempt(RETRANSCODED), an_attempt(RETRANSCODED, 2, edition=2)],
            a_history(RETRANSCODED, *ONE_ATTEMPT, "uploaded:1", "processing:2", "ready:2"),
            [a_job(RETRANSCODED), a_job(RETRANSCODED, 2)],
            files_of(RETRANSCODED, "1-word", "2-word"),
            [CountedRequest(RETRANSCODED, "retranscode", 2, CREATED_AT + 12)],
        ),
        Upload(
            a_video(
                REJECTED,
                phase="errored",
                reason="Failed",
                attempt=0,
                is_playable=False,
                source=None,
                published=None,
                failure={"code": "not_a_video", "message": "the file is a text"},
            ),
            history=a_history(REJECTED, "uploading", "uploading", "errored"),
            objects=[f"uploads/{REJECTED}/original.mp4"],
        ),
        # The answer to the first submission was lost, and its job never reported itself.
        Upload(
            a_video(DOUBLED, attempt=2),
            [late, an_attempt(DOUBLED, 2)],
            a_history(DOUBLED, "uploading", "uploaded:1", "uploaded:1", "processing:2", "ready:2"),
            [a_job(DOUBLED), a_job(DOUBLED, 2)],
            files_of(DOUBLED, "1-word", "2-word"),
        ),
        Upload(
            a_video(DELETED, deleted=True, deleted_at=RESTED_AT + 5, is_playable=False, is_withdrawn=True),
            [an_attempt(DELETED)],
            a_history(DELETED, *ONE_ATTEMPT),
            [a_job(DELETED)],
            [
                f"originals/{DELETED}/abc.mp4",
                *marks_of(DELETED, "1-word"),
                f"marks/{DELETED}/deleted-2",
                f"withdrawn/{DELETED}/1-word/hls/master.m3u8",
            ],
        ),
        Upload(
            a_video(
                IMPORTED,
                origin="kubernetes",
                owner="",
                storage_key="imports/team/film.mp4",
                source={"key": None, "etag": "e", "file_bytes": 7},
            ),
            [an_attempt(IMPORTED)],
            a_history(IMPORTED, *ONE_ATTEMPT),
            [a_job(IMPORTED)],
            ["imports/team/film.mp4", *files_of(IMPORTED, "1-word")[1:]],
        ),
        Upload(
            a_video(RETIRED, retired=True),
            [an_attempt(RETIRED)],
            a_history(RETIRED, *ONE_ATTEMPT),
            [a_job(RETIRED)],
            files_of(RETIRED, "1-word"),
        ),
    ]


def a_world() -> World:
    """Return the world of these uploads: nothing is wrong with it."""
    made = uploads()
    videos = {one.video_id: one.video for one in made}
    objects = {key: StoredObject(key, 7, "e", RESTED_AT) for one in made for key in one.objects}
    ends = [(one.video_id, f"video.{one.video.phase}", n) for one in made for n in range(1, one.video.edition + 1)]
    notifications = [a_notification(*end) for end in [*ends, (PURGED, "video.ready", 1), (PURGED, "video.deleted", 1)]]
    resources = {one.video_id: a_resource(one.video) for one in made if not one.video.retired}
    answers = [
        Answer(CREATED_AT, "client-1", "POST", "/videos", 201, None),
        Answer(CREATED_AT + 11, "client-1", "POST", f"/videos/{RETRANSCODED}/retranscode", 202, None),
        Answer(CREATED_AT + 12, "client-1", "GET", f"/videos/{PLAIN}", 503, "unavailable"),
        Answer(CREATED_AT + 12, "client-2", "GET", f"/videos/{PLAIN}", 404, "not_found"),
    ]
    named = [one.video_id for one in made if not one.video.is_import]
    return World(
        run=RUN,
        answers=answers,
        faults=[
            FiredFault(BEGAN + 12, BEGAN + 14, "kill", "operator"),
            FiredFault(BEGAN + 60, BEGAN + 70, "latency", "s3"),
        ],
        actions=[
            *(Action(CREATED_AT, "client-1", video_id, "created") for video_id in [*named, PURGED]),
            Action(CREATED_AT, "client-3", IMPORTED, "imported", is_import=True),
        ],
        receipts=[
            Receipt(row.created_at + 1, row.notification_id, row.video_id, row.kind, row.edition)
            for row in notifications
        ],
        videos=videos,
        earlier_videos=videos,
        attempts=[attempt for one in made for attempt in one.attempts],
        claims=[Claim(PLAIN, 1, f"job-{PLAIN}-1", CREATED_AT + 7)],
        history=[line for one in made for line in one.history],
        requests=[request for one in made for request in one.requests],
        notifications=notifications,
        deliveries=[Delivery(row.notification_id, "delivered", 1, row.created_at) for row in notifications],
        tombstones={PURGED: Tombstone(PURGED, RESTED_AT + 90, 1)},
        receiving_since=BEGAN,
        ledger=[*(job for one in made for job in one.ledger), a_job(PURGED)],
        objects=objects,
        fetched={key: fetched(key) for key in objects},
        resources=resources,
        earlier_resources=resources,
        logs={"operator.log": ['{"event": "pass_requeued", "url": "postgresql://u:[redacted]@host/db"}']},
    )


def a_notification(video_id: str, kind: str, edition: int, **changes: Any) -> NotificationRecord:
    row = NotificationRecord(f"{video_id}-{kind}-{edition}", video_id, edition, kind, OWNER, RESTED_AT)
    return replace(row, **{"owner": "" if video_id == IMPORTED else OWNER, **changes})


def a_resource(video: VideoRecord) -> ResourceRecord:
    """Return what the cluster shows of a row."""
    return ResourceRecord(
        name=video.video_id,
        version="7",
        origin=video.origin,
        owner=video.owner,
        storage_key=video.storage_key,
        revision=1 if video.is_import else video.revision,
        status_revision=video.observed_revision,
        phase=video.shown_phase,
        reason=video.reason,
        text='{"kind": "VideoUpload"}',
    )


def fetched(key: str) -> Fetched:
    """Return what a stranger gets: everything below `processed/`, and nothing else."""
    if not key.startswith("processed/"):
        return Fetched(403, 0)
    if key.endswith("/playlist.m3u8"):
        video_id = key.split("/")[1]
        attempt = next(one.video.attempt for one in uploads() if one.video_id == video_id)
        return Fetched(200, 90, f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{attempt}-word/hls/360p.m3u8\n")
    if key.endswith("360p.m3u8"):
        return Fetched(200, 90, "#EXTM3U\n#EXTINF:4,\n360p_0.ts\n#EXT-X-ENDLIST\n")
    return Fetched(200, 7)


# Changes

Change = Callable[[World], World]


def _with(world: World, name: str, value: Any) -> World:
    changes: dict[str, Any] = {name: value}
    return replace(world, **changes)


def with_video(video_id: str, **changes: Any) -> Change:
    """Change a row, as it was read both times."""

    def change(world: World) -> World:
        rows = {**world.videos, video_id: replace(world.videos[video_id], **changes)}
        return replace(world, videos=rows, earlier_videos=rows)

    return change


def with_video_and_resource(video_id: str, **changes: Any) -> Change:
    """Change a row, and what the cluster shows of it."""

    def change(world: World) -> World:
        changed = with_video(video_id, **changes)(world)
        rows = {**world.resources, video_id: a_resource(changed.videos[video_id])}
        return replace(changed, resources=rows, earlier_resources=rows)

    return change


def with_resource(video_id: str, **changes: Any) -> Change:
    def change(world: World) -> World:
        rows = {**world.resources, video_id: replace(world.resources[video_id], **changes)}
        return replace(world, resources=rows, earlier_resources=rows)

    return change


def without(name: str, *keys: str) -> Change:
    """Leave something out of a mapping of the world."""

    def change(world: World) -> World:
        rest = {key: value for key, value in getattr(world, name).items() if key not in keys}
        return _with(world, name, rest)

    return change


def plus(name: str, *items: object) -> Change:
    """Add to a sequence of the world."""
    return lambda world: _with(world, name, [*getattr(world, name), *items])


def minus(name: str, is_gone: Callable[[Any], bool]) -> Change:
    """Leave those out of a sequence of the world."""
    return lambda world: _with(world, name, [item for item in getattr(world, name) if not is_gone(item)])


def with_object(key: str, *, modified_at: float = RESTED_AT, anonymous: int = 403) -> Change:
    def change(world: World) -> World:
        objects = {**world.objects, key: StoredObject(key, 7, "e", modified_at)}
        return replace(world, objects=objects, fetched={**world.fetched, key: Fetched(anonymous, 7)})

    return change


def with_history(video_id: str, lines: Iterable[HistoryLine]) -> Change:
    """Replace the history of a video."""
    return lambda world: replace(
        world, history=[*(line for line in world.history if line.video_id != video_id), *lines]
    )


def all_of(*changes: Change) -> Change:
    def change(world: World) -> World:
        for one in changes:
            world = one(world)
        return world

    return change
