"""Every call of the table while an upstream is unreachable or refuses us. No test here has a Kubernetes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from devstack.s3 import S3Access
from domain.video import new_video_id
from tests.integration.api_process import (
    A_VIDEO,
    CALLBACK_KEY,
    JWT_SIGNING_KEY,
    PLAYBACK_KEY,
    ApiProcess,
    environment_of,
    running,
    without_cluster,
    without_upstreams,
)
from tests.integration.buckets import with_fresh_bucket
from tests.integration.databases import fresh_database
from tests.integration.hostile_world import real_world
from tests.integration.webhook_rows import WebhookIds, tidy
from tests.support.hostile.calls import CALLS, Call
from tests.support.hostile.needs import NEEDS_POSTGRES, NEEDS_STORAGE, key
from tests.support.hostile.problems import assert_problem
from tests.support.hostile.requests import Facts, good_request
from tests.support.hostile.tokens import token
from tests.support.hostile.wire import encode, exchange
from webapi.http.problems import ProblemCode

VIDEOS = "/api/v1/videos"
NOWHERE = "http://127.0.0.1:1"


def test_without_postgres_every_call_that_needs_it_says_when_to_retry(tmp_path: Path) -> None:
    kinds = ("waiting", "parted", "failed", "deleted", "requested", "verified", "private")
    anything = dict.fromkeys(kinds, new_video_id())
    anything |= dict.fromkeys(("endpoint", "secret", "delivery"), str(uuid4()))
    tokens = token(JWT_SIGNING_KEY), token(JWT_SIGNING_KEY, {"scope": "admin"})
    facts = Facts(new_video_id(), new_video_id(), JWT_SIGNING_KEY, [CALLBACK_KEY], PLAYBACK_KEY, *tokens, **anything)
    with running(without_upstreams(tmp_path), tmp_path) as api, ThreadPoolExecutor(len(CALLS)) as pool:

        def call_it(call: Call) -> None:
            with api.connect() as connection:
                answer = exchange(connection, encode(good_request(call, facts)))
            if key(call) in NEEDS_POSTGRES:
                assert_problem(answer, ProblemCode.TEMPORARILY_UNAVAILABLE)
                assert int(answer.headers["retry-after"]) >= 1
            else:
                assert answer.status == (503 if call.template == "/readyz" else 200), call

        list(pool.map(call_it, CALLS))


@pytest.fixture(scope="module")
def prepared(
    postgres_url: str, s3_access: S3Access, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, S3Access, Facts]]:
    """Videos that each call is good for, made while everything was there."""
    directory = tmp_path_factory.mktemp("prepared")
    with fresh_database(postgres_url) as url:
        s3 = with_fresh_bucket(s3_access)
        with real_world(environment_of(url, s3, without_cluster(directory)), directory) as world:
            facts = world.facts
        yield url, s3, facts


@pytest.fixture(scope="module", params=[ProblemCode.TEMPORARILY_UNAVAILABLE, ProblemCode.STORAGE_REFUSED])
def failing(
    prepared: tuple[str, S3Access, Facts], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ApiProcess, ProblemCode]]:
    """An API whose storage is away, and one with a key that storage does not know any more."""
    url, s3, _ = prepared
    directory = tmp_path_factory.mktemp("failing")
    is_away = request.param is ProblemCode.TEMPORARILY_UNAVAILABLE
    reach = replace(s3, endpoint=NOWHERE) if is_away else replace(s3, secret_key="replaced")
    with running(environment_of(url, reach, without_cluster(directory)), directory) as api:
        yield api, request.param


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_without_storage_only_the_calls_that_use_it_fail(
    prepared: tuple[str, S3Access, Facts], failing: tuple[ApiProcess, ProblemCode], call: Call
) -> None:
    (api, code), (url, _, facts) = failing, prepared
    with psycopg.connect(url) as connection_behind:
        tidy(connection_behind, WebhookIds(facts.endpoint, facts.secret, facts.delivery))
    with api.connect() as connection:
        answer = exchange(connection, encode(good_request(call, facts)))

    if key(call) in NEEDS_STORAGE:
        assert_problem(answer, code)
        assert int(answer.headers["retry-after"]) >= 1
    else:
        assert answer.status == call.success


def test_without_storage_a_repeated_multipart_request_creates_one_video(
    failing: tuple[ApiProcess, ProblemCode],
) -> None:
    api, code = failing
    wanted = {**A_VIDEO, "upload_mode": "multipart", "size_bytes": 9}
    for _ in range(2):
        answer = api.call("POST", VIDEOS, user=code, json=wanted, headers={"Idempotency-Key": "once"})
        assert (answer.status_code, answer.json()["code"]) == (503, code)

    assert len(api.call("GET", VIDEOS, user=code).json()["videos"]) == 1
    assert api.probe("/readyz") == 200
