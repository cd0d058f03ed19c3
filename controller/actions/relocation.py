"""Moves a video's files when who can play it was changed: copies all, serves the copies, then removes the others.

That there may be files below both prefixes is committed before the first copy is made, and that there are none any
more after the last was removed. In between, the row says which of them are served, so a pass may die anywhere, and
the owner may change the visibility back at any moment. It buys no job.
"""

from dataclasses import replace

from controller.actions.context import ReconcileContext, Requeue, Result
from domain.stable_playlist import playlist_of
from domain.video import Visibility

# A copy is a request or two, eight files at a time, and a pass must end within the shutdown grace period.
_FILES_IN_A_PASS = 400


def begin(ctx: ReconcileContext) -> Result:
    """Record that files may lie below both prefixes from now on. People see it; the next pass follows at once."""
    return ctx.commit(replace(ctx.row.observed, is_relocating=True))


def copy_files(ctx: ReconcileContext) -> Result:
    """Copy some files; once a listing shows that none is missing, serve the video from its new place.

    The stable playlist is a function of the row, so it is written if another one lies there.
    """
    row, storage = ctx.row, ctx.deps.storage
    video_id, is_private = row.desired.video_id, row.desired.visibility is Visibility.PRIVATE
    if not storage.copy_stream(video_id, is_private=is_private, at_most=_FILES_IN_A_PASS):
        return Result(row, Requeue.NOW)
    published = row.observed.published
    if published is not None and row.observed.is_playable:
        text = playlist_of(row, published)
        if storage.read_playlist(video_id, is_private=is_private) != text:
            storage.write_playlist(video_id, text, is_private=is_private)
            return Result(row, Requeue.NOW)
    return ctx.commit(replace(row.observed, is_private=is_private), Requeue.NOW)


def remove_copies(ctx: ReconcileContext) -> Result:
    """Remove some of the files that are not served, the playlist first; then record that none is left."""
    row, storage = ctx.row, ctx.deps.storage
    video_id, is_private = row.desired.video_id, row.observed.is_private
    if storage.read_playlist(video_id, is_private=is_private) is not None:
        storage.remove_published(video_id, is_private=not is_private)
    if not storage.gather_stream(video_id, is_private=is_private, at_most=_FILES_IN_A_PASS):
        return Result(row, Requeue.NOW)
    return ctx.commit(replace(row.observed, is_relocating=False), Requeue.NOW)
