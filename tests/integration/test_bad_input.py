"""The table of bad input over a real process: gunicorn, Postgres and S3, without Kubernetes.

Beside the faults of tests/hostile that are requests, there are those of the wire that no client library would send.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from devstack.s3 import S3Access
from tests.integration.hostile_world import RealWorld, own_world
from tests.support.hostile.calls import CALLS, Call
from tests.support.hostile.faults import faults_of
from tests.support.hostile.problems import assert_problem
from tests.support.hostile.requests import Defect, good_request
from tests.support.hostile.wire import Break, breaks_of, encode

FAULTS = [(call, fault) for call in CALLS for fault in faults_of(call)]
BREAKS = [(call, broken) for call in CALLS for broken in breaks_of(call)]
# Headers that some servers trust, or answer with another protocol.
STRAY_HEADERS = [
    ("SCRIPT_NAME", "/api"),
    ("PATH_INFO", "/metrics"),
    ("X-Forwarded-Proto", "gopher"),
    ("X-Forwarded-For", "127.0.0.1, ' OR 1=1"),
    ("X-Forwarded-Host", "evil.example.com"),
    ("X-Forwarded-Prefix", "/../.."),
    ("X-Original-URL", "/metrics"),
    ("X-Rewrite-URL", "/metrics"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-HTTP-Method", "PUT"),
    ("X-Request-Id", '"><script>'),
    ("Forwarded", "for=127.0.0.1;proto=https;host=evil"),
    ("Cookie", "token=" + "x" * 4000),
    ("Accept", "text/html;q=nonsense, ;;;, */*;q=9"),
    ("Accept-Encoding", "gzip;q=x, br;;;"),
    ("Range", "bytes=0-0,-1,9-3"),
    ("If-Match", '"'),
    ("If-None-Match", 'W/"x, "'),
    ("If-Modified-Since", "yesterday"),
    ("Date", "never"),
    ("Via", "1.1 " * 900),
    ("Upgrade", "h2c"),
    ("Upgrade", "websocket"),
    ("TE", "trailers, deflate;q=0.5"),
    ("Trailer", "Authorization"),
    ("Proxy", "http://evil.example.com"),
]


@pytest.fixture(scope="module")
def world(postgres_url: str, s3_access: S3Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWorld]:
    with own_world(postgres_url, s3_access, tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.mark.parametrize(("call", "fault"), FAULTS, ids=[f"{call}-{fault}" for call, fault in FAULTS])
def test_bad_input_is_refused_as_documented_and_changes_nothing(world: RealWorld, call: Call, fault: Defect) -> None:
    sent = fault.change(good_request(call, world.facts), world.facts.about(call))
    before = world.state()
    answer = world.send(sent)

    assert_problem(answer, fault.code, fault.fields, is_head=sent.method == "HEAD")
    assert world.state() == before


@pytest.mark.parametrize(("call", "broken"), BREAKS, ids=[f"{call}-{broken}" for call, broken in BREAKS])
def test_malformed_http_is_refused_as_documented_and_changes_nothing(
    world: RealWorld, call: Call, broken: Break
) -> None:
    request = broken.change(encode(good_request(call, world.facts)))
    before = world.state()
    answer = world.send_bytes(request, is_cut=broken.is_cut)

    assert_problem(answer, broken.code)
    assert world.state() == before


# From here on the calls succeed, and so they change what they are meant to change.


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_without_a_fault_each_call_succeeds(world: RealWorld, call: Call) -> None:
    world.tidy()
    assert world.send(good_request(call, world.facts)).status == call.success


@pytest.mark.parametrize("header", STRAY_HEADERS, ids=lambda header: f"{header[0]}={header[1][:16]}")
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_forwarding_headers_change_nothing(world: RealWorld, call: Call, header: tuple[str, str]) -> None:
    world.tidy()
    assert world.send(good_request(call, world.facts).having(*header)).status == call.success


@pytest.mark.parametrize("body", [b"{", b"x" * 300_000, b"\x00" * 100], ids=["no-json", "large", "binary"])
@pytest.mark.parametrize("call", [call for call in CALLS if not call.reads_body], ids=str)
def test_an_unexpected_body_is_not_read(world: RealWorld, call: Call, body: bytes) -> None:
    sent = replace(good_request(call, world.facts), body=body)

    world.tidy()
    assert world.send(sent).status == call.success
    world.tidy()
    assert world.send_bytes(encode(sent)[: -len(body) // 2]).status == call.success
