"""Where a new video goes: the region that the client names, else that of its country, else the home region."""

from dataclasses import dataclass

import falcon

from webapi.http.country import CountryHeader
from webapi.videos.stores import Stores


@dataclass(frozen=True)
class Placement:
    """Chooses regions. ``country``: the header that says where a client is, None if no proxy sends one."""

    stores: Stores
    country: CountryHeader | None = None

    def region(self, req: falcon.Request, wanted: str | None) -> str:
        """Return the region of a new video. Raises HttpProblemError (see `Stores.choose`)."""
        return self.stores.choose(wanted, country=None if self.country is None else self.country.country(req))
