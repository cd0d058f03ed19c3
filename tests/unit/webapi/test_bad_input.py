"""The table of bad input over the application: every call, every fault, the documented problem, nothing changed."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.notifications import VIDEO_NOTIFICATION_KINDS
from domain.video import Phase
from tests.support.contracts.client_rows_contract import in_phase
from tests.support.hostile.calls import CALLS, Call, routes_of
from tests.support.hostile.faults import faults_of
from tests.support.hostile.problems import assert_problem
from tests.support.hostile.requests import Answer, Facts, Fault, Sent, good_request
from tests.support.hostile.tokens import token
from tests.unit.webapi.conftest import CALLBACK_KEYS, SIGNING_KEY, Api, verify_file
from webapi.app import create_app
from webapi.http.problems import ProblemCode

CASES = [(call, fault) for call in CALLS for fault in faults_of(call)]


class FakeWorld:
    """The application over fakes."""

    def __init__(self, api: Api) -> None:
        self._api = api
        own, foreign = api.create(), api.create(user="eve")
        for video_id in (own, foreign):
            api.storage.put_raw(api.commands.rows[video_id].desired.storage_key, b"video")
            api.claims.attempts.add((video_id, 1))
        self.facts = Facts(
            own,
            foreign,
            SIGNING_KEY,
            CALLBACK_KEYS,
            token(SIGNING_KEY),
            token(SIGNING_KEY, {"scope": "admin"}),
            waiting=api.create(),
            parted=api.create(upload_mode="multipart", size_bytes=9),
            failed=api.create(),
            deleted=api.create(),
            wished=api.create(),
            verified=api.create(),
            **an_endpoint(api),
        )
        verify_file(api, self.facts.verified)
        api.commands.set_desired_state(self.facts.wished, edition=2)
        api.commands.observe(self.facts.failed, **in_phase(Phase.ERRORED))
        api.commands.delete(self.facts.deleted)

    def send(self, sent: Sent) -> Answer:
        """Send one request."""
        # An empty path segment in front would be taken for a host.
        path, _, query = sent.target.partition("?")
        result = self._api.client.simulate_request(
            sent.method, path, query_string=query, headers=list(sent.headers), body=sent.body
        )
        return Answer(
            result.status_code, {name.lower(): value for name, value in result.headers.items()}, result.content
        )

    def state(self) -> object:
        """Return everything that a call could have changed."""
        api = self._api
        return (
            dict(api.commands.rows),
            set(api.claims.recorded),
            list(api.offers.commands),
            dict(api.storage.raw),
            set(api.multipart.uploads),
            dict(api.outbox.endpoints),
            dict(api.outbox.deliveries),
            dict(api.outbox.notifications),
        )


def an_endpoint(api: Api) -> dict[str, str]:
    """Register an endpoint with two secrets and a delivery; return their ids."""
    made = api.outbox.create(
        url="https://hooks.example.com/", description="", kinds=VIDEO_NOTIFICATION_KINDS, secret="whsec_"
    )
    row = api.outbox.add_secret(made.endpoint_id, "whsec_")
    delivery = api.outbox.test(made.endpoint_id)
    assert row is not None
    assert delivery is not None
    secret = row.secrets[0].secret_id
    return {"endpoint": str(row.endpoint_id), "secret": str(secret), "delivery": str(delivery.delivery_id)}


@pytest.fixture(scope="module")
def world() -> FakeWorld:
    """One world for all cases: none of them may change it, and each says so itself."""
    return FakeWorld(Api())


class Worlds:
    """A world that stays until a call has changed it: making one takes longer than a hundred refusals."""

    def __init__(self) -> None:
        self.now = FakeWorld(Api())

    def renew(self) -> None:
        """Begin anew."""
        self.now = FakeWorld(Api())


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    """What calls that may succeed are tried in."""
    return Worlds()


def test_every_route_has_a_row(api: Api) -> None:
    assert {(call.method, call.template) for call in CALLS} == routes_of(create_app(api.deps))


def test_no_call_is_public_but_those_that_say_so() -> None:
    assert {call.template for call in CALLS if not call.is_private} == {
        "/webhooks/coconut",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
    }


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_without_a_fault_each_call_succeeds(api: Api, call: Call) -> None:
    world = FakeWorld(api)
    assert world.send(good_request(call, world.facts)).status == call.success


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize(("call", "fault"), CASES, ids=[f"{call}-{fault}" for call, fault in CASES])
def test_bad_input_is_refused_as_documented_and_changes_nothing(world: FakeWorld, call: Call, fault: Fault) -> None:
    sent = fault.change(good_request(call, world.facts), world.facts.about(call))
    before = world.state()
    answer = world.send(sent)

    assert_problem(answer, fault.code, fault.fields, is_head=sent.method == "HEAD")
    assert world.state() == before


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
def test_no_body_is_too_strange_for_an_answer(worlds: Worlds, call: Call, body: bytes) -> None:
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
def test_no_token_is_too_strange_for_an_answer(world: FakeWorld, token: str) -> None:
    sent = good_request(CALLS[0], world.facts).having("Authorization", f"Bearer {token}")

    assert world.send(sent).status == 401


@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#")))
def test_no_query_is_too_strange_for_an_answer(world: FakeWorld, query: str) -> None:
    answer = world.send(Sent("POST", f"/webhooks/coconut?&{query}", body=b'{"job_id": "j"}'))

    assert_problem(answer, ProblemCode.INVALID_SIGNATURE)
