"""The register of clients that wait: nothing is missed, and nothing grows without bound."""

from functools import partial

import falcon.testing

from webapi.http.auth import Caller
from webapi.http.call_limiter import CallLimiter
from webapi.http.request_limit import RequestLimit
from webapi.http.waiting import TURN, Turn
from webapi.metrics import ApiMetrics
from webapi.waits import WaitingClient, WaitKind, Waits


def waits(*, at_most: int = 10, per_owner: int = 10) -> Waits:
    """Return an empty register."""
    return Waits(ApiMetrics(), at_most=at_most, per_owner=per_owner)


def entered(register: Waits, *, video_id: str = "cats", owner: str = "ann") -> WaitingClient:
    """Register a request."""
    wait = register.enter(WaitKind.POLL, video_id, owner)
    assert wait is not None
    return wait


def test_a_change_wakes_those_who_wait_for_this_video_once() -> None:
    register, woken = waits(), list[str]()
    for name, video_id in (("first", "cats"), ("second", "cats"), ("other", "dogs")):
        assert register.begin(entered(register, video_id=video_id), "1.1", partial(woken.append, name))
    register.changed("cats")
    register.changed("cats")
    assert sorted(woken) == ["first", "second"]
    assert register.revisions() == {"dogs": {"1.1"}}


def test_a_change_between_the_look_and_the_wait_is_not_missed() -> None:
    register = waits()
    wait = entered(register)
    register.changed("cats")
    assert not register.begin(wait, "1.1", lambda: None)
    register.look_again(wait)
    assert register.begin(wait, "1.2", lambda: None)


def test_no_more_wait_than_may() -> None:
    register = waits(at_most=3, per_owner=2)
    first, _ = entered(register), entered(register)
    assert register.enter(WaitKind.POLL, "cats", "ann") is None
    entered(register, owner="bob")
    assert register.enter(WaitKind.POLL, "cats", "eve") is None
    register.leave(first)
    register.leave(first)
    entered(register, owner="eve")
    assert register.enter(WaitKind.STREAM, "cats", "bob") is None


def test_no_client_waits_once_the_process_stops() -> None:
    register = waits()
    register.close()
    assert register.enter(WaitKind.POLL, "cats", "ann") is None


def test_a_request_that_runs_again_is_one_call_of_its_user() -> None:
    limiter = CallLimiter(1, lambda: 0.0)
    limit = RequestLimit(limiter, None)
    turn = Turn(waits())
    req = falcon.testing.create_req()
    req.env[TURN] = turn
    req.context.caller = Caller("ann")
    limit.process_resource(req, falcon.Response(), object(), {})
    turn.enter(WaitKind.STREAM, "cats", "ann")
    for _ in range(50):
        limit.process_resource(req, falcon.Response(), object(), {})
