"""`Idempotency-Key`: a client's name for a request, which makes the request safe to repeat."""

import hashlib
import re

import falcon
import orjson
from pydantic import BaseModel

from database.idempotency_keys import IdempotencyKey
from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode

HEADER = "Idempotency-Key"
# A string as in RFC 9651, 3.3.3, which the draft requires; or bare, as most clients send it.
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_BARE = re.compile(r'[^"\\]*')
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(req: falcon.Request, body: BaseModel) -> IdempotencyKey | None:
    """Return the request's key, None if it has none. Raises HttpProblemError."""
    header = req.get_header(HEADER)
    if header is None:
        return None
    quoted = _QUOTED.fullmatch(header)
    text = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header
    if not _KEY.fullmatch(text) or not (quoted or _BARE.fullmatch(text)):
        detail = "must have 1 to 255 visible ASCII characters, and quotes around all of them or none"
        raise HttpProblemError(
            ProblemCode.INVALID_REQUEST, f"not accepted: {HEADER}", errors=[FieldProblem(HEADER, detail)]
        )
    return IdempotencyKey(text, _fingerprint(body))


def _fingerprint(body: BaseModel) -> str:
    # Of the parsed body: blanks, order, and optional fields that a later release adds do not change it.
    content = body.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
