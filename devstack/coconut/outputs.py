"""The ``outputs`` of a job, validated as Coconut validates them. transcode.py makes them.

The stand-in makes what our jobs contain: images, MP4 files and HLS streams. It refuses Coconut's other outputs and
parameters.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from devstack.coconut.expressions import Condition, parse_condition
from devstack.coconut.fields import Fields, RefusedJobError

Kind = Literal["image", "video", "httpstream"]

CODE = "output_param_not_valid"
IMAGE_CONTAINERS = frozenset({"jpg", "png"})
_COMMON = frozenset({"path", "key", "if"})
_COUNTER = re.compile(r"%(?:\.|0)?\d{0,2}d")
_SIZE = re.compile(r"(\d{0,5})x(\d{0,5})")
_VARIANT = re.compile(r"mp4(?::(?P<picture>[^:]*)(?::(?P<sound>[^:]*)(?::(?P<options>[^:]*))?)?)?")
_SOUND = re.compile(r"(?P<rate>[1-9]\d{1,2})k")
_OPTION = re.compile(r"quality=(?P<quality>[1-5])|maxrate=(?P<maxrate>[1-9]\d{0,5})k")
_DEFAULT_QUALITY = 4
_DEFAULT_SOUND_KBPS = 128
_MAX_OUTPUTS = 30
_MAX_IMAGES = 100


@dataclass(frozen=True)
class Resolution:
    """A size in pixels, of which one number may be 0: it follows from the other by the source's ratio.

    Both are 0 where the source's size is kept.
    """

    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Variant:
    """One rendition of a stream, or a file. ``quality`` is Coconut's, from 1 to 5.

    ``sound_kbps``: None without sound.
    """

    resolution: Resolution
    quality: int
    maxrate_kbps: int | None
    codec: Literal["h264", "hevc"] = "h264"
    sound_kbps: int | None = _DEFAULT_SOUND_KBPS


@dataclass(frozen=True)
class SpritePlan:
    """Images at an interval, joined to sheets, and the WebVTT that says which part of which sheet shows a time."""

    limit: int
    columns: int
    vtt: str


@dataclass(frozen=True)
class ImagePlan:
    """Images: ``number`` of them spread over the video, or at ``offsets``, or every ``interval`` seconds."""

    container: str
    resolution: Resolution
    path: str
    number: int = 1
    offsets: tuple[int, ...] = ()
    interval: int | None = None
    sprite: SpritePlan | None = None

    def path_of(self, position: int) -> str:
        """Return the path of the image at a position, counted from 1."""
        return _COUNTER.sub(lambda match: match[0] % position, self.path)


@dataclass(frozen=True)
class VideoPlan:
    path: str
    variant: Variant


@dataclass(frozen=True)
class StreamPlan:
    path: str
    variants: tuple[Variant, ...]
    is_fmp4: bool = False


@dataclass(frozen=True)
class Output:
    key: str
    kind: Kind
    format_text: str
    condition: Condition | None
    plan: ImagePlan | VideoPlan | StreamPlan


def parse_outputs(value: object) -> tuple[Output, ...]:
    """Parse the ``outputs`` hash. Raises RefusedJobError naming the output that is not valid."""
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
        outputs = given if isinstance(given, list) else [given]
        if not outputs:
            raise RefusedJobError(CODE, f"output {name!r} is an empty list")
        for output in outputs:
            yield _output(cast(str, name), Fields(output, code=CODE, where=f"output {name!r}"))


def _output(name: str, fields: Fields) -> Output:
    key = fields.optional_text("key", name)
    try:
        condition = parse_condition(fields.text("if")) if fields.has("if") else None
        if name == "httpstream":
            return Output(key, "httpstream", name, condition, _stream(fields))
        if name.startswith("mp4"):
            return Output(key, "video", name, condition, _video(name, fields))
        return Output(key, "image", name, condition, _image(name, fields))
    except ValueError as error:
        raise fields.refused(f"is not valid: {error}") from error


def _image(name: str, fields: Fields) -> ImagePlan:
    container, _, size = name.partition(":")
    if container not in IMAGE_CONTAINERS:
        raise ValueError(f"format {name!r} is not one of this stand-in, which makes jpg, png, mp4 and httpstream")
    fields.refuse_unknown(_COMMON | {"number", "offsets", "interval", "sprite", "vtt"})
    if sum(fields.has(name) for name in ("number", "offsets", "interval")) > 1:
        raise fields.refused("has more than one of 'number', 'offsets' and 'interval'")
    plan = ImagePlan(
        container=container,
        resolution=_resolution(size),
        path=_file(fields),
        number=fields.count("number", default=1, at_most=_MAX_IMAGES),
        offsets=fields.counts("offsets", at_most=_MAX_IMAGES) if fields.has("offsets") else (),
        interval=fields.count("interval", default=1, at_most=3600) if fields.has("interval") else None,
        sprite=_sprite(fields) if fields.has("sprite") or fields.has("vtt") else None,
    )
    if plan.sprite is not None and plan.interval is None:
        raise fields.refused("has 'sprite', which this stand-in makes with 'interval' only")
    if plan.interval is not None and plan.sprite is None:
        raise fields.refused("has 'interval', which this stand-in makes with 'sprite' and 'vtt' only")
    if (plan.number > 1 or plan.interval or len(plan.offsets) > 1) and not _COUNTER.search(plan.path):
        raise fields.refused("makes several images: 'path' needs a counter such as %.2d")
    return plan


def _sprite(fields: Fields) -> SpritePlan:
    sprite = Fields(fields.raw("sprite"), code=CODE, where="output 'sprite'")
    sprite.refuse_unknown({"limit", "columns"})
    vtt = Fields(fields.raw("vtt"), code=CODE, where="output 'vtt'")
    vtt.refuse_unknown({"filename"})
    return SpritePlan(
        limit=sprite.count("limit", default=100, at_most=400),
        columns=sprite.count("columns", default=10, at_most=100),
        vtt=vtt.text("filename"),
    )


def _video(name: str, fields: Fields) -> VideoPlan:
    fields.refuse_unknown(_COMMON)
    return VideoPlan(_file(fields), parse_variant(name))


def _file(fields: Fields) -> str:
    path = _checked(fields, fields.text("path"))
    if path.endswith("/"):
        raise fields.refused("has 'path' without a file name")
    return path


def _stream(fields: Fields) -> StreamPlan:
    fields.refuse_unknown(_COMMON | {"hls", "dash", "variants"})
    is_fmp4 = fields.has("dash")
    if is_fmp4 and fields.has("hls"):
        raise fields.refused("has 'hls' and 'dash', of which this stand-in makes one")
    format_name = "dash" if is_fmp4 else "hls"
    hls = Fields(fields.raw(format_name), code=CODE, where=f"output 'httpstream' '{format_name}'")
    hls.refuse_unknown({"path", "hlsfmp4"} if is_fmp4 else {"path"})
    if is_fmp4 and not hls.flag("hlsfmp4"):
        raise hls.refused("has no 'hlsfmp4', without which this stand-in makes nothing")
    variants = tuple(parse_variant(text) for text in fields.texts("variants", at_most=_MAX_OUTPUTS))
    path = f"{_checked(fields, fields.optional_text('path', '/'))}/{_checked(hls, hls.text('path'))}"
    return StreamPlan("/".join(part for part in path.split("/") if part), variants, is_fmp4)


@functools.lru_cache(maxsize=256)  # the jobs of one client repeat their variants, at hundreds of jobs a second
def parse_variant(text: str) -> Variant:
    """Parse ``mp4:{size}_{codec}:{sound}:quality=N,maxrate=Nk``. Raises ValueError."""
    match = _VARIANT.fullmatch(text)
    if match is None:
        raise ValueError(f"variant {text!r} is not valid, or not one of this stand-in")
    quality, maxrate = _DEFAULT_QUALITY, None
    for option in (match["options"] or "").split(","):
        parsed = _OPTION.fullmatch(option)
        if option and parsed is None:
            raise ValueError(f"variant {text!r} has the option {option!r}, which is not valid")
        if parsed and parsed["quality"]:
            quality = int(parsed["quality"])
        elif parsed:
            maxrate = int(parsed["maxrate"])
    size, codec = _picture(match["picture"] or "")
    return Variant(_resolution(size), quality, maxrate, codec, _sound(match["sound"] or ""))


def _picture(text: str) -> tuple[str, Literal["h264", "hevc"]]:
    specs = [spec for spec in text.split("_") if spec]
    codec: Literal["h264", "hevc"] = "hevc" if "hevc" in specs else "h264"
    sizes = [spec for spec in specs if spec not in {"h264", "hevc"}]
    if len(sizes) > 1 or len(specs) - len(sizes) > 1:
        raise ValueError(f"{text!r} has two sizes or two codecs")
    return "".join(sizes), codec


def _sound(text: str) -> int | None:
    if text == "x":
        return None
    match = _SOUND.fullmatch(text)
    if text and match is None:
        raise ValueError(f"{text!r} is not a rate of sound such as 128k")
    return int(match["rate"]) if match else _DEFAULT_SOUND_KBPS


def _resolution(text: str) -> Resolution:
    if not text:
        return Resolution()
    match = _SIZE.fullmatch(text)
    size = Resolution(int(match[1] or 0), int(match[2] or 0)) if match else Resolution()
    if bool(size.width) == bool(size.height):
        raise ValueError(f"{text!r} is not a resolution such as 0x720")
    return size


def _checked(fields: Fields, path: str) -> str:
    if ".." in path.split("/") or len(path) > 900:
        raise fields.refused("has 'path', which is not valid")
    return path
