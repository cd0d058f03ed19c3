"""Endless bodies, sent to every call: the answer comes after at most a mebibyte."""

import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from devstack.s3 import S3Access
from tests.integration.hostile_world import RealWorld, own_world
from tests.support.hostile.calls import CALLS, Call
from tests.support.hostile.requests import good_request
from tests.support.hostile.wire import encode

MEBIBYTE = 1024**2
# What the two kernels hold on the way, of which no process has seen anything.
BUFFERED = 2 * MEBIBYTE
OFFERED = 64 * MEBIBYTE
PIECE = b" " * 16_384
FRAMINGS = {
    "length": (b"Content-Length: %d" % (100 * OFFERED), PIECE),
    "chunks": (b"Transfer-Encoding: chunked", b"%X\r\n%s\r\n" % (len(PIECE), PIECE)),
}


@dataclass(frozen=True)
class Flooded:
    """``taken``: bytes of the body that could be sent before the answer began."""

    status: int
    taken: int


@pytest.fixture(scope="module")
def world(postgres_url: str, s3_access: S3Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWorld]:
    with own_world(postgres_url, s3_access, tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_no_call_reads_more_than_a_mebibyte(world: RealWorld, call: Call, framing: str) -> None:
    world.tidy()
    length, piece = FRAMINGS[framing]
    head = encode(replace(good_request(call, world.facts), body=b"")).replace(b"Content-Length: 0", length)
    with world.api.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        connection.sendall(head)
        flooded = flood(connection, piece)

    assert flooded.taken <= MEBIBYTE + BUFFERED
    # Who reads no body answers as if there were none.
    assert flooded.status == (413 if call.reads_body else call.success)


def flood(connection: socket.socket, piece: bytes) -> Flooded:
    """Send pieces until the server answers."""
    taken = 0
    connection.setblocking(False)
    rest = piece
    while taken < OFFERED:
        readable, writable, _ = select.select([connection], [connection], [], 20)
        assert readable or writable, f"neither read nor answered after {taken} bytes"
        if readable:
            break
        sent = connection.send(rest)
        taken, rest = taken + sent, rest[sent:] or piece
    select.select([connection], [], [], 20)
    return Flooded(int(connection.recv(4096).split(b" ")[1]), taken)
