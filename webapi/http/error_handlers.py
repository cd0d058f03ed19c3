"""Maps exceptions to problems (problems.py), so that resources need no `try`."""

import math
from typing import Any

import falcon
import structlog

from database.commands import CountersSpentError, VideoGoneError
from database.creation import BytesSpentError, LimitReachedError, Quota
from database.idempotency_keys import KeyInUseError, KeyReusedError
from database.retranscodes import CountedRequest, RequestsSpentError
from domain.errors import RefusedError, UnavailableError
from webapi.http.problems import MEDIA_PROBLEM, PROBLEM_TYPES, HttpProblemError, ProblemCode, problem_body
from webapi.http.rate_limit import rate_limit_headers

# Long enough for a restart of Postgres, short enough for a person who waits.
_RETRY_AFTER_SECONDS = 5
# An operator has to act first.
_RETRY_AFTER_REFUSAL_SECONDS = 60

# Falcon's errors by status. All others are about requests that it could not read.
_CODES_BY_STATUS = {
    404: ProblemCode.NOT_FOUND,
    405: ProblemCode.METHOD_NOT_ALLOWED,
    413: ProblemCode.BODY_TOO_LARGE,
    415: ProblemCode.UNSUPPORTED_MEDIA_TYPE,
}

_log = structlog.get_logger(__name__)


_SPENT = {
    CountedRequest.RETRANSCODE: (ProblemCode.RETRANSCODE_LIMIT_REACHED, "re-transcodes"),
    CountedRequest.RETRY: (ProblemCode.RETRY_LIMIT_REACHED, "retries"),
}


def handle_errors(app: "falcon.App[Any, Any]") -> None:
    """Register a handler for each exception that may reach ``app``."""
    app.add_error_handler(Exception, _on_unexpected)
    app.add_error_handler(falcon.HTTPError, _on_http_error)
    app.add_error_handler(HttpProblemError, _on_problem)
    app.add_error_handler(LimitReachedError, _on_limit)
    app.add_error_handler(BytesSpentError, _on_bytes_spent)
    app.add_error_handler(RequestsSpentError, _on_requests_spent)
    app.add_error_handler(KeyInUseError, _on_key_in_use)
    app.add_error_handler(KeyReusedError, _on_key_reused)
    app.add_error_handler(VideoGoneError, _on_gone)
    app.add_error_handler(CountersSpentError, _on_counters_spent)
    app.add_error_handler(UnavailableError, _on_unavailable)
    app.add_error_handler(RefusedError, _on_refused)


def _on_problem(req: falcon.Request, resp: falcon.Response, problem: HttpProblemError, _params: Any) -> None:
    resp.status = PROBLEM_TYPES[problem.code].status
    resp.content_type = MEDIA_PROBLEM
    resp.data = problem_body(problem, instance=req.path, request_id=req.context.request_id)
    resp.set_headers({"Cache-Control": "no-store", **problem.headers})


def _on_http_error(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, params: Any) -> None:
    code = _CODES_BY_STATUS.get(error.status_code, ProblemCode.MALFORMED_REQUEST)
    detail = error.description or PROBLEM_TYPES[code].title
    _on_problem(req, resp, HttpProblemError(code, detail, headers=dict(error.headers or {})), params)


def _on_limit(req: falcon.Request, resp: falcon.Response, error: LimitReachedError, params: Any) -> None:
    seconds = math.ceil(error.retry_after_seconds)
    detail = f"{error.per_hour} uploads in an hour are allowed; the next one is possible in {seconds} seconds"
    limit = rate_limit_headers(Quota(error.per_hour, remaining=0, more_in_seconds=seconds))
    problem = HttpProblemError(ProblemCode.UPLOAD_LIMIT_REACHED, detail, headers={"Retry-After": str(seconds), **limit})
    _on_problem(req, resp, problem, params)


def _on_bytes_spent(req: falcon.Request, resp: falcon.Response, error: BytesSpentError, params: Any) -> None:
    seconds = math.ceil(error.retry_after_seconds)
    detail = (
        f"{error.per_day} bytes in a day are allowed and {error.remaining} are left; "
        f"there is room for this file in {seconds} seconds"
    )
    problem = HttpProblemError(ProblemCode.BYTE_LIMIT_REACHED, detail, headers={"Retry-After": str(seconds)})
    _on_problem(req, resp, problem, params)


def _on_requests_spent(req: falcon.Request, resp: falcon.Response, error: RequestsSpentError, params: Any) -> None:
    seconds = math.ceil(error.retry_after_seconds)
    code, what = _SPENT[error.kind]
    detail = f"{error.per_day} {what} in a day are allowed; the next one is possible in {seconds} seconds"
    problem = HttpProblemError(code, detail, headers={"Retry-After": str(seconds)})
    _on_problem(req, resp, problem, params)


def _on_key_in_use(req: falcon.Request, resp: falcon.Response, _error: KeyInUseError, params: Any) -> None:
    detail = "a request with this key has not been answered yet"
    problem = HttpProblemError(ProblemCode.IDEMPOTENCY_KEY_IN_USE, detail, headers={"Retry-After": "1"})
    _on_problem(req, resp, problem, params)


def _on_key_reused(req: falcon.Request, resp: falcon.Response, _error: KeyReusedError, params: Any) -> None:
    detail = "within the last 24 hours this key was sent with another body"
    _on_problem(req, resp, HttpProblemError(ProblemCode.IDEMPOTENCY_KEY_REUSED, detail), params)


def _on_gone(req: falcon.Request, resp: falcon.Response, _error: VideoGoneError, params: Any) -> None:
    _on_problem(req, resp, HttpProblemError(ProblemCode.NOT_FOUND, "there is no such video"), params)


def _on_counters_spent(req: falcon.Request, resp: falcon.Response, _error: CountersSpentError, params: Any) -> None:
    detail = "the counters of this video are at their end; nothing was changed"
    _on_problem(req, resp, HttpProblemError(ProblemCode.CHANGES_EXHAUSTED, detail), params)


def _on_unavailable(req: falcon.Request, resp: falcon.Response, error: UnavailableError, params: Any) -> None:
    # Its message names hosts and addresses, so it goes to the log and not to the client.
    _log.warning("upstream_unavailable", error=str(error), request_id=req.context.request_id)
    seconds = max(1, math.ceil(error.retry_after_seconds or _RETRY_AFTER_SECONDS))
    detail = "a part of the service does not respond; nothing is lost"
    problem = HttpProblemError(ProblemCode.TEMPORARILY_UNAVAILABLE, detail, headers={"Retry-After": str(seconds)})
    _on_problem(req, resp, problem, params)


def _on_refused(req: falcon.Request, resp: falcon.Response, error: RefusedError, params: Any) -> None:
    """Answer that storage refuses us; no other upstream's refusal reaches a call."""
    _log.error("upstream_refused", error=str(error), request_id=req.context.request_id)
    detail = "storage does not let the service do this; nothing is lost"
    headers = {"Retry-After": str(_RETRY_AFTER_REFUSAL_SECONDS)}
    _on_problem(req, resp, HttpProblemError(ProblemCode.STORAGE_REFUSED, detail, headers=headers), params)


def _on_unexpected(req: falcon.Request, resp: falcon.Response, error: Exception, params: Any) -> None:
    _log.error("request_failed", exc_info=error, request_id=req.context.request_id)
    _on_problem(req, resp, HttpProblemError(ProblemCode.INTERNAL_ERROR, "an unexpected error ended the call"), params)
