"""Reads a file here and there in few requests. Pure: the bytes come through the `Read` it is given."""

from collections.abc import Callable

# read(offset, length) returns the bytes there; fewer only at the end of the file.
Read = Callable[[int, int], bytes]

# One request. It holds the beginnings of all streams of most files, and more than 300 packets of MPEG-TS.
HEAD_BYTES = 64 * 1024
# What a request beyond the head fetches: the headers of a track lie close together.
WINDOW_BYTES = 4096
# Each window costs one request of a pass.
WINDOWS_MAX = 64
# The longest stretch that is read at once, for headers that only make sense as a whole.
STRETCH_BYTES_MAX = 1024 * 1024


class BoundReachedError(Exception):
    """What was looked for lies farther away than a verification reads: nothing is known about it."""


class Reader:
    """The file's head, and up to WINDOWS_MAX windows of the rest. Reads behind the end return fewer bytes."""

    def __init__(self, read: Read, file_bytes: int) -> None:
        """Read the head."""
        self.file_bytes = file_bytes
        self.head = read(0, min(HEAD_BYTES, file_bytes))
        self._read = read
        self._windows_left = WINDOWS_MAX
        self._start, self._window = 0, self.head

    def at(self, offset: int, length: int) -> bytes:
        """Return ``length`` bytes from ``offset`` on. Raises BoundReachedError after WINDOWS_MAX requests."""
        length = max(0, min(length, self.file_bytes - offset))
        if length == 0:
            return b""
        if length > STRETCH_BYTES_MAX:
            raise BoundReachedError
        if offset + length <= len(self.head):
            return self.head[offset : offset + length]
        if not self._start <= offset <= offset + length <= self._start + len(self._window):
            if self._windows_left == 0:
                raise BoundReachedError
            self._windows_left -= 1
            self._start = offset
            self._window = self._read(offset, min(max(length, WINDOW_BYTES), self.file_bytes - offset))
        return self._window[offset - self._start : offset - self._start + length]
