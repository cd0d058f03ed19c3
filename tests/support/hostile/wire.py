"""Requests as bytes on a socket: what every client library would refuse to send."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.support.hostile.calls import Call
from tests.support.hostile.requests import RawResponse, Sent
from webapi.http.problems import ProblemCode


@dataclass(frozen=True)
class Break:
    """One way to break the framing of a request; ``is_cut``: the client stops sending and waits for the answer."""

    name: str
    change: Callable[[bytes], bytes]
    code: ProblemCode = ProblemCode.MALFORMED_REQUEST
    is_cut: bool = False

    def __str__(self) -> str:
        return self.name


def encode(sent: Sent) -> bytes:
    """Return the request as bytes; the server is asked to close afterwards."""
    head = [
        f"{sent.method} {sent.target} HTTP/1.1",
        "Host: videos.example.com",
        "Connection: close",
        f"Content-Length: {len(sent.body)}",
        *(f"{name}: {value}" for name, value in sent.headers),
    ]
    return "\r\n".join([*head, "", ""]).encode("utf-8") + sent.body


def exchange(connection: socket.socket, request: bytes, *, is_cut: bool = False) -> RawResponse:
    """Send the bytes, and read the answer until the server closes."""
    connection.sendall(request)
    if is_cut:
        connection.shutdown(socket.SHUT_WR)
    received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    status, *headers = head.decode("latin-1").split("\r\n")
    named = (header.partition(":") for header in headers)
    answer = RawResponse(int(status.split(" ")[1]), {name.lower(): value.strip() for name, _, value in named}, body)
    if answer.headers.get("transfer-encoding") == "chunked":
        return replace(answer, body=_unchunked(body))
    if not request.startswith(b"HEAD "):
        assert len(body) == int(answer.headers.get("content-length", 0)), received
    return answer


def _unchunked(body: bytes) -> bytes:
    """Return the content of a body in chunks, which must be whole."""
    content = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        piece, end, body = body[: int(size, 16)], body[int(size, 16) :][:2], body[int(size, 16) + 2 :]
        assert end == b"\r\n"
        if not piece:
            assert not body
            return content
        content += piece


def breaks_of(call: Call) -> Iterator[Break]:
    """Yield every way to break the framing of a call."""
    yield from _first_lines(call)
    yield from _headers()
    yield from _lengths()
    if call.body is not None:
        yield from _chunks(call.body.bytes_max)


def _first_lines(call: Call) -> Iterator[Break]:
    method = call.method.encode()
    for name, line in {
        "line-without-version": b"%s %s",
        "line-with-two-words-too-many": b"%s %s a b HTTP/1.1",
        "version-of-the-future": b"%s %s HTTP/9.9",
        "version-in-words": b"%s %s HTTP/one",
        "version-two": b"%s %s HTTP/2.0",
        "raw-byte-in-the-target": b"%s %s\xff HTTP/1.1",
        "nul-in-the-target": b"%s %s\x00 HTTP/1.1",
        "tab-in-the-target": b"%s %s\t HTTP/1.1",
        "long-target": b"%s %s?" + b"x" * 5000 + b" HTTP/1.1",
        "method-in-lower-case": method.lower() + b" %.0s%s HTTP/1.1",
        "method-that-is-no-word": b"G(T %.0s%s HTTP/1.1",
        "long-method": b"A" * 1000 + b" %.0s%s HTTP/1.1",
        "nothing-but-the-target": b"%.0s%s",
        "target-of-a-proxy": b"%s videos.example.com:443%.0s HTTP/1.1",
        "star": b"%s *%.0s HTTP/1.1",
    }.items():
        yield Break(name, _with_first_line(line))
    yield Break("a-line-before-the-first", lambda sent: b"nonsense\r\n" + sent)


def _headers() -> Iterator[Break]:
    for name, header in {
        "header-without-colon": b"Authorization Bearer 5ec1e7",
        "header-without-name": b": x",
        "blank-before-the-colon": b"X-A : b",
        "blank-before-the-name": b" X-A: b",
        "folded-header": b"X-A: b\r\n c",
        "nul-in-a-header": b"X-A: b\x00c",
        "return-in-a-header": b"X-A: b\rc",
        "line-break-in-a-header": b"X-A: b\nX-B: c",
        "escape-in-a-header": b"X-A: \x1b[31m",
        "not-ascii-in-a-name": b"X-\xc3\xa4: b",
        "second-host": b"Host: evil.example.com",
        "expectation-unknown": b"Expect: wonders",
        "many-headers": b"\r\n".join(b"X-%d: x" % number for number in range(100)),
        "the-same-header-many-times": b"\r\n".join([b"Authorization: Bearer x"] * 100),
        "long-header": b"X-A: " + b"x" * 9000,
        "long-name": b"x" * 9000 + b": x",
        "megabyte-of-headers": b"\r\n".join([b"X-A: " + b"x" * 8000] * 130),
    }.items():
        yield Break(name, _with_header(header))


def _lengths() -> Iterator[Break]:
    for name, length in {
        "length-twice": b"Content-Length: 3\r\nContent-Length: 3",
        "two-lengths": b"Content-Length: 3\r\nContent-Length: 4",
        "lengths-in-a-list": b"Content-Length: 3, 3",
        "negative-length": b"Content-Length: -1",
        "length-with-plus": b"Content-Length: +3",
        "length-in-hex": b"Content-Length: 0x3",
        "length-as-fraction": b"Content-Length: 3.0",
        "length-in-other-digits": b"Content-Length: \xb2",
        "length-beyond-all-bounds": b"Content-Length: " + b"9" * 5000,
        "empty-length": b"Content-Length:",
        "length-and-chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked",
        "chunks-and-length": b"Transfer-Encoding: chunked\r\nContent-Length: 3",
        "chunked-twice": b"Transfer-Encoding: chunked, chunked",
        "chunked-in-two-headers": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "coding-unknown": b"Transfer-Encoding: wonders",
        "chunked-by-the-letter": b"Transfer-Encoding: xchunked",
        "compressed": b"Transfer-Encoding: gzip",
        "chunked-then-compressed": b"Transfer-Encoding: chunked, gzip",
        "identity": b"Transfer-Encoding: identity",
    }.items():
        yield Break(name, _with_length(length))


def _chunks(bytes_max: int) -> Iterator[Break]:
    for name, body in {
        "chunk-size-in-words": b"ZZ\r\n{}\r\n0\r\n\r\n",
        "negative-chunk": b"-2\r\n{}\r\n0\r\n\r\n",
        "chunk-without-size": b"\r\n{}\r\n0\r\n\r\n",
        "chunk-size-in-python": b"1_0\r\n{}\r\n0\r\n\r\n",
        "chunk-longer-than-said": b"2\r\n{}{}\r\n0\r\n\r\n",
        "chunk-without-end": b"2\r\n{}0\r\n\r\n",
        "chunk-ended-by-half": b"2\r\n{}\n0\r\n\r\n",
        "nonsense-behind-the-size": b"2;=\x00\r\n{}\r\n0\r\n\r\n",
    }.items():
        yield Break(name, _with_chunks(body))
    for name, body in {
        "chunk-beyond-all-bounds": b"FFFFFFFFFFFFFFFFF\r\n{}",
        "chunks-without-last": b"2\r\n{}\r\n",
        "last-chunk-cut-off": b"2\r\n{}\r\n0\r\n",
    }.items():
        yield Break(name, _with_chunks(body), is_cut=True)
    pieces = b"400\r\n" + b" " * 1024 + b"\r\n"
    yield Break("many-chunks", _with_chunks(pieces * (bytes_max // 1024 + 1)), ProblemCode.BODY_TOO_LARGE)
    large = 2 * bytes_max
    yield Break("one-large-chunk", _with_chunks(b"%X\r\n" % large + b" " * large), ProblemCode.BODY_TOO_LARGE)
    yield Break(
        "length-that-is-too-large", _with_length(b"Content-Length: %d" % (bytes_max + 1)), ProblemCode.BODY_TOO_LARGE
    )
    yield Break("length-of-a-film", _with_length(b"Content-Length: 9000000000"), ProblemCode.BODY_TOO_LARGE)
    yield Break("body-cut-off", lambda sent: sent[:-1], is_cut=True)
    yield Break("body-with-less-than-said", _with_longer_length, is_cut=True)


def _with_first_line(line: bytes) -> Callable[[bytes], bytes]:
    def change(sent: bytes) -> bytes:
        first, _, rest = sent.partition(b"\r\n")
        method, target, _ = first.split(b" ")
        return line % (method, target) + b"\r\n" + rest

    return change


def _with_header(header: bytes) -> Callable[[bytes], bytes]:
    return lambda sent: sent.replace(b"\r\nConnection:", b"\r\n" + header + b"\r\nConnection:", 1)


def _with_length(length: bytes) -> Callable[[bytes], bytes]:
    def change(sent: bytes) -> bytes:
        before, _, rest = sent.partition(b"\r\nContent-Length:")
        return before + b"\r\n" + length + b"\r\n" + rest.partition(b"\r\n")[2]

    return change


def _with_chunks(body: bytes) -> Callable[[bytes], bytes]:
    def change(sent: bytes) -> bytes:
        head, _, _ = _with_length(b"Transfer-Encoding: chunked")(sent).partition(b"\r\n\r\n")
        return head + b"\r\n\r\n" + body

    return change


def _with_longer_length(sent: bytes) -> bytes:
    """All of a good body, and a length that promises more: a server that stops here takes it for the whole."""
    length = sent.partition(b"\r\nContent-Length: ")[2].partition(b"\r\n")[0]
    return sent.replace(b"\r\nContent-Length: " + length, b"\r\nContent-Length: %d" % (int(length) + 100), 1)
