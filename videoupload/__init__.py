"""The client of the video upload service: API calls, resumable uploads, and the command `videoupload`.

It depends on the API (docs/api.md) and on nothing else of the service. docs/clients.md shows how to use it.
"""

from videoupload.client import Client
from videoupload.errors import (
    ClientError,
    FileChangedError,
    ProblemError,
    SettingError,
    StorageRefusedError,
    UnexpectedAnswerError,
    UnreachableError,
    UploadRefusedError,
    WebhookRefusedError,
)
from videoupload.models import Caption, Event, NewVideo, Page, Rendition, Upload, Video, VideoFailure
from videoupload.playback_tokens import sign_playback_token
from videoupload.polling import Poller
from videoupload.upload_state import UploadStateStore
from videoupload.uploader import Uploader, UploadOptions
from videoupload.webhooks import WebhookMessage, verify_webhook

__all__ = [
    "Caption",
    "Client",
    "ClientError",
    "Event",
    "FileChangedError",
    "NewVideo",
    "Page",
    "Poller",
    "ProblemError",
    "Rendition",
    "SettingError",
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
    "WebhookMessage",
    "WebhookRefusedError",
    "sign_playback_token",
    "verify_webhook",
]
