"""Chooses how to look for a picture."""

from collections.abc import Callable

from storage.verify.container import Container
from storage.verify.reader import BoundReachedError, Reader
from storage.verify.tracks import chunked, matroska, mp4, mpeg

_LOOKS: dict[Container, Callable[[Reader], bool | None]] = {
    Container.MP4: mp4.has_picture,
    Container.MOV: mp4.has_picture,
    Container.THREE_GP: mp4.has_picture,
    Container.MATROSKA: matroska.has_picture,
    Container.WEBM: matroska.has_picture,
    Container.AVI: chunked.avi_has_picture,
    Container.FLV: chunked.flv_has_picture,
    Container.ASF: chunked.asf_has_picture,
    Container.OGG: chunked.ogg_has_picture,
    Container.MXF: chunked.mxf_has_picture,
    Container.MPEG_TS: mpeg.transport_stream_has_picture,
    Container.MPEG_PS: mpeg.program_stream_has_picture,
}


def has_picture(container: Container, file: Reader) -> bool | None:
    """Return whether a track of the file is a picture, None if that is not known within the bounds."""
    look = _LOOKS.get(container)
    try:
        return look(file) if look is not None else None
    except BoundReachedError:
        return None
