"""The file as it was sent: whether it is still the one that was verified."""

from crds.videoupload import SourceFacts
from desired.rows import VideoRow
from webapi.errors import Code, ProblemError
from webapi.ports import Storage


class Originals:
    """The originals of all videos."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def verified(self, row: VideoRow) -> SourceFacts:
        """Return what is known of the file, if storage still has the one that was verified.

        Raises ProblemError, UnavailableError, RefusedError.
        """
        source = row.observed.source
        if source is None:
            raise _unavailable("no file of this video has been verified")
        facts = self._storage.head(row.wish.storage_key)
        if facts is None:
            raise _unavailable("storage has no such file any more")
        if facts.etag != source.etag:
            raise _unavailable("storage has another file than the one that was verified")
        return source


def _unavailable(detail: str) -> ProblemError:
    return ProblemError(Code.ORIGINAL_UNAVAILABLE, detail)
