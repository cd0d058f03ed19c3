"""The ``outputs`` of a job: what is wanted, validated as Coconut validates it.

How an output is made is in encoding.py and transcode.py. Parameters that Coconut has and the stand-in
does not carry out are refused by name: a job must never look done when it is not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, cast

from devstack.coconut.expressions import Condition, parse_condition
from devstack.coconut.fields import Fields, RefusedJobError
from devstack.coconut.formats import IMAGE_CONTAINERS, Format, parse_format

Kind = Literal["video", "image", "httpstream"]

CODE = "output_param_not_valid"
DEFAULT_VARIANTS = (
    "mp4:x:64k",
    "mp4:240p::quality=4,maxrate=400k",
    "mp4:360p::quality=4,maxrate=1000k",
    "mp4:480p::quality=4,maxrate=1500k",
    "mp4:720p::quality=4,maxrate=2000k",
    "mp4:1080p::quality=4,maxrate=4000k",
    "mp4:2160p::quality=4,maxrate=8000k",
)
_COMMON = frozenset({"path", "key", "if"})
_VIDEO_ELSEWHERE = frozenset(
    {"format", "url", "transpose", "vflip", "hflip", "square", "deinterlace", "watermark"},
)
_IMAGE_ELSEWHERE = frozenset({"format", "url", "square", "blur", "sprite", "vtt"})
_STREAM_ELSEWHERE = frozenset({"dash", "hls_encryption_key", "hls_encryption_key_uri"})
_COUNTER = re.compile(r"%(?:\.|0)?\d{0,2}d")
_PLAYLIST_NAME = re.compile(r"[\w.-]{1,100}")
_MAX_OUTPUTS = 30
_MAX_IMAGES = 100


@dataclass(frozen=True)
class VideoPlan:
    format: Format
    path: str
    crops: bool
    offset_seconds: float
    duration_seconds: float | None


@dataclass(frozen=True)
class ImagePlan:
    """Exactly one of number, interval and offsets decides how many images there are."""

    format: Format
    path: str
    crops: bool
    number: int | None
    interval_seconds: float | None
    offsets_seconds: tuple[float, ...]

    def path_of(self, position: int) -> str:
        """Return the path of the image at a position, counted from 1."""
        return _COUNTER.sub(lambda match: match[0] % position, self.path)


@dataclass(frozen=True)
class StreamPlan:
    path: str
    playlist_name: str
    variants: tuple[Format, ...]


Plan = VideoPlan | ImagePlan | StreamPlan


@dataclass(frozen=True)
class Output:
    key: str
    kind: Kind
    format_text: str
    condition: Condition | None
    plan: Plan


def parse_outputs(value: object) -> tuple[Output, ...]:
    """Read the ``outputs`` hash; RefusedJobError names the output that is not valid."""
    if not isinstance(value, dict) or not value:
        raise RefusedJobError(CODE, "outputs must be a hash with at least one output")
    outputs = tuple(_each(value))
    if len(outputs) > _MAX_OUTPUTS:
        raise RefusedJobError("outputs_out_of_range", f"a job has at most {_MAX_OUTPUTS} outputs")
    keys = [output.key for output in outputs]
    for key in keys:
        if keys.count(key) > 1:
            raise RefusedJobError(CODE, f"output key {key!r} is used more than once")
    return outputs


def _each(value: dict[object, object]) -> Iterator[Output]:
    for name, given in value.items():
        settings = given if isinstance(given, list) else [given]
        if not settings:
            raise RefusedJobError(CODE, f"output {name!r} is an empty list")
        for one in settings:
            yield _output(cast(str, name), Fields(one, code=CODE, where=f"output {name!r}"))


def _output(name: str, fields: Fields) -> Output:
    condition = None
    try:
        if not name.isprintable():
            raise ValueError("its name is not printable")
        wanted = None if name == "httpstream" else parse_format(name)
        if fields.has("if"):
            condition = parse_condition(fields.text("if"))
    except ValueError as error:
        raise fields.refused(f"is not valid: {error}") from error
    key = fields.optional_text("key") or name
    if wanted is None:
        return Output(key, "httpstream", name, condition, _stream(fields))
    if wanted.container in IMAGE_CONTAINERS:
        return Output(key, "image", wanted.text, condition, _image(wanted, fields))
    return Output(key, "video", wanted.text, condition, _video(wanted, fields))


def _video(wanted: Format, fields: Fields) -> VideoPlan:
    fields.refuse_unknown(_COMMON | {"offset", "duration", "fit"}, elsewhere=_VIDEO_ELSEWHERE)
    length = fields.number("duration", default=0) if fields.has("duration") else None
    return VideoPlan(wanted, _path(fields), _crops(fields), fields.number("offset", default=0), length or None)


def _image(wanted: Format, fields: Fields) -> ImagePlan:
    choices = {"number", "interval", "offsets"}
    fields.refuse_unknown(_COMMON | choices | {"fit"}, elsewhere=_IMAGE_ELSEWHERE)
    given = [name for name in sorted(choices) if fields.has(name)]
    if len(given) > 1:
        raise fields.refused(f"has both {given[0]!r} and {given[1]!r}")
    plan = ImagePlan(wanted, _path(fields), _crops(fields), None, None, ())
    if given == ["interval"]:
        interval = fields.number("interval", default=0, at_least=0.1)
        plan, may_be_many = replace(plan, interval_seconds=interval), True
    elif given == ["offsets"]:
        offsets = fields.numbers("offsets", at_most_values=_MAX_IMAGES)
        plan, may_be_many = replace(plan, offsets_seconds=offsets), len(offsets) > 1
    else:
        number = int(fields.number("number", default=1, at_least=1, at_most=_MAX_IMAGES))
        plan, may_be_many = replace(plan, number=number), number > 1
    if may_be_many and not _COUNTER.search(plan.path):
        raise fields.refused("makes several images: 'path' needs a counter such as %.2d")
    return plan


def _stream(fields: Fields) -> StreamPlan:
    fields.refuse_unknown(_COMMON | {"hls", "variants", "playlist_name"}, elsewhere=_STREAM_ELSEWHERE)
    hls = Fields(fields.raw("hls"), code=CODE, where="output 'httpstream' 'hls'")
    hls.refuse_unknown({"path", "version"})
    playlist_name = fields.optional_text("playlist_name") or "master"
    if not _PLAYLIST_NAME.fullmatch(playlist_name):
        raise fields.refused("has 'playlist_name', which is not a file name")
    texts = fields.texts("variants", default=DEFAULT_VARIANTS, at_most_values=_MAX_OUTPUTS)
    try:
        variants = tuple(parse_format(text) for text in texts)
    except ValueError as error:
        raise fields.refused(f"has a variant that is not valid: {error}") from error
    for variant in variants:
        if variant.container != "mp4":
            raise fields.refused(f"has a variant {variant.text!r} whose container is not mp4")
    folder = fields.optional_text("path") or "/"
    path = f"{_checked(fields, folder)}/{_checked(hls, hls.text('path'))}"
    return StreamPlan("/".join(part for part in path.split("/") if part), playlist_name, variants)


def _crops(fields: Fields) -> bool:
    fit = fields.optional_text("fit") or "pad"
    if fit not in {"pad", "crop"}:
        raise fields.refused("has 'fit', which must be pad or crop")
    return fit == "crop"


def _path(fields: Fields) -> str:
    path = _checked(fields, fields.text("path"))
    if path.endswith("/"):
        raise fields.refused("has 'path' without a file name")
    return path


def _checked(fields: Fields, path: str) -> str:
    if ".." in path.split("/") or len(path) > 900:
        raise fields.refused("has 'path', which is not valid")
    return path
