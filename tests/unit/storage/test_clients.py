"""How the clients of a store are made; no request leaves."""

import pytest
from botocore.loaders import JSONFileLoader

from storage.client import make_clients
from tests.support.builders.storage import storage_settings


def test_further_clients_read_no_description_of_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = storage_settings()
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
