"""The sizes of the files that tests upload."""

CLIP_SECONDS = 2
# More than the largest upload in one piece.
LONG_BYTES = 120_000_000
