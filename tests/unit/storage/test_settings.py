"""The object store's settings: what stops the start, and what follows from what."""

import pytest
from pydantic import ValidationError

from runtime.settings import read_settings
from storage.settings import API_KEYS, OPERATOR_KEYS, StorageSettings, require_narrow_keys

NEEDED = {
    "S3_ENDPOINT": "https://tor1.digitaloceanspaces.com",
    "S3_REGION": "tor1",
    "S3_ACCESS_KEY": "main",
    "S3_SECRET_KEY": "main-secret",
    "S3_RAW_BUCKET": "raw",
    "S3_PROCESSED_BUCKET": "processed",
    "S3_PUBLIC_BASE_URL": "https://cdn.example.com/",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def read() -> StorageSettings:
    return read_settings(StorageSettings, process="the test")


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SystemExit, match=rf"\b{name}: Field required"):
        read()


@pytest.mark.parametrize("name", NEEDED)
def test_an_empty_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    with pytest.raises(SystemExit, match=rf"\b{name}: "):
        read()


@pytest.mark.parametrize("name", ["S3_ENDPOINT", "S3_PUBLIC_ENDPOINT"])
def test_the_cdn_host_is_refused_as_an_endpoint(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "https://raw.tor1.cdn.digitaloceanspaces.com")
    with pytest.raises(SystemExit, match=rf": {name}: must be the origin host"):
        read()


@pytest.mark.parametrize("url", ["tor1.digitaloceanspaces.com", "ftp://tor1", "https://", "https://x/?a=b"])
def test_an_endpoint_must_be_a_plain_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("S3_ENDPOINT", url)
    with pytest.raises(SystemExit, match=r"\bS3_ENDPOINT: "):
        read()


def test_unrelated_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = read()
    monkeypatch.setenv("S3_PORT", "tcp://10.0.0.1:80")
    for name in NEEDED:
        monkeypatch.setenv(name.removeprefix("S3_"), "http://stray.example.com")
    monkeypatch.setenv("ACL", "none")
    assert read() == before


def test_the_main_key_is_the_default_for_limited_keys() -> None:
    settings = read()
    assert settings.raw_reader == settings.raw_writer == settings.private_reader == settings.main
    assert settings.output_target.access_key.get_secret_value() == "main"
    assert settings.output_target.secret_key.get_secret_value() == "main-secret"


def test_each_limited_key_is_used_for_its_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_RAW_READER_ACCESS_KEY", "reader")
    monkeypatch.setenv("S3_RAW_READER_SECRET_KEY", "reader-secret")
    monkeypatch.setenv("S3_RAW_WRITER_ACCESS_KEY", "uploader")
    monkeypatch.setenv("S3_RAW_WRITER_SECRET_KEY", "uploader-secret")
    monkeypatch.setenv("S3_PROCESSED_WRITER_ACCESS_KEY", "writer")
    monkeypatch.setenv("S3_PROCESSED_WRITER_SECRET_KEY", "writer-secret")
    monkeypatch.setenv("S3_PRIVATE_READER_ACCESS_KEY", "viewer")
    monkeypatch.setenv("S3_PRIVATE_READER_SECRET_KEY", "viewer-secret")
    settings = read()
    assert settings.private_reader.access_key == "viewer"
    assert settings.raw_reader.access_key == "reader"
    assert settings.raw_writer.access_key == "uploader"
    assert settings.output_target.access_key.get_secret_value() == "writer"
    assert settings.output_target.bucket == "processed"


@pytest.mark.parametrize(
    "peer", ["http://127.0.0.1:8088/v2", "http://localhost/v2", "http://[::1]:80", "http://a.localhost."]
)
def test_on_this_machine_the_main_key_may_serve(peer: str) -> None:
    for fields in (API_KEYS, OPERATOR_KEYS):
        require_narrow_keys(read(), fields, peer=peer, process="the test")


@pytest.mark.parametrize(
    "peer",
    ["https://api.coconut.co/v2", "http://demo-coconut:8088/v2", "http://10.0.0.1", "http://127.0.0.1.example.com"],
)
@pytest.mark.parametrize("field", [*API_KEYS, *OPERATOR_KEYS])
def test_elsewhere_each_missing_narrower_key_is_named_in_one_line(peer: str, field: str) -> None:
    settings = read().model_copy(update=dict.fromkeys((*API_KEYS, *OPERATOR_KEYS), "set") | {field: None})
    fields = API_KEYS if field in API_KEYS else OPERATOR_KEYS
    with pytest.raises(SystemExit) as stopped:
        require_narrow_keys(settings, fields, peer=peer, process="the test")
    assert stopped.value.code == (
        f"the test cannot start: S3_{field.upper()} is required: the main key must not leave this service"
    )
    other = OPERATOR_KEYS if field in API_KEYS else API_KEYS
    require_narrow_keys(settings, other, peer=peer, process="the test")


def test_half_a_key_pair_stops_the_start_without_showing_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_RAW_READER_SECRET_KEY", "reader-secret")
    with pytest.raises(SystemExit) as stopped:
        read()
    assert stopped.value.code == (
        "the test cannot start: S3_RAW_READER_ACCESS_KEY and S3_RAW_READER_SECRET_KEY must be set together"
    )
    with pytest.raises(ValidationError) as caught:
        StorageSettings()  # type: ignore[call-arg]  # all of it comes from the environment
    assert "input" not in str(caught.value)


def test_playback_uses_the_cdn_and_signing_the_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read()
    assert settings.public_base_url == "https://cdn.example.com"
    assert settings.signing_endpoint == "https://tor1.digitaloceanspaces.com"
    monkeypatch.setenv("S3_PUBLIC_ENDPOINT", "https://files.example.com/")
    assert read().signing_endpoint == "https://files.example.com"


@pytest.mark.parametrize("value", ["", "none"])
def test_the_acl_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert read().acl == "public-read"
    monkeypatch.setenv("S3_ACL", value)
    assert read().acl is None


def test_the_largest_file_is_five_gibibytes_by_default() -> None:
    assert StorageSettings.model_fields["max_file_bytes"].default == 5_368_709_120
