"""The real audit over a world in memory, reached through the kill switch."""

from dataclasses import replace

from controller.audit.dependencies import AuditDependencies
from controller.audit.findings import Entry, FindingType, Report
from controller.audit.limits import AuditRules
from controller.audit.runner import Audit, AuditRun
from domain import object_keys
from domain.records import VideoRow
from tests.support.fakes.audit import FakeAuditedRows
from tests.support.fakes.storage import StoredObject
from tests.support.world.kill_switch import through
from tests.support.world.world import InMemoryWorld


class Auditor:
    """One audit of one small world, and what it may change."""

    def __init__(self, world: InMemoryWorld, rules: AuditRules | None = None) -> None:
        self.world = world
        self.rows = FakeAuditedRows(world.records, world.clock.now)
        self.rules = rules or AuditRules()
        storage = through(world.kill_switch, world.storage)
        self.deps = AuditDependencies(
            through(world.kill_switch, self.rows), storage, storage, through(world.kill_switch, world.records)
        )
        self.audit = Audit(self.deps, self.rules, clock=world.clock.now)

    def full(self, *, may_repair: bool = True, may_purge: bool = False) -> Report:
        """Compare everything."""
        run = AuditRun(may_repair=may_repair, may_purge=may_purge)
        self.audit.full(run)
        return run.report

    def light(self) -> Report:
        """Compare the stable playlists of the working set."""
        run = AuditRun(may_repair=True)
        self.audit.light(run)
        return run.report

    def everything(self) -> tuple[object, ...]:
        """Return all that an audit could change."""
        return (
            dict(self.world.records.rows),
            dict(self.world.storage.raw),
            dict(self.world.storage.processed),
            dict(self.world.storage.marked),
            dict(self.rows.in_quarantine),
            dict(self.rows.heals),
        )

    def objects(self) -> dict[str, StoredObject]:
        """Return everything in the bucket."""
        return self.world.storage.raw | self.world.storage.processed | self.world.storage.marked


def kinds(report: Report) -> set[FindingType]:
    """Return what was found."""
    return set(report.found)


def entry_of(report: Report, kind: FindingType) -> Entry:
    """Return the one entry of a kind."""
    (entry,) = [entry for entry in report.entries if entry.finding.kind is kind]
    return entry


def copied(world: InMemoryWorld, row: VideoRow, video_id: str) -> VideoRow:
    """Put another video beside ``row``, with the same life and the same files."""
    key = row.desired.storage_key.replace(row.desired.video_id, video_id)
    desired = replace(row.desired, video_id=video_id, storage_key=key)
    source = row.observed.source
    if source is not None and source.key is not None:
        source = replace(source, key=source.key.replace(row.desired.video_id, video_id))
    world.records.rows[video_id] = replace(row, desired=desired, observed=replace(row.observed, source=source))
    for of, attempt in list(world.records.attempts.items()):
        if of[0] == row.desired.video_id:
            job_id = f"{attempt.job_id}-of-{video_id}" if attempt.job_id else None
            world.records.attempts[video_id, of[1]] = replace(attempt, video_id=video_id, job_id=job_id)
    for store, prefix in (
        (world.storage.raw, object_keys.original_prefix),
        (world.storage.raw, object_keys.kept_prefix),
        (world.storage.processed, object_keys.video_prefix),
        (world.storage.marked, object_keys.marks_prefix),
    ):
        old, new = prefix(row.desired.video_id), prefix(video_id)
        store |= {key.replace(old, new): body for key, body in store.items() if key.startswith(old)}
    return world.records.rows[video_id]
