"""What a run amounts to in numbers. Pure."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chaos.checker.checks.jobs import paid_attempts
from chaos.checker.journeys import Journey, journeys
from chaos.checker.world import World


@dataclass(frozen=True)
class Quantiles:
    """The median, the 99th percentile and the largest of some seconds."""

    count: int
    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Quantiles | None":
        """Summarise; None if there is nothing."""
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(len(ordered), *(round(_quantile(ordered, part), 2) for part in (0.5, 0.99, 1.0)))


def _quantile(ordered: Sequence[float], part: float) -> float:
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


@dataclass(frozen=True)
class Doubled:
    """Jobs that were paid for in vain: their answer was lost, and another was bought."""

    uncertain: int
    jobs: int
    minutes: float


@dataclass(frozen=True)
class Figures:
    """The figures of a run. ``converge_by_fault``: of the uploads that met a fault of that kind."""

    uploads: int
    phases: Mapping[str, int]
    faults: Mapping[str, int]
    killed: Mapping[str, int]
    converge: Quantiles | None
    converge_by_fault: Mapping[str, Quantiles]
    jobs: int
    jobs_per_upload: Mapping[int, int]
    submissions_per_upload: Mapping[int, int]
    doubled: Doubled
    repairs: Mapping[str, int]
    orphans: int
    quarantined: int
    answers: Mapping[str, int]
    notifications: int
    deliveries_waiting: int


def figures(world: World, *, orphans: int) -> Figures:
    """Return the figures of a run. ``orphans``: how many the check of the bucket reports."""
    ways = [journey for journey in journeys(world) if journey.ended_at is not None and not journey.is_held]
    arrived = {receipt.notification_id for receipt in world.receipts}
    waiting = [one for one in world.deliveries if one.state == "pending" and one.notification_id not in arrived]
    return Figures(
        uploads=len(world.videos) + len(world.tombstones.keys() - world.videos.keys()),
        phases=_counted([_shown(world, video_id) for video_id in {*world.videos, *world.tombstones}]),
        faults=_counted(fault.kind for fault in world.faults),
        killed=_counted(fault.target for fault in world.faults if fault.kind == "kill"),
        converge=Quantiles.of(journey.seconds(0) for journey in ways),
        converge_by_fault=_by_fault(world, ways),
        jobs=len(world.ledger),
        jobs_per_upload=_counted(len(world.jobs_of.get(video_id, ())) for video_id in world.videos),
        submissions_per_upload=_counted(paid_attempts(world, video_id) for video_id in world.videos),
        doubled=_doubled(world),
        repairs=_counted(_repairs(world)),
        orphans=orphans,
        quarantined=len(world.quarantined),
        answers=_counted(str(answer.status or "none") for answer in world.answers),
        notifications=len(world.notifications),
        deliveries_waiting=len(waiting),
    )


def _shown(world: World, video_id: str) -> str:
    video = world.videos.get(video_id)
    if video is None:
        return "purged"
    return "deleted" if video.deleted else video.shown_phase


def _counted(values: Iterable) -> dict:  # type: ignore[type-arg]
    return dict(sorted(Counter(values).items()))


def _by_fault(world: World, ways: Sequence[Journey]) -> dict[str, Quantiles]:
    by_kind = dict[str, Quantiles]()
    for kind in sorted({fault.kind for fault in world.faults}):
        faults = [fault for fault in world.faults if fault.kind == kind]
        quantiles = Quantiles.of(
            way.seconds(0)
            for way in ways
            if any(fault.overlaps(way.begun_at, way.ended_at or way.begun_at) for fault in faults)
        )
        if quantiles is not None:
            by_kind[kind] = quantiles
    return by_kind


def _doubled(world: World) -> Doubled:
    """Count the jobs paid for in vain. Each is taken to have billed as much as the job that was used."""
    abandoned = {(one.video_id, one.attempt) for one in world.attempts if one.state == "abandoned"}
    useless = [job for job in world.ledger if (job.video_id, job.attempt) in abandoned]
    minutes = {one.video_id: one.minutes for one in world.attempts if one.state == "completed"}
    uncertain = {(line.video_id, line.attempt) for line in world.history if line.reason == "SubmissionUncertain"}
    return Doubled(len(uncertain | abandoned), len(useless), round(sum(minutes.get(j.video_id, 0) for j in useless), 2))


def _repairs(world: World) -> Iterator[str]:
    """Yield what the audit repaired, what was learnt from the bucket, and the steps that a resync brought about."""
    for line in world.history:
        if "made after the dump" in line.message:
            yield "learnt from the bucket"
        elif line.cause == "sweep":
            yield "steps that a resync woke"
    for lines in world.logs.values():
        for text in lines:
            if "audit_repaired" in text:
                yield f"audit: {_finding(text)}"


def _finding(text: str) -> str:
    try:
        return str(json.loads(text).get("finding", "unknown"))
    except ValueError:
        return "unknown"
