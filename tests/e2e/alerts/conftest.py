"""The same files and the same world as for uploads."""

from tests.e2e.uploads.conftest import clip, world

__all__ = ["clip", "world"]
