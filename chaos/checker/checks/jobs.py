"""Invariant 1: what was paid for at Coconut, against what was recorded and requested."""

from collections import Counter
from collections.abc import Iterator

from chaos.checker.violation import Rule, Violation
from chaos.checker.world import Attempt, VideoRecord, World

# How clients note what they requested.
_WORDS = {"retry": ("retry", "retried"), "retranscode": ("retranscod",)}
# A job is known for these.
_ACCEPTED = frozenset({"accepted", "completed", "failed"})


def check(world: World) -> Iterator[Violation]:
    """Compare ledger, attempts and requests."""
    yield from _doubled(world)
    yield from _unrecorded(world)
    yield from _invented(world)
    for video in world.videos.values():
        yield from _beyond_budget(video, world)


def _doubled(world: World) -> Iterator[Violation]:
    for (video_id, attempt), jobs in Counter((job.video_id, job.attempt) for job in world.ledger).items():
        if jobs > 1:
            yield Violation(Rule.PAID_ONCE, f"{jobs} jobs were accepted for attempt {attempt}", video_id)


def _unrecorded(world: World) -> Iterator[Violation]:
    for job in world.ledger:
        last = world.last_attempt(job.video_id)
        if last is None and not world.is_lost_with_dump(job.accepted_at):
            yield Violation(Rule.PAID_ONCE, f"job {job.job_id} is for a video without a row", job.video_id)
        elif last is not None and (job.attempt is None or not 1 <= job.attempt <= last):
            text = f"job {job.job_id} is for attempt {job.attempt}, but the newest attempt is {last}"
            yield Violation(Rule.PAID_ONCE, text, job.video_id)


def _invented(world: World) -> Iterator[Violation]:
    """Find attempts whose job the ledger does not have: something believed a forged callback."""
    accepted = {job.job_id: (job.video_id, job.attempt) for job in world.ledger}
    for attempt in world.attempts:
        if attempt.job_id is not None and accepted.get(attempt.job_id) != (attempt.video_id, attempt.attempt):
            text = f"attempt {attempt.attempt} has job {attempt.job_id}, which Coconut did not accept for it"
            yield Violation(Rule.PAID_ONCE, text, attempt.video_id)


def _beyond_budget(video: VideoRecord, world: World) -> Iterator[Violation]:
    run, video_id = world.run, video.video_id
    paid, allowed = paid_attempts(world, video_id), run.max_submissions * (video.edition + video.retries)
    if paid > allowed:
        text = f"{paid} submissions were made, and {allowed} are allowed for {video.edition} editions and "
        yield Violation(Rule.PAID_ONCE, f"{text}{video.retries} retries", video_id)
    if video.heals > run.max_heals:
        yield Violation(Rule.PAID_ONCE, f"the audit requested {video.heals} editions of {run.max_heals}", video_id)
    if video.is_import:
        return
    for kind, number in (("retranscode", video.edition - 1 - video.heals), ("retry", video.retries)):
        requested = _requested(world, video_id, kind)
        if number > requested:
            text = f"clients requested {requested} of the kind {kind}, but the row counts {number}"
            yield Violation(Rule.PAID_ONCE, text, video_id)


def _requested(world: World, video_id: str, kind: str) -> int:
    """Return how often clients asked. A request whose answer was lost may have been carried out."""
    sent = [
        answer
        for answer in world.answers
        if answer.method == "POST"
        and answer.video_id == video_id
        and answer.path.partition("?")[0].endswith(f"/{kind}")
    ]
    carried_out = [answer for answer in sent if answer.status is None or not 400 <= answer.status < 500]
    words = _WORDS[kind]
    noted = [action for action in world.actions if action.video_id == video_id and action.did.startswith(words)]
    return max(len(carried_out), len(noted))


def paid_attempts(world: World, video_id: str) -> int:
    """Return how many submissions count: those that one outage of Coconut left uncertain count as one."""
    attempts = [attempt for attempt in world.attempts_of.get(video_id, ()) if attempt.state != "refused"]
    return sum(not _is_repeated(attempt, attempts[:number], world) for number, attempt in enumerate(attempts))


def _is_repeated(attempt: Attempt, earlier: list[Attempt], world: World) -> bool:
    """Return whether an attempt was lost in an outage that had already cost one of the same edition."""
    return attempt.state == "abandoned" and any(
        before.state == "abandoned"
        and before.answer is not None
        and before.edition == attempt.edition
        and not _was_any_accepted(world, before.intended_at, attempt.intended_at)
        for before in earlier
    )


def _was_any_accepted(world: World, since: float, until: float) -> bool:
    return any(one.state in _ACCEPTED and since <= one.intended_at < until for one in world.attempts)
