"""The layout of keys in the bucket, as functions of the video's id. No other module builds a key.

uploads/{video_id}/original.{ext}                     what the client sent, never public
originals/{video_id}/{version}.{ext}                  its copy once it was accepted: no client's URL can write it
imports/{namespace}/...                               originals uploaded by others, never public, never removed
processed/{video_id}/{folder}/hls/master.m3u8         what one job wrote, immutable
processed/{video_id}/{folder}/thumbnails/thumb_01.jpg
processed/{video_id}/{folder}/storyboard/storyboard.vtt  the times of the pictures beside it
processed/{video_id}/{folder}/mp4/720.mp4              a whole rendition in one file
processed/{video_id}/playlist.m3u8                    the stable playlist, written last
processed/{video_id}/thumbnail.jpg                    the stable poster
processed/{video_id}/captions/...                     the captions: for each language a media playlist and a text
processed/{video_id}/poster/{digest}.jpg              the poster that the owner chose
private/{video_id}/...                                of a private video: the same as below processed/, never public
withdrawn/{video_id}/...                              what a deleted video had there, until it is restored or purged
marks/{video_id}/attempt-{folder}                     an empty private object: an attempt was, or is to be, paid for
marks/{video_id}/job-{attempt}-{job_id}                an empty private object: this job was accepted
marks/{video_id}/deleted-{revision}                   an empty private object: this desired state deleted the video

A folder is named by the number of its attempt and a random word, so that the video's id does not lead to it. The
folders of earlier releases have the number alone.
"""

import base64
import hashlib
import re
import secrets
from urllib.parse import quote

UPLOADS_PREFIX = "uploads/"
ORIGINALS_PREFIX = "originals/"
IMPORTS_PREFIX = "imports/"
PUBLIC_PREFIX = "processed/"
PRIVATE_PREFIX = "private/"
WITHDRAWN_PREFIX = "withdrawn/"
MARKS_PREFIX = "marks/"
ATTEMPT_MARK, JOB_MARK, DELETION_MARK = "attempt-", "job-", "deleted-"
# Below an attempt's prefix: the times of the pictures beside it.
STORYBOARD = "storyboard/storyboard.vtt"
# No attempt has a folder of these names.
CAPTIONS_FOLDER = "captions"
POSTERS_FOLDER = "poster"
POSTER = "thumbnail.jpg"
# Below each of these there is a folder for each video.
VIDEO_PREFIXES = (
    UPLOADS_PREFIX,
    ORIGINALS_PREFIX,
    PUBLIC_PREFIX,
    PRIVATE_PREFIX,
    WITHDRAWN_PREFIX,
    MARKS_PREFIX,
)

_FOLDER = re.compile(r"([1-9][0-9]{0,8})(?:-[a-z2-7]{1,52})?")
_PLAIN_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


def original_key(video_id: str, filename: str) -> str:
    """Return the original's key, which keeps only a harmless extension of the client's filename."""
    _, dot, extension = filename.rpartition(".")
    extension = extension.lower() if dot else ""
    if not _PLAIN_EXTENSION.fullmatch(extension):
        extension = "bin"
    return f"{original_prefix(video_id)}original.{extension}"


def original_prefix(video_id: str) -> str:
    """Return the prefix of one video's original, with a trailing slash."""
    return f"{UPLOADS_PREFIX}{video_id}/"


def kept_prefix(video_id: str) -> str:
    """Return the prefix of the accepted originals of one video, with a trailing slash."""
    return f"{ORIGINALS_PREFIX}{video_id}/"


def kept_original_key(video_id: str, upload_key: str, version: str) -> str:
    """Return where one version of an upload is kept once it is accepted: the same key for the same version."""
    digest = hashlib.sha256(version.encode()).hexdigest()[:32]
    return f"{kept_prefix(video_id)}{digest}.{upload_key.rpartition('.')[2]}"


def marks_prefix(video_id: str) -> str:
    """Return the private prefix of one video's marks (domain/marks.py), with a trailing slash."""
    return f"{MARKS_PREFIX}{video_id}/"


def attempt_mark_key(video_id: str, folder: str) -> str:
    """Return the key of the mark that the attempt with this folder is paid for."""
    return f"{marks_prefix(video_id)}{ATTEMPT_MARK}{folder}"


def job_mark_key(video_id: str, attempt: int, job_id: str) -> str:
    """Return the key of the mark that a job was accepted for the attempt."""
    return f"{marks_prefix(video_id)}{JOB_MARK}{attempt}-{quote(job_id, safe='')}"


def deletion_mark_key(video_id: str, revision: int) -> str:
    """Return the key of the mark that this revision of the desired state deleted the video."""
    return f"{deletion_marks_prefix(video_id)}{revision}"


def deletion_marks_prefix(video_id: str) -> str:
    """Return the prefix of the marks of one video's deletions."""
    return f"{marks_prefix(video_id)}{DELETION_MARK}"


def is_import_of(namespace: str, key: str) -> bool:
    """Return whether a key is below the prefix that this namespace may import from.

    Dots are refused: a store on a file system would follow them into the files of others.
    """
    prefix = f"{IMPORTS_PREFIX}{namespace}/"
    return key.startswith(prefix) and not {"", ".", ".."} & set(key.removeprefix(prefix).split("/"))


def new_word() -> str:
    """Return 80 random bits as 16 characters that are valid in a folder's name."""
    return base64.b32encode(secrets.token_bytes(10)).decode().lower()


def outputs_folder(attempt: int, word: str) -> str:
    """Return the name of the folder that the attempt's job writes to."""
    return f"{attempt}-{word}"


def attempt_of_folder(folder: str) -> int | None:
    """Return the attempt that writes to a folder of this name, None if no attempt does."""
    match = _FOLDER.fullmatch(folder)
    return int(match[1]) if match else None


def outputs_prefix(video_id: str, folder: str, *, is_private: bool = False) -> str:
    """Return the prefix of one attempt's outputs, with a trailing slash."""
    return f"{video_prefix(video_id, is_private=is_private)}{folder}/"


def hls_directory(video_id: str, folder: str, *, is_private: bool = False) -> str:
    """Return where the job writes its playlists and segments, without a trailing slash."""
    return f"{outputs_prefix(video_id, folder, is_private=is_private)}hls"


def master_key(video_id: str, folder: str, *, is_private: bool = False) -> str:
    """Return the key of the master playlist that the job writes."""
    return f"{hls_directory(video_id, folder, is_private=is_private)}/master.m3u8"


def thumbnails_prefix(video_id: str, folder: str, *, is_private: bool = False) -> str:
    """Return the prefix of the attempt's thumbnails, with a trailing slash."""
    return f"{outputs_prefix(video_id, folder, is_private=is_private)}thumbnails/"


def storyboard_prefix(video_id: str, folder: str, *, is_private: bool = False) -> str:
    """Return the prefix of the attempt's storyboard, with a trailing slash."""
    return f"{outputs_prefix(video_id, folder, is_private=is_private)}storyboard/"


def storyboard_key(video_id: str, folder: str, *, is_private: bool = False) -> str:
    """Return the key of the WebVTT that says which part of which picture shows a time."""
    return f"{outputs_prefix(video_id, folder, is_private=is_private)}{STORYBOARD}"


def static_mp4(height: int) -> str:
    """Return the path of the MP4 file of one rendition below its attempt's prefix."""
    return f"mp4/{height}.mp4"


def static_mp4_key(video_id: str, folder: str, height: int, *, is_private: bool = False) -> str:
    """Return the key of the MP4 file of one rendition."""
    return f"{outputs_prefix(video_id, folder, is_private=is_private)}{static_mp4(height)}"


def video_prefix(video_id: str, *, is_private: bool = False) -> str:
    """Return the prefix of one video's streams, with a trailing slash; a rendition's ``uri`` is relative to it.

    ``is_private``: where no policy and no ACL opens it.
    """
    return f"{PRIVATE_PREFIX if is_private else PUBLIC_PREFIX}{video_id}/"


def stream_prefixes(video_id: str) -> tuple[str, str]:
    """Return the public and the private prefix of one video's streams."""
    return video_prefix(video_id), video_prefix(video_id, is_private=True)


def withdrawn_prefix(video_id: str) -> str:
    """Return the prefix of what was published of one deleted video, with a trailing slash."""
    return f"{WITHDRAWN_PREFIX}{video_id}/"


def stable_playlist_key(video_id: str, *, is_private: bool = False) -> str:
    """Return the key behind the playback URL."""
    return f"{video_prefix(video_id, is_private=is_private)}playlist.m3u8"


def stable_poster_key(video_id: str, *, is_private: bool = False) -> str:
    """Return the key behind the thumbnail URL."""
    return f"{video_prefix(video_id, is_private=is_private)}{POSTER}"


def posters_prefix(video_id: str, *, is_private: bool = False) -> str:
    """Return the prefix of the posters that one video's owner chose, with a trailing slash."""
    return f"{video_prefix(video_id, is_private=is_private)}{POSTERS_FOLDER}/"


def captions_prefix(video_id: str, *, is_private: bool = False) -> str:
    """Return the prefix of one video's captions, with a trailing slash; domain/captions.py names the files."""
    return f"{video_prefix(video_id, is_private=is_private)}{CAPTIONS_FOLDER}/"


def video_id_of(key: str) -> str | None:
    """Return the id of the video that a key belongs to, None if it belongs to none."""
    for prefix in VIDEO_PREFIXES:
        video_id, slash, _ = key.removeprefix(prefix).partition("/")
        if key.startswith(prefix) and video_id and slash:
            return video_id
    return None


def playback_url(base: str, video_id: str) -> str:
    """Return the playback URL. ``base``: the public base URL without a trailing slash."""
    return f"{base}/{stable_playlist_key(video_id)}"


def thumbnail_url(base: str, video_id: str) -> str:
    """Return the URL of the poster."""
    return f"{base}/{stable_poster_key(video_id)}"
