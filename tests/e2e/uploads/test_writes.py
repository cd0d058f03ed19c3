"""The writes of one upload to etcd, as a watch receives them."""

from pathlib import Path

from tests.e2e.uploads.versions import versions, wait_until_all_ready, writes_until_ready
from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.support.eventually import eventually

WRITES_AT_MOST = 6


def test_from_creation_to_ready_an_upload_costs_at_most_six_writes(world: World, clip: Path, tmp_path: Path) -> None:
    # Progress is not counted, and a canned job shows none.
    world.faults(canned=1)
    client = world.client()
    with versions(world, tmp_path) as received:
        video_id = uploaded(client, clip)
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)
        wait_until_all_ready(received, [video_id])

    # The resource, the desired state after the confirmation, and the end: fewer means that nothing was counted.
    assert 3 <= len(writes_until_ready(received.of(video_id))) <= WRITES_AT_MOST, received.of(video_id)
