"""Runs the local mail server (devstack/mail/) as a process of the stack."""

import socket
import sys

from devstack.child_environment import child_environment
from devstack.paths import PROJECT_DIR, Paths
from devstack.ports import HOST
from devstack.process import Command
from devstack.server import Server

NAME = "mail"


def url(port: int) -> str:
    """Return the SMTP URL."""
    return f"smtp://{HOST}:{port}"


def server(paths: Paths, port: int) -> Server:
    """Return the mail server of one stack."""
    options = [f"--port={port}", f"--directory={paths.data(NAME)}"]
    return Server(
        process=paths.process(NAME),
        command=Command([sys.executable, "-m", "devstack.mail", *options], child_environment(), PROJECT_DIR),
        is_ready=lambda: _greets(port),
        address=url(port),
    )


def _greets(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False
