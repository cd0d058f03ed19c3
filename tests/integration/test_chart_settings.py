"""Settings and credentials from values to the processes: none is lost, and none is invented."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, SettingsConfigDict

from controller.settings import OperatorSettings
from devstack.chart import names_of, values
from devstack.paths import PROJECT_DIR
from domain.spending import PriceSettings
from runtime.tracing import TracingSettings
from storage.settings import StorageSettings
from tests.integration.charted import MINIMAL, PRODUCTION, Manifest, credentials_of, env_of, refused, rendered
from webapi.settings import Settings as ApiSettings

KINDS: dict[str, tuple[type[BaseSettings], ...]] = {
    "api": (ApiSettings, StorageSettings, TracingSettings),
    "operator": (OperatorSettings, StorageSettings, TracingSettings),
}
# What follows from the release itself, or from the pod.
GIVEN = {
    "api": {"NAMESPACE", "BIND"},
    "operator": {"NAMESPACE", "PROBE_HOST", "PROBE_PORT", "LEASE_NAME", "POD_NAME"},
}
# What the image says of itself, what is for tests, and what is for running outside a cluster. `extraEnv` reaches them.
NOT_OFFERED = {"WEB_DIR", "KUBECONFIG", "TIME_SCALE", "CRASH_AT", "CRASH_SIGNAL", "OTEL_EXPORTER_OTLP_HEADERS"}
# A process that does not use them does not see them.
NOT_SHOWN = {
    "api": {f"S3_{who}_{half}_KEY" for who in ("RAW_READER", "PROCESSED_WRITER") for half in ("ACCESS", "SECRET")},
    "operator": {f"S3_{who}_{half}_KEY" for who in ("RAW_WRITER", "PRIVATE_READER") for half in ("ACCESS", "SECRET")}
    | {"S3_PRIVATE_CDN_KEY"},
}


class Prices(PriceSettings, BaseSettings):
    """What is set for the operator, and given to the API too."""

    model_config = SettingsConfigDict(frozen=True)


# What is optional.
WITH_MAIL = ["--set=credentials.mail.existingSecret=mail", "--set=settings.operator.MAIL_FROM=a@example.com"]
WITH_PRIVATE_VIDEOS = [
    "--set=credentials.playback.existingSecret=playback",
    "--set=settings.api.API_BASE_URL=https://video.example.com",
]
SECRETS = {
    "DATABASE_URL": "postgresql://u:p@db/videos",
    "S3_ACCESS_KEY": "access",
    "S3_SECRET_KEY": "secret",
    "WEBHOOK_SIGNING_KEYS": "a callback key of the tests of charts",
    "JWT_SIGNING_KEY": "a signing key of the tests of charts",
    "COCONUT_API_KEY": "key",
}


def offered(process: str) -> dict[str, object]:
    """Return the settings that a process can be given by values, with their defaults there."""
    settings = values()["settings"]
    prices = {name: settings["operator"][name] for name in names_of(Prices)}
    return {**settings["shared"], **settings["storage"], **prices, **settings[process]}


def with_defaults(process: str) -> Iterator[tuple[str, object]]:
    for kind in KINDS[process]:
        for name, field in names_of(kind).items():
            default = kind.model_fields[field].get_default(call_default_factory=True)
            if default is not PydanticUndefined:
                yield name, default


@pytest.mark.parametrize("process", ["api", "operator"])
def test_the_chart_offers_exactly_the_settings_of_each_process(process: str) -> None:
    known = {name for kind in KINDS[process] for name in names_of(kind)}
    shown = set(credentials_of(rendered("r", *WITH_MAIL, *WITH_PRIVATE_VIDEOS, values=MINIMAL), process))
    reached = set(offered(process)) | shown | GIVEN[process] | NOT_SHOWN[process]
    assert reached | NOT_OFFERED >= known, f"no value leads to {known - reached - NOT_OFFERED}"
    assert reached <= known, f"no process reads {reached - known}"
    assert not set(offered(process)) & (shown | GIVEN[process] | NOT_OFFERED)


@pytest.mark.parametrize("process", ["api", "operator"])
def test_the_charts_defaults_are_those_of_the_process(process: str) -> None:
    offers = offered(process)
    differ = {
        name: (offers[name], default)
        for name, default in with_defaults(process)
        if name in offers and offers[name] not in (default, {None: "", (): ""}.get(default))  # type: ignore[call-overload]
    }
    assert differ == {}


@pytest.mark.parametrize("process", ["api", "operator"])
def test_every_setting_reaches_its_process(process: str) -> None:
    changed = {name: _another(value) for name, value in offered(process).items()}
    parts = {
        part: {name: changed[name] for name in own if name in changed} for part, own in values()["settings"].items()
    }
    reached = env_of(rendered("r", "--skip-schema-validation", values=MINIMAL, more={"settings": parts}), process)
    assert {name: reached[name] for name in changed} == {name: str(value) for name, value in changed.items()}


def _another(value: object) -> object:
    return value + 1 if isinstance(value, int) else f"another {value}"


@pytest.mark.parametrize("process", ["api", "operator"])
def test_a_process_accepts_the_variables_that_the_chart_renders(
    process: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = rendered("r", values=MINIMAL)
    for name in credentials_of(documents, process):
        if name in SECRETS:
            (tmp_path / name).write_text(SECRETS[name])
    for name, value in env_of(documents, process).items():
        monkeypatch.setenv(name, value)
    understood = [kind(_secrets_dir=tmp_path) for kind in KINDS[process]]
    for settings in understood:
        for field, default in ((field, about.default) for field, about in type(settings).model_fields.items()):
            if default is not PydanticUndefined and field.upper() not in SECRETS | dict.fromkeys(GIVEN[process]):
                assert getattr(settings, field) == default, field


def test_the_key_of_a_regions_cdn_reaches_the_api_alone() -> None:
    documents = rendered("r", values=PROJECT_DIR / "docs" / "examples" / "values-regions.yaml")
    assert "REGION_FRA1_S3_PRIVATE_CDN_KEY" in credentials_of(documents, "api")
    assert not [name for name in credentials_of(documents, "operator") if "PRIVATE_CDN" in name]


def test_each_process_sees_the_credentials_that_it_uses_and_no_others() -> None:
    documents = rendered("r", values=MINIMAL)
    assert "COCONUT_API_KEY" not in credentials_of(documents, "api")
    assert "JWT_SIGNING_KEY" not in credentials_of(documents, "operator")


def test_credentials_may_come_from_several_secrets_under_other_names() -> None:
    shown = credentials_of(rendered("r", values=PRODUCTION), "operator")
    assert shown["DATABASE_URL"] == ("videos-postgres", "uri")
    assert shown["COCONUT_API_KEY"] == ("videos-coconut", "COCONUT_API_KEY")


def test_no_credential_is_in_a_variable() -> None:
    documents = rendered("r", values=MINIMAL)
    for process, kinds in KINDS.items():
        secret = {name for kind in kinds for name in names_of(kind)} & set(SECRETS)
        assert not secret & set(env_of(documents, process))


def test_credentials_are_mounted_so_that_a_rotation_reaches_them() -> None:
    documents = rendered("r", values=PRODUCTION)
    containers: list[Manifest] = [
        container
        for document in documents
        if document["kind"] == "Deployment"
        for part in ("initContainers", "containers")
        for container in document["spec"]["template"]["spec"][part]
    ]
    assert len(containers) == 4
    for container in containers:
        assert not [mount for mount in container["volumeMounts"] if "subPath" in mount]
        assert not [variable for variable in container["env"] if "secretKeyRef" in variable.get("valueFrom", {})]
        assert not container.get("envFrom")


def test_the_chart_refuses_to_send_the_main_key_elsewhere() -> None:
    without = "--set=credentials.storage.narrowKeys=false"
    said = refused(f"--values={MINIMAL}", without)
    assert "credentials.storage.narrowKeys (the main key must not sign uploads or go to Coconut)" in said
    store = "--set=settings.storage.S3_ENDPOINT=http://127.0.0.1:7070"
    coconut = "--set=settings.operator.COCONUT_URL=http://localhost:8088/v2"
    for one in (store, coconut):
        assert "narrowKeys" in refused(f"--values={MINIMAL}", without, one)
    documents = rendered("r", without, store, coconut, values=MINIMAL)
    assert {"S3_RAW_WRITER_SECRET_KEY", "S3_PRIVATE_READER_SECRET_KEY"} <= set(credentials_of(documents, "api"))
