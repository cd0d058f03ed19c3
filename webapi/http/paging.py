"""Page tokens: where the next page of a list begins, for this list of this owner only.

A token is opaque to clients and kept nowhere here. It is not a secret either: whoever makes one up still sees only
what he may see, because the owner in the statement is the caller and never the token's.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from database.queries import Cursor
from domain.video import is_video_id
from webapi.http.problems import FieldProblem, ProblemCode, ProblemError

_FIELD = "page_token"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The end of the year 9999.
_MICROSECONDS_MAX = 253_402_300_799_999_999


@dataclass(frozen=True)
class Paging:
    """One list: everything but the page that was asked for. Its tokens fit no other list."""

    name: str
    owner: str = ""
    filters: tuple[str, ...] = ()

    def token(self, last: Cursor | None) -> str | None:
        """Return what asks for the page after ``last``; None after the last page."""
        if last is None:
            return None
        content = orjson.dumps([(last.at - _EPOCH) // _MICROSECOND, last.video_id, self._mark()])
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    def place(self, token: str | None) -> Cursor | None:
        """Return where the page begins that ``token`` asks for; None for the first page. Raises ProblemError."""
        if not token:
            return None
        place, mark = _read(token)
        if mark != self._mark():
            raise refused("the token belongs to another list: repeat the other parameters, or leave it out")
        return place

    def _mark(self) -> str:
        parts = orjson.dumps([self.name, self.owner, *self.filters])
        return hashlib.blake2b(parts, digest_size=8).hexdigest()


def _read(token: str) -> tuple[Cursor, str]:
    try:
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        match orjson.loads(content):
            case [int(at), str(video_id), str(mark)] if 0 <= at <= _MICROSECONDS_MAX and is_video_id(video_id):
                return Cursor(_EPOCH + at * _MICROSECOND, video_id), mark
    except ValueError:  # of base64 and of JSON alike
        pass
    raise refused("this is no page token")


def refused(detail: str) -> ProblemError:
    """Return what a token that cannot be followed ends in."""
    return ProblemError(ProblemCode.INVALID_REQUEST, f"not accepted: {_FIELD}", errors=[FieldProblem(_FIELD, detail)])
