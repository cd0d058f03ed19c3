"""Two API processes over one database: a user's requests are counted once and carried out once."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import psycopg
import pytest
import requests

from devstack.s3 import S3Access
from tests.integration.api_process import A_VIDEO, ApiProcess, environment_of, running, without_cluster
from tests.support.eventually import eventually

VIDEOS = "/api/v1/videos"
_WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""
Apis = tuple[ApiProcess, ApiProcess]


@pytest.fixture
def apis(database_url: str, s3: S3Access, tmp_path: Path) -> Iterator[Apis]:
    """Two running APIs. Kubernetes is away."""
    environment = environment_of(database_url, s3, without_cluster(tmp_path))
    with ExitStack() as stack:
        directories = [tmp_path / name for name in ("first", "second")]
        for directory in directories:
            directory.mkdir()
        first, second = (stack.enter_context(running(environment, directory)) for directory in directories)
        yield first, second


def test_the_limit_is_exact_for_simultaneous_requests(apis: Apis) -> None:
    with ThreadPoolExecutor(50) as pool:
        for number in range(20):
            answers = _at_once(pool, apis, 50, partial(_post, user=f"ann{number}"))

            assert Counter(answer.status_code for answer in answers) == {201: 10, 429: 40}
            assert {answer.headers["RateLimit"].partition(";t=")[0] for answer in answers if not answer.ok} == {
                '"uploads";r=0'
            }
            assert len({answer.json()["video_id"] for answer in answers if answer.ok}) == 10


def test_one_key_in_simultaneous_requests_makes_one_video(apis: Apis, database_url: str) -> None:
    with ThreadPoolExecutor(30) as pool:
        for number in range(5):
            answers = _at_once(pool, apis, 30, partial(_post, key=f"k{number}"))
            made = {answer.json()["video_id"] for answer in answers if answer.status_code == 201}
            refused = [answer.json()["code"] for answer in answers if answer.status_code != 201]

            assert len(made) == 1
            assert set(refused) <= {"idempotency_key_in_use"}
            for api in apis:
                assert _post(api, key=f"k{number}").json()["video_id"] in made
    assert _count(database_url, "SELECT count(*) FROM videos") == 5


def test_a_killed_process_leaves_neither_a_key_in_use_nor_a_video(apis: Apis, database_url: str) -> None:
    first, second = apis
    with psycopg.connect(database_url) as holding:
        # Every creation for Ann waits for this lock in the middle of its transaction.
        holding.execute("SELECT pg_advisory_xact_lock(hashtextextended('ann', 7602))")
        creation = threading.Thread(target=_post_in_vain, args=(first, "k"))
        creation.start()
        eventually(lambda: _count(database_url, _WAITING) == 1)
        refused = _post(second, key="k")
        assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_in_use")
        assert refused.headers["Retry-After"] == "1"

        first.kill()
        creation.join()
    answer = eventually(lambda: _made(second, "k"))

    assert _post(second, key="k").json()["video_id"] == answer.json()["video_id"]
    assert _count(database_url, "SELECT count(*) FROM videos") == 1


def test_the_other_process_repeats_a_lost_answer_without_a_stored_url(apis: Apis, database_url: str) -> None:
    first, second = (_post(api, key="k").json() for api in apis)

    assert first["video_id"] == second["video_id"]
    kept = "SELECT count(*) FROM idempotency_keys k JOIN videos v USING (video_id) WHERE (k, v)::text ~* '{}'"
    assert _count(database_url, kept.format(first["video_id"])) == 1
    assert _count(database_url, kept.format("x-amz-|https?://")) == 0


def _at_once(
    pool: ThreadPoolExecutor, apis: Apis, count: int, ask: Callable[[ApiProcess], requests.Response]
) -> list[requests.Response]:
    """Make so many calls together, of both processes in turn."""
    together = threading.Barrier(count)

    def call(api: ApiProcess) -> requests.Response:
        together.wait()
        return ask(api)

    return list(pool.map(call, islice(cycle(apis), count)))


def _post(api: ApiProcess, *, user: str = "ann", key: str | None = None) -> requests.Response:
    return api.call("POST", VIDEOS, user=user, json=A_VIDEO, headers={"Idempotency-Key": key} if key else None)


def _post_in_vain(api: ApiProcess, key: str) -> None:
    with pytest.raises(requests.ConnectionError):
        _post(api, key=key)


def _made(api: ApiProcess, key: str) -> requests.Response:
    answer = _post(api, key=key)
    assert answer.status_code == 201, answer.text
    return answer


def _count(database_url: str, statement: str) -> int:
    with psycopg.connect(database_url) as connection:
        (found,) = connection.execute(statement.encode()).fetchall()
    return int(found[0])
