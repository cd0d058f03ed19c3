"""An object store that answers with what a test says, behind botocore's transport: no request leaves."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPResponse


@dataclass(frozen=True)
class Answer:
    """A response. ``cut_off``: how many of its last bytes never arrive."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_off: int = 0


class FakeStore:
    """Answers all requests of the test in turn, and keeps them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the place of every connection."""
        self.requests: list[AWSPreparedRequest] = []
        self.answers: list[Answer | Exception] = []
        monkeypatch.setattr(URLLib3Session, "send", lambda _, request: self._send(request))

    def _send(self, request: AWSPreparedRequest) -> AWSResponse:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        headers: Any = {"Content-Length": str(len(answer.body))} | dict(answer.headers)
        raw = HTTPResponse(
            io.BytesIO(answer.body[: len(answer.body) - answer.cut_off]),
            headers=headers,
            status=answer.status,
            preload_content=False,
            enforce_content_length=False,
            request_method=request.method,
        )
        return AWSResponse(request.url, answer.status, headers, raw)


def headers_of(request: AWSPreparedRequest) -> dict[str, str]:
    """Return the headers of a request by their names in lower case."""
    headers: dict[str, str | bytes] = dict(request.headers)
    return {name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in headers.items()}
