"""Regions: where the files of a video live, which one a new video gets, and how their variables are named.

A region has its own buckets, playback URL and operator. It is chosen when a video is created and never changes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# As in `tor1` or `eu-central-1`; part of the names of variables.
REGION_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
# ISO 3166-1 alpha-2, as load balancers send it.
COUNTRY_PATTERN = r"^[A-Z]{2}$"


@dataclass(frozen=True)
class RegionScope:
    """What one operator works on: everything, or the uploads of its region.

    ``name``: empty for everything. ``is_home``: whether uploads that name no region are its own. ``others``: the
    regions that have operators of their own.
    """

    name: str = ""
    is_home: bool = True
    others: tuple[str, ...] = ()

    @property
    def names(self) -> list[str] | None:
        """Return what rows of this operator say; None if it works on all."""
        if not self.name:
            return None
        return [self.name, ""] if self.is_home else [self.name]

    @property
    def quarantine(self) -> str:
        """Return under which name this operator lists objects that have no row."""
        return "" if self.is_home else self.name

    def covers(self, region: str) -> bool:
        """Return whether a row of this region is this operator's."""
        return self.names is None or region in self.names

    def claims(self, region: str) -> bool:
        """Return whether a resource of this region is this operator's: the home region also refuses unknown ones."""
        return self.covers(region) or (self.is_home and region not in self.others)


EVERYWHERE = RegionScope()


def variable_prefix(region: str) -> str:
    """Return how the variables of a region begin: `REGION_EU_CENTRAL_1_` for `eu-central-1`."""
    return f"REGION_{region.upper().replace('-', '_')}_"


def countries_of(text: str) -> dict[str, str]:
    """Return the region of each country, from `fra1=DE FR, tor1=CA`. Raises ValueError."""
    regions: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        region, _, countries = map(str.strip, part.partition("="))
        if not region or not countries:
            raise ValueError("must be regions with their countries, such as fra1=DE FR, tor1=CA US")
        for country in countries.split():
            if not re.fullmatch(COUNTRY_PATTERN, country):
                raise ValueError(f"{country} must be two capital letters, such as DE")
            if country in regions:
                raise ValueError(f"{country} must be named once")
            regions[country] = region
    return regions


def region_for(
    country: str | None, regions: Sequence[str], countries: Mapping[str, str], takes_uploads: Callable[[str], bool]
) -> str | None:
    """Return the region of a new video that names none: that of the country, else the first that takes uploads.

    ``regions``: the home region first, then the others in the order in which they step in. None if none takes uploads.
    """
    own = [region for region in regions if region == countries.get(country or "")]
    preferred = dict.fromkeys([*own, *regions])
    return next((region for region in preferred if takes_uploads(region)), None)
