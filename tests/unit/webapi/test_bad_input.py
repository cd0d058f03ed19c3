"""The table of bad input over the application: every call, every fault, the documented problem, nothing changed."""

import pytest

from crds.videoupload import Phase
from tests.contracts.client_rows_contract import in_phase
from tests.hostile.calls import CALLS, Call, routes_of
from tests.hostile.faults import faults_of
from tests.hostile.problems import assert_problem
from tests.hostile.requests import Answer, Facts, Fault, Sent, good_request
from tests.hostile.tokens import token
from tests.unit.webapi.conftest import CALLBACK_KEYS, SIGNING_KEY, Api
from webapi.app import create_app

CASES = [(call, fault) for call in CALLS for fault in faults_of(call)]


class FakeWorld:
    """The application over fakes."""

    def __init__(self, api: Api) -> None:
        self._api = api
        own, foreign = api.create(), api.create(user="eve")
        for video_id in (own, foreign):
            api.storage.put_raw(api.wishes.rows[video_id].wish.storage_key, b"video")
            api.claims.attempts.add((video_id, 1))
        self.facts = Facts(
            own,
            foreign,
            SIGNING_KEY,
            CALLBACK_KEYS,
            token(SIGNING_KEY),
            token(SIGNING_KEY, {"scope": "admin"}),
            waiting=api.create(),
            failed=api.create(),
            deleted=api.create(),
        )
        api.wishes.observe(self.facts.failed, **in_phase(Phase.ERRORED))
        api.wishes.delete(self.facts.deleted)

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
        return dict(api.wishes.rows), set(api.claims.recorded), list(api.offers.wishes), dict(api.storage.raw)


@pytest.fixture(scope="module")
def world() -> FakeWorld:
    """One world for all cases: none of them may change it, and each says so itself."""
    return FakeWorld(Api())


def test_every_route_has_a_row(api: Api) -> None:
    assert {(call.method, call.template) for call in CALLS} == routes_of(create_app(api.needs))


def test_no_call_is_public_but_those_that_say_so() -> None:
    assert {call.template for call in CALLS if not call.is_private} == {
        "/webhooks/coconut",
        "/livez",
        "/readyz",
        "/metrics",
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
