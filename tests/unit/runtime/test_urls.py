"""URLs among the settings."""

import pytest

from runtime.urls import http_url


@pytest.mark.parametrize("url", ["https://h", "http://127.0.0.1:8000", "https://h:443/path/", "http://[::1]:9000"])
def test_a_url_with_a_host_is_accepted(url: str) -> None:
    assert http_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h",
        "ftp://h",
        "http://",
        "http://:80",
        "http://h:99999",
        "http://h:port",
        "http://h:0",
        "http://[::1",
        "http://a b",
        "http://h/\n",
        "https://user:Tr0ub4dor@h",
        "https://user:Tr0/ub4dor@h",
    ],
)
def test_any_other_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="must be") as refused:
        http_url(url)
    assert "Tr0" not in str(refused.value)
