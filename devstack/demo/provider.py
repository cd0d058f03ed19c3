"""The progress of a job at Coconut, for the progress bar.

The service shows progress only every 10 % or 15 s, because each write costs every watcher of the cluster. For a smooth
bar this module polls Coconut about once a second.
"""

import time
from collections.abc import Callable

import requests

from devstack.description import CoconutServer

_ASK_EVERY_SECONDS = 1.0
_TIMEOUT_SECONDS = 3


class Provider:
    """Coconut, or its stand-in. ``job_of`` returns the id of a video's job, None while there is none."""

    def __init__(self, coconut: CoconutServer, job_of: Callable[[str], str | None]) -> None:
        self._coconut = coconut
        self._job_of = job_of
        self._polled_at: float | None = None
        self._percent = 0

    def percent(self, video_id: str) -> int:
        """Return the newest percentage. Errors keep the last one: the bar is no reason to fail."""
        now = time.monotonic()
        if self._polled_at is None or now - self._polled_at >= _ASK_EVERY_SECONDS:
            self._polled_at = now
            self._percent = max(self._percent, self._poll(self._job_of(video_id)))
        return self._percent

    def _poll(self, job_id: str | None) -> int:
        if job_id is None:
            return 0
        try:
            with requests.Session() as session:
                # A proxy from the environment would receive requests for our own loopback.
                session.trust_env = False
                job = f"{self._coconut.url}/jobs/{job_id}"
                response = session.get(job, auth=(self._coconut.api_key, ""), timeout=_TIMEOUT_SECONDS)
            return int(response.json()["progress"].rstrip("%")) if response.ok else 0
        except (requests.RequestException, KeyError, ValueError):
            return 0
