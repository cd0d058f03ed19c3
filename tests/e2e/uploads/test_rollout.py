"""A library of 200 videos is made anew while viewers play every one of them, and none sees an error."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from crds.spec import API_VERSION
from tests.e2e.uploads.world import Person, World, put
from tests.support.eventually import eventually
from videoupload import NewVideo

VIDEOS = 200
PEOPLE = 4
VIEWERS = 3
PROFILE = "library"
READY_WITHIN_SECONDS = 300
ROLLED_OUT_WITHIN_SECONDS = 600


@dataclass
class Viewing:
    """What viewers received: the statuses, and how often each video was visited."""

    answers: Counter[int] = field(default_factory=Counter)
    rounds: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def profile(world: World, tmp_path: Path) -> Iterator[Path]:
    """The manifest of a profile of this test alone."""
    yield tmp_path / "profile.yaml"
    world.stack.cluster.kubectl("delete", "tp", PROFILE, "--ignore-not-found")


def test_viewers_of_two_hundred_videos_see_no_error_while_all_are_made_anew(
    world: World, clip: Path, profile: Path
) -> None:
    world.faults(canned=1)
    _apply(world, profile, rate=800)
    world.stack.cluster.kubectl("wait", "--for=condition=Ready", f"tp/{PROFILE}", "--timeout=30s")
    people = [world.person() for _ in range(PEOPLE)]
    with ThreadPoolExecutor(2 * PEOPLE) as pool:
        video_ids = list(pool.map(lambda number: _uploaded(people[number % PEOPLE], clip), range(VIDEOS)))
    owned = dict(zip(video_ids, cycle(people), strict=False))
    eventually(lambda: _all_in_edition(owned, 1), within_seconds=READY_WITHIN_SECONDS, every_seconds=1)
    urls = {video_id: _playback_url(owner, video_id) for video_id, owner in owned.items()}

    with _viewers(urls) as viewing:
        _apply(world, profile, rate=900, rollout={"approve": "auto", "maxRunning": 100, "jobsPerHour": 10000})
        eventually(lambda: _all_in_edition(owned, 2), within_seconds=ROLLED_OUT_WITHIN_SECONDS, every_seconds=1)
        seen = Counter(viewing.rounds)
        eventually(lambda: all(viewing.rounds[video_id] > seen[video_id] for video_id in urls), within_seconds=120)
    world.stack.cluster.kubectl("wait", "--for=condition=RolledOut", f"tp/{PROFILE}", "--timeout=120s")

    assert set(viewing.answers) == {200}, viewing.answers
    assert min(seen[video_id] for video_id in urls) > 0, "not every video was played during the rollout"
    assert Counter(len(world.jobs(video_id)) for video_id in video_ids) == {2: VIDEOS}


def _apply(world: World, manifest: Path, *, rate: int, rollout: dict[str, object] | None = None) -> None:
    spec: dict[str, object] = {"renditions": [{"height": 360, "maxRateKbps": rate}]}
    if rollout is not None:
        spec["rollout"] = rollout
    resource = {"apiVersion": API_VERSION, "kind": "TranscodeProfile", "metadata": {"name": PROFILE}, "spec": spec}
    manifest.write_text(json.dumps(resource))
    world.stack.cluster.kubectl("apply", f"--filename={manifest}")


def _uploaded(person: Person, clip: Path) -> str:
    new = NewVideo("Library", clip.name, "video/mp4", clip.stat().st_size, upload_mode="single", profile=PROFILE)
    upload = person.client.create(new)
    put(upload, clip)
    person.client.confirm(upload.video_id)
    return upload.video_id


def _all_in_edition(owned: dict[str, Person], edition: int) -> bool:
    """Return whether each video is at rest, and ready, in this edition."""
    return all(
        (video := owner.client.video(video_id)).edition == edition and video.edition_status == "ready"
        for video_id, owner in owned.items()
    )


def _playback_url(owner: Person, video_id: str) -> str:
    url = owner.client.video(video_id).playback_url
    assert url is not None
    return url


class _Viewer:
    """Loads the playlists of a video, and its segments only when it comes back to it, as one that paused would."""

    def __init__(self, answers: Counter[int]) -> None:
        self._answers = answers
        self._session = requests.Session()
        self._segments: dict[str, list[str]] = {}

    def visit(self, playback_url: str) -> None:
        """Load what the playlists of the last visit name, then the playlists again."""
        for segment in self._segments.get(playback_url, ()):
            self._get(segment)
        variants = self._lines(playback_url)
        self._segments[playback_url] = [segment for variant in variants for segment in self._lines(variant)]

    def _lines(self, url: str) -> list[str]:
        lines = self._get(url).splitlines()
        return [urljoin(url, line) for line in lines if line and not line.startswith("#")]

    def _get(self, url: str) -> str:
        response = self._session.get(url, timeout=10)
        self._answers[response.status_code] += 1
        return response.text


@contextmanager
def _viewers(urls: dict[str, str]) -> Iterator[Viewing]:
    """Play all videos, round after round, until the end of the block."""
    viewing, is_over, order = Viewing(), threading.Event(), [*urls.items()]

    def view(first: int) -> None:
        viewer = _Viewer(viewing.answers)
        for video_id, url in cycle(order[first:] + order[:first]):
            if is_over.is_set():
                return
            viewer.visit(url)
            viewing.rounds[video_id] += 1

    threads = [threading.Thread(target=view, args=(number * len(urls) // VIEWERS,)) for number in range(VIEWERS)]
    for thread in threads:
        thread.start()
    try:
        yield viewing
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
