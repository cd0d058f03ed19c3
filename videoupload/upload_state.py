"""Uploads that were begun and not finished, one small file each below XDG_STATE_HOME.

Kept is only what finds the upload again. What has arrived is never kept: storage knows it, the service asks it.
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

# No upload is held open for longer than a week, whatever arrives.
_FORGOTTEN_AFTER_SECONDS = 8 * 24 * 3600


@dataclass(frozen=True)
class UploadState:
    """An upload that was begun. ``video_id`` is None as long as no answer came to the question for it."""

    api_url: str
    path: str
    fingerprint: Fingerprint
    idempotency_key: str
    new: NewVideo
    video_id: str | None = None


def state_directory(environment: Mapping[str, str]) -> Path:
    """Return where the command keeps what it has to remember."""
    told = environment.get("XDG_STATE_HOME", "")
    # By the XDG rules a path that is not absolute is none.
    base = Path(told) if Path(told).is_absolute() else Path.home() / ".local" / "state"
    return base / "videoupload" / "uploads"


class UploadStateStore:
    """The files of one directory. Every method raises OSError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, *, api_url: str, path: Path) -> UploadState | None:
        """Return the upload of this file that was begun last; None as well if its record cannot be read."""
        try:
            return _read(self._file(api_url, str(path)).read_bytes())
        except FileNotFoundError:
            return None

    def keep(self, begun: UploadState) -> None:
        """Write an upload down, so that a power cut leaves either the old record or the new one."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._file(begun.api_url, begun.path)
        draft = file.with_suffix(f".{secrets.token_hex(4)}.new")
        # The titles of videos are nobody else's business.
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
        with os.fdopen(descriptor, "w") as out:
            json.dump(asdict(begun), out)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)

    def forget(self, begun: UploadState) -> None:
        """Remove the record of an upload, and of all that are too old to go on with."""
        self._file(begun.api_url, begun.path).unlink(missing_ok=True)
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
        # Of another release, or damaged: to begin anew is always right.
        return None
