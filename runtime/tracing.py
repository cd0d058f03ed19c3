"""Traces: one for each video. The trace's id is derived from the video's, so nothing has to be carried along.

Off by default, and then only these few lines run; runtime/otlp.py exports what is traced. Why there is no context in
the rows: docs/decisions/0028-a-trace-for-each-video.md.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import datetime
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.urls import http_url

Value = str | int | float | bool


class TracingSettings(BaseSettings):
    """Where traces go, from the variables that OpenTelemetry names.

    https://opentelemetry.io/docs/specs/otel/protocol/exporter/
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    # The base URL of a collector that takes OTLP over HTTP. Without it nothing is traced.
    endpoint: Annotated[str, AfterValidator(http_url)] | None = Field(
        default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    # `name=value`, comma-separated: what the collector authenticates us by.
    headers: SecretStr | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_HEADERS")
    # The share of the videos that are traced, each with all that happens to it.
    ratio: float = Field(default=1.0, ge=0, le=1, validation_alias="OTEL_TRACES_SAMPLER_ARG")


class Tracing(Protocol):
    """What the services report to. No method raises or blocks."""

    def span(self, name: str, video_id: str, **attributes: Value) -> AbstractContextManager[object]:
        """Trace what happens inside as a part of the video's trace. An exception marks it as failed."""

    def record(self, name: str, video_id: str, began: datetime, ended: datetime, **attributes: Value) -> None:
        """Trace something that is over."""

    def stop(self) -> None:
        """Export what is left, within seconds."""


class Span(Protocol):
    """A part of a trace that has not ended."""

    def call(self, name: str) -> AbstractContextManager[object]:
        """Trace a call to an upstream as a part of this span."""

    def note(self, attributes: Mapping[str, Value], *, has_failed: bool) -> None:
        """Add what was not known at its beginning."""


class Untraced:
    """No tracing."""

    def span(self, name: str, video_id: str, **attributes: Value) -> AbstractContextManager[object]:  # noqa: ARG002
        """Do nothing."""
        return _NOTHING

    def record(self, name: str, video_id: str, began: datetime, ended: datetime, **attributes: Value) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


UNTRACED = Untraced()
_NOTHING = nullcontext()
_current: ContextVar[Span | None] = ContextVar("span", default=None)


@contextmanager
def inside(span: Span) -> Iterator[None]:
    """Let `calling` and `note` add to this span."""
    token = _current.set(span)
    try:
        yield
    finally:
        _current.reset(token)


def calling(upstream: str, call: str) -> AbstractContextManager[object]:
    """Trace a call to an upstream as a part of the current span, if there is one."""
    span = _current.get()
    return _NOTHING if span is None else span.call(f"{upstream} {call}")


def note(*, has_failed: bool = False, **attributes: Value) -> None:
    """Add to the current span, if there is one, what was not known at its beginning."""
    span = _current.get()
    if span is not None:
        span.note(attributes, has_failed=has_failed)


def trace_id(video_id: str) -> str:
    """Return the id of a video's trace: the first 32 hexadecimal digits of the SHA-256 of the video's id."""
    return hashlib.sha256(video_id.encode()).hexdigest()[:32]


def tracing_of(settings: TracingSettings, *, service: str) -> Tracing:
    """Return what traces go to. Starts a thread if there is an endpoint, so call it behind a fork."""
    if settings.endpoint is None:
        return UNTRACED
    # The SDK costs memory and time at the start, which those who do not trace are spared.
    from runtime.otlp import OtlpTracing

    return OtlpTracing(settings.endpoint, _headers(settings.headers), settings.ratio, service)


def _headers(sent: SecretStr | None) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in (sent.get_secret_value() if sent else "").split(",") if pair.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}
