"""The layout of keys in the bucket, as docs/operations.md describes it."""

import re
from dataclasses import dataclass

# Below each of these lies a folder for each video.
UPLOADS, ORIGINALS, PROCESSED, WITHDRAWN, MARKS = "uploads", "originals", "processed", "withdrawn", "marks"
OF_VIDEOS = frozenset({UPLOADS, ORIGINALS, PROCESSED, WITHDRAWN, MARKS})
# What users put there themselves; the service never removes it.
IMPORTS = "imports"
# The API writes and copies it to try whether storage checks signatures.
PROBE = "uploads/.probe"

# Beside the folders of attempts: what owners add.
OF_OWNERS = frozenset({"captions", "poster"})
STABLE = frozenset({"playlist.m3u8", "thumbnail.jpg"})

_FOLDER = re.compile(r"([1-9][0-9]*)(?:-[a-z0-9]+)?")
_ATTEMPT_MARK = re.compile(r"attempt-(([1-9][0-9]*)(?:-[a-z0-9]+)?)")
_DELETION_MARK = re.compile(r"deleted-([0-9]+)")


@dataclass(frozen=True)
class Place:
    """Where a key of a video lies. ``name``: below the video's folder."""

    area: str
    video_id: str
    name: str

    @property
    def key(self) -> str:
        """Return the whole key."""
        return f"{self.area}/{self.video_id}/{self.name}"

    @property
    def folder(self) -> str:
        """Return the name of the folder below the video's; empty for a file beside the folders."""
        folder, slash, _ = self.name.partition("/")
        return folder if slash else ""


def place_of(key: str) -> Place | None:
    """Return where a key lies; None if it lies in no video's folder."""
    area, _, rest = key.partition("/")
    video_id, slash, name = rest.partition("/")
    return Place(area, video_id, name) if area in OF_VIDEOS and video_id and slash else None


def attempt_of_folder(folder: str) -> int | None:
    """Return the number of the attempt whose job writes to a folder; None if no attempt has such a folder."""
    match = _FOLDER.fullmatch(folder)
    return int(match[1]) if match else None


def marked_folder(name: str) -> str | None:
    """Return the folder of the attempt that a mark is about; None if it is about something else."""
    match = _ATTEMPT_MARK.fullmatch(name)
    return match[1] if match else None


def marked_deletion(name: str) -> int | None:
    """Return the revision that deleted the video, of a mark that says so."""
    match = _DELETION_MARK.fullmatch(name)
    return int(match[1]) if match else None


def stable_playlist(video_id: str) -> str:
    """Return the key behind the playback URL."""
    return f"{PROCESSED}/{video_id}/playlist.m3u8"
