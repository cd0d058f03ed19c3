"""Reads captions that a client sent, WebVTT or SubRip, and returns them as WebVTT that is safe to show. Pure.

What players need stays: times, positions, and the tags of WebVTT. All else is dropped: comments, styles, regions,
identifiers, a file's own X-TIMESTAMP-MAP, and every tag that WebVTT does not have. Times count from the start of the
video. WebVTT: https://www.w3.org/TR/webvtt1/.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BYTES_MAX = 1024**2
# Escaping can make a text longer.
TEXT_BYTES_MAX = 2 * BYTES_MAX

_VTT_TIME = r"(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_SRT_TIME = r"(\d{1,4}):([0-5]?\d):([0-5]?\d)[,.](\d{1,3})"
_VTT_TIMING = re.compile(rf"[ \t]*{_VTT_TIME}[ \t]+-->[ \t]+{_VTT_TIME}(?:[ \t]+(.*))?", re.ASCII)
_SRT_TIMING = re.compile(rf"[ \t]*{_SRT_TIME}[ \t]*-->[ \t]*{_SRT_TIME}(?:[ \t]+.*)?", re.ASCII)
_SETTING = re.compile(
    r"vertical:(?:rl|lr)"
    r"|line:(?:-?\d{1,5}(?:\.\d{1,5})?%?)(?:,(?:start|center|end))?"
    r"|position:\d{1,3}(?:\.\d{1,5})?%(?:,(?:line-left|center|line-right))?"
    r"|size:\d{1,3}(?:\.\d{1,5})?%"
    r"|align:(?:start|center|end|left|right)",
    re.ASCII,
)
_BLOCKS_DROPPED = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t].*)?")
_MARKUP = re.compile(r"<(/?)([A-Za-z]++)([^<>]*+)>|<((?:\d{2,4}:)?[0-5]\d:[0-5]\d\.\d{3})>|[<>]", re.ASCII)
_TAGS = frozenset({"b", "c", "i", "lang", "ruby", "rt", "u", "v"})
_ANNOTATED = frozenset({"lang", "v"})
_CLASSES = re.compile(r"(?:\.[\w-]+)*")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|nbsp|lrm|rlm|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});)", re.ASCII)
# Positions and styles that editors write into SubRip.
_SSA_OVERRIDE = re.compile(r"\{\\[^{}]*\}")


class CaptionTextError(ValueError):
    """The text cannot be used. The message says why, and names the line."""

    def __init__(self, detail: str, line: int) -> None:
        super().__init__(f"line {line}: {detail}")


@dataclass(frozen=True)
class _Cue:
    """One caption: milliseconds from the start of the video, settings of WebVTT, and lines. ``line``: of its times."""

    line: int
    begins: int
    ends: int
    settings: str
    text: Sequence[str]


def webvtt_of(body: bytes) -> str:
    """Return captions as WebVTT: `WEBVTT`, then cues in order, each with `hh:mm:ss.mmm` times.

    ``body``: WebVTT if it begins with that word, else SubRip; UTF-8 with or without a byte order mark, any line ends.
    Raises CaptionTextError.
    """
    lines = _lines(body)
    is_webvtt = re.match(r"WEBVTT(?:[ \t]|$)", lines[0]) is not None
    cues = list(_webvtt_cues(lines) if is_webvtt else _subrip_cues(lines))
    if not any(cue.text for cue in cues):
        raise CaptionTextError("there is no caption in the file", len(lines))
    _refuse_disorder(cues)
    text = "\n".join(["WEBVTT", *(line for cue in cues for line in _written(cue))]) + "\n"
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise CaptionTextError(f"the captions as WebVTT have more than {TEXT_BYTES_MAX} bytes", len(lines))
    return text


def _lines(body: bytes) -> list[str]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CaptionTextError("the text is not UTF-8", body.count(b"\n", 0, error.start) + 1) from error
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd").split("\n")


def _webvtt_cues(lines: Sequence[str]) -> Iterator[_Cue]:
    for first, block in _blocks(lines, start=_after_header(lines)):
        if _BLOCKS_DROPPED.fullmatch(block[0]) and "-->" not in block[0]:
            continue
        at = 0 if "-->" in block[0] else 1
        if at >= len(block) or "-->" not in block[at]:
            raise CaptionTextError("a caption has no times such as 00:00:01.000 --> 00:00:04.000", first + at)
        timing = _VTT_TIMING.fullmatch(block[at])
        if timing is None:
            raise CaptionTextError("the times must be written as 00:00:01.000 --> 00:00:04.000", first + at)
        settings = [word for word in (timing[9] or "").split() if _SETTING.fullmatch(word)]
        line = first + at
        yield _Cue(line, _ms(timing, 1), _ms(timing, 5), " ".join(settings), _text(block[at + 1 :], line + 1))


def _after_header(lines: Sequence[str]) -> int:
    """Return the index of the first line behind the header, which ends with a blank line or with the first times."""
    for index, line in enumerate(lines[1:], 1):
        if not line.strip():
            return index
        if "-->" in line:
            raise CaptionTextError("a blank line must follow the header", index + 1)
    return len(lines)


def _subrip_cues(lines: Sequence[str]) -> Iterator[_Cue]:
    for first, block in _blocks(lines, start=0):
        at = 1 if block[0].strip().isdecimal() and len(block) > 1 else 0
        timing = _SRT_TIMING.fullmatch(block[at])
        if timing is None and first == 1:
            raise CaptionTextError("the file is neither WebVTT, which begins with WEBVTT, nor SubRip", first + at)
        if timing is None:
            raise CaptionTextError("the times must be written as 00:00:01,000 --> 00:00:04,000", first + at)
        line = first + at
        text = [_SSA_OVERRIDE.sub("", text) for text in block[at + 1 :]]
        yield _Cue(line, _ms(timing, 1), _ms(timing, 5), "", _text(text, line + 1))


def _blocks(lines: Sequence[str], *, start: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the blocks between blank lines, each with the number of its first line."""
    block: list[str] = []
    for number, line in enumerate([*lines[start:], ""], start + 1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _ms(timing: re.Match[str], group: int) -> int:
    hours, minutes, seconds, fraction = (timing[group + index] or "0" for index in range(4))
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(fraction.ljust(3, "0"))


def _text(lines: Sequence[str], first: int) -> list[str]:
    for number, line in enumerate(lines, first):
        if "-->" in line:
            raise CaptionTextError("a blank line must stand before the times of a caption", number)
    safe = (_MARKUP.sub(_safe_markup, _BARE_AMPERSAND.sub("&amp;", line)).strip() for line in lines)
    return [line for line in safe if line]


def _safe_markup(match: re.Match[str]) -> str:
    if match[4] is not None:
        return match[0]
    if match[2] is None:
        return {"<": "&lt;", ">": "&gt;"}[match[0]]
    return _safe_tag(match[1], match[2].lower(), match[3])


def _safe_tag(slash: str, name: str, rest: str) -> str:
    """Return a tag of WebVTT with its classes, and a speaker or language; nothing of any other tag."""
    if name not in _TAGS:
        return ""
    if slash:
        return f"</{name}>"
    classes = _CLASSES.match(rest)
    end = classes.end() if classes else 0
    annotation = rest[end:].strip() if name in _ANNOTATED else ""
    return f"<{name}{rest[:end]}{' ' if annotation else ''}{annotation}>"


def _refuse_disorder(cues: Sequence[_Cue]) -> None:
    begins = 0
    for cue in cues:
        if cue.ends <= cue.begins:
            raise CaptionTextError("a caption must end after it begins", cue.line)
        if cue.begins < begins:
            raise CaptionTextError("a caption must not begin before the one above it", cue.line)
        begins = cue.begins


def _written(cue: _Cue) -> Iterator[str]:
    if not cue.text:
        return
    yield ""
    yield f"{_clock(cue.begins)} --> {_clock(cue.ends)}{' ' if cue.settings else ''}{cue.settings}"
    yield from cue.text


def _clock(milliseconds: int) -> str:
    seconds, fraction = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:03}"
