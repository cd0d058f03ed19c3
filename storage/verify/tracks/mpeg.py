"""Tracks of MPEG transport and program streams (ISO/IEC 13818-1), as far as the head shows them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from storage.verify.container import transport_packets
from storage.verify.reader import Reader

# Stream types: MPEG-1, MPEG-2, MPEG-4, H.264 and its extensions, JPEG 2000, H.265, H.266, AVS, Dirac, VC-1.
_VIDEO_TYPES = frozenset({0x01, 0x02, 0x10, 0x1B, 0x1E, 0x1F, 0x20, 0x21, 0x24, 0x25, 0x33, 0x42, 0xD1, 0xD2, 0xEA})
# MPEG audio, AAC in its forms, metadata, and the AC-3, DTS, TrueHD and splice types of ATSC and Blu-ray.
_OTHER_TYPES = frozenset({0x03, 0x04, 0x0F, 0x11, 0x15, 0x1C, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x90})
# Private data, which its descriptors explain: AC-3, E-AC-3, DTS, AAC, teletext, subtitles.
_PRIVATE_TYPE = 0x06
_SOUND_OR_TEXT_DESCRIPTORS = frozenset({0x6A, 0x7A, 0x7B, 0x7C, 0x46, 0x56, 0x59})
_REGISTRATION = 0x05
_SOUND_REGISTRATIONS = (b"Opus", b"AC-3", b"EAC3", b"DTS1", b"DTS2", b"DTS3", b"BSSD", b"KLVA")

_SYNC = 0x47
_PAYLOAD_STARTS = 0x40
_HAS_ADAPTATION, _HAS_PAYLOAD = 0x20, 0x10
_PACKET_BYTES = 188
_PES_HEADER_BYTES, _HAS_TIMESTAMP = 14, 0x80
_VIDEO_PES = re.compile(rb"\x00\x00\x01[\xe0-\xef\xfd]")
_SOUND_PES = re.compile(rb"\x00\x00\x01[\xc0-\xdf]")

_SYSTEM_HEADER = re.compile(rb"\x00\x00\x01\xbb(..)", re.DOTALL)
_VIDEO_BOUND = 0x1F


@dataclass(frozen=True)
class _ElementaryStream:
    """One stream of a program."""

    kind: int
    pid: int
    descriptors: list[tuple[int, bytes]]


def transport_stream_has_picture(file: Reader) -> bool | None:
    """Return whether a program in the head has a picture; None unless the head holds the tables of all programs."""
    packets = list(_packets(file.head))
    if any(_VIDEO_PES.match(payload) for _, starts, payload in packets if starts):
        return True
    tables = {pid: section for pid, starts, payload in reversed(packets) if starts and (section := _section(payload))}
    programs = _programs(tables.get(0, b""))
    if not programs or not all(pid in tables for pid in programs):
        return None
    with_sound = {pid for pid, starts, payload in packets if starts and _SOUND_PES.match(payload)}
    verdicts = [_is_video(stream, with_sound) for pid in programs for stream in _streams(tables[pid])]
    if any(verdicts):
        return True
    return False if verdicts and None not in verdicts else None


def program_stream_has_picture(file: Reader) -> bool | None:
    """Return whether a picture is in the head or in its system header, which lists all streams."""
    if _VIDEO_PES.search(file.head):
        return True
    header = _SYSTEM_HEADER.search(file.head)
    if header is None:
        return None
    body = file.head[header.end() : header.end() + int.from_bytes(header[1])]
    streams = [body[at] for at in range(6, len(body) - 2, 3) if body[at] & 0x80]
    has_video_bound = len(body) > 4 and body[4] & _VIDEO_BOUND > 0
    if any(0xE0 <= stream <= 0xEF for stream in streams) or has_video_bound:
        return None
    return False if any(0xC0 <= stream <= 0xDF or stream in (0xB8, 0xBD) for stream in streams) else None


def first_timestamp(head: bytes) -> int | None:
    """Return the earliest time of a picture or sound in the head of a transport stream, in 1/90,000 s; None if none.

    ISO/IEC 13818-1, 2.4.3.6: 33 bits of the header of a packetized elementary stream, between marker bits.
    """
    first: dict[int, int] = {}
    for pid, starts, payload in _packets(head):
        is_stream = starts and (_VIDEO_PES.match(payload) or _SOUND_PES.match(payload))
        if not is_stream or pid in first or len(payload) < _PES_HEADER_BYTES or not payload[7] & _HAS_TIMESTAMP:
            continue
        bits = int.from_bytes(payload[9:14])
        first[pid] = (bits >> 3 & 0x1C0000000) | (bits >> 2 & 0x3FFF8000) | (bits >> 1 & 0x7FFF)
    return min(first.values(), default=None)


def _packets(head: bytes) -> Iterator[tuple[int, bool, bytes]]:
    """Yield of each packet its PID, whether a table or stream packet starts in it, and its payload."""
    found = transport_packets(head)
    if found is None:
        return
    start, step = found
    for at in range(start, len(head) - _PACKET_BYTES + 1, step):
        packet = head[at : at + _PACKET_BYTES]
        if packet[0] != _SYNC or not packet[3] & _HAS_PAYLOAD:
            continue
        skipped = 4 + (1 + packet[4] if packet[3] & _HAS_ADAPTATION else 0)
        yield int.from_bytes(packet[1:3]) & 0x1FFF, bool(packet[1] & _PAYLOAD_STARTS), packet[skipped:]


def _section(payload: bytes) -> bytes:
    """Return the table that starts in a payload, without its checksum; nothing if it does not end there too."""
    section = payload[1 + payload[0] :] if payload else b""
    length = 3 + (int.from_bytes(section[1:3]) & 0x0FFF)
    return section[: length - 4] if 12 <= length <= len(section) else b""


def _programs(table: bytes) -> set[int]:
    if table[:1] != b"\x00":
        return set()
    entries = [table[at : at + 4] for at in range(8, len(table) - 3, 4)]
    # Number 0 names the network's table, which is no program.
    return {int.from_bytes(entry[2:]) & 0x1FFF for entry in entries if entry[:2] != b"\x00\x00"}


def _streams(table: bytes) -> Iterator[_ElementaryStream]:
    at = 12 + (int.from_bytes(table[10:12]) & 0x0FFF)
    while at + 5 <= len(table):
        end = at + 5 + (int.from_bytes(table[at + 3 : at + 5]) & 0x0FFF)
        pid = int.from_bytes(table[at + 1 : at + 3]) & 0x1FFF
        yield _ElementaryStream(table[at], pid, list(_descriptors(table[at + 5 : end])))
        at = end


def _descriptors(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(body):
        end = at + 2 + body[at + 1]
        yield body[at], body[at + 2 : end]
        at = end


def _is_video(stream: _ElementaryStream, with_sound: set[int]) -> bool | None:
    if stream.kind in _VIDEO_TYPES:
        return True
    is_explained = stream.kind == _PRIVATE_TYPE and any(
        tag in _SOUND_OR_TEXT_DESCRIPTORS or (tag == _REGISTRATION and body[:4] in _SOUND_REGISTRATIONS)
        for tag, body in stream.descriptors
    )
    return False if stream.kind in _OTHER_TYPES or is_explained or stream.pid in with_sound else None
