"""`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10): what is left of the caller's quotas."""

import math

from database.creation import Quota

_WINDOW_SECONDS = 3600
_DAY_SECONDS = 24 * 3600


def rate_limit_headers(quota: Quota) -> dict[str, str]:
    """Return the headers. The windows slide: after ``t`` seconds one more upload is allowed, not all again."""
    policies = [f'"uploads";q={quota.per_hour};w={_WINDOW_SECONDS}']
    limits = [f'"uploads";r={quota.remaining};t={math.ceil(quota.more_in_seconds)}']
    if quota.bytes_per_day is not None:
        policies.append(f'"bytes";q={quota.bytes_per_day};qu="content-bytes";w={_DAY_SECONDS}')
        limits.append(f'"bytes";r={quota.remaining_bytes}')
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(limits)}
