"""Benchmarks: what the service costs beside the least that could do the same work. Nothing here is timed by a test.

Figures and how they were taken are in docs/performance.md.
"""
