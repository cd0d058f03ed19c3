"""Runs the stand-in for Coconut (devstack/coconut/) as a process of the stack."""

import sys
from dataclasses import dataclass

from devstack.child_environment import child_environment
from devstack.http_probe import is_serving
from devstack.paths import PROJECT_DIR, Paths
from devstack.ports import HOST
from devstack.process import Command
from devstack.server import Server

NAME = "coconut"


@dataclass(frozen=True)
class CoconutAccess:
    """The address and key of Coconut, the real one or the stand-in."""

    url: str
    api_key: str

    @property
    def control_url(self) -> str:
        """Return the base URL of the stand-in's faults and ledger."""
        return self.url.removesuffix("/v2")


def access(paths: Paths, port: int) -> CoconutAccess:
    """Return the address and key of one stack's stand-in."""
    return CoconutAccess(url=f"http://{HOST}:{port}/v2", api_key=paths.secrets().coconut_api_key)


def server(paths: Paths, port: int) -> Server:
    """Return the stand-in of one stack."""
    reach = access(paths, port)
    options = [f"--port={port}", f"--state-dir={paths.data(NAME)}", f"--api-key={reach.api_key}"]
    return Server(
        process=paths.process(NAME),
        command=Command([sys.executable, "-m", "devstack.coconut", *options], child_environment(), PROJECT_DIR),
        is_ready=lambda: is_serving(f"{reach.control_url}/_faults"),
        address=reach.url,
    )
