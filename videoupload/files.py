"""The file to send: its fingerprint, its type, and its bytes piece by piece."""

import base64
import hashlib
import io
import mimetypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from videoupload.errors import FileChangedError

_ANY_TYPE = "application/octet-stream"
# Types outside video/ that the service accepts.
_OTHER_TYPES = frozenset({"application/mp4", "application/mxf", "application/ogg", "application/vnd.ms-asf"})
_CHUNK_BYTES = 1024**2


@dataclass(frozen=True)
class Fingerprint:
    """Detects that a file changed. It does not cover the content: reading a film would take minutes."""

    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> "Fingerprint":
        """Return the fingerprint of a file. Raises OSError."""
        return cls._from(path.stat())

    @classmethod
    def _from(cls, facts: os.stat_result) -> "Fingerprint":
        return cls(facts.st_size, facts.st_mtime_ns)


def content_type(path: Path) -> str:
    """Return the type that a file name suggests, if the service accepts it."""
    guessed, _ = mimetypes.guess_type(path.name)
    return guessed if guessed and (guessed.startswith("video/") or guessed in _OTHER_TYPES) else _ANY_TYPE


class Piece:
    """A range of a file that is read while it is sent, never into memory as a whole. Use it in a `with`.

    ``on_bytes`` is called with the number of bytes of each read, and may raise to end the transfer.
    """

    def __init__(
        self, path: Path, expected: Fingerprint, *, start: int, length: int, on_bytes: Callable[[int], None]
    ) -> None:
        self._path = path
        self._expected = expected
        self._start = start
        self._length = self._left = length
        self._on_bytes = on_bytes
        self._file: IO[bytes] = io.BytesIO()
        # In the form of the header Content-MD5.
        self.content_md5 = ""

    def __enter__(self) -> "Piece":
        self._refuse_changed()
        # Each piece opens the file itself, because several are read in parallel.
        self._file = self._path.open("rb")
        self._file.seek(self._start)
        self.content_md5 = self._digest()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._refuse_changed()
        finally:
            self._file.close()

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, or none at the end of the piece."""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        if not data and self._left:
            raise FileChangedError(f"{self._path} became shorter while it was sent")
        self._left -= len(data)
        self._on_bytes(len(data))
        return data

    def _digest(self) -> str:
        digest, left = hashlib.md5(usedforsecurity=False), self._length
        while data := self._file.read(min(left, _CHUNK_BYTES)):
            digest.update(data)
            left -= len(data)
        self._file.seek(self._start)
        return base64.b64encode(digest.digest()).decode()

    def _refuse_changed(self) -> None:
        # By the path: if another file has replaced this one, the open descriptor still shows the old one.
        if Fingerprint.of(self._path) != self._expected:
            raise FileChangedError(f"{self._path} was changed while it was sent")
