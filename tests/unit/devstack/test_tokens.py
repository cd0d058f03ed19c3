"""The claims of a token."""

import jwt

from devstack.environment import JWT_AUDIENCE, JWT_ISSUER
from devstack.tokens import mint

_KEY = "k" * 48


def _claims(token: str) -> dict[str, object]:
    decoded: dict[str, object] = jwt.decode(token, _KEY, algorithms=["HS256"], issuer=JWT_ISSUER, audience=JWT_AUDIENCE)
    return decoded


def test_a_users_token_has_only_the_user() -> None:
    claims = _claims(mint(_KEY, user="ada"))
    assert claims["sub"] == "ada"
    assert not {"scope", "uploads_per_hour"} & claims.keys()


def test_an_administrator_s_token_has_the_scope_and_a_raised_limit() -> None:
    claims = _claims(mint(_KEY, user="root", uploads_per_hour=100_000, is_admin=True))
    assert (claims["scope"], claims["uploads_per_hour"]) == ("admin", 100_000)
