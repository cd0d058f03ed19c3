"""Multipart uploads from clients that vanish. test_client.py has a client that is killed and resumes."""

from pathlib import Path

from tests.e2e.clips import LONG_BYTES
from tests.e2e.uploads.world import Person, World, in_phase
from tests.support.eventually import eventually
from videoupload.files import Fingerprint
from videoupload.retry import Retry
from videoupload.transfer import SpeedMeter, Transfer

PART_BYTES = 16 * 1024**2


def send_parts(person: Person, video_id: str, path: Path) -> None:
    """Send all parts and confirm nothing."""
    fingerprint, meter = Fingerprint.of(path), SpeedMeter(path.stat().st_size, lambda _done, _total: None)
    Transfer(person.client, video_id, path, fingerprint, Retry(), meter).parts(parallel=2)


def created(person: Person, path: Path, **changes: object) -> str:
    video = {"title": "Long", "filename": path.name, "content_type": "video/mp4", "size_bytes": path.stat().st_size}
    upload = person.call("POST", "/videos", expected=201, json={**video, **changes})
    assert upload["upload"]["mode"] == "multipart"
    return str(upload["video_id"])


def test_a_client_that_vanishes_after_its_last_part_gets_its_video(world: World, long_clip: Path) -> None:
    world.faults(canned=1)
    person = world.person()
    video_id = created(person, long_clip)
    parts = person.call("GET", f"/videos/{video_id}/parts", expected=200)
    assert (parts["part_size"], parts["part_count"], parts["parts"]) == (PART_BYTES, 8, [])

    send_parts(person, video_id, long_clip)
    video = eventually(lambda: in_phase(person.client, video_id, "ready"), within_seconds=90)
    assert video.playback_url is not None
    row = world.rows(video_id)["videos"][0]
    assert (row["confirmations"], row["source"]["file_bytes"]) == (0, LONG_BYTES)


def test_confirming_joins_the_parts_and_ends_their_signing(world: World, clip: Path) -> None:
    world.faults(canned=1)
    person = world.person()
    video_id = created(person, clip, upload_mode="multipart")
    missing = person.call("POST", f"/videos/{video_id}/upload_complete", expected=409)
    assert missing["code"] == "parts_missing"
    send_parts(person, video_id, clip)
    confirmed = person.call("POST", f"/videos/{video_id}/upload_complete", expected=202)
    assert confirmed["status"] == "processing_queued"
    closed = person.call("POST", f"/videos/{video_id}/parts", expected=409, json={"part_numbers": [1]})
    assert closed["code"] == "upload_closed"
    eventually(lambda: in_phase(person.client, video_id, "ready"), within_seconds=60)
