"""Runs jobs from accepted to completed or failed. A few run at once; the others wait in a queue.

Nothing survives the process: a job that was under way when it ended is unknown afterwards.
"""

import logging
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from devstack.coconut.callbacks import Callbacks
from devstack.coconut.canned import Canned
from devstack.coconut.delayed import DelayedQueue
from devstack.coconut.faults import JobFaults
from devstack.coconut.ffmpeg import AT_ONCE, Ffmpeg, FfmpegError, StoppedError
from devstack.coconut.job import UP_TO_WORK, Event, JobRecord, OutputState
from devstack.coconut.outputs import Output
from devstack.coconut.request import JobRequest
from devstack.coconut.storage import InputError, StorageError, download, object_url, upload
from devstack.coconut.store import JobStore
from devstack.coconut.transcode import Made, Source, collect, make

CANNED_AT_ONCE = 4
STOP_SECONDS = 5
HOLD_LOOK_SECONDS = 0.1
ENCODING_ERROR = "The media file couldn't be encoded because of a FFmpeg error."
NOT_MEDIA_ERROR = "The input file is not a valid media file."
NO_VIDEO_ERROR = "The input file has no video stream."

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A job waiting for a worker. With a source its input has been transferred already."""

    job: JobRecord
    request: JobRequest
    faults: JobFaults
    source: Source | None = None


class Runner:
    """``is_holding`` says whether jobs that were accepted under the fault `hold` still wait."""

    def __init__(
        self, *, store: JobStore, callbacks: Callbacks, ffmpeg: Ffmpeg, folder: Path, is_holding: Callable[[], bool]
    ) -> None:
        self._store = store
        self._callbacks = callbacks
        self._ffmpeg = ffmpeg
        self._is_holding = is_holding
        self._folder = folder / "work"
        self._canned = Canned(folder / "canned", ffmpeg)
        self._queue: DelayedQueue[Task] = DelayedQueue()
        # Canned jobs have workers of their own, so that they need not wait for an encoding of minutes.
        self._canned_queue: DelayedQueue[Task] = DelayedQueue()
        queues = [self._queue] * AT_ONCE + [self._canned_queue] * CANNED_AT_ONCE
        self._threads = [threading.Thread(target=self._work, args=(queue,), daemon=True) for queue in queues]

    def start(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        for thread in self._threads:
            thread.start()

    def submit(self, job: JobRecord, request: JobRequest, faults: JobFaults) -> None:
        self._put(Task(job, request, faults))

    def stop(self) -> None:
        """End at once, together with every ffmpeg."""
        self._queue.close()
        self._canned_queue.close()
        self._ffmpeg.stop()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _put(self, task: Task, *, delay_seconds: float = 0) -> None:
        (self._canned_queue if task.faults.is_canned else self._queue).put(task, delay_seconds=delay_seconds)

    def _work(self, queue: DelayedQueue[Task]) -> None:
        while (task := queue.get()) is not None:
            try:
                self._run(task)
            except StoppedError:
                return
            except Exception:
                # An unexpected error ends this job, not the worker that the other jobs wait for.
                _log.exception("job %s failed unexpectedly", task.job.id)
                self._end(self._store.job(task.job.id) or task.job, task)

    def _run(self, task: Task) -> None:
        job, source = task.job, task.source
        if source is None:
            job, source = self._transfer(task)
            if source is None:
                return
            if task.faults.is_stuck:
                self._remove_input(job)
                return
            if task.faults.slow_seconds:
                # The wait holds no worker, so any number of slow jobs can be under way.
                self._put(replace(task, job=job, source=source), delay_seconds=task.faults.slow_seconds)
                return
        if task.faults.is_held and self._is_holding():
            self._put(replace(task, job=job, source=source), delay_seconds=HOLD_LOOK_SECONDS)
            return
        for output in task.request.outputs:
            if not job.output(output.key).is_final:
                job = self._output(job, output, task, source)
        self._end(job, task)

    def _transfer(self, task: Task) -> tuple[JobRecord, Source | None]:
        job = self._saved(replace(task.job, input_status="input.transferring"))
        try:
            source = self._source(job, task)
        except (InputError, ValueError) as error:
            message = str(error) if isinstance(error, InputError) else NOT_MEDIA_ERROR
            self._end(replace(job, input_status="input.failed", input_error=message), task)
            return job, None
        job = self._saved(
            replace(
                job,
                status="job.processing",
                input_status="input.transferred",
                input_metadata=source.facts.metadata("input"),
                outputs=tuple(_queued_or_skipped(job, output, source) for output in task.request.outputs),
            )
        )
        self._notify(job, "input.transferred", task)
        return job, source

    def _source(self, job: JobRecord, task: Task) -> Source:
        if task.faults.is_canned:
            download(task.request.input_url, Path(os.devnull), only_first_byte=True)
            return self._canned.source()
        folder = self._folder / job.id
        folder.mkdir(exist_ok=True)
        path = folder / "input"
        download(task.request.input_url, path)
        return Source(path, self._ffmpeg.facts(path))

    def _output(self, job: JobRecord, output: Output, task: Task, source: Source) -> JobRecord:
        for stage in UP_TO_WORK[output.kind]:
            job = self._saved(job.with_output(replace(job.output(output.key), stage=stage)))
        try:
            made = self._made(job, output, task, source)
            packaging = replace(job.output(output.key), stage="packaging")
            job = self._saved(job.with_output(packaging).with_progress(output.key, 1))
            upload(task.request.storage, made.files)
        except FfmpegError as error:
            _log.warning("job %s, output %s: %s", job.id, output.key, error)
            return self._failed(job, output, task, ENCODING_ERROR if source.facts.video else NO_VIDEO_ERROR)
        except StorageError as error:
            return self._failed(job, output, task, str(error))
        urls = tuple(object_url(task.request.storage, entry) for entry in made.entries)
        done = replace(job.output(output.key), stage="done", urls=urls)
        job = self._saved(job.with_output(done).with_progress())
        self._notify(job, "output.completed", task, key=output.key)
        return job

    def _made(self, job: JobRecord, output: Output, task: Task, source: Source) -> Made:
        # With the fault `fail` the streams fail and the images are made: a real failure looks like this.
        if task.faults.fails and output.kind == "httpstream":
            raise FfmpegError("the fault 'fail' is on")
        if task.faults.is_canned:
            return self._canned.make(output)
        folder = self._folder / job.id / f"output-{task.request.outputs.index(output)}"
        folder.mkdir()

        def show(fraction: float) -> None:
            self._saved(job.with_progress(output.key, fraction))

        make(output, source, folder, self._ffmpeg, show)
        return collect(output, folder)

    def _failed(self, job: JobRecord, output: Output, task: Task, error: str) -> JobRecord:
        failed = replace(job.output(output.key), stage="failed", error=error)
        job = self._saved(job.with_output(failed).with_progress())
        self._notify(job, "output.failed", task, key=output.key)
        return job

    def _end(self, job: JobRecord, task: Task) -> None:
        self._remove_input(job)
        ended = self._saved(job.ended(datetime.now(UTC)))
        self._notify(ended, "job.completed" if ended.status == "job.completed" else "job.failed", task)

    def _saved(self, job: JobRecord) -> JobRecord:
        self._store.save(job)
        return job

    def _notify(self, job: JobRecord, event: Event, task: Task, *, key: str = "") -> None:
        self._callbacks.notify(job, event, task.request.notification, key=key)

    def _remove_input(self, job: JobRecord) -> None:
        shutil.rmtree(self._folder / job.id, ignore_errors=True)


def _queued_or_skipped(job: JobRecord, output: Output, source: Source) -> OutputState:
    is_wanted = output.condition is None or output.condition(source.facts.variables())
    return replace(job.output(output.key), stage="queued" if is_wanted else "skipped")
