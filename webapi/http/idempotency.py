"""`Idempotency-Key`: the client's own name for a request, so that it can be repeated without a second effect."""

import hashlib
import re

import falcon
import orjson
from pydantic import BaseModel

from database.idempotency_keys import IdempotencyKey
from webapi.http.problems import FieldProblem, ProblemCode, ProblemError

HEADER = "Idempotency-Key"
# A string of RFC 9651, 3.3.3, as the draft wants it; and bare, as most clients send it.
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_BARE = re.compile(r'[^"\\]*')
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(req: falcon.Request, asked: BaseModel) -> IdempotencyKey | None:
    """Return the request's key; None if it has none. Raises ProblemError."""
    sent = req.get_header(HEADER)
    if sent is None:
        return None
    quoted = _QUOTED.fullmatch(sent)
    text = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else sent
    if not _KEY.fullmatch(text) or not (quoted or _BARE.fullmatch(text)):
        detail = "must have 1 to 255 visible ASCII characters, and quotes around all of them or none"
        raise ProblemError(
            ProblemCode.INVALID_REQUEST, f"not accepted: {HEADER}", errors=[FieldProblem(HEADER, detail)]
        )
    return IdempotencyKey(text, _fingerprint(asked))


def _fingerprint(asked: BaseModel) -> str:
    # Of what was meant: neither blanks and order, nor a field that a later release adds, make another request of it.
    meant = asked.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(orjson.dumps(meant, option=orjson.OPT_SORT_KEYS)).hexdigest()
