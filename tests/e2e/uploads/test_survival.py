"""Uploads survive lost and forged callbacks, a killed operator and an absent cluster."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from domain.callback_url import callback_url
from tests.e2e.options import OPTIONS
from tests.e2e.uploads.operators import stack_operator_restarted
from tests.e2e.uploads.world import World, create, in_phase, put, uploaded
from tests.support.eventually import eventually


def test_without_any_callback_polling_finds_that_the_job_ended(world: World, clip: Path) -> None:
    world.faults(drop=1, canned=1)
    client = world.client()
    video_id = uploaded(client, clip)

    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)

    assert world.rows(video_id)["job_claims"] == []
    assert "claim" not in world.causes(video_id)
    # Both look without a callback, and the earlier of two takes the pass.
    assert world.causes(video_id)[-1] in {"poll", "sweep"}
    assert len(world.jobs(video_id)) == 1


def test_a_forged_callback_is_refused_and_changes_nothing(world: World, clip: Path) -> None:
    world.faults(hold=1, canned=1)
    client = world.client()
    video_id, other_id = uploaded(client, clip), create(client, clip).video_id
    job_id = _claimed_job(world, video_id)
    own, foreign = _signature(world, video_id, attempt=1), _signature(world, other_id, attempt=1)
    before = world.rows(video_id)

    forgeries = {
        "made up": {"video": video_id, "attempt": "1", "sig": "0" * 64},
        "of another video": {"video": video_id, "attempt": "1", "sig": foreign},
        "of another attempt": {"video": video_id, "attempt": "2", "sig": own},
        "missing": {"video": video_id, "attempt": "1"},
    }
    url = f"{world.described.api_url}/webhooks/coconut"
    for name, query in forgeries.items():
        payload = {"job_id": job_id, "event": "job.failed", "data": {"status": "job.failed"}}
        response = requests.post(url, params=query, json=payload, timeout=5)
        assert (response.status_code, response.json()["code"]) == (401, "invalid_signature"), name

    assert world.rows(video_id) == before
    world.faults(hold=0)
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)
    assert [claim["job_id"] for claim in world.rows(video_id)["job_claims"]] == [job_id]


def test_a_signed_callback_that_lies_is_not_believed(world: World, clip: Path) -> None:
    world.faults(hold=1, canned=1)
    client = world.client()
    video_id = uploaded(client, clip)
    job_id = _claimed_job(world, video_id)
    url = _callback_url(world, video_id, attempt=1)

    lies = [{"job_id": job_id, "status": "job.failed"}, {"job_id": "NoSuchJob12345", "status": "job.completed"}]
    for lie in lies:
        assert requests.post(url, json=lie, timeout=5).status_code == requests.codes.no_content
    # A whole pass while the job runs: what it believed would show now.
    world.reconcile_now(video_id, "after-the-lies")
    assert client.video(video_id).status == "processing"
    world.faults(hold=0)
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)

    assert [attempt["job_id"] for attempt in world.rows(video_id)["attempts"]] == [job_id]
    assert len(world.jobs(video_id)) == 1


@pytest.mark.parametrize("is_over_when_it_returns", [False, True], ids=["job-runs-on", "job-ended-meanwhile"])
def test_an_operator_killed_while_a_job_runs_resumes_it(
    world: World, clip: Path, *, is_over_when_it_returns: bool
) -> None:
    world.faults(hold=1, canned=1)
    client = world.client()
    video_id = uploaded(client, clip)
    eventually(lambda: in_phase(client, video_id, "processing"))

    world.stack.kill("operator")
    assert client.video(video_id).status == "processing"
    if is_over_when_it_returns:
        world.faults(hold=0)
        eventually(lambda: world.jobs(video_id)[0]["status"] == "job.completed", within_seconds=60)
    world.stack.start("operator")
    world.faults(hold=0)
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)
    assert len(world.jobs(video_id)) == 1
    assert [attempt["state"] for attempt in world.rows(video_id)["attempts"]] == ["completed"]
    eventually(lambda: world.status(video_id).get("phase") == "ready")


def test_creating_confirming_and_reading_need_no_kubernetes(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    world.stack.kill("kube-apiserver")

    upload = create(client, clip)  # 201
    put(upload, clip)
    assert client.confirm(upload.video_id) == "processing_queued"  # 202
    assert client.video(upload.video_id).id == upload.video_id  # 200

    world.stack.up(OPTIONS)
    with stack_operator_restarted(world):
        eventually(lambda: in_phase(client, upload.video_id, "ready"), within_seconds=60)
        eventually(lambda: world.status(upload.video_id).get("phase") == "ready", within_seconds=60)
    assert len(world.jobs(upload.video_id)) == 1


def _claimed_job(world: World, video_id: str) -> str:
    """Wait until the job's first callback has been recorded: from here to its end nothing should move."""
    claims = eventually(lambda: world.rows(video_id)["job_claims"])
    assert len(claims) == 1
    return str(claims[0]["job_id"])


def _callback_url(world: World, video_id: str, *, attempt: int) -> str:
    key = world.stack.paths.secrets().webhook_signing_key
    return callback_url(world.described.api_url, [key], video_id=video_id, attempt=attempt)


def _signature(world: World, video_id: str, *, attempt: int) -> str:
    return parse_qs(urlsplit(_callback_url(world, video_id, attempt=attempt)).query)["sig"][0]
