"""What exchanges over TLS trust, though they share what they read of it."""

import ssl
from pathlib import Path

import pytest
import requests

from runtime.deadline import exchange
from tests.integration.tls_receiver import tls_receiver

NAME = "localhost"


def post(port: int, verify: Path | bool, name: str = NAME) -> int:
    return exchange(
        "POST",
        f"https://{name}:{port}/",
        longest_seconds=20,
        timeout_seconds=(20, 20),
        bytes_max=1000,
        verify=verify if isinstance(verify, bool) else str(verify),
    ).status_code


def test_the_authorities_are_read_once_for_all_exchanges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(self: ssl.SSLContext, *args: object, **kwargs: object) -> None:
        read.append(args)
        load(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    with tls_receiver(tmp_path, NAME) as (receiver, trusted):
        assert [post(receiver.port, trusted) for _ in range(3)] == [204, 204, 204]
    assert len(receiver.received) == 3
    assert len(read) == 1


def test_authorities_that_were_replaced_are_read_again(tmp_path: Path) -> None:
    first, second, trusted = tmp_path / "first", tmp_path / "second", tmp_path / "trusted.pem"
    for folder in (first, second):
        folder.mkdir()
    with tls_receiver(first, NAME) as (receiver, own), tls_receiver(second, NAME) as (_, other):
        trusted.write_bytes(own.read_bytes())
        assert post(receiver.port, trusted) == 204

        trusted.write_bytes(other.read_bytes())
        with pytest.raises(requests.exceptions.SSLError):
            post(receiver.port, trusted)


def test_an_exchange_that_verifies_nothing_loosens_no_other(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    with tls_receiver(tmp_path, "other.example.com") as (receiver, trusted):
        for verify in (trusted, True):
            with pytest.raises(requests.exceptions.SSLError):
                post(receiver.port, verify)
            assert post(receiver.port, verify=False) == 204
            with pytest.raises(requests.exceptions.SSLError):
                post(receiver.port, verify)
    assert {warning.category.__name__ for warning in recwarn} == {"InsecureRequestWarning"}
