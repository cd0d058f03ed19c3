"""The life of one upload: everything that any source says about it, in the order of time. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime

from chaos.checker.world import World

_Entry = tuple[float, str, str]


def life(world: World, video_id: str) -> list[str]:
    """Return a line for each entry: when, who says so, and what."""
    own = sorted(_entries(world, video_id))
    if not own:
        return ["no source mentions it"]
    began, ended = own[0][0], own[-1][0]
    faults = [
        (fault.at, "fault", f"{fault.kind} of {fault.target}, for {max(0.0, fault.until - fault.at):.1f} s")
        for fault in world.faults
        if fault.overlaps(began, ended)
    ]
    return [f"{clock(at)} {source:<12} {text}" for at, source, text in sorted(own + faults)]


def clock(at: float) -> str:
    """Return a time of day with milliseconds, as the logs have it."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


def _entries(world: World, video_id: str) -> Iterator[_Entry]:
    yield from ((a.at, "client", f"{a.client} {a.did}") for a in world.actions if a.video_id == video_id)
    for answer in world.answers:
        if answer.video_id == video_id:
            got = f"{answer.status or 'no answer'} {answer.code or ''}".rstrip()
            yield answer.at, "answer", f"{answer.client} {answer.method} {answer.path.partition('?')[0]}: {got}"
    for line in world.history_of.get(video_id, ()):
        what = f"revision {line.observed_revision}: {line.phase}/{line.reason}, attempt {line.attempt}, by {line.cause}"
        yield line.at, "history", f"{what}: {line.message}"
    for request in world.requests_of.get(video_id, ()):
        yield request.at, "request", f"{request.kind} {request.number}"
    for attempt in world.attempts_of.get(video_id, ()):
        yield attempt.intended_at, "attempt", f"{attempt.attempt} intended for edition {attempt.edition}"
        if attempt.settled_at is not None:
            answer_text = f": {attempt.answer}" if attempt.answer else ""
            text = f"{attempt.attempt} {attempt.state}, job {attempt.job_id}{answer_text}"
            yield attempt.settled_at, "attempt", text
    for job in world.jobs_of.get(video_id, ()):
        yield job.accepted_at, "ledger", f"job {job.job_id} accepted for attempt {job.attempt}; {job.status}"
    for claim in world.claims:
        if claim.video_id == video_id:
            yield claim.claimed_at, "claim", f"job {claim.job_id} for attempt {claim.attempt}"
    for event in world.events:
        if event.name == video_id:
            yield event.at, "Event", f"{event.reason}: {event.message}"
    for row in world.notifications:
        if row.video_id == video_id:
            yield row.created_at, "notification", f"{row.kind} of edition {row.edition}, {row.notification_id}"
    for receipt in world.receipts:
        if receipt.video_id == video_id:
            yield receipt.at, "receipt", f"{receipt.type} of edition {receipt.edition}, {receipt.notification_id}"
    if video_id in world.tombstones:
        yield world.tombstones[video_id].purged_at, "tombstone", "purged"
