"""Records of unfinished uploads, one small file each below XDG_STATE_HOME.

A record contains only what finds the upload again. It does not list parts: the service asks storage for them.
"""

import hashlib
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from videoupload.files import Fingerprint
from videoupload.models import NewVideo

# The service ends every upload after a week.
_FORGOTTEN_AFTER_SECONDS = 8 * 24 * 3600


@dataclass(frozen=True)
class UploadState:
    """An upload that was started. ``video_id`` is None until the service has answered the request for it."""

    api_url: str
    path: str
    fingerprint: Fingerprint
    idempotency_key: str
    new: NewVideo
    video_id: str | None = None


def state_directory(environment: Mapping[str, str]) -> Path | None:
    """Return the directory of the records, None if the user has no home directory."""
    configured = environment.get("XDG_STATE_HOME", "")
    # The XDG specification says to ignore a relative path.
    if Path(configured).is_absolute():
        base = Path(configured)
    else:
        try:
            base = Path.home() / ".local" / "state"
        except RuntimeError:
            return None
    return base / "videoupload" / "uploads"


class UploadStateStore:
    """The records in one directory. Every method raises OSError, also if there is no directory."""

    def __init__(self, directory: Path | None) -> None:
        self._configured = directory

    @property
    def _directory(self) -> Path:
        if self._configured is None:
            raise OSError("there is no home directory")
        return self._configured

    def find(self, *, api_url: str, path: Path) -> UploadState | None:
        """Return the latest upload of this file, None if there is no readable record."""
        try:
            return _read(self._file(api_url, str(path)).read_bytes())
        except FileNotFoundError:
            return None

    def keep(self, state: UploadState) -> None:
        """Save an upload; a power cut leaves either the old record or the new one."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._file(state.api_url, state.path)
        draft = file.with_suffix(f".{secrets.token_hex(4)}.new")
        # Other users of this machine must not read the titles.
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
        with os.fdopen(descriptor, "w") as out:
            json.dump(asdict(state), out)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)

    def forget(self, state: UploadState) -> None:
        """Remove the record of an upload, and all records that are too old to resume."""
        self._file(state.api_url, state.path).unlink(missing_ok=True)
        for file in self._directory.glob("*"):
            if time.time() - file.stat().st_mtime > _FORGOTTEN_AFTER_SECONDS:
                file.unlink(missing_ok=True)

    def _file(self, api_url: str, path: str) -> Path:
        name = hashlib.sha256(f"{api_url}\n{path}".encode("utf-8", "surrogateescape")).hexdigest()[:40]
        return self._directory / f"{name}.json"


def _read(content: bytes) -> UploadState | None:
    try:
        kept = json.loads(content)
        return UploadState(
            **{**kept, "fingerprint": Fingerprint(**kept["fingerprint"]), "new": NewVideo(**kept["new"])}
        )
    except (ValueError, TypeError, KeyError):
        # Another release wrote it, or it is damaged. Starting over is always safe.
        return None
