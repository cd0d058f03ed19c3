"""Every answer that is not a success: one table of problems. Which exception ends in which is in error_handlers.py.

Answers are RFC 9457 problems with a `code` from the closed list below, `retryable`, and what the client can do.
Why an *upload* failed is another list (domain/failures.py): it is part of a 200.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import falcon
import orjson

MEDIA_PROBLEM = "application/problem+json"


class Code(StrEnum):
    """Every problem a call can end in."""

    MALFORMED_REQUEST = "malformed_request"
    INVALID_JSON = "invalid_json"
    INVALID_REQUEST = "invalid_request"
    FILE_TOO_LARGE = "file_too_large"
    SIZE_REQUIRED = "size_required"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    NOT_AUTHENTICATED = "not_authenticated"
    INVALID_TOKEN = "invalid_token"  # noqa: S105
    INVALID_SIGNATURE = "invalid_signature"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    OBJECT_MISSING = "object_missing"
    PARTS_MISSING = "parts_missing"
    NOT_MULTIPART = "not_multipart"
    UPLOAD_CLOSED = "upload_closed"
    NOT_RETRYABLE = "not_retryable"
    NOT_RETRANSCODABLE = "not_retranscodable"
    NOT_RESTORABLE = "not_restorable"
    ORIGINAL_UNAVAILABLE = "original_unavailable"
    MANAGED_BY_KUBERNETES = "managed_by_kubernetes"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    TOO_MANY = "too_many"
    LAST_SECRET = "last_secret"  # noqa: S105
    UPLOAD_LIMIT_REACHED = "upload_limit_reached"
    RETRANSCODE_LIMIT_REACHED = "retranscode_limit_reached"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    STORAGE_REFUSED = "storage_refused"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True)
class Kind:
    """What all problems of one code have in common. ``retryable``: the same call may succeed later."""

    status: str
    title: str
    retryable: bool
    what_to_do: str


KINDS: dict[Code, Kind] = {
    Code.MALFORMED_REQUEST: Kind(
        falcon.HTTP_400,
        "The request cannot be understood",
        False,
        "Correct the method, the headers or the framing of the body.",
    ),
    Code.INVALID_JSON: Kind(falcon.HTTP_400, "The body is not JSON", False, "Send one JSON object in UTF-8."),
    Code.INVALID_REQUEST: Kind(
        falcon.HTTP_422, "The request has invalid fields", False, "Correct the fields listed in `errors`."
    ),
    Code.FILE_TOO_LARGE: Kind(falcon.HTTP_422, "The file is too large", False, "Upload a smaller file."),
    Code.SIZE_REQUIRED: Kind(
        falcon.HTTP_422, "The size of the file is needed", False, "Send `size_bytes`: the parts follow from it."
    ),
    Code.BODY_TOO_LARGE: Kind(
        falcon.HTTP_413, "The body is too large", False, "Send the file to the upload URL, not to this API."
    ),
    Code.UNSUPPORTED_MEDIA_TYPE: Kind(
        falcon.HTTP_415, "The body has another type than JSON", False, "Send `Content-Type: application/json`."
    ),
    Code.NOT_AUTHENTICATED: Kind(
        falcon.HTTP_401, "A token is needed", False, "Send `Authorization: Bearer` with a token."
    ),
    Code.INVALID_TOKEN: Kind(falcon.HTTP_401, "The token is not valid", False, "Get a new token and repeat the call."),
    Code.INVALID_SIGNATURE: Kind(
        falcon.HTTP_401, "The signature is not valid", False, "Use the callback URL exactly as it was given."
    ),
    Code.INSUFFICIENT_SCOPE: Kind(
        falcon.HTTP_403, "The token does not allow this", False, "Use a token with the scope that the header names."
    ),
    Code.NOT_FOUND: Kind(falcon.HTTP_404, "There is no such thing", False, "Check the path and the id."),
    Code.METHOD_NOT_ALLOWED: Kind(
        falcon.HTTP_405, "The method is not allowed here", False, "Use a method named in `Allow`."
    ),
    Code.OBJECT_MISSING: Kind(
        falcon.HTTP_409, "The file is not in storage", True, "Finish sending the file, then confirm again."
    ),
    Code.PARTS_MISSING: Kind(
        falcon.HTTP_409, "Parts of the file are not in storage", True, "Send the parts that `GET …/parts` misses."
    ),
    Code.NOT_MULTIPART: Kind(
        falcon.HTTP_409, "The upload has no parts", False, "Send the file to `upload_url` in one piece."
    ),
    Code.UPLOAD_CLOSED: Kind(
        falcon.HTTP_409, "The video waits for no file", False, "Look at the video: `what_to_do` says what it needs."
    ),
    Code.NOT_RETRYABLE: Kind(
        falcon.HTTP_409, "There is nothing to retry", False, "Look at the video: `what_to_do` says what it needs."
    ),
    Code.NOT_RETRANSCODABLE: Kind(
        falcon.HTTP_409,
        "There is nothing to transcode again",
        False,
        "Look at the video: `what_to_do` says what it needs.",
    ),
    Code.NOT_RESTORABLE: Kind(
        falcon.HTTP_409, "It is too late to restore the video", False, "Upload the file again as a new video."
    ),
    Code.ORIGINAL_UNAVAILABLE: Kind(
        falcon.HTTP_409, "There is no verified original", False, "Look at the video, or upload the file again."
    ),
    Code.MANAGED_BY_KUBERNETES: Kind(
        falcon.HTTP_409, "The video belongs to a resource in Kubernetes", False, "Change or annotate its VideoUpload."
    ),
    Code.IDEMPOTENCY_KEY_IN_USE: Kind(
        falcon.HTTP_409, "The same request is still running", True, "Repeat the call after `Retry-After`."
    ),
    Code.IDEMPOTENCY_KEY_REUSED: Kind(
        falcon.HTTP_422, "The key belongs to another request", False, "Use a new `Idempotency-Key` for a new request."
    ),
    Code.TOO_MANY: Kind(
        falcon.HTTP_409, "There are as many as there may be", False, "Delete one that is not needed any more."
    ),
    Code.LAST_SECRET: Kind(
        falcon.HTTP_409, "It is the endpoint's last secret", False, "Make another secret first, then delete this one."
    ),
    Code.UPLOAD_LIMIT_REACHED: Kind(
        falcon.HTTP_429, "Too many uploads in an hour", True, "Wait as long as `Retry-After` says."
    ),
    Code.RETRANSCODE_LIMIT_REACHED: Kind(
        falcon.HTTP_429, "Too many re-transcodes in a day", True, "Wait as long as `Retry-After` says."
    ),
    Code.TEMPORARILY_UNAVAILABLE: Kind(
        falcon.HTTP_503, "Not possible at the moment", True, "Repeat the call after `Retry-After`."
    ),
    Code.STORAGE_REFUSED: Kind(
        falcon.HTTP_503,
        "Storage refuses the service",
        True,
        "Repeat the call later; whoever runs the service has to look at its storage key and buckets.",
    ),
    Code.INTERNAL_ERROR: Kind(
        falcon.HTTP_500, "Something went wrong on our side", True, "Repeat the call; report `request_id` if it stays."
    ),
}


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field, named as in the request."""

    field: str
    detail: str


class ProblemError(Exception):
    """End the call with a problem. ``detail`` is about this occurrence and is shown to the client."""

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def problem_body(problem: ProblemError, *, instance: str, request_id: str) -> bytes:
    """Return the problem as JSON."""
    kind = KINDS[problem.code]
    body: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": kind.title,
        "status": int(kind.status[:3]),
        "detail": problem.detail,
        "instance": instance,
        "code": problem.code,
        "retryable": kind.retryable,
        "what_to_do": kind.what_to_do,
        "request_id": request_id,
    }
    if problem.errors:
        body["errors"] = [{"field": error.field, "detail": error.detail} for error in problem.errors]
    return orjson.dumps(body)
