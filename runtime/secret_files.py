"""Credentials that come as files, one for each setting, and noticing that they were rotated.

Kubernetes replaces the files of a mounted Secret in a running pod, and never its environment. What a process does when
that happened is its own affair (controller/__main__.py, webapi/server/gunicorn.conf.py); reading them is in
runtime/settings.py.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

# Names the directory; without it all settings come from the environment.
SECRETS_DIR = "SECRETS_DIR"

# The kubelet brings new files within about a minute; this is what we add to it.
_LOOK_SECONDS = 5.0

_log = structlog.get_logger(__name__)


def credentials_dir() -> Path | None:
    """Return the directory in which files hold settings, if there is one."""
    told = os.environ.get(SECRETS_DIR)
    return Path(told) if told else None


def credential_files(directory: Path) -> list[Path]:
    """Return the files that hold a setting each. What begins with a dot is the kubelet's."""
    return sorted(file for file in directory.iterdir() if not file.name.startswith("."))


class SecretFiles:
    """Whether other credentials are there than the process began with."""

    def __init__(self, directory: Path, read_again: Callable[[], object]) -> None:
        """Begin with what is there now: settings are read after this, so that nothing is missed in between.

        ``read_again`` ends by SystemExit when the process could not start with what is there.
        """
        self._directory = directory
        self._read_again = read_again
        self._first = self._seen = _fingerprint(directory)

    def changed(self) -> bool:
        """Tell whether there are other credentials, and good ones: with bad ones the process had better go on."""
        try:
            now = _fingerprint(self._directory)
        except OSError:
            return False  # just being replaced
        if now == self._seen:
            return False
        self._seen = now
        if now == self._first:
            return False
        try:
            self._read_again()
        except SystemExit as error:
            _log.error("credentials_not_taken", detail=str(error.code))
            return False
        return True


def on_change(
    secret_files: SecretFiles, on_rotated: Callable[[], None], *, look_seconds: float = _LOOK_SECONDS
) -> None:
    """Call ``on_rotated`` once, from a thread of its own that never keeps the process from ending."""

    def look() -> None:
        pause = threading.Event()
        while not secret_files.changed():
            pause.wait(look_seconds)
        _log.info("credentials_rotated")
        on_rotated()

    threading.Thread(target=look, name="credentials", daemon=True).start()


def _fingerprint(directory: Path) -> bytes:
    told = hashlib.sha256()
    for file in credential_files(directory):
        for part in (file.name.encode(), file.read_bytes()):
            told.update(len(part).to_bytes(8, "big") + part)
    return told.digest()
