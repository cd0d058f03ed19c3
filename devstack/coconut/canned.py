"""Ready-made outputs for the fault ``canned``: each kind of output is encoded once, from a clip of our own.

A canned output is real (it plays, its playlists are right) but shows the canned clip: the input of the job
is asked for its first byte and not looked at further.
"""

import hashlib
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

from devstack.coconut.ffmpeg import Ffmpeg
from devstack.coconut.outputs import Output
from devstack.coconut.transcode import Made, Source, collect, make

CLIP_SECONDS = 4
MAX_TREES = 64

_CLIP_ARGUMENTS = [
    # Bars that do not move: small files, so that writing them costs next to nothing. Few frames, since the first
    # canned job waits for all of them to be encoded.
    *["-f", "lavfi", "-i", f"smptehdbars=size=1920x1080:rate=10:duration={CLIP_SECONDS}"],
    *["-f", "lavfi", "-i", f"sine=frequency=440:duration={CLIP_SECONDS}"],
    *["-threads", "1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "mp4"],
]


class Canned:
    """The clip and the trees made of it, kept in a folder across restarts."""

    def __init__(self, folder: Path, ffmpeg: Ffmpeg) -> None:
        self._folder = folder
        self._ffmpeg = ffmpeg
        self._lock = threading.Lock()
        self._source: Source | None = None

    def source(self) -> Source:
        with self._lock:
            if self._source is None:
                clip = self._folder / "clip.mp4"
                if not clip.exists():
                    self._folder.mkdir(parents=True, exist_ok=True)
                    self._ffmpeg.generate([*_CLIP_ARGUMENTS, "clip.part"], folder=self._folder)
                    (self._folder / "clip.part").rename(clip)
                self._source = Source(clip, self._ffmpeg.facts(clip))
            return self._source

    def make(self, output: Output) -> Made:
        """Return the ready tree for an output like this one, wherever it is to be written."""
        source = self.source()
        likeness = repr(replace(output.plan, path=""))
        tree = self._folder / "trees" / hashlib.sha256(likeness.encode()).hexdigest()[:32]
        with self._lock:
            if tree.exists():
                os.utime(tree)  # the one used last is the last to go
            else:
                self._make_room(tree.parent)
                unfinished = self._folder / "tree.part"
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir(parents=True)
                make(output, source, unfinished, self._ffmpeg, lambda _fraction: None)
                unfinished.rename(tree)
            return collect(output, source.facts, tree)

    def _make_room(self, trees: Path) -> None:
        trees.mkdir(exist_ok=True)
        oldest_first = sorted(trees.iterdir(), key=lambda tree: tree.stat().st_mtime)
        for tree in oldest_first[: max(0, len(oldest_first) - MAX_TREES + 1)]:
            shutil.rmtree(tree)
