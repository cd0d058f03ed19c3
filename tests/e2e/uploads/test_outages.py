"""Uploads survive upstreams that are gone, frozen, refusing or silent, and an operator that is stopped meanwhile."""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from devstack.server import Server
from domain.callback_url import callback_url
from tests.e2e.options import OPTIONS
from tests.e2e.uploads.operators import operators, stack_operator_restarted
from tests.e2e.uploads.world import World, create, in_phase, put, uploaded
from tests.support.eventually import eventually

CALLBACKS = 1000
# 2.4 hours, scaled as every duration of the stack.
OUTAGE_SECONDS = 2.4 * 3600 * OPTIONS.time_scale


def test_postgres_dies_while_a_job_runs(world: World, clip: Path) -> None:
    world.faults(hold=1, canned=1)
    client = world.client()
    video_id = uploaded(client, clip)
    eventually(lambda: in_phase(client, video_id, "processing"))

    world.stack.kill("postgres")
    anybody = {"Authorization": f"Bearer {world.described.tokens.user}"}
    refused = requests.get(f"{world.described.api_url}/api/v1/videos/{video_id}", headers=anybody, timeout=20)
    assert (refused.status_code, refused.json()["code"]) == (503, "temporarily_unavailable")
    assert int(refused.headers["Retry-After"]) >= 1
    assert requests.get(f"{world.described.api_url}/livez", timeout=5).ok
    # The readiness check queries Postgres at most once a second.
    eventually(lambda: requests.get(f"{world.described.api_url}/readyz", timeout=20).status_code == 503)
    world.stack.start("postgres")
    eventually(lambda: requests.get(f"{world.described.api_url}/readyz", timeout=20).ok)

    world.faults(hold=0)
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)
    assert len(world.jobs(video_id)) == 1


def test_the_api_server_is_frozen_until_the_lease_is_lost(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    apiserver, operator = (world.described.pids[name] for name in ("kube-apiserver", "operator"))
    upload = create(client, clip)
    os.kill(apiserver, signal.SIGSTOP)
    try:
        put(upload, clip)
        assert client.confirm(upload.video_id) == "processing_queued"
        eventually(lambda: _is_gone(operator), within_seconds=60)
    finally:
        os.kill(apiserver, signal.SIGCONT)

    with stack_operator_restarted(world):
        eventually(lambda: in_phase(client, upload.video_id, "ready"), within_seconds=120)
        eventually(lambda: world.status(upload.video_id).get("phase") == "ready", within_seconds=60)
    assert len(world.jobs(upload.video_id)) == 1


def test_a_key_that_coconut_refuses_pauses_submissions_and_fails_no_upload(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    with operators(world) as others:
        locked_out = others.start("locked-out", COCONUT_API_KEY="expired")
        video_ids = [uploaded(client, clip) for _ in range(4)]
        reasons = {"SubmissionsPaused", "SubmissionDelayed"}
        for video_id in video_ids:
            eventually(lambda: world.status(video_id).get("reason") in reasons, within_seconds=60)  # noqa: B023
        eventually(lambda: "SubmissionsPaused" in {world.status(one).get("reason") for one in video_ids})
        others.stop(locked_out)

        others.start("let-in")
        for video_id in video_ids:
            eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)  # noqa: B023
    assert [(len(world.jobs(one)), world.rows(one)["videos"][0]["attempt"]) for one in video_ids] == [(1, 1)] * 4


def test_hours_of_500_from_coconut_cost_one_attempt_at_most_and_fail_no_upload(world: World, clip: Path) -> None:
    world.faults(canned=1, http_5xx_before=1)
    client, began = world.client(), time.monotonic()
    video_ids = [uploaded(client, clip) for _ in range(20)]

    def is_over() -> bool:
        # The phase is `uploaded` throughout: `in_phase` fails for `errored`.
        is_past = time.monotonic() - began > OUTAGE_SECONDS
        return all(in_phase(client, one, "uploaded") for one in video_ids) and is_past

    eventually(is_over, within_seconds=OUTAGE_SECONDS + 60, every_seconds=2)
    assert [world.jobs(one) for one in video_ids] == [[]] * 20
    world.faults(http_5xx_before=0)
    for video_id in video_ids:
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=120)  # noqa: B023
    assert [len(world.jobs(one)) for one in video_ids] == [1] * 20
    # An attempt that counts has an owner. Of the outage only one that was submitted right before its end counts.
    charged = [sum(attempt["owner"] is not None for attempt in world.rows(one)["attempts"]) for one in video_ids]
    assert max(charged) <= 2
    assert sum(charged) <= len(video_ids) + 2


def test_a_key_that_storage_refuses_keeps_every_phase_and_fails_no_upload(world: World, clip: Path) -> None:
    world.faults(canned=1, hold=1)
    client = world.client()
    ids = {"processing": uploaded(client, clip)}
    eventually(lambda: in_phase(client, ids["processing"], "processing"), within_seconds=60)
    world.faults(http_429=1)
    ids["uploaded"] = uploaded(client, clip)
    eventually(lambda: in_phase(client, ids["uploaded"], "uploaded"), within_seconds=60)
    upload = create(client, clip)
    ids["uploading"] = upload.video_id

    with operators(world) as others:
        locked_out = others.start("no-key", S3_SECRET_KEY="rotated")
        world.faults(http_429=0, hold=0)
        put(upload, clip)
        client.confirm(upload.video_id)
        eventually(lambda: world.jobs(ids["processing"])[0]["status"] == "job.completed", within_seconds=60)
        eventually(lambda: set(ids.values()) <= _refused_by_storage(locked_out), within_seconds=60)
        jobs = [job for video_id in ids.values() for job in world.jobs(video_id)]
        assert {phase: client.video(one).status for phase, one in ids.items()} == {phase: phase for phase in ids}
        others.stop(locked_out)

        others.start("new-key")
        for video_id in ids.values():
            eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)  # noqa: B023
    assert [job["video"] for job in jobs] == [ids["processing"]]
    assert [(len(world.jobs(one)), world.rows(one)["videos"][0]["attempt"]) for one in ids.values()] == [(1, 1)] * 3


def test_an_operator_stopped_during_a_submission_resolves_it_later(world: World, clip: Path) -> None:
    # The job is accepted, and the response never comes.
    world.faults(hang_after=1, hold=1, canned=1)
    client = world.client()
    video_id = uploaded(client, clip)
    eventually(lambda: world.jobs(video_id))

    world.stack.stop("operator")
    attempts = world.rows(video_id)["attempts"]
    assert [attempt["state"] for attempt in attempts] in (["uncertain"], ["intended"])
    world.faults(hang_after=0, hold=0)
    world.stack.start("operator")

    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)
    assert len(world.jobs(video_id)) == 1


def test_a_thousand_callbacks_cost_one_claim_and_change_nothing(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    video_id = uploaded(client, clip)
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)
    job_id = world.jobs(video_id)[0]["job_id"]
    before = world.rows(video_id)
    key = world.stack.paths.secrets().webhook_signing_key
    url = callback_url(world.described.api_url, [key], video_id=video_id, attempt=1)

    def call(number: int) -> int:
        words = "job.failed" if number % 2 else "job.completed"
        return requests.post(url, json={"job_id": job_id, "event": words}, timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(CALLBACKS))) == {204}
    assert world.rows(video_id) == before
    assert len(before["job_claims"]) == 1


def _refused_by_storage(operator: Server) -> set[str]:
    """Return the videos whose passes failed, by the log, because storage refused our key."""
    lines = [json.loads(line) for line in operator.process.log_file.read_text().splitlines()]
    return {line["video_id"] for line in lines if "video_id" in line and "store: HTTP 403" in line.get("error", "")}


def _is_gone(pid: int) -> bool:
    try:
        return "(zombie)" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True
