"""Imports and restored rows on a real API server and a real Postgres, with the operator's own account.

Only storage and Coconut are in memory: what matters here is what the API server and the database let through.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from controller.coconut.limiter import SubmissionLimiter, SubmissionLimits
from controller.dependencies import Dependencies
from controller.loop.cache import ResourceCache
from controller.loop.pass_result import PassResult
from controller.loop.queue import WorkQueue
from controller.loop.resync import Resync
from controller.loop.workers import Workers
from crds.client import UploadsClient
from crds.events import EventRecorder
from crds.resource import Resource
from database.adoption import Adoption
from database.attempts import Attempts
from database.captions import CaptionRows
from database.commands import VideoCommands
from database.job_claims import Claims
from database.observations import Observations
from database.pool import Database
from database.posters import PosterRows
from database.profiles import Profiles
from database.retention import Retention
from database.source_fetches import SourceFetches
from devstack.cluster import ClusterAdmin
from devstack.paths import PROJECT_DIR
from domain import object_keys
from domain.policy import LifecyclePolicy
from domain.records import Cause, VideoRow
from domain.schedule import Timing
from domain.spending import SubmissionLoad
from domain.video import Origin, Phase, new_video_id
from storage.multipart import Multipart
from storage.object_store import Storage
from tests.support.builders.resources import SIGNATURES
from tests.support.builders.videos import a_new_video
from tests.support.fakes.multipart import FakeMultipart
from tests.support.fakes.sources import FakeSources
from tests.support.fakes.storage import FakeStorage
from tests.support.fakes.transcoder import FakeTranscoder, Script
from tests.support.fakes.videos import mp4
from tests.support.world.clock import FakeClock

EXAMPLE = PROJECT_DIR / "docs" / "examples" / "import.yaml"
PASSES_AT_MOST = 40
TABLES = "videos, attempts, job_claims, video_events, notifications, tombstones"


@dataclass
class Operator:
    """Passes over one name, made one by one, on real stores."""

    cluster: ClusterAdmin
    uploads: UploadsClient
    database: Database
    clock: FakeClock = field(default_factory=lambda: FakeClock(datetime.now(UTC)))
    script: Script = field(default_factory=Script)

    def __post_init__(self) -> None:
        self.timing = Timing()
        self.storage = FakeStorage(self.clock.now)
        self.transcoder = FakeTranscoder(self.clock, self.storage, self.script)
        self.observations = Observations(self.database)
        limits = SubmissionLimits(max_running=9, per_minute=600, burst=9)
        self.world = Dependencies(
            observations=self.observations,
            attempts=Attempts(self.database),
            claims=Claims(self.database),
            retention=Retention(self.database),
            captions=CaptionRows(self.database),
            posters=PosterRows(self.database),
            profiles=Profiles(self.database),
            fetch_rows=SourceFetches(self.database),
            sources=FakeSources(),
            adoption=Adoption(self.database),
            storage=cast("Storage", self.storage),
            parts=cast("Multipart", FakeMultipart(self.storage, self.clock.now)),
            transcoder=self.transcoder,
            limiter=SubmissionLimiter(limits, monotonic=self.clock.monotonic, load=self._load),
            resources=self.uploads,
            events=EventRecorder(self.uploads.post_event),
            policy=LifecyclePolicy(self.timing),
            max_file_bytes=10_000,
            callback_url=lambda video_id, attempt: f"https://api.test/{video_id}/{attempt}",
            monotonic=self.clock.monotonic,
        )

    def _load(self) -> SubmissionLoad:
        return self.observations.submission_load(self.clock.now(), per_owner=9, at_most=9)

    def passes(self, name: str, *, until: Phase | None = None) -> None:
        """Read every resource as a new process does, then make passes until one plans nothing, or until a phase."""
        cache, queue = ResourceCache(), WorkQueue(self.clock.monotonic)
        resync = Resync(self.world, cache, queue, clock=self.clock.now)
        workers = Workers(queue, cache, self.world, count=1, clock=self.clock.now)
        for _ in range(PASSES_AT_MOST):
            resync.resources()
            before = self.row(name), self.uploads.get(name)
            result = workers.one_pass(name, Cause.SWEEP)
            after = self.row(name), self.uploads.get(name)
            self.clock.advance(61)
            self.transcoder.run()
            row = after[0]
            is_there = row is not None and row.observed.phase is until
            # A pass that moves files may leave the row as it is and ask for another one.
            is_idle = before == after and result is not PassResult.REQUEUE
            if is_there or (until is None and is_idle and (row is None or is_at_rest(row))):
                return
        raise AssertionError(f"no end after {PASSES_AT_MOST} passes: {self.row(name)}")

    def row(self, name: str) -> VideoRow | None:
        return self.observations.get(name)

    def wanted_row(self, name: str) -> VideoRow:
        row = self.row(name)
        assert row is not None
        return row

    def resource(self, name: str) -> Resource:
        resource = self.uploads.get(name)
        assert resource is not None
        return resource

    def apply(self, name: str, storage_key: str | None = None, **spec: Any) -> None:
        """Play a person: apply an import."""
        key = storage_key or f"{object_keys.IMPORTS_PREFIX}{self.cluster.namespace}/{name}.mp4"
        body = {
            "apiVersion": "video.uploads.dev/v1alpha1",
            "kind": "VideoUpload",
            "metadata": {"name": name},
            "spec": {"source": {"storageKey": key}, **spec},
        }
        self.cluster.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(body))
        if key not in self.storage.raw:
            self.storage.put_raw(key, mp4())

    def delete(self, name: str) -> None:
        """Play a person: delete the resource."""
        self.cluster.kubectl("delete", "vu", name, "--wait=true")

    def empty_postgres(self, database_url: str) -> None:
        """Play a restore from a dump that is older than everything."""
        with psycopg.connect(database_url) as connection:
            connection.execute(f"TRUNCATE {TABLES} CASCADE")


def is_at_rest(row: VideoRow) -> bool:
    return row.observed.phase in {Phase.READY, Phase.ERRORED} or row.desired.deleted


@pytest.fixture
def name() -> str:
    """The name of an import of this test's own."""
    return f"film-{new_video_id()}"


@pytest.fixture
def operator(api_server: ClusterAdmin, operator_kubeconfig: Path, database_url: str) -> Iterator[Operator]:
    database = Database(database_url, max_size=4)
    uploads = UploadsClient.from_environment(
        namespace=api_server.namespace, signatures=SIGNATURES, kubeconfig=operator_kubeconfig
    )
    yield Operator(api_server, uploads, database)
    database.close()
    api_server.kubectl("delete", "vu", "--all", "--wait=true")


def test_the_example_becomes_playable(operator: Operator) -> None:
    operator.cluster.kubectl("apply", f"--filename={EXAMPLE}")
    said = operator.resource("launch-film")
    operator.storage.put_raw(said.spec["source"]["storageKey"], mp4())
    operator.passes("launch-film")

    assert "condition met" in operator.cluster.kubectl(
        "wait", "--for=condition=Ready", "vu/launch-film", "--timeout=5s"
    )
    row, shown = operator.wanted_row("launch-film"), operator.resource("launch-film")
    assert (row.desired.origin, row.desired.title, row.observed.phase) == (Origin.KUBERNETES, "The launch", Phase.READY)
    assert (shown.spec, shown.generation, shown.labels) == (said.spec, 1, said.labels)
    assert row.created_at == said.created_at
    assert len(operator.transcoder.jobs) == 1


def test_an_import_deleted_and_applied_again_is_playable_without_another_job(operator: Operator, name: str) -> None:
    operator.apply(name)
    operator.passes(name)
    operator.delete(name)
    operator.passes(name)
    assert operator.wanted_row(name).desired.deleted
    assert operator.storage.read_playlist(name) is None

    operator.apply(name, title="Again")
    operator.passes(name)
    row = operator.wanted_row(name)
    assert (row.desired.deleted, row.desired.title, row.observed.is_playable) == (False, "Again", True)
    assert operator.resource(name).status is not None
    assert len(operator.transcoder.jobs) == 1


def test_a_retained_import_plays_on_when_its_resource_is_deleted(operator: Operator, name: str) -> None:
    operator.apply(name, deletionPolicy="retain")
    operator.passes(name)
    operator.delete(name)
    operator.passes(name)
    row = operator.wanted_row(name)
    assert (row.desired.deleted, row.observed.is_playable) == (False, True)
    assert operator.storage.read_playlist(name) is not None
    (working,) = [one for one in operator.observations.working(after="", at_most=100) if one.video_id == name]
    assert working.is_retained

    operator.apply(name)
    operator.passes(name)
    operator.delete(name)
    operator.passes(name)
    assert operator.wanted_row(name).desired.deleted
    assert operator.storage.read_playlist(name) is None
    assert len(operator.transcoder.jobs) == 1


@pytest.mark.parametrize("phase", [Phase.PROCESSING, Phase.READY])
@pytest.mark.parametrize("origin", Origin)
def test_lost_rows_are_restored_from_their_resources_without_another_job(
    operator: Operator, name: str, origin: Origin, phase: Phase, database_url: str
) -> None:
    if origin is Origin.KUBERNETES:
        operator.apply(name, owner="user-1")
    else:
        name = new_video_id()
        new = a_new_video(name, declared_bytes=None)
        VideoCommands(operator.database, operator.timing).create(new, per_hour=9)
        operator.storage.put_raw(new.storage_key, mp4())
    operator.passes(name, until=phase)
    operator.passes(name, until=phase)
    desired = operator.wanted_row(name).desired
    operator.empty_postgres(database_url)
    assert operator.row(name) is None

    operator.passes(name)
    row = operator.wanted_row(name)
    assert (row.desired, row.observed.phase) == (desired, Phase.READY)
    assert len(operator.transcoder.jobs) == 1
    assert [attempt.job_id for attempt in operator.world.attempts.since(name, floor=0)] == ["job1"]


def test_a_file_of_another_namespace_is_refused_visibly(operator: Operator, name: str) -> None:
    operator.apply(name, "imports/others/film.mp4")
    operator.passes(name)

    assert operator.row(name) is None
    columns = operator.cluster.kubectl("get", "vu", name, "--no-headers").split()
    assert columns[1:4] == ["errored", "0", "ImportRefused"]
    assert "condition met" in operator.cluster.kubectl("wait", "--for=condition=Stalled", f"vu/{name}", "--timeout=5s")
    first = operator.resource(name)
    assert f"imports/{operator.cluster.namespace}/" in (first.status or {})["message"]
    operator.passes(name)
    assert operator.resource(name) == first


def test_another_file_under_the_same_name_is_refused_until_the_first_is_purged(operator: Operator, name: str) -> None:
    operator.apply(name)
    operator.passes(name)
    operator.delete(name)
    second = f"imports/{operator.cluster.namespace}/second.mp4"
    operator.apply(name, second)
    operator.passes(name)
    assert (operator.resource(name).status or {})["reason"] == "ImportRefused"
    assert operator.storage.read_playlist(name) is None

    operator.clock.advance(operator.timing.delete_grace_seconds)
    operator.passes(name, until=Phase.READY)
    row = operator.wanted_row(name)
    assert (row.desired.storage_key, row.desired.deleted, row.observed.attempt, row.observed.attempt_floor) == (
        second, False, 2, 1,
    )  # fmt: skip
    assert operator.storage.head(f"imports/{operator.cluster.namespace}/{name}.mp4") is not None


def test_a_leftover_resource_of_a_purged_video_is_removed(operator: Operator) -> None:
    name = new_video_id()
    row = VideoCommands(operator.database, operator.timing).create(a_new_video(name), per_hour=9).row
    deleted = replace(row.desired, deleted=True, revision=2)
    gone = operator.world.adoption.learn(row, desired=deleted, at=operator.clock.now())
    assert gone is not None
    assert operator.world.retention.purge(gone)
    operator.uploads.apply(row.desired)

    operator.passes(name)
    assert operator.uploads.get(name) is None
    assert operator.row(name) is None


def test_a_row_follows_the_spec_of_its_import(operator: Operator, name: str) -> None:
    operator.apply(name)
    operator.passes(name)
    operator.apply(name, title="Another", owner="user-2", edition=2)  # an owner is a note, see decision 0021
    operator.passes(name)
    row, shown = operator.wanted_row(name), operator.resource(name)
    assert (row.desired.title, row.desired.owner, row.observed.edition) == ("Another", "", 2)
    assert (shown.status or {})["observedGeneration"] == shown.generation == 2
    assert len(operator.transcoder.jobs) == 2
