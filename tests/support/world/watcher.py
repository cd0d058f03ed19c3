"""Watch, resync and queue over a small world, before any worker takes a key."""

from controller.loop.cache import ResourceCache
from controller.loop.handlers import note_event
from controller.loop.resync import Resync
from domain.records import Cause
from tests.support.builders.resources import SIGNATURES
from tests.support.world.operator import SteppedQueue, body_of
from tests.support.world.world import VIDEO_ID, InMemoryWorld


class Watcher:
    """A cache, a resync and a queue, over a world in which one video has a resource that was not seen yet."""

    def __init__(self) -> None:
        self.world = InMemoryWorld()
        self.cache = ResourceCache()
        self.queue = SteppedQueue(self.world.clock.monotonic)
        self.resync = Resync(self.world.deps, self.cache, self.queue, clock=self.world.clock.now)
        self.world.create()
        self.world.resources.apply(self.world.row.desired)

    def deliver(self, event_type: str = "MODIFIED") -> None:
        """Deliver an event about the resource as it is."""
        note_event(event_type, body_of(self.world.resources.by_name[VIDEO_ID]), self.cache, self.queue, SIGNATURES)

    def show(self) -> None:
        """Write a status that shows the row."""
        resource = self.world.resources.by_name[VIDEO_ID]
        status = {"revision": self.world.row.observed.revision, "observedGeneration": resource.generation}
        self.world.resources.write_status(resource, status)

    def settle(self) -> None:
        """Show the row, deliver the event, and let every pass that follows be made."""
        self.show()
        self.deliver()
        self.take_due()

    def take_due(self) -> list[tuple[str, Cause]]:
        """Take all that is due."""
        taken = []
        while self.queue.state().depth:
            key = self.queue.take()
            assert key is not None
            self.queue.done(key[0])
            taken.append(key)
        return taken
