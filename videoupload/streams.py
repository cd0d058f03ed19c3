"""Standard output and standard error, which may be closed, full, or in an encoding without most characters."""

import codecs
import contextlib
import io
import os
from typing import TextIO


def make_safe(stream: TextIO | None) -> TextIO:
    """Let a stream escape what its encoding lacks. One that is closed becomes one that discards everything."""
    if stream is None:
        return io.StringIO()
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def takes_every_character(stream: TextIO) -> bool:
    """Return whether the stream's encoding is UTF-8."""
    return codecs.lookup(getattr(stream, "encoding", None) or "utf-8").name == "utf-8"


def discard(stream: TextIO) -> None:
    """Discard further output, also what Python flushes at exit: that would fail again and change the exit code."""
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        finally:
            os.close(null)
