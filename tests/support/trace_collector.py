"""What a collector of traces receives: OTLP over HTTP, read with OpenTelemetry's own messages."""

from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.support.webhook_receiver import Receiver

PATH = "/v1/traces"


@dataclass(frozen=True)
class Traced:
    """One span, with what it belongs to. ``error``: the description of its failure, None if it did not fail."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, object]
    error: str | None
    seconds: float


def spans(receiver: Receiver) -> list[Traced]:
    """Return all spans that arrived."""
    return [span for received in receiver.at(PATH) for span in _spans_of(received.body)]


def _spans_of(body: bytes) -> list[Traced]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Traced(
            str(next(_value(one.value) for one in of_resource.resource.attributes if one.key == "service.name")),
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            {one.key: _value(one.value) for one in span.attributes},
            span.status.message if span.status.code == Status.STATUS_CODE_ERROR else None,
            (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        )
        for of_resource in request.resource_spans
        for scope in of_resource.scope_spans
        for span in scope.spans
    ]


def _value(value: AnyValue) -> object:
    return getattr(value, str(value.WhichOneof("value")))
