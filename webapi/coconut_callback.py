"""Coconut's callbacks. They are nudges: the signature is verified, and the operator asks Coconut for the facts."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import falcon
from pydantic import BaseModel, ConfigDict, Field

from database.job_claims import Claims
from domain.callback_url import SignedAttempt, verify
from domain.errors import UnavailableError
from webapi.http.parsing import parse_json, read_body
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.metrics import ApiMetrics

# With metadata a payload holds the ffprobe output of the source and of every variant.
BODY_BYTES_MAX = 1024 * 1024
_OLDEST_SECONDS = 24 * 3600
_ENDED_AT = re.compile(rb'"completed_at" ?: ?"([-+: 0-9]{1,40})"')


class CallbackBody(BaseModel):
    """Coconut's v2 payload, or the simple `{job_id, status, outputs}`. Only the job id is used."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="must name a job")


class CoconutCallback:
    """`/webhooks/coconut?video=&attempt=&sig=`."""

    is_public = True

    def __init__(
        self, claims: Claims, signing_keys: Sequence[str], metrics: ApiMetrics, clock: Callable[[], datetime]
    ) -> None:
        self._claims = claims
        self._signing_keys = tuple(signing_keys)
        self._metrics = metrics
        self._clock = clock

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Record the claim, which nudges the operator."""
        with self._counted():
            signed = self._signed_attempt(req)
            body = read_body(req, at_most_bytes=BODY_BYTES_MAX)
            callback = parse_json(body, CallbackBody)
            self._claims.record(video_id=signed.video_id, attempt=signed.attempt, job_id=callback.job_id)
        age = age_seconds(body, self._clock())
        if age is not None:
            self._metrics.callback_age.observe(age)
        resp.status = falcon.HTTP_204

    @contextmanager
    def _counted(self) -> Iterator[None]:
        result = "failed"
        try:
            yield
            result = "recorded"
            self._metrics.last_callback.set(self._clock().timestamp())
        except HttpProblemError as problem:
            result = "forged" if problem.code is ProblemCode.INVALID_SIGNATURE else "malformed"
            raise
        except UnavailableError:
            result = "unavailable"
            raise
        finally:
            self._metrics.callbacks.labels(result).inc()

    def _signed_attempt(self, req: falcon.Request) -> SignedAttempt:
        signed = verify(
            self._signing_keys,
            video=_only(req, "video"),
            attempt=_only(req, "attempt"),
            signature=_only(req, "sig"),
        )
        if signed is None:
            raise HttpProblemError(ProblemCode.INVALID_SIGNATURE, "nothing was changed")
        return signed


def age_seconds(body: bytes, now: datetime) -> float | None:
    """Return how long ago the callback's job ended, None if the body names no end within a day.

    It only feeds a metric, so it is searched for in the text: no value in the body may change the response.
    """
    match = _ENDED_AT.search(body)
    if match is None:
        return None
    try:
        ended_at = datetime.strptime(match[1].decode(), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    seconds = (now - ended_at).total_seconds()
    # Clocks differ: a small negative age counts as zero. More than a day is not plausible.
    return max(0.0, seconds) if -60 <= seconds <= _OLDEST_SECONDS else None


def _only(req: falcon.Request, name: str) -> str:
    """Return a parameter's only value, "" if it has several: servers differ in which one they take."""
    value = req.params.get(name, "")
    return value if isinstance(value, str) else ""
