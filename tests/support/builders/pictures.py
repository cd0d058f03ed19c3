"""Small JPEGs, and what can be put into them."""

from base64 import b64decode

# A teal square of 32 x 32 pixels: JFIF, one quantization table, four Huffman tables, one frame, one scan.
PICTURE = b64decode(
    "/9j/4AAQSkZJRgABAgAAAQABAAD/2wBDAAgQEBMQExYWFhYWFhoYGhsbGxoaGhobGxsdHR0iIiIdHR0bGx0dICAiIiUmJSMjIiMm"
    "JigoKDAwLi44ODpFRVP/xABNAAEBAAAAAAAAAAAAAAAAAAAABgEBAQEAAAAAAAAAAAAAAAAAAAUHEAEAAAAAAAAAAAAAAAAAAAAA"
    "EQEAAAAAAAAAAAAAAAAAAAAA/8AAEQgAIAAgAwEiAAIRAAMRAP/aAAwDAQACEQMRAD8AmQFVn4AAAAAD/9k="
)
FRAME, SCAN, END = PICTURE.index(b"\xff\xc0"), PICTURE.index(b"\xff\xda"), len(PICTURE) - 2


def segment(marker: int, content: bytes) -> bytes:
    """Return one segment of a JPEG."""
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2) + content


def with_segments(*segments: bytes, picture: bytes = PICTURE, at: int = 2) -> bytes:
    """Return the picture with more segments, usually at its beginning."""
    return picture[:at] + b"".join(segments) + picture[at:]


def exif(*, orientation: int | None = None, place: bytes = b"", order: str = "big") -> bytes:
    """Return what a camera writes: how it was held, and where the photo was taken."""
    is_little = order == "little"

    def number(value: int, length: int) -> bytes:
        return value.to_bytes(length, "little" if is_little else "big")

    entries = [] if orientation is None else [number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2)]
    directory = number(len(entries), 2) + b"".join(entry + bytes(2) for entry in entries) + number(0, 4)
    head = (b"II*\x00" if is_little else b"MM\x00*") + number(8, 4)
    return segment(0xE1, b"Exif\x00\x00" + head + directory + place)


def sized(width: int, height: int) -> bytes:
    """Return a picture that says that it has these sides."""
    return PICTURE[: FRAME + 5] + height.to_bytes(2) + width.to_bytes(2) + PICTURE[FRAME + 9 :]
