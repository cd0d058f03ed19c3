"""Forged tokens of every shape: none is accepted, and none breaks the verifier."""

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.api import AUDIENCE, ISSUER, SIGNING_KEY, token
from webapi.http.auth import TokenVerifier
from webapi.http.problems import HttpProblemError, ProblemCode

TOKENS = TokenVerifier(SIGNING_KEY, issuer=ISSUER, audience=AUDIENCE)
GOOD = token(sub="ann")
HEAD, BODY, SIGNATURE = GOOD.split(".")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def part_of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


heads = st.fixed_dictionaries(
    {"alg": st.sampled_from(["HS256", "HS512", "none", "None", "RS256", "ES256", ""]) | json_values},
    optional={"typ": json_values, "kid": json_values, "jwk": json_values, "jku": json_values, "crit": json_values},
)
# What remains of a good token is never the good token: its signature is over other bytes, or it is another one.
forged = st.one_of(
    st.text(max_size=200),
    st.builds(lambda head, body: f"{part_of(head)}.{part_of(body)}.", heads, json_values),
    st.builds(lambda head: f"{part_of(head)}.{BODY}.{SIGNATURE}", heads.filter(lambda head: part_of(head) != HEAD)),
    st.builds(lambda body: f"{HEAD}.{part_of(body)}.{SIGNATURE}", json_values),
    st.builds(lambda cut: GOOD[:cut], st.integers(0, len(GOOD) - 2)),
    st.builds(lambda raw: f"{HEAD}.{BODY}.{base64.urlsafe_b64encode(raw).decode()}", st.binary(max_size=64)),
)


@given(scheme=st.sampled_from(["Bearer ", "bearer ", "Basic ", ""]) | st.text(max_size=5), sent=forged)
def test_no_forged_header_is_accepted(scheme: str, sent: str) -> None:
    with pytest.raises(HttpProblemError) as refused:
        TOKENS.caller(f"{scheme}{sent}")
    assert refused.value.code in (ProblemCode.NOT_AUTHENTICATED, ProblemCode.INVALID_TOKEN)


@given(
    claims=st.dictionaries(
        st.sampled_from(["sub", "iss", "aud", "exp", "nbf", "iat", "scope", "uploads_per_hour"]), json_values
    )
)
def test_claims_signed_by_our_own_key_are_checked_too(claims: dict[str, object]) -> None:
    whole = {**jwt.decode(GOOD, options={"verify_signature": False}), **claims}
    try:
        signed = jwt.encode(whole, SIGNING_KEY, algorithm="HS256")
    except (TypeError, ValueError, OverflowError):
        return  # our own issuer could not have sent it
    try:
        caller = TOKENS.caller(f"Bearer {signed}")
    except HttpProblemError:
        return
    assert caller.owner == whole["sub"]
    assert whole["iss"] == ISSUER
    assert AUDIENCE in (whole["aud"] if isinstance(whole["aud"], list) else [whole["aud"]])
