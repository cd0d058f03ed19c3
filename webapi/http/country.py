"""The country that a request comes from, as a load balancer in front of the API says.

A client can send such a header too. It is believed only if the request passed all of our own proxies, the outermost of
which replaces it (client_address.py). A wrong country costs a longer way, since clients may also name a region.
"""

import re
from dataclasses import dataclass

import falcon

from domain.regions import COUNTRY_PATTERN
from webapi.http.client_address import passed_proxies


@dataclass(frozen=True)
class CountryHeader:
    """The header that the outermost of ``hops`` proxies sets, such as Cloudflare's `CF-IPCountry`."""

    name: str
    hops: int

    def country(self, req: falcon.Request) -> str | None:
        """Return the code of the country; None if it is not known, or not from our proxies."""
        country = req.get_header(self.name) or ""
        if not passed_proxies(req.get_header("X-Forwarded-For"), hops=self.hops):
            return None
        return country if re.fullmatch(COUNTRY_PATTERN, country) else None
