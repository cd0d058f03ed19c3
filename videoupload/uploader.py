"""Uploads and confirms a file, however often the process is killed in between.

State is saved before it is used: the key before the request, the video's id before the bytes.
"""

import contextlib
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from videoupload.client import Client
from videoupload.errors import FileChangedError, ProblemError, UploadRefusedError
from videoupload.files import Fingerprint, content_type
from videoupload.models import NewVideo, Upload, Video
from videoupload.names import file_name, title_of
from videoupload.resuming import AlreadySent, Resume, ResumeRefused, StartOver, is_same, upload_position
from videoupload.retry import Retry
from videoupload.transfer import CLOSED, SpeedMeter, Transfer
from videoupload.upload_state import UploadState, UploadStateStore

# An interruption costs the parts in flight, so only one is sent at a time by default.
PARALLEL = 1
_ROUNDS_AT_MOST = 3
_NOT_ARRIVED = frozenset({"object_missing", "parts_missing"})


@dataclass(frozen=True)
class UploadOptions:
    """Options of an upload. If ``title`` is None, it is made from the file name."""

    title: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    upload_mode: Literal["single", "multipart"] | None = None
    visibility: Literal["public", "private"] | None = None
    profile: str | None = None
    region: str | None = None

    def of(self, path: Path, size_bytes: int) -> NewVideo:
        """Return the request that creates the video of a file."""
        return NewVideo(
            title=self.title or title_of(path.name),
            filename=file_name(path.name),
            content_type=content_type(path),
            size_bytes=size_bytes,
            metadata=self.metadata,
            upload_mode=self.upload_mode,
            visibility=self.visibility,
            profile=self.profile,
            region=self.region,
        )


class ProgressListener(Protocol):
    """Receives the progress of an upload. Several threads call ``sent``, one at a time."""

    def note(self, text: str) -> None:
        """Receive a line of text."""
        ...

    def sent(self, done_bytes: int, total_bytes: int) -> None:
        """Receive how many bytes of the file have been sent."""
        ...


class SilentListener:
    """Ignores the progress."""

    def note(self, text: str) -> None:
        """Do nothing."""

    def sent(self, done_bytes: int, total_bytes: int) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Uploader:
    """Uploads any number of files."""

    client: Client
    store: UploadStateStore
    retry: Retry = field(default_factory=Retry)
    listener: ProgressListener = field(default_factory=SilentListener)
    parallel: int = PARALLEL

    def upload(self, path: Path, options: UploadOptions | None = None) -> str:
        """Send a file and confirm it. Return the video's id. Call it again after an interruption.

        Raises ClientError, OSError.
        """
        path = path.absolute()
        fingerprint = Fingerprint.of(path)
        if not path.is_file() or fingerprint.size_bytes == 0:
            raise UploadRefusedError(f"{path} is empty or not a regular file")
        new = (options or UploadOptions()).of(path, fingerprint.size_bytes)
        state = self._remembered(path, fingerprint, new)
        try:
            return self._finished(state or self._start(path, fingerprint, new), is_resumed=state is not None)
        except FileChangedError:
            remembered = self._find(path)
            if remembered is not None:
                self._forget(remembered)
            raise

    def _remembered(self, path: Path, fingerprint: Fingerprint, new: NewVideo) -> UploadState | None:
        """Return the saved upload to resume, or None. Note why a saved one is not resumed."""
        state = self._find(path)
        position = is_same(state, fingerprint, new)
        if state is not None and state.video_id is not None and isinstance(position, Resume):
            position = self._position(state, state.video_id)
        if not isinstance(position, StartOver):
            if state is not None and state.new != new:
                self.listener.note(f"the video keeps the title and metadata of the first run: {state.new.title}")
            return state
        if position.why is not None:
            self.listener.note(f"starting over: {position.why}")
        return None

    def _position(self, state: UploadState, video_id: str) -> StartOver | Resume:
        """Ask the service whether an upload can be resumed. One that has arrived only needs its confirmation."""
        match upload_position(self._video(video_id)):
            case ResumeRefused(why):
                self._forget(state)
                raise UploadRefusedError(f"this file was refused as video {video_id}: {why}")
            case StartOver() as start_over:
                return start_over
            case Resume() | AlreadySent():
                return Resume()

    def _start(self, path: Path, fingerprint: Fingerprint, new: NewVideo) -> UploadState:
        state = UploadState(self.client.api_url, str(path), fingerprint, secrets.token_urlsafe(24), new)
        self._keep(state)
        return state

    def _finished(self, state: UploadState, *, is_resumed: bool) -> str:
        upload: Upload | None = None
        video_id = state.video_id
        if video_id is None:
            upload, video_id = self._request(state)
            self._keep(replace(state, video_id=video_id))
        if is_resumed:
            self.listener.note(f"resuming video {video_id}")
        else:
            self.listener.note(f"video {video_id}")
        self._send(state, video_id, upload)
        self._forget(state)
        return video_id

    def _request(self, state: UploadState) -> tuple[Upload | None, str]:
        """Create the video, or repeat the request whose response was lost."""
        try:
            upload = self.retry.call(lambda: self.client.create(state.new, idempotency_key=state.idempotency_key))
        except ProblemError as error:
            if error.code == CLOSED and error.problem.location is not None:
                # An earlier run has sent it; only the saved state was lost.
                return None, error.problem.location.rpartition("/")[2]
            self._forget(state)
            raise
        return upload, upload.video_id

    def _send(self, state: UploadState, video_id: str, upload: Upload | None) -> None:
        """Send and confirm, again if the service finds that something is missing."""
        meter = SpeedMeter(state.fingerprint.size_bytes, self.listener.sent)
        sending = Transfer(self.client, video_id, Path(state.path), state.fingerprint, self.retry, meter)
        in_parts = upload.is_in_parts if upload else self._is_in_parts(video_id)
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
        raise UploadRefusedError(f"storage lost the file of video {video_id} each time it was sent; try again later")

    def _is_in_parts(self, video_id: str) -> bool:
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
                if error.code not in _NOT_ARRIVED:
                    raise
                return False
            return True

        return self.retry.call(confirm)

    # The records make resuming possible. Without them an upload works, so no failure of theirs may end it.

    def _find(self, path: Path) -> UploadState | None:
        try:
            return self.store.find(api_url=self.client.api_url, path=path)
        except OSError:
            return None

    def _keep(self, state: UploadState) -> None:
        try:
            self.store.keep(state)
        except OSError as error:
            if state.video_id is None:
                why = f"{error.filename}: {error.strerror}" if error.filename else str(error)
                self.listener.note(f"an interrupted upload will start over: its record cannot be saved ({why})")

    def _forget(self, state: UploadState) -> None:
        with contextlib.suppress(OSError):
            self.store.forget(state)

    def _video(self, video_id: str) -> Video | None:
        try:
            return self.retry.call(lambda: self.client.video(video_id))
        except ProblemError as error:
            if error.problem.status != 404:
                raise
            return None
