"""Regions: where the files of a video live, and the names of the variables that describe each region.

A region has its own buckets, playback URL and operator. It is chosen when a video is created and never changes.
"""

# As in `tor1` or `eu-central-1`; part of the names of variables.
REGION_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"


def variable_prefix(region: str) -> str:
    """Return how the variables of a region begin: `REGION_EU_CENTRAL_1_` for `eu-central-1`."""
    return f"REGION_{region.upper().replace('-', '_')}_"
