"""Bearer tokens: which are accepted, and how the others are refused."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from tests.support.api import AUDIENCE, ISSUER, SIGNING_KEY, Api, token
from webapi.http.auth import Caller, TokenVerifier
from webapi.http.problems import HttpProblemError, ProblemCode

PRIVATE_CALLS = [
    pytest.param("POST", "/api/v1/videos", id="create"),
    pytest.param("GET", "/api/v1/videos/abcdefghijklmnopqrstuvwxy2", id="get"),
    pytest.param("POST", "/api/v1/videos/abcdefghijklmnopqrstuvwxy2/upload_complete", id="confirm"),
    pytest.param("DELETE", "/api/v1/videos", id="a-method-that-is-not-there"),
]


def _unsigned(claims: dict[str, object]) -> str:
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def _good_claims() -> dict[str, object]:
    return {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600}


@pytest.mark.parametrize(("method", "path"), PRIVATE_CALLS)
def test_without_a_token_every_call_asks_for_one(api: Api, method: str, path: str) -> None:
    answer = api.client.simulate_request(method, path)

    assert (answer.status_code, answer.json["code"]) == (401, "not_authenticated")
    # RFC 6750, 3.1: no error code where no authentication was tried.
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="video-uploads"'


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Token abc"])
def test_another_scheme_is_no_token(api: Api, header: str) -> None:
    answer = api.client.simulate_get("/api/v1/videos/x", headers={"Authorization": header})

    assert (answer.status_code, answer.json["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(token(key="another key that is long enough, too"), id="another-key"),
        pytest.param(token(algorithm="HS512"), id="another-algorithm"),
        pytest.param(_unsigned(_good_claims()), id="algorithm-none"),
        pytest.param(token(iss="https://evil.example.com"), id="another-issuer"),
        pytest.param(token(aud="another-service"), id="another-audience"),
        pytest.param(token(exp=int(time.time()) - 60), id="expired"),
        pytest.param(token(nbf=int(time.time()) + 600), id="not-valid-yet"),
        pytest.param(token(without="exp"), id="without-exp"),
        pytest.param(token(without="sub"), id="without-sub"),
        pytest.param(token(without="iss"), id="without-iss"),
        pytest.param(token(without="aud"), id="without-aud"),
        pytest.param(token(sub=""), id="empty-sub"),
        pytest.param(token(sub="a b"), id="blank-in-sub"),
        pytest.param(token(sub="a\nb"), id="line-break-in-sub"),
        pytest.param(token(sub="x" * 129), id="long-sub"),
        pytest.param(token(uploads_per_hour="many"), id="limit-as-text"),
        pytest.param(token(uploads_per_hour=-1), id="negative-limit"),
        pytest.param(token(uploads_per_hour=True), id="true-as-limit"),
        pytest.param(token(uploads_per_hour=10**9), id="limit-without-bounds"),
        pytest.param(token(exp=10**400), id="exp-beyond-every-clock"),
        pytest.param(token(padding="x" * 5000), id="too-long"),
        pytest.param("not.a.token", id="nonsense"),
        pytest.param(token() + " " + token(), id="two-tokens"),
    ],
)
def test_a_token_that_is_not_ours_is_refused(api: Api, bad: str) -> None:
    answer = api.client.simulate_get("/api/v1/videos/x", headers={"Authorization": f"Bearer {bad}"})

    assert (answer.status_code, answer.json["code"]) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="video-uploads", error="invalid_token"')
    assert bad not in answer.text


def test_the_scheme_may_be_written_in_any_case(api: Api) -> None:
    answer = api.client.simulate_get("/api/v1/videos/NotAnId", headers={"Authorization": f"bearer {token()}"})

    assert answer.status_code == 404


def test_the_caller_is_what_the_token_says() -> None:
    tokens = TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE)
    sent = token(sub="auth0|5f7c@example.com", uploads_per_hour=50, scope="admin upload")

    assert tokens.caller(f"Bearer {sent}") == Caller("auth0|5f7c@example.com", 50, frozenset({"admin", "upload"}))


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        pytest.param("admin upload", {"admin", "upload"}, id="text-as-in-rfc-8693"),
        pytest.param(["openid", "admin"], {"openid", "admin"}, id="list-as-spring-writes-it"),
        pytest.param([], set(), id="empty-list"),
        pytest.param(["admin", 7, None], {"admin"}, id="list-with-other-things"),
        pytest.param("x\u00a0admin", {"x\u00a0admin"}, id="a-no-break-space-separates-nothing"),
        pytest.param(7, set(), id="number"),
        pytest.param(None, set(), id="null"),
    ],
)
def test_a_scope_is_read_in_any_usual_form(scope: object, scopes: set[str]) -> None:
    tokens = TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE)

    assert tokens.caller(f"Bearer {token(scope=scope)}").scopes == scopes


@pytest.mark.parametrize(
    ("bad", "check"),
    [
        pytest.param(token(iss="https://evil.example.com"), "issuer", id="issuer"),
        pytest.param(token(aud="another-service"), "audience", id="audience"),
        pytest.param(token(key="another key that is long enough, too"), "signature", id="signature"),
        pytest.param(token(nbf=int(time.time()) + 600), "nbf", id="time"),
        pytest.param("not.a.token", "form", id="form"),
        pytest.param(token(exp=int(time.time()) - 600), "exp", id="expired"),
        pytest.param(token(without="exp"), "exp", id="without-an-end"),
        pytest.param(token(without="aud"), "aud", id="without-an-audience"),
        pytest.param(token(sub="a b"), "sub", id="subject"),
        pytest.param(token(sub=7), "sub", id="subject-as-number"),
        pytest.param(token(uploads_per_hour="many"), "uploads_per_hour", id="limit"),
        pytest.param("x" * 5000, "length", id="too-long"),
    ],
)
def test_a_refusal_is_logged_with_the_check_that_failed_and_without_the_token(bad: str, check: str) -> None:
    tokens = TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE)
    with structlog.testing.capture_logs() as logs, pytest.raises(HttpProblemError) as refused:
        tokens.caller(f"Bearer {bad}")

    assert logs == [{"event": "token_refused", "check": check, "log_level": "warning"}]
    assert bad not in str(refused.value)


@pytest.mark.parametrize("written", [50, 50.0, "50"], ids=repr)
def test_a_limit_is_read_in_any_usual_form(written: object) -> None:
    tokens = TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE)

    assert tokens.caller(f"Bearer {token(uploads_per_hour=written)}").uploads_per_hour == 50


def test_a_clock_that_is_seconds_behind_does_not_lock_users_out() -> None:
    tokens = TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE)

    assert tokens.caller(f"Bearer {token(exp=int(time.time()) - 10)}").owner == "ann"
    with pytest.raises(HttpProblemError):
        tokens.caller(f"Bearer {token(exp=int(time.time()) - 40)}")


def test_a_cached_token_still_expires() -> None:
    later = timedelta()
    tokens = TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE, clock=lambda: datetime.now(UTC) + later)
    header = f"Bearer {token(exp=int(time.time()) + 600)}"
    assert tokens.caller(header).owner == "ann"

    later = timedelta(seconds=631)
    with pytest.raises(HttpProblemError) as refused:
        tokens.caller(header)
    assert refused.value.code is ProblemCode.INVALID_TOKEN


@pytest.mark.parametrize("minutes", [10, -10])
def test_times_are_compared_with_the_given_clock_and_not_with_the_machines(minutes: int) -> None:
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    tokens = TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE, clock=lambda: now)
    begins = int(now.timestamp())

    assert tokens.caller(f"Bearer {token(iat=begins, nbf=begins, exp=begins + 60)}").owner == "ann"
    for bad in (token(iat=begins + 60, exp=begins + 90), token(nbf=begins + 60), token(exp=begins - 60)):
        with pytest.raises(HttpProblemError):
            tokens.caller(f"Bearer {bad}")


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_a_time_that_is_no_number_is_refused(name: str) -> None:
    tokens = TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE)

    with pytest.raises(HttpProblemError) as refused:
        tokens.caller(f"Bearer {token(**{name: 'noon'})}")
    assert refused.value.code is ProblemCode.INVALID_TOKEN
