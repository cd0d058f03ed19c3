"""The API's settings. Those of storage are in storage/settings.py.

wiring.py reads them once (runtime/settings.py): a missing or malformed one stops the start with its name.
"""

import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, DirectoryPath, Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from database.settings import DatabaseUrl
from domain.durations import Durations
from domain.regions import REGION_PATTERN, countries_of
from domain.schedule import Timing
from domain.spending import PriceSettings
from domain.video import Visibility
from runtime.logs import LogFormat
from runtime.urls import http_url

# RFC 7518, 3.2: an HS256 key has at least the size of its hash.
_KEY_BYTES_MIN = 32


def _is_long_enough(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value().encode()) < _KEY_BYTES_MIN:
        raise ValueError(f"must have at least {_KEY_BYTES_MIN} bytes")
    return key


def _base_url(url: str) -> str:
    parts = urlsplit(http_url(url))
    if parts.query or parts.fragment:
        raise ValueError("must be a URL without a query")
    return url.rstrip("/")


SigningKey = Annotated[SecretStr, AfterValidator(_is_long_enough)]

# How a public key begins among those of apps; 32 bytes in base64url follow (RFC 8037, 2).
ED25519_PREFIX = "ed25519:"
_ED25519 = re.compile(rf"{ED25519_PREFIX}[A-Za-z0-9_-]{{42}}[AEIMQUYcgkosw048]")


def _is_app_key(key: SecretStr) -> SecretStr:
    if key.get_secret_value().startswith(ED25519_PREFIX):
        if not _ED25519.fullmatch(key.get_secret_value()):
            raise ValueError(f"must be 32 bytes in base64url behind {ED25519_PREFIX}")
        return key
    return _is_long_enough(key)


# The name by which a token says its key (`kid`), and the key.
AppKey = tuple[
    Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")],
    Annotated[SecretStr, AfterValidator(_is_app_key)],
]


# No path, no wildcard and not `null`: an origin is compared as a whole.
ORIGIN_PATTERN = r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$"
Origin = Annotated[str, Field(pattern=ORIGIN_PATTERN)]


class Settings(Durations, PriceSettings, BaseSettings):
    """The settings; each field is an environment variable of the same name in upper case."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    # At least one of the three. The signing key is for tokens minted beside the service, the others for an issuer.
    jwt_signing_key: SigningKey | None = None
    jwt_jwks_url: Annotated[str, AfterValidator(http_url)] | None = Field(
        default=None, pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])\S+$"
    )
    jwt_jwks_file: FilePath | None = None
    jwt_issuer: str = Field(min_length=1)
    jwt_audience: str = Field(min_length=1)
    # Some issuers verify every address and never say so; without the claim an address may be anyone's.
    jwt_email_without_verified: bool = False
    # Comma-separated, at most two: the first one signs, both verify while a key is being rotated.
    webhook_signing_keys: Annotated[tuple[SigningKey, ...], NoDecode, Field(min_length=1, max_length=2)]
    # The same for the URLs of private videos; without them and API_BASE_URL there are none.
    playback_signing_keys: Annotated[tuple[SigningKey, ...], NoDecode, Field(max_length=2)] = ()
    # Comma-separated `name=key`: by which apps sign tokens for viewers of private videos. A token says the name as its
    # `kid`, so keys are rotated side by side. A secret is for HS256, `ed25519:…` a public key for EdDSA.
    playback_viewer_keys: Annotated[tuple[AppKey, ...], NoDecode, Field(max_length=8)] = ()
    # The most that such a token may last, from when it was issued: an app signs one for each visit of a page.
    playback_viewer_seconds_max: int = Field(default=24 * 3600, ge=60, le=7 * 24 * 3600)
    # Where players reach this API.
    api_base_url: Annotated[str, AfterValidator(_base_url)] | None = None
    # Of videos for which the client requests none.
    default_visibility: Visibility = Visibility.PUBLIC
    database_url: DatabaseUrl
    # For one statement, and for the wait for a connection: both together end well within a client's patience.
    database_timeout_seconds: float = Field(default=5, gt=0, le=30)

    # Ten is what a person uploads in a busy hour; a token's `uploads_per_hour` overrides it.
    uploads_per_hour: int = Field(default=10, ge=0, le=1_000_000)
    # Of one owner in 24 hours, 0 for no limit. Ten of the largest files an hour are a terabyte a day; this is forty of
    # them, more than most people upload in a month.
    upload_bytes_per_day: int = Field(default=200 * 1000**3, ge=0, le=10**15 - 1)
    # Each may cost MAX_SUBMISSIONS jobs, and more than one per video is rarely needed.
    retranscodes_per_day: int = Field(default=10, ge=0, le=1_000_000)
    # For each owner and process; a signed download counts too. An upload takes a handful of changing calls, and a page
    # makes one for each click.
    changes_per_minute: int = Field(default=60, ge=1, le=1_000_000)
    # All calls of a user, for each process; 0 for no limit. Twenty a second: a page polls a video every 15 seconds at
    # most once it moves slowly, so it may follow hundreds.
    calls_per_minute: int = Field(default=1200, ge=0, le=1_000_000)
    # The same for an address, before its token is verified: an office or a mobile network has one for many users.
    calls_per_minute_of_address: int = Field(default=6000, ge=0, le=1_000_000)
    # How many proxies stand in front of us, each of which appends to X-Forwarded-For; 0 if clients connect to us.
    # Addresses are limited only if this is set: behind a proxy that is not counted, all clients have the same one.
    trusted_proxy_hops: int | None = Field(default=None, ge=0, le=10)
    # A retry may cost as much as a re-transcode; twice as many, since a bad day of the provider needs them.
    retries_per_day: int = Field(default=20, ge=0, le=1_000_000)
    # Must be the operator's value: the API shows how many submissions are left.
    max_submissions: int = Field(default=3, ge=1, le=10)
    # The name of the home region, whose store the S3_… variables describe and which gets the uploads that name none;
    # empty for that of its bucket, S3_REGION.
    region: str = Field(default="", pattern=rf"^$|{REGION_PATTERN}")
    # Comma-separated names of further regions. Each has its store in variables such as REGION_FRA1_S3_ENDPOINT.
    regions: Annotated[tuple[Annotated[str, Field(pattern=REGION_PATTERN)], ...], NoDecode] = ()
    # Comma-separated regions that take no new uploads, such as while their storage is away for long.
    regions_down: Annotated[tuple[str, ...], NoDecode] = ()
    # Comma-separated regions whose operator runs in another cluster, and makes the resources of their uploads there.
    regions_elsewhere: Annotated[tuple[str, ...], NoDecode] = ()
    # The countries that a region serves, if an upload names none: `fra1=DE FR, tor1=CA US`. All others go home.
    region_countries: str = ""
    # The header in which the outermost proxy says the client's country, such as CF-IPCountry.
    country_header: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$")
    # Without it the pod's service account is used.
    kubeconfig: FilePath | None = None
    namespace: str = Field(default="default", pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
    # Scales every duration of an upload's life; below 1 only in tests.
    time_scale: float = Field(default=1.0, gt=0, le=1)

    # Loopback by default: the API speaks plain HTTP and belongs behind an ingress.
    bind: str = "127.0.0.1:8000"
    # One process of Python uses one core. More only where the pod has several, since each has its own memory and
    # connections; replicas, which also survive the loss of a node, come first: docs/decisions/0022-worker-processes.md.
    processes: int = Field(default=1, ge=1, le=32)
    # Of each process. A request waits for Postgres or S3 most of its time; more than this only queue for the pool.
    threads: int = Field(default=16, ge=1, le=64)
    # Clients that wait for a change of a video, of each process: an open file and about 20 KiB each. With 0
    # every call answers at once, and a stream ends after its first event.
    waits: int = Field(default=2000, ge=0, le=50_000)
    # Of one owner and process: a page waits for each of its uploads, a back end for those of all its users.
    waits_per_owner: int = Field(default=100, ge=1, le=50_000)
    # How long `/readyz` says 503 while requests are still accepted: long enough for a load balancer to notice.
    # It is part of gunicorn's graceful timeout; requests need the rest.
    drain_seconds: float = Field(default=3, ge=0, le=15)
    # Comma-separated origins of pages that may call us, each as browsers send it: scheme, host, and port if unusual.
    cors_origins: Annotated[tuple[Origin, ...], NoDecode] = ()
    # The address under which viewers reach this service, without a slash at its end. With it, and with a page, anyone
    # who has a video's id also sees its title, at /watch/{id}; otherwise only its stream and poster are public.
    watch_base_url: str | None = Field(default=None, pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$")
    # Comma-separated origins that may frame /embed/{id}; `*` is any.
    embed_origins: Annotated[tuple[Origin | Literal["*"], ...], NoDecode] = ()
    # The output of `npm run build` in webui/. Without it there is no page, only the API.
    web_dir: DirectoryPath | None = None
    # Files that the operator fetches from URLs at the same time; 0 for no videos with a URL. Both must have the
    # operator's values.
    source_fetches: int = Field(default=4, ge=0, le=64)
    source_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    # Also allows http://. For receivers in the same network, as in tests; must be the operator's value.
    webhooks_allow_private_targets: bool = False
    log_format: LogFormat = LogFormat.JSON
    log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")

    @property
    def timing(self) -> Timing:
        """Return the durations of an upload's life."""
        return Timing.of(self, scale=self.time_scale)

    @property
    def has_private_playback(self) -> bool:
        """Return whether private videos can be played."""
        return bool(self.playback_signing_keys) and self.api_base_url is not None

    @field_validator(
        "webhook_signing_keys",
        "playback_signing_keys",
        "cors_origins",
        "embed_origins",
        "regions",
        "regions_down",
        "regions_elsewhere",
        "source_networks",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",")] if value.strip() else []

    @field_validator("playback_viewer_keys", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip().partition("=")[::2] for part in value.split(",")] if value.strip() else []

    @field_validator("regions")
    @classmethod
    def _are_distinct(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(regions)) < len(regions):
            raise ValueError("must name each region once")
        return regions

    @field_validator("region_countries")
    @classmethod
    def _names_countries(cls, text: str) -> str:
        countries_of(text)
        return text

    @property
    def countries(self) -> dict[str, str]:
        """Return the region of each country."""
        return countries_of(self.region_countries)

    @model_validator(mode="after")
    def _believes_a_proxy(self) -> Self:
        if self.country_header and not self.trusted_proxy_hops:
            raise ValueError("COUNTRY_HEADER: needs TRUSTED_PROXY_HOPS, since a client could send it too")
        return self

    @model_validator(mode="after")
    def _has_keys_for_tokens(self) -> Self:
        if self.jwt_jwks_url is not None and self.jwt_jwks_file is not None:
            raise ValueError("JWT_JWKS_URL and JWT_JWKS_FILE: only one of them")
        if self.jwt_signing_key is None and self.jwt_jwks_url is None and self.jwt_jwks_file is None:
            raise ValueError("JWT_SIGNING_KEY: is missing, and so are JWT_JWKS_URL and JWT_JWKS_FILE")
        return self

    @model_validator(mode="after")
    def _can_play_private_videos(self) -> Self:
        if bool(self.playback_signing_keys) != (self.api_base_url is not None):
            raise ValueError("PLAYBACK_SIGNING_KEYS and API_BASE_URL: set both or neither")
        names = [name for name, _ in self.playback_viewer_keys]
        if names and not self.has_private_playback:
            raise ValueError("PLAYBACK_VIEWER_KEYS: needs PLAYBACK_SIGNING_KEYS and API_BASE_URL")
        if len(set(names)) < len(names):
            raise ValueError("PLAYBACK_VIEWER_KEYS: must name each key once")
        own = {*self.playback_signing_keys, *self.webhook_signing_keys, self.jwt_signing_key}
        if any(key in own for _, key in self.playback_viewer_keys):
            raise ValueError("PLAYBACK_VIEWER_KEYS: must not be a key of the service itself")
        if self.default_visibility is Visibility.PRIVATE and not self.has_private_playback:
            raise ValueError("DEFAULT_VISIBILITY: private needs PLAYBACK_SIGNING_KEYS and API_BASE_URL")
        return self
