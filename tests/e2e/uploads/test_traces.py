"""The trace of an upload: what its passes did, how long each phase took, and that metrics name it as an example."""

from pathlib import Path

import requests

from runtime.tracing import trace_id
from tests.e2e.uploads.operators import operators
from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.support.eventually import eventually
from tests.support.trace_collector import Traced, spans
from tests.support.webhook_receiver import Receiver


def test_an_upload_is_one_trace_of_passes_calls_and_phases(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    with Receiver("127.0.0.1").serving() as collector, operators(world) as others:
        operator = others.start("traced", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url(""))
        video_id = uploaded(client, clip)
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)
        eventually(lambda: _named(collector, video_id, "processing"), within_seconds=30)
        metrics = requests.get(
            f"{operator.address}/metrics",
            headers={"Accept": "application/openmetrics-text; version=1.0.0"},
            timeout=10,
        ).text

    traced = [span for span in spans(collector) if span.trace_id == trace_id(video_id)]
    names = {span.name for span in traced}
    assert {"pass", "S3 head", "Coconut start", "Kubernetes write_status", "uploading", "processing"} <= names
    order = next(span for span in traced if span.name == "Coconut start")
    ordering = next(span for span in traced if span.span_id == order.parent_id)
    assert (ordering.name, ordering.attributes["result"]) == ("pass", "requeue_after")
    assert f'# {{trace_id="{trace_id(video_id)}"}}' in metrics


def _named(collector: Receiver, video_id: str, name: str) -> list[Traced]:
    return [span for span in spans(collector) if span.trace_id == trace_id(video_id) and span.name == name]
