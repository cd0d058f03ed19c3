"""The client is installed without the service, so each has its own `is_this_machine`. They judge alike."""

from collections.abc import Callable

import pytest

from runtime import urls
from videoupload import transport


@pytest.mark.parametrize(
    "is_this_machine", [urls.is_this_machine, transport.is_this_machine], ids=["service", "client"]
)
@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1:8088", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("LOCALHOST.:1", True),
        ("api.localhost", True),
        ("[::1]:80", True),
        ("[::ffff:127.0.0.1]", True),
        ("", False),
        ("10.0.0.1", False),
        ("[::ffff:10.0.0.1]", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("127.0.0.1@example.com", False),
    ],
)
def test_only_the_loopback_is_this_machine(
    is_this_machine: Callable[[str], bool], host: str, is_loopback: bool
) -> None:
    assert is_this_machine(f"http://{host}/") is is_loopback
