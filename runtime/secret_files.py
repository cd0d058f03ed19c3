"""Credentials that are mounted as files, one per setting, and noticing that they were rotated.

Kubernetes replaces the files of a mounted Secret in a running pod, but never its environment. What a process does
about a rotation is in controller/__main__.py and webapi/server/gunicorn.conf.py; runtime/settings.py reads the files.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import structlog

from runtime import heartbeats
from runtime.heartbeats import Heartbeats

# Names the directory; without it all settings come from the environment.
SECRETS_DIR = "SECRETS_DIR"

# The kubelet itself takes up to about a minute to update the files.
_POLL_SECONDS = 5.0

_log = structlog.get_logger(__name__)


def credentials_dir() -> Path | None:
    """Return the directory whose files hold settings, None if there is none."""
    path = os.environ.get(SECRETS_DIR)
    return Path(path) if path else None


def credential_files(directory: Path) -> list[Path]:
    """Return the files that each hold one setting. Names that begin with a dot belong to the kubelet."""
    return sorted(file for file in directory.iterdir() if not file.name.startswith("."))


class SecretFiles:
    """Compares the mounted credentials with those that the process started with."""

    def __init__(self, directory: Path, read_again: Callable[[], object]) -> None:
        """Take the fingerprint of the current files. Create this before reading settings, so that no change is missed.

        ``read_again`` raises SystemExit if the process could not start with the current files.
        """
        self._directory = directory
        self._read_again = read_again
        self._initial = self._last = _fingerprint(directory)

    @classmethod
    def from_environment(cls, read_again: Callable[[], object]) -> Self | None:
        """Watch the directory that the environment names; None if credentials do not come as files."""
        directory = credentials_dir()
        return cls(directory, read_again) if directory is not None and directory.is_dir() else None

    def changed(self) -> bool:
        """Return whether there are different credentials with which the process could start."""
        try:
            current = _fingerprint(self._directory)
        except OSError:
            return False  # the kubelet is replacing them
        if current == self._last:
            return False
        self._last = current
        if current == self._initial:
            return False
        try:
            self._read_again()
        except SystemExit as error:
            # Keep running with the old ones rather than restart into a failure.
            _log.error("credentials_rejected", error=str(error.code))
            return False
        return True


def on_change(
    secret_files: SecretFiles,
    on_rotated: Callable[[], None],
    *,
    beats: Heartbeats,
    poll_seconds: float = _POLL_SECONDS,
) -> None:
    """Call ``on_rotated`` once, from a daemon thread, when the credentials have changed."""

    def poll() -> None:
        pause = threading.Event()
        while not secret_files.changed():
            heartbeats.wait(pause, poll_seconds)
        _log.info("credentials_rotated")
        on_rotated()

    beats.thread("credentials", poll, daemon=True).start()


def _fingerprint(directory: Path) -> bytes:
    digest = hashlib.sha256()
    for file in credential_files(directory):
        for part in (file.name.encode(), file.read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
