"""The life of a job, from accepted to completed or failed. Few work at once; the others wait, as ids only.

A job's state is saved at every step, so that a restart takes up whatever had not ended.
"""

import json
import logging
import shutil
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from devstack.coconut.buckets import InputError, StorageError, download, object_url, touch, upload
from devstack.coconut.callbacks import Callbacks
from devstack.coconut.canned import Canned
from devstack.coconut.delayed import DelayedQueue
from devstack.coconut.faults import Fate
from devstack.coconut.ffmpeg import AT_ONCE, Ffmpeg, FfmpegError, StoppedError
from devstack.coconut.job import UP_TO_WORK, Event, Job, OutputState
from devstack.coconut.outputs import Output
from devstack.coconut.progress import Meter, progress
from devstack.coconut.request import JobRequest, parse_request
from devstack.coconut.store import MAX_JOBS, Store
from devstack.coconut.transcode import Made, Source, make

CANNED_AT_ONCE = 4
STOP_SECONDS = 5
ENCODING_ERROR = "The media file couldn't be encoded because of a FFmpeg error."
NOT_MEDIA_ERROR = "The input file is not a valid media file."

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """One turn of a job at a worker: an id, since many may wait. With a source the input is already here."""

    job_id: str
    source: Source | None = None


@dataclass(frozen=True)
class Order:
    """What was asked for, and what will befall it."""

    request: JobRequest
    fate: Fate


class Runner:
    def __init__(self, *, store: Store, callbacks: Callbacks, ffmpeg: Ffmpeg, folder: Path) -> None:
        self._store = store
        self._callbacks = callbacks
        self._ffmpeg = ffmpeg
        self._folder = folder / "work"
        self._canned = Canned(folder / "canned", ffmpeg)
        self._queue: DelayedQueue[Turn] = DelayedQueue(at_most=MAX_JOBS)
        # Workers of their own: a canned job must not wait for an encoding of minutes.
        self._canned_queue: DelayedQueue[Turn] = DelayedQueue(at_most=MAX_JOBS)
        queues = [self._queue] * AT_ONCE + [self._canned_queue] * CANNED_AT_ONCE
        self._threads = [threading.Thread(target=self._work, args=(queue,), daemon=True) for queue in queues]

    def start(self) -> None:
        """Take up what had not ended, and begin to work."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        for job_id, fate in self._store.unfinished():
            self.submit(job_id, fate)
        for thread in self._threads:
            thread.start()

    def submit(self, job_id: str, fate: Fate) -> None:
        self._queue_for(fate).put(Turn(job_id))

    def stop(self) -> None:
        """End at once. What was under way is taken up at the next start."""
        self._queue.close()
        self._canned_queue.close()
        self._ffmpeg.stop()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _queue_for(self, fate: Fate) -> DelayedQueue[Turn]:
        return self._canned_queue if fate.is_canned else self._queue

    def _work(self, queue: DelayedQueue[Turn]) -> None:
        while (turn := queue.get()) is not None:
            accepted = self._store.accepted(turn.job_id)
            if accepted is None:
                # So many jobs came after it that it is forgotten.
                self._forget_input(turn.job_id)
                continue
            try:
                order = Order(parse_request(json.loads(accepted.request_text)), accepted.fate)
            except Exception:
                # Accepted by an earlier version of ours. It must not take the worker with it either.
                _log.exception("job %s can no longer be read", turn.job_id)
                self._saved(_ended(accepted.job))
                continue
            try:
                self._take(accepted.job, order, turn.source)
            except StoppedError:
                return
            except Exception:
                # One job that surprises us must not take a worker away from the others.
                _log.exception("job %s failed in an unforeseen way", turn.job_id)
                self._end(self._store.job(turn.job_id) or accepted.job, order)

    def _take(self, job: Job, order: Order, source: Source | None) -> None:
        if source is None:
            job, source = self._transfer(job.restarted(), order)
            if source is None:
                return
            if order.fate.is_stuck:
                self._forget_input(job.id)
                return
            if order.fate.slow_seconds:
                # The wait holds no worker: any number of slow jobs can be under way.
                self._queue_for(order.fate).put(Turn(job.id, source), delay_seconds=order.fate.slow_seconds)
                return
        for output in order.request.outputs:
            if not job.output(output.key).is_final:
                job = self._output(job, output, order, source)
        self._end(job, order)

    def _transfer(self, job: Job, order: Order) -> tuple[Job, Source | None]:
        job = self._saved(job.model_copy(update={"input_status": "input.transferring"}))
        try:
            source = self._source(job, order)
        except InputError as error:
            self._fail_input(job, order, str(error))
            return job, None
        except ValueError:
            self._fail_input(job, order, NOT_MEDIA_ERROR)
            return job, None
        filename = order.request.source.object_key or "input"
        job = self._saved(
            job.model_copy(
                update={
                    "status": "job.processing",
                    "input_status": "input.transferred",
                    "input_metadata": source.facts.metadata(filename),
                    "outputs": tuple(_judged(job, output, source) for output in order.request.outputs),
                },
            ),
        )
        self._tell(job, "input.transferred", order)
        return job, source

    def _source(self, job: Job, order: Order) -> Source:
        if order.fate.is_canned:
            touch(order.request.source)
            return self._canned.source()
        folder = self._folder / job.id
        folder.mkdir(exist_ok=True)
        path = folder / "input"
        download(order.request.source, path)
        return Source(path, self._ffmpeg.facts(path))

    def _fail_input(self, job: Job, order: Order, error: str) -> None:
        update = {"input_status": "input.failed", "input_error": error}
        self._end(job.model_copy(update=update), order)

    def _output(self, job: Job, output: Output, order: Order, source: Source) -> Job:
        for stage in UP_TO_WORK[output.kind]:
            job = self._staged(job, job.output(output.key).model_copy(update={"stage": stage}))
        meter = Meter(self._store, job, order.request)
        try:
            made = self._made(output, order, source, meter)
            job = self._staged(meter.job, meter.job.output(output.key).model_copy(update={"stage": "packaging"}))
            upload(order.request.storage, made.files)
        except FfmpegError as error:
            _log.warning("job %s, output %s: %s", job.id, output.key, error)
            return self._failed(meter.job, output, order, ENCODING_ERROR)
        except StorageError as error:
            return self._failed(job, output, order, str(error))
        urls = tuple(object_url(order.request.storage, entry) for entry in made.entries)
        done = {"stage": "done", "urls": urls, "metadata": made.metadata}
        job = self._staged(job, job.output(output.key).model_copy(update=done), order=order)
        self._tell(job, "output.completed", order, key=output.key)
        return job

    def _made(self, output: Output, order: Order, source: Source, meter: Meter) -> Made:
        if order.fate.fails and output.key in _doomed(order.request, meter.job):
            raise FfmpegError("the fault 'fail' is on")
        if order.fate.is_canned:
            return self._canned.make(output)
        folder = self._folder / meter.job.id / f"output-{order.request.outputs.index(output)}"
        folder.mkdir()
        return make(output, source, folder, self._ffmpeg, lambda fraction: meter.show(output, fraction))

    def _failed(self, job: Job, output: Output, order: Order, error: str) -> Job:
        failed = job.output(output.key).model_copy(update={"stage": "failed", "error": error})
        job = self._staged(job, failed, order=order)
        self._tell(job, "output.failed", order, key=output.key)
        return job

    def _end(self, job: Job, order: Order) -> None:
        self._forget_input(job.id)
        ended = self._saved(_ended(job))
        self._tell(ended, "job.completed" if ended.status == "job.completed" else "job.failed", order)

    def _staged(self, job: Job, output: OutputState, *, order: Order | None = None) -> Job:
        job = job.with_output(output)
        if order is not None:
            job = job.model_copy(update={"progress_percent": progress(job, order.request)})
        return self._saved(job)

    def _saved(self, job: Job) -> Job:
        self._store.save(job)
        return job

    def _tell(self, job: Job, event: Event, order: Order, *, key: str = "") -> None:
        self._callbacks.tell(job, event, order.request.notification, key=key, number=order.fate.number)

    def _forget_input(self, job_id: str) -> None:
        shutil.rmtree(self._folder / job_id, ignore_errors=True)


def _judged(job: Job, output: Output, source: Source) -> OutputState:
    wanted = output.condition is None or output.condition(source.facts.variables())
    return job.output(output.key).model_copy(update={"stage": "queued" if wanted else "skipped"})


def _ended(job: Job) -> Job:
    """Return the job at its end: completed only if nothing is missing."""
    is_good = all(output.stage in {"done", "skipped"} for output in job.outputs)
    outputs = tuple(
        output if output.is_final else output.model_copy(update={"stage": "aborted"}) for output in job.outputs
    )
    return job.model_copy(
        update={
            "status": "job.completed" if is_good else "job.failed",
            "completed_at": datetime.now(UTC),
            "progress_percent": 100,
            "outputs": outputs,
        },
    )


def _doomed(request: JobRequest, job: Job) -> set[str]:
    """With the fault ``fail`` the videos fail and the images are written: so it looks when it happens."""
    wanted = [output for output in request.outputs if job.output(output.key).stage != "skipped"]
    videos = {output.key for output in wanted if output.kind != "image"}
    return videos or {output.key for output in wanted}
