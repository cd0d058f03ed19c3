"""Runs ffmpeg with time limits and ends its processes. transcode.py has the arguments."""

import contextlib
import logging
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from imageio_ffmpeg import get_ffmpeg_exe  # type: ignore[import-untyped]

from devstack.coconut.facts import MediaFacts, parse_facts

AT_ONCE = 2
PROBE_SECONDS = 60
ENCODE_SECONDS = 3_600

# Only containers that hold their own media: a playlist could name any file of this machine.
_DEMUXERS = "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,dv,ivf,rm,flv,asf,ogg,mxf,mp3,aac,wav,flac,h264,hevc,gif"
_OUT_TIME = "out_time_us="
_log = logging.getLogger(__name__)


class FfmpegError(Exception):
    """ffmpeg failed or took too long."""


class StoppedError(Exception):
    """The stand-in is stopping."""


class Ffmpeg:
    """Runs ffmpeg, at most two at once, and ends those still running when it stops."""

    def __init__(self) -> None:
        self._command = [*_end_with_parent(), get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-y"]
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._children: set[subprocess.Popen[str]] = set()
        self._is_stopping = False

    def facts(self, path: Path) -> MediaFacts:
        """Describe a file. Raises ValueError if it is not media."""
        try:
            # Without an output ffmpeg exits with 1 after describing the input.
            text = self._run(_input_arguments(path), folder=path.parent, timeout_seconds=PROBE_SECONDS)[1]
        except FfmpegError as error:
            raise ValueError(str(error)) from error
        facts = parse_facts(text, path)
        if facts.duration_seconds is None:
            # Recorders in browsers write no duration, so it is measured.
            facts = replace(facts, duration_seconds=self._measured_seconds(path))
        return facts

    def encode(
        self,
        source: Path,
        arguments: Sequence[str],
        *,
        folder: Path,
        from_seconds: float = 0,
        on_seconds: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """Run one encoding in a folder; ``on_seconds`` receives the seconds of output made so far."""
        command = ["-loglevel", "error", "-progress", "pipe:1", "-filter_threads", "1", "-filter_complex_threads", "1"]
        # What can be decoded of a damaged track is encoded.
        command += ["-max_error_rate", "1", *_input_arguments(source, from_seconds=from_seconds)]
        command += ["-threads", "1", *arguments]
        code, text = self._run(command, folder=folder, timeout_seconds=ENCODE_SECONDS, on_seconds=on_seconds)
        if code:
            raise FfmpegError(f"ffmpeg exited with {code}: {text.strip()[-500:]}")

    def generate(self, arguments: Sequence[str], *, folder: Path) -> None:
        """Run ffmpeg on generated input."""
        code, text = self._run(["-loglevel", "error", *arguments], folder=folder, timeout_seconds=PROBE_SECONDS)
        if code:
            raise FfmpegError(f"ffmpeg exited with {code}: {text.strip()[-500:]}")

    def stop(self) -> None:
        """End all processes; later runs raise StoppedError."""
        with self._lock:
            self._is_stopping = True
            for child in self._children:
                child.kill()

    def _measured_seconds(self, path: Path) -> float:
        seconds = [0.0]
        # A file that breaks off has been measured as far as it goes.
        with contextlib.suppress(FfmpegError):
            self.encode(
                path,
                ["-c", "copy", "-map", "0:v:0?", "-map", "0:a:0?", "-f", "null", "-"],
                folder=path.parent,
                on_seconds=seconds.append,
            )
        return max(seconds)

    def _run(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        timeout_seconds: float,
        on_seconds: Callable[[float], None] = lambda _seconds: None,
    ) -> tuple[int, str]:
        with self._slots:
            return self._run_now(arguments, folder, timeout_seconds, on_seconds)

    def _run_now(
        self,
        arguments: Sequence[str],
        folder: Path,
        timeout_seconds: float,
        on_seconds: Callable[[float], None],
    ) -> tuple[int, str]:
        child = self._start(arguments, folder)
        text: list[str] = []
        reader = threading.Thread(target=_collect, args=(child.stderr, text), daemon=True)
        reader.start()
        limit = threading.Timer(timeout_seconds, child.kill)
        limit.start()
        with child:
            try:
                for line in child.stdout or ():
                    if line.startswith(_OUT_TIME) and line[len(_OUT_TIME) :].strip().isdecimal():
                        on_seconds(int(line[len(_OUT_TIME) :]) / 1e6)
                code = child.wait()
            finally:
                limit.cancel()
                child.kill()
                reader.join()
                with self._lock:
                    self._children.discard(child)
        if self._is_stopping:
            raise StoppedError
        if code < 0:
            raise FfmpegError(f"ffmpeg was ended by signal {-code} (limit: {timeout_seconds:g} s)")
        return code, "".join(text)

    def _start(self, arguments: Sequence[str], folder: Path) -> subprocess.Popen[str]:
        with self._lock:
            if self._is_stopping:
                raise StoppedError
            child = subprocess.Popen(
                [*self._command, *arguments],
                cwd=folder,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            self._children.add(child)
            return child


def _input_arguments(path: Path, *, from_seconds: float = 0) -> list[str]:
    """Return the arguments that open an untrusted file."""
    seek = ["-ss", f"{from_seconds:.3f}"] if from_seconds else []
    guards = ["-protocol_whitelist", "file,crypto", "-format_whitelist", _DEMUXERS]
    return ["-threads", "1", *guards, *seek, "-i", f"file:{path}"]


def _collect(stream: IO[str] | None, text: list[str]) -> None:
    """Keep the first lines: a broken file can make ffmpeg write errors for hours."""
    for line in stream or ():
        if len(text) < 2_000:
            text.append(line)


def _end_with_parent() -> list[str]:
    """Return a command prefix: a killed parent cannot end its children, but the kernel can."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
