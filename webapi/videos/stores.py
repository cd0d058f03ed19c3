"""The object store of each region: which one a video's files are in, and which one a new video gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.errors import UpstreamError
from domain.records import VideoRow
from domain.regions import region_for
from runtime.upstream_breaker import UpstreamHealth
from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode
from webapi.ports import FileStorage, MultipartStorage

# No upload has this key: asking for it costs one request and finds nothing.
_PROBED_KEY = "uploads/probe"
_RETRY_AFTER_SECONDS = "60"
_NO_COUNTRIES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Store:
    """One object store. ``playback_base``: where players read what is published there.

    ``is_down``: a person decided that it takes no new uploads. ``health``: what the last calls to it showed.
    """

    storage: FileStorage
    parts: MultipartStorage
    playback_base: str
    is_down: bool = False
    health: Callable[[], UpstreamHealth] = lambda: UpstreamHealth.AVAILABLE


class Stores:
    """The stores by region. The first one is the home region's; the others step in for it in their order.

    ``countries``: the region of each country.
    """

    def __init__(self, stores: Mapping[str, Store], *, countries: Mapping[str, str] = _NO_COUNTRIES) -> None:
        self._stores = dict(stores)
        self._home = next(iter(self._stores))
        self._countries = countries

    def of(self, row: VideoRow) -> Store:
        """Return the store of a video's files. Raises HttpProblemError if its region is not configured."""
        store = self._find(row.desired.region)
        if store is None:
            detail = f'the video is in region "{row.desired.region}", which this service does not reach'
            raise _unavailable(detail)
        return store

    def for_upload(self, row: VideoRow) -> Store:
        """Return the store that a video's file is sent to. Raises HttpProblemError if it takes no uploads now."""
        store, region = self.of(row), row.desired.region or self._home
        if len(self._stores) > 1 and not self._takes_uploads(region):
            detail = f'region "{region}" takes no uploads now, and this one waits for it'
            other = self._other()
            raise _unavailable(detail + (f'; a new video can be uploaded in "{other}"' if other else ""))
        return store

    def playback_base(self, region: str) -> str | None:
        """Return where players read the videos of a region, None if it is not configured."""
        store = self._find(region)
        return None if store is None else store.playback_base

    def choose(self, wanted: str | None, *, country: str | None = None) -> str:
        """Return the region of a new video.

        Raises HttpProblemError if the wanted one is not configured, or takes no uploads now, or none does.
        """
        if wanted is None:
            region = region_for(country, tuple(self._stores), self._countries, self._takes_uploads)
            if region is None:
                raise _unavailable("no region takes uploads now")
            return region
        if wanted not in self._stores:
            problem = FieldProblem("region", f"must be one of {', '.join(sorted(self._stores))}")
            raise HttpProblemError(ProblemCode.INVALID_REQUEST, "not accepted: region", errors=[problem])
        if not self._takes_uploads(wanted):
            other = self._other()
            detail = f'region "{wanted}" takes no uploads now; ' + (f'"{other}" does' if other else "nor does another")
            raise _unavailable(detail)
        return wanted

    def _other(self) -> str | None:
        return region_for(None, tuple(self._stores), self._countries, self._takes_uploads)

    def _takes_uploads(self, region: str) -> bool:
        store = self._stores[region]
        if store.is_down:
            return False
        if store.health() is UpstreamHealth.AVAILABLE:
            return True
        try:
            # The breaker lets one call through from time to time. Without uploads there would be no other.
            store.storage.head(_PROBED_KEY)
        except UpstreamError:
            return False
        return True

    def _find(self, region: str) -> Store | None:
        # An import may name no region. With a single store, rows may still have the name that it had before.
        is_home = not region or len(self._stores) == 1
        return self._stores[self._home] if is_home else self._stores.get(region)


def _unavailable(detail: str) -> HttpProblemError:
    headers = {"Retry-After": _RETRY_AFTER_SECONDS}
    return HttpProblemError(ProblemCode.REGION_UNAVAILABLE, detail, headers=headers)
