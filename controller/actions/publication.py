"""Doing what viewers see: the outputs go on record, the stable files follow, and go again when a video is deleted."""

from dataclasses import replace

from controller.actions.context import Next, Outcome, Pass
from controller.rules.steps import Publish, Republish
from controller.rules.submission import is_over, unpublished
from domain.errors import UpstreamError
from domain.records import AttemptState, Settle
from domain.schedule import deadline_at
from domain.stable_playlist import stable_playlist
from domain.video import Phase, Published, Reason


def publish(step: Publish, this: Pass) -> Outcome:
    """Put complete outputs on record as what the stable playlist shows; the playlist itself is the next step."""
    observed, message = this.row.observed, "the outputs are complete and being published"
    if step.outputs.poster_key is not None:
        try:
            this.world.storage.publish_poster(this.row.desired.video_id, step.outputs.poster_key)
        except UpstreamError:
            if not is_over(this.row, this.now):
                raise
            return this.fail(unpublished(this.row))
    published = Published(
        edition=observed.edition,
        attempt=step.attempt,
        duration_seconds=step.outputs.duration_seconds,
        renditions=step.outputs.renditions,
        has_poster=step.outputs.poster_key is not None,
    )
    if observed.phase is Phase.PROCESSING:
        # Its own deadline: a job found finished after a long outage is published all the same.
        ends_at = deadline_at(Phase.PROCESSING, this.now, this.world.rules.timing)
        after = replace(this.showing(Reason.PUBLISHING, message), deadline_at=ends_at)
    else:
        after = this.entering(Phase.PROCESSING, Reason.PUBLISHING, message)
    settled = Settle(step.attempt, AttemptState.COMPLETED, this.now)
    return this.commit(replace(after, published=published), Next.AT_ONCE, settled)


def write_playlist(this: Pass) -> Outcome:
    """Make the stable playlist show what is on record; the next pass reads it back.

    After the deadline this pass is the last one that tries.
    """
    published = this.row.observed.published
    if published is None:
        return Outcome(this.row, Next.SOON)
    text, is_last = stable_playlist(published), is_over(this.row, this.now)
    try:
        this.world.storage.write_playlist(this.row.desired.video_id, text)
        is_lost = is_last and this.world.storage.read_playlist(this.row.desired.video_id) != text
    except UpstreamError:
        if not is_last:
            raise
        is_lost = True
    return this.fail(unpublished(this.row)) if is_lost else Outcome(this.row, Next.SOON)


def finish(this: Pass) -> Outcome:
    """End in `ready`: the stable playlist was read back."""
    after = this.entering(Phase.READY, Reason.PUBLISHED, "the video is playable")
    return this.commit(replace(after, is_playable=True, progress_percent=100))


def republish(step: Republish, this: Pass) -> Outcome:
    """Bring the stable files of a restored video back, the playlist last."""
    if step.poster_key is not None:
        this.world.storage.publish_poster(this.row.desired.video_id, step.poster_key)
    return write_playlist(this)


def unpublish(this: Pass) -> Outcome:
    """Withdraw the stable files of a deleted video. What its jobs wrote stays for a restore."""
    this.world.storage.remove_published(this.row.desired.video_id)
    return this.commit(replace(this.row.observed, is_playable=False))
