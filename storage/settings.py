"""Settings of the object store: endpoints, keys, buckets, the CDN. Read once, in wiring."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.part_plan import PART_BYTES_MIN
from runtime.urls import http_url, is_this_machine

JobStorage = Literal["dospaces", "s3", "s3other"]
PublicAcl = Literal["public-read"]
PublicAclOrNone = Literal["public-read", "none", ""]
PrivateCdn = Literal["bunny", "cloudfront", "cloudflare"]
PrivateCdnOrNone = Literal["bunny", "cloudfront", "cloudflare", "none", ""]
# The narrower keys that each process uses, by their fields.
API_KEYS = ("raw_writer_access_key", "raw_writer_secret_key")
# Of the API too, if private videos can be played and no CDN serves their files.
PRIVATE_READER_KEYS = ("private_reader_access_key", "private_reader_secret_key")
OPERATOR_KEYS = (
    "raw_reader_access_key",
    "raw_reader_secret_key",
    "processed_writer_access_key",
    "processed_writer_secret_key",
)


@dataclass(frozen=True)
class KeyPair:
    """An access key and its secret."""

    access_key: str
    secret_key: SecretStr


@dataclass(frozen=True)
class OutputTarget:
    """Where a job writes its outputs, and the credentials for it, which are sent to Coconut."""

    service: JobStorage
    endpoint: str
    region: str
    bucket: str
    access_key: SecretStr
    secret_key: SecretStr
    acl: PublicAcl | None


def _origin(url: str) -> str:
    if ".cdn." in _http_host(url):
        # Through the CDN host uploads above 7.91 MiB are refused and signed reads are billed twice.
        # https://docs.digitalocean.com/products/spaces/details/limits/
        raise ValueError("must be the origin host, not the CDN host")
    return url.rstrip("/")


def _public_base(url: str) -> str:
    _http_host(url)
    return url.rstrip("/")


def _http_host(url: str) -> str:
    parts = urlsplit(http_url(url))
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http(s) URL without a query")
    return parts.hostname


def _none_if_unset(value: object) -> object:
    return None if value in ("", "none") else value


Origin = Annotated[str, AfterValidator(_origin)]
PublicBase = Annotated[str, AfterValidator(_public_base)]
Word = Annotated[str, Field(min_length=1)]
Secret = Annotated[SecretStr, Field(min_length=1)]


class StorageSettings(BaseSettings):
    """The object store, from ``S3_…`` variables."""

    model_config = SettingsConfigDict(env_prefix="S3_", frozen=True, extra="ignore", hide_input_in_errors=True)

    endpoint: Origin
    # The endpoint for clients and Coconut, if our own processes reach the store by another name.
    public_endpoint: Origin | None = None
    region: Word
    access_key: Word
    secret_key: Secret
    # May be the same bucket: originals and outputs differ by prefix.
    raw_bucket: Word
    processed_bucket: Word
    # Narrower keys; the main key serves instead only where what gets the URLs or keys is on this machine.
    # One that can only read the raw bucket; it signs the job's input URL.
    raw_reader_access_key: Word | None = None
    raw_reader_secret_key: Secret | None = None
    # One that can only put objects below uploads/; it signs the uploads of clients.
    raw_writer_access_key: Word | None = None
    raw_writer_secret_key: Secret | None = None
    # One that can only write the processed bucket; it is sent to Coconut with the job.
    processed_writer_access_key: Word | None = None
    processed_writer_secret_key: Secret | None = None
    # One that can only read objects below private/; it signs the URLs of private files, unless a CDN verifies those.
    private_reader_access_key: Word | None = None
    private_reader_secret_key: Secret | None = None
    # Where players read: the CDN, with the bucket in the path if the host does not name it.
    public_base_url: PublicBase
    # The CDN that serves private files and verifies their URLs; without one the store does (storage/private_reads.py).
    private_cdn: Annotated[
        PrivateCdn | None, BeforeValidator(_none_if_unset, json_schema_input_type=PrivateCdnOrNone)
    ] = None
    # Where it serves the bucket of processed files.
    private_cdn_base_url: PublicBase | None = None
    # What it verifies URLs by: a secret, or for CloudFront a private key in PEM, and the id of its public key there.
    # Only the API has the key.
    private_cdn_key: Secret | None = None
    private_cdn_key_id: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,64}$")] | None = None
    # Spaces serves both; a server reached by an IP address serves only paths.
    addressing_style: Literal["path", "virtual"] = "virtual"
    # The ACL of published objects; "none" if a bucket policy makes processed/* public instead.
    acl: Annotated[PublicAcl | None, BeforeValidator(_none_if_unset, json_schema_input_type=PublicAclOrNone)] = (
        "public-read"
    )
    # Coconut's name for this kind of store.
    coconut_service: JobStorage = "dospaces"
    # The largest single PUT.
    max_file_bytes: int = Field(default=5 * 1024**3, gt=0)
    # A single PUT that breaks off costs the whole file; larger ones are sent in parts unless the client asks otherwise.
    multipart_above_bytes: int = Field(default=100_000_000, ge=0, le=5 * 1024**3)
    # Of multipart uploads. Phones keep a part in memory, and an interruption costs at most one part. Parts are larger
    # for files that would need more than 1,000 of them.
    part_bytes: int = Field(default=16 * 1024**2, ge=PART_BYTES_MIN, le=5 * 1024**3)
    # All attempts of one call together must end within the shutdown grace of a process.
    connect_timeout_seconds: float = Field(default=3, gt=0)
    # For the whole response, not for each piece of it.
    read_timeout_seconds: float = Field(default=10, gt=0)
    max_attempts: int = Field(default=2, ge=1)
    # At least one per thread that calls the store.
    max_connections: int = Field(default=32, ge=1)

    @model_validator(mode="after")
    def _has_whole_key_pairs(self) -> Self:
        pairs = {
            "RAW_READER": (self.raw_reader_access_key, self.raw_reader_secret_key),
            "RAW_WRITER": (self.raw_writer_access_key, self.raw_writer_secret_key),
            "PROCESSED_WRITER": (self.processed_writer_access_key, self.processed_writer_secret_key),
            "PRIVATE_READER": (self.private_reader_access_key, self.private_reader_secret_key),
        }
        for name, (access_key, secret_key) in pairs.items():
            if (access_key is None) != (secret_key is None):
                raise ValueError(f"S3_{name}_ACCESS_KEY and S3_{name}_SECRET_KEY must be set together")
        return self

    @model_validator(mode="after")
    def _describes_the_cdn(self) -> Self:
        if self.private_cdn is not None and self.private_cdn_base_url is None:
            raise ValueError("S3_PRIVATE_CDN_BASE_URL: is missing, since S3_PRIVATE_CDN is set")
        if self.private_cdn == "cloudfront" and self.private_cdn_key_id is None:
            raise ValueError("S3_PRIVATE_CDN_KEY_ID: is missing, since S3_PRIVATE_CDN is cloudfront")
        return self

    @property
    def main(self) -> KeyPair:
        """Return the key of our own calls."""
        return KeyPair(self.access_key, self.secret_key)

    @property
    def raw_reader(self) -> KeyPair:
        """Return the key that signs the job's input URL."""
        return self._pair(self.raw_reader_access_key, self.raw_reader_secret_key)

    @property
    def raw_writer(self) -> KeyPair:
        """Return the key that signs uploads."""
        return self._pair(self.raw_writer_access_key, self.raw_writer_secret_key)

    @property
    def private_reader(self) -> KeyPair:
        """Return the key that signs reads of private files."""
        return self._pair(self.private_reader_access_key, self.private_reader_secret_key)

    @property
    def signing_endpoint(self) -> str:
        """Return the endpoint in signed URLs."""
        return self.public_endpoint or self.endpoint

    @property
    def output_target(self) -> OutputTarget:
        """Return where a job writes its outputs, with credentials."""
        writer = self._pair(self.processed_writer_access_key, self.processed_writer_secret_key)
        return OutputTarget(
            service=self.coconut_service,
            endpoint=self.signing_endpoint,
            region=self.region,
            bucket=self.processed_bucket,
            access_key=SecretStr(writer.access_key),
            secret_key=writer.secret_key,
            acl=self.acl,
        )

    def _pair(self, access_key: str | None, secret_key: SecretStr | None) -> KeyPair:
        return self.main if access_key is None or secret_key is None else KeyPair(access_key, secret_key)


def require_narrow_keys(
    settings: StorageSettings, fields: Iterable[str], *, peer: str, process: str, prefix: str = "S3_"
) -> None:
    """Exit with one line that names the missing narrower keys, unless ``peer`` is on this machine.

    ``fields``: the fields of the keys that the process uses. ``peer``: the URL of what gets signed URLs or keys.
    ``prefix``: of the variables.
    """
    missing = [f"{prefix}{field.upper()}" for field in fields if getattr(settings, field) is None]
    if missing and not is_this_machine(peer):
        needed = "is" if len(missing) == 1 else "are"
        sys.exit(
            f"{process} cannot start: {', '.join(missing)} {needed} required: the main key must not leave this service"
        )
