"""The files and the world of the upload tests."""

from tests.e2e.uploads.conftest import clip, world

__all__ = ["clip", "world"]
