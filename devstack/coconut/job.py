"""A job as Coconut shows it: states, statuses, and the JSON of answers and callbacks.

Values only. What moves a job from one state to the next is in runner.py; the request it came from in
request.py.
"""

import secrets
import string
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from devstack.coconut.fields import Json
from devstack.coconut.outputs import Kind, Output

JobStatus = Literal["job.starting", "job.processing", "job.completed", "job.failed"]
Event = Literal["input.transferred", "output.completed", "output.failed", "job.completed", "job.failed"]
Stage = Literal[
    "waiting",
    "queued",
    "variants.waiting",  # of a stream only, like the next
    "variants.queued",
    "working",
    "packaging",
    "done",
    "failed",
    "skipped",
    "aborted",
]

TIMESTAMP = "%Y-%m-%d %H:%M:%S %z"
_ID_ALPHABET = string.ascii_letters + string.digits
_ID_CHARACTERS = 14
_WORDS: dict[Kind, dict[Stage, str]] = {
    "video": {"working": "encoding", "packaging": "encoding", "done": "encoded"},
    "image": {"working": "processing", "packaging": "processing", "done": "created"},
    "httpstream": {"working": "variants.encoding", "packaging": "packaging", "done": "packaged"},
}
UP_TO_WORK: dict[Kind, tuple[Stage, ...]] = {
    "video": ("working",),
    "image": ("working",),
    "httpstream": ("variants.waiting", "variants.queued", "working"),
}
_FINAL: frozenset[Stage] = frozenset({"done", "failed", "skipped", "aborted"})


def new_job_id() -> str:
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARACTERS))


class _State(BaseModel):
    model_config = ConfigDict(frozen=True)


class OutputState(_State):
    """One output. ``urls`` holds the one URL of a video, the URLs of images, or the master of a stream."""

    key: str
    kind: Kind
    format_text: str
    stage: Stage = "waiting"
    urls: tuple[str, ...] = ()
    error: str | None = None
    metadata: JsonValue = None

    @classmethod
    def of(cls, output: Output) -> "OutputState":
        return cls(key=output.key, kind=output.kind, format_text=output.format_text)

    @property
    def is_final(self) -> bool:
        return self.stage in _FINAL

    @property
    def status(self) -> str:
        return f"{self.kind}.{_WORDS[self.kind].get(self.stage, self.stage)}"

    def result(self) -> Json:
        """Return what is known of the result: URLs or the error."""
        if self.error is not None:
            return {"error": self.error}
        if not self.urls:
            return {}
        match self.kind:
            case "video":
                return {"url": self.urls[0]}
            case "image":
                return {"urls": list(self.urls)}
            case "httpstream":
                return {"urls": [{"format": "hls", "url": url} for url in self.urls]}

    def body(self) -> Json:
        return {
            "key": self.key,
            "type": self.kind,
            "format": self.format_text,
            **self.result(),
            "status": self.status,
        }


class Job(_State):
    id: str
    created_at: datetime
    completed_at: datetime | None = None
    status: JobStatus = "job.starting"
    progress_percent: int = 0
    input_status: Literal["input.starting", "input.transferring", "input.transferred", "input.failed"] = (
        "input.starting"
    )
    input_error: str | None = None
    input_metadata: JsonValue = None
    outputs: tuple[OutputState, ...]

    @property
    def is_final(self) -> bool:
        return self.status in {"job.completed", "job.failed"}

    def with_output(self, changed: OutputState) -> "Job":
        outputs = tuple(changed if output.key == changed.key else output for output in self.outputs)
        return self.model_copy(update={"outputs": outputs})

    def output(self, key: str) -> OutputState:
        return next(output for output in self.outputs if output.key == key)

    def restarted(self) -> "Job":
        """Return the job as it was when accepted: what ran when we were killed runs again."""
        outputs = tuple(
            OutputState(key=output.key, kind=output.kind, format_text=output.format_text) for output in self.outputs
        )
        return Job(id=self.id, created_at=self.created_at, outputs=outputs)

    def body(self) -> Json:
        """Return the answer to ``POST /jobs`` and ``GET /jobs/{id}``."""
        failure = {} if self.input_error is None else {"error": self.input_error}
        return {
            "id": self.id,
            "created_at": self.created_at.strftime(TIMESTAMP),
            "completed_at": self.completed_at.strftime(TIMESTAMP) if self.completed_at else None,
            "status": self.status,
            "progress": f"{self.progress_percent}%",
            "input": {"status": self.input_status, **failure},
            "outputs": [output.body() for output in self.outputs],
        }

    def metadata_body(self) -> Json:
        """Return the answer to ``GET /metadata/jobs/{id}``: outputs are a list of one-key objects."""
        outputs = [{output.key: output.metadata} for output in self.outputs if output.metadata is not None]
        return {"job_id": self.id, "metadata": {"input": self.input_metadata, "outputs": outputs}}

    def metadata_of(self, key: str) -> JsonValue:
        """Return the metadata of the input or of one output, None where there is none."""
        if key == "input":
            return self.input_metadata
        return next((output.metadata for output in self.outputs if output.key == key), None)

    def callback(self, event: Event, *, key: str = "", with_metadata: bool = False) -> Json:
        """Return the payload of one event; ``key`` names the output of an output event."""
        return {
            "job_id": self.id,
            "event": event,
            "metadata": with_metadata,
            "data": self._data(event, key, with_metadata),
        }

    def _data(self, event: Event, key: str, with_metadata: bool) -> Json:
        match event:
            case "input.transferred":
                metadata = {"metadata": self.input_metadata} if with_metadata else {}
                return {"status": self.input_status, "progress": "100%", **metadata}
            case "output.completed" | "output.failed":
                output = self.output(key)
                metadata = {"metadata": output.metadata} if with_metadata and output.metadata is not None else {}
                return {
                    "type": output.kind,
                    "status": output.status,
                    "progress": f"{self.progress_percent}%",
                    "key": output.key,
                    **output.result(),
                    **metadata,
                }
            case "job.completed" | "job.failed":
                extra: Json = {"metadata": self.metadata_body()["metadata"]} if with_metadata else {}
                return {"type": "job", **self.body(), **extra}
