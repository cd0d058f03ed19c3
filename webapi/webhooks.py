"""Coconut's callbacks. They are nudges: who sent them is verified, what they say is asked for again."""

from collections.abc import Sequence

import falcon
from pydantic import BaseModel, ConfigDict, Field

from crds.callback import SignedAttempt, verify
from webapi.errors import Code, ProblemError
from webapi.ports import Claims
from webapi.reading import parse_json, read_body

# With metadata a payload holds the ffprobe output of the source and of every variant.
BODY_BYTES_MAX = 1024 * 1024


class Callback(BaseModel):
    """Coconut's v2 payload, or the simple `{job_id, status, outputs}`: both name the job, the rest is not believed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="must name a job")


class CoconutWebhook:
    """`/webhooks/coconut?video=&attempt=&sig=`."""

    is_public = True

    def __init__(self, claims: Claims, signing_keys: Sequence[str]) -> None:
        self._claims = claims
        self._signing_keys = tuple(signing_keys)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Record the claim, nudge, answer. The operator asks Coconut itself."""
        signed = self._signed_attempt(req)
        callback = parse_json(read_body(req, at_most_bytes=BODY_BYTES_MAX), Callback)
        self._claims.record(video_id=signed.video_id, attempt=signed.attempt, job_id=callback.job_id)
        resp.status = falcon.HTTP_204

    def _signed_attempt(self, req: falcon.Request) -> SignedAttempt:
        signed = verify(
            self._signing_keys,
            video=_only(req, "video"),
            attempt=_only(req, "attempt"),
            signature=_only(req, "sig"),
        )
        if signed is None:
            raise ProblemError(Code.INVALID_SIGNATURE, "nothing was changed")
        return signed


def _only(req: falcon.Request, name: str) -> str:
    """Return a parameter's only value; nothing if it has several, for no two servers agree on which one counts."""
    value = req.params.get(name, "")
    return value if isinstance(value, str) else ""
