"""Traces, as a collector receives them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from devstack.s3 import S3Access
from runtime.bulkhead import Bulkhead
from runtime.tracing import UNTRACED, Tracing, TracingSettings, note, trace_id, tracing_of
from tests.integration.api_process import A_VIDEO, environment_of, running
from tests.support.eventually import eventually
from tests.support.trace_collector import PATH, spans
from tests.support.webhook_receiver import Receiver, Reply

VIDEO = "a2345672345672345672345672"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with Receiver("127.0.0.1").serving() as receiver:
        yield receiver


def tracing_to(collector: Receiver, *, headers: str | None = None, ratio: float = 1.0) -> Tracing:
    given = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url(""),
        "OTEL_EXPORTER_OTLP_HEADERS": None if headers is None else SecretStr(headers),
        "OTEL_TRACES_SAMPLER_ARG": ratio,
    }
    return tracing_of(TracingSettings.model_validate(given), service="tested")


def test_all_that_happens_to_a_video_is_one_trace(collector: Receiver) -> None:
    tracing, another = tracing_to(collector), tracing_to(collector)

    def head() -> None:
        """Call an upstream."""

    with tracing.span("pass", VIDEO, cause="poll"):
        Bulkhead("S3", at_most=1).limit(head)()
        note(result="success")
    another.record("processing", VIDEO, NOW, NOW + timedelta(seconds=90), edition=1)
    for one in (tracing, another):
        one.stop()

    traced = {span.name: span for span in spans(collector)}
    assert {span.trace_id for span in traced.values()} == {trace_id(VIDEO)}
    assert traced["pass"].attributes == {"video.id": VIDEO, "cause": "poll", "result": "success"}
    assert traced["S3 head"].parent_id == traced["pass"].span_id
    assert traced["pass"].parent_id == traced["processing"].parent_id
    assert traced["processing"].seconds == 90
    assert traced["processing"].service == "tested"


def test_a_failure_is_marked_and_its_text_is_left_out(collector: Receiver) -> None:
    tracing = tracing_to(collector)
    with pytest.raises(ValueError, match="signature"), tracing.span("pass", VIDEO):
        raise ValueError("GET https://storage.example.com/?signature=secret")
    with tracing.span("pass", VIDEO, text="x" * 10_000):
        note(has_failed=True)
    tracing.stop()

    failed, noted = spans(collector)
    assert (failed.error, noted.error) == ("ValueError", "")
    assert len(str(noted.attributes["text"])) == 256
    assert b"secret" not in b"".join(received.body for received in collector.at(PATH))


def test_a_share_of_the_videos_is_traced_wholly(collector: Receiver) -> None:
    ids = [f"video-{number}" for number in range(200)]
    for tracing in (tracing_to(collector, ratio=0.5), tracing_to(collector, ratio=0.5)):
        for video_id in ids:
            with tracing.span("pass", video_id):
                pass
        tracing.stop()

    counts = [sum(span.attributes["video.id"] == video_id for span in spans(collector)) for video_id in ids]
    assert set(counts) == {0, 2}
    assert 60 < counts.count(2) < 140


def test_headers_are_sent_with_each_export(collector: Receiver) -> None:
    tracing = tracing_to(collector, headers="authorization=Bearer abc, x-team = video")
    tracing.record("processing", VIDEO, NOW, NOW)
    tracing.stop()

    headers = collector.at(PATH)[0].headers
    assert (headers["authorization"], headers["x-team"]) == ("Bearer abc", "video")


def test_a_collector_that_hangs_delays_no_work_and_the_end_by_seconds(collector: Receiver) -> None:
    collector.slow_path = PATH
    tracing = tracing_to(collector)
    began = time.monotonic()
    for number in range(10_000):
        with tracing.span("pass", f"video-{number}"):
            pass
    assert time.monotonic() - began < 10
    eventually(lambda: collector.at(PATH))
    stopping = time.monotonic()
    tracing.stop()
    assert time.monotonic() - stopping < 5


def test_nothing_is_traced_without_an_endpoint() -> None:
    assert tracing_of(TracingSettings.model_validate({}), service="tested") is UNTRACED


def test_changing_calls_are_traced_and_reads_are_not(
    collector: Receiver, database_url: str, s3: S3Access, api_kubeconfig: Path, tmp_path: Path
) -> None:
    collector.replies[PATH] = [Reply(503)]  # the first batch is sent again
    environment = environment_of(database_url, s3, api_kubeconfig, NAMESPACE="video-uploads")
    with running({**environment, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url("")}, tmp_path) as api:
        created = api.call("POST", "/api/v1/videos", json=A_VIDEO).json()
        path = f"/api/v1/videos/{created['video_id']}"
        api.call("GET", path)
        api.call("DELETE", path)
        api.call("DELETE", "/api/v1/videos/of-another-user")
        eventually(lambda: sum(span.name == "publish" for span in spans(collector)) >= 1, within_seconds=30)
    traced = spans(collector)

    assert {span.trace_id for span in traced} == {trace_id(created["video_id"])}
    assert {span.service for span in traced} == {"video-uploads-api"}
    assert {span.name for span in traced} == {"POST /api/v1/videos", "publish", "DELETE /api/v1/videos/{video_id}"}
    creation = next(span for span in traced if span.name.startswith("POST"))
    assert creation.attributes["http.response.status_code"] == 201
    assert 0 < creation.seconds < 10
