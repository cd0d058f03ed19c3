"""Running the stand-in for Coconut as a process. What it does is in devstack/coconut/."""

import os
import sys
from dataclasses import dataclass

import requests

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
        command=Command([sys.executable, "-m", "devstack.coconut", *options], _environment(), PROJECT_DIR),
        is_ready=lambda: _answers(reach),
        address=reach.url,
    )


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def _answers(reach: CoconutAccess) -> bool:
    try:
        return requests.get(f"{reach.control_url}/_ledger", timeout=2).ok
    except requests.RequestException:
        return False
