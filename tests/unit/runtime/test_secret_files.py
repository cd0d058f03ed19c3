"""Credentials as files, as the kubelet mounts them: read, replaced at a stroke, noticed."""

import threading
from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.secret_files import SecretFiles, on_change
from runtime.settings import read_settings, secret_files_of
from tests.support.secret_mount import mount

FIRST, SECOND = {"STORE_KEY": "first\n"}, {"STORE_KEY": "second\n"}


class Store(BaseSettings):
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
    return read_settings(Store, who="the test").key.get_secret_value()


def test_a_setting_is_read_from_the_file_of_its_name(mounted: Path) -> None:
    assert mounted.is_dir()
    assert read_key() == "first"


def test_the_environment_comes_first(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_directory_that_is_not_there_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_DIR", "/nowhere")
    with pytest.raises(SystemExit, match="the test cannot start: SECRETS_DIR: there is no such directory"):
        read_key()


def test_without_files_there_is_no_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    assert secret_files_of(read_key) is None


def a_rotation() -> SecretFiles:
    rotation = secret_files_of(read_key)
    assert rotation is not None
    return rotation


def test_other_credentials_are_noticed(mounted: Path) -> None:
    rotation = a_rotation()
    assert not rotation.changed()
    mount(mounted, SECOND)
    assert rotation.changed()


def test_the_same_credentials_mounted_again_are_no_rotation(mounted: Path) -> None:
    rotation = a_rotation()
    mount(mounted, FIRST)
    assert not rotation.changed()


def test_with_credentials_that_are_no_good_it_goes_on_until_there_are_better_ones(
    mounted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rotation = a_rotation()
    mount(mounted, {"STORE_KEY": "x"})
    assert not rotation.changed()
    assert not rotation.changed()
    said = capsys.readouterr().out
    assert said.count("STORE_KEY: Value should have at least 3 items") == 1
    mount(mounted, FIRST)
    assert not rotation.changed()
    mount(mounted, SECOND)
    assert rotation.changed()


def test_files_that_are_just_being_replaced_are_looked_at_again(mounted: Path) -> None:
    rotation = a_rotation()
    data = mounted / "..data"
    data.rename(mounted / "..away")
    assert not rotation.changed()
    (mounted / "..away").rename(data)
    assert not rotation.changed()
    mount(mounted, SECOND)
    assert rotation.changed()


def test_whoever_watches_is_told_once(mounted: Path) -> None:
    told = threading.Semaphore(0)
    on_change(a_rotation(), told.release, look_seconds=0.01)
    mount(mounted, SECOND)
    assert told.acquire(timeout=30)
    assert not told.acquire(blocking=False)
