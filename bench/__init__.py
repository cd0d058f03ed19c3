"""Benchmarks of the service beside a peer that does the same job. No test asserts a time.

docs/benchmarks.md has the figures and how they were measured.
"""
