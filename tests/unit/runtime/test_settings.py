"""Misspelt settings: names that begin like ours but are not settings."""

import ast
from importlib import import_module
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from runtime import settings as reading
from runtime.setting_names import BORROWED, OURS
from runtime.settings import read_settings, unknown_names

PROJECT = Path(__file__).parents[3]
ROOMS = ("controller", "crds", "database", "runtime", "storage", "webapi")


def settings_classes() -> list[type[BaseSettings]]:
    """Return every settings class of the product, found in its source."""
    return [
        getattr(import_module(".".join(file.relative_to(PROJECT).with_suffix("").parts)), node.name)
        for room in ROOMS
        for file in sorted((PROJECT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef) and "BaseSettings" in [ast.unparse(base) for base in node.bases]
    ]


def test_the_list_of_names_matches_the_settings_classes() -> None:
    ours: set[str] = set()
    borrowed: set[str] = set()
    for kind in settings_classes():
        prefix = kind.model_config.get("env_prefix", "")
        for field, about in kind.model_fields.items():
            if about.validation_alias is None:
                ours.add((prefix + field).upper())
            else:
                borrowed.add(str(about.validation_alias).upper())

    assert ours == OURS
    assert borrowed == BORROWED
    assert unknown_names(OURS | BORROWED) == {}


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        pytest.param("S3_ENDPIONT", "S3_ENDPOINT", id="letters-swapped"),
        pytest.param("s3_endpiont", "S3_ENDPOINT", id="in-lower-case-as-settings-may-be"),
        pytest.param("COCONUT_KEY", "COCONUT_API_KEY", id="word-left-out"),
        pytest.param("WEBHOOK_SIGNING_KEY", "WEBHOOK_SIGNING_KEYS", id="singular"),
        pytest.param("WEBHOOKS_SIGNING_KEYS", "WEBHOOK_SIGNING_KEYS", id="prefix-in-the-plural"),
        pytest.param("UPLOAD_PER_HOUR", "UPLOADS_PER_HOUR", id="prefix-in-the-singular"),
        pytest.param("JWT_ISSUERS", "JWT_ISSUER", id="plural"),
        pytest.param("LEASE_DURATION", "LEASE_DURATION_SECONDS", id="unit-left-out"),
        pytest.param("SWEEP_SECOND", "SWEEP_SECONDS", id="sweep"),
        pytest.param("RESYNC_MINUTES", "RESYNC_SECONDS", id="another-unit"),
        pytest.param("MAX_SUBMISSION", "MAX_SUBMISSIONS", id="after-a-limit-prefix"),
        pytest.param("RUNNING_JOBS_MAX", "MAX_RUNNING_JOBS", id="limit-as-suffix"),
        pytest.param("DATABASE_URI", "DATABASE_URL", id="database"),
    ],
)
def test_a_name_with_one_of_our_prefixes_that_is_no_setting_is_unknown(name: str, nearest: str) -> None:
    assert unknown_names(["PATH", name]) == {name: nearest}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("COCONUT_SERVICE_HOST", id="host"),
        pytest.param("COCONUT_SERVICE_PORT", id="port"),
        pytest.param("COCONUT_SERVICE_PORT_HTTP_V2", id="named-port"),
        pytest.param("S3_PORT", id="link"),
        pytest.param("S3_GATEWAY_PORT_443_TCP", id="link-of-one-port"),
        pytest.param("S3_GATEWAY_PORT_443_TCP_ADDR", id="address"),
        pytest.param("DATABASE_PORT_5432_TCP_PROTO", id="protocol"),
        pytest.param("WEBHOOK_PORT_53_UDP_PORT", id="port-of-a-link"),
    ],
)
def test_service_variables_of_kubernetes_are_ignored(name: str) -> None:
    assert unknown_names([name]) == {}


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOSTNAME", "POD_IP", "POD_NAMESPACE", "AWS_ACCESS_KEY_ID", "S3", "S3CMD_CONFIG", "THREADS_MAX", "_", ""],
)
def test_unrelated_names_are_ignored(name: str) -> None:
    assert unknown_names([name]) == {}


def test_a_new_setting_adds_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "OURS", frozenset({"MAIL_SENDER"}))
    monkeypatch.setattr(reading, "BORROWED", frozenset({"SMTP_HOST"}))

    assert unknown_names(["MAIL_SENDR", "MAIL_SENDER", "SMTP_HOST", "SMTP_HOTS"]) == {"MAIL_SENDR": "MAIL_SENDER"}


def test_reading_any_settings_fails_on_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Needed(BaseSettings):
        something: str

    monkeypatch.setenv("COCONUT_ULR", "https://5ec1e7@example.com")
    monkeypatch.setenv("LEASE_SECONDS", "5ec1e7")
    with pytest.raises(SystemExit) as stopped:
        read_settings(Needed, process="the test")

    assert stopped.value.code == (
        "the test cannot start: COCONUT_ULR: there is no such setting, the nearest is COCONUT_URL; "
        "LEASE_SECONDS: there is no such setting, the nearest is LEASE_RETRY_SECONDS"
    )
