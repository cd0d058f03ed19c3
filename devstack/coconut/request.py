"""A submitted job, parsed and validated: input, storage, notification and outputs.

The outputs are read in outputs.py. Nothing here talks to anybody: whether the input exists and the
credentials work shows only when the job runs, as at Coconut.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from devstack.coconut.fields import Fields
from devstack.coconut.outputs import Output, parse_outputs

_SERVICES_ELSEWHERE = frozenset(
    {"coconut", "gcs", "linode", "wasabi", "backblaze", "rackspace", "azure", "ipfs_pinata", "ipfs_web3storage"},
)
_SCHEMES_ELSEWHERE = frozenset({"ftp", "sftp"})


@dataclass(frozen=True)
class Bucket:
    """A bucket and the key to it."""

    service: str
    name: str
    region: str
    endpoint_url: str
    uses_path_style: bool
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class Source:
    """Where the input is: a URL, or an object in a bucket."""

    url: str | None = field(default=None, repr=False)
    bucket: Bucket | None = None
    object_key: str = ""


@dataclass(frozen=True)
class Storage:
    bucket: Bucket
    path: str
    is_secure: bool
    acl: str | None
    object_headers: Mapping[str, str]


@dataclass(frozen=True)
class Notification:
    url: str = field(repr=False)
    wants_events: bool
    wants_metadata: bool

    def reference(self) -> dict[str, str]:
        """Return the query of the callback URL: all that a client can tell a job about itself."""
        return dict(parse_qsl(urlsplit(self.url).query))


@dataclass(frozen=True)
class JobRequest:
    source: Source
    storage: Storage
    notification: Notification
    outputs: tuple[Output, ...]


def parse_request(body: object) -> JobRequest:
    """Read the body of ``POST /jobs``; RefusedJobError carries Coconut's code."""
    job = Fields(body, code="job_not_valid", where="the job")
    if job.has("settings"):
        settings = Fields(job.raw("settings"), code="settings_not_valid", where="settings")
        settings.refuse_unknown({"ultrafast"})
        settings.flag("ultrafast")
    return JobRequest(
        source=_source(Fields(job.raw("input"), code="input_not_valid", where="input")),
        storage=_storage(job.raw("storage")),
        notification=_notification(
            Fields(job.raw("notification"), code="notification_not_valid", where="notification")
        ),
        outputs=parse_outputs(job.raw("outputs")),
    )


def _source(fields: Fields) -> Source:
    if fields.has("url"):
        if fields.text("url").partition(":")[0].lower() in _SCHEMES_ELSEWHERE:
            raise fields.refused("has a 'url' over ftp, which is not carried out by this stand-in")
        return Source(url=_http_url(fields))
    bucket = _bucket(fields, fields.raw("credentials"), code="input_not_valid")
    return Source(bucket=bucket, object_key=fields.text("key").lstrip("/"))


def _storage(value: object) -> Storage:
    fields = Fields(value, code="storage_service_not_valid", where="storage")
    if fields.has("url") and not fields.has("service"):
        raise fields.refused("has 'url', a form to post to, which is not carried out by this stand-in")
    bucket = _bucket(fields, fields.raw("credentials"), code="storage_credentials_not_valid")
    headers = {}
    if bucket.service == "s3":
        known = {"cache_control": "Cache-Control", "expires": "Expires", "storage_class": "x-amz-storage-class"}
        for name, header in known.items():
            if fields.has(name):
                headers[header] = fields.text(name)
    acl = fields.optional_text("acl") or ("public-read" if bucket.service == "s3" else None)
    return Storage(
        bucket=bucket,
        path=fields.optional_text("path") or "/",
        is_secure=fields.flag("secure", default=True),
        # s3other lists no acl: what it would do there is unknown, so it does nothing here.
        acl=acl if bucket.service in {"s3", "dospaces"} else None,
        object_headers=headers,
    )


def _bucket(fields: Fields, credentials: object, *, code: str) -> Bucket:
    service = fields.text("service")
    if service in _SERVICES_ELSEWHERE:
        raise fields.refused(f"has service {service!r}, which is not carried out by this stand-in")
    region = fields.optional_text("region")
    if service == "dospaces" and region is None:
        raise fields.refused("needs 'region', a string")
    # Where before who: a service that is not known says so, whatever its credentials look like.
    endpoint_url = _endpoint(fields, service, region or "us-east-1")
    name = fields.text("bucket")
    keys = Fields(credentials, code=code, where="credentials")
    return Bucket(
        service=service,
        name=name,
        region=region or "us-east-1",
        endpoint_url=endpoint_url,
        uses_path_style=service == "s3other" and fields.flag("force_path_style"),
        access_key_id=keys.text("access_key_id"),
        secret_access_key=keys.text("secret_access_key"),
    )


def _endpoint(fields: Fields, service: str, region: str) -> str:
    match service:
        case "s3":
            return f"https://s3.{region}.amazonaws.com"
        case "dospaces":
            return f"https://{region}.digitaloceanspaces.com"
        case "s3other":
            return _http_url(fields, "endpoint").rstrip("/")
        case _:
            raise fields.refused(f"has service {service!r}, which is not valid")


def _notification(fields: Fields) -> Notification:
    kind = fields.text("type")
    if kind == "sns":
        raise fields.refused("has type 'sns', which is not carried out by this stand-in")
    if kind != "http":
        raise fields.refused("has 'type', which must be http or sns")
    fields.refuse_unknown({"type", "url", "params", "events", "metadata"})
    params = fields.raw("params") or {}
    if not isinstance(params, dict):
        raise fields.refused("has 'params', which must be a hash")
    return Notification(
        url=_with_query(_http_url(fields), {str(name): str(value) for name, value in params.items()}),
        wants_events=fields.flag("events"),
        wants_metadata=fields.flag("metadata"),
    )


def _with_query(url: str, params: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(params)) if part)
    return urlunsplit(parts._replace(query=query))


def _http_url(fields: Fields, name: str = "url") -> str:
    url = fields.text(name)
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_valid = False
    if not is_valid or not url.isprintable() or " " in url:
        raise fields.refused(f"has {name!r}, which is not an http URL")
    return url
