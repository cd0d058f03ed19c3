"""Publishes and unpublishes: commits the verified outputs, writes the stable files, withdraws them after a deletion."""

from dataclasses import replace

from controller.actions.context import ReconcileContext, Requeue, Result
from controller.rules.deadlines import is_final, is_over
from controller.rules.steps import Publish, Republish
from controller.rules.submission import unpublished
from domain.errors import UpstreamError
from domain.records import AttemptState, Settle
from domain.schedule import deadline_at
from domain.stable_playlist import playlist_of
from domain.video import Phase, Published, Reason

# A move takes two requests, eight files at a time, and a pass must end within the shutdown grace period.
_FILES_IN_A_PASS = 400


def publish(step: Publish, ctx: ReconcileContext) -> Result:
    """Commit the outputs that the stable playlist is to show; the next step writes the playlist."""
    observed, message = ctx.row.observed, "the outputs are complete and being published"
    if step.outputs.poster_key is not None:
        try:
            ctx.deps.storage.publish_poster(
                ctx.row.desired.video_id, step.outputs.poster_key, is_private=observed.is_private
            )
        except UpstreamError:
            if not is_final(ctx.row, ctx.now, ctx.deps.policy.timing):
                raise
            return ctx.fail(unpublished(ctx.row))
    published = Published(
        edition=observed.edition,
        attempt=step.attempt,
        duration_seconds=step.outputs.duration_seconds,
        renditions=step.outputs.renditions,
        has_poster=step.outputs.poster_key is not None,
        profile=observed.ordered.name if observed.ordered else None,
        profile_hash=observed.ordered.hash if observed.ordered else None,
        has_storyboard=step.outputs.has_storyboard,
        mp4_heights=step.outputs.mp4_heights,
    )
    if observed.phase is Phase.PROCESSING:
        # A new deadline, so that a job that finished during a long outage is still published.
        ends_at = deadline_at(Phase.PROCESSING, ctx.now, ctx.deps.policy.timing)
        after = replace(ctx.showing(Reason.PUBLISHING, message), deadline_at=ends_at)
    else:
        after = ctx.entering(Phase.PROCESSING, Reason.PUBLISHING, message)
    settled = Settle(step.attempt, AttemptState.COMPLETED, ctx.now, minutes=step.outputs.billed_minutes)
    return ctx.commit(replace(after, published=published), Requeue.NOW, settled)


def write_playlist(ctx: ReconcileContext) -> Result:
    """Write the stable playlist of the committed outputs, read it back, and end in `ready`."""
    return _ended_without_playlist(ctx) or finish(ctx)


def _ended_without_playlist(ctx: ReconcileContext) -> Result | None:
    """Write the stable playlist and read it back. Return how the pass ends if storage does not show what was written.

    After the deadline, a playlist that storage takes and does not show again ends the upload.
    """
    published = ctx.row.observed.published
    if published is None:
        return Result(ctx.row, Requeue.BACKOFF)
    video_id, is_private = ctx.row.desired.video_id, ctx.row.observed.is_private
    text, is_last = playlist_of(ctx.row, published), is_over(ctx.row, ctx.now)
    try:
        ctx.deps.storage.write_playlist(video_id, text, is_private=is_private)
        is_lost = ctx.deps.storage.read_playlist(video_id, is_private=is_private) != text
    except UpstreamError:
        if not is_final(ctx.row, ctx.now, ctx.deps.policy.timing):
            raise
        is_lost = True
    if not is_lost:
        return None
    return ctx.fail(unpublished(ctx.row)) if is_last else Result(ctx.row, Requeue.BACKOFF)


def finish(ctx: ReconcileContext) -> Result:
    """End in `ready`: the stable playlist was read back."""
    after = ctx.entering(Phase.READY, Reason.PUBLISHED, "the video is playable")
    return ctx.commit(replace(after, is_playable=True, progress_percent=100))


def republish(step: Republish, ctx: ReconcileContext) -> Result:
    """Write the stable files of a restored video again, the playlist last, and record that they were read back."""
    if step.poster_key is not None:
        ctx.deps.storage.publish_poster(
            ctx.row.desired.video_id, step.poster_key, is_private=ctx.row.observed.is_private
        )
    return _ended_without_playlist(ctx) or mark_playable(ctx)


def mark_playable(ctx: ReconcileContext) -> Result:
    """Record that a restored video can be played: its stable playlist was read back."""
    return ctx.commit(replace(ctx.row.observed, is_playable=True))


def unpublish(ctx: ReconcileContext) -> Result:
    """Record that a deleted video cannot be played, and is being withdrawn, before its first file is moved."""
    return ctx.commit(replace(ctx.row.observed, is_playable=False, is_withdrawn=True), Requeue.NOW)


def withdraw(ctx: ReconcileContext) -> Result:
    """Mark the deletion, remove the stable files of the video, and move some of the others out of reach.

    With the mark, a dump older than the deletion does not undo it. Segments have names that can be guessed from a
    playlist that was read once, so removing playlists is not enough.
    """
    ctx.deps.storage.mark_deleted(ctx.row.desired.video_id, ctx.row.desired.revision)
    ctx.deps.storage.remove_published(ctx.row.desired.video_id, is_private=ctx.row.observed.is_private)
    ctx.deps.storage.withdraw(ctx.row.desired.video_id, at_most=_FILES_IN_A_PASS)
    return Result(ctx.row, Requeue.NOW)


def bring_back_again(ctx: ReconcileContext) -> Result:
    """Record that files of a restored video are withdrawn after all; the next passes bring them back."""
    return ctx.commit(replace(ctx.row.observed, is_withdrawn=True), Requeue.NOW)


def bring_back(ctx: ReconcileContext) -> Result:
    """Move some files of a restored video back, at last the mark; the next pass then writes the stable ones."""
    video_id, is_private = ctx.row.desired.video_id, ctx.row.observed.is_private
    if not ctx.deps.storage.bring_back(video_id, at_most=_FILES_IN_A_PASS, is_private=is_private):
        return Result(ctx.row, Requeue.NOW)
    ctx.deps.storage.unmark_deleted(video_id)
    return ctx.commit(replace(ctx.row.observed, is_withdrawn=False), Requeue.NOW)
