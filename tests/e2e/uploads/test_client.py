"""The command `videoupload` as people run it, against the whole stack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.place import PROJECT_DIR
from tests.e2e.uploads.world import Person, World


class Command:
    """The command as one person, with a home of its own."""

    def __init__(self, person: Person, home: Path) -> None:
        self.environment = {
            **os.environ,
            "XDG_STATE_HOME": str(home),
            "VIDEOUPLOAD_API": person.api_url,
            "VIDEOUPLOAD_TOKEN": person.token,
        }

    def __call__(self, *words: str | Path, expected: int = 0) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        argv = [sys.executable, "-m", "videoupload", *map(str, words)]
        done = subprocess.run(
            argv, cwd=PROJECT_DIR, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == expected, done.stderr
        return done


@pytest.fixture
def command(world: World, tmp_path: Path) -> Command:
    """The command as a user whom no other test knows."""
    return Command(world.person(), tmp_path / "state")


def test_a_file_is_sent_and_waited_for(world: World, command: Command, clip: Path) -> None:
    world.faults(canned=1)
    done = command("upload", clip, "--wait", "--title=Cats")
    assert "status       ready" in done.stdout
