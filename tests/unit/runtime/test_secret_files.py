"""Credentials as files, mounted and atomically replaced as the kubelet does."""

import threading
from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.heartbeats import Heartbeats
from runtime.secret_files import SecretFiles, on_change
from runtime.settings import read_settings
from tests.support.secret_mount import mount

FIRST, SECOND = {"STORE_KEY": "first\n"}, {"STORE_KEY": "second\n"}


class StoreSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="STORE_", hide_input_in_errors=True)

    key: SecretStr = Field(min_length=3)
    name: str = "unnamed"


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "credentials"
    directory.mkdir()
    mount(directory, FIRST)
    monkeypatch.setenv("SECRETS_DIR", str(directory))
    return directory


def read_key() -> str:
    return read_settings(StoreSettings, process="the test").key.get_secret_value()


def test_a_setting_is_read_from_the_file_with_its_name(mounted: Path) -> None:
    assert mounted.is_dir()
    assert read_key() == "first"


def test_the_environment_overrides_a_file(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mounted.is_dir()
    monkeypatch.setenv("STORE_KEY", "from the environment")
    assert read_key() == "from the environment"


def test_a_misspelt_file_stops_the_start_like_a_misspelt_variable(mounted: Path) -> None:
    mount(mounted, {**FIRST, "S3_SECRET_KEEY": "5ec1e7"})
    with pytest.raises(SystemExit) as stopped:
        read_key()
    assert stopped.value.code == (
        "the test cannot start: S3_SECRET_KEEY: there is no such setting, the nearest is S3_SECRET_KEY"
    )


def test_a_missing_directory_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_DIR", "/nowhere")
    with pytest.raises(SystemExit, match="the test cannot start: SECRETS_DIR: there is no such directory"):
        read_key()


def test_without_a_directory_there_are_no_secret_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    assert SecretFiles.from_environment(read_key) is None


def secret_files() -> SecretFiles:
    files = SecretFiles.from_environment(read_key)
    assert files is not None
    return files


def test_different_credentials_count_as_changed(mounted: Path) -> None:
    files = secret_files()
    assert not files.changed()
    mount(mounted, SECOND)
    assert files.changed()


def test_the_same_credentials_mounted_again_do_not_count_as_changed(mounted: Path) -> None:
    files = secret_files()
    mount(mounted, FIRST)
    assert not files.changed()


def test_invalid_credentials_are_logged_once_and_do_not_count_as_changed(
    mounted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = secret_files()
    mount(mounted, {"STORE_KEY": "x"})
    assert not files.changed()
    assert not files.changed()
    logged = capsys.readouterr().out
    assert logged.count("STORE_KEY: Value should have at least 3 items") == 1
    mount(mounted, FIRST)
    assert not files.changed()
    mount(mounted, SECOND)
    assert files.changed()


def test_files_being_replaced_are_read_at_the_next_poll(mounted: Path) -> None:
    files = secret_files()
    data = mounted / "..data"
    data.rename(mounted / "..away")
    assert not files.changed()
    (mounted / "..away").rename(data)
    assert not files.changed()
    mount(mounted, SECOND)
    assert files.changed()


def test_the_callback_runs_once(mounted: Path) -> None:
    rotated = threading.Semaphore(0)
    on_change(secret_files(), rotated.release, beats=Heartbeats(), poll_seconds=0.01)
    mount(mounted, SECOND)
    assert rotated.acquire(timeout=30)
    assert not rotated.acquire(blocking=False)
