"""Running the stand-in for Coconut as a process. What it does is in devstack/coconut/."""

import sys
from dataclasses import dataclass

from devstack.asking import answers
from devstack.inherited import inherited
from devstack.place import PROJECT_DIR, Place
from devstack.ports import HOST
from devstack.process import Command
from devstack.server import Server

NAME = "coconut"


@dataclass(frozen=True)
class CoconutAccess:
    """How to reach Coconut, the real one or the stand-in."""

    url: str
    api_key: str

    @property
    def control_url(self) -> str:
        """Return where the stand-in takes faults and shows its ledger."""
        return self.url.removesuffix("/v2")


def access(place: Place, port: int) -> CoconutAccess:
    """Return how to reach the stand-in of one stack."""
    return CoconutAccess(url=f"http://{HOST}:{port}/v2", api_key=place.secrets().coconut_api_key)


def server(place: Place, port: int) -> Server:
    """Return the stand-in of one stack."""
    reach = access(place, port)
    options = [f"--port={port}", f"--state-dir={place.data(NAME)}", f"--api-key={reach.api_key}"]
    return Server(
        process=place.process(NAME),
        command=Command([sys.executable, "-m", "devstack.coconut", *options], inherited(), PROJECT_DIR),
        is_ready=lambda: answers(f"{reach.control_url}/_ledger"),
        address=reach.url,
    )
