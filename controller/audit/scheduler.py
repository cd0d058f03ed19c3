"""When the operator audits: threads of its own, slow enough that no pass ever waits for them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from controller.audit.limits import AuditSchedule
from controller.audit.metrics import FULL, LIGHT, AuditMetrics
from controller.audit.runner import Audit, AuditRun, AuditStoppedError
from domain.errors import UpstreamError

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class AuditJob:
    """One kind of turn, and when it comes. ``again_seconds``: after one that was put off."""

    name: str
    turn: Callable[[AuditRun], None]
    first_seconds: float
    every_seconds: float
    again_seconds: float
    per_second: float


def audit_threads(
    stop: threading.Event, audit: Audit, schedule: AuditSchedule, noted: AuditMetrics
) -> list[threading.Thread]:
    """Return the threads of both turns; each ends with ``stop``."""
    light, full, first = schedule.light_seconds, schedule.full_seconds, schedule.first_full_seconds
    rotas = (
        AuditJob(LIGHT, audit.light, 0, light, light, schedule.playlists_per_second),
        AuditJob(FULL, audit.full, first, full, first, schedule.videos_per_second),
    )
    return [threading.Thread(target=turn_until, name=f"audit-{rota.name}", args=(stop, rota, noted)) for rota in rotas]


def paced(stop: threading.Event, per_second: float) -> Callable[[], None]:
    """Return a pause between two looks, which ends the turn when ``stop`` is set."""

    def pause() -> None:
        if stop.wait(1 / per_second):
            raise AuditStoppedError

    return pause


def turn_until(stop: threading.Event, rota: AuditJob, metrics: AuditMetrics) -> None:
    """Make one turn after the other until ``stop``; each begins some time after the last has ended."""
    seconds = rota.first_seconds
    while not stop.wait(seconds):
        seconds = rota.every_seconds
        turn = AuditRun(may_repair=True, pause=paced(stop, rota.per_second))
        try:
            rota.turn(turn)
        except AuditStoppedError:
            return
        except UpstreamError as error:
            log.warning("audit_put_off", turn=rota.name, why=str(error))
            metrics.note(rota.name, turn.report, result="put_off")
            seconds = rota.again_seconds
        except Exception:
            # The next turn begins at another row, and may get further.
            log.exception("audit_broke", turn=rota.name)
            metrics.note(rota.name, turn.report, result="broke")
        else:
            metrics.note(rota.name, turn.report, result="done")
            _tell(rota.name, turn)


def _tell(name: str, turn: AuditRun) -> None:
    report = turn.report
    if report.found or report.unchecked:
        found = {str(kind): count for kind, count in report.found.items()}
        log.warning("audit_found", turn=name, repaired=report.done.total(), unchecked=len(report.unchecked), **found)
