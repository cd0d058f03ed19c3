"""The command's arguments, and the environment variables that stand in for them."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from videoupload.uploader import PARALLEL

PARALLEL_MAX = 8
_STATUSES = ("pending", "uploading", "uploaded", "processing", "ready", "errored")
_EPILOG = """\
environment:
  VIDEOUPLOAD_API    address of the service, such as https://video.example.com (or --api)
  VIDEOUPLOAD_TOKEN  your bearer token (or --token-file)

exit codes:
  0  done             1  the service declined, or the video failed
  2  wrong usage      3  the service cannot be reached      130  interrupted
"""


class UsageError(Exception):
    """Something is missing or misspelt; the message says what."""


@dataclass(frozen=True)
class Access:
    """The address of the service and the user's token."""

    api_url: str
    token: str


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="videoupload",
        description="Upload videos and see what becomes of them. An upload that was interrupted goes on where\n"
        "it stopped when the same command is run again.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    common = _common()
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    # Not abbreviated: `--token` would be taken for `--token-file`, and a token for a file's name.
    def command(name: str, what: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, parents=[common], help=what, description=f"{what[0].upper()}{what[1:]}.", allow_abbrev=False
        )

    _add_upload(command("upload", "send a file, or go on sending it"))
    listed = command("list", "show your videos, newest first")
    listed.add_argument("--status", choices=_STATUSES, help="only those with this status")
    listed.add_argument("--deleted", action="store_true", help="the deleted ones, and only those")
    for name, what in (
        ("get", "show one video"),
        ("events", "show what has happened to a video"),
        ("retry", "try again what failed"),
        ("retranscode", "transcode a ready video again; it plays on meanwhile"),
        ("delete", "delete a video, or give up its upload"),
        ("restore", "take a deletion back"),
    ):
        one = command(name, what)
        one.add_argument("id", metavar="ID", type=_video_id, help="the video's id")
    return top


def access(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Access:
    """Return where to ask and as whom. Raises UsageError."""
    return Access(_api_url(arguments.api or environment.get("VIDEOUPLOAD_API", "")), _token(arguments, environment))


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--api", metavar="URL", help="address of the service (default: VIDEOUPLOAD_API)")
    # The token itself is no argument: everybody on the machine can read those.
    common.add_argument(
        "--token-file", type=Path, metavar="FILE", help="file that holds the token (default: VIDEOUPLOAD_TOKEN)"
    )
    common.add_argument("--json", action="store_true", help="print the service's answer as JSON")
    return common


def _add_upload(upload: argparse.ArgumentParser) -> None:
    upload.add_argument("file", type=Path, metavar="FILE")
    upload.add_argument("--title", help="default: the file's name without its ending")
    upload.add_argument(
        "--metadata",
        type=_pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="kept with the video; may be repeated",
    )
    upload.add_argument("--wait", action="store_true", help="wait until the video is ready or has failed")
    upload.add_argument(
        "--parallel",
        type=_parallel,
        default=PARALLEL,
        metavar="N",
        help=f"parts on their way at a time, 1 to {PARALLEL_MAX} (default: {PARALLEL}); each may be sent again after"
        " an interruption",
    )


def _parallel(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= PARALLEL_MAX):
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {PARALLEL_MAX}")
    return int(value)


def _pair(value: str) -> tuple[str, str]:
    name, separator, text = value.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return name, text


def _video_id(value: str) -> str:
    # It becomes part of a path: anything but an id would name another resource.
    if not (value.isascii() and value.isalnum()):
        raise argparse.ArgumentTypeError("is not the id of a video; `videoupload list` shows yours")
    return value


def _api_url(value: str) -> str:
    if not value:
        raise UsageError("set VIDEOUPLOAD_API to the address of the service, or give --api")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{value} is not the address of a service; one looks like https://video.example.com")
    return value.rstrip("/")


def _token(arguments: argparse.Namespace, environment: Mapping[str, str]) -> str:
    file: Path | None = arguments.token_file
    if file is not None:
        try:
            token = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the token cannot be read from {file}: {error}") from error
    else:
        token = environment.get("VIDEOUPLOAD_TOKEN", "").strip()
    if not token:
        raise UsageError("set VIDEOUPLOAD_TOKEN to your token, or give --token-file")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("the token has characters that no token has; is it the right file?")
    return token
