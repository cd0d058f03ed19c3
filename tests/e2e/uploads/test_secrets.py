"""No secret is in anything that the operator lets others read, after failures of all kinds.

Upstreams quote our requests: here Coconut quotes the URLs of its job, and the API server that of a hook.
integration/test_hostile_callbacks.py tests what the API lets others read.
"""

import json
import re
import secrets
from dataclasses import asdict
from pathlib import Path

from devstack.server import Server
from tests.e2e.uploads.operators import operator_behind_a_proxy
from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.support.eventually import eventually
from tests.support.proxies.proxy import Fault, ProxiedRequest, Proxy, Respond, proxy_before

# The URLs in a job; those of the file and of the callback are signed.
URLS = re.compile(r'https?://[^"]+')
SIGNATURES = re.compile(r"(?:X-Amz-Signature|[?&]sig)=([0-9a-f]{16,})")


def test_no_secret_is_in_a_log_an_event_a_status_or_a_row(world: World, clip: Path, tmp_path: Path) -> None:
    world.faults(canned=1)
    client, refused_key = world.client(), f"refused-{secrets.token_hex(8)}"
    with proxy_before(world.described.coconut.url.removesuffix("/v2")) as coconut:
        environment = {"COCONUT_URL": f"{coconut.url}/v2", "LOG_LEVEL": "DEBUG"}
        with operator_behind_a_proxy(world, tmp_path, COCONUT_API_KEY=refused_key, **environment) as (_, _locked_out):
            ids = {name: uploaded(client, clip) for name in ("failed", "uncertain", "published")}
            eventually(lambda: _reasons(world, ids) & {"SubmissionsPaused", "SubmissionDelayed"}, within_seconds=60)

        coconut.rule = lambda request: _quoting(request, world, coconut, ids["failed"])
        world.faults(http_5xx_after=1)
        with operator_behind_a_proxy(world, tmp_path, **environment) as (cluster, operator):
            cluster.rule = lambda request: _hook(request, coconut)
            eventually(lambda: client.video(ids["failed"]).status == "errored", within_seconds=90)
            world.faults(http_5xx_after=0)
            for name in ("uncertain", "published"):
                eventually(lambda: in_phase(client, ids[name], "ready"), within_seconds=90)  # noqa: B023
            eventually(lambda: "failed calling webhook" in _log(operator), within_seconds=60)
            cluster.rule = lambda _: None
            eventually(lambda: _phases(world, ids) == {"errored", "ready"}, within_seconds=90)
            log = _log(operator)  # of both, they have one name

    shown = {
        "log": log,
        "events": world.stack.cluster.kubectl("get", "events.events.k8s.io", "--output=json"),
        "resources": world.stack.cluster.kubectl("get", "vu", "--output=json"),
        "rows": json.dumps([world.rows(one) for one in ids.values()], default=str),
    }
    # The quotes reached all three, so the search below is not of empty texts.
    assert "could not read " in shown["rows"]
    assert "could not read " in shown["resources"]
    assert "failed calling webhook" in shown["log"]
    signatures = _signatures(coconut)
    assert len(signatures) >= 2 * len(ids)
    hidden = {**asdict(world.stack.paths.secrets()), "refused key": refused_key, **signatures}
    assert [(where, name) for where, text in shown.items() for name, secret in hidden.items() if secret in text] == []


def _quoting(request: ProxiedRequest, world: World, coconut: Proxy, video_id: str) -> Fault | None:
    """Fail the jobs of one video with an error that quotes the whole job."""
    jobs = [job["job_id"] for job in world.jobs(video_id)] if request.method == "GET" else []
    if not any(request.target.endswith(job_id) for job_id in jobs):
        return None
    urls = [url for order in _orders(coconut) if video_id in order for url in URLS.findall(order)]
    error = f"unsupported codec: could not read {' for '.join(urls)}"
    response = {"id": request.target.rpartition("/")[2], "status": "job.failed", "progress": "0%"}
    return Respond(200, json.dumps(response | {"input": {"status": "input.failed", "error": error}}).encode())


def _hook(request: ProxiedRequest, coconut: Proxy) -> Fault | None:
    """Refuse statuses with an error that quotes a callback."""
    if not request.target.split("?")[0].endswith("/status"):
        return None
    called = [url for order in _orders(coconut) for url in URLS.findall(order) if "sig=" in url]
    words = f'failed calling webhook: Post "{called[0] if called else ""}": no answer'
    return Respond(500, json.dumps({"kind": "Status", "message": words}).encode())


def _signatures(coconut: Proxy) -> dict[str, str]:
    return {f"signature {one[:8]}": one for order in _orders(coconut) for one in SIGNATURES.findall(order)}


def _orders(coconut: Proxy) -> list[str]:
    return [sent.body.decode() for sent in coconut.requests_to("POST", "/jobs")]


def _log(operator: Server) -> str:
    return operator.process.log_file.read_text()


def _reasons(world: World, ids: dict[str, str]) -> set[str]:
    return {world.status(video_id).get("reason", "") for video_id in ids.values()}


def _phases(world: World, ids: dict[str, str]) -> set[str]:
    return {world.status(video_id).get("phase", "") for video_id in ids.values()}
