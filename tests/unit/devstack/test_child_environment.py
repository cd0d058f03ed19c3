"""What the stack's processes inherit, and that no proxy gets requests for the loopback."""

import pytest
from kubernetes.client.configuration import Configuration
from kubernetes.client.rest import should_bypass_proxies
from requests.utils import get_environ_proxies, select_proxy

from devstack.child_environment import bypass_proxies

SERVERS = ("http://127.0.0.1:8000/livez", "https://127.0.0.1:6443/api", "http://localhost:8000", "http://[::1]:8000")


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"])
@pytest.mark.parametrize("exceptions", [{}, {"NO_PROXY": "corp.example.com"}, {"no_proxy": "corp.example.com"}])
def test_the_loopback_is_never_reached_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, name: str, exceptions: dict[str, str]
) -> None:
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {name: "socks5://127.0.0.1:1", **exceptions}.items():
        monkeypatch.setenv(variable, value)
    bypass_proxies()

    assert [url for url in SERVERS if select_proxy(url, get_environ_proxies(url))] == []
    # Kubernetes' client has rules of its own.
    configuration = Configuration(host=SERVERS[1])
    assert should_bypass_proxies(configuration.host, configuration.no_proxy or "")
    if exceptions:
        assert get_environ_proxies("https://corp.example.com") == {}
