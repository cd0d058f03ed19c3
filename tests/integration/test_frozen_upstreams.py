"""Every call while a dependency hangs: it accepts connections, and says nothing more.

Probes are answered, calls that do not need it are answered as ever, and the others get a 503 within its deadline.
The API server and the issuer of tokens hang in all of these tests: no call with a token of our own needs them.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from devstack.fault_proxy import FaultProxy, fault_proxy
from devstack.s3 import S3Access
from tests.integration.api_process import AUDIENCE, ISSUER, ApiProcess, environment_of, running, without_cluster
from tests.integration.buckets import with_fresh_bucket
from tests.integration.databases import fresh_database
from tests.integration.hostile_world import real_world
from tests.integration.webhook_rows import WebhookIds, tidy
from tests.support.eventually import eventually
from tests.support.hostile.calls import CALLS, Call
from tests.support.hostile.needs import NEEDS_POSTGRES, NEEDS_STORAGE, key
from tests.support.hostile.problems import assert_problem
from tests.support.hostile.requests import Facts, RawResponse, good_request
from tests.support.hostile.wire import encode, exchange
from webapi.http.problems import ProblemCode

THREADS = 8
# The API's timeouts; a call may wait twice: for the caller before it, and for its own answer.
TIMEOUT_SECONDS = 1.0
DEADLINE_SECONDS = 6.0
# Far below a deadline, far above what a call takes.
AT_ONCE_SECONDS = 2.0
# More than there are threads.
MANY = THREADS * 3
# How long a dependency hangs under the timeouts of production, and how long a call may take meanwhile.
LONG_SECONDS = 120
PRODUCTION_DEADLINE_SECONDS = 20.0


@dataclass
class ApiWorld:
    """A running API, and the way to each of its dependencies."""

    api: ApiProcess
    facts: Facts
    postgres: FaultProxy
    storage: FaultProxy
    database_url: str

    def tidy(self) -> None:
        """Let every call succeed again."""
        with psycopg.connect(self.database_url) as connection:
            tidy(connection, WebhookIds(self.facts.endpoint, self.facts.secret, self.facts.delivery))

    def answer(self, call: Call) -> tuple[RawResponse, float]:
        """Make a call; returns the answer and how long it took."""
        began = time.monotonic()
        with self.api.connect() as connection:
            answer = exchange(connection, encode(good_request(call, self.facts)))
        return answer, time.monotonic() - began

    def assert_probes_answer(self) -> None:
        """Ask as the kubelet does, more often than there are threads."""
        for _ in range(THREADS * 2):
            began = time.monotonic()
            assert self.api.probe("/livez") == 200
            assert self.api.probe("/readyz") in (200, 503)
            assert time.monotonic() - began < AT_ONCE_SECONDS


@contextmanager
def api_world(
    postgres_url: str, s3_access: S3Access, tmp_path_factory: pytest.TempPathFactory, **settings: str
) -> Iterator[ApiWorld]:
    """Run an API behind the proxies until the end of the block."""
    directory = tmp_path_factory.mktemp("frozen")
    with ExitStack() as opened:
        url = opened.enter_context(fresh_database(postgres_url))
        s3 = with_fresh_bucket(s3_access)
        kubeconfig = without_cluster(directory)
        with real_world(environment_of(url, s3, kubeconfig), tmp_path_factory.mktemp("preparing")) as prepared:
            facts = prepared.facts
        # Whatever is behind these two, it never answers.
        cluster, issuer = (opened.enter_context(fault_proxy("127.0.0.1", 1)) for _ in range(2))
        cluster.freeze()
        issuer.freeze()
        postgres, storage = (
            opened.enter_context(fault_proxy(str(parts.hostname), int(parts.port or 0)))
            for parts in (urlsplit(url), urlsplit(s3.endpoint))
        )
        through = urlsplit(url)._replace(netloc=f"{urlsplit(url).netloc.rpartition(':')[0]}:{postgres.port}").geturl()
        environment = environment_of(
            through,
            replace(s3, endpoint=f"http://127.0.0.1:{storage.port}"),
            without_cluster(directory, server=f"http://127.0.0.1:{cluster.port}"),
            JWT_JWKS_URL=f"http://127.0.0.1:{issuer.port}/keys",
            **settings,
        )
        api = opened.enter_context(running(environment, directory))
        eventually(lambda: api.probe("/readyz") == 200)
        yield ApiWorld(api, facts, postgres, storage, url)


@pytest.fixture(scope="module")
def world(postgres_url: str, s3_access: S3Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    impatient = {
        "DATABASE_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
        "S3_READ_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
        "S3_MAX_ATTEMPTS": "1",
    }
    with api_world(postgres_url, s3_access, tmp_path_factory, THREADS=str(THREADS), **impatient) as made:
        yield made


@contextmanager
def frozen(world: ApiWorld, proxy: FaultProxy) -> Iterator[None]:
    """Freeze one dependency; afterwards everything is as it was."""
    world.tidy()
    try:
        with proxy.frozen():
            yield
    finally:
        eventually(lambda: world.api.probe("/readyz") == 200, within_seconds=30)


def together(pool: ThreadPoolExecutor, calls: Sequence[Callable[[], None]]) -> None:
    """Make all calls at once, and raise what went wrong in the first one that did."""
    for future in [pool.submit(call) for call in calls]:
        future.result()


def test_while_postgres_hangs_each_call_that_needs_it_is_refused_in_time(world: ApiWorld) -> None:
    def make(call: Call) -> None:
        answer, seconds = world.answer(call)
        if key(call) in NEEDS_POSTGRES:
            assert_problem(answer, ProblemCode.TEMPORARILY_UNAVAILABLE)
            assert int(answer.headers["retry-after"]) >= 1
            assert seconds < DEADLINE_SECONDS, call
        else:
            assert answer.status in ((200, 503) if call.template == "/readyz" else (200,)), call
            assert seconds < AT_ONCE_SECONDS, call

    with frozen(world, world.postgres), ThreadPoolExecutor(MANY * 2) as pool:
        together(pool, [*(lambda call=call: make(call) for call in CALLS), world.assert_probes_answer])
        eventually(lambda: world.api.probe("/readyz") == 503)


def test_while_postgres_hangs_more_calls_than_threads_stop_neither_probes_nor_pages(world: ApiWorld) -> None:
    needing = next(call for call in CALLS if call.template == "/api/v1/videos/{video_id}")
    others = [call for call in CALLS if key(call) not in NEEDS_POSTGRES and call.template != "/readyz"]

    def refused() -> None:
        answer, seconds = world.answer(needing)
        assert_problem(answer, ProblemCode.TEMPORARILY_UNAVAILABLE)
        assert seconds < DEADLINE_SECONDS

    def answered() -> None:
        for call in others:
            answer, seconds = world.answer(call)
            assert answer.status == 200
            assert seconds < AT_ONCE_SECONDS, call

    with frozen(world, world.postgres), ThreadPoolExecutor(MANY * 2) as pool:
        together(pool, [*[refused] * MANY, answered, world.assert_probes_answer])
        together(pool, [*[refused] * MANY, answered, world.assert_probes_answer])


def test_postgres_is_used_again_as_soon_as_it_answers(world: ApiWorld) -> None:
    reading = next(call for call in CALLS if call.template == "/api/v1/videos/{video_id}")
    with frozen(world, world.postgres), ThreadPoolExecutor(MANY) as pool:
        list(pool.map(world.answer, [reading] * MANY))

    with ThreadPoolExecutor(MANY) as pool:
        assert {answer.status for answer, _ in pool.map(world.answer, [reading] * MANY)} == {200}


def test_while_storage_hangs_only_calls_that_need_it_are_refused_and_in_time(world: ApiWorld) -> None:
    needing = [call for call in CALLS if key(call) in NEEDS_STORAGE]
    others = [call for call in CALLS if key(call) not in NEEDS_STORAGE]

    def refused(call: Call) -> None:
        answer, seconds = world.answer(call)
        assert_problem(answer, ProblemCode.TEMPORARILY_UNAVAILABLE)
        assert int(answer.headers["retry-after"]) >= 1
        assert seconds < DEADLINE_SECONDS, call

    def answered() -> None:
        for call in others:
            world.tidy()
            answer, seconds = world.answer(call)
            assert answer.status == call.success, (call, answer.body)
            assert seconds < AT_ONCE_SECONDS, call

    with frozen(world, world.storage), ThreadPoolExecutor(MANY * 2) as pool:
        waiting = [lambda call=call: refused(call) for call in needing * (MANY // len(needing))]
        together(pool, [*waiting, answered, world.assert_probes_answer])


def test_while_the_issuer_hangs_its_tokens_are_refused_and_ours_accepted_in_time(
    world: ApiWorld,
) -> None:
    reading = next(call for call in CALLS if call.template == "/api/v1/videos/{video_id}")
    claims = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600}
    signing = ec.generate_private_key(ec.SECP256R1())

    def refused(number: int) -> None:
        began = time.monotonic()
        token = jwt.encode(claims, signing, algorithm="ES256", headers={"kid": f"e{number}"})
        answer = world.api.call("GET", "/api/v1/videos", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert time.monotonic() - began < DEADLINE_SECONDS

    def accepted() -> None:
        for _ in range(THREADS):
            answer, seconds = world.answer(reading)
            assert answer.status == 200
            assert seconds < AT_ONCE_SECONDS

    with ThreadPoolExecutor(MANY * 2) as pool:
        waiting = [lambda number=number: refused(number) for number in range(MANY)]
        together(pool, [*waiting, accepted, world.assert_probes_answer])


def test_while_kubernetes_hangs_videos_are_created_at_once(world: ApiWorld) -> None:
    creating = next(call for call in CALLS if (call.method, call.template) == ("POST", "/api/v1/videos"))
    # More than the threads of the publisher, each of which waits for the API server.
    for _ in range(4):
        answer, seconds = world.answer(creating)
        assert answer.status == 201, answer.body
        assert seconds < AT_ONCE_SECONDS


def test_two_minutes_of_a_hanging_dependency_under_the_timeouts_of_production(
    postgres_url: str, s3_access: S3Access, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def refused(world: ApiWorld, call: Call) -> None:
        answer, seconds = world.answer(call)
        assert_problem(answer, ProblemCode.TEMPORARILY_UNAVAILABLE)
        assert seconds < PRODUCTION_DEADLINE_SECONDS, call

    def answered(world: ApiWorld, calls: Sequence[Call], *, changes: bool) -> None:
        for call in calls:
            if changes:
                world.tidy()
            answer, seconds = world.answer(call)
            assert answer.status == call.success or call.template == "/readyz", (call, answer.body)
            assert seconds < AT_ONCE_SECONDS, call

    def hang(name: str, needs: set[tuple[str, str]]) -> None:
        needing, others = [call for call in CALLS if key(call) in needs], [c for c in CALLS if key(c) not in needs]
        with api_world(postgres_url, s3_access, tmp_path_factory) as world:
            proxy = {"postgres": world.postgres, "storage": world.storage}[name]
            with frozen(world, proxy), ThreadPoolExecutor(len(needing) + 2) as pool:
                until = time.monotonic() + LONG_SECONDS
                while time.monotonic() < until:
                    waiting = [lambda call=call: refused(world, call) for call in needing]
                    served = lambda: answered(world, others, changes=name != "postgres")  # noqa: E731
                    together(pool, [*waiting, served, world.assert_probes_answer])

    with ThreadPoolExecutor() as both:
        together(both, [lambda: hang("postgres", NEEDS_POSTGRES), lambda: hang("storage", NEEDS_STORAGE)])
