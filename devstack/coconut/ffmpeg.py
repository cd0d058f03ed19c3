"""Running ffmpeg: its children, their time limits, their end. What it is told is in encoding.py."""

import logging
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from imageio_ffmpeg import get_ffmpeg_exe  # type: ignore[import-untyped]

from devstack.coconut.encoding import input_arguments
from devstack.coconut.facts import Facts, parse_facts

AT_ONCE = 2
PROBE_SECONDS = 60
ENCODE_SECONDS = 3_600

_OUT_TIME = "out_time_us="
_log = logging.getLogger(__name__)


class FfmpegError(Exception):
    """ffmpeg gave up, or took too long."""


class StoppedError(Exception):
    """We are stopping: the work is left as it is, to be done again at the next start."""


class Ffmpeg:
    """Starts ffmpeg, never more than two at once, and knows all that run, so that none outlives us."""

    def __init__(self) -> None:
        self._command = [*_dies_with_us(), get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-y"]
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._children: set[subprocess.Popen[str]] = set()
        self._is_stopping = False

    def facts(self, path: Path) -> Facts:
        """Look at a file. ValueError: it is not media."""
        try:
            # Without an output ffmpeg exits with 1 after saying what the input is.
            said = self._run(input_arguments(path), folder=path.parent, timeout_seconds=PROBE_SECONDS)[1]
        except FfmpegError as error:
            raise ValueError(str(error)) from error
        facts = parse_facts(said, path)
        if facts.duration_seconds is None:
            # Recorders in browsers leave the duration out: count it.
            facts = replace(facts, duration_seconds=self._counted_seconds(path))
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
        """Run one encoding in a folder; ``on_seconds`` hears how much of the output is done."""
        command = ["-loglevel", "error", "-progress", "pipe:1", "-filter_threads", "1", "-filter_complex_threads", "1"]
        command += [*input_arguments(source, from_seconds=from_seconds), "-threads", "1", *arguments]
        code, said = self._run(command, folder=folder, timeout_seconds=ENCODE_SECONDS, on_seconds=on_seconds)
        if code:
            raise FfmpegError(f"ffmpeg exited with {code}: {said.strip()[-500:]}")

    def generate(self, arguments: Sequence[str], *, folder: Path) -> None:
        """Run ffmpeg on no input but its own generators."""
        code, said = self._run(["-loglevel", "error", *arguments], folder=folder, timeout_seconds=PROBE_SECONDS)
        if code:
            raise FfmpegError(f"ffmpeg exited with {code}: {said.strip()[-500:]}")

    def stop(self) -> None:
        """End all children; every run from now on raises StoppedError."""
        with self._lock:
            self._is_stopping = True
            for child in self._children:
                child.kill()

    def _counted_seconds(self, path: Path) -> float:
        seconds = [0.0]
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
        said: list[str] = []
        listener = threading.Thread(target=_collect, args=(child.stderr, said), daemon=True)
        listener.start()
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
                listener.join()
                with self._lock:
                    self._children.discard(child)
        if self._is_stopping:
            raise StoppedError
        if code < 0:
            raise FfmpegError(f"ffmpeg was ended by signal {-code} (limit: {timeout_seconds:g} s)")
        return code, "".join(said)

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


def _collect(stream: IO[str] | None, said: list[str]) -> None:
    """Keep what is said, but not without end: a broken file can make ffmpeg talk for hours."""
    for line in stream or ():
        if len(said) < 2_000:
            said.append(line)


def _dies_with_us() -> list[str]:
    """A killed parent cannot end its children; the kernel can."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
