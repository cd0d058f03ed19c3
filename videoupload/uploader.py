"""One file from a disk to a confirmed upload, however often the process that sends it is killed.

State is saved before it is used: first the key, then the request; first the video's id, then its bytes.
"""

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from videoupload.client import Client
from videoupload.errors import FileChangedError, ProblemError, UploadRefusedError
from videoupload.files import Fingerprint, content_type
from videoupload.models import NewVideo, Upload, Video
from videoupload.resuming import AlreadySent, Resume, ResumeRefused, StartOver, is_same, upload_position
from videoupload.retry import Retry
from videoupload.transfer import CLOSED, SpeedMeter, Transfer
from videoupload.upload_state import UploadState, UploadStateStore

# An interruption costs what is under way, so one part unless more is asked for.
PARALLEL = 1
_ROUNDS_AT_MOST = 3
_TITLE_MAX = 200
_NOT_THERE = frozenset({"object_missing", "parts_missing"})


@dataclass(frozen=True)
class UploadOptions:
    """A person's choices for an upload. ``title`` None: the name of the file."""

    title: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    upload_mode: Literal["single", "multipart"] | None = None

    def of(self, path: Path, size_bytes: int) -> NewVideo:
        """Return the request for a file."""
        return NewVideo(
            title=self.title or path.stem[:_TITLE_MAX],
            filename=path.name,
            content_type=content_type(path),
            size_bytes=size_bytes,
            metadata=self.metadata,
            upload_mode=self.upload_mode,
        )


class ProgressListener(Protocol):
    """Receives the progress of an upload. ``sent`` is called by several threads, one at a time."""

    def note(self, text: str) -> None:
        """Receive a line of text."""
        ...

    def sent(self, done_bytes: int, total_bytes: int) -> None:
        """Receive how much of the file has been sent."""
        ...


class SilentListener:
    """Ignores the progress."""

    def note(self, text: str) -> None:
        """Do nothing."""

    def sent(self, done_bytes: int, total_bytes: int) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Uploader:
    """Uploads files, any number of them."""

    client: Client
    memory: UploadStateStore
    retry: Retry = field(default_factory=Retry)
    teller: ProgressListener = field(default_factory=SilentListener)
    parallel: int = PARALLEL

    def upload(self, path: Path, wanted: UploadOptions | None = None) -> str:
        """Send a file and confirm it; returns the video's id. Call it again after an interruption.

        Raises ClientError, OSError.
        """
        path = path.absolute()
        fingerprint = Fingerprint.of(path)
        if not path.is_file() or fingerprint.size_bytes == 0:
            raise UploadRefusedError(f"{path} is empty, or no file")
        new = (wanted or UploadOptions()).of(path, fingerprint.size_bytes)
        begun = self._remembered(path, fingerprint, new)
        try:
            return self._finished(begun or self._begin(path, fingerprint, new), is_resumed=begun is not None)
        except FileChangedError:
            remembered = self.memory.find(api_url=self.client.api_url, path=path)
            if remembered is not None:
                self.memory.forget(remembered)
            raise

    def _remembered(self, path: Path, fingerprint: Fingerprint, new: NewVideo) -> UploadState | None:
        """Return the saved upload to resume, or None; note why a saved one is not resumed."""
        begun = self.memory.find(api_url=self.client.api_url, path=path)
        position = is_same(begun, fingerprint, new)
        if begun is not None and begun.video_id is not None and isinstance(position, Resume):
            position = self._position(begun, begun.video_id)
        if not isinstance(position, StartOver):
            if begun is not None and begun.new != new:
                self.teller.note(f"title and metadata stay as they were asked for before: {begun.new.title}")
            return begun
        if position.why is not None:
            self.teller.note(f"beginning anew: {position.why}")
        return None

    def _position(self, begun: UploadState, video_id: str) -> StartOver | Resume:
        """Ask the service where an upload stands; one that has arrived is resumed up to its confirmation."""
        match upload_position(self._video(video_id)):
            case ResumeRefused(why):
                self.memory.forget(begun)
                raise UploadRefusedError(f"this file was refused as video {video_id}: {why}")
            case StartOver() as anew:
                return anew
            case Resume() | AlreadySent():
                return Resume()

    def _begin(self, path: Path, fingerprint: Fingerprint, new: NewVideo) -> UploadState:
        begun = UploadState(self.client.api_url, str(path), fingerprint, secrets.token_urlsafe(24), new)
        self.memory.keep(begun)
        return begun

    def _finished(self, begun: UploadState, *, is_resumed: bool) -> str:
        upload: Upload | None = None
        video_id = begun.video_id
        if video_id is None:
            upload, video_id = self._request(begun)
            self.memory.keep(replace(begun, video_id=video_id))
        if is_resumed:
            self.teller.note(f"going on with video {video_id}")
        else:
            self.teller.note(f"video {video_id}")
        self._send(begun, video_id, upload)
        self.memory.forget(begun)
        return video_id

    def _request(self, begun: UploadState) -> tuple[Upload | None, str]:
        """Request the upload, or repeat the request whose answer was lost."""
        try:
            upload = self.retry.call(lambda: self.client.create(begun.new, idempotency_key=begun.idempotency_key))
        except ProblemError as error:
            if error.code == CLOSED and error.problem.location is not None:
                # It was requested and sent; only the saved state was lost.
                return None, error.problem.location.rpartition("/")[2]
            self.memory.forget(begun)
            raise
        return upload, upload.video_id

    def _send(self, begun: UploadState, video_id: str, upload: Upload | None) -> None:
        """Send and confirm; the service may find that something is missing after all."""
        meter = SpeedMeter(begun.fingerprint.size_bytes, self.teller.sent)
        sending = Transfer(self.client, video_id, Path(begun.path), begun.fingerprint, self.retry, meter)
        in_parts = upload.is_in_parts if upload else self._comes_in_parts(video_id)
        if upload is None and not in_parts and self._is_confirmed(video_id):
            return
        for _ in range(_ROUNDS_AT_MOST):
            if in_parts:
                sending.parts(parallel=self.parallel)
            else:
                sending.whole(upload)
            if self._is_confirmed(video_id):
                return
            upload = None
        raise UploadRefusedError(f"storage does not keep the file of video {video_id}; try again later")

    def _comes_in_parts(self, video_id: str) -> bool:
        try:
            self.retry.call(lambda: self.client.parts(video_id))
        except ProblemError as error:
            if error.code not in {CLOSED, "not_multipart"}:
                raise
            return False
        return True

    def _is_confirmed(self, video_id: str) -> bool:
        def confirm() -> bool:
            try:
                self.client.confirm(video_id)
            except ProblemError as error:
                if error.code not in _NOT_THERE:
                    raise
                return False
            return True

        return self.retry.call(confirm)

    def _video(self, video_id: str) -> Video | None:
        try:
            return self.retry.call(lambda: self.client.video(video_id))
        except ProblemError as error:
            if error.problem.status != 404:
                raise
            return None
