"""Verification of originals and of job outputs, without I/O: the callers read the bytes."""
