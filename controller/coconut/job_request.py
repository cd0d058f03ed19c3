"""The JSON of POST /jobs, as a pure function of a video and its profile. Its golden files are in
tests/unit/controller/coconut/; job.json is that of the default profile.

`if` exists only on whole outputs, so the stream is an array of complementary outputs: for every source
exactly one condition is true, and none of its variants is larger than the source. Of a video that is too long by
Coconut's own measure no stream is made, which costs nothing, whatever its header says to us. The conditions use `<`,
`>=` and AND only: precedence and parentheses of Coconut's expressions are not documented
(docs.coconut.co, "Prevent upscaling").

Whether `input.width` of a turned video is the coded or the shown one is not documented either. A case and its mirror
image have the same rungs, so only the side that they fix depends on it: for a turned video, verification states it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from domain import object_keys
from domain.jobs import JobOrder
from domain.profiles import AudioMode, Codec, ProfileRendition, ProfileSpec, SegmentFormat
from domain.video import Orientation
from storage.settings import OutputTarget

THUMBNAILS = 3
# The key of the storyboard's output.
STORYBOARD = "storyboard"
# Pictures of a storyboard are joined to sheets of so many, ten in a row.
_PICTURES_IN_A_SHEET, _PICTURES_IN_A_ROW = 100, 10


@dataclass(frozen=True)
class SourceCase:
    """Sources whose width and height lie in half-open ranges, and the rungs they get.

    ``is_portrait``: the rungs fix the width instead of the height.
    """

    name: str
    width: tuple[int, int | None]
    height: tuple[int, int | None]
    rungs: tuple[ProfileRendition, ...]
    is_portrait: bool = False

    @property
    def condition(self) -> str:
        """Return the case as an `if` of Coconut."""
        terms = [*_terms("width", self.width), *_terms("height", self.height)]
        return " AND ".join(terms)


def _terms(side: str, bounds: tuple[int, int | None]) -> list[str]:
    low, high = bounds
    below = [] if high is None else [f"{{{{ input.{side} }}}} < {high}"]
    return ([f"{{{{ input.{side} }}}} >= {low}"] if low else []) + below


def source_cases(ladder: tuple[ProfileRendition, ...]) -> tuple[SourceCase, ...]:
    """Return the cases of a ladder, a partition of all sources."""
    smallest = ladder[0].height
    tiny = (
        SourceCase("tiny-narrow", (0, smallest), (0, None), ()),
        SourceCase("tiny-flat", (smallest, None), (0, smallest), ()),
    )
    middle = [case for count in range(1, len(ladder)) for case in _level(ladder[:count], ladder[count].height)]
    return (*tiny, *middle, *_at_least(ladder))


def _level(rungs: tuple[ProfileRendition, ...], above: int) -> tuple[SourceCase, ...]:
    """Return the cases of sources that have the short side of the last of these rungs, but not the next one's."""
    rung = rungs[-1]
    side, long, name = rung.height, rung.long_side, f"{rung.height}"
    portrait = SourceCase(f"{name}-portrait", (side, above), (long, None), rungs, is_portrait=True)
    if above > long:
        # A wide step: there are sources below the next rung that are clearly portrait.
        return (
            SourceCase(f"{name}-landscape", (above, None), (side, above), rungs),
            SourceCase(f"{name}-square", (side, above), (side, long), rungs),
            portrait,
        )
    return (
        SourceCase(f"{name}-landscape", (side, None), (side, above), rungs),
        SourceCase(f"{name}-square", (side, above), (above, long), rungs),
        portrait,
    )


def _at_least(rungs: tuple[ProfileRendition, ...]) -> tuple[SourceCase, ...]:
    """Return the cases of sources with the last of these rungs or more.

    From twice its long side on, portrait is not distinguished: it is not worth a case.
    """
    rung = rungs[-1]
    side, long = rung.height, rung.long_side
    return (
        SourceCase(f"{side}-square", (side, long), (side, long), rungs),
        SourceCase(f"{side}-portrait", (side, long), (long, None), rungs, is_portrait=True),
        SourceCase(f"{side}-landscape", (long, None), (side, 2 * long), rungs),
        SourceCase(f"{2 * side}-portrait", (long, 2 * long), (2 * long, None), rungs, is_portrait=True),
        SourceCase(f"{2 * side}-square", (2 * long, None), (2 * long, None), rungs),
    )


def job_body(order: JobOrder, target: OutputTarget) -> dict[str, Any]:
    """Return the body of one submission. It contains credentials and signed URLs: never log it."""
    return {
        "input": {"url": order.source_url},
        "storage": _storage(target, is_private=order.is_private),
        "notification": {"type": "http", "url": order.callback_url, "events": True, "metadata": False},
        "outputs": _posters(order)
        | _storyboard(order)
        | {"httpstream": [_stream(case, order) for case in source_cases(order.profile.renditions)]}
        | dict(_static_mp4s(order)),
    }


def _posters(order: JobOrder) -> dict[str, Any]:
    """Return the thumbnails: spread over the video, or one at a moment, which a shorter video does not have."""
    prefix = object_keys.thumbnails_prefix(order.video_id, order.folder, is_private=order.is_private)
    path = f"/{prefix}thumb_%.2d.jpg"
    spread = {"key": "thumbnails", "path": path, "number": THUMBNAILS}
    seconds = order.profile.poster_seconds
    if seconds is None:
        return {"jpg": spread}
    return {
        "jpg": [
            {"key": "poster", "if": f"{{{{ input.duration }}}} >= {seconds + 1}", "path": path, "offsets": [seconds]},
            spread | {"if": f"{{{{ input.duration }}}} < {seconds + 1}"},
        ]
    }


def _storyboard(order: JobOrder) -> dict[str, Any]:
    board = order.profile.storyboard
    if board is None:
        return {}
    prefix = object_keys.storyboard_prefix(order.video_id, order.folder, is_private=order.is_private)
    _, _, name = object_keys.storyboard_key(order.video_id, order.folder).rpartition("/")
    return {
        f"jpg:{board.width}x0": {
            "key": STORYBOARD,
            "if": _is_short(order),
            "path": f"/{prefix}sheet_%.3d.jpg",
            "interval": board.interval_seconds,
            "sprite": {"limit": _PICTURES_IN_A_SHEET, "columns": _PICTURES_IN_A_ROW},
            "vtt": {"filename": name},
        }
    }


def _stream(case: SourceCase, order: JobOrder) -> dict[str, Any]:
    profile, is_portrait = order.profile, _is_portrait(case, order)
    directory = {
        "path": f"/{object_keys.hls_directory(order.video_id, order.folder, is_private=order.is_private)}",
    }
    is_fmp4 = profile.segments is SegmentFormat.FMP4
    return {
        "key": f"hls-{case.name}",
        "if": _condition(case, order),
        **({"dash": directory | {"hlsfmp4": True}} if is_fmp4 else {"hls": directory}),
        "variants": [_format(profile, rung, is_portrait=is_portrait) for rung in case.rungs]
        or [_format(profile, profile.renditions[0], is_portrait=None)],
    }


def _static_mp4s(order: JobOrder) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the MP4 files by their format: of the same sources as the renditions of their height."""
    profile = order.profile
    for rung in profile.renditions:
        if rung.height not in profile.mp4_heights:
            continue
        key = object_keys.static_mp4_key(order.video_id, order.folder, rung.height, is_private=order.is_private)
        for is_portrait in (False, True):
            cases = [case for case in _at_least((rung,)) if _is_portrait(case, order) is is_portrait]
            outputs = [
                {"key": f"mp4-{rung.height}-{case.name}", "if": _condition(case, order), "path": f"/{key}"}
                for case in cases
            ]
            if outputs:
                yield _format(profile, rung, is_portrait=is_portrait), outputs


def _is_portrait(case: SourceCase, order: JobOrder) -> bool:
    return case.is_portrait if order.orientation is None else order.orientation is Orientation.PORTRAIT


def _condition(case: SourceCase, order: JobOrder) -> str:
    return f"{case.condition} AND {_is_short(order)}"


def _is_short(order: JobOrder) -> str:
    # Coconut documents no cap for streams, only conditions; whether it rounds the duration is not documented.
    return f"{{{{ input.duration }}}} < {math.floor(order.max_seconds) + 2}"


def _format(profile: ProfileSpec, rung: ProfileRendition, *, is_portrait: bool | None) -> str:
    """Return one rendition in Coconut's words. ``is_portrait``: None keeps the size of the source."""
    size = "" if is_portrait is None else f"{rung.height}x0" if is_portrait else f"0x{rung.height}"
    codec = "" if rung.codec is Codec.H264 else rung.codec.value
    picture = "_".join(filter(None, (size, codec)))
    return f"mp4:{picture}:{_sound(profile)}:quality={profile.quality},maxrate={rung.max_rate_kbps}k"


def _sound(profile: ProfileSpec) -> str:
    if profile.audio.mode is AudioMode.NONE:
        return "x"
    return "" if profile.audio.rate_kbps is None else f"{profile.audio.rate_kbps}k"


def _storage(target: OutputTarget, *, is_private: bool) -> dict[str, Any]:
    """Return where the outputs go, with the key that can only write processed files."""
    block: dict[str, Any] = {
        "service": target.service,
        "bucket": target.bucket,
        "path": "/",
        "credentials": {
            "access_key_id": target.access_key.get_secret_value(),
            "secret_access_key": target.secret_key.get_secret_value(),
        },
    }
    if target.service == "s3other":
        return block | {"endpoint": target.endpoint, "force_path_style": True}
    # Explicit: without an acl Coconut makes the files public at s3 and leaves it to the bucket at Spaces.
    acl = "private" if is_private or target.acl is None else target.acl
    return block | {"region": target.region, "acl": acl}
