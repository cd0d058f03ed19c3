"""What the local S3 server is started with."""

import os
from pathlib import Path

import pytest

from devstack import s3
from devstack.paths import Paths


def test_two_threads_may_ask_at_once_what_the_server_is_started_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, is_asked_again = Paths(tmp_path), list[bool]()
    set_attribute = os.setxattr

    def meanwhile(file: str, name: str, value: bytes) -> None:
        if not is_asked_again:
            is_asked_again.append(True)
            s3.server(paths, 20_001)
        set_attribute(file, name, value)

    monkeypatch.setattr(os, "setxattr", meanwhile)
    s3.server(paths, 20_001)
    assert is_asked_again
