"""The object store of each region: which one a video's files are in, and which one a new video gets."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.records import VideoRow
from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode
from webapi.ports import MultipartStorage, OriginalStorage


@dataclass(frozen=True)
class Store:
    """One object store. ``playback_base``: where players read what is published there."""

    storage: OriginalStorage
    parts: MultipartStorage
    playback_base: str


class Stores:
    """The stores by region. The first one is the home region's: it gets the uploads that name no region."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = dict(stores)
        self._home = next(iter(self._stores))

    def of(self, row: VideoRow) -> Store:
        """Return the store of a video's files. Raises HttpProblemError if its region is not configured."""
        store = self._find(row.desired.region)
        if store is None:
            detail = f'the video is in region "{row.desired.region}", which this service does not reach'
            raise HttpProblemError(ProblemCode.REGION_UNAVAILABLE, detail)
        return store

    def playback_base(self, region: str) -> str | None:
        """Return where players read the videos of a region, None if it is not configured."""
        store = self._find(region)
        return None if store is None else store.playback_base

    def choose(self, wanted: str | None) -> str:
        """Return the region of a new video. Raises HttpProblemError if the wanted one is not configured."""
        if wanted is None:
            return self._home
        if wanted not in self._stores:
            problem = FieldProblem("region", f"must be one of {', '.join(sorted(self._stores))}")
            raise HttpProblemError(ProblemCode.INVALID_REQUEST, "not accepted: region", errors=[problem])
        return wanted

    def _find(self, region: str) -> Store | None:
        # An import may name no region. With a single store, rows may still have the name that it had before.
        is_home = not region or len(self._stores) == 1
        return self._stores[self._home] if is_home else self._stores.get(region)
