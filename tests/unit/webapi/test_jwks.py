"""Tokens by public keys: rotation, bounds, and tokens that try to choose how they are verified."""

import base64
import hashlib
import hmac
import json
import threading
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.errors import UnavailableError
from tests.support.api import AUDIENCE, ISSUER, SIGNING_KEY, Api, token
from tests.support.eventually import eventually
from webapi.http.auth import TokenVerifier
from webapi.http.jwks import KeySet, parse_keys
from webapi.http.problems import HttpProblemError, ProblemCode

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SMALL_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
# A path that is not found once the caller is let in, whatever Postgres has.
PATH = "/api/v1/videos/NotAnId"
EC = ec.generate_private_key(ec.SECP256R1())
LARGE_EC = ec.generate_private_key(ec.SECP384R1())


def _jwk(key: Any, key_id: str, **changes: Any) -> dict[str, Any]:
    algorithm: Any = jwt.algorithms.RSAAlgorithm if "RSA" in type(key).__name__ else jwt.algorithms.ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "use": "sig", **changes}


def _set(*entries: Any) -> bytes:
    return json.dumps({"keys": entries}).encode()


PUBLISHED = _set(_jwk(RSA, "r1"), _jwk(EC, "e1"))


class Issuer:
    """Publishes keys, and counts the requests for them."""

    def __init__(self, published: bytes = PUBLISHED) -> None:
        self.published = published
        self.now = 1000.0
        self.times_asked = 0
        self.is_away = False
        self.may_answer: threading.Event | None = None
        self.keys = KeySet(self._fetch, lambda: self.now)
        self.tokens = TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE, key_set=self.keys)

    def _fetch(self) -> bytes:
        self.times_asked += 1
        if self.may_answer is not None:
            self.may_answer.wait(10)
        if self.is_away:
            raise UnavailableError("away")
        return self.published

    def owner(self, sent: str) -> str:
        """Return who a token is for."""
        return self.tokens.caller(f"Bearer {sent}").owner

    def refuses(self, sent: str) -> bool:
        """Tell whether a token is not valid."""
        with pytest.raises(HttpProblemError) as refused:
            self.tokens.caller(f"Bearer {sent}")
        return refused.value.code is ProblemCode.INVALID_TOKEN


def _signed(key: Any, key_id: str | None, algorithm: str, **claims: object) -> str:
    good = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600, **claims}
    return jwt.encode(good, key, algorithm=algorithm, headers={"kid": key_id} if key_id else None)


def _forged(header: dict[str, object], secret: bytes) -> str:
    """Return a token that is signed as HS256 does, whatever its header says."""
    claims = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    signed = ".".join(parts)
    mark = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"


def test_each_kind_of_public_key_is_accepted_beside_the_secret() -> None:
    issuer = Issuer()

    assert issuer.owner(_signed(RSA, "r1", "RS256", sub="bob")) == "bob"
    assert issuer.owner(_signed(EC, "e1", "ES256", sub="eve")) == "eve"
    assert issuer.owner(token()) == "ann"


def test_without_a_secret_only_public_keys_count() -> None:
    tokens = TokenVerifier(None, issuer=ISSUER, audience=AUDIENCE, key_set=Issuer().keys)

    assert tokens.caller(f"Bearer {_signed(RSA, 'r1', 'RS256')}").owner == "ann"
    for secret in (SIGNING_KEY.encode(), b""):
        with pytest.raises(HttpProblemError):
            tokens.caller(f"Bearer {_forged({'alg': 'HS256'}, secret)}")


PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
HOSTILE = {
    "another-key": _signed(OTHER_RSA, "r1", "RS256"),
    "the-id-of-another-key": _signed(RSA, "e1", "RS256"),
    "elliptic-under-the-id-of-rsa": _signed(EC, "r1", "ES256"),
    "no-key-id": _signed(RSA, None, "RS256"),
    "unknown-key-id": _signed(RSA, "r9", "RS256"),
    "key-id-as-path": _signed(RSA, "../../dev/null", "RS256"),
    "longer-hash": _signed(RSA, "r1", "RS512"),
    "other-padding": _signed(RSA, "r1", "PS256"),
    "hs256-by-the-public-key": _forged({"alg": "HS256", "kid": "r1"}, PEM),
    "hs256-by-the-published-set": _forged({"alg": "HS256", "kid": "r1"}, PUBLISHED),
    "rs256-that-is-hs256": _forged({"alg": "RS256", "kid": "r1"}, PEM),
    "rs256-by-the-secret": _forged({"alg": "RS256", "kid": "r1"}, SIGNING_KEY.encode()),
    "none": _forged({"alg": "none", "kid": "r1"}, b""),
    "algorithm-in-lower-case": _forged({"alg": "rs256", "kid": "r1"}, PEM),
    "algorithm-as-list": _forged({"alg": ["RS256"], "kid": "r1"}, PEM),
    "key-id-as-number": _forged({"alg": "RS256", "kid": 1}, PEM),
    "key-id-as-object": _forged({"alg": "RS256", "kid": {"a": 1}}, PEM),
    "own-key-in-the-header": jwt.encode(
        {"sub": "ann"}, OTHER_RSA, algorithm="RS256", headers={"jwk": _jwk(OTHER_RSA, "r1")}
    ),
    "own-url-in-the-header": jwt.encode(
        {"sub": "ann"}, OTHER_RSA, algorithm="RS256", headers={"jku": "https://evil.example/keys", "kid": "x"}
    ),
    "expired": _signed(RSA, "r1", "RS256", exp=int(time.time()) - 60),
    "another-audience": _signed(EC, "e1", "ES256", aud="another-service"),
    "another-issuer": _signed(EC, "e1", "ES256", iss="https://evil.example"),
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_hostile_tokens_are_refused(sent: str) -> None:
    assert Issuer().refuses(sent)


def test_a_new_key_is_found_and_unknown_ids_cause_one_fetch_a_minute() -> None:
    issuer = Issuer()
    assert issuer.owner(_signed(RSA, "r1", "RS256")) == "ann"
    issuer.published = _set(_jwk(RSA, "r1"), _jwk(OTHER_RSA, "r2"))
    for number in range(50):
        assert issuer.refuses(_signed(OTHER_RSA, f"made-up-{number}", "RS256"))
    assert issuer.times_asked == 1

    issuer.now += 60
    assert issuer.owner(_signed(OTHER_RSA, "r2", "RS256")) == "ann"
    for number in range(50):
        assert issuer.refuses(_signed(OTHER_RSA, f"made-up-{number}", "RS256"))
    assert issuer.times_asked == 2


def test_a_withdrawn_key_is_refused_after_a_while_even_for_tokens_accepted_before() -> None:
    issuer = Issuer()
    sent = _signed(RSA, "r1", "RS256", exp=int(time.time()) + 36_000)
    assert issuer.owner(sent) == "ann"
    issuer.published = _set(_jwk(EC, "e1"))
    issuer.now += 539
    assert issuer.owner(sent) == "ann"

    issuer.now += 61
    assert issuer.refuses(sent)


@pytest.mark.parametrize("published", [b"", b"<html>", b"[]", b'{"keys": {}}', b" " * 70_000, _set(*[{}] * 33)])
def test_an_issuer_that_is_away_locks_no_caller_out(published: bytes) -> None:
    issuer = Issuer()
    assert issuer.owner(_signed(RSA, "r1", "RS256")) == "ann"
    issuer.published = published
    issuer.now += 3600
    assert issuer.owner(_signed(RSA, "r1", "RS256", sub="bob")) == "bob"

    issuer.is_away = True
    issuer.now += 3600
    assert issuer.owner(_signed(RSA, "r1", "RS256", sub="eve")) == "eve"


def test_before_the_first_fetch_no_token_is_called_invalid(api: Api) -> None:
    issuer = Issuer()
    issuer.is_away = True
    client = api.rebuilt(tokens=issuer.tokens)
    headers = {"Authorization": f"Bearer {_signed(RSA, 'r1', 'RS256')}"}
    answers = [client.simulate_get(PATH, headers=headers) for _ in range(3)]

    assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(503, "temporarily_unavailable")}
    assert issuer.times_asked == 1
    assert client.simulate_get(PATH, headers={"Authorization": api.bearer()}).status_code == 404

    issuer.is_away = False
    issuer.now += 5
    assert client.simulate_get(PATH, headers=headers).status_code == 404


def test_old_keys_are_fetched_again_while_calls_go_on() -> None:
    issuer, may_answer = Issuer(), threading.Event()
    sent = _signed(RSA, "r1", "RS256")
    assert issuer.owner(sent) == "ann"
    issuer.may_answer = may_answer
    issuer.now += 540

    assert issuer.owner(sent) == "ann"
    assert issuer.times_asked == 2
    may_answer.set()


def test_while_an_issuer_hangs_our_tokens_are_accepted_at_once_and_few_calls_wait() -> None:
    issuer, may_answer = Issuer(), threading.Event()
    issuer.may_answer = may_answer
    waiting = [threading.Thread(target=issuer.owner, args=[_signed(RSA, "r1", "RS256")]) for _ in range(4)]
    for thread in waiting:
        thread.start()
    eventually(lambda: issuer.keys._waiting._free == 0, within_seconds=10)

    assert issuer.owner(token()) == "ann"
    with pytest.raises(UnavailableError, match="too many calls"):
        issuer.owner(_signed(RSA, "r1", "RS256"))
    may_answer.set()
    for thread in waiting:
        thread.join(10)
    assert issuer.owner(_signed(RSA, "r1", "RS256")) == "ann"
    assert issuer.times_asked == 1


def test_a_token_of_ours_asks_the_issuer_nothing() -> None:
    issuer = Issuer()
    assert issuer.owner(token()) == "ann"
    assert issuer.times_asked == 0


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(_jwk(SMALL_RSA, "x"), id="small-rsa"),
        pytest.param(_jwk(LARGE_EC, "x"), id="another-curve"),
        pytest.param(_jwk(RSA, "x", use="enc"), id="for-encryption"),
        pytest.param(_jwk(RSA, "x", alg="RS512"), id="for-another-algorithm"),
        pytest.param(_jwk(RSA, "x", alg="HS256"), id="public-key-for-hs256"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0", "kid": "x", "alg": "HS256"}, id="secret"),
        pytest.param({"kty": ["RSA"], "kid": "x"}, id="kind-as-list"),
        pytest.param(_jwk(RSA, "x", n="!"), id="broken-number"),
        pytest.param({**_jwk(RSA, "x"), "kid": 7}, id="id-as-number"),
        pytest.param({}, id="empty"),
        pytest.param("x", id="text"),
        pytest.param({**jwt.algorithms.RSAAlgorithm.to_jwk(RSA, as_dict=True), "kid": "x"}, id="private-key"),
    ],
)
def test_unusable_keys_are_ignored(entry: object) -> None:
    assert list(parse_keys(_set(entry, _jwk(EC, "e1")))) == ["e1"]
