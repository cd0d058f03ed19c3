"""Videos that lose files after they became ready: they are repaired within a budget and stay `ready` meanwhile."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.audit.findings import FindingType, RepairResult
from controller.audit.limits import AuditRules
from domain import object_keys
from domain.objects import OutputsProblem, VerifiedOutputs
from domain.records import AttemptState
from domain.stable_playlist import stable_playlist
from domain.video import Origin, Phase, shown_phase
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.world.auditor import Auditor, copied, entry_of, kinds
from tests.support.world.endings import a_ready_world, assert_at_rest_for_good, assert_playable, assert_shown
from tests.support.world.kill_switch import KilledError
from tests.support.world.operator import live
from tests.support.world.world import PLAYLIST, POSTER, VIDEO_ID, InMemoryWorld

DAY_SECONDS = 86_400.0


def segments(world: InMemoryWorld) -> list[str]:
    """Return what a player fetches of the published edition."""
    published = world.row.observed.published
    assert published is not None
    prefix = f"{object_keys.hls_directory(VIDEO_ID, published.folder)}/"
    return sorted(key for key in world.storage.processed if key.startswith(prefix))


def assert_stays_ready(world: InMemoryWorld) -> Callable[[], None]:
    """Return something to do meanwhile: see that people find the video ready."""

    def look() -> None:
        assert shown_phase(world.row.desired, world.row.observed) is Phase.READY
        resource = world.resources.by_name.get(VIDEO_ID)
        if resource is not None and resource.status is not None:
            assert resource.status["phase"] == Phase.READY
        published = world.row.observed.published
        assert published is not None
        assert world.storage.read_playlist(VIDEO_ID) is not None

    return look


@settings(max_examples=25, deadline=None)
@given(choice=st.randoms(use_true_random=False), is_emptied=st.booleans(), waited=st.sampled_from([0.0, 30, 7 * 3600]))
def test_a_video_that_loses_a_random_file_is_transcoded_again(
    choice: random.Random, is_emptied: bool, waited: float
) -> None:
    world = a_ready_world()
    world.pass_time(waited)
    lost = choice.choice(segments(world))
    if is_emptied:
        world.storage.put_processed(lost, b"")
    else:
        del world.storage.processed[lost]
    auditor = Auditor(world)

    report = auditor.full()

    assert entry_of(report, FindingType.OUTPUTS_BROKEN).result is RepairResult.APPLIED
    assert (world.row.desired.edition, auditor.rows.heals) == (2, {VIDEO_ID: 1})
    live(world, meanwhile=assert_stays_ready(world))
    assert_playable(world)
    assert_shown(world)
    assert len(world.transcoder.jobs) == 2
    assert_at_rest_for_good(world)
    assert not kinds(auditor.full()) & {FindingType.OUTPUTS_BROKEN, FindingType.PLAYLIST_WRONG}


def test_one_short_listing_costs_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_ready_world()
    verify, looks = world.storage.verify_outputs, []

    def verify_outputs(*args: Any, **kwargs: Any) -> VerifiedOutputs | OutputsProblem:
        looks.append(args)
        short = OutputsProblem("1 of its 2 files are missing or empty")
        return short if len(looks) == 1 else verify(*args, **kwargs)

    monkeypatch.setattr(world.storage, "verify_outputs", verify_outputs)
    auditor = Auditor(world)
    assert entry_of(auditor.full(), FindingType.OUTPUTS_BROKEN).result is RepairResult.SKIPPED_CHANGED
    assert (world.row.desired.edition, auditor.rows.heals) == (1, {})


def test_a_repair_under_way_is_not_repeated() -> None:
    world = a_ready_world()
    del world.storage.processed[segments(world)[-1]]
    auditor = Auditor(world)
    auditor.full()

    def audit_again() -> None:
        auditor.full()
        assert auditor.rows.heals == {VIDEO_ID: 1}

    live(world, meanwhile=audit_again)
    assert_playable(world)
    assert len(world.transcoder.jobs) == 2


def test_a_video_that_keeps_losing_files_costs_no_more_than_its_budget() -> None:
    world = a_ready_world()
    auditor = Auditor(world)
    for heals in (1, 2, 3):
        del world.storage.processed[segments(world)[0]]
        auditor.full()
        live(world, meanwhile=assert_stays_ready(world))
        assert_playable(world)
        assert auditor.rows.heals == {VIDEO_ID: heals}
        world.pass_time(DAY_SECONDS)
    del world.storage.processed[segments(world)[0]]
    for _ in range(2):
        assert entry_of(auditor.full(), FindingType.OUTPUTS_BROKEN).result is RepairResult.REPORT_ONLY
        assert auditor.rows.heals == {VIDEO_ID: 3}
    assert world.row.desired.edition == world.row.observed.edition == 4
    assert world.row.observed.phase is Phase.READY, "it is reported, and stays what it was"


def test_a_repair_that_fails_is_left_to_a_person() -> None:
    world = a_ready_world(Script(job_ends=[JobEnd.COMPLETES, JobEnd.CANNOT_DECODE]))
    auditor = Auditor(world)
    del world.storage.processed[segments(world)[0]]
    auditor.full()
    live(world, meanwhile=assert_stays_ready(world))
    assert world.row.observed.phase is Phase.ERRORED
    for _ in range(3):
        world.pass_time(DAY_SECONDS)
        assert entry_of(auditor.full(), FindingType.OUTPUTS_BROKEN).result is RepairResult.REPORT_ONLY
    assert len(world.transcoder.jobs) == 2


def test_a_lost_bucket_is_repaired_a_bounded_number_of_videos_at_a_time() -> None:
    world = a_ready_world()
    names = [f"{name:x<26}" for name in "abcdefgh"]
    for name in names:
        copied(world, world.row, name)
    for key in [key for key in world.storage.processed if key.endswith(".ts")]:
        del world.storage.processed[key]
    auditor = Auditor(world, AuditRules(heals_per_audit=4))

    for healed, in_all in ((4, 4), (4, 8), (1, 9)):
        report = auditor.full()
        assert report.applied[FindingType.OUTPUTS_BROKEN] == healed
        assert sum(auditor.rows.heals.values()) == in_all
        assert report.found[FindingType.OUTPUTS_BROKEN] == len(names) + 1
    assert auditor.full().applied == {}


def test_a_dry_run_changes_nothing_and_respects_the_budgets() -> None:
    world = a_ready_world()
    for name in ("a" * 26, "b" * 26):
        copied(world, world.row, name)
    for key in [key for key in world.storage.processed if key.endswith(".ts") or key == POSTER]:
        del world.storage.processed[key]
    auditor = Auditor(world, AuditRules(heals_per_audit=2))
    before = auditor.everything()
    report = auditor.full(may_repair=False)
    assert auditor.everything() == before
    deeds = [entry.result for entry in report.entries if entry.finding.kind is FindingType.OUTPUTS_BROKEN]
    assert sorted(deeds) == sorted([RepairResult.PLANNED, RepairResult.PLANNED, RepairResult.REPORT_ONLY])


@pytest.mark.parametrize("text", [None, "", "#EXTM3U\n# an older edition\n"])
@pytest.mark.parametrize("is_light", [True, False], ids=["light", "full"])
def test_a_playlist_that_a_stale_leader_wrote_is_rewritten(text: str | None, is_light: bool) -> None:
    world = a_ready_world()
    right = dict(world.storage.processed)
    if text is None:
        del world.storage.processed[PLAYLIST]
    else:
        world.storage.write_playlist(VIDEO_ID, text)
    auditor = Auditor(world)
    report = auditor.light() if is_light else auditor.full()
    assert entry_of(report, FindingType.PLAYLIST_WRONG).result is RepairResult.APPLIED
    assert world.storage.processed[PLAYLIST].body == right[PLAYLIST].body
    assert not auditor.full().found
    assert len(world.transcoder.jobs) == 1


def test_a_lost_poster_is_copied_again() -> None:
    world = a_ready_world()
    poster = world.storage.processed.pop(POSTER)
    auditor = Auditor(world)
    assert entry_of(auditor.full(), FindingType.POSTER_MISSING).result is RepairResult.APPLIED
    assert world.storage.processed[POSTER].body == poster.body
    assert not auditor.full().found


def test_a_light_run_reads_only_stable_playlists() -> None:
    world = a_ready_world()
    first = len(world.kill_switch.calls)
    assert not Auditor(world).light().found
    assert world.kill_switch.calls[first:] == ["working", "read_playlist", "working"]


def test_outputs_of_the_previous_edition_are_removed_a_day_after_the_new_one() -> None:
    world = a_ready_world()
    row = world.row
    world.records.rows[VIDEO_ID] = replace(
        row, desired=replace(row.desired, edition=2, revision=row.desired.revision + 1)
    )
    live(world)
    auditor = Auditor(world)
    old, new = (object_keys.outputs_prefix(VIDEO_ID, one.observed.outputs_folder) for one in (row, world.row))

    world.pass_time(DAY_SECONDS - 3600)
    assert not auditor.full().found
    assert any(key.startswith(old) for key in world.storage.processed)

    world.pass_time(3600)
    report = auditor.full()
    assert entry_of(report, FindingType.OUTPUTS_SUPERSEDED).result is RepairResult.APPLIED
    assert not any(key.startswith(old) for key in world.storage.processed)
    assert any(key.startswith(new) for key in world.storage.processed)
    assert_playable(world)
    assert not auditor.full().found


def test_an_import_is_never_given_an_edition_but_keeps_its_stable_files() -> None:
    world = a_ready_world()
    row = world.row
    world.records.rows[VIDEO_ID] = replace(row, desired=replace(row.desired, origin=Origin.KUBERNETES))
    del world.storage.processed[segments(world)[-1]]
    del world.storage.processed[PLAYLIST]
    auditor = Auditor(world)
    report = auditor.full()
    assert entry_of(report, FindingType.OUTPUTS_BROKEN).result is RepairResult.REPORT_ONLY
    assert (world.row.desired.edition, auditor.rows.heals) == (1, {})
    published = world.row.observed.published
    assert published is not None
    assert world.storage.read_playlist(VIDEO_ID) == stable_playlist(published)


def test_killed_at_any_moment_the_next_audit_ends_the_same_and_buys_no_more() -> None:
    def broken_world() -> Auditor:
        world = a_ready_world()
        del world.storage.processed[segments(world)[-1]]
        del world.storage.processed[PLAYLIST]
        world.storage.put_processed("processed/lost/1/hls/master.m3u8", b"x")
        return Auditor(world)

    def ends(auditor: Auditor) -> tuple[object, ...]:
        folder = auditor.world.row.observed.outputs_folder
        bodies = {
            key.replace(folder, "folder"): stored.body.replace(folder.encode(), b"folder")
            for key, stored in auditor.objects().items()
        }
        return auditor.world.row.desired, auditor.rows.heals, set(auditor.rows.in_quarantine), bodies

    auditor = broken_world()
    before = auditor.world.kill_switch.moments
    auditor.full()
    moments = auditor.world.kill_switch.moments - before
    assert moments > 20
    expected = ends(auditor)
    for moment in range(1, moments + 1):
        auditor = broken_world()
        auditor.world.kill_switch.arm(moment)
        with pytest.raises(KilledError):
            auditor.full()
        auditor.full()
        assert ends(auditor) == expected


def test_doubled_and_uncertain_submissions_are_reported() -> None:
    world = a_ready_world()
    world.records.record(video_id=VIDEO_ID, attempt=1, job_id="another")
    auditor = Auditor(world)
    assert auditor.full().found == {FindingType.DOUBLED_JOB: 1}
    row, attempt = world.row, world.records.attempts[VIDEO_ID, 1]
    observed = replace(row.observed, phase=Phase.UPLOADED, attempt=2)
    world.records.rows[VIDEO_ID] = replace(row, observed=observed)
    world.records.attempts[VIDEO_ID, 2] = replace(attempt, attempt=2, state=AttemptState.UNCERTAIN, job_id=None)
    assert auditor.full().found == {FindingType.DOUBLED_JOB: 1, FindingType.UNCERTAIN_SUBMISSION: 1}


def test_a_submission_just_before_the_deadline_is_resolved_before_the_upload_is_overdue() -> None:
    world = InMemoryWorld()
    world.create()
    auditor = Auditor(world)
    timing, since = world.timing, world.row.observed.phase_since
    uploaded = replace(world.row.observed, phase=Phase.UPLOADED, deadline_at=since)
    world.records.rows[VIDEO_ID] = replace(world.row, observed=uploaded)
    late = auditor.rules.overdue_after + timing.scaled(timing.resolve_window_seconds)
    world.pass_time(late.total_seconds())
    assert not auditor.full().found
    world.pass_time(1)
    assert auditor.full().found == {FindingType.OVERDUE_ROW: 1}


def test_an_overdue_upload_is_reported_unless_it_is_paused() -> None:
    world = InMemoryWorld()
    world.create()
    auditor = Auditor(world)
    late = timedelta(seconds=world.timing.uploading_deadline_seconds) + auditor.rules.overdue_after
    world.pass_time(late.total_seconds())
    assert not auditor.full().found
    world.pass_time(1)
    assert auditor.full().found == {FindingType.OVERDUE_ROW: 1}
    world.records.rows[VIDEO_ID] = replace(world.row, observed=replace(world.row.observed, is_paused=True))
    assert not auditor.full().found
