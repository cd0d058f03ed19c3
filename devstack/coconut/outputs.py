"""The ``outputs`` of a job, validated as Coconut validates them. transcode.py makes them.

The stand-in makes what our jobs contain: images and HLS streams. It refuses Coconut's other outputs and parameters.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from devstack.coconut.expressions import Condition, parse_condition
from devstack.coconut.fields import Fields, RefusedJobError

Kind = Literal["image", "httpstream"]

CODE = "output_param_not_valid"
IMAGE_CONTAINERS = frozenset({"jpg", "png"})
_COMMON = frozenset({"path", "key", "if"})
_COUNTER = re.compile(r"%(?:\.|0)?\d{0,2}d")
_SIZE = re.compile(r"(\d{0,5})x(\d{0,5})")
_VARIANT = re.compile(r"mp4(?::(?P<size>[^:]*)(?:::(?P<options>[^:]*))?)?")
_OPTION = re.compile(r"quality=(?P<quality>[1-5])|maxrate=(?P<maxrate>[1-9]\d{0,5})k")
_DEFAULT_QUALITY = 4
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
    """One rendition of a stream. ``quality`` is Coconut's, from 1 to 5."""

    resolution: Resolution
    quality: int
    maxrate_kbps: int | None


@dataclass(frozen=True)
class ImagePlan:
    container: str
    resolution: Resolution
    path: str
    number: int

    def path_of(self, position: int) -> str:
        """Return the path of the image at a position, counted from 1."""
        return _COUNTER.sub(lambda match: match[0] % position, self.path)


@dataclass(frozen=True)
class StreamPlan:
    path: str
    variants: tuple[Variant, ...]


@dataclass(frozen=True)
class Output:
    key: str
    kind: Kind
    format_text: str
    condition: Condition | None
    plan: ImagePlan | StreamPlan


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
        return Output(key, "image", name, condition, _image(name, fields))
    except ValueError as error:
        raise fields.refused(f"is not valid: {error}") from error


def _image(name: str, fields: Fields) -> ImagePlan:
    container, _, size = name.partition(":")
    if container not in IMAGE_CONTAINERS:
        raise ValueError(f"format {name!r} is not one of this stand-in, which makes jpg, png and httpstream")
    fields.refuse_unknown(_COMMON | {"number"})
    plan = ImagePlan(
        container=container,
        resolution=_resolution(size),
        path=_checked(fields, fields.text("path")),
        number=fields.count("number", default=1, at_most=_MAX_IMAGES),
    )
    if plan.path.endswith("/"):
        raise fields.refused("has 'path' without a file name")
    if plan.number > 1 and not _COUNTER.search(plan.path):
        raise fields.refused("makes several images: 'path' needs a counter such as %.2d")
    return plan


def _stream(fields: Fields) -> StreamPlan:
    fields.refuse_unknown(_COMMON | {"hls", "variants"})
    hls = Fields(fields.raw("hls"), code=CODE, where="output 'httpstream' 'hls'")
    hls.refuse_unknown({"path"})
    variants = tuple(parse_variant(text) for text in fields.texts("variants", at_most=_MAX_OUTPUTS))
    path = f"{_checked(fields, fields.optional_text('path', '/'))}/{_checked(hls, hls.text('path'))}"
    return StreamPlan("/".join(part for part in path.split("/") if part), variants)


@functools.lru_cache(maxsize=256)  # the jobs of one client repeat their variants, at hundreds of jobs a second
def parse_variant(text: str) -> Variant:
    """Parse ``mp4:{size}::quality=N,maxrate=Nk``. Raises ValueError."""
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
    return Variant(_resolution(match["size"] or ""), quality, maxrate)


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
