"""The poster of its owner: what is wanted, what was published of it, and how its file is named. Pure.

The API writes the one, the operator the other; the picture is a row of its own (database/posters.py). What a picture
may contain is decided in domain/poster_picture.py.
"""

from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class OwnPoster:
    """A picture by its name; ``digest``: None for the one that the transcode made.

    ``change``: how often the owner has chosen. Of what is published it is the newest choice that was carried out
    wholly: its file is there, and no other one.
    """

    digest: str | None = None
    change: int = 0


def digest_of(picture: bytes) -> str:
    """Return the name of a picture: another one for any other picture."""
    return sha256(picture).hexdigest()[:32]


def file_name(digest: str) -> str:
    """Return the name of a picture's file in the folder of posters, so that caches take it for another file."""
    return f"{digest}.jpg"


def chosen(poster: OwnPoster, digest: str | None) -> OwnPoster:
    """Return the owner's choice after this one; the same if nothing changes."""
    return poster if digest == poster.digest else OwnPoster(digest, poster.change + 1)
