"""Settings: what is missing or malformed stops the start, by name, and without showing secrets."""

from pathlib import Path

import pytest

from runtime.logs import LogFormat
from runtime.settings import read_settings
from webapi.settings import Settings

API = "https://api.example.com"
GOOD = {
    "JWT_SIGNING_KEY": "k" * 32,
    "JWT_ISSUER": "https://login.example.com",
    "JWT_AUDIENCE": "video-uploads",
    "WEBHOOK_SIGNING_KEYS": f"{'n' * 32}, {'o' * 32}",
    "DATABASE_URL": "postgresql://localhost/videos",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_the_required_settings_are_enough() -> None:
    settings = read_settings(Settings, process="the API")

    assert [key.get_secret_value() for key in settings.webhook_signing_keys] == ["n" * 32, "o" * 32]
    assert (settings.uploads_per_hour, settings.time_scale, settings.log_format) == (10, 1.0, LogFormat.JSON)
    assert settings.bind.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_stops_the_start_with_its_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SystemExit) as stopped:
        read_settings(Settings, process="the API")

    message = str(stopped.value)
    assert name in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("JWT_SIGNING_KEY", "5ec1e7" * 5, id="short-token-key"),
        pytest.param("WEBHOOK_SIGNING_KEYS", "5ec1e7" * 5, id="short-callback-key"),
        pytest.param("WEBHOOK_SIGNING_KEYS", f"{'n' * 32},", id="empty-second-key"),
        pytest.param("WEBHOOK_SIGNING_KEYS", ",".join(["5ec1e7" * 6] * 3), id="three-callback-keys"),
        pytest.param("WEBHOOK_SIGNING_KEYS", "", id="no-callback-key"),
        pytest.param("DATABASE_URL", "", id="empty-database"),
        pytest.param("JWT_JWKS_URL", "http://login.example.com/keys", id="keys-without-tls"),
        pytest.param("JWT_JWKS_URL", "file:///etc/keys", id="keys-from-nowhere"),
        pytest.param("JWT_JWKS_FILE", "/does/not/exist", id="no-file-of-keys"),
        pytest.param("CORS_ORIGINS", "*", id="every-origin"),
        pytest.param("CORS_ORIGINS", "null", id="the-null-origin"),
        pytest.param("CORS_ORIGINS", "https://app.example.com/", id="origin-with-a-path"),
        pytest.param("CORS_ORIGINS", "https://*.example.com", id="origin-with-a-wildcard"),
        pytest.param("EMBED_ORIGINS", "https://*.example.com", id="framed-by-a-wildcard"),
        pytest.param("EMBED_ORIGINS", "'self'; script-src *", id="framed-by-another-rule"),
        pytest.param("WATCH_BASE_URL", "videos.example.com", id="viewers-without-a-scheme"),
        pytest.param("WATCH_BASE_URL", "https://videos.example.com/", id="viewers-below-a-path"),
        pytest.param("UPLOADS_PER_HOUR", "ten", id="limit-in-words"),
        pytest.param("UPLOADS_PER_HOUR", "-1", id="negative-limit"),
        pytest.param("TIME_SCALE", "0", id="no-time-at-all"),
        pytest.param("TIME_SCALE", "2", id="slower-than-life"),
        pytest.param("LOG_FORMAT", "xml", id="unknown-format"),
        pytest.param("LOG_LEVEL", "LOUD", id="unknown-level"),
        pytest.param("NAMESPACE", "Not A Name", id="bad-namespace"),
        pytest.param("KUBECONFIG", "/nowhere/kubeconfig", id="no-such-kubeconfig"),
    ],
)
def test_a_malformed_setting_stops_the_start_without_showing_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        read_settings(Settings, process="the API")

    message = str(stopped.value)
    assert name in message
    assert "5ec1e7" not in message
    assert "\n" not in message


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    shown = repr(read_settings(Settings, process="the API"))

    assert "k" * 32 not in shown
    assert "n" * 32 not in shown


def test_public_keys_may_stand_in_for_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_SIGNING_KEY")
    monkeypatch.setenv("JWT_JWKS_URL", "https://login.example.com/keys")

    assert read_settings(Settings, process="the API").jwt_signing_key is None


def test_public_keys_come_from_one_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.touch()
    monkeypatch.setenv("JWT_JWKS_URL", "https://login.example.com/keys")
    monkeypatch.setenv("JWT_JWKS_FILE", str(file))
    with pytest.raises(SystemExit) as stopped:
        read_settings(Settings, process="the API")

    assert "JWT_JWKS_URL and JWT_JWKS_FILE: only one" in str(stopped.value)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({"PLAYBACK_SIGNING_KEYS": "p" * 32}, ["PLAYBACK_SIGNING_KEYS", "API_BASE_URL"], id="no-url"),
        pytest.param({"API_BASE_URL": "https://api.example.com"}, ["PLAYBACK_SIGNING_KEYS"], id="no-key"),
        pytest.param({"DEFAULT_VISIBILITY": "private"}, ["DEFAULT_VISIBILITY"], id="neither"),
        pytest.param(
            {"API_BASE_URL": f"{API}?a=1", "PLAYBACK_SIGNING_KEYS": "p" * 32},
            ["API_BASE_URL"],
            id="query",
        ),
        pytest.param(
            {"API_BASE_URL": API, "PLAYBACK_SIGNING_KEYS": "p"},
            ["PLAYBACK_SIGNING_KEYS"],
            id="short",
        ),
        pytest.param({"PLAYBACK_VIEWER_KEYS": f"app={'v' * 32}"}, ["PLAYBACK_VIEWER_KEYS"], id="viewers-without"),
    ],
)
def test_what_private_videos_need_is_set_together(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], names: list[str]
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        read_settings(Settings, process="the API")
    assert all(name in str(stopped.value) for name in names)


def test_private_videos_may_be_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYBACK_SIGNING_KEYS", f"{'p' * 32},{'q' * 32}")
    monkeypatch.setenv("API_BASE_URL", "https://api.example.com/")
    monkeypatch.setenv("DEFAULT_VISIBILITY", "private")
    settings = read_settings(Settings, process="the API")
    assert (settings.default_visibility, settings.api_base_url) == ("private", "https://api.example.com")
    assert settings.has_private_playback


def test_keys_of_apps_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYBACK_SIGNING_KEYS", "p" * 32)
    monkeypatch.setenv("API_BASE_URL", API)
    monkeypatch.setenv("PLAYBACK_VIEWER_KEYS", f"app={'v' * 31}=, next=ed25519:{'A' * 43}")
    settings = read_settings(Settings, process="the API")
    keys = {name: key.get_secret_value() for name, key in settings.playback_viewer_keys}
    assert keys == {"app": f"{'v' * 31}=", "next": f"ed25519:{'A' * 43}"}


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param("5ec1e7" * 6, id="no-name"),
        pytest.param(f"={'5ec1e7' * 6}", id="empty-name"),
        pytest.param(f"a b={'5ec1e7' * 6}", id="name-with-a-space"),
        pytest.param("app=5ec1e7", id="short"),
        pytest.param("app=ed25519:5ec1e7", id="no-public-key"),
        pytest.param(f"app=ed25519:{'5' * 43}", id="not-32-bytes"),
        pytest.param(f"app={'5ec1e7' * 6},app={'6ec1e7' * 6}", id="a-name-twice"),
        pytest.param(f"app={'p' * 32}", id="the-services-own-key"),
        pytest.param(",".join(f"a{number}={'5ec1e7' * 6}" for number in range(9)), id="nine"),
    ],
)
def test_a_key_of_an_app_that_cannot_be_used_stops_the_start(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    monkeypatch.setenv("PLAYBACK_SIGNING_KEYS", "p" * 32)
    monkeypatch.setenv("API_BASE_URL", API)
    monkeypatch.setenv("PLAYBACK_VIEWER_KEYS", keys)
    with pytest.raises(SystemExit) as stopped:
        read_settings(Settings, process="the API")
    assert "PLAYBACK_VIEWER_KEYS" in str(stopped.value)
    assert "5ec1e7" not in str(stopped.value)


def test_any_origin_or_a_list_of_them_may_frame_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings(Settings, process="the API").embed_origins == ()

    for value, origins in (("*", ("*",)), ("https://a.example.com,https://b.example.com:8443", None)):
        monkeypatch.setenv("EMBED_ORIGINS", value)
        assert read_settings(Settings, process="the API").embed_origins == (origins or tuple(value.split(",")))


def test_origins_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings(Settings, process="the API").cors_origins == ()

    monkeypatch.setenv("CORS_ORIGINS", "https://app.example.com, http://localhost:5173")
    assert read_settings(Settings, process="the API").cors_origins == (
        "https://app.example.com",
        "http://localhost:5173",
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"REGIONS": "fra1,FRA1"}, "REGIONS.1: ", id="not-a-name"),
        pytest.param({"REGIONS": "fra1,fra1"}, "REGIONS: must name each region once", id="twice"),
        pytest.param({"REGION": "Canada"}, "REGION: ", id="home-not-a-name"),
        pytest.param({"REGION_COUNTRIES": "fra1=Germany"}, "REGION_COUNTRIES: Germany must be two", id="no-code"),
        pytest.param(
            {"COUNTRY_HEADER": "CF-IPCountry"}, "COUNTRY_HEADER: needs TRUSTED_PROXY_HOPS", id="header-of-a-client"
        ),
        pytest.param(
            {"COUNTRY_HEADER": "CF-IPCountry", "TRUSTED_PROXY_HOPS": "0"},
            "COUNTRY_HEADER: needs TRUSTED_PROXY_HOPS",
            id="header-without-a-proxy",
        ),
    ],
)
def test_regions_that_make_no_sense_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], message: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        read_settings(Settings, process="the API")

    assert message in str(stopped.value)


def test_regions_are_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "REGIONS": "fra1, sfo3",
        "REGIONS_DOWN": "fra1",
        "REGION_COUNTRIES": "fra1=DE FR",
        "COUNTRY_HEADER": "CF-IPCountry",
        "TRUSTED_PROXY_HOPS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    settings = read_settings(Settings, process="the API")

    assert (settings.regions, settings.regions_down) == (("fra1", "sfo3"), ("fra1",))
    assert settings.countries == {"DE": "fra1", "FR": "fra1"}
