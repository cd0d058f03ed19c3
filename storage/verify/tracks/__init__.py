"""Looks for a picture among a file's tracks, a module for each family of containers. Pure.

Each look answers True (a picture track is there), False (every track is known, and none is a picture) or None: not
known. Only False refuses a file. The look never raises anything but BoundReachedError, whatever the bytes are.
"""
