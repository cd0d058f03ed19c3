"""Publishes the poster that the owner chose, beside the stream that is public or is being published.

First the file is written, then the row shows it, and only then every other one is removed: at no moment does a video
name a file that is gone. That it is done is stored last, so a pass that was killed is followed by one that repeats it.
"""

from controller.actions.context import ReconcileContext, Requeue, Result
from domain.posters import file_name
from domain.video import Reason


def publish(ctx: ReconcileContext) -> Result:
    """Write the chosen picture, show it, and remove those that were replaced. Without one, remove all."""
    row, digest = ctx.row, ctx.row.poster.digest
    video_id, is_private = row.desired.video_id, row.observed.is_private
    if digest != row.poster_published.digest:
        if digest is not None:
            picture = ctx.deps.posters.picture(video_id, digest=digest)
            if picture is None:
                return Result(row, Requeue.BACKOFF)
            ctx.deps.storage.write_poster(video_id, file_name(digest), picture, is_private=is_private)
        shown = ctx.deps.posters.show(row)
        if shown is None:
            return Result(row, Requeue.BACKOFF)
        row = shown
    wanted = set() if digest is None else {file_name(digest)}
    for name in sorted(ctx.deps.storage.poster_files(video_id, is_private=is_private) - wanted):
        ctx.deps.storage.remove_poster_file(video_id, name, is_private=is_private)
    after = ctx.deps.posters.settle(row)
    if after is None:
        return Result(row, Requeue.BACKOFF)
    is_publishing = row.observed.reason is Reason.PUBLISHING
    return Result(after, Requeue.NOW if is_publishing else Requeue.SCHEDULED)
