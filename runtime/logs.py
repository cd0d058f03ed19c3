"""Logging of one process: one line of JSON (or coloured text) per event, with secrets redacted.

Libraries (stdlib logging) and our own modules (structlog) write lines of the same shape. Each module decides for
itself what is worth a line.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import structlog
from structlog.typing import Processor


class LogFormat(StrEnum):
    """``json`` for collectors, ``console`` for people."""

    JSON = "json"
    CONSOLE = "console"


# One encoder for all lines: `json.dumps` would create one for each.
_ENCODER = json.JSONEncoder(default=repr)
_REDACTED = "[redacted]"
# Parameters of signed URLs and callbacks, Authorization values, passwords inside URLs, named secrets.
_SECRETS = re.compile(
    r"""
    (?P<before>
        \b(?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId|sig|token|secret|password)=
      | \bverify=(?=\d{10}-)
      | \bBearer\s+
      | \bBasic\s+
      | ://[^/\s:@]*:(?=[^/\s@]+@)
    )
    [^\s&"'@<>]+
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SECRET_FIELDS = re.compile(
    r"password|secret|signing_key|access_key|api_key|authorization|token|signature|upload_url", re.IGNORECASE
)


# Secrets of the settings, whatever line they get into.
_known: "re.Pattern[str] | None" = None
_known_values: set[str] = set()
# A shorter word would be redacted out of ordinary text.
_KNOWN_LENGTH_MIN = 4


def redact_values(values: Iterable[str]) -> None:
    """Redact these values wherever they appear from now on, also percent-encoded."""
    global _known  # noqa: PLW0603 - one process has one set of secrets
    for value in values:
        _known_values.update(form for form in (value, quote(value, safe="")) if len(form) >= _KNOWN_LENGTH_MIN)
    if _known_values:
        # The longest first: one may be the beginning of another.
        _known = re.compile("|".join(map(re.escape, sorted(_known_values, key=len, reverse=True))))


def configure(log_format: LogFormat, level: str = "INFO") -> None:
    """Send all logs to standard error in ``log_format``. Call once, before the first line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = _last_processors(log_format)
    structlog.configure(
        processors=[_add_name, *shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=_NamedLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # At DEBUG it logs every signature it computes, on a separate line that no pattern recognises.
    logging.getLogger("botocore").setLevel(max(root.level, logging.INFO))


class _NamedLogger(structlog.WriteLogger):
    """Writes lines to standard error and keeps the name of its module."""

    def __init__(self, name: str = "") -> None:
        super().__init__(sys.stderr)
        self.name = name


def _add_name(logger: _NamedLogger, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["logger"] = logger.name
    return event


def redact(text: str) -> str:
    """Return ``text`` without known secrets, signatures, tokens and passwords."""
    if _known is not None:
        text = _known.sub(_REDACTED, text)
    return _SECRETS.sub(rf"\g<before>{_REDACTED}", text)


def redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact every field of a line."""
    for name, value in event.items():
        if _names_a_secret(name):
            event[name] = _REDACTED
        elif isinstance(value, str):
            # Most values have none of these characters, and checking is cheaper than the regular expression.
            if "=" in value or " " in value or "://" in value or (_known is not None and _known.search(value)):
                event[name] = redact(value)
        elif not isinstance(value, int | float | None):
            event[name] = redact(str(value))
    return event


@lru_cache(maxsize=1024)
def _names_a_secret(field: str) -> bool:
    return _SECRET_FIELDS.search(field) is not None


def _json_line(event: MutableMapping[str, Any], **_settings: object) -> str:
    return _ENCODER.encode(event)


def _last_processors(log_format: LogFormat) -> list[Processor]:
    # Tracebacks become text before redaction, because exceptions quote URLs.
    if log_format is LogFormat.JSON:
        return [
            structlog.processors.format_exc_info,
            redact_event,
            structlog.processors.JSONRenderer(serializer=_json_line),
        ]
    return [
        structlog.processors.format_exc_info,
        redact_event,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
    ]
