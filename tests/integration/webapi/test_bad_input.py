"""Any body, token and query, sent to the application: a documented answer, and nothing changed.

The table of bad input is sent to a real process, in tests/integration/test_bad_input.py.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.notifications import VIDEO_NOTIFICATION_KINDS
from domain.video import Phase
from tests.integration.databases import clocked_database
from tests.support.api import CALLBACK_KEYS, PLAYBACK_KEYS, SIGNING_KEY, Api, verify_file
from tests.support.hostile.calls import CALLS, Call, routes_of
from tests.support.hostile.problems import assert_problem
from tests.support.hostile.requests import (
    PRIVATE_FILES,
    PRIVATE_PUBLISHED,
    Facts,
    RawResponse,
    Sent,
    good_request,
)
from tests.support.hostile.tokens import token
from tests.support.postgres import ClockedDatabase
from webapi.app import create_app
from webapi.http.problems import ProblemCode

# Every row that a call could have written, with the columns that a repeated statement would change.
_EVERYTHING = """
SELECT (SELECT json_agg(videos ORDER BY video_id) FROM videos) AS videos,
       (SELECT json_agg(job_claims ORDER BY video_id, attempt, job_id) FROM job_claims) AS claims,
       (SELECT json_agg(keys ORDER BY owner, idempotency_key) FROM idempotency_keys AS keys) AS keys,
       (SELECT json_agg(retranscodes ORDER BY video_id, edition) FROM retranscodes) AS retranscodes,
       (SELECT json_agg(endpoints ORDER BY endpoint_id) FROM webhook_endpoints AS endpoints) AS endpoints,
       (SELECT json_agg(secrets ORDER BY secret_id) FROM webhook_secrets AS secrets) AS secrets,
       (SELECT json_agg(notifications ORDER BY notification_id) FROM notifications) AS notifications,
       (SELECT json_agg(deliveries ORDER BY delivery_id) FROM deliveries) AS deliveries
"""


class HostileWorld:
    """The application with one video for each kind of call."""

    def __init__(self, api: Api) -> None:
        self._api = api
        api.readiness.check()
        own, foreign = api.create(), api.create(user="eve")
        for video_id in (own, foreign):
            api.store(video_id)
            api.submit(video_id)
        self.facts = Facts(
            own,
            foreign,
            SIGNING_KEY,
            CALLBACK_KEYS,
            PLAYBACK_KEYS[0],
            token(SIGNING_KEY),
            token(SIGNING_KEY, {"scope": "admin"}),
            waiting=api.create(),
            parted=api.create(upload_mode="multipart", size_bytes=9),
            failed=api.create(),
            deleted=api.create(),
            requested=api.create(),
            verified=api.create(),
            private=api.create(visibility="private"),
            **an_endpoint(api),
        )
        verify_file(api, self.facts.verified)
        api.set_columns(self.facts.requested, edition=2)
        api.observe(self.facts.failed, phase=Phase.ERRORED)
        api.commands.delete(self.facts.deleted)
        api.publish_privately(self.facts.private, PRIVATE_PUBLISHED, PRIVATE_FILES)

    def send(self, sent: Sent) -> RawResponse:
        """Send one request."""
        # An empty path segment in front would be taken for a host.
        path, _, query = sent.target.partition("?")
        result = self._api.client.simulate_request(
            sent.method, path, query_string=query, headers=list(sent.headers), body=sent.body
        )
        return RawResponse(
            result.status_code, {name.lower(): value for name, value in result.headers.items()}, result.content
        )

    def state(self) -> object:
        """Return everything that a call could have changed."""
        api = self._api
        return (
            api.sql(_EVERYTHING),
            list(api.offers.commands),
            dict(api.storage.raw),
            set(api.multipart.uploads),
        )


def an_endpoint(api: Api) -> dict[str, str]:
    """Register an endpoint with two secrets and a delivery; return their ids."""
    made = api.endpoints.create(
        url="https://hooks.example.com/", description="", kinds=VIDEO_NOTIFICATION_KINDS, secret="whsec_"
    )
    row = api.endpoints.add_secret(made.endpoint_id, "whsec_")
    delivery = api.deliveries.test(made.endpoint_id)
    assert row is not None
    assert delivery is not None
    secret = row.secrets[0].secret_id
    return {"endpoint": str(row.endpoint_id), "secret": str(secret), "delivery": str(delivery.delivery_id)}


@pytest.fixture(scope="module")
def world(postgres_url: str) -> Iterator[HostileWorld]:
    """One world for all cases, in a database for this module: none of them may change it, and each checks that."""
    with clocked_database(postgres_url) as database:
        yield HostileWorld(Api(database))


class Worlds:
    """A world that stays until a call has changed it: making one takes as long as twenty refusals."""

    def __init__(self, database: ClockedDatabase) -> None:
        self._database = database
        self.renew()

    def renew(self) -> None:
        """Make another world in the emptied database."""
        self._database.clear()
        self.now = HostileWorld(Api(self._database))


@pytest.fixture(scope="module")
def worlds(postgres_url: str) -> Iterator[Worlds]:
    """Worlds for calls that may succeed, in another database for this module."""
    with clocked_database(postgres_url) as database:
        yield Worlds(database)


def test_every_route_has_a_row(api: Api) -> None:
    assert {(call.method, call.template) for call in CALLS} == routes_of(create_app(api.deps))


def test_only_calls_documented_as_public_need_no_token() -> None:
    assert {call.template for call in CALLS if not call.is_private} == {
        "/webhooks/coconut",
        # Their tokens are in the query.
        "/api/v1/playback/{video_id}/playlist.m3u8",
        "/api/v1/playback/{video_id}/media.m3u8",
        "/api/v1/playback/{video_id}/file",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
    }


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_without_a_fault_each_call_succeeds(api: Api, call: Call) -> None:
    world = HostileWorld(api)
    assert world.send(good_request(call, world.facts)).status == call.success


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NEARLY_A_VIDEO = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("title", "filename", "content_type", "size_bytes", "metadata", "extra"), ANY_JSON)
)


@pytest.mark.parametrize("call", [call for call in CALLS if call.body is not None], ids=str)
@given(body=st.binary() | (ANY_JSON | NEARLY_A_VIDEO).map(lambda value: json.dumps(value).encode()))
def test_every_body_gets_a_documented_answer(worlds: Worlds, call: Call, body: bytes) -> None:
    world = worlds.now
    before = world.state()
    answer = world.send(replace(good_request(call, world.facts), body=body))

    if answer.status == call.success:
        worlds.renew()
        return
    fields = [error["field"] for error in answer.json().get("errors", ())]
    assert_problem(answer, ProblemCode(answer.json()["code"]), fields)
    assert answer.status < 500
    assert world.state() == before


@given(token=st.text(st.characters(min_codepoint=33, max_codepoint=255)))
def test_every_token_gets_a_documented_answer(world: HostileWorld, token: str) -> None:
    sent = good_request(CALLS[0], world.facts).having("Authorization", f"Bearer {token}")

    assert world.send(sent).status == 401


@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#")))
def test_every_query_gets_a_documented_answer(world: HostileWorld, query: str) -> None:
    answer = world.send(Sent("POST", f"/webhooks/coconut?&{query}", body=b'{"job_id": "j"}'))

    assert_problem(answer, ProblemCode.INVALID_SIGNATURE)
