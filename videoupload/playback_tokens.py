"""Signs tokens by which an app opens a private video to a viewer who is not its owner. Makes no request.

docs/api.md says what such a token opens and for how long. The key is a secret of the app's server: it opens every
private video.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from videoupload.errors import SettingError

_KEY_BYTES_MIN = 32


def sign_playback_token(  # noqa: PLR0913 - each is a claim of the token
    video_id: str,
    key: str,
    *,
    key_name: str,
    lifetime: timedelta = timedelta(hours=1),
    networks: Sequence[str] = (),
    origins: Sequence[str] = (),
    now: datetime | None = None,
) -> str:
    """Return a token that opens the video's `/api/v1/playback/{video_id}/playlist.m3u8?token=` until its end.

    ``key``, ``key_name``: a secret of the service's PLAYBACK_VIEWER_KEYS, and its name there. ``lifetime``: the service
    refuses tokens that last longer than its PLAYBACK_VIEWER_SECONDS_MAX. ``networks``: of the viewer, such as
    `192.0.2.0/24`. ``origins``: of pages with the player, such as `https://www.example.com`. Raises SettingError.

    >>> token = sign_playback_token("cats", "k" * 32, key_name="app", now=datetime(2026, 6, 1, 12, tzinfo=UTC))
    >>> token.partition(".")[0]
    'eyJhbGciOiJIUzI1NiIsImtpZCI6ImFwcCIsInR5cCI6IkpXVCJ9'
    """
    if len(key.encode()) < _KEY_BYTES_MIN:
        raise SettingError(f"a key for playback tokens has at least {_KEY_BYTES_MIN} bytes")
    issued_at = int((now or datetime.now(UTC)).timestamp())
    claims: dict[str, Any] = {
        "aud": "video-uploads/viewer",
        "sub": video_id,
        "iat": issued_at,
        "exp": issued_at + int(lifetime.total_seconds()),
    }
    if networks:
        claims["ip"] = list(networks)
    if origins:
        claims["origin"] = list(origins)
    signed = f"{_part({'alg': 'HS256', 'kid': key_name, 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_base64(hmac.digest(key.encode(), signed.encode(), hashlib.sha256))}"


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
