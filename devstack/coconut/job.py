"""A job as Coconut shows it: its statuses, and the JSON of responses and callbacks. runner.py changes it."""

import secrets
import string
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from devstack.coconut.fields import Json
from devstack.coconut.outputs import Kind, Output, StreamPlan

Event = Literal["input.transferred", "output.completed", "output.failed", "job.completed", "job.failed"]
# Only a stream passes through the two stages that begin with `variants`.
OutputStage = Literal[
    "waiting",
    "queued",
    "variants.waiting",
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
_WORDS: dict[Kind, dict[str, str]] = {
    "image": {"working": "processing", "packaging": "processing", "done": "created"},
    "video": {"working": "encoding", "packaging": "encoding", "done": "encoded"},
    "httpstream": {"working": "variants.encoding", "packaging": "packaging", "done": "packaged"},
}
UP_TO_WORK: dict[Kind, tuple[OutputStage, ...]] = {
    "image": ("working",),
    "video": ("working",),
    "httpstream": ("variants.waiting", "variants.queued", "working"),
}
_FINAL = frozenset({"done", "failed", "skipped", "aborted"})


def new_job_id() -> str:
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARACTERS))


@dataclass(frozen=True, slots=True)
class OutputState:
    """One output of a job. ``urls`` holds the URLs of images, or that of a file or of a stream's master playlist."""

    key: str
    kind: Kind
    format_text: str
    weight: int = 1  # in the job's progress: a stream weighs one for each variant
    stage: OutputStage = "waiting"
    urls: tuple[str, ...] = ()
    error: str | None = None

    @classmethod
    def of(cls, output: Output) -> "OutputState":
        weight = len(output.plan.variants) if isinstance(output.plan, StreamPlan) else 1
        return cls(output.key, output.kind, output.format_text, weight)

    @property
    def is_final(self) -> bool:
        return self.stage in _FINAL

    @property
    def status(self) -> str:
        return f"{self.kind}.{_WORDS[self.kind].get(self.stage, self.stage)}"

    def result(self) -> Json:
        """Return the URLs or the error, empty while there is neither."""
        if self.error is not None:
            return {"error": self.error}
        if not self.urls:
            return {}
        if self.kind == "image":
            return {"urls": list(self.urls)}
        if self.kind == "video":
            return {"url": self.urls[0]}
        return {"urls": [{"format": "hls", "url": url} for url in self.urls]}

    def body(self) -> Json:
        return {
            "key": self.key,
            "type": self.kind,
            "format": self.format_text,
            **self.result(),
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class JobRecord:
    id: str
    created_at: datetime
    outputs: tuple[OutputState, ...]
    completed_at: datetime | None = None
    status: Literal["job.starting", "job.processing", "job.completed", "job.failed"] = "job.starting"
    progress_percent: int = 0
    input_status: Literal["input.starting", "input.transferring", "input.transferred", "input.failed"] = (
        "input.starting"
    )
    input_error: str | None = None
    input_metadata: Json | None = None

    def output(self, key: str) -> OutputState:
        return next(output for output in self.outputs if output.key == key)

    def with_output(self, changed: OutputState) -> "JobRecord":
        outputs = tuple(changed if output.key == changed.key else output for output in self.outputs)
        return replace(self, outputs=outputs)

    def with_progress(self, working: str = "", fraction: float = 0) -> "JobRecord":
        """Return the job with its percentage; ``fraction`` is the finished part of the output being made."""
        counted = [output for output in self.outputs if output.stage != "skipped"]
        done = sum(output.weight * (1 if output.is_final else fraction * (output.key == working)) for output in counted)
        total = sum(output.weight for output in counted)
        return replace(self, progress_percent=min(99, int(100 * done / total)) if total else 99)

    def ended(self, at: datetime) -> "JobRecord":
        """Return the job at its end: completed only if every output was made or skipped."""
        is_good = all(output.stage in {"done", "skipped"} for output in self.outputs)
        return replace(
            self,
            status="job.completed" if is_good else "job.failed",
            completed_at=at,
            progress_percent=100,
            outputs=tuple(output if output.is_final else replace(output, stage="aborted") for output in self.outputs),
        )

    def body(self) -> Json:
        """Return the response to ``POST /jobs`` and ``GET /jobs/{id}``."""
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
        """Return the response to ``GET /metadata/jobs/{id}``. The stand-in describes the input only."""
        return {"job_id": self.id, "metadata": {"input": self.input_metadata, "outputs": []}}

    def callback(self, event: Event, *, key: str = "") -> Json:
        """Return the payload of one event; ``key`` names the output of an output event."""
        return {"job_id": self.id, "event": event, "metadata": False, "data": self._data(event, key)}

    def _data(self, event: Event, key: str) -> Json:
        match event:
            case "input.transferred":
                return {"status": self.input_status, "progress": "100%"}
            case "output.completed" | "output.failed":
                output = self.output(key)
                return {
                    "type": output.kind,
                    "status": output.status,
                    "progress": f"{self.progress_percent}%",
                    "key": output.key,
                    **output.result(),
                }
            case "job.completed" | "job.failed":
                return {"type": "job", **self.body()}
