"""Judges a file by the kinds of its tracks."""

from collections.abc import Collection


def of_kinds(kinds: Collection[bytes], *, pictures: Collection[bytes], others: Collection[bytes]) -> bool | None:
    """Judge the kinds of all tracks of a file."""
    if any(kind in pictures for kind in kinds):
        return True
    return False if kinds and all(kind in others for kind in kinds) else None
