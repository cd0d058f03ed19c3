"""The options of a stack."""

from pathlib import Path

import pytest

from devstack.options import OptionError, StackOptions
from devstack.plan import tools_for

_OWN_S3 = {
    "S3_ENDPOINT": "https://tor1.example.test",
    "S3_REGION": "tor1",
    "S3_ACCESS_KEY": "key",
    "S3_SECRET_KEY": "secret",
    "S3_RAW_BUCKET": "raw",
    "S3_PROCESSED_BUCKET": "processed",
    "S3_PUBLIC_BASE_URL": "https://cdn.example.test",
}


def test_without_options_every_part_is_local() -> None:
    assert StackOptions.from_environment({}, time_scale=1) == StackOptions()


def test_a_kubeconfig_alone_replaces_nothing() -> None:
    assert StackOptions.from_environment({"KUBECONFIG": "/home/me/.kube/config"}, time_scale=1).kubeconfig is None


def test_an_existing_cluster_replaces_the_local_one(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.touch()
    chosen = StackOptions.from_environment({"CLUSTER": "existing", "KUBECONFIG": str(file)}, time_scale=1)
    assert chosen.kubeconfig == str(file)
    assert "kube-apiserver" not in tools_for(chosen)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        pytest.param({"CLUSTER": "existing"}, "KUBECONFIG", id="existing-without-a-kubeconfig"),
        pytest.param({"CLUSTER": "minikube"}, "minikube", id="unknown-kind-of-cluster"),
        pytest.param({"COCONUT_URL": "https://api.example.test/v2"}, "COCONUT_API_KEY", id="coconut-without-a-key"),
        pytest.param({"S3_ENDPOINT": "https://s3.example.test"}, "S3_SECRET_KEY", id="s3-without-keys"),
    ],
)
def test_an_incomplete_option_is_refused_by_name(environment: dict[str, str], named: str) -> None:
    with pytest.raises(OptionError, match=named):
        StackOptions.from_environment(environment, time_scale=1)


@pytest.mark.parametrize("time_scale", [0, -1, 1.5])
def test_time_cannot_stand_still_or_be_stretched(time_scale: float) -> None:
    with pytest.raises(OptionError, match="--scale"):
        StackOptions.from_environment({}, time_scale=time_scale)


def test_options_are_saved(tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    chosen = StackOptions.from_environment(
        _OWN_S3
        | {
            "DATABASE_URL": "postgresql://db.example.test/x",
            "COCONUT_URL": "https://c.example.test/v2",
            "COCONUT_API_KEY": "k",
        },
        time_scale=0.5,
    )
    chosen.remember(file)
    assert StackOptions.remembered(file) == chosen
    assert file.stat().st_mode & 0o077 == 0
