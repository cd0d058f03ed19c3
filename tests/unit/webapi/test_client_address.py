"""Which address a request counts for: only what our own proxies wrote is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapi.http.client_address import client_key

PROXY = "10.0.0.7"


@pytest.mark.parametrize(
    ("hops", "forwarded_for", "key"),
    [
        pytest.param(0, "203.0.113.9", PROXY, id="no-proxy-is-believed"),
        pytest.param(1, "203.0.113.9", "203.0.113.9", id="what-the-proxy-saw"),
        pytest.param(1, "1.1.1.1, 203.0.113.9", "203.0.113.9", id="what-the-client-made-up-is-left-out"),
        pytest.param(2, "1.1.1.1, 203.0.113.9, 192.0.2.1", "203.0.113.9", id="behind-two-proxies"),
        pytest.param(2, "203.0.113.9,192.0.2.1", "203.0.113.9", id="exactly-two-entries"),
        pytest.param(2, "203.0.113.9", PROXY, id="around-one-of-two-proxies"),
        pytest.param(1, None, PROXY, id="around-the-proxy"),
        pytest.param(1, "", PROXY, id="empty"),
        pytest.param(1, "1.1.1.1, ", PROXY, id="empty-last-entry"),
        pytest.param(1, "unknown", PROXY, id="no-address"),
        pytest.param(1, "1" * 5000, PROXY, id="endless"),
        pytest.param(1, "203.0.113.9:4711", "203.0.113.9", id="with-a-port"),
        pytest.param(1, "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64", id="ipv6-with-a-port"),
        pytest.param(1, "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64", id="one-network-is-one-client"),
        pytest.param(1, "::ffff:203.0.113.9", "203.0.113.9", id="ipv4-in-ipv6"),
    ],
)
def test_a_request_counts_for(hops: int, forwarded_for: str | None, key: str) -> None:
    assert client_key(PROXY, forwarded_for, hops=hops) == key


def test_a_peer_without_an_address_counts_for_its_name() -> None:
    assert client_key("", None, hops=0) == ""


@given(st.text(max_size=200), st.integers(0, 10))
def test_no_header_makes_a_long_key_or_an_error(forwarded_for: str, hops: int) -> None:
    assert len(client_key(PROXY, forwarded_for, hops=hops)) < 64


@given(st.ip_addresses(), st.text(alphabet="0123456789abcdef.:,[] x", max_size=60))
def test_what_a_client_sends_does_not_change_what_the_proxy_appends(seen: object, sent: str) -> None:
    assert client_key(PROXY, f"{sent}, {seen}", hops=1) == client_key(PROXY, str(seen), hops=1)
