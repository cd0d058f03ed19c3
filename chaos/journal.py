"""The run directory: what was done to the service and by whom, one JSON line for each thing. The checker reads it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ANSWERS = "answers.jsonl"
FAULTS = "faults.jsonl"
CLIENTS = "clients.jsonl"
NOTIFICATIONS = "notifications.jsonl"
RUN = "run.json"


class Journal:
    """The files of one run. Safe to use from any thread; all times are unix seconds."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        for name in (ANSWERS, FAULTS, CLIENTS, NOTIFICATIONS):
            (directory / name).touch()

    def answer(self, client: str, method: str, path: str, status: int | None, code: str | None) -> None:
        """Write one response of the API. Without a response there is no status, and the code names the error."""
        self._write(
            ANSWERS,
            {"at": time.time(), "client": client, "method": method, "path": path, "status": status, "code": code},
        )

    def did(self, client: str, did: str, **subject: str) -> None:
        """Write what a client did to its upload: ``video_id``, or ``name`` of an import."""
        self._write(CLIENTS, {"at": time.time(), "client": client, **subject, "did": did})

    def notification(self, **message: object) -> None:
        """Write a webhook that arrived."""
        self._write(NOTIFICATIONS, {"at": time.time(), **message})

    @contextmanager
    def fault(self, kind: str, target: str) -> Iterator[dict[str, object]]:
        """Write a fault when it is over, with its time, and with what the block added to the dictionary."""
        at, more = time.time(), dict[str, object]()
        try:
            yield more
        finally:
            self._write(FAULTS, {"at": at, "until": time.time(), "kind": kind, "target": target, **more})

    def describe(self, run: dict[str, object]) -> None:
        """Write run.json."""
        (self.directory / RUN).write_text(json.dumps(run, indent=1) + "\n")

    def _write(self, name: str, line: dict[str, object]) -> None:
        with self._lock, (self.directory / name).open("a") as file:
            file.write(json.dumps(line) + "\n")
