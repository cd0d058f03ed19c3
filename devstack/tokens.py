"""Issues tokens as an identity provider would, signed with the stack's own key."""

import time

import jwt

from devstack.environment import JWT_AUDIENCE, JWT_ISSUER

_LIFETIME_SECONDS = 30 * 24 * 3600


def mint(
    signing_key: str,
    *,
    user: str,
    uploads_per_hour: int | None = None,
    is_admin: bool = False,
    issuer: str = JWT_ISSUER,
) -> str:
    """Return a token for a user, valid for thirty days."""
    now = int(time.time())
    claims: dict[str, object] = {
        "sub": user,
        "iss": issuer,
        "aud": JWT_AUDIENCE,
        "iat": now,
        "exp": now + _LIFETIME_SECONDS,
        # The local mail server stores mails to this address.
        "email": f"{user}@users.example",
        "email_verified": True,
    }
    if uploads_per_hour is not None:
        claims["uploads_per_hour"] = uploads_per_hour
    if is_admin:
        claims["scope"] = "admin"
    return jwt.encode(claims, signing_key, algorithm="HS256")
