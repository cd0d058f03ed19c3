"""The file to send: its pieces, and how a change of it is noticed."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from videoupload import FileChangedError
from videoupload.files import Fingerprint, Piece, content_type

CONTENT = b"0123456789"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cats.mp4"
    path.write_bytes(CONTENT)
    return path


def piece(file: Path, start: int, length: int, on_bytes: Callable[[int], None] = lambda _count: None) -> Piece:
    return Piece(file, Fingerprint.of(file), start=start, length=length, on_bytes=on_bytes)


@pytest.mark.parametrize(("start", "length"), [(0, 10), (3, 4), (8, 2), (4, 0)])
def test_a_piece_holds_its_bytes_and_their_digest(file: Path, start: int, length: int) -> None:
    counts: list[int] = []
    with piece(file, start, length, counts.append) as body:
        assert len(body) == length
        read = b"".join(iter(lambda: body.read(3), b""))
        assert body.content_md5 == base64.b64encode(hashlib.md5(read, usedforsecurity=False).digest()).decode()
    assert read == CONTENT[start : start + length]
    assert sum(counts) == length


def test_a_file_changed_before_the_start_is_not_sent(file: Path) -> None:
    body = piece(file, 0, 10)
    file.write_bytes(b"something else")
    with pytest.raises(FileChangedError), body:
        pass


def replace_by_another(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(b"something else")
    other.replace(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda file: file.write_bytes(b"something else"), "was changed", id="written-again"),
        pytest.param(replace_by_another, "was changed", id="replaced-while-the-old-one-can-be-read"),
        pytest.param(lambda file: file.write_bytes(b""), "became shorter", id="emptied"),
    ],
)
def test_a_file_that_changes_meanwhile_is_noticed(file: Path, change: Callable[[Path], object], message: str) -> None:
    def read() -> None:
        with piece(file, 0, 10) as body:
            change(file)
            body.read()

    with pytest.raises(FileChangedError, match=message):
        read()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cats.mp4", "video/mp4"),
        ("cats.MOV", "video/quicktime"),
        ("cats.mxf", "application/mxf"),
        ("cats.txt", "application/octet-stream"),
        ("cats", "application/octet-stream"),
    ],
)
def test_only_accepted_content_types_are_guessed(name: str, expected: str) -> None:
    assert content_type(Path(name)) == expected
