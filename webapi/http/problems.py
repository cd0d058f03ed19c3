"""Problems: every response that is not a success. error_handlers.py maps exceptions to them.

A problem is RFC 9457 JSON with a `code` from the closed list below, `retryable`, and what the client can do.
Why an *upload* failed is another list (domain/failures.py), and part of a 200.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import falcon
import orjson

MEDIA_PROBLEM = "application/problem+json"


class ProblemCode(StrEnum):
    """The codes of all problems."""

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
    PLAYBACK_DENIED = "playback_denied"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    OBJECT_MISSING = "object_missing"
    PARTS_MISSING = "parts_missing"
    NOT_MULTIPART = "not_multipart"
    UPLOAD_CLOSED = "upload_closed"
    VIDEO_DELETED = "video_deleted"
    INVALID_CAPTIONS = "invalid_captions"
    INVALID_POSTER = "invalid_poster"
    NOT_RETRYABLE = "not_retryable"
    NOT_RETRANSCODABLE = "not_retranscodable"
    NOT_RESTORABLE = "not_restorable"
    CHANGES_EXHAUSTED = "changes_exhausted"
    ORIGINAL_UNAVAILABLE = "original_unavailable"
    MANAGED_BY_KUBERNETES = "managed_by_kubernetes"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    TOO_MANY = "too_many"
    LAST_SECRET = "last_secret"  # noqa: S105
    UPLOAD_LIMIT_REACHED = "upload_limit_reached"
    BYTE_LIMIT_REACHED = "byte_limit_reached"
    RETRANSCODE_LIMIT_REACHED = "retranscode_limit_reached"
    CHANGE_LIMIT_REACHED = "change_limit_reached"
    REQUEST_LIMIT_REACHED = "request_limit_reached"
    RETRY_LIMIT_REACHED = "retry_limit_reached"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    STORAGE_REFUSED = "storage_refused"
    REGION_UNAVAILABLE = "region_unavailable"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True)
class ProblemType:
    """What all problems of one code share. ``retryable``: the same call may succeed later."""

    status: str
    title: str
    retryable: bool
    what_to_do: str


PROBLEM_TYPES: dict[ProblemCode, ProblemType] = {
    ProblemCode.MALFORMED_REQUEST: ProblemType(
        falcon.HTTP_400,
        "The request cannot be understood",
        False,
        "Correct the method, the headers or the framing of the body.",
    ),
    ProblemCode.INVALID_JSON: ProblemType(
        falcon.HTTP_400, "The body is not JSON", False, "Send one JSON object in UTF-8."
    ),
    ProblemCode.INVALID_REQUEST: ProblemType(
        falcon.HTTP_422, "The request has invalid fields", False, "Correct the fields listed in `errors`."
    ),
    ProblemCode.FILE_TOO_LARGE: ProblemType(falcon.HTTP_422, "The file is too large", False, "Upload a smaller file."),
    ProblemCode.SIZE_REQUIRED: ProblemType(
        falcon.HTTP_422, "The size of the file is required", False, "Send `size_bytes`; the parts are computed from it."
    ),
    ProblemCode.BODY_TOO_LARGE: ProblemType(
        falcon.HTTP_413,
        "The body is too large",
        False,
        "Send a video to its upload URL, captions of up to 1 MiB, and a poster of up to 512 KiB.",
    ),
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: ProblemType(
        falcon.HTTP_415,
        "The body is not declared as a type that the call takes",
        False,
        "Send `Content-Type: application/json`, with captions `text/vtt` or `application/x-subrip`, and with a poster"
        " `image/jpeg`.",
    ),
    ProblemCode.NOT_AUTHENTICATED: ProblemType(
        falcon.HTTP_401, "A token is required", False, "Send `Authorization: Bearer` with a token."
    ),
    ProblemCode.INVALID_TOKEN: ProblemType(
        falcon.HTTP_401, "The token is not valid", False, "Get a new token and repeat the call."
    ),
    ProblemCode.INVALID_SIGNATURE: ProblemType(
        falcon.HTTP_401, "The signature is not valid", False, "Use the callback URL exactly as it was given."
    ),
    ProblemCode.INSUFFICIENT_SCOPE: ProblemType(
        falcon.HTTP_403, "The token does not allow this", False, "Use a token with the scope that the header names."
    ),
    ProblemCode.PLAYBACK_DENIED: ProblemType(
        falcon.HTTP_403,
        "The link does not allow this",
        False,
        "Get a new `playback_url` from the video, and continue at the same position.",
    ),
    ProblemCode.NOT_FOUND: ProblemType(falcon.HTTP_404, "Not found", False, "Check the path and the id."),
    ProblemCode.METHOD_NOT_ALLOWED: ProblemType(
        falcon.HTTP_405, "The method is not allowed here", False, "Use a method named in `Allow`."
    ),
    ProblemCode.OBJECT_MISSING: ProblemType(
        falcon.HTTP_409, "The file is not in storage", True, "Finish sending the file, then confirm again."
    ),
    ProblemCode.PARTS_MISSING: ProblemType(
        falcon.HTTP_409,
        "Parts of the file are not in storage",
        True,
        "Send the parts that `GET …/parts` lists as `missing`.",
    ),
    ProblemCode.NOT_MULTIPART: ProblemType(
        falcon.HTTP_409, "The file is not uploaded in parts", False, "Send the file to `upload_url` in one piece."
    ),
    ProblemCode.UPLOAD_CLOSED: ProblemType(
        falcon.HTTP_409,
        "The video is not waiting for a file",
        False,
        "Look at the video: `what_to_do` says what it needs.",
    ),
    ProblemCode.VIDEO_DELETED: ProblemType(
        falcon.HTTP_409, "The video is deleted", False, "Restore it first, while that is possible."
    ),
    ProblemCode.INVALID_CAPTIONS: ProblemType(
        falcon.HTTP_422, "The captions cannot be used", False, "Correct the line that `detail` names."
    ),
    ProblemCode.INVALID_POSTER: ProblemType(
        falcon.HTTP_422, "The picture cannot be a poster", False, "Save it as a JPEG as `detail` says, and send that."
    ),
    ProblemCode.NOT_RETRYABLE: ProblemType(
        falcon.HTTP_409, "There is nothing to retry", False, "Look at the video: `what_to_do` says what it needs."
    ),
    ProblemCode.NOT_RETRANSCODABLE: ProblemType(
        falcon.HTTP_409,
        "There is nothing to transcode again",
        False,
        "Look at the video: `what_to_do` says what it needs.",
    ),
    ProblemCode.NOT_RESTORABLE: ProblemType(
        falcon.HTTP_409, "It is too late to restore the video", False, "Upload the file again as a new video."
    ),
    ProblemCode.CHANGES_EXHAUSTED: ProblemType(
        falcon.HTTP_409,
        "The video cannot be changed any more",
        False,
        "Delete it, or upload the file again as a new video.",
    ),
    ProblemCode.ORIGINAL_UNAVAILABLE: ProblemType(
        falcon.HTTP_409, "There is no verified original", False, "Look at the video, or upload the file again."
    ),
    ProblemCode.MANAGED_BY_KUBERNETES: ProblemType(
        falcon.HTTP_409, "The video belongs to a resource in Kubernetes", False, "Change or annotate its VideoUpload."
    ),
    ProblemCode.IDEMPOTENCY_KEY_IN_USE: ProblemType(
        falcon.HTTP_409, "The same request is still running", True, "Repeat the call after `Retry-After`."
    ),
    ProblemCode.IDEMPOTENCY_KEY_REUSED: ProblemType(
        falcon.HTTP_422, "The key belongs to another request", False, "Use a new `Idempotency-Key` for a new request."
    ),
    ProblemCode.TOO_MANY: ProblemType(
        falcon.HTTP_409, "The limit is reached", False, "Delete one that is no longer needed."
    ),
    ProblemCode.LAST_SECRET: ProblemType(
        falcon.HTTP_409,
        "This is the endpoint's last secret",
        False,
        "Create another secret first, then delete this one.",
    ),
    ProblemCode.UPLOAD_LIMIT_REACHED: ProblemType(
        falcon.HTTP_429, "Too many uploads in an hour", True, "Wait as long as `Retry-After` says."
    ),
    ProblemCode.BYTE_LIMIT_REACHED: ProblemType(
        falcon.HTTP_429,
        "Too many bytes in a day",
        True,
        "Wait as long as `Retry-After` says, or upload a smaller file.",
    ),
    ProblemCode.RETRANSCODE_LIMIT_REACHED: ProblemType(
        falcon.HTTP_429, "Too many re-transcodes in a day", True, "Wait as long as `Retry-After` says."
    ),
    ProblemCode.CHANGE_LIMIT_REACHED: ProblemType(
        falcon.HTTP_429, "Too many changes in a minute", True, "Wait as long as `Retry-After` says."
    ),
    ProblemCode.REQUEST_LIMIT_REACHED: ProblemType(
        falcon.HTTP_429, "Too many calls in a minute", True, "Wait as long as `Retry-After` says, and call less often."
    ),
    ProblemCode.RETRY_LIMIT_REACHED: ProblemType(
        falcon.HTTP_429, "Too many retries in a day", True, "Wait as long as `Retry-After` says."
    ),
    ProblemCode.TEMPORARILY_UNAVAILABLE: ProblemType(
        falcon.HTTP_503, "Temporarily unavailable", True, "Repeat the call after `Retry-After`."
    ),
    ProblemCode.STORAGE_REFUSED: ProblemType(
        falcon.HTTP_503,
        "Storage refuses the service",
        True,
        "Repeat the call later; the service's operator has to check its storage key and buckets.",
    ),
    ProblemCode.REGION_UNAVAILABLE: ProblemType(
        falcon.HTTP_503,
        "The region is not available",
        True,
        "Repeat the call later; `detail` says whether another region takes the upload.",
    ),
    ProblemCode.INTERNAL_ERROR: ProblemType(
        falcon.HTTP_500,
        "Something went wrong on our side",
        True,
        "Repeat the call; report `request_id` if it fails again.",
    ),
}


@dataclass(frozen=True)
class FieldProblem:
    """One field of a request, by its name there, and what is wrong with it."""

    field: str
    detail: str


class HttpProblemError(Exception):
    """Ends the call with a problem. ``detail`` describes this occurrence and is sent to the client."""

    def __init__(
        self,
        code: ProblemCode,
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


def problem_body(problem: HttpProblemError, *, instance: str, request_id: str) -> bytes:
    """Return the problem as JSON."""
    problem_type = PROBLEM_TYPES[problem.code]
    body: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": problem_type.title,
        "status": int(problem_type.status[:3]),
        "detail": problem.detail,
        "instance": instance,
        "code": problem.code,
        "retryable": problem_type.retryable,
        "what_to_do": problem_type.what_to_do,
        "request_id": request_id,
    }
    if problem.errors:
        body["errors"] = [{"field": error.field, "detail": error.detail} for error in problem.errors]
    return orjson.dumps(body)
