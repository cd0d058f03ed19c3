"""The file that is sent in parts: a video with room at its end that readers skip."""

import struct

from chaos.files import PARTS_BYTES, padded
from chaos.installation import PART_BYTES


def test_a_padded_video_has_the_size_and_ends_in_a_box_that_holds_the_rest() -> None:
    content = padded(b"ftyp-and-so-on", 1000)
    assert len(content) == 1000
    assert content.startswith(b"ftyp-and-so-on")
    size, kind = struct.unpack(">I4s", content[14:22])
    assert (size, kind) == (1000 - 14, b"free")


def test_it_has_two_parts() -> None:
    assert PART_BYTES < PARTS_BYTES <= 2 * PART_BYTES
