"""Authentication: bearer tokens (JWT), and the middleware that requires one except on public resources.

Each resource decides what a caller may see (authorization.py).
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import falcon
import jwt
import structlog

from domain.email_address import is_mailbox
from runtime.clock import own_time
from webapi.http.jwks import ALGORITHMS, KeySet
from webapi.http.problems import HttpProblemError, ProblemCode

log = structlog.get_logger(__name__)

# The scope of administrators.
ADMIN_SCOPE = "admin"

_REALM = 'Bearer realm="video-uploads"'
# Clocks of two machines differ by seconds; RFC 8725 asks for a small tolerance.
_LEEWAY_SECONDS = 30
_TOKEN_CHARACTERS_MAX = 4096
_OWNER = re.compile(r"[A-Za-z0-9._:@|+=/-]{1,128}")
_PER_HOUR_MAX = 1_000_000
# A client polls with the same token for minutes, and verifying it costs more than answering.
_TOKENS_CACHED = 2048


@dataclass(frozen=True)
class Caller:
    """The user who makes a call.

    ``uploads_per_hour`` and ``email`` are the token's own, None if it has none. ``accepted_until``: when the token
    is refused as expired, in seconds since the epoch.
    """

    owner: str
    uploads_per_hour: int | None = None
    scopes: frozenset[str] = frozenset()
    email: str | None = None
    accepted_until: float = field(default=math.inf, compare=False)


_EXPIRED = "the token has expired"


class UnknownKeyError(jwt.InvalidTokenError):
    """No key of ours verifies this token."""


# How the log names the check that refused a token.
_CHECKS: dict[type[Exception], str] = {
    jwt.InvalidIssuerError: "issuer",
    jwt.InvalidAudienceError: "audience",
    jwt.InvalidSignatureError: "signature",
    jwt.InvalidAlgorithmError: "algorithm",
    jwt.ImmatureSignatureError: "nbf",
    jwt.exceptions.InvalidSubjectError: "sub",
    UnknownKeyError: "key",
    OverflowError: "exp",
}


class TokenVerifier:
    """Verifies tokens with our secret or with one of the issuer's public keys.

    A token names its key, and each key verifies one algorithm: a token never chooses the algorithm.
    """

    def __init__(
        self,
        signing_key: str | None,
        *,
        issuer: str,
        audience: str,
        key_set: KeySet | None = None,
        trusts_unmarked_email: bool = False,
        clock: Callable[[], datetime] = own_time,
    ) -> None:
        self._signing_key = signing_key
        self._key_set = key_set
        self._issuer = issuer
        self._audience = audience
        self._trusts_unmarked_email = trusts_unmarked_email
        self._clock = clock
        self._cached = lru_cache(maxsize=_TOKENS_CACHED)(self._verified)

    def caller(self, authorization: str | None) -> Caller:
        """Return the caller that an Authorization header names. Raises HttpProblemError."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise HttpProblemError(
                ProblemCode.NOT_AUTHENTICATED, "no bearer token was sent", headers={"WWW-Authenticate": _REALM}
            )
        if len(token) > _TOKEN_CHARACTERS_MAX:
            raise _refused("length", "the token is too long")
        if self._key_set is not None and _names_public_key(token.partition(".")[0]):
            self._key_set.refresh()
        # The version is part of the cache's key: tokens are verified again when the keys change.
        caller = self._cached(token, self._key_set.version if self._key_set else 0)
        if self.seconds_left(caller) <= 0:
            raise _refused("exp", _EXPIRED)
        return caller

    def seconds_left(self, caller: Caller) -> float:
        """Return for how long the caller's token is accepted."""
        return caller.accepted_until - self._clock().timestamp()

    def _verified(self, token: str, _version: int) -> Caller:
        """Return a valid token's caller."""
        try:
            key, algorithm = self._key_of(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                # PyJWT compares times with the machine's own clock; `caller` looks at the expiry.
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            expires_at = _seconds(claims["exp"])
            self._check_begun(claims)
        except jwt.MissingRequiredClaimError as error:
            raise _refused(error.claim, f"the token has no {error.claim}") from None
        except (jwt.PyJWTError, OverflowError) as error:
            raise _refused(_CHECKS.get(type(error), "form"), "the token is not valid here") from None
        caller = _caller(claims, trusts_unmarked_email=self._trusts_unmarked_email)
        return replace(caller, accepted_until=expires_at + _LEEWAY_SECONDS)

    def _check_begun(self, claims: Mapping[str, Any]) -> None:
        """Raise ImmatureSignatureError for a token from the future."""
        begins_at = max(_seconds(claims.get(name, 0)) for name in ("iat", "nbf"))
        if begins_at > self._clock().timestamp() + _LEEWAY_SECONDS:
            raise jwt.ImmatureSignatureError

    def _key_of(self, token: str) -> tuple[Any, str]:
        """Return the key that a token names, and that key's algorithm. Raises InvalidTokenError."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") in ALGORITHMS and self._key_set is not None:
            verifying = self._key_set.key(str(header.get("kid", "")))
            if verifying is not None:
                return verifying.key, verifying.algorithm
        elif self._signing_key is not None:
            return self._signing_key, "HS256"
        raise UnknownKeyError


class Authentication:
    """Falcon middleware: a resource requires a token unless it has ``is_public = True``.

    A resource with ``scope = …`` requires that scope in the token.
    """

    def __init__(self, tokens: TokenVerifier) -> None:
        self._tokens = tokens

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, _params: dict[str, Any]
    ) -> None:
        """Set ``req.context.caller``. Raises HttpProblemError."""
        if getattr(resource, "is_public", False):
            return
        caller = self._tokens.caller(req.get_header("Authorization"))
        scope = getattr(resource, "scope", None)
        if scope is not None and scope not in caller.scopes:
            challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
            detail = f"the token has no scope {scope}"
            raise HttpProblemError(ProblemCode.INSUFFICIENT_SCOPE, detail, headers={"WWW-Authenticate": challenge})
        req.context.caller = caller
        req.context.seconds_left = self._tokens.seconds_left(caller)


def seconds_left_of(req: falcon.Request) -> float:
    """Return for how long the token of a private resource's caller is accepted."""
    return float(req.context.seconds_left)


def caller_of(req: falcon.Request) -> Caller:
    """Return the caller of a private resource."""
    caller = req.context.caller
    assert isinstance(caller, Caller)  # noqa: S101  Authentication has set it
    return caller


@lru_cache(maxsize=256)
def _names_public_key(header: str) -> bool:
    """Return whether a token's encoded header names one of the issuer's algorithms. Others never wait for its keys."""
    try:
        return jwt.get_unverified_header(f"{header}..").get("alg") in ALGORITHMS
    except (jwt.PyJWTError, TypeError):
        return False


def _caller(claims: dict[str, Any], *, trusts_unmarked_email: bool) -> Caller:
    owner, per_hour = claims["sub"], _whole_number(claims.get("uploads_per_hour"))
    if not isinstance(owner, str) or not _OWNER.fullmatch(owner):
        raise _refused("sub", "the token's sub is not a user id")
    if per_hour is not None and (type(per_hour) is not int or not 0 <= per_hour <= _PER_HOUR_MAX):
        raise _refused("uploads_per_hour", "the token's uploads_per_hour is not a number of uploads")
    return Caller(owner, per_hour, _scopes(claims.get("scope")), _email(claims, trusts_unmarked_email))


def _scopes(scope: object) -> frozenset[str]:
    """Return the words of a scope: a text with spaces (RFC 8693 4.2) or, as some issuers write it, a list."""
    words = scope.split(" ") if isinstance(scope, str) else scope if isinstance(scope, list) else []
    return frozenset(word for word in words if isinstance(word, str) and word)


def _email(claims: dict[str, Any], trusts_unmarked: bool) -> str | None:
    """Return the address, if it is a plain one that the issuer has verified.

    Mail leaves under this service's name, so an address that its user merely typed in is not written to.
    """
    email, verified = claims.get("email"), claims.get("email_verified")
    is_verified = verified is True or (trusts_unmarked and "email_verified" not in claims)
    return email if isinstance(email, str) and is_mailbox(email) and is_verified else None


def _whole_number(claim: object) -> object:
    """Return the number of a claim, which some issuers write as text or as 50.0; anything else as it is."""
    if isinstance(claim, str) and re.fullmatch(r"[0-9]{1,7}", claim):
        return int(claim)
    return int(claim) if isinstance(claim, float) and claim.is_integer() else claim


def _seconds(claim: object) -> float:
    """Return a time of a token, in seconds since the epoch. Raises DecodeError, OverflowError."""
    try:
        return float(int(claim))  # type: ignore[call-overload]
    except (ValueError, TypeError):
        raise jwt.DecodeError("a time is not a number") from None


def _refused(check: str, detail: str) -> HttpProblemError:
    """Return the problem, and log which check failed: the response says little, as more would help a forger."""
    log.warning("token_refused", check=check)
    challenge = f'{_REALM}, error="invalid_token", error_description="{detail}"'
    return HttpProblemError(ProblemCode.INVALID_TOKEN, detail, headers={"WWW-Authenticate": challenge})
