"""The command's arguments and environment variables."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from videoupload.uploader import PARALLEL

PARALLEL_MAX = 8
_STATUSES = ("pending", "uploading", "uploaded", "processing", "ready", "errored")
_VISIBILITIES = ("public", "private")
_EPILOG = """\
environment:
  VIDEOUPLOAD_API    address of the service, such as https://video.example.com (or --api)
  VIDEOUPLOAD_TOKEN  your bearer token (or --token-file)

exit codes:
  0  done             1  the service refused, or the video failed
  2  wrong usage      3  the service cannot be reached
  130  interrupted    141  the reader of the output closed the pipe
"""


class UsageError(Exception):
    """An argument or a variable is missing or malformed; the message says which."""


@dataclass(frozen=True)
class Access:
    """The address of the service and the user's token."""

    api_url: str
    token: str


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="videoupload",
        description="Upload videos and follow them until they can be played. An interrupted upload resumes\n"
        "when the same command is run again.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    common = _common()
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    # Without abbreviations: `--token SECRET` would be read as `--token-file SECRET`.
    def command(name: str, what: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, parents=[common], help=what, description=f"{what[0].upper()}{what[1:]}.", allow_abbrev=False
        )

    _add_upload(command("upload", "upload a file, or resume its upload"))
    _add_fetch(command("fetch", "have the service fetch a file from a URL"))
    listed = command("list", "list your videos, newest first")
    listed.add_argument("--status", choices=_STATUSES, help="only videos with this status")
    listed.add_argument("--deleted", action="store_true", help="only deleted videos")
    _add_describe(command("describe", "change the title, the metadata, the visibility and the sites of a video"))
    what = "list the captions of a video, add, replace or remove them"
    _add_captions(commands.add_parser("captions", help=what, description=f"{what}.", allow_abbrev=False), common)
    what = "choose a picture as the poster of a video, or go back to the automatic one"
    _add_poster(commands.add_parser("poster", help=what, description=f"{what}.", allow_abbrev=False), common)
    for name, what in (
        ("get", "show one video"),
        ("events", "show the history of a video"),
        ("retry", "retry a failed video"),
        ("retranscode", "transcode a ready video again; it stays playable"),
        ("delete", "delete a video or cancel its upload"),
        ("restore", "restore a deleted video"),
    ):
        one = command(name, what)
        one.add_argument("id", metavar="ID", type=_video_id, help="the video's id")
    return top


def access(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Access:
    """Return the address of the service and the token. Raises UsageError."""
    return Access(_api_url(arguments.api or environment.get("VIDEOUPLOAD_API", "")), _token(arguments, environment))


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--api", metavar="URL", help="address of the service (default: VIDEOUPLOAD_API)")
    # The token itself is not an argument, because every user of the machine can read arguments.
    common.add_argument(
        "--token-file", type=Path, metavar="FILE", help="file that contains the token (default: VIDEOUPLOAD_TOKEN)"
    )
    common.add_argument("--json", action="store_true", help="print the response as JSON")
    return common


def _add_upload(upload: argparse.ArgumentParser) -> None:
    upload.add_argument("file", type=Path, metavar="FILE")
    upload.add_argument("--title", type=_text, help="default: the file name without its extension")
    _add_metadata(upload, "stored with the video; may be repeated")
    _add_choices(upload)
    upload.add_argument("--wait", action="store_true", help="wait until the video is ready or has failed")
    upload.add_argument(
        "--parallel",
        type=_parallel,
        default=PARALLEL,
        metavar="N",
        help=f"parts to send at the same time, 1 to {PARALLEL_MAX} (default: {PARALLEL}); an interruption may cost"
        " each of them",
    )


def _add_fetch(fetched: argparse.ArgumentParser) -> None:
    fetched.add_argument("url", metavar="URL", help="from where the service can read the file, by https")
    fetched.add_argument("--title", type=_text, help="default: from the URL's last part")
    _add_metadata(fetched, "stored with the video; may be repeated")
    _add_choices(fetched)
    fetched.add_argument("--wait", action="store_true", help="wait until the video is ready or has failed")


def _add_choices(created: argparse.ArgumentParser) -> None:
    created.add_argument("--visibility", choices=_VISIBILITIES, help="who can play it (default: of the service)")
    created.add_argument("--profile", metavar="NAME", help="what it becomes (default: of the service)")
    created.add_argument("--region", metavar="NAME", help="where it is kept (default: chosen by the service)")


def _embed_origins(text: str) -> list[str] | str:
    if text == "default":
        return text
    return [] if text == "none" else [part.strip() for part in text.split(",")]


def _add_describe(described: argparse.ArgumentParser) -> None:
    described.add_argument("id", metavar="ID", type=_video_id, help="the video's id")
    described.add_argument("--title", type=_text, help="the new title")
    _add_metadata(described, "added or replaced; may be repeated")
    described.add_argument("--visibility", choices=_VISIBILITIES, help="who can play it; its files move meanwhile")
    described.add_argument(
        "--embed-origins",
        type=_embed_origins,
        metavar="SITES",
        help="the sites that may show it, separated by commas, such as https://www.example.com; `none`, or `default`"
        " for those of the installation",
    )
    described.add_argument(
        "--without", type=_text, action="append", default=[], metavar="NAME", help="removed from the metadata"
    )


def _add_captions(captions: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = captions.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, what: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, parents=[common], help=what, description=f"{what}.", allow_abbrev=False)
        added.add_argument("id", metavar="ID", type=_video_id, help="the video's id")
        return added

    action("list", "list the captions of a video")
    put = action("put", "add captions, or replace those in the same language")
    put.add_argument("language", metavar="LANGUAGE", type=_language, help="a tag such as en or pt-BR")
    put.add_argument("file", type=Path, metavar="FILE", help="WebVTT or SubRip (.srt)")
    put.add_argument("--label", type=_text, help="their name in a player's menu (default: the language)")
    put.add_argument("--default", action="store_true", help="shown unless the viewer chooses otherwise")
    deleted = action("delete", "remove the captions in one language")
    deleted.add_argument("language", metavar="LANGUAGE", type=_language)


def _add_poster(poster: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = poster.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, what in (("put", "choose a picture"), ("delete", "go back to the automatic poster")):
        action = actions.add_parser(name, parents=[common], help=what, description=f"{what}.", allow_abbrev=False)
        action.add_argument("id", metavar="ID", type=_video_id, help="the video's id")
        if name == "put":
            action.add_argument("file", type=Path, metavar="FILE", help="a JPEG of at most 512 KiB")


def _add_metadata(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--metadata", type=_pair, action="append", default=[], metavar="NAME=VALUE", help=what)


def _parallel(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= PARALLEL_MAX):
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {PARALLEL_MAX}")
    return int(value)


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("contains bytes that are not UTF-8") from None
    return value


def _pair(value: str) -> tuple[str, str]:
    name, separator, text = value.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return _text(name), _text(text)


def _video_id(value: str) -> str:
    # It becomes part of a URL's path, where other characters could name another resource.
    if not (value.isascii() and value.isalnum()):
        raise argparse.ArgumentTypeError("is not a video id; `videoupload list` shows yours")
    return value


def _language(value: str) -> str:
    # It becomes part of a URL's path too.
    if not (value.isascii() and value.replace("-", "").isalnum()):
        raise argparse.ArgumentTypeError("is not a language tag such as en or pt-BR")
    return value


def _api_url(value: str) -> str:
    if not value:
        raise UsageError("set VIDEOUPLOAD_API to the address of the service, or pass --api")
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not value.isprintable() or " " in value or parts.query or parts.fragment:
        raise UsageError(f"{value} is not the address of a service; an address looks like https://video.example.com")
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
        raise UsageError("set VIDEOUPLOAD_TOKEN to your token, or pass --token-file")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("the token contains characters that tokens never contain; is it the right file?")
    return token
