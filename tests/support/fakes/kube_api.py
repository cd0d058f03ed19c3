"""A stand-in for the `kubernetes` library's connection."""

from typing import Any

from crds.client import Cluster


class FakeApi:
    """Gives every call the same response, or raises ``error``."""

    def __init__(self, status: int = 200, content: bytes = b"{}", **headers: str) -> None:
        self.status = status
        self.content = content
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.error: Exception | None = None
        self.calls = 0

    def param_serialize(self, *_: Any, **__: Any) -> tuple[()]:
        return ()

    def call_api(self, **_: Any) -> "FakeApi":
        self.calls += 1
        if self.error is not None:
            raise self.error
        return self

    def read(self) -> bytes:
        return self.content


def cluster(api: FakeApi) -> Cluster:
    """Return a cluster that is reached through ``api``."""
    return Cluster(api, namespace="n")  # type: ignore[arg-type]
