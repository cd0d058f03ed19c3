"""Benchmarks of the service beside a bare minimum that does the same work. No test asserts a time.

docs/performance.md has the figures and how they were measured.
"""
