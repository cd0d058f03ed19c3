"""The stores of several regions, from variables with prefixes."""

from pathlib import Path

import pytest

from storage.regions import read_stores
from storage.settings import StorageSettings

NEEDED = {
    "S3_ENDPOINT": "https://tor1.digitaloceanspaces.com",
    "S3_REGION": "tor1",
    "S3_ACCESS_KEY": "main",
    "S3_SECRET_KEY": "main-secret",
    "S3_RAW_BUCKET": "raw",
    "S3_PROCESSED_BUCKET": "processed",
    "S3_PUBLIC_BASE_URL": "https://cdn.example.com/",
}
FRANKFURT = {
    f"REGION_EU_FRA1_{name}": value.replace("tor1", "fra1").replace("cdn", "cdn.fra1") for name, value in NEEDED.items()
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    loopback = {"S3_ENDPOINT": "http://127.0.0.1:1", "REGION_EU_FRA1_S3_ENDPOINT": "http://127.0.0.1:2"}
    for name, value in (NEEDED | FRANKFURT | loopback).items():
        monkeypatch.setenv(name, value)


def read(*others: str, home: str = "") -> dict[str, StorageSettings]:
    return dict(read_stores(home, others, process="the test"))


def refusal(*others: str, home: str = "") -> str:
    with pytest.raises(SystemExit) as stopped:
        read(*others, home=home)
    return str(stopped.value.code).removeprefix("the test cannot start: ")


def without_the_other_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FRANKFURT:
        monkeypatch.delenv(name)


def test_an_installation_with_one_region_has_the_variables_that_it_always_had(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_other_region(monkeypatch)
    stores = read()
    assert list(stores) == ["tor1"]
    assert stores["tor1"].public_base_url == "https://cdn.example.com"


def test_each_region_has_its_own_store_and_the_home_region_is_first() -> None:
    stores = read("eu-fra1", home="canada")
    assert [(name, store.endpoint, store.region) for name, store in stores.items()] == [
        ("canada", "http://127.0.0.1:1", "tor1"),
        ("eu-fra1", "http://127.0.0.1:2", "fra1"),
    ]


def test_keys_of_a_region_may_come_as_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REGION_EU_FRA1_S3_SECRET_KEY")
    (tmp_path / "REGION_EU_FRA1_S3_SECRET_KEY").write_text("from a file")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    assert read("eu-fra1")["eu-fra1"].secret_key.get_secret_value() == "from a file"


@pytest.mark.parametrize("name", FRANKFURT)
def test_a_missing_variable_of_a_region_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    assert refusal("eu-fra1") == f"{name}: Field required"


def test_half_a_key_pair_of_a_region_is_named_with_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGION_EU_FRA1_S3_RAW_WRITER_ACCESS_KEY", "writer")
    assert refusal("eu-fra1") == (
        "REGION_EU_FRA1_S3_RAW_WRITER_ACCESS_KEY and REGION_EU_FRA1_S3_RAW_WRITER_SECRET_KEY must be set together"
    )


def test_a_region_elsewhere_needs_its_own_narrower_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGION_EU_FRA1_S3_ENDPOINT", "https://fra1.digitaloceanspaces.com")
    assert refusal("eu-fra1") == (
        "REGION_EU_FRA1_S3_RAW_WRITER_ACCESS_KEY, REGION_EU_FRA1_S3_RAW_WRITER_SECRET_KEY are required:"
        " the main key must not leave this service"
    )


def test_private_videos_need_a_key_that_reads_them_where_the_store_is_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert list(read_stores("", ["eu-fra1"], process="the test", plays_private=True)) == ["tor1", "eu-fra1"]
    monkeypatch.setenv("REGION_EU_FRA1_S3_ENDPOINT", "https://fra1.digitaloceanspaces.com")
    monkeypatch.setenv("REGION_EU_FRA1_S3_RAW_WRITER_ACCESS_KEY", "uploader")
    monkeypatch.setenv("REGION_EU_FRA1_S3_RAW_WRITER_SECRET_KEY", "uploader-secret")
    assert list(read("eu-fra1")) == ["tor1", "eu-fra1"]
    with pytest.raises(SystemExit) as stopped:
        read_stores("", ["eu-fra1"], process="the test", plays_private=True)
    assert stopped.value.code == (
        "the test cannot start: REGION_EU_FRA1_S3_PRIVATE_READER_ACCESS_KEY,"
        " REGION_EU_FRA1_S3_PRIVATE_READER_SECRET_KEY are required: the main key must not leave this service"
    )


def test_a_region_that_is_described_but_not_listed_stops_the_start() -> None:
    assert refusal() == f"{', '.join(sorted(FRANKFURT))}: no region of REGIONS has such a setting"


def test_a_misspelt_variable_of_a_region_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGION_EU_FRA1_S3_PUBLIC_BASE_URI", "https://cdn.example.com")
    assert refusal("eu-fra1") == "REGION_EU_FRA1_S3_PUBLIC_BASE_URI: no region of REGIONS has such a setting"


def test_the_home_region_is_not_listed_again() -> None:
    assert refusal("tor1", "eu-fra1") == "REGIONS: tor1 is the home region, whose variables are S3_…"
