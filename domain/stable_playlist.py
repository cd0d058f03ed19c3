"""The stable master playlist: the one behind the playback URL."""

from domain.video import Published, Rendition


def stable_playlist(published: Published) -> str:
    """Return the text of the master playlist: a pure function of the published outputs."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for rendition in published.renditions:
        lines += [f"#EXT-X-STREAM-INF:{_attributes(rendition)}", rendition.uri]
    return "\n".join(lines) + "\n"


def _attributes(rendition: Rendition) -> str:
    parts = [f"BANDWIDTH={rendition.bandwidth}"]
    if rendition.average_bandwidth is not None:
        parts.append(f"AVERAGE-BANDWIDTH={rendition.average_bandwidth}")
    if rendition.width is not None and rendition.height is not None:
        parts.append(f"RESOLUTION={rendition.width}x{rendition.height}")
    if rendition.codecs is not None:
        parts.append(f'CODECS="{rendition.codecs}"')
    if rendition.frame_rate is not None:
        parts.append(f"FRAME-RATE={rendition.frame_rate:.3f}")
    return ",".join(parts)
