"""The SSRF guard: which URLs and addresses webhooks may be sent to."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ssrf_guard import Target, TargetError, is_public, resolve_public

PUBLIC = "93.184.216.34"


def leading_to(*addresses: str) -> object:
    return lambda _host, _port: list(addresses)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://a.example.com", Target("https", "a.example.com", 443, "/")),
        ("https://a.example.com:8443/b/c?d=e&f", Target("https", "a.example.com", 8443, "/b/c?d=e&f")),
        ("https://A.example.com/?x", Target("https", "a.example.com", 443, "/?x")),
        ("https://[2606:2800::1]:444/", Target("https", "2606:2800::1", 444, "/")),
    ],
)
def test_a_url_is_parsed(url: str, target: Target) -> None:
    assert Target.parse(url, allow_private=False) == target


def test_the_host_header_includes_only_an_unusual_port() -> None:
    authorities = [
        Target.parse(f"https://{name}/", allow_private=False).authority for name in ("a.b", "a.b:443", "a.b:1")
    ]
    assert authorities == ["a.b", "a.b", "a.b:1"]
    assert Target.parse("https://[2606::1]:9/", allow_private=False).authority == "[2606::1]:9"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///path",
        "http://a.example.com",
        "ftp://a.example.com",
        "file:///etc/passwd",
        "gopher://a.example.com",
        "HTTPS://a.example.com",
        "//a.example.com",
        "https://user@a.example.com",
        "https://user:secret@a.example.com",
        "https://a.example.com#fragment",
        "https://a.example.com/#fragment",
        "https://a.example.com:0",
        "https://a.example.com:65536",
        "https://a.example.com:x",
        "https://a.example.com\\@b.example.com",
        "https://a.example.com\r\nHost: b",
        "https://a.example.com/\n",
        " https://a.example.com",
        "https://a example.com",
        "https://caf\u00e9.example.com",
        "https://a_b.example.com",
        "https://[::1%25eth0]/",
        "https://[::1",
        "https://%61.example.com",
        "https://a.example.com/" + "x" * 2048,
    ],
)
def test_anything_but_a_plain_https_url_is_refused(url: str) -> None:
    with pytest.raises(TargetError):
        Target.parse(url, allow_private=False)


def test_plain_http_is_allowed_only_with_private_targets() -> None:
    assert Target.parse("http://127.0.0.1:8/a", allow_private=True) == Target("http", "127.0.0.1", 8, "/a")


INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "2001:0:1::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_private_and_reserved_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)
    target = Target.parse("https://a.example.com", allow_private=False)
    with pytest.raises(TargetError, match="private"):
        resolve_public(target, allow_private=False, resolve=leading_to(address))  # type: ignore[arg-type]


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_internet_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_one_private_address_among_public_ones_is_refused() -> None:
    target = Target.parse("https://a.example.com", allow_private=False)
    mixed = leading_to(PUBLIC, "10.0.0.1")
    with pytest.raises(TargetError):
        resolve_public(target, allow_private=False, resolve=mixed)  # type: ignore[arg-type]
    assert resolve_public(target, allow_private=True, resolve=mixed) == PUBLIC  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost"])
def test_other_spellings_of_the_loopback_address_are_refused(host: str) -> None:
    with pytest.raises(TargetError):
        resolve_public(Target.parse(f"https://{host}/", allow_private=False), allow_private=False)


def test_an_unresolvable_host_is_refused() -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    target = Target.parse("https://a.example.com", allow_private=False)
    for resolve in (nowhere, leading_to()):
        with pytest.raises(TargetError, match="cannot be found"):
            resolve_public(target, allow_private=False, resolve=resolve)  # type: ignore[arg-type]


@given(number=st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_as_public_as_its_ipv6_spellings(number: int) -> None:
    plain = ipaddress.IPv4Address(number)
    assert is_public(f"::ffff:{plain}") == is_public(str(plain)) == is_public(f"64:ff9b::{plain}")


@given(url=st.text(st.characters(min_codepoint=1, max_codepoint=300)))
def test_any_text_is_parsed_or_refused(url: str) -> None:
    for text in (url, f"https://{url}", f"https://a.example.com{url}"):
        try:
            target = Target.parse(text, allow_private=False)
        except TargetError:
            continue
        assert target.scheme == "https"
        assert target.host.isascii()
