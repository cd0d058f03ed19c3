"""Runs the real promtool."""

import subprocess

from devstack.tools import tool


def promtool(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run promtool and return how it ended."""
    argv = [str(tool("promtool")), *arguments]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=120)
