"""DATABASE_URL is read when a process starts."""

import pytest
from pydantic_settings import BaseSettings

from controller.settings import OperatorSettings
from database.settings import DatabaseSettings
from runtime.settings import read_settings
from webapi.settings import Settings

PASSWORD = "Tr0ub4dor"
REFUSED = [
    pytest.param("postgresql://u:Tr0ub4dor%zz@h/db", id="percent-sign"),
    pytest.param("postgresql://u:pre@Tr0ub4dor@127.0.0.1/db", id="at-sign"),
    pytest.param("postgresql://u:Tr0ub4dor/x@h/db", id="slash"),
    pytest.param("postgresql://u:12345/Tr0ub4dor@h/db", id="slash-after-a-number-is-a-path"),
    pytest.param("postgresql://u:Tr0ub4dor x@h/db", id="blank"),
    pytest.param("postgresql://u:Tr0ub4dor@h:port/db", id="port"),
    pytest.param("postgresql://u:Tr0ub4dor@h:99999/db", id="port-out-of-range"),
    pytest.param("postgresql://u:Tr0ub4dor@[::1/db", id="bracket"),
    pytest.param("postgresql://u:Tr0ub4dor@h/db?schema=public", id="unknown-parameter"),
    pytest.param("postgresql://u:Tr0ub4dor@h/db?sslmode=on", id="sslmode"),
    pytest.param("postgresql+psycopg://u:Tr0ub4dor@h/db", id="scheme-of-a-library"),
    pytest.param("mysql://u:Tr0ub4dor@h/db", id="another-database"),
    pytest.param("Tr0ub4dor", id="a-word"),
    pytest.param("", id="empty"),
]


@pytest.mark.parametrize("kind", [DatabaseSettings, Settings, OperatorSettings])
@pytest.mark.parametrize("url", REFUSED)
def test_a_malformed_url_stops_the_start_with_its_name_and_without_its_value(
    monkeypatch: pytest.MonkeyPatch, kind: type[BaseSettings], url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SystemExit) as stopped:
        read_settings(kind, process="it")
    said = str(stopped.value.code)
    assert "DATABASE_URL: " in said
    assert "DATABASE_URL: Field required" not in said
    assert PASSWORD not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%40ss%2Fw%25@h:5432/db?sslmode=require",
        "postgres://u:p?a#b:c@h/db",
        "postgresql://u:p@h1:5432,h2:5433/db?target_session_attrs=read-write",
        "postgresql://u:p@[::1]:5432/db",
        "postgresql:///db?host=/var/run/postgresql",
        "postgresql://u@%2Fvar%2Frun%2Fpostgresql/db",
        "host=h port=5432 dbname=db user=u password='p w'",
    ],
)
def test_every_url_that_libpq_reads_is_accepted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert read_settings(DatabaseSettings, process="it").database_url.get_secret_value() == url
