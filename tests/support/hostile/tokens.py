"""Tokens that must be refused."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from functools import partial

import jwt

from tests.support.hostile.requests import Defect, Facts, Sent
from webapi.http.problems import ProblemCode

ISSUER = "https://login.example.com"
AUDIENCE = "video-uploads"
OTHER_KEY = "another key, with as many bytes as HS512 asks for, and a few more"
# Tokens are made when tests are collected, and used when their turn comes.
_DAY_SECONDS = 86_400
_DEEP = "[" * 1000 + "]" * 1000
_NOT_SOON = '"exp": 99999999999'

# Makes a token out of the signing key.
Make = Callable[[str], str]


def token(
    key: str, claims: dict[str, object] | None = None, *, algorithm: str = "HS256", without: str | None = None
) -> str:
    """Return a good token with changes."""
    all_claims = _good_claims() | (claims or {})
    if without:
        del all_claims[without]
    return jwt.encode(all_claims, key, algorithm=algorithm)


def token_faults() -> Iterator[Defect]:
    """Yield what a call can have instead of a good token."""
    yield Defect("no-token", lambda sent, _: sent.without("Authorization"), ProblemCode.NOT_AUTHENTICATED)
    for name, value in {"empty": "", "bearer-alone": "Bearer", "basic": "Basic YTpi", "token": "Token abc"}.items():
        yield Defect(f"token-{name}", _header(value), ProblemCode.NOT_AUTHENTICATED)
    yield from _of_claims()
    yield from _of_form()
    yield from _of_keys()


def scope_faults(scope: str) -> Iterator[Defect]:
    """Yield good tokens without the word that a call needs."""
    for words in ("", "upload", scope.upper(), f"{scope}istrator", f"x{scope}", f"{scope},upload", f"{scope}:read"):
        yield _bad(f"scope-{words or 'empty'}", partial(token, claims={"scope": words}), ProblemCode.INSUFFICIENT_SCOPE)
    yield _bad("scope-missing", token, ProblemCode.INSUFFICIENT_SCOPE)


def _of_claims() -> Iterator[Defect]:
    now = int(time.time())
    changes: dict[str, dict[str, object]] = {
        "expired": {"exp": now - 60},
        "expired-long-ago": {"exp": 0},
        "negative-expiry": {"exp": -(10**18)},
        "expiry-as-text": {"exp": "tomorrow"},
        "expiry-as-list": {"exp": [now + _DAY_SECONDS]},
        "not-valid-yet": {"nbf": now + _DAY_SECONDS},
        "issued-in-the-future": {"iat": now + _DAY_SECONDS},
        "wrong-issuer": {"iss": "https://evil.example.com"},
        "wrong-audience": {"aud": "another-service"},
        "no-audiences": {"aud": []},
        "audience-as-number": {"aud": 7},
        "empty-sub": {"sub": ""},
        "sub-as-number": {"sub": 7},
        "sub-as-object": {"sub": {"id": "ann"}},
        "line-break-in-sub": {"sub": "ann\nadmin"},
        "nul-in-sub": {"sub": "ann\x00"},
        "direction-in-sub": {"sub": "ann\u202e"},
        "long-sub": {"sub": "a" * 129},
        "limit-as-text": {"uploads_per_hour": "many"},
        "negative-limit": {"uploads_per_hour": -1},
        "true-as-limit": {"uploads_per_hour": True},
    }
    for name, claims in changes.items():
        yield _bad(name, partial(token, claims=claims))
    for claim in ("exp", "iss", "aud", "sub"):
        yield _bad(f"without-{claim}", partial(token, without=claim))
    raw = {
        "endless-expiry": '"exp": 1e400',
        "expiry-that-is-no-number": '"exp": NaN',
        "endless-start": f'{_NOT_SOON}, "nbf": 1e400',
        "deep-claim": f'{_NOT_SOON}, "deep": {_DEEP}',
    }
    for name, claims_text in raw.items():
        same = f'{{"sub": "ann", "iss": "{ISSUER}", "aud": "{AUDIENCE}", {claims_text}}}'
        yield _bad(name, partial(_signed, claims=same.encode()))
    issuers = _good_claims() | {"iss": [ISSUER]}
    yield _bad("issuers", partial(_signed, claims=json.dumps(issuers).encode()))
    yield _bad("claims-as-list", partial(_signed, claims=b"[]"))
    yield _bad("claims-not-json", partial(_signed, claims=b"\xff"))


def _of_form() -> Iterator[Defect]:
    nonsense = {
        "nonsense": "not.a.token",
        "one-part": "abc",
        "four-parts": "a.b.c.d",
        "only-dots": "..",
        "not-base64": "!.!.!",
        "not-ascii": "t\u00f6ken.t\u00f6ken.t\u00f6ken",
        "oversized": "x" * 4097,
        "header-not-json": _joined(b"{", b"{}"),
        "header-as-list": _joined(b"[]", b"{}"),
        "deep-header": _joined(_DEEP.encode(), b"{}"),
    }
    for name, value in nonsense.items():
        yield _bad(name, partial(_whatever_the_key, value))
    yield _bad("oversized-but-signed", partial(token, claims={"padding": "x" * 4096}))
    yield _bad("two-tokens", lambda key: f"{token(key)} {token(key)}")
    yield _bad("two-tokens-in-a-list", lambda key: f"{token(key)},Bearer {token(key)}")
    yield _bad("without-signature", lambda key: token(key).rpartition(".")[0] + ".")
    yield _bad("signature-cut-off", lambda key: token(key)[:-4])


def _of_keys() -> Iterator[Defect]:
    claims = json.dumps(_good_claims()).encode()
    yield _bad("another-key", lambda _: token(OTHER_KEY))
    yield _bad("hs512", partial(token, algorithm="HS512"))
    yield _bad("hs384", partial(token, algorithm="HS384"))
    yield _bad("none-algorithm", partial(_whatever_the_key, _joined(b'{"alg": "none"}', claims) + "."))
    headers: dict[str, dict[str, object]] = {
        "none-but-signed": {"alg": "none"},
        "algorithm-in-lower-case": {"alg": "hs256"},
        "algorithm-missing": {"typ": "JWT"},
        "algorithm-as-list": {"alg": ["HS256"]},
        "algorithm-as-object": {"alg": {"HS256": True}},
        "asymmetric-with-our-secret": {"alg": "RS256"},
        "unknown-criticals": {"alg": "HS256", "crit": ["evil"], "evil": True},
        "detached-payload": {"alg": "HS256", "b64": False, "crit": ["b64"]},
        "key-id-as-number": {"alg": "HS256", "kid": 7},
    }
    for name, header in headers.items():
        yield _bad(name, partial(_signed, claims=claims, header=header))


def _bad(name: str, make: Make, code: ProblemCode = ProblemCode.INVALID_TOKEN) -> Defect:
    def change(sent: Sent, facts: Facts) -> Sent:
        return sent.having("Authorization", f"Bearer {make(facts.signing_key)}")

    return Defect(f"token-{name}", change, code)


def _header(value: str) -> Callable[[Sent, Facts], Sent]:
    return lambda sent, _: sent.having("Authorization", value)


def _whatever_the_key(value: str, _key: str) -> str:
    return value


def _good_claims() -> dict[str, object]:
    return {
        "sub": "ann",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": int(time.time()) + _DAY_SECONDS,
        "uploads_per_hour": 100_000,
    }


def _signed(key: str, *, claims: bytes, header: dict[str, object] | None = None) -> str:
    """Return a token with a good signature over whatever is in it."""
    signed = _joined(json.dumps(header or {"alg": "HS256"}).encode(), claims)
    return f"{signed}.{_part(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest())}"


def _joined(header: bytes, claims: bytes) -> str:
    return f"{_part(header)}.{_part(claims)}"


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
