"""Reads a file over HTTP from a URL that an owner named: only from addresses that were checked, and within time.

The URL and each redirect are checked by runtime/ssrf_guard.py, and the connection is made to the very address that was
checked. No message quotes a URL: its query may be a password. What is done with the bytes is decided in
controller/actions/source_fetch.py.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from urllib.parse import urljoin

import requests
import urllib3

from controller.ports import SourceRefusedError, SourceUnavailableError
from domain.failures import FailureCode
from runtime import heartbeats
from runtime.deadline import Deadline, PinnedAdapter, lasting, watching, within
from runtime.retry_after import retry_after_seconds
from runtime.ssrf_guard import HostNotFoundError, Network, Resolve, Target, TargetError, resolve_within

REDIRECTS_MAX = 5
# For connecting, and for each wait for bytes after that.
_TIMEOUT_SECONDS = (5.0, 30.0)
# For one request, up to the end of its headers.
_HEADERS_SECONDS = 60.0
_CHUNK_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _PARTIAL, _OUT_OF_RANGE = 200, 206, 416
# Those that say that the same request may succeed later.
_LATER = frozenset({408, 425, 429})
_VERSION_MAX = 256
_RANGE = re.compile(r"bytes ([0-9]{1,16})-[0-9]{1,16}/([0-9]{1,16})")
# A weak tag promises no equal bytes (RFC 9110, 8.8.1), and If-Range needs equal bytes.
_STRONG_TAG = re.compile(r'"[!#-~]*"')
_NO_ANSWER = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError)
_TOO_LONG = "the server took too long"


@dataclass(frozen=True)
class ReadLimits:
    """How long a server may take: for one transfer, and for each ``piece_bytes`` of it."""

    transfer_seconds: float = 3600.0
    piece_seconds: float = 300.0


class HttpFile:
    """A file that a server is sending; see `SourceFile`."""

    def __init__(
        self, response: requests.Response, deadline: Deadline, limits: ReadLimits, monotonic: Callable[[], float]
    ) -> None:
        self._response, self._deadline, self._limits, self._monotonic = response, deadline, limits, monotonic
        self.offset, self.file_bytes = _extent(response)
        self.version = _version(response)
        self._read_bytes = 0

    def read(self, at_most: int) -> bytes:
        """Return the next bytes: so many of them, and fewer only at the end. Raises SourceUnavailableError."""
        piece = bytearray()
        ends_at = self._monotonic() + self._limits.piece_seconds
        while len(piece) < at_most:
            chunk = self._chunk(min(_CHUNK_BYTES, at_most - len(piece)))
            heartbeats.record()
            if not chunk:
                break
            piece += chunk
            if self._monotonic() > ends_at:
                raise SourceUnavailableError("the server sends too slowly")
        self._read_bytes += len(piece)
        is_cut = self.file_bytes is not None and self.offset + self._read_bytes < self.file_bytes
        if len(piece) < at_most and is_cut:
            raise SourceUnavailableError("the server sent less than it announced")
        return bytes(piece)

    def _chunk(self, at_most: int) -> bytes:
        try:
            chunk: bytes = self._response.raw.read1(at_most)
        except _NO_ANSWER as error:
            raise SourceUnavailableError(f"the transfer broke off ({type(error).__name__})") from None
        if self._deadline.is_over:
            # The end of a connection that was shut down looks like the end of a file without a length.
            raise SourceUnavailableError(_TOO_LONG)
        return chunk


class HttpSources:
    """The servers of source URLs. ``networks``: which addresses are allowed besides public ones."""

    def __init__(
        self,
        *,
        networks: Sequence[Network] = (),
        resolve: Resolve | None = None,
        verify: str | bool = True,
        limits: ReadLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``verify``: the trusted certificates, as in requests."""
        self._networks, self._resolve, self._verify = tuple(networks), resolve, verify
        self._limits, self._monotonic = limits or ReadLimits(), monotonic

    @contextmanager
    def open(self, url: str, *, offset: int, version: str | None) -> Iterator[HttpFile]:
        """Begin to read a file at ``offset``, if it is still of this version, and else at its beginning.

        Raises SourceUnavailableError, SourceRefusedError.
        """
        with lasting(self._limits.transfer_seconds) as deadline, ExitStack() as opened:
            response = self._answer(url, offset, version, deadline, opened)
            if response.status_code == _OUT_OF_RANGE or not _continues(response, offset, version):
                opened.close()
                response = self._answer(url, 0, None, deadline, opened)
                if not _continues(response, 0, None):
                    message = "the server sends only a part of the file"
                    raise SourceRefusedError(FailureCode.SOURCE_REFUSED, message)
            _require_file(response)
            yield HttpFile(response, deadline, self._limits, self._monotonic)

    def _answer(
        self, url: str, offset: int, version: str | None, deadline: Deadline, opened: ExitStack
    ) -> requests.Response:
        """Return the response after all redirects; its connection is closed with ``opened``."""
        headers = {"User-Agent": "video-uploads", "Accept": "*/*", "Accept-Encoding": "identity"}
        if offset and version is not None:
            headers |= {"Range": f"bytes={offset}-", "If-Range": version}
        for _ in range(REDIRECTS_MAX + 1):
            response = self._request(url, headers, deadline, opened)
            location = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or location is None:
                return response
            opened.close()
            try:
                url = urljoin(url, location)
            except ValueError:
                raise _forbidden("it redirects to no URL") from None
        raise _forbidden(f"it redirects more than {REDIRECTS_MAX} times")

    def _request(self, url: str, headers: dict[str, str], deadline: Deadline, opened: ExitStack) -> requests.Response:
        try:
            target = Target.parse(url, allow_private=bool(self._networks))
            address = resolve_within(target, self._networks, resolve=self._resolve)
        except HostNotFoundError as error:
            raise SourceUnavailableError(f"the URL cannot be read: {error}") from None
        except TargetError as error:
            raise _forbidden(str(error)) from None
        host = f"[{address}]" if ":" in address else address
        session = opened.enter_context(requests.Session())
        session.trust_env = False  # neither proxies nor credentials from the environment
        session.mount(f"{target.scheme}://", PinnedAdapter(target.host))
        try:
            with watching(deadline), within(_HEADERS_SECONDS) as until_headers:
                response = session.get(
                    f"{target.scheme}://{host}:{target.port}{target.path}",
                    headers={**headers, "Host": target.authority},
                    timeout=_TIMEOUT_SECONDS,
                    verify=self._verify,
                    allow_redirects=False,
                    stream=True,
                )
        except _NO_ANSWER as error:
            raise SourceUnavailableError(f"the server does not answer ({type(error).__name__})") from None
        opened.enter_context(response)
        if until_headers.is_over:
            # urllib3 takes a connection that was shut down in the middle of a line for the end of the headers.
            raise SourceUnavailableError(_TOO_LONG)
        return response


def _forbidden(detail: str) -> SourceRefusedError:
    return SourceRefusedError(FailureCode.SOURCE_FORBIDDEN, f"the URL is not fetched: {detail}")


def _continues(response: requests.Response, offset: int, version: str | None) -> bool:
    """Return whether a response is the rest of the file that was begun, or the whole of any."""
    if response.status_code != _PARTIAL:
        return True
    return offset > 0 and _extent(response)[0] == offset and _version(response) == version


def _require_file(response: requests.Response) -> None:
    status = response.status_code
    if status >= 500 or status in _LATER:
        message = f"the server answered HTTP {status}"
        raise SourceUnavailableError(message, retry_after_seconds=retry_after_seconds(response.headers))
    if status not in (_OK, _PARTIAL):
        raise SourceRefusedError(FailureCode.SOURCE_REFUSED, f"the server answered HTTP {status}")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise SourceRefusedError(FailureCode.SOURCE_REFUSED, "the server sends the file only in an encoded form")


def _extent(response: requests.Response) -> tuple[int, int | None]:
    """Return where the body begins in the file, and the size of the whole file if the server says it."""
    if response.status_code == _PARTIAL:
        found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        return (int(found[1]), int(found[2])) if found else (-1, None)
    length = response.headers.get("Content-Length", "")
    is_whole = re.fullmatch(r"[0-9]{1,16}", length) and "Transfer-Encoding" not in response.headers
    return 0, int(length) if is_whole else None


def _version(response: requests.Response) -> str | None:
    """Return what If-Range needs: a strong tag, else a date; None if the server takes no ranges."""
    if response.status_code != _PARTIAL and response.headers.get("Accept-Ranges", "").strip().lower() != "bytes":
        return None
    tag = response.headers.get("ETag", "").strip()
    if _STRONG_TAG.fullmatch(tag) and len(tag) <= _VERSION_MAX:
        return tag
    date = response.headers.get("Last-Modified", "").strip()
    return date if date and len(date) <= _VERSION_MAX and date.isascii() and date.isprintable() else None
