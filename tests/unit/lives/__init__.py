"""Whole lives of uploads in memory, killed at every moment."""
