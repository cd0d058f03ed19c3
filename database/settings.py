"""DATABASE_URL, read when a process starts by the parser that later connects: psycopg's, which is libpq's."""

import re
from typing import Annotated

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_FORM = "must be like postgresql://user:password@host:5432/database"
_ENCODE = "percent-encode special characters of the password, such as %40 for @ and %2F for /"
# A name, an address, or the directory of a socket.
_HOST = re.compile(r"[A-Za-z0-9._:%-]*|[/@].*")
_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


def _readable(url: SecretStr) -> SecretStr:
    """Return the setting. Raises ValueError, which quotes no value: any of them may be a piece of the password."""
    try:
        options = {name: str(value) for name, value in conninfo_to_dict(url.get_secret_value()).items()}
    except psycopg.ProgrammingError as error:
        # libpq quotes what it could not read after a colon or in double quotes.
        why = re.split(r'[:"]', str(error))[0].strip()
        raise ValueError(f"{_FORM}; {why}; {_ENCODE}") from None
    if not all(_HOST.fullmatch(host) for host in options.get("host", "").split(",")):
        raise ValueError(f"{_FORM}; the host is no name or address; {_ENCODE}")
    if "@" in options.get("dbname", ""):
        raise ValueError(f"{_FORM}; the name of the database has an @; {_ENCODE}")
    if not all(port == "" or _is_port(port) for port in options.get("port", "").split(",")):
        raise ValueError(f"{_FORM}; the port is no number; {_ENCODE}")
    if options.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"sslmode must be one of {', '.join(sorted(_SSL_MODES))}")
    return url


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= 65535


DatabaseUrl = Annotated[SecretStr, Field(min_length=1), AfterValidator(_readable)]


class DatabaseSettings(BaseSettings):
    """The setting that the migrations need; both processes have it too, among others."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: DatabaseUrl
