"""Creates one upload in each phase and keeps it there."""

from pathlib import Path

from tests.e2e.uploads.world import World, create, in_phase, put, uploaded
from tests.support.eventually import eventually
from videoupload import Client

HELD = ("uploading", "uploaded", "processing", "ready", "errored")


def one_in_each_phase(world: World, client: Client, clip: Path, not_a_video: Path) -> dict[str, str]:
    """Return the ids of the uploads by their phases. The job runs until the fault `hold` is over."""
    ids = {"uploading": create(client, clip).video_id}

    upload = create(client, not_a_video)
    put(upload, not_a_video)
    ids["errored"] = upload.video_id
    eventually(lambda: _is_rejected_for_good(client, upload.video_id), within_seconds=60)

    # Late, because the resource of a ready video leaves the cluster after 72 s.
    world.faults(canned=1)
    ids["ready"] = uploaded(client, clip)
    eventually(lambda: in_phase(client, ids["ready"], "ready"), within_seconds=60)

    world.faults(canned=1, hold=1)
    ids["processing"] = uploaded(client, clip)
    eventually(lambda: in_phase(client, ids["processing"], "processing"), within_seconds=60)

    world.faults(http_429=1)
    ids["uploaded"] = uploaded(client, clip)
    eventually(lambda: in_phase(client, ids["uploaded"], "uploaded"), within_seconds=60)
    eventually(lambda: all(world.status(one).get("phase") == phase for phase, one in ids.items()), within_seconds=60)
    return ids


def _is_rejected_for_good(client: Client, video_id: str) -> bool:
    """Confirm a file that is not a video until the second confirmation has counted."""
    if client.video(video_id).status == "errored":
        return True
    client.confirm(video_id)
    return False
