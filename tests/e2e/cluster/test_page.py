"""Runs every command of docs/install.md in its order, on a real node without anything of ours.

The names that a reader puts in are those of the upstreams here. tests/integration/test_install_page.py runs
what needs no pods on every run of `make test`.
"""

import time
from pathlib import Path

import pytest
import yaml

from devstack.cluster import CHART
from tests.e2e.cluster.helm import CURRENT, DEMO_IMAGE, REPOSITORY, AnyNode, Helm
from tests.e2e.cluster.upstreams import Upstreams
from tests.support.eventually import eventually
from tests.support.install_page import Block, Shell, blocks

API = "videos-video-uploads-api.videos"
# The page itself waits for up to five minutes.
_BLOCK_SECONDS = 330
# With the annotation; without it a minute more.
ROTATED_SECONDS_MAX = 30


@pytest.fixture
def shell(node: AnyNode, tmp_path: Path) -> Shell:
    """A shell at the root of the project, for the administrator of the cluster."""
    return Shell(tmp_path, node.kubeconfig)


def own_names(shell: Shell, block: Block, upstreams: Upstreams) -> None:
    """Fill in the names and passwords that the page leaves to the reader, in variables and in values."""
    if block.commands.startswith("export DATABASE_URL"):
        own = {"DATABASE_URL": upstreams.fresh_database("videos"), **upstreams.keys()}
        shell.run("".join(f"export {name}='{value}'\n" for name, value in own.items()))
    if block.commands.startswith("cp "):
        file = shell.file("videos.yaml")
        written, own_values = yaml.safe_load(file.read_text()), upstreams.values(api_url="http://" + API)
        for part, settings in own_values.pop("settings").items():
            written["settings"][part].update(settings)
        file.write_text(yaml.safe_dump({**written, **own_values, "image": {"repository": REPOSITORY}}))


def test_every_command_of_the_page_works_on_a_node(
    node: AnyNode, upstreams: Upstreams, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    node.images.give_another_name(f"{REPOSITORY}:{CURRENT}", f"{REPOSITORY}:{version}")
    node.images.give_another_name(f"{REPOSITORY}:{CURRENT}", f"video-uploads:{version}")
    node.images.give_another_name(DEMO_IMAGE, f"video-uploads-demo:{version}")
    seen: dict[str, str] = {}
    for block in blocks():
        seen[block.heading] = seen.get(block.heading, "") + shell.run(block.commands, timeout_seconds=_BLOCK_SECONDS)
        own_names(shell, block, upstreams)
        if "annotate pods" in block.commands:
            began = time.monotonic()
            eventually(lambda: all(have_rotated(Helm(node, "videos"))), within_seconds=ROTATED_SECONDS_MAX)
            with capsys.disabled():
                print(f"rotated, pods touched: in use after {time.monotonic() - began:.0f} s")
    assert seen["Install"].count("successfully rolled out") == 2
    for heading in ("Install", "Try it in a cluster"):
        assert "Succeeded" in seen[heading]
    assert "Rollback was a success" in seen["Upgrade"]
    demo = Helm(node, "demo")
    assert demo.get("videouploads") == []
    # The next test needs a cluster without anything of ours.
    demo.run("uninstall", "demo")
    kinds = ("videouploads.video.uploads.dev", "transcodeprofiles.video.uploads.dev")
    demo.kubectl("delete", "customresourcedefinition", *kinds)
    demo.delete_namespace()


def have_rotated(release: Helm) -> list[bool]:
    """Return for each pod whether it uses the new credentials: the API logs it, the operator restarts."""
    return [
        pod["status"]["containerStatuses"][0]["lastState"].get("terminated", {}).get("exitCode") == 0
        if "-operator-" in pod["metadata"]["name"]
        else "credentials_rotated" in release.kubectl("logs", f"pod/{pod['metadata']['name']}")
        for pod in release.get("pods")
    ]
