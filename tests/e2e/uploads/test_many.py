"""Many uploads at once: each becomes ready and is paid for once, and the cluster is written to within bounds."""

from pathlib import Path

from tests.e2e.uploads.versions import versions, wait_until_all_ready, writes_until_ready
from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.support.eventually import eventually

MANY = 20
WRITES_OF_EACH = 6


def test_twenty_uploads_in_flight_all_become_ready_with_twenty_jobs(world: World, clip: Path, tmp_path: Path) -> None:
    # Some callbacks are lost, late, duplicated and out of order.
    world.faults(canned=1, slow=2, drop=0.3, duplicate=0.3, reorder=0.3, delay_seconds=0.2)
    client = world.client()
    with versions(world, tmp_path) as received:
        before = world.writes()
        video_ids = [uploaded(client, clip) for _ in range(MANY)]
        for video_id in video_ids:
            eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=120)  # noqa: B023
        wait_until_all_ready(received, video_ids)
        writes = world.writes() - before

    assert [len(world.jobs(video_id)) for video_id in video_ids] == [1] * MANY
    # Progress is not counted here, and the watch receives every write that the API server counts.
    for video_id in video_ids:
        assert 3 <= len(writes_until_ready(received.of(video_id))) <= WRITES_OF_EACH, received.of(video_id)
    assert sum(len(received.of(video_id)) for video_id in video_ids) <= writes
