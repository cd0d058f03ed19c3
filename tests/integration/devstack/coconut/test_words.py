"""Every word of Coconut's that the stand-in speaks, with the scenario in which it was heard.

Most states last for a millisecond, so the store notes each one that `GET /jobs/{id}` could show; events are those
that a webhook received.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from controller.coconut.job_request import job_body
from devstack import s3 as s3_server
from devstack.coconut.callbacks import Callbacks
from devstack.coconut.faults import Faults
from devstack.coconut.ffmpeg import Ffmpeg
from devstack.coconut.job import Job
from devstack.coconut.runner import Runner
from devstack.coconut.server import Parts, Server
from devstack.coconut.store import AcceptedJob, Store
from devstack.s3 import S3Access
from domain.jobs import JobOrder
from storage.settings import OutputTarget
from tests.integration.devstack.coconut.server import FINAL, Client, Json, a_clip, a_job, a_webhook, put
from tests.support.eventually import eventually

# The documented words of each part of a job, in the order in which they can follow each other.
WORDS = {
    "job": ["starting", "processing", "completed", "failed"],
    "input": ["starting", "transferring", "transferred", "failed"],
    "video": ["waiting", "queued", "encoding", "encoded", "failed", "skipped", "aborted"],
    "image": ["waiting", "queued", "processing", "created", "failed", "skipped", "aborted"],
    "httpstream": [
        *["waiting", "queued", "variants.waiting", "variants.queued", "variants.encoding", "packaging", "packaged"],
        *["failed", "skipped", "aborted"],
    ],
}
EVENTS = ["input.transferred", "output.completed", "output.failed", "job.completed", "job.failed"]

OURS = "our job"
OTHER = "a job with single files and conditions"
NO_INPUT = ", whose input is not there"
NO_STORAGE = ", whose storage refuses it"
HEARD = [
    ("job.starting", OURS),
    ("job.processing", OURS),
    ("job.completed", OURS),
    ("job.failed", OURS + NO_INPUT),
    ("job.failed", OURS + NO_STORAGE),
    ("input.starting", OURS),
    ("input.transferring", OURS),
    ("input.transferred", OURS),
    ("input.failed", OURS + NO_INPUT),
    ("image.waiting", OURS),
    ("image.queued", OURS),
    ("image.processing", OURS),
    ("image.created", OURS),
    ("image.failed", OURS + NO_STORAGE),
    ("image.skipped", OTHER),
    ("image.aborted", OURS + NO_INPUT),
    ("httpstream.waiting", OURS),
    ("httpstream.queued", OURS),
    ("httpstream.variants.waiting", OURS),
    ("httpstream.variants.queued", OURS),
    ("httpstream.variants.encoding", OURS),
    ("httpstream.packaging", OURS),
    ("httpstream.packaged", OURS),
    ("httpstream.failed", OURS + NO_STORAGE),
    ("httpstream.skipped", OURS),
    ("httpstream.aborted", OURS + NO_INPUT),
    ("video.waiting", OTHER),
    ("video.queued", OTHER),
    ("video.encoding", OTHER),
    ("video.encoded", OTHER),
    ("video.failed", OTHER + NO_STORAGE),
    ("video.skipped", OTHER),
    ("video.aborted", OTHER + NO_INPUT),
]
HEARD_EVENTS = [
    ("input.transferred", OURS),
    ("output.completed", OURS),
    ("output.failed", OURS + NO_STORAGE),
    ("job.completed", OURS),
    ("job.failed", OURS + NO_INPUT),
]
NOT_IN_OURS = {
    **{f"video.{word}": "we order streams and thumbnails, no single file" for word in WORDS["video"]},
    "image.skipped": "our thumbnails have no condition: every video has them",
}


class NotingStore(Store):
    """Keeps what every other store keeps, and notes each state of each part of a job."""

    def __init__(self, state_dir: Path) -> None:
        super().__init__(state_dir)
        self.noted: dict[str, dict[str, list[str]]] = {}

    def accept(self, accepted: AcceptedJob, reference: dict[str, str], *, at: datetime) -> None:
        super().accept(accepted, reference, at=at)
        self._note(accepted.job)

    def save(self, job: Job) -> None:
        super().save(job)
        self._note(job)

    def _note(self, job: Job) -> None:
        parts = self.noted.setdefault(job.id, {})
        shown = {"job": job.status, "input": job.input_status, **{each.key: each.status for each in job.outputs}}
        for part, status in shown.items():
            said = parts.setdefault(part, [])
            if said[-1:] != [status]:
                said.append(status)


@dataclass(frozen=True)
class Told:
    """What was said in one scenario: the states of each part in their order, and the events."""

    parts: dict[str, list[str]]
    events: list[str]

    @property
    def words(self) -> set[str]:
        return {word for said in self.parts.values() for word in said}


@contextmanager
def a_standin(folder: Path) -> Iterator[tuple[Client, NotingStore]]:
    store, faults = NotingStore(folder), Faults()
    callbacks = Callbacks(faults)
    runner = Runner(store=store, callbacks=callbacks, ffmpeg=Ffmpeg(), folder=folder)
    server = Server(0, Parts("key", store, faults, callbacks, runner))
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    for part in (callbacks, runner, serving):
        part.start()
    yield Client(f"http://127.0.0.1:{server.server_address[1]}/v2", "key"), store
    server.shutdown()
    serving.join()
    server.server_close()
    runner.stop()
    callbacks.stop()
    store.close()


def our_job(s3: S3Access, input_url: str, hook_url: str) -> Json:
    order = JobOrder(video_id="v" * 26, attempt=1, source_url=input_url, callback_url=hook_url)
    target = OutputTarget(
        service="s3other",
        endpoint=s3.endpoint,
        region=s3.region,
        bucket=s3.processed_bucket,
        access_key=SecretStr(s3.processed_writer_access_key),
        secret_key=SecretStr(s3.processed_writer_secret_key),
        acl=None,
    )
    return job_body(order, target)


def other_job(s3: S3Access, input_url: str, hook_url: str) -> Json:
    never = "{{ input.width }} > 100000"
    outputs: Json = {
        "mp4:0x90": [{"key": "file", "path": "/o/a.mp4"}, {"key": "no-file", "path": "/o/b.mp4", "if": never}],
        "jpg": [{"key": "image", "path": "/o/a.jpg"}, {"key": "no-image", "path": "/o/b.jpg", "if": never}],
    }
    return a_job(s3, input_url, hook_url, **outputs)


@pytest.fixture(scope="module")
def told(s3_access: S3Access, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Run every scenario once."""
    folder, bucket = tmp_path_factory.mktemp("words"), f"test-{secrets.token_hex(6)}"
    s3 = replace(s3_access, raw_bucket=bucket, processed_bucket=bucket)
    s3_server.create_bucket(s3, allowed_origins=["http://127.0.0.1:8080"])
    url = put(s3, a_clip(folder / "clip.mp4", size="640x360", seconds=1))
    lost = replace(s3, processed_writer_secret_key="wrong")
    scenarios = {
        base + trouble: make(reach, where, "")
        for base, make in {OURS: our_job, OTHER: other_job}.items()
        for trouble, reach, where in (
            ("", s3, url),
            (NO_INPUT, s3, url.replace("original", "nothing")),
            (NO_STORAGE, lost, url),
        )
    }
    with a_standin(folder) as (client, store):
        return {name: tell(client, store, job) for name, job in scenarios.items()}


def tell(client: Client, store: NotingStore, job: Json) -> Told:
    with a_webhook() as webhook:
        job["notification"]["url"] = f"{webhook.url}?video=v&attempt=1&sig=0"
        shown_first = client.post(job).json()
        shown_last = client.ended(shown_first["id"])
        eventually(lambda: FINAL & set(webhook.events()))
        events = webhook.events()
    told = Told(store.noted[shown_first["id"]], events)
    for shown, position in ((shown_first, 0), (shown_last, -1)):
        statuses = {output["key"]: output["status"] for output in shown["outputs"]}
        statuses |= {"job": shown["status"], "input": shown["input"]["status"]}
        assert statuses == {part: said[position] for part, said in told.parts.items()}
    return told


@pytest.mark.parametrize(("word", "scenario"), HEARD, ids=lambda text: text)
def test_a_status_is_heard(told: dict[str, Told], word: str, scenario: str) -> None:
    assert word in told[scenario].words


@pytest.mark.parametrize(("event", "scenario"), HEARD_EVENTS, ids=lambda text: text)
def test_an_event_is_heard(told: dict[str, Told], event: str, scenario: str) -> None:
    assert event in told[scenario].events


def test_the_tables_hold_every_documented_word_and_nothing_else_is_said(told: dict[str, Told]) -> None:
    documented = {f"{kind}.{word}" for kind, words in WORDS.items() for word in words}
    assert {word for word, _ in HEARD} == documented
    assert set().union(*(each.words for each in told.values())) == documented
    assert {event for event, _ in HEARD_EVENTS} == set(EVENTS)
    assert {event for each in told.values() for event in each.events} == set(EVENTS)


def test_what_our_jobs_never_say_is_listed_with_its_reason(told: dict[str, Told]) -> None:
    ours = set().union(*(each.words for name, each in told.items() if name.startswith(OURS)))
    documented = {f"{kind}.{word}" for kind, words in WORDS.items() for word in words}
    assert documented - ours == NOT_IN_OURS.keys()


def test_each_part_goes_through_its_words_in_their_order(told: dict[str, Told]) -> None:
    for each in told.values():
        for part, said in each.parts.items():
            kind, _, _ = said[0].partition(".")
            positions = [WORDS[kind].index(word.removeprefix(f"{kind}.")) for word in said]
            assert positions == sorted(positions), (part, said)
