"""Builders of jobs to submit. A change of None leaves a part out."""

from typing import Any

from pydantic import SecretStr

from domain.jobs import JobOrder
from storage.settings import OutputTarget

NOTIFICATION_URL = "http://127.0.0.1:1/hook?video=v1&attempt=2&sig=0abc"
ORDER = JobOrder(
    video_id="a" * 26,
    attempt=2,
    folder="2-mfrggzdfmztwq2lk",
    source_url="https://storage.example/uploads/original.mp4?X-Amz-Signature=0",
    callback_url="https://api.example/webhooks/coconut?video=a&attempt=2&sig=0",
)
TARGET = OutputTarget(
    service="dospaces",
    endpoint="https://tor1.digitaloceanspaces.com",
    region="tor1",
    bucket="videos",
    access_key=SecretStr("KEY"),
    secret_key=SecretStr("SECRET"),
    acl="public-read",
)


def a_job(**changes: Any) -> dict[str, Any]:
    """Return a job that Coconut would accept."""
    job: dict[str, Any] = {
        "input": {"url": "http://127.0.0.1:1/input.mp4?signature=s"},
        "storage": a_storage(),
        "notification": {"type": "http", "url": NOTIFICATION_URL, "events": True},
        "outputs": {
            "jpg:640x": {"key": "thumbs", "path": "/o/thumb_%.2d.jpg", "number": 2},
            "httpstream": [
                {"key": "hd", "if": "{{ input.height }} >= 720", **a_stream(["mp4:0x360", "mp4:0x720"])},
                {"key": "sd", "if": "{{ input.height }} < 720", **a_stream(["mp4"])},
            ],
        },
    }
    return {name: value for name, value in {**job, **changes}.items() if value is not None}


def a_storage(**changes: Any) -> dict[str, Any]:
    storage = {
        "service": "s3other",
        "endpoint": "http://127.0.0.1:2",
        "force_path_style": True,
        "bucket": "videos",
        "path": "/processed",
        "credentials": {"access_key_id": "a", "secret_access_key": "s"},
    }
    return {name: value for name, value in {**storage, **changes}.items() if value is not None}


def a_stream(variants: list[str]) -> dict[str, Any]:
    return {"hls": {"path": "/o/hls"}, "variants": variants}
