"""Credentials that are rotated under the running processes, as a Secret's files are in a pod."""

from pathlib import Path

from devstack.s3 import S3Access
from tests.integration import api_process, operator_process
from tests.integration.api_process import FROM_FILES, status_for, without_cluster, without_upstreams
from tests.support.eventually import eventually
from tests.support.secret_mount import mount

OLD, NEW = "the signing key before it was rotated", "the signing key after it was rotated"


def test_the_api_reads_new_credentials_without_refusing_a_connection(
    database_url: str, s3: S3Access, tmp_path: Path
) -> None:
    environment = api_process.environment_of(database_url, s3, without_cluster(tmp_path), DRAIN_SECONDS="1")
    files = {name: environment.pop(name) for name in FROM_FILES}
    mounted = tmp_path / "credentials"
    mount(mounted, files | {"JWT_SIGNING_KEY": OLD})
    with api_process.running(environment | {"SECRETS_DIR": str(mounted)}, tmp_path) as api:
        assert status_for(api, OLD) == 200
        assert status_for(api, NEW) == 401

        mount(mounted, files | {"JWT_SIGNING_KEY": "too short"})
        eventually(lambda: "JWT_SIGNING_KEY: must have at least 32 bytes" in api.log())
        assert status_for(api, OLD) == 200

        mount(mounted, files | {"JWT_SIGNING_KEY": NEW})
        # Each of these calls needs a connection, before, during and after the change.
        eventually(lambda: status_for(api, NEW) == 200 and status_for(api, OLD) == 401)
        api.terminate()
        assert api.exit_code() == 0
    assert "credentials_rotated" in api.log()
    assert OLD not in api.log()


def test_the_operator_exits_to_be_restarted_with_new_credentials(tmp_path: Path) -> None:
    environment = operator_process.environment_of(without_cluster(tmp_path), "films")
    key = environment.pop("COCONUT_API_KEY")
    mounted = tmp_path / "credentials"
    mount(mounted, {"COCONUT_API_KEY": key})
    with operator_process.running(environment | {"SECRETS_DIR": str(mounted)}, tmp_path) as operator:
        eventually(lambda: "waiting_for_kind" in operator.log())
        mount(mounted, {"COCONUT_API_KEY": "another"})
        assert operator.exit_code() == 0
    assert "credentials_rotated" in operator.log()


def test_the_migrations_read_credentials_from_files(postgres_url: str, tmp_path: Path) -> None:
    mount(tmp_path, {"DATABASE_URL": postgres_url})
    code, said = api_process.migrated({"SECRETS_DIR": str(tmp_path)})
    assert (code, said.startswith("schema is at ")) == (0, True)


def test_the_migrations_name_the_missing_setting(tmp_path: Path) -> None:
    without = {name: value for name, value in without_upstreams(tmp_path).items() if name != "DATABASE_URL"}
    code, said = api_process.migrated(without)
    assert (code, said) == (1, "the upgrade of the schema cannot start: DATABASE_URL: Field required\n")
