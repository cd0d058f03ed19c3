"""The client against the API on real Postgres and S3, with something in between that loses what it is told to lose."""

import json
import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack.place import PROJECT_DIR
from devstack.s3 import S3Access, client_for
from tests.between import CUT, LOST_ANSWER, Between, Fault
from tests.integration.api_process import ApiProcess, environment_of, running, token, without_cluster
from tests.integration.conftest import with_fresh_bucket
from tests.integration.databases import fresh_database
from videoupload import (
    Client,
    FileChangedError,
    Memory,
    ProblemError,
    StorageRefusedError,
    UnreachableError,
    Uploader,
    Video,
    Wanted,
)
from videoupload.patience import Patience

PART_BYTES = 5 * 1024**2
FILE_BYTES = 2 * PART_BYTES + 1000
IN_PARTS = Wanted(title="Cats", upload_mode="multipart")
IN_ONE_PIECE = Wanted(title="Cats", upload_mode="single")
UNAVAILABLE = Fault(503, {"Retry-After": "1"})
EXPIRED = Fault(403)


class Interrupts:
    """A person who presses Ctrl-C as soon as so many bytes were sent; collects what is told."""

    def __init__(self, after_bytes: int | None = None, *, and_then: Callable[[], object] = lambda: None) -> None:
        self.after_bytes = after_bytes
        self.and_then = and_then
        self.notes: list[str] = []
        self.shown: list[int] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def sent(self, done_bytes: int, _total_bytes: int) -> None:
        self.shown.append(done_bytes)
        if self.after_bytes is not None and done_bytes >= self.after_bytes:
            self.and_then()
            raise InterruptedUploadError


class InterruptedUploadError(Exception):
    """The process ends here."""


@dataclass(frozen=True)
class Service:
    """A running service, what stands before it, and somebody who uses it."""

    api: ApiProcess
    between: Between
    s3: S3Access
    memory: Memory
    user: str

    @property
    def client(self) -> Client:
        """Return a client that remembers nothing, as of a new process."""
        return Client(self.between.url, token(self.user))

    def uploader(
        self, teller: Interrupts | None = None, *, parallel: int = 1, patience_seconds: float = 300
    ) -> Uploader:
        """Return an uploader for whom time does not pass."""
        patience = Patience(patience_seconds, pause=lambda _ended, _seconds: None)
        return Uploader(self.client, self.memory, patience, teller or Interrupts(), parallel=parallel)

    def stored(self, video_id: str) -> bytes:
        """Return the file at storage."""
        stored = client_for(self.s3).get_object(Bucket=self.s3.raw_bucket, Key=f"uploads/{video_id}/original.mp4")
        return stored["Body"].read()

    def videos(self) -> tuple[Video, ...]:
        """Return all there are."""
        return Client(self.api.url, token(self.user)).page().videos

    def remembered(self, tmp_path: Path) -> list[Path]:
        """Return the records of unfinished uploads."""
        return list((tmp_path / "state").glob("*"))


@pytest.fixture(scope="module")
def bytes_of_file() -> bytes:
    """Bytes of which no two parts are alike."""
    return secrets.token_bytes(FILE_BYTES)


@pytest.fixture
def file(tmp_path: Path, bytes_of_file: bytes) -> Path:
    """A file of three parts."""
    path = tmp_path / "cats.mp4"
    path.write_bytes(bytes_of_file)
    return path


@pytest.fixture(scope="module")
def api(
    postgres_url: str, s3_access: S3Access, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ApiProcess, S3Access]]:
    """The API without Kubernetes: what is confirmed stays where it is. Each test is another user of it."""
    directory, s3 = tmp_path_factory.mktemp("api"), with_fresh_bucket(s3_access)
    with fresh_database(postgres_url) as database_url:
        environment = environment_of(database_url, s3, without_cluster(directory), S3_PART_BYTES=str(PART_BYTES))
        with running(environment, directory) as process:
            yield process, s3


@pytest.fixture
def service(api: tuple[ApiProcess, S3Access], tmp_path: Path) -> Iterator[Service]:
    """The service as a user whom no other test knows."""
    process, s3 = api
    with Between(api_url=process.url, storage_url=s3.endpoint).running() as between:
        yield Service(process, between, s3, Memory(tmp_path / "state"), f"user-{secrets.token_hex(4)}")


@pytest.mark.parametrize("wanted", [IN_PARTS, IN_ONE_PIECE], ids=["in-parts", "in-one-piece"])
@pytest.mark.parametrize("parallel", [1, 3])
def test_what_arrives_is_the_file(service: Service, file: Path, wanted: Wanted, parallel: int, tmp_path: Path) -> None:
    teller = Interrupts()
    video_id = service.uploader(teller, parallel=parallel).upload(file, wanted)

    assert service.stored(video_id) == file.read_bytes()
    assert service.client.video(video_id).size_bytes == FILE_BYTES
    assert teller.shown[-1] == FILE_BYTES
    assert set(Counter(service.between.begun).values()) == {1}
    assert service.remembered(tmp_path) == []


@pytest.mark.parametrize("wanted", [IN_PARTS, IN_ONE_PIECE], ids=["in-parts", "in-one-piece"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(UNAVAILABLE, id="unavailable"),
        pytest.param(EXPIRED, id="expired"),
        pytest.param(CUT, id="cut"),
        pytest.param(LOST_ANSWER, id="lost-answer"),
    ],
)
def test_trouble_with_storage_costs_only_the_part_it_met(
    service: Service, file: Path, wanted: Wanted, fault: Fault
) -> None:
    service.between.lose("PUT /", fault, times=2)
    video_id = service.uploader().upload(file, wanted)

    assert service.stored(video_id) == file.read_bytes()
    assert max(Counter(service.between.begun).values()) == 3
    assert sum(Counter(service.between.begun).values()) == len(set(service.between.begun)) + 2


@pytest.mark.parametrize(
    ("wanted", "calls_before"),
    # Ask, look, sign thrice, look, confirm; ask, confirm.
    [*((IN_PARTS, number) for number in range(7)), *((IN_ONE_PIECE, number) for number in range(2))],
    ids=lambda value: value.upload_mode if isinstance(value, Wanted) else None,
)
@pytest.mark.parametrize("fault", [UNAVAILABLE, CUT, LOST_ANSWER], ids=["unavailable", "cut", "lost-answer"])
def test_trouble_with_any_call_leaves_one_video(
    service: Service, file: Path, wanted: Wanted, fault: Fault, calls_before: int
) -> None:
    service.between.lose("/api/", fault, after=calls_before)
    video_id = service.uploader().upload(file, wanted)

    assert len(service.between.calls) > calls_before
    assert [video.id for video in service.videos()] == [video_id]
    assert service.stored(video_id) == file.read_bytes()


@pytest.mark.parametrize("parallel", [1, 2])
def test_an_interrupted_upload_goes_on_and_sends_again_only_what_was_on_its_way(
    service: Service, file: Path, parallel: int, tmp_path: Path
) -> None:
    with pytest.raises(InterruptedUploadError):
        service.uploader(Interrupts(FILE_BYTES * 6 // 10), parallel=parallel).upload(file, IN_PARTS)
    assert len(service.remembered(tmp_path)) == 1

    again = Interrupts()
    video_id = service.uploader(again).upload(file, IN_PARTS)
    assert again.notes == [f"going on with video {video_id}"]
    assert service.stored(video_id) == file.read_bytes()
    assert sum(Counter(service.between.begun).values()) <= 3 + parallel
    assert [video.id for video in service.videos()] == [video_id]


def test_an_answer_that_was_lost_with_its_process_is_asked_for_again(service: Service, file: Path) -> None:
    service.between.lose("/api/", LOST_ANSWER)
    with pytest.raises(UnreachableError):
        service.uploader(patience_seconds=0).upload(file, IN_PARTS)
    video_id = service.uploader().upload(file, IN_PARTS)
    assert [video.id for video in service.videos()] == [video_id]


def test_a_file_that_was_sent_but_not_confirmed_is_not_sent_again(service: Service, file: Path) -> None:
    service.between.lose("upload_complete", CUT)
    with pytest.raises(UnreachableError):
        service.uploader(patience_seconds=0).upload(file, IN_ONE_PIECE)
    service.uploader().upload(file, IN_ONE_PIECE)
    assert service.between.begun == [0]


def test_a_changed_file_begins_anew_and_says_so(service: Service, file: Path) -> None:
    with pytest.raises(InterruptedUploadError):
        service.uploader(Interrupts(PART_BYTES)).upload(file, IN_PARTS)
    (first,) = service.videos()
    file.write_bytes(secrets.token_bytes(FILE_BYTES))

    again = Interrupts()
    video_id = service.uploader(again).upload(file, IN_PARTS)
    assert video_id != first.id
    assert "the file has changed" in again.notes[0]
    assert first.id in again.notes[0]
    assert service.stored(video_id) == file.read_bytes()


def test_a_file_that_changes_while_it_is_sent_is_not_confirmed(service: Service, file: Path, tmp_path: Path) -> None:
    def change() -> None:
        with file.open("ab") as out:
            out.write(b"more")

    class Changes(Interrupts):
        def sent(self, done_bytes: int, _total_bytes: int) -> None:
            if done_bytes >= FILE_BYTES:
                change()

    with pytest.raises(FileChangedError, match="was changed"):
        service.uploader(Changes()).upload(file, IN_PARTS)
    assert not any("upload_complete" in call for call in service.between.calls)
    assert service.remembered(tmp_path) == []


def test_a_video_deleted_meanwhile_is_uploaded_anew(service: Service, file: Path) -> None:
    with pytest.raises(InterruptedUploadError):
        service.uploader(Interrupts(PART_BYTES)).upload(file, IN_PARTS)
    (first,) = service.videos()
    service.client.delete(first.id)

    again = Interrupts()
    video_id = service.uploader(again).upload(file, IN_PARTS)
    assert "was deleted" in again.notes[0]
    assert [video.id for video in service.videos()] == [video_id]


def test_a_question_that_is_declined_leaves_nothing_behind(service: Service, file: Path, tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as declined:
        service.uploader().upload(file, Wanted(title="two\nlines"))
    assert (declined.value.code, declined.value.is_retryable) == ("invalid_request", False)
    assert "title" in declined.value.detail
    assert service.remembered(tmp_path) == []


def test_storage_that_refuses_for_good_is_not_asked_for_ever(service: Service, file: Path) -> None:
    service.between.lose("PUT /", EXPIRED, times=3)
    with pytest.raises(StorageRefusedError, match="HTTP 403") as refused:
        service.uploader().upload(file, IN_ONE_PIECE)
    assert "Signature" not in str(refused.value)


class Command:
    """The command as a process, held up by the proxy once so many bytes have passed."""

    def __init__(self, service: Service, home: Path) -> None:
        self._environment = {
            **os.environ,
            "XDG_STATE_HOME": str(home),
            "VIDEOUPLOAD_API": service.between.url,
            "VIDEOUPLOAD_TOKEN": token(service.user),
        }

    def started(self, *words: str | Path, **changes: str) -> "subprocess.Popen[str]":
        """Start it."""
        argv = [sys.executable, "-m", "videoupload", *map(str, words)]
        environment = self._environment | changes
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=PROJECT_DIR, env=environment, stdout=pipe, stderr=pipe, text=True)

    def ended(self, *words: str | Path, **changes: str) -> tuple[int, str, str]:
        """Run it; returns the exit code and what it wrote to stdout and stderr."""
        with self.started(*words, **changes) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err


@pytest.fixture
def command(service: Service, tmp_path: Path) -> Command:
    """The command as a user whom no other test knows."""
    return Command(service, tmp_path)


def test_interrupted_by_a_person_it_says_how_to_go_on_and_does(service: Service, command: Command, file: Path) -> None:
    service.between.hold_after_bytes = FILE_BYTES // 2
    with command.started("upload", file) as process:
        assert service.between.is_holding.wait(30)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "run the same command again to go on" in err

    service.between.hold_after_bytes = None
    service.between.released.set()
    code, out, err = command.ended("upload", file)
    assert code == 0
    assert "going on with video" in err
    assert service.stored(out.strip()) == file.read_bytes()


def test_a_service_that_is_away_is_told_from_one_that_declines(command: Command, file: Path) -> None:
    code, out, err = command.ended("list", VIDEOUPLOAD_API="http://127.0.0.1:1")
    assert (code, out) == (3, "")
    assert "cannot be reached" in err
    code, out, err = command.ended("list", VIDEOUPLOAD_TOKEN="nobody")
    assert (code, out) == (1, "")
    assert "[invalid_token]\nGet a new token" in err
    code, out, err = command.ended("upload", file, "--title=two\nlines")
    assert (code, out) == (1, "")
    assert "[invalid_request]" in err


def test_no_token_and_no_signed_url_is_ever_written(service: Service, command: Command, file: Path) -> None:
    service.between.lose("PUT /", EXPIRED, times=3)
    code, out, err = command.ended("upload", file)
    assert code == 1
    assert "HTTP 403" in err
    assert not any(word in out + err for word in ("Signature", "Bearer", token(service.user)[:30]))


def test_answers_are_json_for_programs(command: Command, file: Path) -> None:
    video_id = json.loads(command.ended("upload", file, "--json", "--metadata=album=summer")[1])["video_id"]
    video = json.loads(command.ended("get", video_id, "--json")[1])
    assert (video["id"], video["metadata"], video["status"]) == (video_id, {"album": "summer"}, "uploading")
    assert [one["id"] for one in json.loads(command.ended("list", "--json")[1])] == [video_id]
    assert json.loads(command.ended("delete", video_id, "--json")[1]) == {"video_id": video_id}
    assert json.loads(command.ended("list", "--json")[1]) == []
    assert json.loads(command.ended("restore", video_id, "--json")[1])["deleted_at"] is None
