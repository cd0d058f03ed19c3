"""Files fetched from real servers into real storage, and servers that lie, stall or lead elsewhere."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controller.actions import source_fetch
from controller.dependencies import Dependencies
from controller.ports import SourceRefusedError, SourceUnavailableError
from controller.sources.reader import HttpSources, ReadLimits
from database.creation import NewRow
from database.observations import Observations
from database.source_fetches import SourceFetches
from devstack.s3 import S3Access, client_for
from domain.failures import FailureCode
from domain.object_keys import original_key
from domain.policy import LifecyclePolicy
from domain.records import VideoRow
from domain.source_fetch import FetchResult, SourceFetch
from storage.multipart import Multipart
from storage.object_store import Storage
from tests.integration.database.rows import Rows
from tests.integration.storage.reach import settings_for
from tests.support.builders.videos import VIDEO, a_new_video
from tests.support.trickle import HEAD, PATIENCE_SECONDS, seconds_of, trickling

LOOPBACK = [ip_network("127.0.0.0/8")]
PART_BYTES = 5 * 1024**2
BODY = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(400_000))
MAX_BYTES = 32 * 1024**2
METADATA_SERVICE = "http://169.254.169.254/latest/meta-data/"
KEY = original_key(VIDEO, "clip.mp4")


@dataclass
class Origin:
    """What a server answers. ``cuts``: after how many bytes each transfer is cut; ``headers`` replace ours."""

    body: bytes = BODY
    version: str = '"one"'
    takes_ranges: bool = True
    status: int = 200
    cuts: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    begun_at: list[int] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    says_length: bool = True


class QuietServer(ThreadingHTTPServer):
    """A server that says nothing about clients that leave."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@contextmanager
def running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a server with this handler; yields its URL."""
    server = QuietServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(origin: Origin) -> Iterator[str]:
    """Run the server; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            origin.seen.append(dict(self.headers))
            path = self.path.partition("?")[0]
            if path in origin.redirects:
                self.send_response(302)
                self.send_header("Location", origin.redirects[path])
                self.end_headers()
                return
            asked = self.headers.get("Range", "")
            is_same = self.headers.get("If-Range") == origin.version
            offset = int(asked[6:-1]) if asked and origin.takes_ranges and is_same else 0
            origin.begun_at.append(offset)
            rest = origin.body[offset:]
            headers = {"Content-Length": str(len(rest)), "ETag": origin.version}
            if origin.takes_ranges:
                headers["Accept-Ranges"] = "bytes"
            if offset:
                headers["Content-Range"] = f"bytes {offset}-{len(origin.body) - 1}/{len(origin.body)}"
            self.send_response(206 if offset else origin.status)
            for name, value in {**headers, **origin.headers}.items():
                if origin.says_length or name != "Content-Length":
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(rest[: origin.cuts.pop(0)] if origin.cuts else rest)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with running(Handler) as url:
        yield url


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def base(origin: Origin) -> Iterator[str]:
    with serving(origin) as url:
        yield url


def read_whole(sources: HttpSources, url: str, *, offset: int = 0, version: str | None = None) -> bytes:
    with sources.open(url, offset=offset, version=version) as file:
        pieces = []
        while piece := file.read(1024**2):
            pieces.append(piece)
            if len(piece) < 1024**2:
                break
        return b"".join(pieces)


def local(**limits: float) -> HttpSources:
    return HttpSources(networks=LOOPBACK, limits=ReadLimits(**limits))


def refusal_of(sources: HttpSources, url: str) -> tuple[FailureCode, str]:
    with pytest.raises(SourceRefusedError) as refused:
        read_whole(sources, url)
    return refused.value.code, str(refused.value)


class TestReading:
    def test_a_file_is_read_whole_and_from_an_offset(self, origin: Origin, base: str) -> None:
        assert read_whole(local(), f"{base}/clip.mp4") == BODY
        assert read_whole(local(), f"{base}/clip.mp4", offset=1_000, version=origin.version) == BODY[1_000:]
        assert origin.begun_at == [0, 1_000]
        assert "Authorization" not in origin.seen[0]
        assert origin.seen[0]["Accept-Encoding"] == "identity"

    def test_another_version_is_sent_from_its_beginning(self, base: str) -> None:
        with local().open(f"{base}/clip.mp4", offset=1_000, version='"older"') as file:
            assert (file.offset, file.file_bytes, file.version) == (0, len(BODY), '"one"')

    def test_a_part_of_another_version_is_not_taken_for_the_rest(self, origin: Origin, base: str) -> None:
        origin.headers = {"ETag": '"two"'}  # of a server that ignores If-Range
        with local().open(f"{base}/clip.mp4", offset=1_000, version=origin.version) as file:
            assert (file.offset, file.version) == (0, '"two"')
        assert origin.begun_at == [1_000, 0]

    def test_a_part_without_a_length_that_ends_early_is_a_transfer_that_broke_off(
        self, origin: Origin, base: str
    ) -> None:
        origin.says_length, origin.cuts = False, [500]
        with pytest.raises(SourceUnavailableError, match="less than it announced"):
            read_whole(local(), f"{base}/clip.mp4", offset=1_000, version=origin.version)

    def test_a_weak_tag_continues_nothing(self, origin: Origin, base: str) -> None:
        origin.headers = {"ETag": 'W/"one"'}
        with local().open(f"{base}/clip.mp4", offset=0, version=None) as file:
            assert file.version is None

    def test_redirects_are_followed_and_counted(self, origin: Origin, base: str) -> None:
        origin.redirects = {f"/{number}": f"/{number + 1}" for number in range(5)}
        assert read_whole(local(), f"{base}/0") == BODY
        origin.redirects["/5"] = "/6"
        assert refusal_of(local(), f"{base}/0")[0] is FailureCode.SOURCE_FORBIDDEN

    @pytest.mark.parametrize(
        "target",
        [
            METADATA_SERVICE,
            "http://[fd00::1]/clip.mp4",
            "http://10.0.0.1/clip.mp4",
            "file:///etc/passwd",
            "//user:secret@127.0.0.1/clip.mp4",
            "gopher://127.0.0.1/",
            "http://[::ffff:169.254.169.254]/",
        ],
    )
    def test_a_redirect_to_where_we_must_not_go_is_refused(self, origin: Origin, base: str, target: str) -> None:
        origin.redirects = {"/clip.mp4": target}
        code, message = refusal_of(local(), f"{base}/clip.mp4?key=secret")
        assert code is FailureCode.SOURCE_FORBIDDEN
        assert "secret" not in message
        assert len(origin.seen) == 1

    @pytest.mark.parametrize("url", [METADATA_SERVICE, "https://127.0.0.1/clip.mp4", "https://localhost/clip.mp4"])
    def test_without_networks_only_public_addresses_are_connected_to(self, base: str, url: str) -> None:
        assert refusal_of(HttpSources(), url)[0] is FailureCode.SOURCE_FORBIDDEN
        assert refusal_of(HttpSources(), base)[0] is FailureCode.SOURCE_FORBIDDEN

    def test_plain_http_needs_an_allowed_network(self) -> None:
        public = HttpSources(networks=LOOPBACK, resolve=lambda _host, _port: ["93.184.216.34"])
        assert refusal_of(public, "http://example.com/clip.mp4") == (
            FailureCode.SOURCE_FORBIDDEN,
            "the URL is not fetched: must begin with https://",
        )

    def test_one_address_inside_is_enough_to_refuse(self) -> None:
        rebinding = HttpSources(resolve=lambda _host, _port: ["93.184.216.34", "10.0.0.1"])
        assert refusal_of(rebinding, "https://example.com/clip.mp4")[0] is FailureCode.SOURCE_FORBIDDEN

    def test_the_connection_is_made_to_the_address_that_was_checked(self, origin: Origin, base: str) -> None:
        port = int(base.rpartition(":")[2])
        pinned = HttpSources(networks=LOOPBACK, resolve=lambda _host, _port: ["127.0.0.1"])
        assert read_whole(pinned, f"http://files.test:{port}/clip.mp4") == BODY
        assert origin.seen[0]["Host"] == f"files.test:{port}"

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 204])
    def test_an_answer_that_is_no_file_is_final(self, origin: Origin, base: str, status: int) -> None:
        origin.status = status
        code, message = refusal_of(local(), base)
        assert (code, message) == (FailureCode.SOURCE_REFUSED, f"the server answered HTTP {status}")

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
    def test_an_answer_that_may_pass_is_not(self, origin: Origin, base: str, status: int) -> None:
        origin.status, origin.headers = status, {"Retry-After": "90"}
        with pytest.raises(SourceUnavailableError) as failed:
            read_whole(local(), base)
        assert failed.value.retry_after_seconds == 90

    def test_an_encoded_file_is_refused(self, origin: Origin, base: str) -> None:
        origin.headers = {"Content-Encoding": "gzip"}
        assert refusal_of(local(), base)[0] is FailureCode.SOURCE_REFUSED

    @pytest.mark.parametrize("content_range", ["bytes 5-9/100", "bytes */100", "nonsense", ""])
    def test_a_part_that_was_not_requested_is_no_file(self, origin: Origin, base: str, content_range: str) -> None:
        origin.status, origin.headers = 206, {"Content-Range": content_range}
        assert refusal_of(local(), base)[0] is FailureCode.SOURCE_REFUSED

    def test_a_length_that_promises_more_is_a_transfer_that_broke_off(self, origin: Origin, base: str) -> None:
        origin.headers = {"Content-Length": str(len(BODY) + 10)}
        with pytest.raises(SourceUnavailableError):
            read_whole(local(), base)

    @pytest.mark.parametrize(
        ("head", "drop"),
        [
            pytest.param(HEAD, b"X-More: 1\r\n", id="headers"),
            pytest.param(HEAD + b"Content-Length: 1000000\r\n\r\n", b"x", id="body"),
            pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0", id="chunk-sizes"),
            pytest.param(HEAD + b"\r\n", b"x", id="no-length"),
        ],
    )
    @pytest.mark.usefixtures("short_headers")
    def test_a_server_that_trickles_without_end_is_left(self, head: bytes, drop: bytes) -> None:
        def read(port: int) -> None:
            with pytest.raises(SourceUnavailableError):
                read_whole(local(transfer_seconds=1.0, piece_seconds=0.5), f"http://127.0.0.1:{port}/clip.mp4")

        with trickling(head, drop) as port:
            assert seconds_of(lambda: read(port)) < PATIENCE_SECONDS / 2

    def test_a_name_that_is_not_found_may_be_found_later(self) -> None:
        def missing(_host: str, _port: int) -> list[str]:
            raise OSError("no such name")

        with pytest.raises(SourceUnavailableError, match="host cannot be found"):
            read_whole(HttpSources(resolve=missing), "https://nowhere.example/clip.mp4")


@pytest.fixture
def short_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.sources.reader._HEADERS_SECONDS", 1.0)


@dataclass
class World:
    """A real bucket and real rows: one video whose file is fetched."""

    rows: Rows
    s3: S3Access
    deps: Dependencies
    results: list[FetchResult]

    def create(self, url: str, **changes: Any) -> VideoRow:
        new: NewRow = replace(a_new_video(), source_url=url, declared_bytes=None, storage_key=KEY, **changes)
        return self.rows.commands.create(new, per_hour=10).row

    def fetch(self) -> float | None:
        return source_fetch.fetch(VIDEO, self.deps, lambda: datetime.now(UTC), on_progress=lambda: None)

    @property
    def row(self) -> VideoRow:
        return self.rows.row()

    def stored(self) -> bytes:
        return client_for(self.s3).get_object(Bucket=self.s3.raw_bucket, Key=KEY)["Body"].read()

    def open_uploads(self) -> list[str]:
        return [upload.upload_id for page in self.deps.parts.open_uploads("uploads/") for upload in page]


@pytest.fixture
def world(database_url: str, s3: S3Access) -> Iterator[World]:
    rows, settings = Rows(database_url), settings_for(s3)
    results: list[FetchResult] = []
    deps = SimpleNamespace(
        on_fetch=results.append,
        observations=Observations(rows.database),
        fetch_rows=SourceFetches(rows.database),
        storage=Storage(settings),
        parts=Multipart(settings),
        sources=local(),
        policy=LifecyclePolicy(),
        max_file_bytes=MAX_BYTES,
        fetch_part_bytes=PART_BYTES,
        is_leading=lambda: True,
    )
    yield World(rows, s3, cast("Dependencies", deps), results)
    rows.database.close()


class TestFetching:
    def test_a_file_that_was_joined_before_a_kill_is_not_fetched_again(
        self, world: World, origin: Origin, base: str
    ) -> None:
        world.create(f"{base}/clip.mp4")
        client_for(world.s3).put_object(Bucket=world.s3.raw_bucket, Key=KEY, Body=BODY)
        origin.status = 404
        assert world.fetch() == 0
        assert (world.row.current_fetch.is_stored, origin.seen) == (True, [])

    def test_a_process_that_was_overtaken_records_nothing(self, world: World, base: str) -> None:
        row = world.create(f"{base}/clip.mp4")
        rows, state = world.deps.fetch_rows, SourceFetch(since=row.observed.phase_since)
        newer = rows.begin(row, state, upload_id="newer", part_bytes=PART_BYTES)
        assert newer is not None
        assert rows.begin(row, state, upload_id="late", part_bytes=PART_BYTES) is None
        assert rows.record(row, replace(state, is_stored=True)) is None
        assert world.row == newer
        assert rows.record(newer, replace(state, stored_bytes=PART_BYTES)) is not None

    def test_a_file_is_stored_part_by_part(self, world: World, base: str) -> None:
        world.create(f"{base}/clip.mp4?key=secret")
        assert world.fetch() == 0
        assert world.stored() == BODY
        assert world.row.current_fetch.is_stored
        assert (world.open_uploads(), world.row.observed.revision) == ([], 1)

    def test_a_transfer_cut_in_the_middle_is_continued_by_range(self, world: World, origin: Origin, base: str) -> None:
        origin.cuts = [PART_BYTES + 1_000]
        world.create(f"{base}/clip.mp4")
        pause = world.fetch()
        assert pause is not None
        assert pause > 0
        assert world.row.current_fetch.stored_bytes == PART_BYTES
        assert world.fetch() == 0
        assert world.results == [FetchResult.FAILED, FetchResult.STORED]
        assert origin.begun_at == [0, PART_BYTES]
        assert world.stored() == BODY
        assert world.open_uploads() == []

    def test_without_ranges_it_starts_over_in_another_upload(self, world: World, origin: Origin, base: str) -> None:
        origin.cuts, origin.takes_ranges = [PART_BYTES + 1_000], False
        world.create(f"{base}/clip.mp4")
        world.fetch()
        assert world.fetch() == 0
        assert origin.begun_at == [0, 0]
        assert world.stored() == BODY
        assert world.open_uploads() == []

    def test_a_file_that_changed_meanwhile_is_not_mixed(self, world: World, origin: Origin, base: str) -> None:
        origin.cuts = [PART_BYTES + 1_000]
        world.create(f"{base}/clip.mp4")
        world.fetch()
        origin.body, origin.version = BODY[::-1], '"two"'
        assert world.fetch() == 0
        assert world.stored() == BODY[::-1]
        assert world.open_uploads() == []

    def test_an_announced_size_beyond_the_limit_moves_no_byte(self, world: World, origin: Origin, base: str) -> None:
        origin.headers = {"Content-Length": str(MAX_BYTES + 1)}
        world.create(f"{base}/clip.mp4")
        world.fetch()
        assert world.row.current_fetch.code is FailureCode.SOURCE_TOO_LARGE
        assert (world.row.upload_id, world.open_uploads()) == (None, [])

    def test_an_endless_body_ends_at_the_limit(self, world: World) -> None:
        world.deps.max_file_bytes = PART_BYTES  # type: ignore[misc]
        with chunked_without_end() as url:
            world.create(url)
            world.fetch()
        assert world.row.current_fetch.code is FailureCode.SOURCE_TOO_LARGE

    def test_a_video_deleted_meanwhile_keeps_no_upload(self, world: World, base: str) -> None:
        world.create(f"{base}/clip.mp4")
        world.deps.is_leading = lambda: bool(world.rows.commands.delete(VIDEO))  # type: ignore[misc]
        world.fetch()
        assert world.row.source_fetch is not None
        assert not world.row.source_fetch.is_stored
        assert world.results == [FetchResult.ABANDONED]
        assert world.fetch() is None

    def test_the_url_is_in_no_message(self, world: World, origin: Origin, base: str) -> None:
        origin.status = 403
        world.create(f"{base}/clip.mp4?key=secret")
        world.fetch()
        fetch = world.row.current_fetch
        assert (fetch.code, fetch.message) == (FailureCode.SOURCE_REFUSED, "the server answered HTTP 403")
        assert world.results == [FetchResult.REFUSED]
        assert "secret" not in repr(world.row)


@contextmanager
def chunked_without_end() -> Iterator[str]:
    """Run a server that sends as fast as it can and never ends; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with running(Handler) as url:
        yield f"{url}/clip.mp4"
