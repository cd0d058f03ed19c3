"""Names that look like settings and are none: found by the words that our own names begin with."""

import ast
from pathlib import Path

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime import settings as reading
from runtime.settings import DECLARATIONS, declared_settings, known_names, read_settings, unknown_names

PROJECT = Path(__file__).parents[3]
ROOMS = ("controller", "crds", "database", "runtime", "storage", "webapi")


def test_every_class_of_settings_is_declared() -> None:
    found = set()
    for room in ROOMS:
        for file in (PROJECT / room).rglob("*.py"):
            module = ".".join(file.relative_to(PROJECT).with_suffix("").parts)
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ClassDef) and "BaseSettings" in [ast.unparse(base) for base in node.bases]:
                    found.add(f"{module}:{node.name}")

    assert found == set(DECLARATIONS)


def test_every_setting_of_every_process_is_known() -> None:
    ours, borrowed = known_names()

    assert {"S3_ENDPOINT", "COCONUT_URL", "JWT_ISSUER", "BIND", "MAX_SUBMISSIONS"} <= ours
    assert borrowed == {"POD_NAME"}
    assert len(ours | borrowed) >= max(len(kind.model_fields) for kind in declared_settings())
    assert unknown_names(ours | borrowed) == {}


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        pytest.param("S3_ENDPIONT", "S3_ENDPOINT", id="letters-swapped"),
        pytest.param("s3_endpiont", "S3_ENDPOINT", id="in-lower-case-as-settings-may-be"),
        pytest.param("COCONUT_KEY", "COCONUT_API_KEY", id="word-left-out"),
        pytest.param("WEBHOOK_SIGNING_KEY", "WEBHOOK_SIGNING_KEYS", id="singular"),
        pytest.param("WEBHOOKS_SIGNING_KEYS", "WEBHOOK_SIGNING_KEYS", id="family-in-the-plural"),
        pytest.param("UPLOAD_PER_HOUR", "UPLOADS_PER_HOUR", id="family-in-the-singular"),
        pytest.param("JWT_ISSUERS", "JWT_ISSUER", id="plural"),
        pytest.param("LEASE_DURATION", "LEASE_DURATION_SECONDS", id="unit-left-out"),
        pytest.param("PUBLISHER_THREAD", "PUBLISHER_THREADS", id="of-the-publisher"),
        pytest.param("SWEEP_SECOND", "SWEEP_SECONDS", id="of-the-sweep"),
        pytest.param("RESYNC_MINUTES", "RESYNC_SECONDS", id="another-unit"),
        pytest.param("MAX_SUBMISSION", "MAX_SUBMISSIONS", id="behind-a-measure"),
        pytest.param("RUNNING_JOBS_MAX", "MAX_RUNNING_JOBS", id="measure-behind"),
        pytest.param("DATABASE_URI", "DATABASE_URL", id="of-the-database"),
    ],
)
def test_a_name_of_our_families_that_is_no_setting_is_unknown(name: str, nearest: str) -> None:
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
def test_what_kubernetes_tells_about_services_is_left_alone(name: str) -> None:
    assert unknown_names([name]) == {}


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOSTNAME", "POD_IP", "POD_NAMESPACE", "AWS_ACCESS_KEY_ID", "S3", "S3CMD_CONFIG", "THREADS_MAX", "_", ""],
)
def test_names_of_others_are_left_alone(name: str) -> None:
    assert unknown_names([name]) == {}


def test_a_setting_added_later_brings_its_family(monkeypatch: pytest.MonkeyPatch) -> None:
    class Added(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="MAIL_")

        sender: str = "a@example.com"
        host: str = Field(default="", validation_alias="SMTP_HOST")

    monkeypatch.setattr(reading, "declared_settings", lambda: [Added])

    assert unknown_names(["MAIL_SENDR", "MAIL_SENDER", "SMTP_HOST", "SMTP_HOTS"]) == {"MAIL_SENDR": "MAIL_SENDER"}


def test_the_process_that_reads_any_settings_stops_at_an_unknown_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Needed(BaseSettings):
        something: str

    monkeypatch.setenv("COCONUT_ULR", "https://5ec1e7@example.com")
    monkeypatch.setenv("LEASE_SECONDS", "5ec1e7")
    with pytest.raises(SystemExit) as stopped:
        read_settings(Needed, who="the test")

    assert stopped.value.code == (
        "the test cannot start: COCONUT_ULR: there is no such setting, the nearest is COCONUT_URL; "
        "LEASE_SECONDS: there is no such setting, the nearest is LEASE_RETRY_SECONDS"
    )
