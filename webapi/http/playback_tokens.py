"""Playback tokens: a JWT in the query of a URL, which lets its holder read one playlist or file of one private video.

Players send no headers of ours, so the token is part of the URL. It is a secret until it expires: query strings are
logged nowhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import jwt
import structlog

from webapi.http.problems import HttpProblemError, ProblemCode

log = structlog.get_logger(__name__)

_ALGORITHM = "HS256"
# Keys sign nothing but these tokens, and a token of users is not one of them.
_AUDIENCE = "video-uploads/playback"
TOKEN_CHARACTERS_MAX = 2048


class Use(StrEnum):
    """What a token opens: the master playlist, one media playlist, or one file."""

    WATCH = "watch"
    MEDIA = "media"
    FILE = "file"


@dataclass(frozen=True)
class Limits:
    """Where a link may be opened; empty for everywhere. ``networks``: of clients, ``origins``: of pages."""

    networks: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grant:
    """What a token allows. ``path``: of the playlist or file below the video's prefix, empty for the master."""

    video_id: str
    use: Use
    ends_at: datetime
    path: str = ""
    limits: Limits = field(default_factory=Limits)


class PlaybackTokens:
    """Issues and verifies tokens. Of several keys the first one signs and all verify, so that they can be rotated."""

    def __init__(self, keys: Sequence[str], clock: Callable[[], datetime]) -> None:
        self._keys = tuple(keys)
        self._clock = clock

    def issue(self, grant: Grant) -> str:
        """Return the token of a grant: equal grants have equal tokens."""
        claims = {
            "aud": _AUDIENCE,
            "sub": grant.video_id,
            "use": grant.use,
            "exp": int(grant.ends_at.timestamp()),
            **({"path": grant.path} if grant.path else {}),
            **({"ip": grant.limits.networks} if grant.limits.networks else {}),
            **({"origin": grant.limits.origins} if grant.limits.origins else {}),
        }
        return jwt.encode(claims, self._keys[0], algorithm=_ALGORITHM)

    def verify(self, token: str, *, video_id: str, use: Use) -> Grant:
        """Return what a token allows, if that is this use of this video. Raises HttpProblemError."""
        for key in self._keys:
            try:
                grant = _grant_of(token, key)
            except jwt.PyJWTError:
                continue
            if (grant.video_id, grant.use) != (video_id, use):
                # As with another user's video.
                raise HttpProblemError(ProblemCode.NOT_FOUND, "the link is for something else")
            if grant.ends_at <= self._clock():
                raise refused("exp")
            return grant
        raise refused("signature")


def _grant_of(token: str, key: str) -> Grant:
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise jwt.DecodeError("the token is too long")
    # PyJWT compares times with the machine's own clock.
    options = {"require": ["aud", "sub", "use", "exp"], "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    claims = jwt.decode(token, key, algorithms=[_ALGORITHM], audience=_AUDIENCE, options=options)  # type: ignore[arg-type]
    try:
        ends_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
        limits = Limits(tuple(claims.get("ip", ())), tuple(claims.get("origin", ())))
        return Grant(claims["sub"], Use(claims["use"]), ends_at, str(claims.get("path", "")), limits)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise jwt.DecodeError("a claim is malformed") from error


def refused(check: str) -> HttpProblemError:
    """Return the problem, and log which check failed: the response says little, as more would help a forger."""
    log.info("playback_token_refused", check=check)
    return HttpProblemError(ProblemCode.PLAYBACK_DENIED, "the link is not valid for this video, or has expired")
