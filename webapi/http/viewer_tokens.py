"""Viewer tokens: a JWT by which an app opens one private video to a viewer who is not its owner.

The app signs it with a key of its own and asks us nothing; we verify it without Postgres. What a token says beyond the
video and its end limits who may use it, so a claim that is not known here refuses the token: a misspelt limit must
not be none.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import jwt

from domain.object_keys import POSTER
from webapi.http.playback_tokens import Grant, Limits, Use, refused
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.settings import ED25519_PREFIX, ORIGIN_PATTERN

AUDIENCE = "video-uploads/viewer"
# Its limits are copied into the tokens of the playlists, which have to fit into a URL with their path.
TOKEN_CHARACTERS_MAX = 1536
LIMITS_MAX = 8
# Clocks of two machines differ by seconds.
_LEEWAY = timedelta(seconds=30)
_REQUIRED = frozenset({"aud", "sub", "iat", "exp"})
_KNOWN = _REQUIRED | {"iss", "jti", "nbf", "ip", "origin"}
_TEXT_MAX = 100
_ORIGIN = re.compile(ORIGIN_PATTERN)
# What each kind of token opens: a media playlist only by the token that the master gave it.
_PATHS = {Use.WATCH: "", Use.FILE: POSTER}


@dataclass(frozen=True)
class ViewerKey:
    """A key of the app. It verifies one algorithm, whatever a token says."""

    key: Any
    algorithm: str

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Return the key of a setting: a secret for HS256, or `ed25519:` and a public key in base64url for EdDSA."""
        if not text.startswith(ED25519_PREFIX):
            return cls(text, "HS256")
        public = {"kty": "OKP", "crv": "Ed25519", "x": text.removeprefix(ED25519_PREFIX)}
        return cls(jwt.PyJWK(public, algorithm="EdDSA").key, "EdDSA")


class ViewerTokens:
    """Verifies viewer tokens by the keys of the app, each under the name (`kid`) that its tokens say."""

    def __init__(self, keys: Mapping[str, str], clock: Callable[[], datetime], *, lifetime_max: timedelta) -> None:
        """``lifetime_max``: of a token, from when it was issued."""
        self._keys = {name: ViewerKey.parsed(text) for name, text in keys.items()}
        self._clock = clock
        self._lifetime_max = lifetime_max

    def verify(self, token: str, *, video_id: str, use: Use) -> Grant:
        """Return what a token allows, if that is this use of this video. Raises HttpProblemError."""
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise refused("length")
        try:
            claims = self._claims(token)
            issued_at, ends_at = _time(claims["iat"]), _time(claims["exp"])
            begins_at = max(issued_at, _time(claims.get("nbf", claims["iat"])))
            limits = Limits(_networks(claims), _origins(claims))
        except jwt.InvalidSignatureError as error:
            raise refused("signature") from error
        except jwt.InvalidAlgorithmError as error:
            raise refused("algorithm") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError) as error:
            raise refused("claims") from error
        now = self._clock()
        if ends_at <= now:
            raise refused("exp")
        if begins_at > now + _LEEWAY or ends_at - issued_at > self._lifetime_max:
            raise refused("lifetime")
        if claims["sub"] != video_id or use not in _PATHS:
            raise HttpProblemError(ProblemCode.NOT_FOUND, "the link is for something else")
        return Grant(video_id, use, ends_at, _PATHS[use], limits)

    def _claims(self, token: str) -> Mapping[str, Any]:
        name = jwt.get_unverified_header(token).get("kid")
        key = self._keys.get(name) if isinstance(name, str) else None
        if key is None:
            raise jwt.InvalidSignatureError("no key has this name")
        # PyJWT compares times with the machine's own clock.
        options = {"require": [*_REQUIRED], "verify_exp": False, "verify_iat": False, "verify_nbf": False}
        claims = jwt.decode(token, key.key, algorithms=[key.algorithm], audience=AUDIENCE, options=options)  # type: ignore[arg-type]
        unknown = claims.keys() - _KNOWN
        if unknown:
            raise jwt.InvalidTokenError("a claim is not known")
        return claims


def _time(claim: object) -> datetime:
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        raise TypeError("a time is not a number")
    return datetime.fromtimestamp(int(claim), UTC)


def _networks(claims: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(text, strict=False)) for text in _texts(claims, "ip"))


def _origins(claims: Mapping[str, Any]) -> tuple[str, ...]:
    origins = _texts(claims, "origin")
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("an origin is malformed")
    return origins


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a claim that is one text or a list of them. Raises ValueError, also for null and an empty list."""
    if name not in claims:
        return ()
    texts = claims[name] if isinstance(claims[name], list) else [claims[name]]
    if not 0 < len(texts) <= LIMITS_MAX:
        raise ValueError("a list is empty or too long")
    if not all(isinstance(text, str) and 0 < len(text) <= _TEXT_MAX for text in texts):
        raise ValueError("a limit is not a text")
    return tuple(texts)
