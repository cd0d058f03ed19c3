"""An API of two worker processes: one page of metrics, one drain, and a worker that ends alone is replaced."""

import os
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from devstack.cluster import ClusterAdmin
from devstack.s3 import S3Access
from tests.integration.api_process import (
    A_VIDEO,
    FROM_FILES,
    ApiProcess,
    environment_of,
    running,
    status_for,
    without_cluster,
)
from tests.support.eventually import eventually
from tests.support.secret_mount import mount

VIDEOS = "/api/v1/videos"
OLD, NEW = "the signing key before it was rotated", "the signing key after it was rotated"
UNKNOWN = f"{VIDEOS}/{'a' * 26}"
_WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""


@pytest.fixture
def environment(database_url: str, s3: S3Access, tmp_path: Path) -> dict[str, str]:
    """The environment of an API of two processes. Kubernetes is away."""
    return environment_of(database_url, s3, without_cluster(tmp_path), PROCESSES="2", TMPDIR=str(tmp_path))


@pytest.fixture
def api(environment: dict[str, str], tmp_path: Path) -> Iterator[ApiProcess]:
    """A running API."""
    with running(environment, tmp_path) as process:
        workers(process)
        yield process


def workers(api: ApiProcess) -> list[int]:
    """Wait until both workers answer, and return their process ids."""

    def both() -> list[int] | None:
        pids = api.workers()
        return pids if len(pids) == 2 and all(is_ready(api, pid) for pid in pids) else None

    return eventually(both)


def is_ready(api: ApiProcess, pid: int) -> bool:
    """Return whether this worker answers that it is ready."""
    with only(api, pid):
        try:
            return requests.get(f"{api.url}/readyz", timeout=3).status_code == 200
        except requests.RequestException:
            return False


@contextmanager
def only(api: ApiProcess, pid: int) -> Iterator[None]:
    """Let one of the workers accept connections."""
    others = [other for other in api.workers() if other != pid]
    for other in others:
        with suppress(ProcessLookupError):
            os.kill(other, signal.SIGSTOP)
    try:
        yield
    finally:
        for other in others:
            with suppress(ProcessLookupError):
                os.kill(other, signal.SIGCONT)


def kill(api: ApiProcess, pid: int) -> None:
    """End a worker, and wait for its end."""
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: pid not in api.workers())


def test_the_metrics_of_both_workers_are_one_page_and_outlive_a_worker(api: ApiProcess, tmp_path: Path) -> None:
    first, second = workers(api)
    for pid, calls in ((first, 5), (second, 7)):
        with only(api, pid):
            for _ in range(calls):
                assert api.call("GET", UNKNOWN).status_code == 404
    for pid in (first, second):
        with only(api, pid):
            assert reads(metrics(api)) == 12
    before = metrics(api)
    # The pages that processes share count once.
    resident = [resident_bytes(pid) for pid in (first, second, api.pid)]
    assert max(resident) < before["process_resident_memory_bytes"] < sum(resident)

    files = len(list(tmp_path.rglob("*.db")))
    for _ in range(3):
        kill(api, workers(api)[-1])
        assert api.call("GET", UNKNOWN).status_code == 404
    workers(api)
    after = metrics(api)
    assert reads(after) == 15
    assert after["process_cpu_seconds_total"] >= before["process_cpu_seconds_total"]
    assert after["process_start_time_seconds"] == before["process_start_time_seconds"]
    assert after["video_uploads_publish_waiting"] == 0
    assert len(list(tmp_path.rglob("*.db"))) == files
    assert (api.probe("/livez"), api.probe("/readyz")) == (200, 200)


def test_the_files_of_the_metrics_are_removed_at_the_end(api: ApiProcess, tmp_path: Path) -> None:
    assert list(tmp_path.rglob("*.db"))
    api.terminate()
    assert api.exit_code() == 0
    assert not list(tmp_path.rglob("*.db"))


def test_a_stop_answers_the_requests_of_both_workers(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    slow = {"DATABASE_TIMEOUT_SECONDS": "30", "DRAIN_SECONDS": "2"}
    with running(environment | slow, tmp_path) as api:
        stop_amid_creations(api, database_url)
        assert api.exit_code() == 0
    assert count(database_url, "SELECT count(*) FROM videos") == 8


def stop_amid_creations(api: ApiProcess, database_url: str) -> None:
    """Stop an API of which each worker has four creations under way, and expect an answer to each."""
    with psycopg.connect(database_url) as holding, ThreadPoolExecutor(8) as pool:
        # Every creation for Ann waits for this lock in the middle of its transaction.
        holding.execute("SELECT pg_advisory_xact_lock(hashtextextended('ann', 7602))")
        creations = []
        for number, pid in enumerate(workers(api)):
            with only(api, pid):
                creations += [pool.submit(api.call, "POST", VIDEOS, json=A_VIDEO) for _ in range(4)]
                # Each worker's connections to Postgres hold so many of them.
                eventually(lambda: count(database_url, _WAITING) == 4 * (number + 1))  # noqa: B023 - called here
        api.terminate()
        eventually(lambda: not any(is_ready(api, pid) for pid in api.workers()))
        holding.rollback()
        assert Counter(creation.result().status_code for creation in creations) == {201: 8}


def test_while_a_worker_is_killed_the_other_one_answers(api: ApiProcess) -> None:
    first, second = workers(api)
    stopped = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(answers_until, stopped, api)
        kill(api, first)
        restarted = workers(api)
        stopped.set()
        # A connection that the killed worker had accepted is lost with it: at most the one call that was made then.
        assert answers.result()["lost"] <= 1
        assert answers.result()[404] > 0
    assert second in restarted
    assert first not in restarted


def test_each_resource_is_published_by_the_worker_that_made_it_alone(
    database_url: str, s3: S3Access, api_server: ClusterAdmin, api_kubeconfig: Path, tmp_path: Path
) -> None:
    environment = environment_of(
        database_url, s3, api_kubeconfig, PROCESSES="2", TMPDIR=str(tmp_path), NAMESPACE=api_server.namespace
    )
    with running(environment, tmp_path) as api:
        for pid in workers(api):
            with only(api, pid):
                for _ in range(4):
                    api.create()
        eventually(lambda: metrics(api)["video_uploads_publish_total"] == 8)
        assert metrics(api)["video_uploads_publish_total applied"] == 8


def test_rotated_credentials_replace_all_workers_once(environment: dict[str, str], tmp_path: Path) -> None:
    files = {name: environment.pop(name) for name in FROM_FILES}
    mounted = tmp_path / "credentials"
    mount(mounted, files | {"JWT_SIGNING_KEY": OLD})
    with running(environment | {"SECRETS_DIR": str(mounted)}, tmp_path) as api:
        before = workers(api)
        mount(mounted, files | {"JWT_SIGNING_KEY": NEW})
        # The one that looks for changes: its successor begins with the new key, and the other one has the old one.
        kill(api, before[0])
        eventually(lambda: not set(before) & set(workers(api)))
        for pid in workers(api):
            with only(api, pid):
                assert (status_for(api, NEW), status_for(api, OLD)) == (200, 401)
        assert api.log().count("credentials_rotated") == 1
        assert len(workers(api)) == 2


def metrics(api: ApiProcess) -> dict[str, float]:
    """Return the sum of each metric's samples, and each result of the publisher."""
    values: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(requests.get(f"{api.url}/metrics", timeout=20).text):
        for sample in family.samples:
            if sample.name.endswith("_count") and sample.labels.get("route") != "/api/v1/videos/{video_id}":
                continue
            values[sample.name] += sample.value
            if "result" in sample.labels:
                values[f"{sample.name} {sample.labels['result']}"] += sample.value
    return values


def reads(values: dict[str, float]) -> float:
    """Return how many videos were asked for."""
    return values["video_uploads_http_request_seconds_count"]


def resident_bytes(pid: int) -> int:
    """Return the memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def answers_until(stopped: threading.Event, api: ApiProcess) -> Counter[object]:
    """Call until the event, and count the statuses."""
    seen: Counter[object] = Counter()
    while not stopped.is_set():
        try:
            seen[api.call("GET", UNKNOWN).status_code] += 1
        except requests.ConnectionError:
            seen["lost"] += 1
    return seen


def count(database_url: str, statement: str) -> int:
    """Return a number from Postgres."""
    with psycopg.connect(database_url) as connection:
        (found,) = connection.execute(statement.encode()).fetchall()
    return int(found[0])
