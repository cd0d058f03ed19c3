"""`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10): what is left of the caller's quotas."""

import math

import falcon

from database.creation import Quota
from webapi.http.call_limiter import WINDOW_SECONDS, CallLimiter, Taken
from webapi.http.problems import HttpProblemError, ProblemCode

_HOUR_SECONDS = 3600
_DAY_SECONDS = 24 * 3600


def rate_limit_headers(quota: Quota) -> dict[str, str]:
    """Return the headers about uploads. The windows slide: after ``t`` seconds one more is allowed, not all again."""
    policies = [f'"uploads";q={quota.per_hour};w={_HOUR_SECONDS}']
    limits = [f'"uploads";r={quota.remaining};t={math.ceil(quota.more_in_seconds)}']
    if quota.bytes_per_day is not None:
        policies.append(f'"bytes";q={quota.bytes_per_day};qu="content-bytes";w={_DAY_SECONDS}')
        limits.append(f'"bytes";r={quota.remaining_bytes}')
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(limits)}


def spend(req: falcon.Request, limiter: CallLimiter, name: str, key: str) -> Taken:
    """Count a call, and keep what is left for the headers of its response."""
    taken = limiter.take(key)
    spent = getattr(req.context, "spent", ())
    req.context.spent = (*spent, (name, limiter.per_minute, taken))
    return taken


def write_limits(req: falcon.Request, resp: falcon.Response) -> None:
    """Append the quotas that were spent to the headers, behind those of the resource."""
    spent = getattr(req.context, "spent", ())
    if spent:
        policies = [f'"{name}";q={per_minute};w={WINDOW_SECONDS}' for name, per_minute, _ in spent]
        limits = [f'"{name}";r={taken.remaining};t={math.ceil(taken.more_in_seconds)}' for name, _, taken in spent]
        resp.append_header("RateLimit-Policy", ", ".join(policies))
        resp.append_header("RateLimit", ", ".join(limits))


def refusal(code: ProblemCode, per_minute: int, what: str, taken: Taken) -> HttpProblemError:
    """Return the problem of a call that was refused."""
    seconds = str(max(1, math.ceil(taken.more_in_seconds)))
    detail = f"{per_minute} {what} in a minute are allowed; repeat this one in {seconds} seconds"
    return HttpProblemError(code, detail, headers={"Retry-After": seconds})
