"""The API calls, one method each. uploader.py uses them to send a file."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Unpack
from urllib.parse import unquote, urlencode, urlsplit

from pydantic import BaseModel, ValidationError

from videoupload.errors import (
    ClientError,
    Problem,
    ProblemError,
    SettingError,
    StorageRefusedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from videoupload.files import content_type
from videoupload.models import (
    Caption,
    Captions,
    Choices,
    Event,
    Events,
    FetchedVideo,
    NewVideo,
    Page,
    Parts,
    PartUrl,
    PolledVideo,
    Upload,
    Video,
)
from videoupload.names import file_name, title_of
from videoupload.transport import Body, HttpResponse, NoResponseError, Transport

_Model = TypeVar("_Model", bound=BaseModel)


class Client:
    """Calls the service with one user's token.

    Every method raises ProblemError, UnreachableError and UnexpectedAnswerError.
    """

    def __init__(self, api_url: str, token: str) -> None:
        self.api_url = api_url.rstrip("/")
        self._transport = Transport(token)
        self._known: dict[str, tuple[str, Video]] = {}

    def create(self, new: NewVideo, *, idempotency_key: str | None = None) -> Upload:
        """Create a video. For a day, the same key returns the same video."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return _read(Upload, self._call("POST", "", json=new.as_body(), headers=headers))

    def fetch(
        self,
        source_url: str,
        *,
        title: str | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        **choices: Unpack[Choices],
    ) -> str:
        """Have the service fetch a file from a URL, and return the video's id. Nothing is to be sent.

        Title and type follow from the URL's last part, unless ``title`` is given. For a day, the same key returns the
        same video.
        """
        name = unquote(urlsplit(source_url).path.rpartition("/")[2]) or "video"
        body: dict[str, object] = {
            "title": title or title_of(name),
            "filename": file_name(name),
            "content_type": content_type(Path(name)),
            "source_url": source_url,
        }
        if metadata:
            body["metadata"] = dict(metadata)
        body |= {name: value for name, value in choices.items() if value is not None}
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return _read(FetchedVideo, self._call("POST", "", json=body, headers=headers)).video_id

    def upload_url(self, video_id: str) -> Upload:
        """Get a new URL for a file that is sent in one piece."""
        return _read(Upload, self._call("POST", f"/{video_id}/upload_url"))

    def parts(self, video_id: str) -> Parts:
        """List the parts that have arrived in storage."""
        return _read(Parts, self._call("GET", f"/{video_id}/parts"))

    def sign_part(self, video_id: str, number: int) -> PartUrl:
        """Get a URL for one part."""
        answer = self._call("POST", f"/{video_id}/parts", json={"part_numbers": [number]})
        return _read(_Signed, answer).parts[0]

    def confirm(self, video_id: str) -> str:
        """Confirm that the file was sent. Return the status in the response."""
        return _read(_Confirmed, self._call("POST", f"/{video_id}/upload_complete")).status

    def video(self, video_id: str) -> Video:
        """Get a video."""
        return self.look(video_id).video

    def look(self, video_id: str, *, since: str | None = None, wait_seconds: int = 0) -> PolledVideo:
        """Get a video and its polling interval. The body is sent only if it changed since this client's last look.

        With ``since``, a revision, the service answers once the video has another one, or after ``wait_seconds``, at
        most 20, or at once if it cannot let this client wait.
        """
        tag, before = self._known.get(video_id, ("", None))
        query = f"?{urlencode({'wait': wait_seconds, 'since': since})}" if since is not None and wait_seconds else ""
        answer = self._call("GET", f"/{video_id}{query}", headers={"If-None-Match": tag} if tag else {})
        video = before if answer.status == 304 and before is not None else _read(Video, answer)
        self._known[video_id] = (answer.headers.get("ETag", tag), video)
        return PolledVideo(video, answer.retry_after_seconds)

    def page(
        self,
        *,
        status: str | None = None,
        is_deleted: bool = False,
        page_size: int = 100,
        page_token: str | None = None,
    ) -> Page:
        """List a page of the videos, newest first."""
        parameters = {
            "status": status,
            "deleted": "true" if is_deleted else None,
            "page_size": page_size,
            "page_token": page_token,
        }
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        return _read(Page, self._call("GET", f"?{query}"))

    def events(self, video_id: str) -> tuple[Event, ...]:
        """List the history of a video, oldest first."""
        return _read(Events, self._call("GET", f"/{video_id}/events")).events

    def retry(self, video_id: str) -> Video:
        """Retry a failed video."""
        return _read(Video, self._call("POST", f"/{video_id}/retry"))

    def retranscode(self, video_id: str) -> Video:
        """Transcode a ready video again; it stays playable."""
        return _read(Video, self._call("POST", f"/{video_id}/retranscode"))

    def describe(
        self,
        video_id: str,
        *,
        title: str | None = None,
        metadata: Mapping[str, str | None] | None = None,
        visibility: str | None = None,
        embed_origins: Sequence[str] | Literal["default"] | None = None,
    ) -> Video:
        """Change the title, texts of the metadata, and who can play the video where; what is left out stays.

        ``metadata``: None removes a name of it. ``visibility``: `public` or `private`; the files move meanwhile.
        ``embed_origins``: the sites that may show it, or `default` for those of the installation.
        """
        texts = None if metadata is None else dict(metadata)
        body = {"title": title, "metadata": texts, "visibility": visibility}
        given: dict[str, object] = {name: value for name, value in body.items() if value is not None}
        if embed_origins is not None:
            given["embed_origins"] = None if embed_origins == "default" else [*embed_origins]
        return _read(Video, self._call("PATCH", f"/{video_id}", json=given))

    def captions(self, video_id: str) -> tuple[Caption, ...]:
        """List the captions of a video, by language."""
        return _read(Captions, self._call("GET", f"/{video_id}/captions")).captions

    def put_captions(
        self,
        video_id: str,
        language: str,
        text: bytes,
        *,
        content_type: str = "text/vtt",
        label: str | None = None,
        is_default: bool = False,
    ) -> Caption:
        """Add captions in WebVTT or SubRip (`application/x-subrip`), or replace those in this language."""
        query = urlencode({"default": "true" if is_default else "false"} | ({"label": label} if label else {}))
        path = f"{_captions_path(video_id, language)}?{query}"
        return _read(Caption, self._call("PUT", path, data=text, headers={"Content-Type": content_type}))

    def remove_captions(self, video_id: str, language: str) -> None:
        """Remove the captions in this language."""
        self._call("DELETE", _captions_path(video_id, language))

    def put_poster(self, video_id: str, picture: bytes) -> Video:
        """Choose a picture, a JPEG of at most 512 KiB, as the poster; ``thumbnail_url`` shows it within seconds."""
        headers = {"Content-Type": "image/jpeg"}
        return _read(Video, self._call("PUT", f"/{video_id}/poster", data=picture, headers=headers))

    def remove_poster(self, video_id: str) -> None:
        """Go back to the poster that the transcode made."""
        self._call("DELETE", f"/{video_id}/poster")

    def delete(self, video_id: str) -> None:
        """Delete a video or cancel its upload. It can be restored for a week."""
        self._call("DELETE", f"/{video_id}")

    def restore(self, video_id: str) -> Video:
        """Restore a deleted video."""
        return _read(Video, self._call("POST", f"/{video_id}/restore"))

    def send(self, target: Upload | PartUrl, body: Body) -> None:
        """Send bytes to a signed URL. Raises StorageRefusedError, UnreachableError, and what ``body`` raises."""
        # Some S3 servers take a broken connection for the end of a part and store what has arrived.
        headers = {**target.headers, "Content-MD5": body.content_md5}
        doing = f"sending to storage at {urlsplit(target.upload_url).netloc}"
        try:
            answer = self._transport.send(target.method, target.upload_url, body, headers=headers)
        except NoResponseError as error:
            raise _unreachable(doing, error) from None
        if answer.status == 429 or answer.status >= 500:
            raise UnreachableError(f"{doing}: HTTP {answer.status}", retry_after_seconds=answer.retry_after_seconds)
        if answer.status != 200:
            raise StorageRefusedError(f"{doing}: HTTP {answer.status}")

    def _call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        url = f"{self.api_url}/api/v1/videos{path}"
        doing = f"{method} {url}"
        try:
            answer = self._transport.call(method, url, json=json, data=data, headers=headers)
        except NoResponseError as error:
            raise _unreachable(doing, error) from error
        if answer.status < 300 or answer.status == 304:
            return answer
        raise _error_for(doing, answer)


def _captions_path(video_id: str, language: str) -> str:
    # `..` would be a path to the video itself, which the same methods change.
    if not re.fullmatch(r"[A-Za-z0-9-]+", language):
        raise SettingError(f"{language!r} is not a language tag such as en or pt-BR")
    return f"/{video_id}/captions/{language}"


class _Signed(BaseModel):
    parts: tuple[PartUrl, ...]


class _Confirmed(BaseModel):
    status: str


def _unreachable(doing: str, error: NoResponseError) -> ClientError:
    return SettingError(f"{doing}: {error}") if error.is_lasting else UnreachableError(f"{doing}: {error}")


def _error_for(doing: str, answer: HttpResponse) -> Exception:
    """Return the error for a response that is not a success."""
    after, problem = answer.retry_after_seconds, _problem(answer)
    if problem is None:
        # Something in front of the service answered, such as an ingress without a backend.
        if answer.status == 429 or answer.status >= 500:
            return UnreachableError(f"{doing}: HTTP {answer.status}", retry_after_seconds=after)
        return UnexpectedAnswerError(f"{doing}: HTTP {answer.status}, which is not a response of this service")
    errors = problem.get("errors")
    named = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    fields = "".join(f"; {one.get('field')}: {one.get('detail')}" for one in named)
    return ProblemError(
        Problem(
            status=answer.status,
            code=problem["code"],
            detail=f"{problem['detail']}{fields}",
            is_retryable=bool(problem.get("retryable")),
            what_to_do=str(problem.get("what_to_do") or ""),
            request_id=str(problem["request_id"]) if problem.get("request_id") else None,
            location=answer.headers.get("Location"),
            retry_after_seconds=after,
        )
    )


def _problem(answer: HttpResponse) -> dict[str, Any] | None:
    try:
        problem = answer.json()
    except (ValueError, RecursionError):
        return None
    is_one = isinstance(problem, dict) and isinstance(problem.get("code"), str) and "detail" in problem
    return problem if is_one else None


def _read(model: type[_Model], answer: HttpResponse) -> _Model:
    try:
        return model.model_validate_json(answer.content)
    except ValidationError as error:
        # pydantic's own message would quote the response, signed URLs included.
        names = ", ".join(".".join(map(str, one["loc"])) or "the body" for one in error.errors(include_input=False))
        raise UnexpectedAnswerError(f"the service sent a response that this client cannot read: {names}") from None
