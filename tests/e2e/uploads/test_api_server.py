"""An API server that refuses or responds late: no job is bought twice, and every status is shown in the end.

The API server is real, behind a proxy. integration/test_operator_watch.py has failing watches, and test_outages.py has
an API server that is gone or frozen.
"""

import json
import threading
from datetime import datetime
from itertools import cycle
from pathlib import Path

from tests.e2e.uploads.operators import operator_behind_a_proxy
from tests.e2e.uploads.world import World, create, in_phase, put, uploaded
from tests.support.eventually import eventually
from tests.support.proxies.proxy import HoldRequest, ProxiedRequest, Respond

REFUSALS = (429, 500, 503)


def is_about_one(request: ProxiedRequest) -> bool:
    return "/videouploads/" in request.target


def refusal(status: int) -> Respond:
    """Return the response of priority and fairness, or of a failing server."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": "not now"}
    return Respond(status, json.dumps(body).encode(), {"Retry-After": "1"} if status == 429 else {})


def test_uploads_finish_while_the_api_server_refuses_and_are_shown_afterwards(
    world: World, clip: Path, tmp_path: Path
) -> None:
    world.faults(canned=1)
    client, answers = world.client(), cycle(map(refusal, REFUSALS))
    with operator_behind_a_proxy(world, tmp_path) as (proxy, operator):
        proxy.rule = lambda request: next(answers) if is_about_one(request) else None
        video_ids = [uploaded(client, clip) for _ in range(3)]
        for video_id in video_ids:
            eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)  # noqa: B023
        log = operator.process.log_file
        for status in REFUSALS:
            eventually(lambda: f"HTTP {status}: not now" in log.read_text())  # noqa: B023
        # `pending` is the API server's default: no status was written yet.
        assert [world.status(video_id).get("phase") for video_id in video_ids] == ["pending"] * 3

        proxy.rule = lambda _: None
        for video_id in video_ids:
            eventually(lambda: world.status(video_id).get("phase") == "ready", within_seconds=90)  # noqa: B023
    for video_id in video_ids:
        (job,), (attempt,) = world.jobs(video_id), world.rows(video_id)["attempts"]
        assert (attempt["state"], attempt["job_id"]) == ("completed", job["job_id"])
        assert attempt["intended_at"] < datetime.fromisoformat(job["accepted_at"])


def test_a_late_request_replaces_nothing_newer(world: World, clip: Path, tmp_path: Path) -> None:
    world.faults(canned=1)
    client, gate = world.client(), threading.Event()
    with operator_behind_a_proxy(world, tmp_path) as (proxy, operator):
        upload = create(client, clip)
        eventually(lambda: world.status(upload.video_id).get("phase") == "uploading", within_seconds=60)
        proxy.rule = lambda request: HoldRequest(gate) if request.target.split("?")[0].endswith("/status") else None
        put(upload, clip)
        client.confirm(upload.video_id)
        eventually(lambda: in_phase(client, upload.video_id, "ready"), within_seconds=90)
        eventually(lambda: "/status at Kubernetes: no answer" in operator.process.log_file.read_text())

        # The held request arrives now, after newer statuses.
        proxy.rule = lambda _: None
        eventually(lambda: world.status(upload.video_id).get("phase") == "ready", within_seconds=90)
        shown = world.resource(upload.video_id)
        gate.set()
        eventually(lambda: proxy.arrived)
        assert set(proxy.arrived) == {409}
        assert world.resource(upload.video_id) == shown
    assert len(world.jobs(upload.video_id)) == 1
