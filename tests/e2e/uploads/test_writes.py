"""The writes of one upload, counted by the API server."""

import threading
from pathlib import Path

from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.support.eventually import eventually

WRITES_AT_MOST = 6
QUIET_SECONDS = 2


def test_from_creation_to_ready_an_upload_costs_at_most_six_writes(world: World, clip: Path) -> None:
    # Progress is not counted, and a canned job shows none.
    world.faults(canned=1)
    client = world.client()
    (before,) = eventually(lambda: _writes_when_quiet(world), within_seconds=60, every_seconds=0)

    video_id = uploaded(client, clip)
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)
    eventually(lambda: world.status(video_id).get("phase") == "ready")
    (after,) = eventually(lambda: _writes_when_quiet(world), within_seconds=60, every_seconds=0)

    # The resource itself, the wish after the confirmation, and the end: fewer would mean that nothing was counted.
    assert 3 <= after - before <= WRITES_AT_MOST


def _writes_when_quiet(world: World) -> tuple[int] | None:
    """Return the number of writes, which may be none, once it has stood still: videos of other tests may move."""
    before = world.writes()
    threading.Event().wait(QUIET_SECONDS)
    return (before,) if world.writes() == before else None
