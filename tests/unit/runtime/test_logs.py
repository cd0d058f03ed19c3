"""Log lines: their shape, and the secrets that must not be in them."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from runtime import logs
from runtime.logs import LogFormat, configure, redact
from runtime.settings import read_settings


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What the process logged. Restores the logging of the test run afterwards."""
    root = logging.getLogger()
    handlers, level, configuration = list(root.handlers), root.level, structlog.get_config()
    yield lambda: capsys.readouterr().err
    structlog.configure(**configuration)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param("GET https://s3/o?X-Amz-Credential=K%2F1&X-Amz-Signature=5ec1e7&x=1", "5ec1e7", id="s3-signature"),
        pytest.param("GET https://s3/o?X-Amz-Credential=AK1A%2F1&X-Amz-Date=1", "AK1A", id="s3-credential"),
        pytest.param("POST /webhooks/coconut?video=v&attempt=1&sig=5ec1e7", "5ec1e7", id="callback-signature"),
        pytest.param("Authorization: Bearer 5ec1e7.5ec1e7", "5ec1e7", id="bearer-token"),
        pytest.param("Authorization: Basic 5ec1e7==", "5ec1e7", id="basic-credentials"),
        pytest.param("postgresql://user:5ec1e7@db/videos", "5ec1e7", id="password-in-a-url"),
        pytest.param("connecting with password=5ec1e7 host=db", "5ec1e7", id="password-in-a-dsn"),
    ],
)
def test_secrets_in_text_are_redacted(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert "[redacted]" in redact(text)


@pytest.mark.parametrize(
    "text", ["uploads/v1/original.mp4", "https://cdn/processed/v/playlist.m3u8?t=1", "12:30 at noon@home"]
)
def test_other_text_is_unchanged(text: str) -> None:
    assert redact(text) == text


def test_json_lines_have_the_event_its_fields_and_its_module(lines: Callable[[], str]) -> None:
    configure(LogFormat.JSON)
    structlog.get_logger("webapi.test").info("row created", video="v1", attempt=2)

    line = json.loads(lines())
    assert line.items() >= {
        "event": "row created", "video": "v1", "attempt": 2, "logger": "webapi.test", "level": "info"
    }.items()  # fmt: skip
    assert line["timestamp"].endswith("Z")


def test_library_lines_have_the_same_shape(lines: Callable[[], str]) -> None:
    configure(LogFormat.JSON)
    logging.getLogger("urllib3.pool").warning("retrying %s", "https://s3/o?X-Amz-Signature=5ec1e7")

    line = json.loads(lines())
    assert line["logger"] == "urllib3.pool"
    assert line["event"] == "retrying https://s3/o?X-Amz-Signature=[redacted]"


def test_secrets_in_a_traceback_are_redacted(lines: Callable[[], str]) -> None:
    configure(LogFormat.JSON)
    try:
        raise ValueError("answer of https://api/webhooks/coconut?sig=5ec1e7")
    except ValueError:
        structlog.get_logger("t").exception("failed")

    line = json.loads(lines())
    assert "ValueError: answer of" in line["exception"]
    assert "5ec1e7" not in line["exception"]


def test_fields_named_like_secrets_are_redacted(lines: Callable[[], str]) -> None:
    configure(LogFormat.JSON)
    structlog.get_logger("t").info("signed", upload_url="https://s3/5ec1e7", jwt_signing_key="5ec1e7", token="5ec1e7")

    assert "5ec1e7" not in lines()


def test_values_of_any_type_are_redacted(lines: Callable[[], str]) -> None:
    configure(LogFormat.JSON)
    structlog.get_logger("t").info("requested", call={"url": "https://s3/o?X-Amz-Signature=5ec1e7"})

    assert "5ec1e7" not in lines()


def test_console_output_is_redacted(lines: Callable[[], str]) -> None:
    configure(LogFormat.CONSOLE)
    structlog.get_logger("t").info("requested", url="https://s3/o?X-Amz-Signature=5ec1e7")

    written = lines()
    assert "requested" in written
    assert "5ec1e7" not in written


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING"])
def test_botocore_never_logs_the_signatures_it_computes(lines: Callable[[], str], level: str) -> None:
    configure(LogFormat.JSON, level)
    logging.getLogger("botocore.auth").debug("Signature:\n%s", "5ec1e7")
    logging.getLogger("botocore.auth").warning("something else")

    assert "5ec1e7" not in (written := lines())
    assert "something else" in written


def test_lines_below_the_level_are_not_written(lines: Callable[[], str]) -> None:
    configure(LogFormat.JSON, "WARNING")
    structlog.get_logger("t").info("quiet")
    logging.getLogger("kopf").info("quiet")

    assert lines() == ""


class _Secrets(BaseSettings):
    database_url: SecretStr
    webhook_signing_keys: tuple[SecretStr, ...] = ()


@pytest.fixture
def secrets_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has read its settings."""
    monkeypatch.setattr(logs, "_known", None)
    monkeypatch.setattr(logs, "_known_values", set())
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:c0rrect%2Fhorse@h/db")
    monkeypatch.setenv("WEBHOOK_SIGNING_KEYS", '["battery", "staple.(*"]')
    read_settings(_Secrets, process="it")


@pytest.mark.usefixtures("secrets_in_environment")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("c0rrect/horse", id="decoded"),
        pytest.param('invalid token: "c0rrect%2Fhorse"', id="as-in-the-url"),
        pytest.param("key=battery", id="in-a-tuple"),
        pytest.param("<staple.(*>", id="letters-of-regular-expressions"),
        pytest.param("staple.%28%2A", id="percent-encoded"),
    ],
)
def test_a_secret_of_the_settings_is_redacted_by_its_value(lines: Callable[[], str], text: str) -> None:
    configure(LogFormat.JSON)
    try:
        raise ValueError(text)
    except ValueError as error:
        structlog.get_logger("t").exception("failed", error=str(error), about=[text], plain=text)
        logging.getLogger("library").warning("it said %s", error)

    logged = lines()
    assert len(logged.splitlines()) == 2
    assert not any(word in logged for word in ("c0rrect", "battery", "staple"))


@pytest.mark.usefixtures("secrets_in_environment")
def test_other_words_stay_when_secrets_are_known() -> None:
    assert redact("a correct horse at h/db") == "a correct horse at h/db"
