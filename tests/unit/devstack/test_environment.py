"""The stack gives the services every setting they need, and none that they do not know."""

from pathlib import Path

import pytest

from controller.settings import OperatorSettings
from devstack.child_environment import child_environment
from devstack.coconut_server import CoconutAccess
from devstack.environment import ServiceConfig, local_s3
from devstack.options import StackOptions
from devstack.paths import Paths
from devstack.s3 import access
from runtime.setting_names import BORROWED, OURS
from runtime.settings import read_settings, unknown_names
from storage.settings import StorageSettings
from webapi.settings import Settings as ApiSettings

# This variable is Python's own.
_OF_PYTHON = {"PYTHONUNBUFFERED"}


@pytest.fixture
def config(tmp_path: Path) -> ServiceConfig:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch()
    paths = Paths(tmp_path)
    return ServiceConfig(
        database_url="postgresql://localhost/videos",
        s3=local_s3(access(paths, 7070, bucket="videos")),
        coconut=CoconutAccess(url="http://127.0.0.1:8090/v2", api_key="k"),
        mail_url="smtp://127.0.0.1:25",
        namespace="video-uploads",
        api_kubeconfig=kubeconfig,
        operator_kubeconfig=kubeconfig,
        api_port=8080,
        operator_port=8081,
        secrets=paths.secrets(),
        options=StackOptions(),
    )


def test_the_services_get_no_unknown_setting(config: ServiceConfig) -> None:
    for environment in (config.for_api(), config.for_operator()):
        assert unknown_names(environment) == {}
        assert set(environment) <= OURS | BORROWED | set(child_environment()) | _OF_PYTHON


def test_the_services_get_every_required_setting(config: ServiceConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (config.for_operator() | config.for_api()).items():
        monkeypatch.setenv(name, value)

    for kind in (ApiSettings, OperatorSettings, StorageSettings):
        read_settings(kind, process="the test")
