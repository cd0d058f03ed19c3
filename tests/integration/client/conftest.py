"""A service for the client's tests, without an operator: a confirmed upload stays `uploading`."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.s3 import S3Access
from tests.integration.api_process import ApiProcess, environment_of, running, without_cluster
from tests.integration.buckets import with_fresh_bucket
from tests.integration.client.service import FILE_BYTES, PART_BYTES, RunningService, UploadCommand
from tests.integration.databases import fresh_database
from tests.support.proxies.lossy_proxy import LossyProxy
from videoupload import UploadStateStore


@pytest.fixture(scope="module")
def bytes_of_file() -> bytes:
    """Bytes of which no two parts are alike."""
    return secrets.token_bytes(FILE_BYTES)


@pytest.fixture
def file(tmp_path: Path, bytes_of_file: bytes) -> Path:
    """A file of three parts."""
    path = tmp_path / "cats.mp4"
    path.write_bytes(bytes_of_file)
    return path


@pytest.fixture(scope="module")
def api(
    postgres_url: str, s3_access: S3Access, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ApiProcess, S3Access]]:
    """The API without Kubernetes: what is confirmed stays where it is. Each test is another user of it."""
    directory, s3 = tmp_path_factory.mktemp("api"), with_fresh_bucket(s3_access)
    with fresh_database(postgres_url) as database_url:
        environment = environment_of(database_url, s3, without_cluster(directory), S3_PART_BYTES=str(PART_BYTES))
        with running(environment, directory) as process:
            yield process, s3


@pytest.fixture
def service(api: tuple[ApiProcess, S3Access], tmp_path: Path) -> Iterator[RunningService]:
    """The service, as a new user."""
    process, s3 = api
    with LossyProxy(api_url=process.url, storage_url=s3.endpoint).running() as lossy_proxy:
        yield RunningService(
            process, lossy_proxy, s3, UploadStateStore(tmp_path / "state"), f"user-{secrets.token_hex(4)}"
        )


@pytest.fixture
def command(service: RunningService, tmp_path: Path) -> UploadCommand:
    """The command, as a new user."""
    return UploadCommand(service, tmp_path)
