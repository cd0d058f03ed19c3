"""The audit with a real Postgres and a real S3 server: as the operator runs it, and as a command."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from controller.audit.findings import FindingType, RepairResult
from database.pool import Database
from devstack.environment import local_s3
from devstack.paths import PROJECT_DIR
from devstack.s3 import S3Access
from domain import object_keys
from tests.integration.audited import AuditedWorld

FILM = "auditauditauditauditaudita"
OTHER = "otherotherotherotherothero"
LOST = "lostlostlostlostlostlostlo"
NO_TIME = timedelta(0)


@pytest.fixture
def world(database_url: str, s3: S3Access) -> Iterator[AuditedWorld]:
    """One video is ready; the rest of the world is empty."""
    database = Database(database_url, max_size=2)
    world = AuditedWorld(database, database_url, s3)
    world.ready(FILM)
    yield world
    database.close()


def segments(world: AuditedWorld, video_id: str = FILM, attempt: int = 1) -> list[str]:
    return sorted(
        key for key in world.objects() if key.startswith(f"{object_keys.hls_directory(video_id, str(attempt))}/")
    )


@pytest.mark.parametrize("may_purge", [False, True])
def test_a_healthy_installation_is_left_unchanged(world: AuditedWorld, may_purge: bool) -> None:
    world.ready(OTHER)
    before = world.objects(), world.tables()
    report = world.audit(may_purge=may_purge)
    assert (report.found, report.unchecked) == ({}, [])
    assert report.checked == {"videos": 2, "folders": 4}
    assert (world.objects(), world.tables()) == before


@pytest.mark.parametrize("seed", range(3))
def test_a_lost_file_is_repaired_by_requesting_a_new_edition(world: AuditedWorld, seed: int) -> None:
    lost = random.Random(seed).choice(segments(world))
    world.remove(lost)
    world.say("UPDATE videos SET retired = true")
    before = world.row(FILM)
    objects = world.objects()

    report = world.audit()

    assert report.applied == {FindingType.OUTPUTS_BROKEN: 1}
    after = world.row(FILM)
    assert (after.heals, after.row.desired.edition, after.row.desired.revision) == (
        1,
        2,
        before.row.desired.revision + 1,
    )
    assert after.row.retired is False
    assert after.row.observed == before.row.observed, "it stays ready"
    assert world.objects() == objects
    assert world.audit().applied == {}, "one edition at a time"
    assert world.row(FILM) == after


def test_repairs_of_a_video_stay_within_its_budget(world: AuditedWorld) -> None:
    world.remove(segments(world)[0])
    for heals in (1, 2, 2):
        world.audit(max_heals=2)
        world.say("UPDATE videos SET observed_edition = edition, observed_revision = observed_revision + 1")
        assert world.row(FILM).heals == heals


def test_stable_files_follow_the_row(world: AuditedWorld) -> None:
    playlist, poster = object_keys.stable_playlist_key(FILM), object_keys.stable_poster_key(FILM)
    right = {key: world.body(key) for key in (playlist, poster)}
    world.put(playlist, b"#EXTM3U\n# of another edition\n")
    world.remove(poster)
    assert world.audit().applied == {FindingType.PLAYLIST_WRONG: 1, FindingType.POSTER_MISSING: 1}
    assert {key: world.body(key) for key in right} == right
    assert world.audit().found == {}


def test_every_public_file_of_a_deleted_video_is_withdrawn(world: AuditedWorld) -> None:
    world.say(
        "UPDATE videos SET deleted = true, deleted_at = now(), is_playable = false, is_withdrawn = true, "
        "revision = revision + 1"
    )
    assert world.audit().applied == {FindingType.PUBLIC_THOUGH_DELETED: 1}
    assert not [key for key in world.objects() if key.startswith(object_keys.video_prefix(FILM))]
    assert world.audit().found == {}


def test_superseded_outputs_are_removed_after_their_period(world: AuditedWorld) -> None:
    world.ready(OTHER, attempts=2)
    before = set(world.objects())
    assert world.audit().found == {}
    assert world.audit(superseded_after=NO_TIME).applied == {FindingType.OUTPUTS_SUPERSEDED: 1}
    gone = before - set(world.objects())
    assert gone == {key for key in before if key.startswith(object_keys.outputs_prefix(OTHER, "1"))}
    assert world.audit(superseded_after=NO_TIME).found == {}


def test_objects_without_a_row_are_removed_only_after_quarantine_and_with_purge(world: AuditedWorld) -> None:
    world.ready(LOST)
    world.say("DELETE FROM videos WHERE video_id = %(lost)s", lost=LOST)
    before = world.objects()
    strays = {key for key in before if object_keys.video_id_of(key) == LOST}
    for _ in range(2):
        report = world.audit(may_purge=True)
        assert report.found[FindingType.OBJECTS_WITHOUT_ROW] == len(strays)
    assert world.objects() == before
    assert {row[1] for row in world.tables()["quarantine"]} == strays

    assert world.audit(quarantined_for=NO_TIME).found[FindingType.QUARANTINE_DUE] == len(strays)
    assert world.objects() == before, "no purge was requested"
    report = world.audit(may_purge=True, quarantined_for=NO_TIME)
    assert report.applied == {FindingType.QUARANTINE_DUE: len(strays)}
    assert set(before) - set(world.objects()) == strays
    assert world.audit().found == {}


def test_objects_whose_row_came_back_leave_quarantine(world: AuditedWorld) -> None:
    world.put(f"{object_keys.video_prefix(LOST)}playlist.m3u8", b"#EXTM3U\n")
    world.audit()
    world.ready(LOST)
    assert world.audit(may_purge=True, quarantined_for=NO_TIME).applied == {FindingType.QUARANTINE_OUTDATED: 1}
    assert world.tables()["quarantine"] == []
    assert world.audit().found == {}


def run(world: AuditedWorld, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does where the operator runs."""
    defaults = {
        "DATABASE_URL": world.database_url,
        "COCONUT_URL": "http://127.0.0.1:1/v2",
        "COCONUT_API_KEY": "unused",
        "WEBHOOK_BASE_URL": "http://127.0.0.1:1",
        "WEBHOOK_SIGNING_KEYS": "x" * 32,
        "AUDIT_VIDEOS_PER_SECOND": "1000",
    }
    return subprocess.run(
        [sys.executable, "-m", "controller.audit_cli", *arguments],
        cwd=PROJECT_DIR,
        env={"PATH": os.environ["PATH"]} | defaults | local_s3(world.s3) | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_dry_run_changes_nothing_and_apply_repairs(world: AuditedWorld) -> None:
    healthy = run(world, "--dry-run")
    assert (healthy.returncode, healthy.stdout) == (0, "checked 2 folders, 1 videos; found nothing\n")

    world.remove(segments(world)[0])
    world.remove(object_keys.stable_playlist_key(FILM))
    before = world.objects(), world.tables()
    rehearsed = run(world, "--dry-run")
    assert rehearsed.returncode == 1, rehearsed.stderr
    assert f"outputs_broken  {FILM}" in rehearsed.stdout
    assert "[retranscode: planned]" in rehearsed.stdout
    assert (world.objects(), world.tables()) == before

    applied = run(world, "--apply", "--json")
    assert applied.returncode == 0, applied.stderr
    report = json.loads(applied.stdout)
    assert report["applied"] == {"playlist_wrong": 1, "outputs_broken": 1}
    assert {finding["result"] for finding in report["findings"]} == {RepairResult.APPLIED}
    assert world.row(FILM).row.desired.edition == 2
    assert object_keys.stable_playlist_key(FILM) in world.objects()


def test_the_purge_command_removes_quarantined_objects(world: AuditedWorld) -> None:
    stray = f"{object_keys.video_prefix(LOST)}1/hls/master.m3u8"
    world.put(stray, b"#EXTM3U\n")
    assert run(world, "--apply").returncode == 0, "everything repairable is repaired"
    assert run(world, "--apply", "--purge-quarantine").returncode == 1, "the quarantine has not ended"
    assert stray in world.objects()
    assert run(world, "--apply", "--purge-quarantine", QUARANTINE_SECONDS="0").returncode == 0
    assert stray not in world.objects()
    assert run(world, "--dry-run").returncode == 0


@pytest.mark.parametrize(
    ("environment", "who"),
    [
        pytest.param({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "Postgres", id="postgres"),
        pytest.param({"S3_ENDPOINT": "http://127.0.0.1:1"}, "the object store", id="s3"),
        pytest.param({"MAX_HEALS": "many"}, "MAX_HEALS", id="settings"),
    ],
)
@pytest.mark.parametrize("mode", ["--dry-run", "--apply"])
def test_an_unavailable_dependency_makes_the_run_incomplete(
    world: AuditedWorld, environment: dict[str, str], who: str, mode: str
) -> None:
    before = world.objects(), world.tables()
    ended = run(world, mode, **environment)
    assert ended.returncode == 2, ended.stdout
    assert who in ended.stderr
    assert "found nothing" not in ended.stdout
    assert (world.objects(), world.tables()) == before
