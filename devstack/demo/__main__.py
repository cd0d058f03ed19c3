"""``python -m devstack.demo [--file clip.mp4]``: upload one video to a running stack and watch it become a stream.

Exits with 0 only when the stream plays, and otherwise with 1 and a message that names the fault.
"""

import argparse
import sys
import time
from functools import partial
from pathlib import Path

from database.events import EventLog
from database.observations import Observations
from database.pool import Database
from devstack import page, tokens
from devstack.child_environment import bypass_proxies
from devstack.demo import clip as clips
from devstack.demo import report
from devstack.demo.clip import Clip
from devstack.demo.errors import DemoError
from devstack.demo.follow import Followed, TransitionPrinter
from devstack.demo.history import from_postgres, seconds_by_phase
from devstack.demo.player import Expected, Player
from devstack.demo.provider import Provider
from devstack.description import StackDescription
from devstack.paths import DEFAULT_STATE_DIR, Paths
from domain.errors import UnavailableError
from videoupload import Client, ClientError, Uploader, UploadStateStore, Video
from videoupload.formatting import megabytes
from videoupload.progress_bar import Screen
from videoupload.retry import Retry

_USER = "demo"
# A demo is run repeatedly; the default of ten is for users.
_UPLOADS_PER_HOUR = 1000


def main() -> int:
    """Run the demo once."""
    arguments = _arguments()
    bypass_proxies()
    screen, paths = Screen(sys.stdout), Paths(arguments.state.resolve())
    began = time.monotonic()
    try:
        stack = _running(paths)
        clip = clips.own(arguments.file) if arguments.file else clips.made(paths.root / "demo")
        followed = _publish(clip, stack, screen, paths, patience_seconds=arguments.patience)
        kubectl = report.kubectl_line(
            paths.root / "bin" / "kubectl",
            kubeconfig=stack.kubeconfig,
            namespace=stack.namespace,
            video_id=followed.video.id,
        )
        _play(followed.video, clip, screen, kubectl)
    except (DemoError, ClientError) as error:
        screen.end_bar()
        sys.stderr.write(f"\nThe demo failed: {error}\n")
        return 1
    except KeyboardInterrupt:
        screen.end_bar()
        sys.stderr.write("\nStopped watching. The service continues with the upload.\n")
        return 130
    screen.line()
    for line in report.result_lines(followed.video, seconds_by_phase(followed.transitions), kubectl):
        screen.line(line)
    if page.remembered(paths):
        screen.line(report.page_line(stack.web_url, _token(stack)))
    screen.line(f"\nThe video plays. {time.monotonic() - began:.0f} s in total.")
    return 0


def _running(paths: Paths) -> StackDescription:
    try:
        return StackDescription.read(paths)
    except FileNotFoundError as error:
        raise DemoError(f"no stack is running in {paths.root}; `make up` starts one") from error


def _publish(clip: Clip, stack: StackDescription, screen: Screen, paths: Paths, *, patience_seconds: float) -> Followed:
    client = Client(stack.api_url, _token(stack))
    screen.line(f"file         {report.clip_line(clip)}")
    retry = Retry(on_retry=lambda error, seconds: screen.line(f"{error}; trying again in {seconds:.0f} s"))
    uploader = Uploader(client, UploadStateStore(paths.root / "demo" / "uploads"), retry, _SendingProgress(screen))
    video_id = uploader.upload(clip.path)
    screen.end_bar()
    screen.line(f"confirmed    POST …/{video_id}/upload_complete")
    database = Database(stack.database_url, max_size=1)
    try:
        provider = Provider(stack.coconut, partial(_job_of, Observations(database)))
        follower = TransitionPrinter(client.video, from_postgres(EventLog(database)), provider.percent, screen)
        return follower.follow(video_id, patience_seconds=patience_seconds)
    finally:
        database.close()


def _token(stack: StackDescription) -> str:
    # An administrator, so that the page shows its administration too.
    return tokens.mint(stack.jwt.signing_key, user=_USER, uploads_per_hour=_UPLOADS_PER_HOUR, is_admin=True)


def _job_of(observations: Observations, video_id: str) -> str | None:
    try:
        row = observations.get(video_id)
    except UnavailableError:
        return None
    return None if row is None else row.observed.job_id


class _SendingProgress:
    """Shows the progress of sending."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._began = time.monotonic()

    def note(self, text: str) -> None:
        self._screen.line(f"created      POST /api/v1/videos: {text}")

    def sent(self, done_bytes: int, total_bytes: int) -> None:
        seconds = max(0.001, time.monotonic() - self._began)
        of = f"{megabytes(done_bytes)} of {megabytes(total_bytes)}"
        self._screen.bar(
            "sending", 100 * done_bytes // max(1, total_bytes), f"{of}, {done_bytes / 1e6 / seconds:.0f} MB/s"
        )


def _play(video: Video, clip: Clip, screen: Screen, kubectl: str) -> None:
    """Compare the stream with the file. Raises DemoError."""
    if video.status != "ready":
        error = f"{video.error.code}: {video.error.message}. {video.error.what_to_do}" if video.error else "no error"
        raise DemoError(f"the video is {video.status}, not ready ({error})\nlook at it: {kubectl}")
    if video.playback_url is None or video.thumbnail_url is None:
        raise DemoError(f"the video is ready with playback {video.playback_url} and thumbnail {video.thumbnail_url}")
    screen.line("\nplaying it as a player would")
    player, expected = Player(), Expected(clip.renditions, clip.duration_seconds, clip.has_sound)
    player.play(video.playback_url, expected, lambda played: screen.line(f"  {report.played_line(played)}"))
    screen.line(f"  thumbnail: {player.picture_bytes(video.thumbnail_url)} bytes of JPEG")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devstack.demo", description="Upload one video and watch it.")
    parser.add_argument("--file", type=Path, metavar="FILE", help="your video; without it a short one is generated")
    parser.add_argument(
        "--state", type=Path, default=DEFAULT_STATE_DIR, metavar="DIR", help="the running stack's state"
    )
    parser.add_argument(
        "--patience", type=float, default=300, metavar="SECONDS", help="fail after this time without any change"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
