"""Plans of bulk requests as a text that an administrator gets, and sends back to have it done. Nothing is stored.

The text is signed, so what is applied is what the service has shown, and by a key of callbacks, with a word in front
that no callback has. It opens nothing: applying it takes the scope of administrators all the same.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

import orjson

from domain.bulk import PLAN_LASTS, BulkAction, BulkPlan, PlannedVideo
from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode

_FIELD = "plan"
_PURPOSE = b"bulk plan v1|"
_SIGNATURE_BYTES = 16


class BulkPlans:
    """Writes and reads plans. Of several keys the first one signs and all verify, so that they can be rotated."""

    def __init__(self, keys: Sequence[str], clock: Callable[[], datetime]) -> None:
        self._keys = tuple(key.encode() for key in keys)
        self._clock = clock

    def text_of(self, plan: BulkPlan) -> str:
        """Return a plan as a text."""
        videos = [(one.video_id, one.revision, one.number) for one in plan.videos]
        content = orjson.dumps([plan.action, plan.made_at, plan.terms, plan.filters, videos])
        return base64.urlsafe_b64encode(_signature(self._keys[0], content) + content).decode().rstrip("=")

    def read(self, text: str, action: BulkAction) -> BulkPlan:
        """Return the plan of a text, if it is ours, for this action, and not too old. Raises HttpProblemError."""
        try:
            signed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise _refused("is not a plan of this service; send it whole") from None
        signature, content = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        if not any(hmac.compare_digest(signature, _signature(key, content)) for key in self._keys):
            raise _refused("is not a plan of this service; send it whole")
        plan = _plan_of(content)
        if plan.action is not action:
            raise _refused(f"is a plan for another call: {plan.action}")
        if self._clock() > plan.made_at + PLAN_LASTS:
            raise _refused("has expired; plan again")
        return plan


def _plan_of(content: bytes) -> BulkPlan:
    """Return the plan of a content that we have signed."""
    action, made_at, terms, filters, videos = orjson.loads(content)
    named = tuple(PlannedVideo(*one) for one in videos)
    return BulkPlan(BulkAction(action), datetime.fromisoformat(made_at), named, terms=terms, filters=filters)


def _signature(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE + content, hashlib.sha256)[:_SIGNATURE_BYTES]


def _refused(detail: str) -> HttpProblemError:
    problem = FieldProblem(_FIELD, detail)
    return HttpProblemError(ProblemCode.INVALID_REQUEST, f"not accepted: {_FIELD}", errors=[problem])
