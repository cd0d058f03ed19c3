"""The operator's audit threads. They are paced, so that passes never wait for them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from controller.audit.limits import AuditSchedule
from controller.audit.metrics import ERROR, FULL, LIGHT, PANIC, SUCCESS, AuditMetrics
from controller.audit.runner import Audit, AuditRun, AuditStoppedError
from domain.errors import UpstreamError
from runtime import heartbeats
from runtime.heartbeats import Heartbeats

log = structlog.get_logger(__name__)

# From one check to the next: a long video has thousands of files, and storage may be slow to list them.
_ROUND_SECONDS = 600.0


@dataclass(frozen=True)
class AuditJob:
    """A mode of the audit and its schedule. ``retry_seconds``: the pause after a run that an upstream cut short."""

    mode: str
    audit: Callable[[AuditRun], None]
    first_seconds: float
    every_seconds: float
    retry_seconds: float
    per_second: float


def audit_threads(
    stop: threading.Event, audit: Audit, schedule: AuditSchedule, metrics: AuditMetrics, beats: Heartbeats
) -> list[threading.Thread]:
    """Return one thread for each mode; both end with ``stop``."""
    light, full, first = schedule.light_seconds, schedule.full_seconds, schedule.first_full_seconds
    jobs = (
        AuditJob(LIGHT, audit.light, 0, light, light, schedule.playlists_per_second),
        AuditJob(FULL, audit.full, first, full, first, schedule.videos_per_second),
    )
    return [
        beats.thread(f"audit-{job.mode}", partial(audit_until, stop, job, metrics), at_most_seconds=_ROUND_SECONDS)
        for job in jobs
    ]


def paced(stop: threading.Event, per_second: float) -> Callable[[], None]:
    """Return a function that pauses between two checks, and ends the run when ``stop`` is set."""

    def pause() -> None:
        if heartbeats.wait(stop, 1 / per_second):
            raise AuditStoppedError

    return pause


def audit_until(stop: threading.Event, job: AuditJob, metrics: AuditMetrics) -> None:
    """Run the audit repeatedly until ``stop``. The interval counts from the end of the last run."""
    seconds = job.first_seconds
    while not heartbeats.wait(stop, seconds):
        seconds = job.every_seconds
        run = AuditRun(may_repair=True, pause=paced(stop, job.per_second))
        try:
            job.audit(run)
        except AuditStoppedError:
            return
        except UpstreamError as error:
            log.warning("audit_interrupted", mode=job.mode, error=str(error))
            metrics.run_ended(job.mode, run.report, result=ERROR)
            seconds = job.retry_seconds
        except Exception:
            # The next run begins at another row, and may get further.
            log.exception("audit_failed", mode=job.mode)
            metrics.run_ended(job.mode, run.report, result=PANIC)
        else:
            metrics.run_ended(job.mode, run.report, result=SUCCESS)
            _log_findings(job.mode, run)


def _log_findings(mode: str, run: AuditRun) -> None:
    report = run.report
    if report.found or report.unchecked:
        found = {str(kind): count for kind, count in report.found.items()}
        log.warning(
            "audit_completed", mode=mode, repaired=report.applied.total(), unchecked=len(report.unchecked), **found
        )
