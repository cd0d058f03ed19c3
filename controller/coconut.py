"""Coconut.co over HTTP: the one home of requests. What an answer means for an upload is decided in machine.py.

Facts: docs.coconut.co/jobs/api. There is no idempotency key, no list and no cancel, so a submission is never
repeated here, and every outcome says whether a job can exist.
"""

import math
import re
from typing import Any

import requests
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from controller.jobbody import job_body
from controller.ports import Job, JobOrder, JobState, UncertainError
from crds.trouble import RefusedError, UnavailableError
from spaces.settings import OutputTarget

# It becomes a path of ours and a column of a table.
_JOB_ID = r"[A-Za-z0-9_-]{1,64}"
_MOST_ANSWER_CHARACTERS = 4096
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
# Postgres takes no NUL, a terminal no escapes.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")

# Words of an engine that says the file itself cannot be decoded; anything else may be the provider's bad day.
_PERMANENT = re.compile(
    r"unsupported|not a valid (file|media|video)|invalid data|no video stream|too long", re.IGNORECASE
)


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
    input: _Input = _Input()
    outputs: list[_Output] = []


class Coconut:
    """One Coconut account. ``base_url`` ends in /v2. Safe to use from several threads."""

    def __init__(self, base_url: str, api_key: SecretStr, target: OutputTarget, *, timeout_seconds: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._auth = (api_key.get_secret_value(), "")
        self._target = target
        self._timeout = (min(3.0, timeout_seconds), timeout_seconds)

    def start(self, order: JobOrder) -> str:
        """Start a paid job and return its id. Raises UnavailableError, RefusedError, UncertainError."""
        doing = "POST /jobs at Coconut"
        try:
            # A fresh connection: a kept one that has died would make a certain "no" look like an uncertain one.
            answer = requests.post(
                f"{self._base_url}/jobs",
                json=job_body(order, self._target),
                auth=self._auth,
                timeout=self._timeout,
                allow_redirects=False,
                headers={"Connection": "close"},
            )
        except requests.RequestException as error:
            if _never_left(error):
                raise UnavailableError(f"{doing}: no connection") from error
            raise UncertainError(f"{doing}: no answer") from error
        if answer.status_code >= 500:
            raise UncertainError(f"{doing}: HTTP {answer.status_code}")
        _raise_for_refusal(doing, answer)
        try:
            return _JobAnswer.model_validate_json(answer.content).id
        except ValidationError as error:
            raise UncertainError(f"{doing}: an answer that names no job") from error

    def job(self, job_id: str) -> Job | None:
        """Return what is known of a job, None if there is no such job. Raises UnavailableError, RefusedError."""
        answer = self._get(f"/jobs/{job_id}")
        if answer is None:
            return None
        try:
            return _job(_JobAnswer.model_validate_json(answer.content))
        except ValidationError as error:
            raise UnavailableError("GET /jobs at Coconut: not a job") from error

    def input_seconds(self, job_id: str) -> float | None:
        """Return the duration of a job's input, None if Coconut does not tell. Raises like `job`."""
        answer = self._get(f"/metadata/jobs/{job_id}")
        if answer is None:
            return None
        try:
            seconds = float(answer.json()["metadata"]["input"]["format"]["duration"])
        except (ValueError, KeyError, TypeError):
            return None
        # Every duration would agree with one that is no number.
        return seconds if 0 < seconds < math.inf else None

    def _get(self, path: str) -> requests.Response | None:
        doing = "GET /jobs at Coconut"
        try:
            answer = requests.get(self._base_url + path, auth=self._auth, timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as error:
            raise UnavailableError(f"{doing}: no answer") from error
        if answer.status_code == 404:
            return None
        if answer.status_code >= 500:
            raise UnavailableError(f"{doing}: HTTP {answer.status_code}")
        _raise_for_refusal(doing, answer)
        return answer


def _never_left(error: requests.RequestException) -> bool:
    """Tell whether the request certainly did not reach Coconut: no connection was made."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _raise_for_refusal(doing: str, answer: requests.Response) -> None:
    """Tell an account's trouble, which passes, from a body that Coconut will never take."""
    code = answer.status_code
    if code == 429:
        raise UnavailableError(f"{doing}: HTTP 429", retry_after_seconds=_retry_after(answer))
    if code in {401, 402, 403, 407, 408} or 300 <= code < 400:
        raise UnavailableError(f"{doing}: HTTP {code}")
    if code >= 400:
        raise RefusedError(f"{doing}: HTTP {code} {_error_code(answer)}".rstrip())


def _retry_after(answer: requests.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


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
    )


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
