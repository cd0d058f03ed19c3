"""Signs tokens that expire soon or have other limits."""

import time

import jwt

from devstack.environment import JWT_AUDIENCE, JWT_ISSUER
from tests.e2e.uploads.world import World

# The service's leeway for clocks that differ.
LEEWAY_SECONDS = 30


def token(world: World, user: str, *, seconds: int, uploads_per_hour: int = 100) -> str:
    """Return a token that the service accepts for this long, its leeway included."""
    described = world.described.jwt
    claims = {"sub": user, "iss": JWT_ISSUER, "aud": JWT_AUDIENCE, "exp": int(time.time()) + seconds}
    return jwt.encode({**claims, "uploads_per_hour": uploads_per_hour}, described.signing_key, algorithm="HS256")
