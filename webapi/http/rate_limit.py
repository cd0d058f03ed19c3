"""`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10): the caller's remaining uploads."""

import math

from database.creation import Quota

_NAME = '"uploads"'
_WINDOW_SECONDS = 3600


def rate_limit_headers(quota: Quota) -> dict[str, str]:
    """Return the headers. The window slides: after ``t`` seconds one more upload is allowed, not all again."""
    return {
        "RateLimit-Policy": f"{_NAME};q={quota.per_hour};w={_WINDOW_SECONDS}",
        "RateLimit": f"{_NAME};r={quota.remaining};t={math.ceil(quota.more_in_seconds)}",
    }
