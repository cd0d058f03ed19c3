"""Each call to Coconut is counted once, by what was asked and what came back, whatever that was."""

from contextlib import suppress

import pytest
import requests
from pydantic import SecretStr

from controller.coconut.client import Coconut
from domain.errors import UpstreamError
from tests.unit.controller.coconut.test_client import ORDER, TARGET, answer, silence


def test_calls_are_counted_by_operation_and_status(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[str, int | None]] = []
    coconut = Coconut(
        "https://coconut.test/v2",
        SecretStr("api-key"),
        TARGET,
        timeout_seconds=5,
        on_call=lambda operation, status, _seconds: counted.append((operation, status)),
    )
    monkeypatch.setattr(requests, "post", answer(429))
    monkeypatch.setattr(requests, "get", answer(404))
    with suppress(UpstreamError):
        coconut.start(ORDER)
    coconut.job("job1")
    coconut.picture_seconds("job1")
    monkeypatch.setattr(requests, "get", silence(requests.ReadTimeout()))
    with suppress(UpstreamError):
        coconut.job("job1")

    assert counted == [("start", 429), ("job", 404), ("metadata", 404), ("job", None)]


@pytest.mark.parametrize(
    ("told", "is_known"),
    [('"2026-05-01 10:00:00 +0000"', True), ('"yesterday"', False), ("null", False)],
)
def test_a_job_tells_when_it_ended_if_that_can_be_read(
    told: str, *, is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f'{{"id": "job1", "status": "job.completed", "completed_at": {told}}}'.encode()
    monkeypatch.setattr(requests, "get", answer(200, body))
    job = Coconut("https://coconut.test/v2", SecretStr("api-key"), TARGET, timeout_seconds=5).job("job1")
    assert job is not None
    assert (job.finished_at is not None) is is_known
