"""The commands of docs/install.md, and a shell to run them in.

tests/integration/test_install_page.py runs those that need no nodes, tests/e2e/cluster/test_page.py runs all.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devstack.paths import PROJECT_DIR
from devstack.tools import link

PAGE = PROJECT_DIR / "docs" / "install.md"


@dataclass(frozen=True)
class Block:
    """A block of commands with the heading above it."""

    heading: str
    needs_nodes: bool
    commands: str


def blocks() -> list[Block]:
    """Return the blocks of the page in their order."""
    all_blocks, heading = [], ""
    for part in re.finditer(
        r"(?ms)^## (?P<heading>[^\n]+)$|^```(?P<kind>[^\n]*)\n(?P<commands>.*?)^```$", PAGE.read_text()
    ):
        heading = part["heading"] or heading
        if part["commands"]:
            assert part["kind"] in ("sh", "sh nodes")
            all_blocks.append(Block(heading, part["kind"] == "sh nodes", part["commands"]))
    return all_blocks


class Shell:
    """A shell at the root of a copy of the project, as a reader of the page has it. It keeps variables between runs."""

    def __init__(self, directory: Path, kubeconfig: Path) -> None:
        self._root = directory / "project"
        self._root.mkdir()
        for name in ("charts", "crds", "docs"):
            shutil.copytree(PROJECT_DIR / name, self._root / name, symlinks=True)
        for name in ("kubectl", "helm"):
            link(name, directory / "bin")
        self._environment = {
            "PATH": f"{directory / 'bin'}:{os.environ['PATH']}",
            "HOME": str(directory),
            "KUBECONFIG": str(kubeconfig),
        }
        self._variables = directory / "variables"
        self._variables.touch()

    def file(self, name: str) -> Path:
        """Return a file of the copy."""
        return self._root / name

    def run(self, commands: str, *, timeout_seconds: float = 120) -> str:
        """Run commands and return their output. Fails when one of them fails."""
        kept = self._variables
        script = f"set -euo pipefail\n. {kept}\n{commands}\nexport -p | grep '^declare -x ' > {kept}\n"
        done = subprocess.run(
            ["bash", "-o", "allexport", "-c", script],
            cwd=self._root, env=self._environment, capture_output=True, text=True, check=False, timeout=timeout_seconds,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout
