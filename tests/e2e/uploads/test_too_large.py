"""Files around the largest accepted size, which is 64 MiB here instead of 5 GiB."""

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.uploads.operators import operators
from tests.e2e.uploads.world import Person, World
from tests.support.eventually import eventually
from tests.support.fakes.videos import box

LARGEST = 64 * 1024**2
LIMIT = {"S3_MAX_FILE_BYTES": str(LARGEST)}


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where files of these sizes go."""
    return tmp_path_factory.mktemp("sized")


def padded(clip: Path, directory: Path, file_bytes: int) -> Path:
    """Make the clip so large, by a box that players skip."""
    content = clip.read_bytes()
    path = directory / f"{file_bytes}.mp4"
    path.write_bytes(content + box(b"free", bytes(file_bytes - len(content) - 8)))
    assert path.stat().st_size == file_bytes
    return path


def test_the_largest_file_is_transcoded_and_one_more_byte_is_not_kept(world: World, clip: Path, sized: Path) -> None:
    world.faults(canned=1)
    ann = world.person()
    fits, too_large = padded(clip, sized, LARGEST), padded(clip, sized, LARGEST + 1)
    with operators(world) as others:
        others.start("strict", **LIMIT)

        good, bad = undeclared(ann), undeclared(ann)
        send(ann, good, fits)
        send(ann, bad, too_large)
        refused = eventually(lambda: shown(ann, bad)["error"], within_seconds=60)
        assert (refused["code"], refused["retryable"]) == ("file_too_large", False)
        assert shown(ann, bad)["status"] == "uploading"
        eventually(lambda: shown(ann, good)["status"] == "ready", within_seconds=90)

        again = ann.call("POST", f"/videos/{bad['video_id']}/upload_url", expected=200)
        send(ann, again, too_large)
        eventually(lambda: shown(ann, bad)["status"] == "errored", within_seconds=60)

    assert shown(ann, bad)["error"]["code"] == "file_too_large"
    assert world.jobs(bad["video_id"]) == []
    assert world.file_bytes(bad["storage_key"]) is None
    assert world.file_bytes(good["storage_key"]) is None
    assert world.file_bytes(world.original_key(good["video_id"])) == LARGEST


def undeclared(person: Person) -> Any:
    """Ask for an upload without telling how large the file is."""
    wanted = {"title": "Cats", "filename": "cats.mp4", "content_type": "video/mp4"}
    return person.call("POST", "/videos", expected=201, json=wanted)


def send(person: Person, upload: Any, path: Path) -> None:
    """Send the file and say so."""
    with path.open("rb") as file:
        sent = requests.put(upload["upload_url"], data=file, headers=upload["headers"], timeout=60)
    assert sent.status_code == 200, sent.text
    person.call("POST", f"/videos/{upload['video_id']}/upload_complete", expected=202)


def shown(person: Person, upload: Any) -> Any:
    """Return the video as its owner sees it."""
    return person.call("GET", f"/videos/{upload['video_id']}", expected=200)
