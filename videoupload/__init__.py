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
from videoupload.models import Event, NewVideo, Page, Rendition, Trouble, Upload, Video
from videoupload.polling import Follower
from videoupload.upload_state import Memory
from videoupload.uploader import Uploader, Wanted

__all__ = [
    "Client",
    "ClientError",
    "Event",
    "FileChangedError",
    "Follower",
    "Memory",
    "NewVideo",
    "Page",
    "ProblemError",
    "Rendition",
    "StorageRefusedError",
    "Trouble",
    "UnexpectedAnswerError",
    "UnreachableError",
    "Upload",
    "UploadRefusedError",
    "Uploader",
    "Video",
    "Wanted",
]
