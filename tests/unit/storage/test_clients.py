"""How the clients of a store are made; no request leaves."""

import pytest
from botocore.loaders import JSONFileLoader

from storage.client import make_clients
from storage.settings import StorageSettings

SETTINGS = {
    "endpoint": "https://tor1.digitaloceanspaces.com",
    "region": "tor1",
    "access_key": "main",
    "secret_key": "main-secret",
    "raw_bucket": "raw",
    "processed_bucket": "done",
    "public_base_url": "https://cdn.example.com",
}


def test_further_clients_read_no_description_of_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = StorageSettings.model_validate(SETTINGS)
    first, read = make_clients(settings), []
    load = JSONFileLoader.load_file

    def counted(self: JSONFileLoader, file_path: str) -> object:
        read.append(file_path)
        return load(self, file_path)

    monkeypatch.setattr(JSONFileLoader, "load_file", counted)
    second = make_clients(settings)
    assert read == []
    # Each has its own connections and handlers.
    assert first.own is not second.own
    assert first.own.meta.events is not second.own.meta.events
