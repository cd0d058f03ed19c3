"""What the command stores of unfinished uploads, and for how long."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from videoupload import NewVideo, UploadStateStore
from videoupload.files import Fingerprint
from videoupload.upload_state import UploadState, state_directory

API = "https://api.example.com"
FILE = Path("/films/cats.mp4")
BEGUN = UploadState(
    API, str(FILE), Fingerprint(100, 7), "key", NewVideo("Cats", "cats.mp4", "video/mp4", 100, {"a": "b"})
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "videoupload" / "uploads"


def test_the_last_saved_state_is_found(directory: Path) -> None:
    memory = UploadStateStore(directory)
    assert memory.find(api_url=API, path=FILE) is None
    memory.keep(BEGUN)
    memory.keep(replace(BEGUN, video_id="v"))
    assert UploadStateStore(directory).find(api_url=API, path=FILE) == replace(BEGUN, video_id="v")


def test_other_files_and_other_services_are_other_uploads(directory: Path) -> None:
    memory = UploadStateStore(directory)
    memory.keep(BEGUN)
    assert memory.find(api_url=API, path=Path("/films/dogs.mp4")) is None
    assert memory.find(api_url="https://other.example.com", path=FILE) is None


def test_only_its_owner_can_read_it(directory: Path) -> None:
    UploadStateStore(directory).keep(BEGUN)
    (file,) = directory.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"api_url": "x"}', b"\xff"], ids=repr)
def test_a_damaged_record_counts_as_none(directory: Path, content: bytes) -> None:
    memory = UploadStateStore(directory)
    memory.keep(BEGUN)
    (file,) = directory.iterdir()
    file.write_bytes(content)
    assert memory.find(api_url=API, path=FILE) is None


def test_forgetting_an_upload_removes_it_and_expired_ones(directory: Path) -> None:
    memory = UploadStateStore(directory)
    old, recent = replace(BEGUN, path="/films/old.mp4"), replace(BEGUN, path="/films/recent.mp4")
    memory.keep(old)
    (old_file,) = directory.iterdir()
    os.utime(old_file, (0, 0))
    memory.keep(recent)
    memory.keep(BEGUN)
    memory.forget(BEGUN)
    memory.forget(BEGUN)
    assert memory.find(api_url=API, path=FILE) is None
    assert memory.find(api_url=API, path=Path("/films/old.mp4")) is None
    assert memory.find(api_url=API, path=Path("/films/recent.mp4")) == recent


@pytest.mark.parametrize(
    ("environment", "where"),
    [
        pytest.param({"XDG_STATE_HOME": "/state"}, Path("/state/videoupload/uploads"), id="set"),
        pytest.param({}, Path.home() / ".local/state/videoupload/uploads", id="default"),
        pytest.param({"XDG_STATE_HOME": "state"}, Path.home() / ".local/state/videoupload/uploads", id="relative"),
    ],
)
def test_records_lie_in_the_state_directory(environment: dict[str, str], where: Path) -> None:
    assert state_directory(environment) == where
