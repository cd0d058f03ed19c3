"""The command `videoupload`: makes one call or one upload, prints the result, and returns an exit code."""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import TextIO

from pydantic import BaseModel

from videoupload import formatting
from videoupload.arguments import UsageError, access, parser
from videoupload.client import Client
from videoupload.errors import ClientError, ProblemError, SettingError, UnreachableError
from videoupload.models import Video
from videoupload.polling import Poller
from videoupload.progress_bar import Screen
from videoupload.retry import Retry
from videoupload.streams import discard, make_safe, takes_every_character
from videoupload.transport import is_this_machine
from videoupload.upload_state import UploadStateStore, state_directory
from videoupload.uploader import Uploader, UploadOptions

DONE = 0
DECLINED = 1
USAGE = 2
UNREACHABLE = 3
# What shells report for a process that Ctrl-C ended.
INTERRUPTED = 130
# What shells report for a process whose reader has closed the pipe.
PIPE_CLOSED = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    sys.stdout, sys.stderr = make_safe(sys.stdout), make_safe(sys.stderr)
    screen = Screen(sys.stderr)
    try:
        arguments = parser().parse_args(argv)
    except SystemExit:
        # argparse has written help or a usage error, but may not have flushed all of it.
        try:
            _write(sys.stdout, [])
        except BrokenPipeError:
            return PIPE_CLOSED
        raise
    try:
        service = access(arguments, os.environ)
        if service.api_url.lower().startswith("http://") and not is_this_machine(service.api_url):
            screen.line("warning: http:// sends your token unencrypted; use https:// unless you trust the network")
        return _Cli(arguments, Client(service.api_url, service.token), screen).run()
    except UsageError as error:
        return _ended(screen, str(error), USAGE)
    except UnreachableError as error:
        advice = "check the address and the network" + _how_to_resume(arguments)
        return _ended(screen, f"the service cannot be reached: {error}\n{advice}", UNREACHABLE)
    except ProblemError as error:
        return _ended(screen, _description(error), DECLINED)
    except SettingError as error:
        return _ended(screen, str(error), USAGE)
    except ClientError as error:
        return _ended(screen, str(error), DECLINED)
    except BrokenPipeError:
        # Only _write raises it: the reader has all that it wanted, as `head` does.
        return PIPE_CLOSED
    except OSError as error:
        return _ended(screen, f"{error.filename}: {error.strerror}" if error.filename else str(error), USAGE)
    except KeyboardInterrupt:
        return _ended(screen, "interrupted" + _how_to_resume(arguments), INTERRUPTED)


class _Cli:
    def __init__(self, arguments: argparse.Namespace, client: Client, screen: Screen) -> None:
        self._arguments = arguments
        self._client = client
        # Progress goes to stderr, so that stdout holds only the result.
        self._screen = screen
        self._last_progress = ""

    def run(self) -> int:
        match self._arguments.command:
            case "upload":
                return self._upload()
            case "fetch":
                return self._fetch()
            case "list":
                self._list()
            case "get":
                self._show(self._client.video(self._arguments.id))
            case "retry":
                self._show(self._client.retry(self._arguments.id))
            case "retranscode":
                self._show(self._client.retranscode(self._arguments.id))
            case "describe":
                self._describe()
            case "captions":
                self._captions()
            case "poster":
                self._poster()
            case "restore":
                self._show(self._client.restore(self._arguments.id))
            case "events":
                events = self._client.events(self._arguments.id)
                self._print([event.model_dump(mode="json") for event in events], formatting.event_lines(events))
            case _:
                self._delete()
        return DONE

    def _describe(self) -> None:
        asked = self._arguments
        removed: dict[str, str | None] = dict.fromkeys(asked.without)
        metadata = removed | dict(asked.metadata)
        changed = self._client.describe(
            asked.id,
            title=asked.title,
            metadata=metadata,
            visibility=asked.visibility,
            embed_origins=asked.embed_origins,
        )
        self._show(changed)

    def _captions(self) -> None:
        asked = self._arguments
        match asked.action:
            case "list":
                captions = self._client.captions(asked.id)
                self._print([one.model_dump(mode="json") for one in captions], formatting.caption_lines(captions))
            case "put":
                content_type = "application/x-subrip" if asked.file.suffix.lower() == ".srt" else "text/vtt"
                put = self._client.put_captions(
                    asked.id,
                    asked.language,
                    asked.file.read_bytes(),
                    content_type=content_type,
                    label=asked.label,
                    is_default=asked.default,
                )
                self._print(put, formatting.caption_lines([put]))
            case _:
                self._client.remove_captions(asked.id, asked.language)
                self._print({"video_id": asked.id, "language": asked.language}, [f"removed {asked.language}"])

    def _poster(self) -> None:
        asked = self._arguments
        if asked.action == "put":
            self._show(self._client.put_poster(asked.id, asked.file.read_bytes()))
        else:
            self._client.remove_poster(asked.id)
            self._print({"video_id": asked.id}, ["the poster is the automatic one"])

    def _upload(self) -> int:
        retry = Retry(on_retry=self._report_retry)
        uploader = Uploader(
            self._client,
            UploadStateStore(state_directory(os.environ)),
            retry,
            _ScreenListener(self._screen),
            parallel=self._arguments.parallel,
        )
        asked = self._arguments
        options = UploadOptions(
            title=asked.title,
            metadata=dict(asked.metadata),
            visibility=asked.visibility,
            profile=asked.profile,
            region=asked.region,
        )
        video_id = uploader.upload(self._arguments.file, options)
        self._screen.end_bar()
        if not self._arguments.wait:
            self._screen.line(f"sent and confirmed; `videoupload get {video_id}` shows its progress")
            self._print({"video_id": video_id}, [video_id])
            return DONE
        return self._wait(Poller(self._client, retry), video_id)

    def _fetch(self) -> int:
        asked = self._arguments
        video_id = self._client.fetch(
            asked.url,
            title=asked.title,
            metadata=dict(asked.metadata),
            visibility=asked.visibility,
            profile=asked.profile,
            region=asked.region,
        )
        if not asked.wait:
            self._screen.line(f"the service fetches the file; `videoupload get {video_id}` shows its progress")
            self._print({"video_id": video_id}, [video_id])
            return DONE
        return self._wait(Poller(self._client, Retry(on_retry=self._report_retry)), video_id)

    def _wait(self, poller: Poller, video_id: str) -> int:
        try:
            video = poller.follow(video_id, self._progress)
        except KeyboardInterrupt:
            advice = f"the service continues with the video; `videoupload get {video_id}` shows it"
            return _ended(self._screen, f"stopped watching: {advice}", INTERRUPTED)
        self._screen.end_bar()
        self._show(video)
        if video.status == "ready" and video.deleted_at is None:
            return DONE
        return _ended(self._screen, formatting.failure(video), DECLINED)

    def _progress(self, video: Video) -> None:
        if video.status == "processing":
            self._screen.bar("transcoding", video.progress, formatting.waiting(video))
            return
        # Most changes of a video leave this line as it is.
        before, self._last_progress = self._last_progress, formatting.progress(video)
        if before != self._last_progress:
            self._screen.line(self._last_progress)

    def _report_retry(self, error: ClientError, seconds: float) -> None:
        self._screen.line(f"{error}; trying again in {seconds:.0f} s")

    def _list(self) -> None:
        filters = {"status": self._arguments.status, "is_deleted": self._arguments.deleted}
        page = self._client.page(**filters)
        videos = list(page.videos)
        while page.next_page_token is not None:
            page = self._client.page(**filters, page_token=page.next_page_token)
            videos += page.videos
        self._print([video.model_dump(mode="json") for video in videos], formatting.list_lines(videos))

    def _delete(self) -> None:
        video_id = self._arguments.id
        self._client.delete(video_id)
        self._print({"video_id": video_id}, [f"deleted; `videoupload restore {video_id}` restores it within a week"])

    def _show(self, video: Video) -> None:
        self._print(video, formatting.video_lines(video))

    def _print(self, answer: object, lines: Sequence[str]) -> None:
        if self._arguments.json:
            content = answer.model_dump(mode="json") if isinstance(answer, BaseModel) else answer
            lines = [json.dumps(content, indent=2, ensure_ascii=not takes_every_character(sys.stdout))]
        _write(sys.stdout, lines)


class _ScreenListener:
    """Shows an upload on the screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._began: tuple[float, int] | None = None

    def note(self, text: str) -> None:
        self._screen.line(text)

    def sent(self, done_bytes: int, total_bytes: int) -> None:
        now = time.monotonic()
        if self._began is None:
            # Bytes that an earlier run sent do not count towards the speed.
            self._began = now, done_bytes
        seconds, here = max(0.001, now - self._began[0]), max(0, done_bytes - self._began[1])
        done, total = formatting.megabytes(done_bytes), formatting.megabytes(total_bytes)
        detail = f"{done} of {total}, {here / 1e6 / seconds:.1f} MB/s"
        self._screen.bar("sending", 100 * done_bytes // total_bytes, detail)


def _ended(screen: Screen, message: str, code: int) -> int:
    screen.end_bar()
    screen.line(f"videoupload: {message}")
    return code


def _description(error: ProblemError) -> str:
    problem = error.problem
    after = f" ({problem.retry_after_seconds:.0f} s)" if problem.retry_after_seconds else ""
    trace = f"\nrequest {problem.request_id}" if problem.request_id and problem.status >= 500 else ""
    return f"{problem.detail} [{problem.code}]\n{problem.what_to_do}{after}{trace}"


def _how_to_resume(arguments: argparse.Namespace) -> str:
    return "; run the same command again to resume" if arguments.command == "upload" else ""


def _write(out: TextIO, lines: Sequence[str]) -> None:
    try:
        out.write("".join(f"{line}\n" for line in lines))
        out.flush()
    except OSError:
        discard(out)
        raise
