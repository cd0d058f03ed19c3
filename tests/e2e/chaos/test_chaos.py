"""Three short runs under faults, which together have every kind of fault."""

import subprocess
import sys
from pathlib import Path

import pytest

from devstack.paths import PROJECT_DIR

UPLOADS = 40
# Every wait of a run is bounded, and all together stay below this.
WITHIN_SECONDS = 600


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_fails_every_promise_holds(seed: int, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "chaos", f"--seed={seed}", f"--uploads={UPLOADS}", f"--directory={tmp_path / 'run'}"]
    done = subprocess.run(argv, cwd=PROJECT_DIR, timeout=WITHIN_SECONDS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
