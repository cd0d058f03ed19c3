"""Many uploads at once: each becomes ready and is paid for once, and the cluster is written to within bounds."""

from pathlib import Path

from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.eventually import eventually

MANY = 20
WRITES_OF_EACH = 6


def test_twenty_uploads_in_flight_all_become_ready_with_twenty_jobs(world: World, clip: Path) -> None:
    # Some callbacks lost, late, doubled and out of order, as on a usual bad day.
    world.faults(canned=1, slow=2, drop=0.3, duplicate=0.3, reorder=0.3, delay_seconds=0.2)
    client = world.client()
    before = world.writes()

    video_ids = [uploaded(client, clip) for _ in range(MANY)]
    for video_id in video_ids:
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=120)  # noqa: B023
        eventually(lambda: world.status(video_id).get("phase") == "ready", within_seconds=30)  # noqa: B023

    assert [len(world.jobs(video_id)) for video_id in video_ids] == [1] * MANY
    # Progress is not counted: a canned job shows at most one step of it.
    assert world.writes() - before <= MANY * (WRITES_OF_EACH + 1)
