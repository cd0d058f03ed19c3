"""The signed callback URL of one attempt: made by the operator, verified by the API.

The signature is the only proof that a callback comes from Coconut. Nothing about it is stored. Several keys may be
valid at once, so that they can be rotated: the first signs, each one verifies.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from domain.video import is_video_id

CALLBACK_PATH = "/webhooks/coconut"

# One spelling per number: `01` and `+1` would be other names of attempt 1.
_ATTEMPT = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class SignedAttempt:
    """The attempt that a verified callback reports on."""

    video_id: str
    attempt: int


def sign(keys: Sequence[str], *, video_id: str, attempt: int) -> str:
    """Return the signature of an attempt by the first key, as lower-case hex."""
    return _signature(keys[0], video_id, attempt)


def callback_url(base_url: str, keys: Sequence[str], *, video_id: str, attempt: int) -> str:
    """Return the URL to which Coconut reports an attempt. A secret: keep it out of logs, events and statuses."""
    query = urlencode({"video": video_id, "attempt": attempt, "sig": sign(keys, video_id=video_id, attempt=attempt)})
    return f"{base_url.rstrip('/')}{CALLBACK_PATH}?{query}"


def verify(keys: Sequence[str], *, video: str, attempt: str, signature: str) -> SignedAttempt | None:
    """Return the attempt that a callback's query names, None if no key signed it."""
    if not is_video_id(video) or not _ATTEMPT.fullmatch(attempt):
        return None
    claimed = SignedAttempt(video, int(attempt))
    given = signature.encode()
    # All keys are tried, so that the duration does not reveal which one matched.
    matches = [hmac.compare_digest(_signature(key, video, claimed.attempt).encode(), given) for key in keys]
    return claimed if any(matches) else None


def _signature(key: str, video_id: str, attempt: int) -> str:
    return hmac.new(key.encode(), f"v1|{video_id}|{attempt}".encode(), hashlib.sha256).hexdigest()
