"""Reads files from URLs that owners named, and goes only where it may."""
