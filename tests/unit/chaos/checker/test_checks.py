"""Each rule, broken on purpose, is reported by the rule's name and the upload's; what only looks broken is not."""

from dataclasses import replace

import pytest

from chaos.checker.checks import violations
from chaos.checker.violation import Rule
from chaos.checker.world import (
    Action,
    Answer,
    ClusterEvent,
    CountedRequest,
    Delivery,
    Fetched,
    FiredFault,
    HistoryLine,
    Receipt,
    StoredObject,
    UnfinishedUpload,
    World,
)
from tests.unit.chaos.checker.worlds import (
    BEGAN,
    BOUND,
    CREATED_AT,
    DELETED,
    DOUBLED,
    ENDED,
    FAILED_ONCE,
    IMPORTED,
    ONE_ATTEMPT,
    PLAIN,
    PURGED,
    REJECTED,
    RESTED_AT,
    RETIRED,
    RETRANSCODED,
    SECRET,
    Change,
    a_history,
    a_job,
    a_notification,
    a_resource,
    a_video,
    a_world,
    all_of,
    an_attempt,
    marks_of,
    minus,
    plus,
    with_history,
    with_object,
    with_resource,
    with_video,
    with_video_and_resource,
    without,
)

PLAIN_ID = f"{PLAIN}-video.ready-1"
OUTPUT = f"processed/{PLAIN}/1-word/hls"
DUMP = FiredFault(BEGAN + 100, BEGAN + 110, "restore_dump", "postgres", dump_at=BEGAN + 5)
LOST = "lostwithdump"
RESTORED = HistoryLine(DELETED, 1, 3, RESTED_AT, "client", "uploading", "", "the video was restored", 0)


def fetched_as(key: str, answer: Fetched) -> Change:
    return lambda world: replace(world, fetched={**world.fetched, key: answer})


def later_video(video_id: str, **changes: object) -> Change:
    """Change a row between the two readings."""
    return lambda world: replace(
        world,
        videos={**world.videos, video_id: replace(world.videos[video_id], **changes)},  # type: ignore[arg-type]
    )


def later_resource(video_id: str, **changes: object) -> Change:
    return lambda world: replace(
        world,
        resources={**world.resources, video_id: replace(world.resources[video_id], **changes)},  # type: ignore[arg-type]
    )


def log_line(line: str) -> Change:
    return lambda world: replace(world, logs={"api.log": [line]})


def an_outage(video_id: str, attempts: int) -> Change:
    """An outage of Coconut left so many submissions of an upload uncertain, and one succeeded after it."""
    lost = [
        an_attempt(video_id, n, "abandoned", job_id=None, answer="HTTP 500", intended_at=BEGAN + 200 + n)
        for n in range(1, attempts + 1)
    ]
    last = an_attempt(video_id, attempts + 1, intended_at=BEGAN + 300)
    return all_of(
        minus("attempts", lambda one: one.video_id == video_id),
        minus("ledger", lambda one: one.video_id == video_id),
        plus("attempts", *lost, last),
        plus("ledger", a_job(video_id, attempts + 1)),
        with_video(video_id, attempt=attempts + 1),
    )


def test_a_world_in_which_everything_went_right_passes() -> None:
    assert violations(a_world()) == []


BROKEN = [
    pytest.param(plus("ledger", a_job(PLAIN, job_id="other")), Rule.PAID_ONCE, PLAIN, id="two-jobs-for-one-attempt"),
    pytest.param(plus("ledger", a_job(PLAIN, 2)), Rule.PAID_ONCE, PLAIN, id="a-job-of-an-attempt-that-was-never-made"),
    pytest.param(plus("ledger", a_job("nowhere")), Rule.PAID_ONCE, "nowhere", id="a-job-for-no-upload"),
    pytest.param(
        plus("ledger", replace(a_job(PLAIN, job_id="x"), attempt=None)),
        Rule.PAID_ONCE,
        PLAIN,
        id="a-job-whose-callback-is-odd",
    ),
    pytest.param(
        minus("ledger", lambda job: job.video_id == PLAIN), Rule.PAID_ONCE, PLAIN, id="a-forged-job-is-believed"
    ),
    pytest.param(
        all_of(
            plus("attempts", *(an_attempt(FAILED_ONCE, n, "failed") for n in (3, 4))),
            plus("ledger", *(a_job(FAILED_ONCE, n) for n in (3, 4))),
            with_video(FAILED_ONCE, attempt=4),
        ),
        Rule.PAID_ONCE,
        FAILED_ONCE,
        id="more-submissions-than-allowed",
    ),
    pytest.param(
        all_of(
            an_outage(PLAIN, 4),
            # Coconut accepted another upload's between any two, so it was no outage.
            plus(
                "attempts",
                *(an_attempt(f"x{n}", job_id=None, state="failed", intended_at=BEGAN + 200.5 + n) for n in range(1, 4)),
            ),
        ),
        Rule.PAID_ONCE,
        PLAIN,
        id="as-many-uncertain-submissions-without-an-outage",
    ),
    pytest.param(
        with_video(PLAIN, edition=2, observed_edition=2),
        Rule.PAID_ONCE,
        PLAIN,
        id="an-edition-that-no-client-requested",
    ),
    pytest.param(
        with_video(PLAIN, retries=1, observed_retries=1), Rule.PAID_ONCE, PLAIN, id="a-retry-that-no-client-requested"
    ),
    pytest.param(
        all_of(
            with_video(PLAIN, retries=1, observed_retries=1),
            plus("answers", Answer(CREATED_AT, "client-1", "POST", f"/videos/{PLAIN}/retry", 409, "not_retryable")),
        ),
        Rule.PAID_ONCE,
        PLAIN,
        id="a-retry-that-was-refused",
    ),
    pytest.param(
        with_video(PLAIN, heals=4, edition=5, observed_edition=5), Rule.PAID_ONCE, PLAIN, id="more-heals-than-allowed"
    ),
    pytest.param(
        all_of(
            with_video(PLAIN, phase="uploaded", reason="WaitingForSubmission", is_playable=False),
            with_history(PLAIN, a_history(PLAIN, "uploading", "uploaded")),
        ),
        Rule.COMES_TO_REST,
        PLAIN,
        id="an-upload-never-comes-to-rest",
    ),
    pytest.param(with_video(PLAIN, retries=1), Rule.COMES_TO_REST, PLAIN, id="a-retry-that-no-pass-begins"),
    pytest.param(
        with_history(
            PLAIN, [*a_history(PLAIN, *ONE_ATTEMPT)[:-1], HistoryLine(PLAIN, 5, 0, ENDED, "poll", "ready", "", "", 1)]
        ),
        Rule.COMES_TO_REST,
        PLAIN,
        id="an-upload-comes-to-rest-long-after-the-last-fault",
    ),
    pytest.param(
        all_of(
            with_video(DELETED, deleted=False, phase="uploading", is_withdrawn=False),
            with_history(DELETED, [*a_history(DELETED, "uploading"), RESTORED]),
        ),
        Rule.COMES_TO_REST,
        DELETED,
        id="a-restored-upload-never-comes-to-rest",
    ),
    pytest.param(
        with_history(PLAIN, a_history(PLAIN, *ONE_ATTEMPT, "uploaded:1", "ready:1")),
        Rule.STAYS_AT_REST,
        PLAIN,
        id="a-ready-upload-leaves-rest-by-itself",
    ),
    pytest.param(
        with_history(PLAIN, a_history(PLAIN, "uploading", "errored", "ready")),
        Rule.STAYS_AT_REST,
        PLAIN,
        id="an-errored-upload-becomes-ready-by-itself",
    ),
    pytest.param(
        with_history(RETRANSCODED, a_history(RETRANSCODED, "ready", "uploaded", "ready", "uploaded", "ready")),
        Rule.STAYS_AT_REST,
        RETRANSCODED,
        id="one-edition-begins-twice",
    ),
    *(
        pytest.param(all_of(without("objects", key), without("fetched", key)), Rule.PLAYABLE, PLAIN, id=f"no-{name}")
        for name, key in {
            "stable-playlist": f"processed/{PLAIN}/playlist.m3u8",
            "media-playlist": f"{OUTPUT}/360p.m3u8",
            "segment": f"{OUTPUT}/360p_0.ts",
        }.items()
    ),
    pytest.param(
        fetched_as(f"{OUTPUT}/360p_0.ts", Fetched(403, 7)), Rule.PLAYABLE, PLAIN, id="a-segment-is-not-public"
    ),
    pytest.param(fetched_as(f"{OUTPUT}/360p_0.ts", Fetched(200, 0)), Rule.PLAYABLE, PLAIN, id="an-empty-segment"),
    pytest.param(
        fetched_as(f"{OUTPUT}/360p.m3u8", Fetched(200, 9, "#EXTM3U\n360p_0.ts\n")),
        Rule.PLAYABLE,
        PLAIN,
        id="a-playlist-without-an-end",
    ),
    pytest.param(
        fetched_as(f"processed/{RETRANSCODED}/playlist.m3u8", Fetched(200, 9, "#EXTM3U\n1-word/hls/360p.m3u8\n")),
        Rule.PLAYABLE,
        RETRANSCODED,
        id="the-stable-playlist-names-an-older-edition",
    ),
    pytest.param(with_video(PLAIN, is_playable=False), Rule.PLAYABLE, PLAIN, id="ready-and-not-playable"),
    pytest.param(with_video(PLAIN, published=None), Rule.PLAYABLE, PLAIN, id="ready-and-nothing-is-published"),
    pytest.param(
        with_object(f"processed/{DELETED}/1-word/hls/360p_0.ts"), Rule.PLAYABLE, DELETED, id="a-deleted-video-is-public"
    ),
    pytest.param(
        with_history(PLAIN, [replace(line, at=-line.at) for line in a_history(PLAIN, *ONE_ATTEMPT)]),
        Rule.NO_OLDER_WRITE,
        PLAIN,
        id="an-older-observation-is-written-over-a-newer-one",
    ),
    pytest.param(
        with_history(PLAIN, a_history(PLAIN, "uploading", "processing:2", "ready:1")),
        Rule.NO_OLDER_WRITE,
        PLAIN,
        id="the-attempt-falls",
    ),
    pytest.param(
        with_video(PLAIN, observed_revision=4), Rule.NO_OLDER_WRITE, PLAIN, id="the-row-is-behind-its-history"
    ),
    pytest.param(
        all_of(later_video(PLAIN, observed_revision=6), later_resource(PLAIN, status_revision=6, version="8")),
        Rule.NO_OLDER_WRITE,
        PLAIN,
        id="an-idle-pass-writes-the-row",
    ),
    pytest.param(later_resource(PLAIN, version="8"), Rule.NO_OLDER_WRITE, PLAIN, id="an-idle-pass-writes-the-resource"),
    pytest.param(without("resources", PLAIN), Rule.ROW_IS_RESOURCE, PLAIN, id="a-row-without-a-resource"),
    pytest.param(with_resource(PLAIN, phase="processing"), Rule.ROW_IS_RESOURCE, PLAIN, id="another-phase"),
    pytest.param(with_resource(PLAIN, status_revision=6), Rule.ROW_IS_RESOURCE, PLAIN, id="a-newer-status"),
    pytest.param(with_resource(PLAIN, revision=1), Rule.ROW_IS_RESOURCE, PLAIN, id="an-older-spec"),
    pytest.param(with_resource(PLAIN, owner="ben"), Rule.ROW_IS_RESOURCE, PLAIN, id="another-owner"),
    pytest.param(
        with_resource(IMPORTED, phase="errored"), Rule.ROW_IS_RESOURCE, IMPORTED, id="an-import-shows-another-phase"
    ),
    pytest.param(
        with_video(PLAIN, retired=True), Rule.ROW_IS_RESOURCE, PLAIN, id="a-retired-row-still-has-its-resource"
    ),
    pytest.param(
        lambda world: replace(
            world,
            resources={**world.resources, "left": a_resource(a_video("left"))},
            earlier_resources={**world.resources, "left": a_resource(a_video("left"))},
        ),
        Rule.ROW_IS_RESOURCE,
        "left",
        id="a-resource-without-a-row",
    ),
    pytest.param(
        plus("actions", Action(CREATED_AT, "client-1", LOST, "created")),
        Rule.NOTHING_LOST,
        LOST,
        id="an-upload-is-gone",
    ),
    pytest.param(
        all_of(plus("faults", DUMP), plus("actions", Action(BEGAN + 1, "client-1", LOST, "created"))),
        Rule.NOTHING_LOST,
        LOST,
        id="an-upload-is-gone-that-the-dump-had",
    ),
    pytest.param(
        without("objects", f"originals/{PLAIN}/abc.mp4"), Rule.NOTHING_LOST, PLAIN, id="an-accepted-file-is-gone"
    ),
    pytest.param(
        lambda world: replace(
            world,
            objects={**world.objects, f"originals/{PLAIN}/abc.mp4": StoredObject("", 7, "swapped", RESTED_AT)},
        ),
        Rule.NOTHING_LOST,
        PLAIN,
        id="an-accepted-file-was-swapped",
    ),
    pytest.param(
        with_object(f"marks/{PLAIN}/attempt-2-word"), Rule.NOTHING_LOST, PLAIN, id="a-paid-attempt-is-forgotten"
    ),
    pytest.param(with_object(f"marks/{PLAIN}/deleted-9"), Rule.NOTHING_LOST, PLAIN, id="a-deletion-is-forgotten"),
    pytest.param(
        plus("answers", Answer(CREATED_AT, "client-2", "GET", f"/videos/{PLAIN}", 200, None)),
        Rule.OWNERS_APART,
        PLAIN,
        id="a-stranger-reads-a-video",
    ),
    pytest.param(
        plus("answers", Answer(CREATED_AT, "client-2", "DELETE", f"/api/v1/videos/{PLAIN}", 204, None)),
        Rule.OWNERS_APART,
        PLAIN,
        id="a-stranger-deletes-a-video",
    ),
    pytest.param(
        with_video(PLAIN, storage_key=f"uploads/{REJECTED}/original.mp4"),
        Rule.OWNERS_APART,
        PLAIN,
        id="a-key-of-another",
    ),
    pytest.param(
        with_video(PLAIN, published={"renditions": [{"uri": f"../{RETIRED}/1-word/hls/360p.m3u8"}]}),
        Rule.OWNERS_APART,
        PLAIN,
        id="the-outputs-of-another-are-published",
    ),
    pytest.param(
        fetched_as(f"originals/{PLAIN}/abc.mp4", Fetched(200, 7)), Rule.OWNERS_APART, PLAIN, id="an-original-is-public"
    ),
    pytest.param(
        lambda world: replace(world, notifications=[replace(row, owner="ben") for row in world.notifications]),
        Rule.OWNERS_APART,
        PLAIN,
        id="a-notification-goes-to-another",
    ),
    pytest.param(log_line(f"connecting with {SECRET}"), Rule.NO_SECRET, None, id="a-secret-in-a-log"),
    pytest.param(
        log_line("PUT /b/k?X-Amz-Signature=0123456789abcdef0123"), Rule.NO_SECRET, None, id="a-signed-url-in-a-log"
    ),
    pytest.param(
        log_line("POST /webhooks?video=v&sig=0123456789abcdef"), Rule.NO_SECRET, None, id="a-callback-in-a-log"
    ),
    pytest.param(
        log_line("Bearer eyJhbGciOiJI.eyJzdWIiOiJ4.abcdefghijklmnopq"), Rule.NO_SECRET, None, id="a-token-in-a-log"
    ),
    pytest.param(log_line("postgresql://service:hunter2@127.0.0.1/db"), Rule.NO_SECRET, None, id="a-password-in-a-log"),
    pytest.param(
        plus("events", ClusterEvent(CREATED_AT, PLAIN, "Failed", f"with {SECRET}")),
        Rule.NO_SECRET,
        PLAIN,
        id="a-secret-in-an-event",
    ),
    pytest.param(with_resource(PLAIN, text=f'"{SECRET}"'), Rule.NO_SECRET, PLAIN, id="a-secret-in-a-resource"),
    pytest.param(
        with_video(REJECTED, failure={"code": "provider_refused", "provider_answer": SECRET}),
        Rule.NO_SECRET,
        REJECTED,
        id="a-secret-in-a-row",
    ),
    pytest.param(
        lambda world: replace(world, attempts=[replace(world.attempts[0], answer=SECRET), *world.attempts[1:]]),
        Rule.NO_SECRET,
        PLAIN,
        id="a-secret-in-a-providers-answer",
    ),
    pytest.param(
        plus("receipts", Receipt(RESTED_AT, "another-id", PLAIN, "video.ready", 1)),
        Rule.NOTIFIED_ONCE,
        PLAIN,
        id="one-end-arrives-under-two-ids",
    ),
    pytest.param(
        all_of(
            plus("notifications", a_notification(PLAIN, "video.ready", 1, notification_id="again")),
            plus("deliveries", Delivery("again", "pending", 0, ENDED)),
        ),
        Rule.NOTIFIED_ONCE,
        PLAIN,
        id="one-end-is-recorded-twice",
    ),
    pytest.param(
        plus("receipts", Receipt(RESTED_AT, PLAIN_ID, PLAIN, "video.errored", 1)),
        Rule.NOTIFIED_ONCE,
        PLAIN,
        id="one-id-stands-for-two-ends",
    ),
    pytest.param(
        all_of(
            minus("notifications", lambda row: row.notification_id == PLAIN_ID),
            minus("receipts", lambda row: row.notification_id == PLAIN_ID),
        ),
        Rule.NOTIFIED_ONCE,
        PLAIN,
        id="an-end-is-not-notified",
    ),
    pytest.param(
        minus("notifications", lambda row: row.notification_id == PLAIN_ID),
        Rule.NOTIFIED_ONCE,
        PLAIN,
        id="something-arrives-that-no-row-says",
    ),
    pytest.param(
        all_of(
            minus("notifications", lambda row: row.kind == "video.deleted"),
            minus("receipts", lambda row: row.type == "video.deleted"),
        ),
        Rule.NOTIFIED_ONCE,
        PURGED,
        id="a-purge-is-not-notified",
    ),
    pytest.param(
        minus("receipts", lambda row: row.notification_id == PLAIN_ID),
        Rule.NOTIFIED_ONCE,
        PLAIN,
        id="a-delivery-is-lost",
    ),
    pytest.param(
        all_of(
            minus("receipts", lambda row: row.notification_id == PLAIN_ID),
            minus("deliveries", lambda row: row.notification_id == PLAIN_ID),
            plus("deliveries", Delivery(PLAIN_ID, "pending", 2, RESTED_AT)),
        ),
        Rule.NOTIFIED_ONCE,
        PLAIN,
        id="a-delivery-that-is-due-is-not-sent",
    ),
    pytest.param(
        with_object("processed/nowhere/playlist.m3u8", anonymous=200),
        Rule.NO_ORPHAN,
        "nowhere",
        id="objects-without-row",
    ),
    pytest.param(
        all_of(
            with_object(f"uploads/{LOST}/original.mp4"),
            lambda world: replace(world, quarantined=frozenset({f"uploads/{LOST}/original.mp4"})),
        ),
        Rule.NO_ORPHAN,
        LOST,
        id="objects-in-quarantine-though-no-dump-was-restored",
    ),
    pytest.param(with_object("stray.txt"), Rule.NO_ORPHAN, None, id="an-object-of-no-video"),
    pytest.param(with_object(f"marks/{PURGED}/attempt-1-word"), Rule.NO_ORPHAN, PURGED, id="a-purge-leaves-a-mark"),
    pytest.param(
        with_object(f"uploads/{PLAIN}/original.mp4"), Rule.NO_ORPHAN, PLAIN, id="a-swapped-file-stays-where-it-was-sent"
    ),
    pytest.param(
        with_object(f"originals/{PLAIN}/other.mp4"), Rule.NO_ORPHAN, PLAIN, id="a-second-copy-of-the-original"
    ),
    pytest.param(
        with_object(f"processed/{PLAIN}/7-word/hls/master.m3u8", anonymous=200),
        Rule.NO_ORPHAN,
        PLAIN,
        id="a-folder-of-no-attempt",
    ),
    pytest.param(
        with_object(f"processed/{PLAIN}/1-other/hls/master.m3u8", anonymous=200),
        Rule.NO_ORPHAN,
        PLAIN,
        id="a-folder-of-no-mark",
    ),
    pytest.param(
        with_object(f"withdrawn/{PLAIN}/1-word/x.ts"), Rule.NO_ORPHAN, PLAIN, id="withdrawn-files-of-a-ready-video"
    ),
    pytest.param(
        with_object(f"processed/{REJECTED}/thumbnail.jpg", anonymous=200),
        Rule.NO_ORPHAN,
        REJECTED,
        id="a-poster-of-a-failed-upload",
    ),
    pytest.param(
        all_of(with_video(REJECTED, reason="FileRemoved")), Rule.NO_ORPHAN, REJECTED, id="a-removed-file-is-there-again"
    ),
    pytest.param(
        all_of(
            with_video(REJECTED, reason="FileRemoved"),
            without("objects", f"uploads/{REJECTED}/original.mp4"),
            with_object(f"originals/{REJECTED}/abc.mp4"),
        ),
        Rule.NO_ORPHAN,
        REJECTED,
        id="a-removed-copy-is-there-again",
    ),
    pytest.param(
        plus("open_uploads", UnfinishedUpload(f"uploads/{PLAIN}/original.mp4", "u", RESTED_AT)),
        Rule.NO_ORPHAN,
        PLAIN,
        id="a-multipart-upload-stays-open",
    ),
    pytest.param(
        plus("open_uploads", UnfinishedUpload(f"uploads/{LOST}/original.mp4", "u", BEGAN + 10)),
        Rule.NO_ORPHAN,
        LOST,
        id="a-multipart-upload-of-no-row-stays-open",
    ),
    pytest.param(
        plus("answers", Answer(CREATED_AT, "client-1", "GET", "/videos", 500, None)),
        Rule.NO_INTERNAL_ERROR,
        None,
        id="http-500",
    ),
    pytest.param(
        plus("answers", Answer(CREATED_AT, "client-1", "GET", f"/videos/{PLAIN}", 503, "internal_error")),
        Rule.NO_INTERNAL_ERROR,
        PLAIN,
        id="an-internal-error",
    ),
    pytest.param(
        plus("answers", Answer(CREATED_AT, "client-1", "GET", "/videos", 502, None)),
        Rule.NO_INTERNAL_ERROR,
        None,
        id="no-problem",
    ),
    pytest.param(
        minus("faults", lambda fault: fault.kind == "latency"), Rule.FAULTS_FIRED, None, id="a-fault-never-fired"
    ),
    pytest.param(
        lambda world: replace(world, faults=[replace(fault, target="api") for fault in world.faults]),
        Rule.FAULTS_FIRED,
        None,
        id="a-process-was-never-killed",
    ),
]


@pytest.mark.parametrize(("change", "rule", "video_id"), BROKEN)
def test_what_is_broken_is_reported(change: Change, rule: Rule, video_id: str | None) -> None:
    assert (rule, video_id) in {(one.rule, one.video_id) for one in violations(change(a_world()))}


def test_every_rule_is_broken_above() -> None:
    assert {param.values[1] for param in BROKEN} == set(Rule)


def _without_notification(video_id: str) -> Change:
    return all_of(
        minus("notifications", lambda row: row.video_id == video_id),
        minus("receipts", lambda row: row.video_id == video_id),
    )


RIGHT = [
    pytest.param(
        plus("receipts", Receipt(ENDED, PLAIN_ID, PLAIN, "video.ready", 1)),
        id="a-notification-arrives-again-under-its-id",
    ),
    pytest.param(plus("receipts", Receipt(ENDED, "t", "", "webhook.test", 0)), id="a-test-message-of-an-administrator"),
    pytest.param(
        all_of(
            minus("receipts", lambda row: row.notification_id == PLAIN_ID),
            minus("deliveries", lambda row: row.notification_id == PLAIN_ID),
            plus("deliveries", Delivery(PLAIN_ID, "pending", 2, ENDED + 300)),
        ),
        id="a-delivery-waits-to-be-sent-again",
    ),
    pytest.param(
        all_of(
            minus("receipts", lambda row: row.notification_id == PLAIN_ID),
            minus("deliveries", lambda row: row.notification_id == PLAIN_ID),
            lambda world: replace(world, receiving_since=None),
        ),
        id="there-is-no-receiver",
    ),
    pytest.param(an_outage(PLAIN, 6), id="an-outage-leaves-many-submissions-uncertain"),
    pytest.param(
        all_of(
            plus("attempts", an_attempt(REJECTED, 1, "refused", job_id=None)),
            *(with_object(key) for key in marks_of(REJECTED, "1-word")),
            with_video(REJECTED, attempt=1),
        ),
        id="a-refused-submission-leaves-no-job",
    ),
    pytest.param(
        all_of(
            with_video_and_resource(PLAIN, retries=1, observed_retries=1),
            plus("answers", Answer(CREATED_AT, "client-1", "POST", f"/videos/{PLAIN}/retry", None, "ConnectionError")),
            with_history(PLAIN, a_history(PLAIN, "uploading", "errored", "uploading", "processing:1", "ready:1")),
        ),
        id="a-retry-whose-answer-was-lost",
    ),
    pytest.param(
        all_of(
            with_video_and_resource(PLAIN, retries=1, observed_retries=1),
            plus("actions", Action(CREATED_AT, "client-1", PLAIN, "retried")),
        ),
        id="a-retry-that-a-client-noted",
    ),
    pytest.param(
        all_of(
            with_video_and_resource(RETIRED, heals=1, edition=2, observed_edition=2),
            with_video(RETIRED, heals=1, edition=2, observed_edition=2),
            without("resources", RETIRED),
            plus("notifications", a_notification(RETIRED, "video.ready", 2)),
            plus("receipts", Receipt(ENDED, f"{RETIRED}-video.ready-2", RETIRED, "video.ready", 2)),
        ),
        id="the-audit-healed-a-video",
    ),
    pytest.param(with_video_and_resource(IMPORTED, edition=1, retries=0), id="an-import-counts-its-own-revisions"),
    pytest.param(
        all_of(
            with_history(
                PLAIN,
                [
                    *a_history(PLAIN, *ONE_ATTEMPT)[:-1],
                    HistoryLine(PLAIN, 5, 0, BEGAN + 480, "poll", "ready", "", "", 1),
                ],
            ),
            plus("faults", FiredFault(BEGAN + 300, BEGAN + 400, "cut", "s3")),
        ),
        id="an-upload-comes-to-rest-soon-after-its-last-fault",
    ),
    pytest.param(
        all_of(
            with_video_and_resource(
                PLAIN, is_paused=True, phase="uploading", is_playable=False, source=None, published=None, attempt=1
            ),
            with_history(PLAIN, a_history(PLAIN, "uploading")),
            without("objects", *(f"processed/{PLAIN}/{name}" for name in ("playlist.m3u8", "thumbnail.jpg"))),
        ),
        id="a-paused-upload-waits",
    ),
    pytest.param(
        all_of(
            with_video_and_resource(DELETED, phase="uploading", source=None, published=None),
            with_history(DELETED, a_history(DELETED, "uploading")),
            _without_notification(DELETED),
        ),
        id="a-deleted-upload-never-got-its-file",
    ),
    pytest.param(
        all_of(later_video(PLAIN, retired=True), without("resources", PLAIN)), id="a-resource-leaves-while-it-is-read"
    ),
    pytest.param(later_video(PLAIN, retired=True), id="a-row-retires-while-it-is-read"),
    pytest.param(
        later_resource(PLAIN, version="8", annotations={"team/note": "x"}), id="a-person-annotates-a-resource"
    ),
    pytest.param(
        all_of(
            later_video(REJECTED, reason="FileRemoved", observed_revision=6),
            without("objects", f"uploads/{REJECTED}/original.mp4"),
            later_resource(REJECTED, status_revision=6, version="8"),
        ),
        id="the-file-of-a-failed-upload-is-removed-meanwhile",
    ),
    pytest.param(
        lambda world: replace(
            world,
            resources={**world.resources, "film": replace(a_resource(a_video("film")), reason="ImportRefused")},
            earlier_resources={**world.resources, "film": a_resource(a_video("film"))},
        ),
        id="a-refused-import-has-no-row",
    ),
    pytest.param(
        lambda world: replace(world, resources={**world.resources, "new": a_resource(a_video("new"))}),
        id="a-resource-that-was-applied-while-it-was-read",
    ),
    pytest.param(
        all_of(
            with_video(IMPORTED, deleted=True, is_playable=False, is_withdrawn=True, deleted_at=ENDED - 5),
            without("resources", IMPORTED),
        ),
        id="the-resource-of-an-import-was-deleted",
    ),
    pytest.param(
        all_of(
            plus("faults", DUMP),
            plus("actions", Action(CREATED_AT, "client-1", LOST, "created")),
            plus("ledger", a_job(LOST)),
            with_object(f"uploads/{LOST}/original.mp4"),
            lambda world: replace(world, quarantined=frozenset({f"uploads/{LOST}/original.mp4"})),
        ),
        id="an-upload-that-was-newer-than-a-restored-dump-is-in-quarantine",
    ),
    pytest.param(
        with_object(f"uploads/{PLAIN}/original.mp4", modified_at=ENDED - BOUND / 2),
        id="a-file-was-swapped-a-moment-ago",
    ),
    pytest.param(
        all_of(
            with_video_and_resource(PLAIN, phase_since=ENDED - BOUND / 2),
            with_object(f"uploads/{PLAIN}/original.mp4", modified_at=CREATED_AT),
        ),
        id="an-upload-came-to-rest-so-late-that-no-audit-has-seen-what-is-left",
    ),
    pytest.param(
        with_object(f"originals/{REJECTED}/abc.mp4"), id="a-failed-upload-keeps-a-copy-that-its-row-does-not-know"
    ),
    pytest.param(with_object("uploads/.probe"), id="the-apis-probe-of-signatures"),
    pytest.param(
        plus("open_uploads", UnfinishedUpload(f"uploads/{PLAIN}/original.mp4", "u", ENDED - 1)),
        id="a-multipart-upload-just-began",
    ),
    pytest.param(
        all_of(
            plus("faults", DUMP),
            plus("open_uploads", UnfinishedUpload(f"uploads/{LOST}/original.mp4", "u", BEGAN + 10)),
        ),
        id="a-multipart-upload-waits-for-a-row-that-a-dump-lost",
    ),
    pytest.param(
        plus("answers", Answer(CREATED_AT, "admin", "GET", f"/api/v1/admin/videos/{PLAIN}", 200, None)),
        id="an-administrator-reads-a-video",
    ),
    pytest.param(
        plus("answers", Answer(CREATED_AT, "client-1", "GET", f"/videos/{PLAIN}", None, "ReadTimeout")), id="no-answer"
    ),
    pytest.param(
        plus("requests", CountedRequest(RETRANSCODED, "retry", 1, CREATED_AT)), id="a-request-that-changed-nothing"
    ),
    pytest.param(
        log_line("sig=[redacted] Bearer [redacted] https://u:[redacted]@h/ X-Amz-Signature=[redacted]"),
        id="what-is-redacted",
    ),
    pytest.param(plus("faults", FiredFault(BEGAN, ENDED, "another", "thing")), id="a-fault-that-was-not-wanted"),
]


@pytest.mark.parametrize("change", RIGHT)
def test_what_only_looks_broken_is_not_reported(change: Change) -> None:
    assert violations(change(a_world())) == []


def test_a_secret_is_never_quoted() -> None:
    world: World = log_line(f"connecting with {SECRET}")(a_world())

    assert [SECRET in one.text for one in violations(world)] == [False]


def test_a_doubled_job_of_a_lost_answer_is_within_the_rules() -> None:
    """Coconut has no idempotency key: what was lost is counted, and bounded, but cannot be prevented."""
    assert len([job for job in a_world().ledger if job.video_id == DOUBLED]) == 2
