"""URLs of private files at CDNs: what their edges would serve, and what stops the start.

The edges are those of tests/support/cdn_edges.py; besides, botocore and vectors of the vendors have their say.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from runtime.logs import redact
from storage.object_store import Storage
from storage.presign import SIGNED_AT_MOST
from storage.private_reads import BunnyReads, CloudflareReads, CloudFrontReads, PrivateReads, cdn_reads
from storage.regions import read_stores
from tests.support.builders.storage import storage_settings
from tests.support.cdn_edges import bunny_serves, cloudflare_serves, cloudfront_serves
from tests.support.fakes.store import Answer, FakeStore

NOW = datetime(2026, 3, 1, 12, 15, tzinfo=UTC)
ENDS = NOW + timedelta(hours=4)
SHARED = "SecurityKey-SecurityKey-SecurityKey"
KEY_ID = "K2JCJMDEHXQW5F"
BASE = "https://films.example.net"
FOLDER = "private/v1/1-abc/hls/360p"
SEGMENT = f"{FOLDER}/000.ts"
PICTURE = "private/v1/thumbnail.jpg"
Serves = Callable[[str, datetime], bool]


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Any) -> str:
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()


def settings_of(cdn: str, **changes: str) -> dict[str, str]:
    key = {"cloudfront-rsa": lambda: pem(rsa_key()), "cloudfront-ec": lambda: pem(ec_key())}.get(cdn, lambda: SHARED)()
    kind = cdn.partition("-")[0]
    known = {"private_cdn": kind, "private_cdn_base_url": BASE, "private_cdn_key": key, "private_cdn_key_id": KEY_ID}
    return known | changes


def edge_of(cdn: str) -> Serves:
    match cdn:
        case "bunny":
            return lambda url, now: bunny_serves(url, key=SHARED, now=int(now.timestamp()))
        case "cloudflare":
            week = 7 * 24 * 3600
            return lambda url, now: cloudflare_serves(url, key=SHARED, lifetime=week, now=int(now.timestamp()))
        case _:
            key = rsa_key() if cdn == "cloudfront-rsa" else ec_key()
            public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
            return lambda url, now: cloudfront_serves(url, public_key=public, key_id=KEY_ID, now=int(now.timestamp()))


CDNS = pytest.mark.parametrize("cdn", ["bunny", "cloudflare", "cloudfront-rsa", "cloudfront-ec"])
BASES = pytest.mark.parametrize("base", [BASE, "https://cdn.example.com:8443/films"])


def reads(cdn: str, **changes: str) -> PrivateReads:
    found = cdn_reads(storage_settings(**settings_of(cdn, **changes)))
    assert found is not None
    return found


@CDNS
@BASES
def test_the_edge_serves_a_file_until_its_url_ends(cdn: str, base: str) -> None:
    url = reads(cdn, private_cdn_base_url=base).file(PICTURE, signed_at=NOW, ends_at=ENDS)
    serves = edge_of(cdn)
    assert url.startswith(f"{base}/{PICTURE}?")
    assert serves(url, NOW)
    assert serves(url, ENDS - timedelta(seconds=1))
    assert not serves(url, ENDS)


@CDNS
def test_the_url_of_a_file_opens_no_other(cdn: str) -> None:
    url, serves = reads(cdn).file(PICTURE, signed_at=NOW, ends_at=ENDS), edge_of(cdn)
    assert serves(url, NOW)
    for other in ("private/v1/1-abc/hls/360p/000.ts", "private/v1/thumbnail.jpg2", "private/v2/thumbnail.jpg"):
        assert not serves(url.replace(PICTURE, other), NOW)


@CDNS
@BASES
def test_every_segment_of_a_folder_is_served_until_the_viewing_ends(cdn: str, base: str) -> None:
    url = reads(cdn, private_cdn_base_url=base).folder(FOLDER, signed_at=NOW, ends_at=ENDS)
    serves = edge_of(cdn)
    for name in ("000.ts", "audio/000.ts", "a b+c~'(é).ts"):
        assert serves(url(f"{FOLDER}/{name}"), ENDS - timedelta(seconds=1)), name
        assert not serves(url(f"{FOLDER}/{name}"), ENDS), name


@CDNS
def test_the_urls_of_a_folder_open_nothing_beside_it(cdn: str) -> None:
    url, serves = reads(cdn).folder(FOLDER, signed_at=NOW, ends_at=ENDS)(SEGMENT), edge_of(cdn)
    assert serves(url, NOW)
    for other in (f"{FOLDER}x/000.ts", "private/v1/1-abc/hls/720p/000.ts", "private/v2/1-abc/hls/360p/000.ts"):
        assert not serves(url.replace(SEGMENT, other), NOW)


@CDNS
@pytest.mark.parametrize("folder", ["private/*", "private/v?"])
def test_a_folder_with_a_wildcard_in_its_name_is_that_folder(cdn: str, folder: str) -> None:
    url, serves = reads(cdn).folder(folder, signed_at=NOW, ends_at=ENDS)(f"{folder}/000.ts"), edge_of(cdn)
    assert serves(url, NOW)
    assert not serves(url.replace("%2A", "v1").replace("%3F", "1"), NOW)


@CDNS
def test_the_edge_serves_nothing_that_another_key_signed(cdn: str) -> None:
    another: Callable[[], str] = {
        "cloudfront-rsa": lambda: pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        "cloudfront-ec": lambda: pem(ec.generate_private_key(ec.SECP256R1())),
    }.get(cdn, SHARED.swapcase)
    url = reads(cdn, private_cdn_key=another()).file(PICTURE, signed_at=NOW, ends_at=ENDS)
    assert not edge_of(cdn)(url, NOW)


def test_a_policy_for_cloudfront_is_that_of_botocore() -> None:
    key = rsa_key()
    ours = reads("cloudfront-rsa").file(PICTURE, signed_at=NOW, ends_at=ENDS)
    signer = CloudFrontSigner(KEY_ID, lambda message: key.sign(message, PKCS1v15(), SHA256()))
    policy = signer.build_policy(f"{BASE}/{PICTURE}", ENDS)
    assert ours == signer.generate_presigned_url(f"{BASE}/{PICTURE}", policy=policy) + "&Hash-Algorithm=SHA256"


@pytest.mark.parametrize(
    ("base", "is_folder", "url"),
    [
        # The vector "plain" of Bunny's own tests: https://github.com/BunnyWay/BunnyCDN.TokenAuthentication (2.1.0).
        pytest.param(
            None, False,
            "?token=HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4&expires=1598024587", id="plain",
        ),
        # What its code for Python makes, in the same version.
        pytest.param(
            "https://films.b-cdn.net", False,
            "?token=HS256-L2wnhX7C0y08k-ABXvYqNaFu63kMs9bqAeRXj3n6Nbg&expires=1772380800", id="file",
        ),
        pytest.param(
            "https://cdn.example.com/films", False,
            "?token=HS256-D2M_Qp-GheJQlExwL9pXgE4fGjAboqDMexQAICHOSaE&expires=1772380800", id="file-below-a-path",
        ),
        pytest.param(
            "https://films.b-cdn.net", True,
            "?token=HS256-4JEQzqQbpQlmyecjYJSjylS3eBSbo2nolgrMqXH6ecI"
            "&token_path=%2Fprivate%2Fv1%2F1-abc%2Fhls%2F360p%2F&expires=1772380800", id="folder",
        ),
    ],
)  # fmt: skip
def test_a_token_for_bunny_is_that_of_its_own_code(base: str | None, is_folder: bool, url: str) -> None:
    ends_at = datetime.fromtimestamp(int(url.rpartition("=")[2]), UTC)
    if base is None:
        made = BunnyReads("https://token-tester.b-cdn.net", "SecurityKey").file(
            "300kb.jpg", signed_at=NOW, ends_at=ends_at
        )
        assert made == f"https://token-tester.b-cdn.net/300kb.jpg{url}"
    elif is_folder:
        made = BunnyReads(base, SHARED).folder(FOLDER, signed_at=NOW, ends_at=ends_at)(SEGMENT)
        assert made == f"{base}/{SEGMENT}{url}"
    else:
        assert BunnyReads(base, SHARED).file(PICTURE, signed_at=NOW, ends_at=ends_at) == f"{base}/{PICTURE}{url}"


def test_a_url_for_cloudflare_was_issued_in_the_past_however_long_it_lasts() -> None:
    for ends_at in (NOW + timedelta(seconds=1), NOW + SIGNED_AT_MOST):
        url = CloudflareReads(BASE, SHARED).file(PICTURE, signed_at=NOW, ends_at=ends_at)
        issued = int(parse_qs(urlsplit(url).query)["verify"][0].partition("-")[0])
        assert issued <= NOW.timestamp()
        assert issued + SIGNED_AT_MOST.total_seconds() == ends_at.timestamp()


@CDNS
def test_a_playlist_names_its_segments_at_the_cdn(cdn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeStore(monkeypatch)
    store.answers = [Answer(body=b"#EXTM3U\n#EXTINF:6,\n000.ts\n#EXTINF:6,\n001.ts\n#EXT-X-ENDLIST\n")]
    files, serves = Storage(storage_settings(**settings_of(cdn))), edge_of(cdn)
    text = files.signed_playlist("v1", "1-abc/hls/360p/index.m3u8", signed_at=NOW, ends_at=ENDS)
    assert text is not None
    urls = [line for line in text.splitlines() if not line.startswith("#")]
    assert [urlsplit(url).path for url in urls] == [f"/{FOLDER}/000.ts", f"/{FOLDER}/001.ts"]
    assert all(serves(url, NOW) and not serves(url, ENDS) for url in urls)
    assert urlsplit(store.requests[0].url).hostname == "done.tor1.digitaloceanspaces.com"


@CDNS
def test_a_url_lasts_a_week_at_most(cdn: str) -> None:
    url = Storage(storage_settings(**settings_of(cdn))).presign_private(
        "v1", "thumbnail.jpg", signed_at=NOW, ends_at=NOW + timedelta(days=30)
    )
    assert edge_of(cdn)(url, NOW + SIGNED_AT_MOST - timedelta(seconds=1))
    assert not edge_of(cdn)(url, NOW + SIGNED_AT_MOST)


@CDNS
def test_what_opens_a_file_is_redacted(cdn: str) -> None:
    for url in (
        reads(cdn).file(PICTURE, signed_at=NOW, ends_at=ENDS),
        reads(cdn).folder(FOLDER, signed_at=NOW, ends_at=ENDS)(SEGMENT),
    ):
        said = redact(f"GET {url} failed")
        assert "[redacted]" in said
        assert not any(edge_of(cdn)(word, NOW) for word in said.split())
        for name in ("token", "Signature", "verify"):
            for value in parse_qs(urlsplit(url).query).get(name, []):
                assert value not in said


NEEDED = {
    "S3_ENDPOINT": "https://tor1.digitaloceanspaces.com",
    "S3_REGION": "tor1",
    "S3_ACCESS_KEY": "main",
    "S3_SECRET_KEY": "main-secret",
    "S3_RAW_BUCKET": "raw",
    "S3_PROCESSED_BUCKET": "processed",
    "S3_PUBLIC_BASE_URL": "https://cdn.example.com/",
    "S3_RAW_WRITER_ACCESS_KEY": "uploader",
    "S3_RAW_WRITER_SECRET_KEY": "uploader-secret",
}


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Read the settings of an API that plays private videos, with further variables."""

    def read(**changes: str) -> None:
        for name, value in (NEEDED | changes).items():
            monkeypatch.setenv(name, value)
        read_stores("", [], process="the test", plays_private=True)

    return read


def test_a_cdn_needs_no_key_of_the_store(start: Callable[..., None]) -> None:
    start(S3_PRIVATE_CDN="bunny", S3_PRIVATE_CDN_BASE_URL=BASE, S3_PRIVATE_CDN_KEY=SHARED)


def test_a_key_in_pem_may_come_as_a_file(
    start: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "S3_PRIVATE_CDN_KEY").write_text(pem(rsa_key()))
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    start(S3_PRIVATE_CDN="cloudfront", S3_PRIVATE_CDN_BASE_URL=BASE, S3_PRIVATE_CDN_KEY_ID=KEY_ID)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, "S3_PRIVATE_READER_ACCESS_KEY, S3_PRIVATE_READER_SECRET_KEY are required:", id="none"),
        pytest.param({"S3_PRIVATE_CDN": "none"}, "S3_PRIVATE_READER_ACCESS_KEY, S3_PRIVATE_READER", id="off"),
        pytest.param({"S3_PRIVATE_CDN": "akamai"}, "S3_PRIVATE_CDN: Input should be", id="unknown"),
        pytest.param({"S3_PRIVATE_CDN": "bunny"}, "S3_PRIVATE_CDN_BASE_URL: is missing", id="no-url"),
        pytest.param(
            {"S3_PRIVATE_CDN": "bunny", "S3_PRIVATE_CDN_BASE_URL": BASE}, "S3_PRIVATE_CDN_KEY: is missing", id="no-key"
        ),
        pytest.param(
            {"S3_PRIVATE_CDN": "cloudflare", "S3_PRIVATE_CDN_BASE_URL": BASE, "S3_PRIVATE_CDN_KEY": "5ec1e7"},
            "S3_PRIVATE_CDN_KEY: must have at least 32 bytes", id="short-key",
        ),
        pytest.param(
            {"S3_PRIVATE_CDN": "cloudfront", "S3_PRIVATE_CDN_BASE_URL": BASE, "S3_PRIVATE_CDN_KEY": "5ec1e7"},
            "S3_PRIVATE_CDN_KEY_ID: is missing", id="no-id",
        ),
        pytest.param(
            {
                "S3_PRIVATE_CDN": "cloudfront", "S3_PRIVATE_CDN_BASE_URL": BASE, "S3_PRIVATE_CDN_KEY": "5ec1e7" * 9,
                "S3_PRIVATE_CDN_KEY_ID": KEY_ID,
            },
            "S3_PRIVATE_CDN_KEY: must be a private key in PEM", id="not-pem",
        ),
        pytest.param({"S3_PRIVATE_CDN_KEY_ID": "a b"}, "S3_PRIVATE_CDN_KEY_ID: String should match", id="id"),
        pytest.param({"S3_PRIVATE_CDN_BASE_URL": f"{BASE}?a=b"}, "S3_PRIVATE_CDN_BASE_URL: must be", id="url"),
    ],
)  # fmt: skip
def test_what_is_missing_or_unusable_stops_the_start_by_name(
    start: Callable[..., None], changes: dict[str, str], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        start(**changes)
    assert str(stopped.value.code).startswith(f"the test cannot start: {said}")
    assert "5ec1e7" not in str(stopped.value.code)


@pytest.mark.parametrize("key", [ec.SECP384R1(), 1024, 4096])
def test_cloudfront_takes_two_kinds_of_keys(key: Any) -> None:
    other = (
        rsa.generate_private_key(public_exponent=65537, key_size=key)
        if isinstance(key, int)
        else ec.generate_private_key(key)
    )
    with pytest.raises(ValueError, match="of RSA with 2048 bits or of ECDSA"):
        CloudFrontReads(BASE, pem(other), KEY_ID)
