"""The ledger of the stand-in for Coconut: every job that was accepted, and so paid for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import requests

from chaos.checker.world import LedgerEntry

_TIMEOUT_SECONDS = 30


def read_ledger(control_url: str) -> list[LedgerEntry]:
    """Return all jobs, oldest first. Raises requests.RequestException."""
    answer = requests.get(f"{control_url.rstrip('/')}/_ledger", timeout=_TIMEOUT_SECONDS)
    answer.raise_for_status()
    return [job_of(entry) for entry in answer.json()]


def job_of(entry: Mapping[str, Any]) -> LedgerEntry:
    """Read one entry. The callback's URL names video and attempt."""
    attempt = entry["attempt"]
    return LedgerEntry(
        job_id=entry["job_id"],
        video_id=entry["video"] or "",
        attempt=attempt if isinstance(attempt, int) else None,
        accepted_at=datetime.fromisoformat(entry["accepted_at"]).timestamp(),
        status=entry["status"],
    )
