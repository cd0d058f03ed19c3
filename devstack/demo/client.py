"""A client as any program of a user would be: three calls of the API, and one PUT to storage."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ConfigDict

from devstack.demo.trouble import DemoError

_TIMEOUT_SECONDS = 30


class _Answer(BaseModel):
    # A client takes what it knows, so that a newer API may say more.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Upload(_Answer):
    """Where to send the file. The URL is a secret until it expires."""

    video_id: str
    upload_url: str
    method: str
    headers: dict[str, str]
    storage_key: str


class Rendition(_Answer):
    """One variant of the stream."""

    width: int | None
    height: int | None
    bandwidth: int
    codecs: str | None


class Trouble(_Answer):
    """Why a video is errored, or why its last file was refused."""

    code: str
    message: str
    retryable: bool
    what_to_do: str


class Video(_Answer):
    """A video as its owner sees it."""

    id: str
    status: str
    progress: int
    waiting_for: str | None
    deadline_at: datetime | None
    playback_url: str | None
    thumbnail_url: str | None
    duration_seconds: float | None
    renditions: tuple[Rendition, ...]
    error: Trouble | None


@dataclass(frozen=True)
class NewVideo:
    """What a client tells of a file before it sends it."""

    title: str
    filename: str
    content_type: str
    size_bytes: int


class Client:
    """The API with one user's token."""

    def __init__(self, api_url: str, token: str) -> None:
        self._videos_url = f"{api_url}/api/v1/videos"
        self._session = requests.Session()
        # Not from ~/.netrc, and not through a proxy: the stack listens on loopback.
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._seen: dict[str, tuple[str, Video]] = {}

    def create(self, new: NewVideo) -> Upload:
        """Ask for an upload in one piece, however large. Raises DemoError."""
        wanted = {**vars(new), "upload_mode": "single"}
        answer = self._ask("POST", self._videos_url, expected=201, json=wanted)
        return Upload.model_validate_json(answer.content)

    def confirm(self, video_id: str) -> str:
        """Say that the file is sent; returns the API's word. Raises DemoError."""
        answer = self._ask("POST", f"{self._videos_url}/{video_id}/upload_complete", expected=202)
        return str(answer.json()["status"])

    def video(self, video_id: str) -> Video:
        """Return the video, without its body crossing the wire when nothing changed. Raises DemoError."""
        tag, before = self._seen.get(video_id, ("", None))
        url = f"{self._videos_url}/{video_id}"
        answer = self._ask("GET", url, expected=200, headers={"If-None-Match": tag} if tag else {})
        if answer.status_code == requests.codes.not_modified and before is not None:
            return before
        video = Video.model_validate_json(answer.content)
        self._seen[video_id] = (answer.headers.get("ETag", ""), video)
        return video

    def _ask(self, method: str, url: str, *, expected: int, **how: Any) -> requests.Response:
        doing = f"{method} {url}"
        try:
            answer = self._session.request(method, url, timeout=_TIMEOUT_SECONDS, **how)
        except requests.RequestException as error:
            raise DemoError(f"{doing}: no answer ({type(error).__name__}); is the stack up?") from error
        if answer.status_code not in (expected, requests.codes.not_modified):
            raise DemoError(f"{doing}: HTTP {answer.status_code}: {answer.text[:1000]}")
        return answer


def send(upload: Upload, path: Path, on_bytes: Callable[[int], None]) -> None:
    """PUT the file to storage; ``on_bytes`` hears how many bytes have been sent. Raises DemoError."""
    doing = f"{upload.method} {upload.storage_key} at {urlsplit(upload.upload_url).netloc}"
    with path.open("rb") as file:
        body = _Counted(file, path.stat().st_size, on_bytes)
        try:
            answer = requests.request(
                upload.method, upload.upload_url, data=body, headers=upload.headers, timeout=_TIMEOUT_SECONDS
            )
        except requests.RequestException as error:
            # The library's own words would quote the signed URL.
            raise DemoError(f"{doing}: no answer ({type(error).__name__})") from None
    if answer.status_code != requests.codes.ok:
        raise DemoError(f"{doing}: HTTP {answer.status_code}: {answer.text[:1000]}")


class _Counted:
    """A file that tells how much of it was read. Its length makes requests send a Content-Length, not chunks."""

    def __init__(self, file: IO[bytes], length: int, on_bytes: Callable[[int], None]) -> None:
        self._file = file
        self._length = length
        self._on_bytes = on_bytes
        self._sent = 0

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._sent += len(data)
        self._on_bytes(self._sent)
        return data
