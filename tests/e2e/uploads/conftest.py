"""A file that is uploaded in parts."""

from pathlib import Path
from random import Random

import pytest

from tests.e2e.clips import LONG_BYTES


@pytest.fixture
def long_clip(clip: Path, tmp_path: Path) -> Path:
    """The clip with random data after it, so that it is sent in parts that all differ."""
    path, played = tmp_path / "long.mp4", clip.read_bytes()
    free_bytes = LONG_BYTES - len(played)
    with path.open("wb") as file:
        file.write(played + free_bytes.to_bytes(4) + b"free")
        file.write(Random(LONG_BYTES).randbytes(free_bytes - 8))
    return path
