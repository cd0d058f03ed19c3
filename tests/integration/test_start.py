"""Both processes at their start: a missing bucket ends them, an unreachable store does not."""

from collections.abc import Mapping
from pathlib import Path

import requests

from devstack.environment import local_s3
from devstack.s3 import S3Access
from tests.integration import api_process, operator_process
from tests.integration.api_process import without_cluster
from tests.support.eventually import eventually

UNREACHABLE_DATABASE = "postgresql://nobody@127.0.0.1:1/nothing"
AWAY = {"S3_ENDPOINT": "http://127.0.0.1:1"}


def operator_environment(directory: Path, s3: Mapping[str, str]) -> dict[str, str]:
    return operator_process.environment_of(without_cluster(directory), "films", **s3)


def test_the_operator_exits_when_a_bucket_is_missing(s3: S3Access, tmp_path: Path) -> None:
    environment = operator_environment(tmp_path, local_s3(s3) | {"S3_RAW_BUCKET": "no-such-bucket"})
    with operator_process.running(environment, tmp_path) as operator:
        assert operator.exit_code() == 1
    assert operator.log() == "the operator cannot start: S3_RAW_BUCKET: there is no such bucket\n"


def test_the_operator_waits_for_its_cluster_while_storage_is_unavailable(s3: S3Access, tmp_path: Path) -> None:
    with operator_process.running(operator_environment(tmp_path, local_s3(s3) | AWAY), tmp_path) as operator:
        eventually(lambda: "waiting_for_kind" in operator.log())
        operator.terminate()
        assert operator.exit_code() == 0
    assert '"event": "bucket_not_checked"' in operator.log()


def test_the_api_exits_when_a_bucket_is_missing(s3: S3Access, tmp_path: Path) -> None:
    environment = api_process.environment_of(
        UNREACHABLE_DATABASE, s3, without_cluster(tmp_path), S3_PROCESSED_BUCKET="no-such-bucket"
    )
    code, log = api_process.ended(environment)
    assert code == 1
    assert log.splitlines()[-1] == "the API cannot start: S3_PROCESSED_BUCKET: there is no such bucket"
    assert "Traceback" not in log
    assert "Listening" not in log


def test_the_api_serves_while_storage_is_unavailable(s3: S3Access, tmp_path: Path) -> None:
    environment = api_process.environment_of(UNREACHABLE_DATABASE, s3, without_cluster(tmp_path), **AWAY)
    with api_process.running(environment, tmp_path) as api:
        assert requests.get(f"{api.url}/livez", timeout=20).status_code == 200
        assert '"event": "bucket_not_checked"' in api.log()


def of_two_regions(s3: S3Access, directory: Path, **changes: str) -> dict[str, str]:
    """Return the environment of an API with a second region, whose store is the same."""
    second = {f"REGION_FRA1_{name}": value for name, value in local_s3(s3).items()}
    kubeconfig = without_cluster(directory)
    return api_process.environment_of(UNREACHABLE_DATABASE, s3, kubeconfig, REGIONS="fra1", **second | changes)


def test_the_api_exits_when_a_bucket_of_another_region_is_missing(s3: S3Access, tmp_path: Path) -> None:
    code, log = api_process.ended(of_two_regions(s3, tmp_path, REGION_FRA1_S3_RAW_BUCKET="no-such-bucket"))
    assert code == 1
    assert log.splitlines()[-1] == "the API cannot start: REGION_FRA1_S3_RAW_BUCKET: there is no such bucket"
    assert "Traceback" not in log


def test_the_api_serves_while_the_storage_of_one_region_is_unavailable(s3: S3Access, tmp_path: Path) -> None:
    environment = of_two_regions(s3, tmp_path, REGION_FRA1_S3_ENDPOINT="http://127.0.0.1:1")
    with api_process.running(environment, tmp_path) as api:
        assert requests.get(f"{api.url}/livez", timeout=20).status_code == 200
        assert '"variable": "REGION_FRA1_S3_RAW_BUCKET' in api.log()
