"""The life of a job, from accepted to completed or failed. At most two jobs work at once; the others wait.

A job's state is saved at every step, so that a restart takes up whatever had not ended.
"""

import json
import logging
import shutil
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from devstack.coconut.buckets import InputError, StorageError, download, object_url, touch, upload
from devstack.coconut.callbacks import Callbacks
from devstack.coconut.canned import Canned
from devstack.coconut.delayed import DelayedQueue
from devstack.coconut.faults import Fate
from devstack.coconut.ffmpeg import Ffmpeg, FfmpegError, StoppedError
from devstack.coconut.job import Event, Job, OutputState
from devstack.coconut.outputs import Output, StreamPlan
from devstack.coconut.request import JobRequest, parse_request
from devstack.coconut.store import MAX_JOBS, AcceptedJob, Store
from devstack.coconut.transcode import Made, Source, make

AT_ONCE = 2
STOP_SECONDS = 5
ENCODING_ERROR = "The media file couldn't be encoded because of a FFmpeg error."
NOT_MEDIA_ERROR = "The input file is not a valid media file."

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """One turn of a job at a worker. With a source the input is already here."""

    job: Job
    fate: Fate
    request: JobRequest
    source: Source | None = None


class Runner:
    def __init__(self, *, store: Store, callbacks: Callbacks, ffmpeg: Ffmpeg, folder: Path) -> None:
        self._store = store
        self._callbacks = callbacks
        self._ffmpeg = ffmpeg
        self._folder = folder / "work"
        self._canned = Canned(folder / "canned", ffmpeg)
        self._queue: DelayedQueue[Turn] = DelayedQueue(at_most=MAX_JOBS)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(AT_ONCE)]

    def start(self) -> None:
        """Take up what had not ended, and begin to work."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        for accepted in self._store.unfinished():
            self.submit(
                replace(accepted, job=accepted.job.restarted()), parse_request(json.loads(accepted.request_text))
            )
        for thread in self._threads:
            thread.start()

    def submit(self, accepted: AcceptedJob, request: JobRequest) -> None:
        self._queue.put(Turn(accepted.job, accepted.fate, request))

    def stop(self) -> None:
        """End at once. What was under way is taken up at the next start."""
        self._queue.close()
        self._ffmpeg.stop()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _work(self) -> None:
        while (turn := self._queue.get()) is not None:
            try:
                self._take(turn)
            except StoppedError:
                return
            except Exception:
                # One job that surprises us must not take a worker away from the others.
                _log.exception("job %s failed in an unforeseen way", turn.job.id)
                self._end(self._store.job(turn.job.id) or turn.job, turn)

    def _take(self, turn: Turn) -> None:
        job, source = turn.job, turn.source
        if source is None:
            job, source = self._transfer(turn)
            if source is None:
                return
            if turn.fate.is_stuck:
                self._forget_input(job)
                return
            if turn.fate.slow_seconds:
                # The wait holds no worker: any number of slow jobs can be under way.
                self._queue.put(replace(turn, job=job, source=source), delay_seconds=turn.fate.slow_seconds)
                return
        for output in turn.request.outputs:
            if not job.output(output.key).is_final:
                job = self._output(job, output, turn, source)
        self._end(job, turn)

    def _transfer(self, turn: Turn) -> tuple[Job, Source | None]:
        job = self._saved(turn.job.model_copy(update={"input_status": "input.transferring"}))
        try:
            source = self._source(job, turn)
        except InputError as error:
            self._fail_input(job, turn, str(error))
            return job, None
        except ValueError:
            self._fail_input(job, turn, NOT_MEDIA_ERROR)
            return job, None
        filename = turn.request.source.object_key or "input"
        job = self._saved(
            job.model_copy(
                update={
                    "status": "job.processing",
                    "input_status": "input.transferred",
                    "input_metadata": source.facts.metadata(filename),
                    "outputs": tuple(_judged(job, output, source) for output in turn.request.outputs),
                },
            ),
        )
        self._tell(job, "input.transferred", turn)
        return job, source

    def _source(self, job: Job, turn: Turn) -> Source:
        if turn.fate.is_canned:
            touch(turn.request.source)
            return self._canned.source()
        folder = self._folder / job.id
        folder.mkdir(exist_ok=True)
        path = folder / "input"
        download(turn.request.source, path)
        return Source(path, self._ffmpeg.facts(path))

    def _fail_input(self, job: Job, turn: Turn, error: str) -> None:
        update = {"input_status": "input.failed", "input_error": error}
        self._end(job.model_copy(update=update), turn)

    def _output(self, job: Job, output: Output, turn: Turn, source: Source) -> Job:
        job = self._staged(job, job.output(output.key).model_copy(update={"stage": "working"}))
        meter = _Meter(self._store, job, turn.request)
        try:
            made = self._made(output, turn, source, meter)
            job = self._staged(meter.job, meter.job.output(output.key).model_copy(update={"stage": "packaging"}))
            upload(turn.request.storage, made.files)
        except FfmpegError as error:
            _log.warning("job %s, output %s: %s", job.id, output.key, error)
            return self._failed(meter.job, output, turn, ENCODING_ERROR)
        except StorageError as error:
            return self._failed(job, output, turn, str(error))
        urls = tuple(object_url(turn.request.storage, entry) for entry in made.entries)
        done = {"stage": "done", "urls": urls, "metadata": made.metadata}
        job = self._staged(job, job.output(output.key).model_copy(update=done), turn=turn)
        self._tell(job, "output.completed", turn, key=output.key)
        return job

    def _made(self, output: Output, turn: Turn, source: Source, meter: "_Meter") -> Made:
        if turn.fate.fails and output.key in _doomed(turn.request, meter.job):
            raise FfmpegError("the fault 'fail' is on")
        if turn.fate.is_canned:
            return self._canned.make(output)
        folder = self._folder / meter.job.id / f"output-{turn.request.outputs.index(output)}"
        folder.mkdir()
        return make(output, source, folder, self._ffmpeg, lambda fraction: meter.show(output, fraction))

    def _failed(self, job: Job, output: Output, turn: Turn, error: str) -> Job:
        failed = job.output(output.key).model_copy(update={"stage": "failed", "error": error})
        job = self._staged(job, failed, turn=turn)
        self._tell(job, "output.failed", turn, key=output.key)
        return job

    def _end(self, job: Job, turn: Turn) -> None:
        self._forget_input(job)
        is_good = all(output.stage in {"done", "skipped"} for output in job.outputs)
        event: Event = "job.completed" if is_good else "job.failed"
        update = {"status": event, "completed_at": datetime.now(UTC), "progress_percent": 100, "outputs": _aborted(job)}
        self._tell(self._saved(job.model_copy(update=update)), event, turn)

    def _staged(self, job: Job, output: OutputState, *, turn: Turn | None = None) -> Job:
        job = job.with_output(output)
        if turn is not None:
            job = job.model_copy(update={"progress_percent": progress(job, turn.request)})
        return self._saved(job)

    def _saved(self, job: Job) -> Job:
        self._store.save(job)
        return job

    def _tell(self, job: Job, event: Event, turn: Turn, *, key: str = "") -> None:
        self._callbacks.tell(job, event, turn.request.notification, key=key, number=turn.fate.number)

    def _forget_input(self, job: Job) -> None:
        shutil.rmtree(self._folder / job.id, ignore_errors=True)


class _Meter:
    """Writes the progress of an encoding down, once for each percent."""

    def __init__(self, store: Store, job: Job, request: JobRequest) -> None:
        self.job = job
        self._store = store
        self._request = request

    def show(self, output: Output, fraction: float) -> None:
        percent = progress(self.job, self._request, working=output.key, fraction=fraction)
        if percent > self.job.progress_percent:
            self.job = self.job.model_copy(update={"progress_percent": percent})
            self._store.save(self.job)


def progress(job: Job, request: JobRequest, *, working: str = "", fraction: float = 0) -> int:
    """Return the percentage done; each variant of a stream weighs as much as any other output."""
    weights = {
        output.key: len(output.plan.variants) if isinstance(output.plan, StreamPlan) else 1
        for output in request.outputs
        if job.output(output.key).stage != "skipped"
    }
    done = sum(weight for key, weight in weights.items() if job.output(key).is_final)
    total = sum(weights.values())
    return min(99, int(100 * (done + fraction * weights.get(working, 0)) / total)) if total else 99


def _judged(job: Job, output: Output, source: Source) -> OutputState:
    wanted = output.condition is None or output.condition(source.facts.variables())
    return job.output(output.key).model_copy(update={"stage": "queued" if wanted else "skipped"})


def _aborted(job: Job) -> tuple[OutputState, ...]:
    return tuple(
        output if output.is_final else output.model_copy(update={"stage": "aborted"}) for output in job.outputs
    )


def _doomed(request: JobRequest, job: Job) -> set[str]:
    """With the fault ``fail`` the videos fail and the images are written: so it looks when it happens."""
    wanted = [output for output in request.outputs if job.output(output.key).stage != "skipped"]
    videos = {output.key for output in wanted if output.kind != "image"}
    return videos or {output.key for output in wanted}
