"""Reads settings. A missing, malformed or unknown one stops the process with one line that names it.

Settings come from the environment, and from files of the same names in SECRETS_DIR (runtime/secret_files.py).
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

from runtime.logs import redact_values
from runtime.secret_files import SECRETS_DIR, credential_files, credentials_dir
from runtime.setting_names import BORROWED, OURS

AnySettings = TypeVar("AnySettings", bound=BaseSettings)

# `://user:password@`, and libpq's other forms.
_PASSWORDS = re.compile(r"(?:://[^/:@]*:(?=[^/@]*@)|\bpassword='?)([^/@\s&']+)")
# Prefixes of a limit: MAX_SUBMISSIONS makes SUBMISSIONS_ one of our prefixes as well.
_MEASURES = frozenset({"MAX", "MIN"})
# Words that others begin variables with too.
_COMMON = frozenset({"COUNTRY", "REGION"})
# Variables that Kubernetes adds to each pod for every Service in its namespace.
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE_VARIABLE = re.compile(
    r"\w+_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


def read_settings(kind: type[AnySettings], *, process: str, prefix: str | None = None) -> AnySettings:
    """Read settings of class ``kind``. If that fails, exits saying that ``process`` cannot start and why.

    ``prefix``: how the variables begin instead of as usual; messages name them so.
    """
    directory = credentials_dir()
    if directory is not None and not directory.is_dir():
        sys.exit(f"{process} cannot start: {SECRETS_DIR}: there is no such directory")
    # Checked first: a misspelt name explains more than the missing one that it leads to.
    unknown = unknown_names([*os.environ, *_names_of_files(directory)])
    if unknown:
        errors = "; ".join(f"{name}: there is no such setting, the nearest is {near}" for name, near in unknown.items())
        sys.exit(f"{process} cannot start: {errors}")
    usual = kind.model_config.get("env_prefix", "")
    prefix = usual if prefix is None else prefix
    try:
        settings = kind(_secrets_dir=directory, _env_prefix=prefix)
    except ValidationError as error:
        errors = "; ".join(
            _format_error(prefix, problem["loc"], problem["msg"].replace(usual, prefix) if usual else problem["msg"])
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        )
        sys.exit(f"{process} cannot start: {errors}")
    redact_values(value for name in kind.model_fields for value in _secrets_in(getattr(settings, name)))
    return settings


def _secrets_in(value: object) -> Iterator[str]:
    """Yield the secrets in a setting's value, and the passwords inside of those that are URLs."""
    match value:
        case SecretStr():
            secret = value.get_secret_value()
            yield secret
            for password in _PASSWORDS.findall(secret):
                yield from (password, unquote(password))
        case tuple():
            for one in value:
                yield from _secrets_in(one)


def _names_of_files(directory: Path | None) -> list[str]:
    return [] if directory is None else [file.name for file in credential_files(directory)]


def _format_error(prefix: str, location: tuple[int | str, ...], message: str) -> str:
    """Put the variable's name before its error. A message without location is about several and names them itself."""
    message = message.removeprefix("Value error, ")
    return f"{(prefix + '.'.join(map(str, location))).upper()}: {message}" if location else message


def unknown_names(given: Iterable[str]) -> dict[str, str]:
    """Return each name that has one of our prefixes but is not a setting of any process, with the nearest setting."""
    prefixes = {prefix for name in OURS for prefix in _prefixes_of(name)}
    valid = sorted(OURS | BORROWED)
    return {
        name: get_close_matches(name.upper(), valid, n=1, cutoff=0)[0]
        for name in sorted(given)
        if name.upper() not in valid
        and not prefixes.isdisjoint(_prefixes_of(name.upper()))
        and not _SERVICE_VARIABLE.fullmatch(name)
    }


def _prefixes_of(name: str) -> set[str]:
    """Return the first words that settings related to ``name`` share; none for a name of one word."""
    first, *others = name.split("_")
    if not others:
        return set()
    # The same prefix, in the singular or the plural.
    words = [first, others[0]] if first in _MEASURES else [first]
    return {word.removesuffix("S") for word in words} - _COMMON
