"""Limits on calls, over HTTP: what a client is told, what is never limited, and that our client waits."""

import threading
from pathlib import Path

import pytest
import requests

from devstack.s3 import S3Access
from tests.integration.api_process import ApiProcess, environment_of, running, token, without_cluster
from tests.support.eventually import eventually
from videoupload.client import Client
from videoupload.retry import Retry

UNKNOWN = f"/api/v1/videos/{'a' * 26}"


@pytest.fixture
def environment(database_url: str, s3: S3Access, tmp_path: Path) -> dict[str, str]:
    """The environment of an API with small limits. Kubernetes is away."""
    return environment_of(
        database_url,
        s3,
        without_cluster(tmp_path),
        CALLS_PER_MINUTE="5",
        CALLS_PER_MINUTE_OF_ADDRESS="10",
        TRUSTED_PROXY_HOPS="1",
    )


def _call(api: ApiProcess, *, address: str, user: str = "ann") -> requests.Response:
    return api.call("GET", UNKNOWN, user=user, headers={"X-Forwarded-For": f"198.51.100.1, {address}"})


def _without_token(api: ApiProcess, path: str, *, address: str) -> requests.Response:
    return requests.get(api.url + path, headers={"X-Forwarded-For": address}, timeout=20)


def test_users_and_addresses_are_limited_and_neither_probes_nor_callbacks(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with running(environment, tmp_path) as api:
        answers = [_call(api, address="203.0.113.9") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [404] * 5 + [429]
        assert answers[0].headers["RateLimit-Policy"] == '"address";q=10;w=60, "user";q=5;w=60'
        assert answers[0].headers["RateLimit"] == '"address";r=9;t=6, "user";r=4;t=12'
        assert answers[5].json()["code"] == "request_limit_reached"
        assert 1 <= int(answers[5].headers["Retry-After"]) <= 12

        # The address has four calls left for all its users; another address has all of its own.
        statuses = [_without_token(api, UNKNOWN, address="203.0.113.9").status_code for _ in range(5)]
        assert statuses == [401] * 4 + [429]
        assert _call(api, address="203.0.113.10", user="bob").status_code == 404

        for path in ("/livez", "/metrics"):
            assert _without_token(api, path, address="203.0.113.9").status_code == 200
        forged = requests.post(
            f"{api.url}/webhooks/coconut", json={}, headers={"X-Forwarded-For": "203.0.113.9"}, timeout=20
        )
        assert forged.status_code == 401
        counted = requests.get(f"{api.url}/metrics", timeout=20).text
        for limit, refused in (("user", 1), ("address", 1), ("changes", 0)):
            assert f'video_uploads_requests_refused_total{{limit="{limit}"}} {refused}.0' in counted


def test_each_process_counts_by_itself(environment: dict[str, str], tmp_path: Path) -> None:
    two = environment | {"PROCESSES": "2", "CALLS_PER_MINUTE_OF_ADDRESS": "0", "TMPDIR": str(tmp_path)}
    with running(two, tmp_path) as api:
        eventually(lambda: len(api.workers()) == 2)
        statuses = [_call(api, address="203.0.113.9").status_code for _ in range(40)]
    # At most one more than the quota of each comes back within the seconds that this takes.
    assert 5 <= statuses.count(404) <= 12
    assert set(statuses) == {404, 429}


def test_our_client_waits_as_long_as_it_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    waits: list[float] = []

    def pause(event: threading.Event, seconds: float) -> None:
        waits.append(seconds)
        event.wait(seconds)

    limits = {"CALLS_PER_MINUTE": "30", "CALLS_PER_MINUTE_OF_ADDRESS": "0"}
    with running(environment | limits, tmp_path) as api:
        video_id = api.create()["video_id"]
        answers = [_call(api, address="203.0.113.9") for _ in range(40)]
        assert answers[-1].status_code == 429
        client = Client(api.url, token("ann"))
        look = Retry(pause=pause).call(lambda: client.look(video_id))
    assert look.video.id == video_id
    assert waits
    assert min(waits) >= 1
