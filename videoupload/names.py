"""The title and the file name of a video, made from a file's name (clients/typescript/src/names.ts too).

The service refuses characters that break lines or reverse text, paths, and names without a visible character. It counts
code points.
"""

import re
import unicodedata

_TITLE_MAX = 200
_FILENAME_MAX = 255
# What os.fsdecode makes of bytes that are not UTF-8.
_NOT_UTF_8 = re.compile(r"[\ud800-\udfff]")
_REVERSING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_BREAKING = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u2028\u2029]")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}\Z")
_INVISIBLE = r"\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_VISIBLE_BESIDE_DOTS = re.compile(f"[^.{_INVISIBLE}]")
_JOINER = "\u200d"
# Skin tones, and the letters of flags such as that of Wales.
_MODIFIERS = re.compile("[\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_HALF_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def file_name(name: str) -> str:
    r"""Return a file name that the service accepts.

    >>> file_name("films\\cats.mp4"), file_name("...")
    ('films_cats.mp4', 'video')
    """
    clean = _clean(name)
    if not _VISIBLE_BESIDE_DOTS.search(clean):
        return "video"
    stem, extension = _split(clean)
    return _cut(stem, _FILENAME_MAX - len(extension)) + extension


def title_of(name: str) -> str:
    """Return the title of a video without one: its file name without the extension.

    >>> title_of("cats.mp4"), title_of(" .mp4")
    ('cats', 'Video')
    """
    stem, _ = _split(_clean(name))
    title = _cut(stem.strip(), _TITLE_MAX).rstrip()
    return title if _VISIBLE_BESIDE_DOTS.search(title) else "Video"


def _clean(name: str) -> str:
    return _BREAKING.sub("_", _REVERSING.sub("", _NOT_UTF_8.sub("\ufffd", name)))


def _split(name: str) -> tuple[str, str]:
    extension = _EXTENSION.search(name)
    return (name[: extension.start()], extension[0]) if extension else (name, "")


def _cut(text: str, at_most: int) -> str:
    """Cut a text to ``at_most`` code points, between two characters as people see them."""
    end = min(len(text), at_most)
    while 0 < end < len(text) and _is_inside(text, end):
        end -= 1
    return text[: end or at_most]


def _is_inside(text: str, index: int) -> bool:
    """Return whether an emoji or an accented letter continues at this index."""
    after = text[index]
    return (
        unicodedata.category(after).startswith("M")
        or _JOINER in (after, text[index - 1])
        or _MODIFIERS.match(after) is not None
        or (after in _HALF_FLAGS and (index - len(text[:index].rstrip(_HALF_FLAGS))) % 2 == 1)
    )
