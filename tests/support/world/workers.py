"""A worker without threads: one pass at a time over a small world."""

from collections.abc import Callable

from controller.loop.cache import ResourceCache
from controller.loop.pass_result import PassResult
from controller.loop.workers import Workers
from domain.records import Cause
from tests.support.world.operator import SteppedQueue
from tests.support.world.world import VIDEO_ID, InMemoryWorld

OTHER = "othervideoothervideootherv"


class WorkerHarness:
    """A worker over a small world in which a video waits for its file, and its first check is due."""

    def __init__(self, on_pass_end: Callable[[PassResult, float], None] = lambda _result, _seconds: None) -> None:
        self.world = InMemoryWorld()
        self.world.create()
        self.world.pass_time(self.world.timing.uploading_first_check_seconds)
        self.cache = ResourceCache()
        self.queue = SteppedQueue(self.world.clock.monotonic)
        self.workers = Workers(
            self.queue, self.cache, self.world.deps, count=1, clock=self.world.clock.now, on_pass_end=on_pass_end
        )

    def handle(self, key: str = VIDEO_ID) -> None:
        """Ask for a pass, and make it."""
        self.queue.add(key, Cause.POLL)
        assert self.queue.take() == (key, Cause.POLL)
        self.workers.handle(key, Cause.POLL)

    def watch_event(self) -> None:
        """Take what the watch would deliver now."""
        self.cache.note(self.world.resources.signatures.checked(self.world.resources.by_name[VIDEO_ID]))

    def seconds_to_next(self) -> float:
        """Return when the next pass is planned, from now."""
        due = self.queue.next_due()
        assert due is not None
        return due - self.world.clock.monotonic()

    def calls(self) -> list[str]:
        """Return the calls to upstreams since the last question."""
        made = list(self.world.kill_switch.calls)
        self.world.kill_switch.calls.clear()
        return made
