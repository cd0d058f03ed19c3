"""Whole lives in a small world, killed at every moment: no server, but minutes of work, so not part of `make check`."""
