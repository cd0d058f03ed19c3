"""Tokens that apps sign for viewers: what is accepted, and that every other one is refused in the same words."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from webapi.http.client_address import client_address
from webapi.http.playback_access import check_limits, page_of
from webapi.http.playback_tokens import Limits, PlaybackTokens, Use
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.http.viewer_tokens import LIMITS_MAX, TOKEN_CHARACTERS_MAX, ViewerTokens

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW = int(NOON.timestamp())
SECRET = "an app's secret, with the 64 bytes that HS512 asks for: 012345678"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.urlsafe_b64encode(PRIVATE.public_key().public_bytes_raw()).rstrip(b"=").decode()
VIEWERS = ViewerTokens({"app": SECRET, "next": f"ed25519:{PUBLIC}"}, lambda: NOON, lifetime_max=timedelta(hours=1))
GOOD: dict[str, Any] = {"aud": "video-uploads/viewer", "sub": "cats", "iat": NOW, "exp": NOW + 3600}


def signed(claims: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256", kid: str | None = "app") -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={} if kid is None else {"kid": kid})


def outcome(token: str, *, video_id: str = "cats", use: Use = Use.WATCH) -> ProblemCode | None:
    try:
        VIEWERS.verify(token, video_id=video_id, use=use)
    except HttpProblemError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(signed(GOOD), id="a-secret"),
        pytest.param(signed(GOOD, PRIVATE, "EdDSA", "next"), id="a-public-key"),
        pytest.param(signed({**GOOD, "iss": "shop", "jti": "1", "nbf": NOW}), id="with-what-libraries-add"),
        pytest.param(signed({**GOOD, "iat": NOW + 29, "exp": NOW + 60}), id="of-a-clock-that-is-ahead"),
        pytest.param(signed({**GOOD, "ip": "192.0.2.7"}), id="of-one-address"),
        pytest.param(signed({**GOOD, "origin": ["https://www.example.com:8443"]}), id="of-an-origin"),
    ],
)
def test_a_token_opens_the_playlist_and_the_picture(token: str) -> None:
    assert outcome(token) is None
    assert outcome(token, use=Use.FILE) is None


def test_what_a_token_opens() -> None:
    token = signed({**GOOD, "ip": ["192.0.2.7/24", "2001:db8::/32"], "origin": "https://www.example.com"})
    watch, picture = (VIEWERS.verify(token, video_id="cats", use=use) for use in (Use.WATCH, Use.FILE))
    assert (watch.path, picture.path) == ("", "thumbnail.jpg")
    assert watch.limits == Limits(("192.0.2.0/24", "2001:db8::/32"), ("https://www.example.com",))
    assert watch.ends_at == NOON + timedelta(hours=1)


@pytest.mark.parametrize("use", [Use.MEDIA, Use.WATCH])
def test_another_video_or_thing_looks_like_an_unknown_one(use: Use) -> None:
    video_id = "cats" if use is Use.MEDIA else "dogs"
    assert outcome(signed(GOOD), video_id=video_id, use=use) is ProblemCode.NOT_FOUND


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(jwt.encode(GOOD, "", algorithm="none", headers={"kid": "app"}), id="no-algorithm"),
        pytest.param(signed(GOOD, algorithm="HS512"), id="another-algorithm"),
        pytest.param(signed(GOOD, "x" * 64), id="another-key"),
        pytest.param(signed(GOOD, kid="other"), id="unknown-name"),
        pytest.param(signed(GOOD, kid="next"), id="the-name-of-another-key"),
        pytest.param(signed(GOOD, PUBLIC, kid="next"), id="the-public-key-as-a-secret"),
        pytest.param(signed(GOOD, PRIVATE, "EdDSA", "app"), id="a-secrets-name-for-a-private-key"),
        pytest.param(signed({**GOOD, "aud": "video-uploads/playback"}), id="the-audience-of-our-own"),
        pytest.param(signed({**GOOD, "exp": NOW}), id="expired"),
        pytest.param(signed({**GOOD, "exp": NOW + 3601}), id="longer-than-allowed"),
        pytest.param(signed({**GOOD, "iat": NOW + 31}), id="not-issued-yet"),
        pytest.param(signed({**GOOD, "nbf": NOW + 31}), id="not-valid-yet"),
        pytest.param(signed({**GOOD, "iat": NOW - 3600, "exp": NOW + 10}), id="issued-long-ago"),
        *(
            pytest.param(signed({name: value for name, value in GOOD.items() if name != left_out}), id=f"no-{left_out}")
            for left_out in GOOD
        ),
        pytest.param(signed({**GOOD, "ips": "192.0.2.0/24"}), id="a-misspelt-limit"),
        pytest.param(signed({**GOOD, "ip": []}), id="no-network"),
        pytest.param(signed({**GOOD, "ip": None}), id="null-network"),
        pytest.param(signed({**GOOD, "ip": "192.0.2.0/33"}), id="a-network-that-is-none"),
        pytest.param(signed({**GOOD, "ip": 3221225985}), id="a-number-as-network"),
        pytest.param(signed({**GOOD, "ip": ["192.0.2.1"] * (LIMITS_MAX + 1)}), id="too-many-networks"),
        pytest.param(signed({**GOOD, "origin": "https://*.example.com"}), id="a-wildcard"),
        pytest.param(signed({**GOOD, "origin": "https://www.example.com/"}), id="a-path"),
        pytest.param(signed({**GOOD, "origin": "null"}), id="null-origin"),
        pytest.param(signed({**GOOD, "exp": 1e300}), id="a-time-without-end"),
        pytest.param(signed({**GOOD, "iat": True}), id="a-truth-as-time"),
        pytest.param(signed({**GOOD, "iss": "x" * TOKEN_CHARACTERS_MAX}), id="too-long"),
        pytest.param("x.y.z", id="no-token"),
        pytest.param("", id="empty"),
    ],
)
def test_every_other_token_is_refused_in_the_same_words(token: str) -> None:
    with pytest.raises(HttpProblemError) as refusal:
        VIEWERS.verify(token, video_id="cats", use=Use.WATCH)
    assert refusal.value.code is ProblemCode.PLAYBACK_DENIED
    assert str(refusal.value.detail) == "the link is not valid for this video, or has expired"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["aud", "sub", "iat", "exp", "nbf", "iss", "jti", "ip", "origin"]), json_values))
def test_any_claims_are_read_or_refused(claims: dict[str, Any]) -> None:
    whole = {**GOOD, **claims}
    body = base64.urlsafe_b64encode(json.dumps(whole).encode()).rstrip(b"=").decode()
    head = signed(GOOD).partition(".")[0]
    token = f"{head}.{body}."
    signature = jwt.api_jws.PyJWS().get_algorithm_by_name("HS256")
    raw = signature.sign(f"{head}.{body}".encode(), signature.prepare_key(SECRET))
    token += base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert outcome(token) in (None, ProblemCode.PLAYBACK_DENIED, ProblemCode.NOT_FOUND)


@given(st.text(max_size=300))
def test_any_text_is_refused(text: str) -> None:
    assert outcome(text) is ProblemCode.PLAYBACK_DENIED


def test_no_token_of_an_app_is_one_of_ours_even_under_our_own_key() -> None:
    own = PlaybackTokens([SECRET], lambda: NOON)
    with pytest.raises(HttpProblemError):
        own.verify(signed(GOOD), video_id="cats", use=Use.WATCH)


@pytest.mark.parametrize(
    ("limits", "peer", "forwarded_for", "origin", "referer", "is_open"),
    [
        pytest.param(Limits(), "", None, None, None, True, id="without-limits"),
        pytest.param(Limits(("203.0.113.0/24",)), "10.0.0.1", "203.0.113.9", None, None, True, id="in-the-network"),
        pytest.param(Limits(("203.0.113.0/24",)), "10.0.0.1", "203.0.114.9", None, None, False, id="in-another"),
        pytest.param(
            Limits(("203.0.113.0/24",)), "10.0.0.1", "203.0.113.9, 198.51.100.1", None, None, False, id="made-up-entry"
        ),
        pytest.param(Limits(("203.0.113.0/24",)), "203.0.113.9", None, None, None, True, id="around-the-proxy"),
        pytest.param(
            Limits(("203.0.113.0/24",)), "10.0.0.1", "::ffff:203.0.113.9", None, None, True, id="ipv4-in-ipv6"
        ),
        pytest.param(
            Limits(("192.0.2.1/32", "2001:db8::/32")), "10.0.0.1", "2001:db8:1::1", None, None, True, id="second-of-two"
        ),
        pytest.param(
            Limits(origins=("https://a.example",)), "", None, "https://a.example", None, True, id="the-origin"
        ),
        pytest.param(
            Limits(origins=("https://a.example",)), "", None, None, "https://a.example/watch?x", True, id="the-referer"
        ),
        pytest.param(
            Limits(origins=("https://a.example",)),
            "",
            None,
            "https://b.example",
            "https://a.example/",
            False,
            id="the-origin-counts-first",
        ),
        pytest.param(
            Limits(origins=("https://a.example",)), "", None, None, "https://a.example.evil/", False, id="longer-host"
        ),
        pytest.param(
            Limits(origins=("https://a.example",)), "", None, None, "https://a.example@evil/", False, id="user-in-it"
        ),
        pytest.param(Limits(origins=("https://a.example",)), "", None, None, None, False, id="no-page"),
        pytest.param(Limits(origins=("https://a.example",)), "", None, "null", None, False, id="an-opaque-page"),
        pytest.param(Limits(origins=("https://a.example",)), "", None, None, "http://[", False, id="broken-referer"),
    ],
)
def test_where_a_link_may_be_opened(
    limits: Limits, peer: str, forwarded_for: str | None, origin: str | None, referer: str | None, is_open: bool
) -> None:
    address, page = client_address(peer, forwarded_for, hops=1), page_of(origin, referer)
    if is_open:
        check_limits(limits, address=address, page=page)
        return
    with pytest.raises(HttpProblemError):
        check_limits(limits, address=address, page=page)


def test_where_proxies_are_not_counted_no_network_is_believed() -> None:
    with pytest.raises(HttpProblemError):
        check_limits(Limits(("0.0.0.0/0",)), address=None, page=None)
