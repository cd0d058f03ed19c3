"""Ready-made outputs for the fault ``canned``: each kind of output is encoded once, from a generated clip.

A canned output is real (it plays, its playlists are right) but shows the generated clip.
"""

import hashlib
import shutil
import threading
from dataclasses import replace
from pathlib import Path

from devstack.coconut.ffmpeg import Ffmpeg
from devstack.coconut.outputs import Output
from devstack.coconut.transcode import Made, Source, collect, make

CLIP_SECONDS = 4

_CLIP_ARGUMENTS = [
    # A still picture makes small files, which cost little to upload; few frames, since the first canned job waits
    # until all of them are encoded.
    *["-f", "lavfi", "-i", f"smptehdbars=size=1920x1080:rate=10:duration={CLIP_SECONDS}"],
    *["-f", "lavfi", "-i", f"sine=frequency=440:duration={CLIP_SECONDS}"],
    *["-threads", "1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "mp4"],
]


class Canned:
    """The clip and the outputs made from it, kept in a folder across restarts."""

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
        """Return the ready files of an output like this one, whatever path it is uploaded to."""
        source = self.source()
        kind = hashlib.sha256(repr(replace(output.plan, path="")).encode()).hexdigest()[:32]
        tree = self._folder / "trees" / kind
        with self._lock:
            if not tree.exists():
                unfinished = self._folder / "tree.part"
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir(parents=True)
                make(output, source, unfinished, self._ffmpeg, lambda _fraction: None)
                tree.parent.mkdir(exist_ok=True)
                unfinished.rename(tree)
        return collect(output, tree)
