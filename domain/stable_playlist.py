"""The stable master playlist: the one behind the playback URL."""

from collections import Counter
from collections.abc import Iterator, Sequence

from domain.captions import CaptionTrack, playlist_name
from domain.object_keys import CAPTIONS_FOLDER
from domain.records import VideoRow
from domain.video import Published, Rendition

_CAPTIONS_GROUP = "captions"


def stable_playlist(published: Published, tracks: Sequence[CaptionTrack] = ()) -> str:
    """Return the text of the master playlist: a pure function of the published outputs and captions.

    EXT-X-MEDIA: RFC 8216, 4.3.4.1. Players choose a default track by themselves, and others by the viewer's languages.
    """
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-INDEPENDENT-SEGMENTS", *_media(tracks)]
    for rendition in published.renditions:
        captions = f',SUBTITLES="{_CAPTIONS_GROUP}"' if tracks else ""
        lines += [f"#EXT-X-STREAM-INF:{_attributes(rendition)}{captions}", rendition.uri]
    return "\n".join(lines) + "\n"


def playlist_of(row: VideoRow, published: Published) -> str:
    """Return the stable playlist of what is public of a video."""
    return stable_playlist(published, row.captions_published.captions.tracks)


def _media(tracks: Sequence[CaptionTrack]) -> Iterator[str]:
    labels = Counter(track.label for track in tracks)
    for track in tracks:
        # The names of a group must differ.
        name = track.label if labels[track.label] == 1 else f"{track.label} ({track.language})"
        yield (
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="{_CAPTIONS_GROUP}",LANGUAGE="{track.language}",NAME="{name}",'
            f"DEFAULT={'YES' if track.is_default else 'NO'},AUTOSELECT=YES,FORCED=NO,"
            f'URI="{CAPTIONS_FOLDER}/{playlist_name(track)}"'
        )


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
