"""The demo as people run it: it ends with 0 only when the video plays."""

import subprocess
import sys
from pathlib import Path

from devstack.paths import PROJECT_DIR
from devstack.stack import Stack
from tests.e2e.uploads.world import World


def _demo(state: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "devstack.demo", f"--state={state}", *options],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_a_generated_clip_becomes_four_renditions_that_play(stack: Stack) -> None:
    done = _demo(stack.paths.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The video plays." in done.stdout
    for size in ("640x360", "854x480", "1280x720", "1920x1080"):
        assert f"{size}: ENDLIST" in done.stdout
    assert "cause: client" in done.stdout
    assert f"in a browser {stack.description.web_url}/#token=" in done.stdout
    assert f"--kubeconfig={stack.description.kubeconfig}" in done.stdout


def test_a_users_file_gets_no_rendition_larger_than_itself(stack: Stack, clip: Path) -> None:
    done = _demo(stack.paths.root, f"--file={clip}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("ENDLIST") == 1


def test_a_file_that_is_not_a_video_is_not_sent(stack: Stack, not_a_video: Path) -> None:
    done = _demo(stack.paths.root, f"--file={not_a_video}")
    assert done.returncode == 1
    assert "is not a video" in done.stderr


def test_a_failed_transcode_fails_the_demo_with_its_reason(stack: Stack, clip: Path) -> None:

    World(stack).faults(fail=1)
    done = _demo(stack.paths.root, f"--file={clip}")
    assert done.returncode == 1
    assert "transcode_failed" in done.stderr


def test_without_a_stack_the_demo_says_how_to_start_one(tmp_path: Path) -> None:
    done = _demo(tmp_path)
    assert done.returncode == 1
    assert "`make up` starts one" in done.stderr
