"""Publishes the captions that the owner wants, beside the stream that is public or is being published.

Each change is made in an order in which every playlist names only files that are there: first the files, then the
stable playlist, then what was replaced is removed. That it is done is stored last, so a pass that was killed is
followed by one that repeats it.
"""

from controller.actions.context import ReconcileContext, Requeue, Result
from domain.captions import PublishedCaptions, media_playlist, names_of, published_text
from domain.records import VideoRow
from domain.stable_playlist import stable_playlist
from domain.video import Published, Reason


def publish(ctx: ReconcileContext) -> Result:
    """Write the files of the captions and the stable playlist, read that back, and remove what was replaced."""
    row, published = ctx.row, ctx.row.observed.published
    if published is None:
        return Result(row, Requeue.BACKOFF)
    first_timestamp = _first_timestamp(ctx, published)
    if not _write_files(ctx, published, first_timestamp):
        return Result(row, Requeue.BACKOFF)
    video_id, is_private = row.desired.video_id, row.observed.is_private
    text = stable_playlist(published, row.captions.tracks)
    ctx.deps.storage.write_playlist(video_id, text, is_private=is_private)
    if ctx.deps.storage.read_playlist(video_id, is_private=is_private) != text:
        return Result(row, Requeue.BACKOFF)
    gone = names_of(row.captions.replaced) | names_of(row.captions_published.captions.tracks)
    for name in sorted(gone - names_of(row.captions.tracks)):
        ctx.deps.storage.remove_caption_file(video_id, name, is_private=is_private)
    after = ctx.deps.captions.publish(row, PublishedCaptions(row.captions, published.attempt, first_timestamp))
    if after is None:
        return Result(row, Requeue.BACKOFF)
    is_publishing = row.observed.reason is Reason.PUBLISHING
    return Result(after, Requeue.NOW if is_publishing else Requeue.SCHEDULED)


def _first_timestamp(ctx: ReconcileContext, published: Published) -> int | None:
    before = ctx.row.captions_published
    if before.attempt == published.attempt:
        return before.first_timestamp
    if not (ctx.row.captions.tracks and published.renditions):
        return None
    return ctx.deps.storage.first_timestamp(
        ctx.row.desired.video_id, published.renditions[0].uri, is_private=ctx.row.observed.is_private
    )


def _write_files(ctx: ReconcileContext, published: Published, first_timestamp: int | None) -> bool:
    """Write the files that are not there yet. Return False if a text was replaced meanwhile."""
    video_id = ctx.row.desired.video_id
    written = _written(ctx.row, published)
    for track in ctx.row.captions.tracks:
        if (track.language, track.digest) in written:
            continue
        text = ctx.deps.captions.text(video_id, track.language, digest=track.digest)
        if text is None:
            return False
        ctx.deps.storage.write_captions(
            video_id,
            track,
            text=published_text(text, first_timestamp),
            playlist=media_playlist(track, published.duration_seconds),
            is_private=ctx.row.observed.is_private,
        )
    return True


def _written(row: VideoRow, published: Published) -> set[tuple[str, str]]:
    before = row.captions_published
    tracks = before.captions.tracks if before.attempt == published.attempt else ()
    return {(track.language, track.digest) for track in tracks}
