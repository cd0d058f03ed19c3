"""Exports traces by OTLP over HTTP, with OpenTelemetry's SDK. Only runtime/tracing.py imports it, when it is needed."""

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from runtime.tracing import Value, inside, trace_id

# Of spans that wait to be exported; more are dropped.
_QUEUE_MAX = 4096
_EXPORT_SECONDS = 5.0
_STOP_SECONDS = 3.0
_CHARACTERS_MAX = 256


class OtlpTracing:
    """Sends spans to a collector from a thread of its own. While the collector is away they are dropped."""

    def __init__(self, endpoint: str, headers: Mapping[str, str], ratio: float, service: str) -> None:
        """``endpoint``: the collector's base URL. ``ratio``: the share of the videos that are traced."""
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=dict(headers), timeout=_EXPORT_SECONDS
        )
        self._batches = BatchSpanProcessor(exporter, max_queue_size=_QUEUE_MAX)
        provider = TracerProvider(
            # By the trace's id alone, so both services choose the same videos.
            sampler=TraceIdRatioBased(ratio),
            resource=Resource.create({SERVICE_NAME: service}),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attribute_length=_CHARACTERS_MAX),
        )
        provider.add_span_processor(self._batches)
        self._tracer = provider.get_tracer("video-uploads")

    @contextmanager
    def span(self, name: str, video_id: str, **attributes: Value) -> Iterator[None]:
        """Trace what happens inside as a part of the video's trace. An exception marks it as failed."""
        span = self._tracer.start_span(name, _parent(video_id), attributes={"video.id": video_id, **attributes})
        with _current(span), inside(_OpenSpan(self._tracer, span)):
            yield

    def record(self, name: str, video_id: str, began: datetime, ended: datetime, **attributes: Value) -> None:
        """Trace something that is over."""
        all_attributes = {"video.id": video_id, **attributes}
        span = self._tracer.start_span(
            name, _parent(video_id), attributes=all_attributes, start_time=_nanoseconds(began)
        )
        span.end(_nanoseconds(ended))

    def stop(self) -> None:
        """Export what is left, within seconds."""
        # It exports every batch, however long each takes; its threads do not keep the process.
        stopping = threading.Thread(target=self._batches.shutdown, name="traces", daemon=True)
        stopping.start()
        stopping.join(_STOP_SECONDS)


class _OpenSpan:
    """A span that has not ended."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        """Trace a call to an upstream as a part of this span."""
        with _current(self._tracer.start_span(name, kind=SpanKind.CLIENT)):
            yield

    def note(self, attributes: Mapping[str, Value], *, has_failed: bool) -> None:
        """Add what was not known at its beginning."""
        if has_failed:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.set_attributes(attributes)


@contextmanager
def _current(span: trace.Span) -> Iterator[None]:
    """End the span with the block. It has failed if an exception leaves it; its text may quote a signed URL."""
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def _parent(video_id: str) -> Context:
    """Return the place of all spans of a video: below a root that never ends, and so is not exported."""
    digits = trace_id(video_id)
    # The id of the root is derived too: any other one would have to be known to both services.
    sampled = TraceFlags(TraceFlags.SAMPLED)
    root = SpanContext(int(digits, 16), int(digits[:16], 16), is_remote=True, trace_flags=sampled)
    return trace.set_span_in_context(NonRecordingSpan(root))


def _nanoseconds(at: datetime) -> int:
    return math.floor(at.timestamp() * 1e6) * 1000
