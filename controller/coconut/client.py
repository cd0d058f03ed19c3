"""Client of Coconut.co. controller/rules/submission.py decides what an answer means for an upload.

Facts: docs.coconut.co/jobs/api. Coconut has no idempotency key, no list and no cancel, so a submission is never
repeated here, and every error says whether a job can exist.
"""

import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import requests
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from urllib3.exceptions import MaxRetryError, NewConnectionError
from urllib3.exceptions import SSLError as TlsError

from controller.coconut.job_request import STORYBOARD, job_body
from domain.errors import RefusedError, UnavailableError
from domain.jobs import Job, JobOrder, JobState, UncertainError
from runtime.deadline import exchange
from runtime.retry_after import retry_after_seconds
from storage.settings import OutputTarget

# A job id becomes part of a URL path and a value in a column.
_JOB_ID = r"[A-Za-z0-9_-]{1,64}"
_MOST_ANSWER_CHARACTERS = 4096
# A probe requests this job when we know none yet: "not found" shows as well that Coconut answers and takes our key.
_NO_JOB = "00000000000000"
# The metadata of a job is a few kilobytes.
_ANSWER_BYTES_MAX = 1024 * 1024
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
# No NUL, which Postgres refuses, and no escapes, which a terminal would obey.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")

# Before a job runs, Coconut knows only the URL of the file, so only a code that names the input is about this upload.
# All else in a request (storage, outputs, notification) is the same for every upload, and so is its refusal.
_FILE_ERROR_CODES = re.compile(r"(input|source|transcoding)_[a-z0-9_]+")
_BAD_REQUEST = frozenset({400, 422})
# A proxy timed out or lost its client: Coconut may have the request.
_PROXY_TIMEOUTS = frozenset({408, 499})

# The engine's words for a file that cannot be decoded; any other failure may pass.
_PERMANENT = re.compile(
    r"unsupported|not a valid (file|media|video)|invalid data|no video stream|too long", re.IGNORECASE
)
# Coconut's one sentence for every failure of its engine. A thumbnail is the least that is made of a picture: where it
# fails as well, the picture cannot be decoded.
_ENGINE_FAILED = re.compile(r"could ?n.t be encoded|ffmpeg", re.IGNORECASE)

# Containers in which each track has a duration of its own, by the names of ffprobe. Of a transport stream ffprobe
# computes one from the first and last time stamps, which jump where files were joined.
_STATES_DURATIONS = frozenset({"mov", "mp4", "matroska", "webm", "avi", "asf"})
_CLOCK = re.compile(r"([0-9]{1,5}):([0-9]{2}):([0-9]{2}(?:\.[0-9]{1,9})?)")


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


class _Format(BaseModel):
    model_config = ConfigDict(extra="ignore")
    format_name: str = ""


class _StreamMetadata(BaseModel):
    model_config = ConfigDict(extra="ignore")
    codec_type: str = ""
    duration: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    disposition: dict[str, int] = {}
    tags: dict[str, str] = {}

    @property
    def seconds(self) -> float | None:
        """Return what the track's own header states: a number of seconds, or a clock time in a tag of Matroska."""
        if self.duration is not None:
            return self.duration
        clock = _CLOCK.fullmatch(self.tags.get("DURATION", ""))
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3]) or None if clock else None


class _InputMetadata(BaseModel):
    model_config = ConfigDict(extra="ignore")
    streams: list[_StreamMetadata] = []
    format: _Format = _Format()

    @property
    def picture_seconds(self) -> float | None:
        """Return the duration of the first picture track that is not a cover."""
        if not _STATES_DURATIONS & set(self.format.format_name.split(",")):
            return None
        for stream in self.streams:
            if stream.codec_type == "video" and not stream.disposition.get("attached_pic"):
                return stream.seconds
        return None


class _Metadata(BaseModel):
    model_config = ConfigDict(extra="ignore")
    input: _InputMetadata


class _MetadataAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore")
    metadata: _Metadata


@dataclass
class _Call:
    """One call in progress. ``answer``: None until it arrives."""

    answer: requests.Response | None = None


class Coconut:
    """One Coconut account. ``base_url`` ends in /v2. Thread-safe.

    ``clock`` is read only for a Retry-After date in a response without a Date. ``on_call`` receives each call's
    operation, its HTTP status (None without a response) and its duration in seconds.
    """

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr,
        target: OutputTarget,
        *,
        timeout_seconds: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_call: Callable[[str, int | None, float], None] = lambda _operation, _status, _seconds: None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._auth = (api_key.get_secret_value(), "")
        self._target = target
        self._clock = clock
        self._on_call = on_call
        self._timeout_seconds = timeout_seconds
        self._known_job = _NO_JOB

    def start(self, order: JobOrder) -> str:
        """Start a paid job and return its id. Raises UnavailableError, RefusedError, UncertainError."""
        action = "POST /jobs at Coconut"
        try:
            # A new connection: on a pooled one that has died, a request that was not sent would look uncertain.
            with self._counted("start") as call:
                answer = call.answer = self._exchange(
                    "POST", "/jobs", json=job_body(order, self._target), headers={"Connection": "close"}
                )
        except requests.RequestException as error:
            why = _certainly_not_sent(error)
            if why is not None:
                raise UnavailableError(f"{action}: {why}") from error
            raise UncertainError(f"{action}: no answer") from error
        if answer.status_code >= 500 or answer.status_code in _PROXY_TIMEOUTS:
            raise UncertainError(
                f"{action}: HTTP {answer.status_code}",
                retry_after_seconds=retry_after_seconds(answer.headers, self._clock),
            )
        self._raise_for_refusal(action, answer)
        try:
            job_id = self._known_job = _JobAnswer.model_validate_json(answer.content).id
        except ValidationError as error:
            raise UncertainError(f"{action}: an answer that names no job") from error
        return job_id

    def probe(self) -> None:
        """Look at a job, to learn whether Coconut answers and accepts our key. Raises UnavailableError."""
        self._get("probe", f"/jobs/{self._known_job}")

    def job(self, job_id: str) -> Job | None:
        """Return a job, None if there is no such job. Raises UnavailableError, RefusedError."""
        answer = self._get("job", f"/jobs/{job_id}")
        if answer is None:
            return None
        try:
            job = _job(_JobAnswer.model_validate_json(answer.content))
        except ValidationError as error:
            raise UnavailableError("GET /jobs at Coconut: not a job") from error
        self._known_job = job.job_id
        return job

    def picture_seconds(self, job_id: str) -> float | None:
        """Return the duration that the input's picture track states, None if it states none. Raises like `job`."""
        answer = self._get("metadata", f"/metadata/jobs/{job_id}")
        if answer is None:
            return None
        try:
            return _MetadataAnswer.model_validate_json(answer.content).metadata.input.picture_seconds
        except ValidationError:
            return None

    def _get(self, operation: str, path: str) -> requests.Response | None:
        action = "GET /jobs at Coconut"
        try:
            with self._counted(operation) as call:
                answer = call.answer = self._exchange("GET", path)
        except requests.RequestException as error:
            raise UnavailableError(f"{action}: no answer") from error
        # Coconut's own 404 has no body. Any other comes from a proxy or load balancer and says nothing about the job.
        if answer.status_code == 404 and not answer.content:
            return None
        self._raise_for_refusal(action, answer)
        return answer

    def _exchange(self, method: str, path: str, **options: Any) -> requests.Response:
        seconds = self._timeout_seconds
        return exchange(
            method,
            self._base_url + path,
            auth=self._auth,
            timeout_seconds=(min(3.0, seconds), seconds),
            longest_seconds=seconds,
            bytes_max=_ANSWER_BYTES_MAX,
            **options,
        )

    @contextmanager
    def _counted(self, operation: str) -> Iterator["_Call"]:
        call, began = _Call(), time.monotonic()
        try:
            yield call
        finally:
            status = None if call.answer is None else call.answer.status_code
            self._on_call(operation, status, time.monotonic() - began)

    def _raise_for_refusal(self, action: str, answer: requests.Response) -> None:
        """Raise RefusedError if this file is at fault, UnavailableError for the account, the settings or Coconut."""
        status, code = answer.status_code, _error_code(answer)
        if status < 300:
            return
        message = f"{action}: HTTP {status} {code}".rstrip()
        if status in _BAD_REQUEST and _FILE_ERROR_CODES.fullmatch(code):
            raise RefusedError(message)
        raise UnavailableError(message, retry_after_seconds=retry_after_seconds(answer.headers, self._clock))


def _certainly_not_sent(error: requests.RequestException) -> str | None:
    """Return why a request certainly did not reach Coconut, None if it may have."""
    if isinstance(error, requests.ConnectTimeout):
        return "no connection"
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, NewConnectionError):
        return "no connection"
    # Certificates are checked before anything is sent; other TLS errors may come later.
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
    if state is JobState.COMPLETED and _has_skipped_all_streams(answer):
        state = JobState.TOO_LONG
    problem = _problem(answer) if state is JobState.FAILED else ""
    return Job(
        job_id=answer.id,
        state=state,
        progress_percent=_percent(answer.progress),
        problem=problem,
        is_undecodable=state is JobState.FAILED and _is_undecodable(answer, problem),
        answer=redacted(problem) if problem else None,
        finished_at=_instant(answer.completed_at),
    )


def _has_skipped_all_streams(answer: _JobAnswer) -> bool:
    """Return whether no condition was true: for every size one is, unless the video is too long."""
    streams = [output for output in answer.outputs if output.status.startswith("httpstream.")]
    return bool(streams) and all(output.status == "httpstream.skipped" for output in streams)


def _is_undecodable(answer: _JobAnswer, problem: str) -> bool:
    return bool(_PERMANENT.search(problem)) or any(
        output.status == "image.failed" and output.key != STORYBOARD and _ENGINE_FAILED.search(output.error or "")
        for output in answer.outputs
    )


def _instant(text: str | None) -> datetime | None:
    """Parse Coconut's time, which only metrics use; None for an unknown format."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z") if text else None
    except ValueError:
        return None


def _problem(answer: _JobAnswer) -> str:
    """Return the provider's words about the first failure."""
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
    """Return text that may be shown and stored: bounded, on one line, and without URLs, which may be signed."""
    return _CONTROL.sub(" ", _URL.sub("[url]", text))[:_MOST_ANSWER_CHARACTERS]
