"""What the demo promises of a source, and the command it leaves behind."""

import shlex
from pathlib import Path

import pytest

from devstack.demo.clip import Clip
from devstack.demo.report import kubectl_line


@pytest.mark.parametrize(
    ("size", "renditions"),
    [
        pytest.param((1920, 1080), 4, id="1080p"),
        pytest.param((1080, 1920), 4, id="portrait"),
        pytest.param((3840, 2160), 4, id="nothing-above-1080p"),
        pytest.param((1280, 720), 3, id="720p"),
        pytest.param((1919, 1079), 3, id="just-below-1080p"),
        pytest.param((640, 360), 1, id="360p"),
        pytest.param((320, 180), 1, id="tiny-keeps-its-size"),
    ],
)
def test_no_rendition_is_expected_that_is_larger_than_the_source(size: tuple[int, int], renditions: int) -> None:
    clip = Clip(Path("clip.mp4"), 1, size, duration_seconds=1, has_sound=True)
    assert clip.renditions == renditions


def test_the_kubectl_line_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    kubectl = tmp_path / "a folder" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.touch()
    line = kubectl_line(kubectl, kubeconfig="k", namespace="n", video_id="v")
    assert shlex.split(line) == [str(kubectl), "--kubeconfig=k", "--namespace=n", "get", "vu", "v", "-o", "wide"]
