"""Where everything lies in the bucket, as functions of the video's id. Pure; nothing else spells out a key.

uploads/{video_id}/original.{ext}                     the original, never public
imports/{namespace}/...                               originals that others put there, never public, never removed
processed/{video_id}/{attempt}/hls/master.m3u8        what one job wrote, immutable
processed/{video_id}/{attempt}/thumbnails/thumb_01.jpg
processed/{video_id}/playlist.m3u8                    the stable playlist, written last
processed/{video_id}/thumbnail.jpg                    the stable poster
"""

import re

ORIGINALS_PREFIX = "uploads/"
IMPORTS_PREFIX = "imports/"
PUBLIC_PREFIX = "processed/"

_PLAIN_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


def original_key(video_id: str, filename: str) -> str:
    """Return the original's key. Of the client's filename only a harmless extension is kept."""
    _, dot, extension = filename.rpartition(".")
    extension = extension.lower() if dot else ""
    if not _PLAIN_EXTENSION.fullmatch(extension):
        extension = "bin"
    return f"{original_prefix(video_id)}original.{extension}"


def original_prefix(video_id: str) -> str:
    """Return the prefix that holds one video's original, with its slash."""
    return f"{ORIGINALS_PREFIX}{video_id}/"


def is_import_of(namespace: str, key: str) -> bool:
    """Tell whether a file lies where this namespace may import from.

    A store on a file system would walk up a path with dots, into the files of others.
    """
    prefix = f"{IMPORTS_PREFIX}{namespace}/"
    return key.startswith(prefix) and not {"", ".", ".."} & set(key.removeprefix(prefix).split("/"))


def outputs_prefix(video_id: str, attempt: int) -> str:
    """Return the prefix that one attempt's job writes under, with its slash."""
    return f"{video_prefix(video_id)}{attempt}/"


def hls_directory(video_id: str, attempt: int) -> str:
    """Return where the job writes its playlists and segments, without a slash."""
    return f"{outputs_prefix(video_id, attempt)}hls"


def master_key(video_id: str, attempt: int) -> str:
    """Return the master playlist that the job writes."""
    return f"{hls_directory(video_id, attempt)}/master.m3u8"


def thumbnails_prefix(video_id: str, attempt: int) -> str:
    """Return the prefix of the attempt's thumbnails, with its slash."""
    return f"{outputs_prefix(video_id, attempt)}thumbnails/"


def video_prefix(video_id: str) -> str:
    """Return the public prefix of one video, with its slash; a rendition's ``uri`` is relative to it."""
    return f"{PUBLIC_PREFIX}{video_id}/"


def stable_playlist_key(video_id: str) -> str:
    """Return the key behind the playback URL."""
    return f"{video_prefix(video_id)}playlist.m3u8"


def stable_poster_key(video_id: str) -> str:
    """Return the key behind the thumbnail URL."""
    return f"{video_prefix(video_id)}thumbnail.jpg"


def video_of(key: str) -> str | None:
    """Return the video under whose prefix a key lies, None for a key beside all of them."""
    for prefix in (ORIGINALS_PREFIX, PUBLIC_PREFIX):
        video_id, slash, _ = key.removeprefix(prefix).partition("/")
        if key.startswith(prefix) and video_id and slash:
            return video_id
    return None


def playback_url(base: str, video_id: str) -> str:
    """Return the URL people play; ``base`` is the public base URL without a slash at its end."""
    return f"{base}/{stable_playlist_key(video_id)}"


def thumbnail_url(base: str, video_id: str) -> str:
    """Return the URL of the poster."""
    return f"{base}/{stable_poster_key(video_id)}"
