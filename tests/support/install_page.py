"""docs/install.md as a list of commands, and a shell to give them in.

Without nodes it is walked by tests/integration/test_install_page.py, on a node by tests/e2e/cluster/test_page.py.
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
    """A block of commands, by the heading it stands under."""

    heading: str
    needs_nodes: bool
    commands: str


def blocks() -> list[Block]:
    """Return all blocks of the page, in its order."""
    found, heading = [], ""
    for part in re.finditer(
        r"(?ms)^## (?P<heading>[^\n]+)$|^```(?P<kind>[^\n]*)\n(?P<commands>.*?)^```$", PAGE.read_text()
    ):
        heading = part["heading"] or heading
        if part["commands"]:
            assert part["kind"] in ("sh", "sh nodes")
            found.append(Block(heading, part["kind"] == "sh nodes", part["commands"]))
    return found


class Shell:
    """A shell at the root of a copy of the project, as somebody who follows the page has it; variables stay."""

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
        """Give commands; returns what they printed, and fails where one fails."""
        kept = self._variables
        script = f"set -euo pipefail\n. {kept}\n{commands}\nexport -p | grep '^declare -x ' > {kept}\n"
        done = subprocess.run(
            ["bash", "-o", "allexport", "-c", script],
            cwd=self._root, env=self._environment, capture_output=True, text=True, check=False, timeout=timeout_seconds,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout
