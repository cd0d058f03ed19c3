"""Page tokens: where the next page of a list begins, valid for one list of one owner.

A token is opaque to clients and not stored. It is not a secret either: a forged one shows nothing more, because the
query takes the owner from the caller and never from the token.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from database.queries import Cursor
from domain.video import is_video_id
from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode

_FIELD = "page_token"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The end of the year 9999.
_MICROSECONDS_MAX = 253_402_300_799_999_999


@dataclass(frozen=True)
class Paging:
    """One list with its owner and filters. Its tokens are refused by every other list."""

    name: str
    owner: str = ""
    filters: tuple[str, ...] = ()

    def token(self, last: Cursor | None) -> str | None:
        """Return the token of the page after ``last``, None after the last page."""
        if last is None:
            return None
        content = orjson.dumps([(last.at - _EPOCH) // _MICROSECOND, last.video_id, self._mark()])
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    def cursor(self, token: str | None) -> Cursor | None:
        """Return where the page of ``token`` begins, None for the first page. Raises HttpProblemError."""
        if not token:
            return None
        cursor, mark = _read(token)
        if mark != self._mark():
            raise refused("the token belongs to another list: repeat the other parameters, or leave it out")
        return cursor

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
    raise refused("this is not a page token")


def refused(detail: str) -> HttpProblemError:
    """Return the problem of a token that is not valid here."""
    return HttpProblemError(
        ProblemCode.INVALID_REQUEST, f"not accepted: {_FIELD}", errors=[FieldProblem(_FIELD, detail)]
    )
