"""The rules by which a job's outputs are complete. Pure; storage/object_store.py makes the requests.

A stream is published only if all its files exist: `ready` implies playable.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from domain import object_keys
from domain.objects import ExpectedExtras, OutputsProblem, VerifiedOutputs
from domain.video import Rendition
from storage.verify.playlist import (
    PLAYLIST_BYTES_MAX,
    PlaylistError,
    PlaylistFiles,
    UnreadableError,
    key_beside,
    read_master,
    read_media,
)

# Enough for a dozen variants of a very long video.
OBJECTS_MAX = 100_000

_RELATIVE_TOLERANCE = 0.02
_TOLERANCE_SECONDS = 1.0


@dataclass(frozen=True)
class Outputs:
    """The files under an attempt's prefix. ``sizes``: bytes by key; ``read_text`` is called for playlists only."""

    sizes: Mapping[str, int]
    read_text: Callable[[str], str]

    def playlist(self, key: str) -> str:
        """Return a playlist's text. Raises PlaylistError."""
        if self.sizes.get(key, 0) == 0:
            raise UnreadableError("it does not exist")
        if self.sizes[key] > PLAYLIST_BYTES_MAX:
            raise PlaylistError(f"it is larger than {PLAYLIST_BYTES_MAX} bytes")
        return self.read_text(key)


def judge_outputs(
    video_id: str,
    folder: str,
    outputs: Outputs,
    *,
    input_seconds: float | None,
    extras: ExpectedExtras | None = None,
    is_private: bool = False,
) -> VerifiedOutputs | OutputsProblem:
    """Judge the outputs in one attempt's folder. ``input_seconds``: what the stream must reach, None if unknown.

    ``extras``: what there must be beside the stream, None for nothing.
    """
    extras = extras or ExpectedExtras()
    if len(outputs.sizes) > OBJECTS_MAX:
        return OutputsProblem(f"the job wrote more than {OBJECTS_MAX} files", is_permanent=True)
    master = object_keys.master_key(video_id, folder, is_private=is_private)
    try:
        with _judging("the master playlist"):
            variants = read_master(outputs.playlist(master))
        durations = [_duration(number, variant, master, outputs) for number, variant in enumerate(variants, 1)]
        _check_durations(durations, input_seconds)
        prefix = object_keys.outputs_prefix(video_id, folder, is_private=is_private)
        beside = {key.removeprefix(prefix): size for key, size in outputs.sizes.items()}
        has_storyboard = _has_storyboard(beside, extras, max(durations))
        mp4_heights = _mp4_heights(beside, extras, variants)
    except PlaylistError as error:
        return OutputsProblem(str(error), is_permanent=not isinstance(error, UnreadableError))
    # Relative to the video's prefix, wherever that is.
    directory = object_keys.hls_directory(video_id, folder).removeprefix(object_keys.video_prefix(video_id))
    return VerifiedOutputs(
        renditions=tuple(replace(variant, uri=f"{directory}/{variant.uri}") for variant in variants),
        duration_seconds=max(durations),
        poster_key=_poster(object_keys.thumbnails_prefix(video_id, folder, is_private=is_private), outputs.sizes),
        has_storyboard=has_storyboard,
        mp4_heights=mp4_heights,
    )


def _duration(number: int, variant: Rendition, master: str, outputs: Outputs) -> float:
    with _judging(f"the playlist of variant {number}"):
        key = key_beside(master, variant.uri)
        media = read_media(outputs.playlist(key))
        _check_files(key, media, outputs.sizes)
        return media.duration_seconds


def _check_files(playlist_key: str, media: PlaylistFiles, sizes: Mapping[str, int]) -> None:
    missing = sum(sizes.get(key_beside(playlist_key, uri), 0) == 0 for uri in media.uris)
    if missing:
        raise UnreadableError(f"{missing} of its {len(media.uris)} files are missing or empty")


def _check_durations(durations: list[float], input_seconds: float | None) -> None:
    """Raise PlaylistError unless all variants have the same duration, which is not much shorter than the input's.

    A longer stream is complete: a header may state less than a file holds, as that of joined files does.
    """
    shortest, longest = min(durations), max(durations)
    if longest - shortest > _tolerance(longest):
        raise PlaylistError(f"the variants last from {shortest:.1f} s to {longest:.1f} s")
    if input_seconds is not None and longest < input_seconds - _tolerance(input_seconds):
        raise PlaylistError(f"the stream lasts {longest:.1f} s instead of {input_seconds:.1f} s")


def _tolerance(seconds: float) -> float:
    return seconds * _RELATIVE_TOLERANCE + _TOLERANCE_SECONDS


def _has_storyboard(sizes: Mapping[str, int], extras: ExpectedExtras, seconds: float) -> bool:
    """Return whether there is a storyboard. Raises UnreadableError if a part of it is missing.

    ``sizes``: by path below the attempt's prefix.
    """
    if extras.storyboard_from_seconds is None:
        return False
    times = object_keys.STORYBOARD
    folder = times.rpartition("/")[0] + "/"
    if sizes.get(times, 0) > 0 and any(size and key.startswith(folder) and key != times for key, size in sizes.items()):
        return True
    if seconds >= extras.storyboard_from_seconds:
        raise UnreadableError("the storyboard is missing or incomplete")
    return False


def _mp4_heights(sizes: Mapping[str, int], extras: ExpectedExtras, variants: tuple[Rendition, ...]) -> tuple[int, ...]:
    """Return the heights of the MP4 files. Raises UnreadableError if one is missing that has a rendition."""
    made = [height for height in extras.mp4_heights if sizes.get(object_keys.static_mp4(height), 0) > 0]
    largest = max(min(variant.width or 0, variant.height or 0) for variant in variants)
    missing = [height for height in extras.mp4_heights if height <= largest and height not in made]
    if missing:
        raise UnreadableError(f"the MP4 file of {missing[0]}p is missing or empty")
    return tuple(made)


def _poster(prefix: str, sizes: Mapping[str, int]) -> str | None:
    thumbnails = sorted(key for key, size in sizes.items() if key.startswith(prefix) and key.endswith(".jpg") and size)
    return thumbnails[len(thumbnails) // 2] if thumbnails else None


@contextmanager
def _judging(what: str) -> Iterator[None]:
    try:
        yield
    except PlaylistError as error:
        raise type(error)(f"{what} cannot be used: {error}") from error
