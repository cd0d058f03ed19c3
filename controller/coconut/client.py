"""Coconut.co over HTTP: the one home of requests. What an answer means for an upload is decided in machine.py.

Facts: docs.coconut.co/jobs/api. There is no idempotency key, no list and no cancel, so a submission is never
repeated here, and every outcome says whether a job can exist.
"""

import math
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from urllib3.exceptions import MaxRetryError, NewConnectionError
from urllib3.exceptions import SSLError as TlsError

from controller.coconut.job_request import job_body
from domain.errors import RefusedError, UnavailableError
from domain.jobs import Job, JobOrder, JobState, UncertainError
from runtime.retry_after import retry_after_seconds
from storage.settings import OutputTarget

# It becomes a path of ours and a column of a table.
_JOB_ID = r"[A-Za-z0-9_-]{1,64}"
_MOST_ANSWER_CHARACTERS = 4096
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
# Postgres takes no NUL, a terminal no escapes.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")

# Before a job runs, Coconut has seen nothing of the file but its URL: only a code that names the input is about this
# upload. All else in an order (storage, outputs, notification) is the same for every upload, and so is its refusal.
_FILE_ERROR_CODES = re.compile(r"(input|source|transcoding)_[a-z0-9_]+")
_BAD_ORDER = frozenset({400, 422})
# A proxy gave up waiting or lost its client: Coconut may have the request.
_PROXY_TIMEOUTS = frozenset({408, 499})

# Words of an engine that says the file itself cannot be decoded; anything else may be the provider's bad day.
_PERMANENT = re.compile(
    r"unsupported|not a valid (file|media|video)|invalid data|no video stream|too long", re.IGNORECASE
)


class ServerError(UncertainError):
    """Coconut broke while it had the order, and perhaps says when to come back."""


class _Input(BaseModel):
    model_config = ConfigDict(extra="ignore")
    status: str = ""
    error: str | None = None


class _Output(BaseModel):
    model_config = ConfigDict(extra="ignore")
    key: str = ""
    status: str = ""
    error: str | None = None


class _JobAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: str = Field(pattern=f"^{_JOB_ID}$")
    status: str
    progress: str = "0%"
    completed_at: str | None = None
    input: _Input = _Input()
    outputs: list[_Output] = []


@dataclass
class _Call:
    """One call under way. ``answer``: None as long as there is none."""

    answer: requests.Response | None = None


class Coconut:
    """One Coconut account. ``base_url`` ends in /v2. Safe to use from several threads.

    ``clock`` is asked only where an answer names a time to come back and not its own. ``note`` counts calls: what was
    asked, the status, None without an answer, and the seconds it took.
    """

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr,
        target: OutputTarget,
        *,
        timeout_seconds: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        note: Callable[[str, int | None, float], None] = lambda _operation, _status, _seconds: None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._auth = (api_key.get_secret_value(), "")
        self._target = target
        self._clock = clock
        self._note = note
        self._timeout = (min(3.0, timeout_seconds), timeout_seconds)

    def start(self, order: JobOrder) -> str:
        """Start a paid job and return its id. Raises UnavailableError, RefusedError, UncertainError."""
        doing = "POST /jobs at Coconut"
        try:
            # A fresh connection: a kept one that has died would make a certain "no" look like an uncertain one.
            with self._counted("start") as call:
                answer = call.answer = requests.post(
                    f"{self._base_url}/jobs",
                    json=job_body(order, self._target),
                    auth=self._auth,
                    timeout=self._timeout,
                    allow_redirects=False,
                    headers={"Connection": "close"},
                )
        except requests.RequestException as error:
            why = _certainly_not_sent(error)
            if why is not None:
                raise UnavailableError(f"{doing}: {why}") from error
            raise UncertainError(f"{doing}: no answer") from error
        if answer.status_code >= 500 or answer.status_code in _PROXY_TIMEOUTS:
            raise ServerError(
                f"{doing}: HTTP {answer.status_code}",
                retry_after_seconds=retry_after_seconds(answer.headers, self._clock),
            )
        self._raise_for_refusal(doing, answer)
        try:
            return _JobAnswer.model_validate_json(answer.content).id
        except ValidationError as error:
            raise UncertainError(f"{doing}: an answer that names no job") from error

    def job(self, job_id: str) -> Job | None:
        """Return what is known of a job, None if there is no such job. Raises UnavailableError, RefusedError."""
        answer = self._get("job", f"/jobs/{job_id}")
        if answer is None:
            return None
        try:
            return _job(_JobAnswer.model_validate_json(answer.content))
        except ValidationError as error:
            raise UnavailableError("GET /jobs at Coconut: not a job") from error

    def input_seconds(self, job_id: str) -> float | None:
        """Return the duration of a job's input, None if Coconut does not tell. Raises like `job`."""
        answer = self._get("metadata", f"/metadata/jobs/{job_id}")
        if answer is None:
            return None
        try:
            seconds = float(answer.json()["metadata"]["input"]["format"]["duration"])
        except (ValueError, KeyError, TypeError):
            return None
        # Every duration would agree with one that is no number.
        return seconds if 0 < seconds < math.inf else None

    def _get(self, operation: str, path: str) -> requests.Response | None:
        doing, url = "GET /jobs at Coconut", self._base_url + path
        try:
            with self._counted(operation) as call:
                answer = call.answer = requests.get(url, auth=self._auth, timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as error:
            raise UnavailableError(f"{doing}: no answer") from error
        # Coconut's own 404 has no body. Any other one is a proxy's or a load balancer's and says nothing about the job.
        if answer.status_code == 404 and not answer.content:
            return None
        self._raise_for_refusal(doing, answer)
        return answer

    @contextmanager
    def _counted(self, operation: str) -> Iterator["_Call"]:
        call, began = _Call(), time.monotonic()
        try:
            yield call
        finally:
            status = None if call.answer is None else call.answer.status_code
            self._note(operation, status, time.monotonic() - began)

    def _raise_for_refusal(self, doing: str, answer: requests.Response) -> None:
        """Tell what is wrong with this one upload from what is wrong with the account, the settings or Coconut."""
        status, code = answer.status_code, _error_code(answer)
        if status < 300:
            return
        message = f"{doing}: HTTP {status} {code}".rstrip()
        if status in _BAD_ORDER and _FILE_ERROR_CODES.fullmatch(code):
            raise RefusedError(message)
        raise UnavailableError(message, retry_after_seconds=retry_after_seconds(answer.headers, self._clock))


def _certainly_not_sent(error: requests.RequestException) -> str | None:
    """Tell why a request certainly did not reach Coconut, None if it may have."""
    if isinstance(error, requests.ConnectTimeout):
        return "no connection"
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, NewConnectionError):
        return "no connection"
    # Certificates are looked at before anything is sent; other trouble with TLS may come later.
    if isinstance(reason, TlsError) and reason.args and isinstance(reason.args[0], ssl.SSLCertVerificationError):
        return "its certificate is not trusted"
    return None


def _error_code(answer: requests.Response) -> str:
    try:
        code: Any = answer.json()["error_code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) and re.fullmatch(r"[a-z0-9_]{1,64}", code) else ""


def _job(answer: _JobAnswer) -> Job:
    state = {"job.completed": JobState.COMPLETED, "job.failed": JobState.FAILED}.get(
        answer.status, JobState.IN_PROGRESS
    )
    problem = _problem(answer) if state is JobState.FAILED else ""
    return Job(
        job_id=answer.id,
        state=state,
        progress_percent=_percent(answer.progress),
        problem=problem,
        is_permanent=bool(_PERMANENT.search(problem)),
        answer=redacted(problem) if problem else None,
        finished_at=_instant(answer.completed_at),
    )


def _instant(text: str | None) -> datetime | None:
    """Read a time of Coconut's; it is only measured by, so an unknown spelling is no trouble."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z") if text else None
    except ValueError:
        return None


def _problem(answer: _JobAnswer) -> str:
    """Return the provider's words about the first thing that failed."""
    if answer.input.status == "input.failed":
        return redacted(f"the input could not be read: {answer.input.error or 'no reason given'}")
    failed = [output for output in answer.outputs if output.status.endswith(".failed")]
    if failed:
        return redacted(f"{failed[0].key}: {failed[0].error or 'no reason given'}")
    return "no reason given"


def _percent(progress: str) -> int:
    digits = progress.rstrip("%")
    return min(100, int(digits)) if digits.isdigit() else 0


def redacted(text: str) -> str:
    """Return words that may be shown and stored: bounded, in one line, and without URLs, which may be signed."""
    return _CONTROL.sub(" ", _URL.sub("[url]", text))[:_MOST_ANSWER_CHARACTERS]
