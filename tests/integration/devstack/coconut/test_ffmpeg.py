"""However many ask for it, ffmpeg runs at most twice at once: the machine is shared with what is tested."""

import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devstack.coconut.ffmpeg import AT_ONCE, Ffmpeg

PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=2", "-threads", "1", "-f", "null", "-"]


class WatchedFfmpeg(Ffmpeg):
    """Notes at each start how many run."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[int] = []

    def _start(self, arguments: Sequence[str], folder: Path) -> subprocess.Popen[str]:
        child = super()._start(arguments, folder)
        self.running.append(len(self._children))
        return child


def test_no_more_than_two_run_at_once(tmp_path: Path) -> None:
    ffmpeg = WatchedFfmpeg()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: ffmpeg.generate(PICTURE, folder=tmp_path), range(6)))
    assert len(ffmpeg.running) == 6
    assert max(ffmpeg.running) == AT_ONCE
