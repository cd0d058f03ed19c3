"""What is wrong with a video, and which repair is allowed: the rulebook of the audit."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.audit.checks import Evidence, check_doubled, check_overdue, check_stable, check_uncertain, check_video
from controller.audit.findings import (
    CopyPoster,
    Finding,
    FindingType,
    RemoveOutputs,
    ReportOnly,
    RequestEdition,
    RewritePlaylist,
    WithdrawFiles,
)
from controller.audit.limits import AuditRules
from domain.audit_records import AuditedRow, DoubledJob, OverdueRow, UncertainSubmission
from domain.objects import ObjectFacts, OutputsProblem, VerifiedOutputs
from domain.records import VideoRow
from domain.stable_playlist import stable_playlist
from domain.video import Origin, Phase, Published, Reason, Rendition
from tests.support.builders.rows import NOON, ORIGINAL, SOURCE, VIDEO_ID, a_row

RULES = AuditRules()
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MOMENT = timedelta(seconds=1)

RENDITION = Rendition(uri="2/hls/360p.m3u8", bandwidth=1_000_000)
STREAM = Published(edition=1, attempt=2, duration_seconds=5.0, renditions=(RENDITION,), has_poster=True)
THUMBNAIL = f"processed/{VIDEO_ID}/2/thumbnails/thumb_01.jpg"
OUTPUTS = VerifiedOutputs((RENDITION,), duration_seconds=5.0, poster_key=THUMBNAIL)
BROKEN = OutputsProblem("1 of its 2 files are missing or empty")


def a_video(phase: Phase = Phase.READY, **changes: Any) -> VideoRow:
    """Return a row that is played: its second attempt was published."""
    origin = changes.pop("origin", Origin.API)
    edition = changes.pop("wished_edition", 1)
    defaults: dict[str, Any] = {"attempt": 2, "published": STREAM, "is_playable": True, "source": SOURCE}
    row = a_row(phase, **defaults | changes)
    return replace(row, desired=replace(row.desired, origin=origin, edition=edition))


def evidence_of(row: VideoRow | None = None, **changes: Any) -> Evidence:
    """Return the evidence of a video with which nothing is wrong, with changes."""
    audited = AuditedRow(row or a_video(), changes.pop("heals", 0), changes.pop("published_at", NOON))
    evidence = Evidence(audited, stable_playlist(STREAM), True, {"2"}, OUTPUTS, ORIGINAL)
    return replace(evidence, **changes)


def judged(evidence: Evidence, *, editions_left: int = 10, later: timedelta = DAY) -> list[tuple[FindingType, Any]]:
    """Return what is found, with its remedy."""
    findings = check_video(evidence, RULES, NOON + later, editions_left=editions_left)
    assert all(finding.target == VIDEO_ID for finding in findings)
    return [(finding.kind, finding.remedy) for finding in findings]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(a_video(), id="at-rest"),
        pytest.param(a_video(Phase.UPLOADED), id="another-edition-waits"),
        pytest.param(a_video(Phase.PROCESSING, attempt=3), id="another-edition-is-made"),
        pytest.param(a_video(Phase.ERRORED), id="another-edition-failed"),
        pytest.param(a_video(is_paused=True), id="held"),
        pytest.param(a_video(origin=Origin.KUBERNETES), id="an-import"),
    ],
)
def test_nothing_is_wrong_with_a_video_that_plays(row: VideoRow) -> None:
    assert judged(evidence_of(row)) == []


@pytest.mark.parametrize("playlist", [None, "", "#EXTM3U\n", stable_playlist(replace(STREAM, renditions=()))])
@pytest.mark.parametrize("phase", [Phase.READY, Phase.UPLOADED, Phase.ERRORED])
def test_a_stable_playlist_that_differs_from_the_row_is_rewritten(phase: Phase, playlist: str | None) -> None:
    assert judged(evidence_of(a_video(phase), playlist=playlist)) == [(FindingType.PLAYLIST_WRONG, RewritePlaylist())]


NOT_PUBLIC = [
    pytest.param(a_video(Phase.PROCESSING, reason=Reason.PUBLISHING), id="a-pass-is-publishing"),
    pytest.param(a_video(is_playable=False), id="a-pass-is-restoring"),
    pytest.param(a_video(deleted=True), id="a-pass-is-withdrawing"),
    pytest.param(a_video(Phase.PROCESSING, published=None, is_playable=False), id="nothing-is-published-yet"),
]


@pytest.mark.parametrize("row", NOT_PUBLIC)
@pytest.mark.parametrize("playlist", [None, "#EXTM3U\n"])
def test_the_audit_leaves_to_a_pass_what_it_is_about_to_fix(row: VideoRow, playlist: str | None) -> None:
    evidence = evidence_of(
        row, playlist=playlist, has_poster=False, outputs=BROKEN, original=None, stored_attempts={"1"}
    )
    assert judged(evidence) == []
    assert check_stable(row, playlist) is None


WITHDRAWN: list[tuple[FindingType, Any]] = [(FindingType.PUBLIC_THOUGH_DELETED, WithdrawFiles())]


@pytest.mark.parametrize("published", [STREAM, None], ids=["published-once", "never-published"])
@pytest.mark.parametrize(
    ("playlist", "has_poster", "found"),
    [
        pytest.param(None, False, [], id="nothing-is-there"),
        pytest.param("#EXTM3U\n", True, WITHDRAWN, id="both-are-there"),
        pytest.param("#EXTM3U\n", False, WITHDRAWN, id="the-playlist-is-there"),
        pytest.param(None, True, WITHDRAWN, id="the-poster-is-there"),
    ],
)
def test_files_of_a_deleted_video_are_withdrawn(
    published: Published | None, playlist: str | None, has_poster: bool, found: list[tuple[FindingType, Any]]
) -> None:
    row = a_video(deleted=True, is_playable=False, published=published)
    assert judged(evidence_of(row, playlist=playlist, has_poster=has_poster, outputs=None, stored_attempts=())) == found
    assert (
        judged(evidence_of(row, playlist=playlist, has_poster=False, outputs=None, stored_attempts={"1"})) == WITHDRAWN
    )


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({}, [(FindingType.POSTER_MISSING, CopyPoster())], id="copied-again"),
        pytest.param(
            {"outputs": replace(OUTPUTS, poster_key=None)},
            [(FindingType.POSTER_MISSING, ReportOnly())],
            id="no-thumbnail-is-left",
        ),
        pytest.param(
            {"outputs": BROKEN},
            [(FindingType.OUTPUTS_BROKEN, RequestEdition()), (FindingType.POSTER_MISSING, ReportOnly())],
            id="the-next-edition-brings-one",
        ),
    ],
)
def test_a_missing_poster_is_copied_again_or_only_reported(
    changes: dict[str, Any], found: list[tuple[FindingType, Any]]
) -> None:
    assert judged(evidence_of(has_poster=False, **changes)) == found


def test_a_video_that_never_had_a_poster_lacks_nothing() -> None:
    row = a_video(published=replace(STREAM, has_poster=False))
    assert judged(evidence_of(row, has_poster=False)) == []


@pytest.mark.parametrize(
    "outputs",
    [
        pytest.param(BROKEN, id="a-file-vanished"),
        pytest.param(replace(OUTPUTS, renditions=(replace(RENDITION, uri="2/hls/x.m3u8"),)), id="another-master"),
    ],
)
def test_a_video_that_cannot_be_played_gets_a_new_edition(outputs: VerifiedOutputs | OutputsProblem) -> None:
    assert judged(evidence_of(outputs=outputs)) == [(FindingType.OUTPUTS_BROKEN, RequestEdition())]


@pytest.mark.parametrize(
    ("row", "changes", "why"),
    [
        pytest.param(a_video(), {"heals": 3}, "its budget of 3 automatic editions is spent", id="its-budget-is-spent"),
        pytest.param(
            a_video(Phase.ERRORED), {}, "the newest edition failed, so a person has to decide", id="it-failed-already"
        ),
        pytest.param(a_video(Phase.UPLOADED), {}, "another edition is in progress", id="one-waits"),
        pytest.param(a_video(Phase.PROCESSING), {}, "another edition is in progress", id="one-is-made"),
        pytest.param(a_video(wished_edition=2), {}, "another edition is in progress", id="one-was-requested"),
        pytest.param(a_video(is_paused=True), {}, "it is paused", id="paused"),
        pytest.param(
            a_video(origin=Origin.KUBERNETES),
            {},
            "its spec.edition can only be raised where the resource was applied",
            id="its-spec-is-not-ours",
        ),
        pytest.param(
            a_video(),
            {"original": None},
            "the original is gone or was replaced, so a new edition would fail",
            id="its-original-is-gone",
        ),
        pytest.param(
            a_video(),
            {"original": ObjectFacts("e2", NOON, 1_000, "video/mp4")},
            "the original is gone or was replaced, so a new edition would fail",
            id="its-original-was-replaced",
        ),
        pytest.param(
            a_video(source=None),
            {},
            "the original is gone or was replaced, so a new edition would fail",
            id="its-original-is-unknown",
        ),
    ],
)
def test_no_edition_is_bought_for_a_broken_video_that(row: VideoRow, changes: dict[str, Any], why: str) -> None:
    found = check_video(evidence_of(row, outputs=BROKEN, **changes), RULES, NOON, editions_left=10)
    assert found == [Finding(FindingType.OUTPUTS_BROKEN, VIDEO_ID, f"{BROKEN.message}; {why}", ReportOnly())]


@pytest.mark.parametrize(
    ("heals", "editions_left", "remedy"), [(2, 1, RequestEdition()), (3, 1, ReportOnly()), (2, 0, ReportOnly())]
)
def test_neither_budget_is_exceeded(heals: int, editions_left: int, remedy: object) -> None:
    assert judged(evidence_of(outputs=BROKEN, heals=heals), editions_left=editions_left) == [
        (FindingType.OUTPUTS_BROKEN, remedy)
    ]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        pytest.param(a_video(), [(FindingType.ORIGINAL_MISSING, ReportOnly())], id="at-rest"),
        pytest.param(a_video(Phase.UPLOADED), [], id="the-submission-will-tell"),
        pytest.param(a_video(Phase.UPLOADING, source=None), [], id="another-file-is-on-its-way"),
    ],
)
def test_a_missing_original_of_a_playable_video_is_reported(
    row: VideoRow, found: list[tuple[FindingType, Any]]
) -> None:
    assert judged(evidence_of(row, original=None)) == found


REMOVED = [(FindingType.OUTPUTS_SUPERSEDED, RemoveOutputs("1"))]


@pytest.mark.parametrize(
    ("row", "changes", "later", "found"),
    [
        pytest.param(a_video(), {}, DAY, REMOVED, id="a-day-later"),
        pytest.param(a_video(), {}, DAY - MOMENT, [], id="a-viewer-may-be-watching"),
        pytest.param(a_video(), {"published_at": None}, 9 * DAY, [], id="since-an-unknown-time"),
        pytest.param(a_video(Phase.PROCESSING, attempt=3), {}, DAY, REMOVED, id="while-another-edition-is-made"),
        pytest.param(
            a_video(),
            {"playlist": "#EXTM3U\n"},
            DAY,
            [(FindingType.PLAYLIST_WRONG, RewritePlaylist())],
            id="it-was-played-until-now",
        ),
        pytest.param(
            a_video(),
            {"outputs": BROKEN},
            DAY,
            [(FindingType.OUTPUTS_BROKEN, RequestEdition())],
            id="it-may-be-all-that-is-left",
        ),
    ],
)
def test_outputs_of_an_older_attempt_are_removed(
    row: VideoRow, changes: dict[str, Any], later: timedelta, found: list[tuple[FindingType, Any]]
) -> None:
    assert judged(evidence_of(row, stored_attempts={"1", "2"}, **changes), later=later) == found


def test_outputs_of_newer_attempts_stay_until_one_of_them_is_published() -> None:
    row = a_video(Phase.ERRORED, attempt=4)
    assert judged(evidence_of(row, stored_attempts={"2", "3", "4"}), later=365 * DAY) == []


@pytest.mark.parametrize("name", ["3", "0", "01", "1.", "hls", "", "-1", "٣", "1" * 40])
def test_a_folder_of_an_unknown_attempt_is_reported_and_kept(name: str) -> None:
    found = [(FindingType.OUTPUTS_UNKNOWN, ReportOnly())]
    assert judged(evidence_of(stored_attempts={"2", name}), later=365 * DAY) == found


def test_everything_that_is_wrong_with_a_video_is_found_at_once() -> None:
    evidence = evidence_of(playlist=None, has_poster=False, stored_attempts={"1", "2", "9"}, original=None)
    assert judged(evidence) == [
        (FindingType.PLAYLIST_WRONG, RewritePlaylist()),
        (FindingType.POSTER_MISSING, CopyPoster()),
        (FindingType.ORIGINAL_MISSING, ReportOnly()),
        (FindingType.OUTPUTS_UNKNOWN, ReportOnly()),
    ]


def test_duplicate_jobs_and_late_uploads_are_only_reported() -> None:
    findings = [
        check_doubled(DoubledJob(VIDEO_ID, 2, "job9", "job2")),
        check_doubled(DoubledJob(VIDEO_ID, 1, "job9", None)),
        check_uncertain(UncertainSubmission(VIDEO_ID, 2, NOON)),
        check_overdue(OverdueRow(VIDEO_ID, Phase.PROCESSING, NOON)),
    ]
    assert [(finding.kind, finding.remedy, finding.target) for finding in findings] == [
        (FindingType.DOUBLED_JOB, ReportOnly(), VIDEO_ID),
        (FindingType.DOUBLED_JOB, ReportOnly(), VIDEO_ID),
        (FindingType.UNCERTAIN_SUBMISSION, ReportOnly(), VIDEO_ID),
        (FindingType.OVERDUE_ROW, ReportOnly(), VIDEO_ID),
    ]
    assert [finding.detail for finding in findings] == [
        "job job9 called back for attempt 2, for which job job2 is recorded",
        "job job9 called back for attempt 1, for which no job is recorded",
        "it is unknown whether submission 2 led to a job",
        "its deadline in processing was 2026-07-01T12:00:00Z",
    ]
