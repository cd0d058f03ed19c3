"""A client of the video upload service: calls, an upload that survives interruptions, and the command `videoupload`.

It knows the API (docs/api.md) and nothing else of the service; docs/clients.md shows it from outside.
"""

from videoupload.client import Client
from videoupload.errors import (
    ClientError,
    FileChangedError,
    ProblemError,
    StorageRefusedError,
    UnexpectedAnswerError,
    UnreachableError,
    UploadRefusedError,
)
from videoupload.models import Event, NewVideo, Page, Rendition, Upload, Video, VideoFailure
from videoupload.polling import Poller
from videoupload.upload_state import UploadStateStore
from videoupload.uploader import Uploader, UploadOptions

__all__ = [
    "Client",
    "ClientError",
    "Event",
    "FileChangedError",
    "NewVideo",
    "Page",
    "Poller",
    "ProblemError",
    "Rendition",
    "StorageRefusedError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "Upload",
    "UploadOptions",
    "UploadRefusedError",
    "UploadStateStore",
    "Uploader",
    "Video",
    "VideoFailure",
]
