"""The JSON of POST /jobs, as a pure function. Its golden file is tests/unit/controller/coconut/job.json.

`if` exists only on whole outputs, so the stream is an array of complementary outputs: for every source
exactly one condition is true, and none of its variants is larger than the source. Of a video that is too long by
Coconut's own measure no stream is made, which costs nothing, whatever its header says to us. The conditions use `<`,
`>=` and AND only: precedence and parentheses of Coconut's expressions are not documented
(docs.coconut.co, "Prevent upscaling").

Whether `input.width` of a turned video is the coded or the shown one is not documented either. A case and its mirror
image have the same rungs, so only the side that they fix depends on it: for a turned video, verification states it.
"""

import math
from dataclasses import dataclass
from typing import Any

from domain import object_keys
from domain.jobs import JobOrder
from domain.video import Orientation
from storage.settings import OutputTarget

QUALITY = 4
THUMBNAILS = 3


@dataclass(frozen=True)
class Rung:
    """One rendition of the ladder: the length of its short side in pixels, and its peak rate in kbit/s."""

    short_side: int
    max_rate_kbps: int

    @property
    def long_side(self) -> int:
        """Return the other side at 16:9, above which a source of this rung is clearly portrait."""
        return -(-self.short_side * 16 // 9)


LADDER = (Rung(360, 1000), Rung(480, 1500), Rung(720, 2000), Rung(1080, 4000))


@dataclass(frozen=True)
class SourceCase:
    """Sources whose width and height lie in half-open ranges, and the rungs they get.

    ``is_portrait``: the rungs fix the width instead of the height.
    """

    name: str
    width: tuple[int, int | None]
    height: tuple[int, int | None]
    rungs: tuple[Rung, ...]
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


def source_cases() -> tuple[SourceCase, ...]:
    """Return the cases, a partition of all sources."""
    smallest = LADDER[0].short_side
    tiny = (
        SourceCase("tiny-narrow", (0, smallest), (0, None), ()),
        SourceCase("tiny-flat", (smallest, None), (0, smallest), ()),
    )
    middle = [case for index in range(len(LADDER) - 1) for case in _level(index)]
    return (*tiny, *middle, *_top())


def _level(index: int) -> tuple[SourceCase, ...]:
    """Return the cases of sources that have this rung's short side but not the next one's."""
    rung, above, rungs = LADDER[index], LADDER[index + 1].short_side, LADDER[: index + 1]
    side, name = rung.short_side, f"{rung.short_side}"
    return (
        SourceCase(f"{name}-landscape", (side, None), (side, above), rungs),
        SourceCase(f"{name}-square", (side, above), (above, rung.long_side), rungs),
        SourceCase(f"{name}-portrait", (side, above), (rung.long_side, None), rungs, is_portrait=True),
    )


def _top() -> tuple[SourceCase, ...]:
    """Return the cases of sources with the highest rung or more.

    From 3840 x 3840 on, portrait is not distinguished: it is not worth a case.
    """
    rung = LADDER[-1]
    side, long = rung.short_side, rung.long_side
    return (
        SourceCase(f"{side}-square", (side, long), (side, long), LADDER),
        SourceCase(f"{side}-portrait", (side, long), (long, None), LADDER, is_portrait=True),
        SourceCase(f"{side}-landscape", (long, None), (side, 2 * long), LADDER),
        SourceCase(f"{2 * side}-portrait", (long, 2 * long), (2 * long, None), LADDER, is_portrait=True),
        SourceCase(f"{2 * side}-square", (2 * long, None), (2 * long, None), LADDER),
    )


def job_body(order: JobOrder, target: OutputTarget) -> dict[str, Any]:
    """Return the body of one submission. It contains credentials and signed URLs: never log it."""
    return {
        "input": {"url": order.source_url},
        "storage": _storage(target, is_private=order.is_private),
        "notification": {"type": "http", "url": order.callback_url, "events": True, "metadata": False},
        "outputs": {
            "jpg": {
                "key": "thumbnails",
                "path": f"/{_thumbnails(order)}thumb_%.2d.jpg",
                "number": THUMBNAILS,
            },
            "httpstream": [_stream(case, order) for case in source_cases()],
        },
    }


def _stream(case: SourceCase, order: JobOrder) -> dict[str, Any]:
    is_portrait = case.is_portrait if order.orientation is None else order.orientation is Orientation.PORTRAIT
    return {
        "key": f"hls-{case.name}",
        "if": f"{case.condition} AND {{{{ input.duration }}}} < {_above(order.max_seconds)}",
        "hls": {
            "path": f"/{object_keys.hls_directory(order.video_id, order.folder, is_private=order.is_private)}",
        },
        "variants": [_variant(is_portrait, rung) for rung in case.rungs]
        or [f"mp4:::quality={QUALITY},maxrate={LADDER[0].max_rate_kbps}k"],
    }


def _thumbnails(order: JobOrder) -> str:
    return object_keys.thumbnails_prefix(order.video_id, order.folder, is_private=order.is_private)


def _above(max_seconds: float) -> int:
    # Coconut documents no cap for streams, only conditions; whether it rounds the duration is not documented.
    return math.floor(max_seconds) + 2


def _variant(is_portrait: bool, rung: Rung) -> str:
    size = f"{rung.short_side}x0" if is_portrait else f"0x{rung.short_side}"
    return f"mp4:{size}::quality={QUALITY},maxrate={rung.max_rate_kbps}k"


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
