"""Which sites may show a video: those that its owner allows, as far as the installation allows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode

ANY_SITE = "*"


@dataclass(frozen=True)
class EmbedOrigins:
    """What the installation allows: EMBED_ORIGINS may frame players, pages of CORS_ORIGINS may read private playlists.

    ``own``: the origins under which the service itself is reached. ``wanted`` of the methods: the list of one video,
    None if its owner leaves it to the installation.
    """

    framing: Sequence[str] = ()
    calling: Sequence[str] = ()
    own: Sequence[str] = ()

    def check(self, wanted: Sequence[str] | None) -> None:
        """Raise HttpProblemError if a site is wanted that could not show any video here."""
        allowed = {*self.framing, *self.calling}
        if ANY_SITE in allowed:
            return
        problems = [
            FieldProblem(f"embed_origins.{number}", "must be one that this service allows to show videos")
            for number, origin in enumerate(wanted or ())
            if origin not in allowed
        ]
        if problems:
            raise HttpProblemError(ProblemCode.INVALID_REQUEST, "not accepted: embed_origins", errors=problems)

    def frame_ancestors(self, wanted: Sequence[str] | None) -> tuple[str, ...]:
        """Return which sites may frame the player of a public video; none if it is empty."""
        if wanted is None or ANY_SITE in wanted:
            return tuple(self.framing)
        if ANY_SITE in self.framing:
            return tuple(wanted)
        return tuple(origin for origin in wanted if origin in self.framing)

    def may_play(self, wanted: Sequence[str] | None, page: str | None) -> bool:
        """Return whether a player may read the playlists of a private video.

        ``page``: the origin that its browser names; None if it names none, as most programs and apps do.
        """
        return wanted is None or ANY_SITE in wanted or page is None or page in wanted or page in self.own
