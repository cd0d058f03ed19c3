"""Hostile callbacks by holders of a signed URL. Forged ones are in test_bad_input.py."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from database.job_claims import Claims
from database.pool import Database
from devstack.s3 import S3Access
from domain.callback_url import callback_url
from tests.integration.api_process import (
    CALLBACK_KEY,
    JWT_SIGNING_KEY,
    environment_of,
    token,
    without_cluster,
)
from tests.integration.hostile_world import RealWorld, real_world
from tests.support.eventually import eventually
from tests.support.hostile.calls import CALLS
from tests.support.hostile.requests import good_request
from tests.support.hostile.wire import breaks_of, encode

OLD_KEY = "the callback key before this one..."
OLDER_KEY = "the callback key that is not valid now"
JOB = "S9BkOufdntiPR9"
THREADS = 16


@pytest.fixture
def environment(database_url: str, s3: S3Access, tmp_path: Path) -> dict[str, str]:
    """The API's environment, with every library's log lines turned on."""
    rotated = f"{CALLBACK_KEY},{OLD_KEY}"
    return environment_of(database_url, s3, without_cluster(tmp_path), WEBHOOK_SIGNING_KEYS=rotated, LOG_LEVEL="DEBUG")


@pytest.fixture
def world(environment: dict[str, str], tmp_path: Path) -> Iterator[RealWorld]:
    with real_world(environment, tmp_path) as running:
        yield running


def report(world: RealWorld, job: str, *, video: str | None = None, key: str = CALLBACK_KEY) -> int:
    """Say that a job belongs to the first attempt of a video, as Coconut does, and return the status."""
    url = callback_url(world.api.url, [key], video_id=video or world.facts.own, attempt=1)
    return requests.post(url, json={"job_id": job, "event": "job.completed"}, timeout=20).status_code


def claimed(world: RealWorld) -> list[tuple[object, ...]]:
    return [row[:3] for row in world.rows("job_claims")]


def test_a_thousand_equal_callbacks_leave_one_row(world: RealWorld) -> None:
    before = world.rows("videos"), world.rows("attempts"), world.rows("video_events")
    with ThreadPoolExecutor(THREADS) as senders:
        answers = list(senders.map(lambda _: report(world, JOB), range(1000)))

    assert set(answers) == {204}
    assert claimed(world) == [(world.facts.own, 1, JOB)]
    assert (world.rows("videos"), world.rows("attempts"), world.rows("video_events")) == before


def test_callbacks_with_a_hundred_jobs_leave_a_bounded_number_of_rows(world: RealWorld) -> None:
    with ThreadPoolExecutor(THREADS) as senders:
        answers = list(senders.map(lambda number: report(world, f"job-{number}"), range(100)))

    assert set(answers) == {204}
    assert len(claimed(world)) == 8


def test_a_claim_of_another_videos_job_has_no_effect(world: RealWorld, database_url: str) -> None:
    world.execute("UPDATE attempts SET job_id = %s WHERE video_id = %s", JOB, world.facts.foreign)
    before = world.rows("videos"), world.rows("attempts")
    assert report(world, JOB) == 204

    assert (world.rows("videos"), world.rows("attempts")) == before
    database = Database(database_url, max_size=1)
    try:
        assert Claims(database).of_attempt(world.facts.own, 1) == []
    finally:
        database.close()


def test_during_a_rotation_both_keys_are_valid(world: RealWorld) -> None:
    assert report(world, "job-1", key=CALLBACK_KEY) == 204
    assert report(world, "job-2", key=OLD_KEY) == 204
    assert report(world, "job-3", key=OLDER_KEY) == 401
    assert {job for _, _, job in claimed(world)} == {"job-1", "job-2"}


def test_no_secret_reaches_the_log_for_any_request(
    world: RealWorld, environment: dict[str, str], database_url: str
) -> None:
    own, foreign = world.facts.own, world.facts.foreign
    urls = [
        callback_url(world.api.url, [key], video_id=video, attempt=attempt)
        for key in (CALLBACK_KEY, OLD_KEY, OLDER_KEY)
        for video in (own, foreign)
        for attempt in (1, 2)
    ]
    for url in urls:
        for body in (b'{"job_id": "j"}', b"{", b'{"job_id": "' + url.encode() + b'"}', b"x" * 1_100_000):
            requests.post(url, data=body, headers={"Referer": url, "X-Request-Id": url}, timeout=20)
    created = world.api.create()
    world.api.send_file(created, b"video")
    world.api.call("POST", f"/api/v1/videos/{created['video_id']}/upload_complete")
    for call in CALLS:
        for broken in breaks_of(call):
            world.send_bytes(broken.change(encode(good_request(call, world.facts))), is_cut=broken.is_cut)
    nothing = token("ann", iss="https://evil.example.com")
    requests.get(f"{world.api.url}/api/v1/videos/{own}", headers={"Authorization": f"Bearer {nothing}"}, timeout=20)
    marker = f"the-end-{secrets.token_hex(8)}"
    requests.post(f"{world.api.url}/nowhere", headers={"X-Request-Id": marker}, timeout=20)
    log = eventually(lambda: world.api.log() if marker in world.api.log() else None)

    signed = parse_qs(urlsplit(created["upload_url"]).query)
    hidden = {
        **{f"signature {number}": url.rpartition("sig=")[2] for number, url in enumerate(urls)},
        "signature of the upload": signed["X-Amz-Signature"][0],
        "callback key": CALLBACK_KEY,
        "old callback key": OLD_KEY,
        "token's key": JWT_SIGNING_KEY,
        "token": world.facts.token.rpartition(".")[2],
        "refused token": nothing.rpartition(".")[2],
        "storage": environment["S3_SECRET_KEY"],
        "database": urlsplit(database_url).password or "no password",
    }
    assert [name for name, secret in hidden.items() if secret in log] == []
    assert '"/webhooks/coconut"' in log
