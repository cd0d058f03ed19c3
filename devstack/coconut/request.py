"""A submitted job, parsed and validated: input, storage, notification and outputs (outputs.py).

As at Coconut, a job that names a missing input or wrong credentials is accepted and fails when it runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from devstack.coconut.fields import Fields
from devstack.coconut.outputs import Output, parse_outputs


@dataclass(frozen=True)
class StorageTarget:
    """The bucket that outputs are written to, and the key to it."""

    bucket: str
    path: str
    region: str
    endpoint_url: str
    uses_path_style: bool
    acl: str | None
    object_headers: Mapping[str, str]
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class NotificationTarget:
    url: str = field(repr=False)
    wants_events: bool

    def reference(self) -> dict[str, str]:
        """Return the query of the callback URL: a client labels its job there."""
        return dict(parse_qsl(urlsplit(self.url).query))


@dataclass(frozen=True)
class JobRequest:
    input_url: str = field(repr=False)
    storage: StorageTarget
    notification: NotificationTarget
    outputs: tuple[Output, ...]


def parse_request(body: object) -> JobRequest:
    """Parse the body of ``POST /jobs``. Raises RefusedJobError with Coconut's code."""
    job = Fields(body, code="job_not_valid", where="the job")
    source = Fields(job.raw("input"), code="input_not_valid", where="input")
    return JobRequest(
        input_url=_http_url(source, "url"),
        storage=_storage(Fields(job.raw("storage"), code="storage_service_not_valid", where="storage")),
        notification=_notification(
            Fields(job.raw("notification"), code="notification_not_valid", where="notification")
        ),
        outputs=parse_outputs(job.raw("outputs")),
    )


def _storage(fields: Fields) -> StorageTarget:
    service, region = fields.text("service"), fields.optional_text("region", "us-east-1")
    if service == "dospaces":
        region = fields.text("region")
    # The service is checked before the credentials, as at Coconut.
    endpoint_url = _endpoint(fields, service, region)
    bucket = fields.text("bucket")
    keys = Fields(fields.raw("credentials"), code="storage_credentials_not_valid", where="credentials")
    known = {"cache_control": "Cache-Control", "expires": "Expires", "storage_class": "x-amz-storage-class"}
    return StorageTarget(
        bucket=bucket,
        path=fields.optional_text("path", "/"),
        region=region,
        endpoint_url=endpoint_url,
        uses_path_style=service == "s3other" and fields.flag("force_path_style"),
        acl=_acl(fields, service),
        object_headers={known[name]: fields.text(name) for name in known if service == "s3" and fields.has(name)},
        access_key_id=keys.text("access_key_id"),
        secret_access_key=keys.text("secret_access_key"),
    )


def _acl(fields: Fields, service: str) -> str | None:
    """Return the ACL of written objects. Coconut documents none for s3other, so the stand-in sends none there."""
    if service == "s3other":
        return None
    default = "public-read" if service == "s3" else ""
    return fields.optional_text("acl", default) or None


def _endpoint(fields: Fields, service: str, region: str) -> str:
    match service:
        case "s3":
            return f"https://s3.{region}.amazonaws.com"
        case "dospaces":
            return f"https://{region}.digitaloceanspaces.com"
        case "s3other":
            return _http_url(fields, "endpoint").rstrip("/")
    raise fields.refused(f"has service {service!r}, which is not valid")


def _notification(fields: Fields) -> NotificationTarget:
    if fields.text("type") != "http":
        raise fields.refused("has 'type', which must be http")
    fields.refuse_unknown({"type", "url", "events", "metadata"})
    if fields.flag("metadata"):
        raise fields.refused("has 'metadata', which this stand-in does not send")
    return NotificationTarget(url=_http_url(fields, "url"), wants_events=fields.flag("events"))


def _http_url(fields: Fields, name: str) -> str:
    url = fields.text(name)
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_valid = False
    if not is_valid or " " in url:
        raise fields.refused(f"has {name!r}, which is not an http URL")
    return url
