"""Reading settings: what is missing, malformed or unknown stops the process with one line that names it.

They come from the environment, and from files of the same names in the directory SECRETS_DIR (runtime/secret_files.py).
"""

import os
import re
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from runtime.secret_files import SECRETS_DIR, SecretFiles, credential_files, credentials_dir
from runtime.setting_names import BORROWED, OURS

AnySettings = TypeVar("AnySettings", bound=BaseSettings)

# Words in front of what is measured: MAX_SUBMISSIONS makes SUBMISSIONS_ a word of ours as well.
_MEASURES = frozenset({"MAX", "MIN"})
# What Kubernetes tells each pod about the Services of its namespace, whatever they are called.
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_ABOUT_A_SERVICE = re.compile(
    r"\w+_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


def read_settings(kind: type[AnySettings], *, who: str) -> AnySettings:
    """Read ``kind`` from environment and files. Ends the process, naming ``who`` cannot start and why."""
    directory = credentials_dir()
    if directory is not None and not directory.is_dir():
        sys.exit(f"{who} cannot start: {SECRETS_DIR}: there is no such directory")
    # First, because a misspelt name says more than the one that is missing for it.
    unknown = unknown_names([*os.environ, *_names_of_files(directory)])
    if unknown:
        told = "; ".join(f"{name}: there is no such setting, the nearest is {near}" for name, near in unknown.items())
        sys.exit(f"{who} cannot start: {told}")
    prefix = kind.model_config.get("env_prefix", "")
    try:
        return kind(_secrets_dir=directory)
    except ValidationError as error:
        wrong = "; ".join(
            _told(prefix, problem["loc"], problem["msg"])
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        )
        sys.exit(f"{who} cannot start: {wrong}")


def secret_files_of(read: Callable[[], object]) -> SecretFiles | None:
    """Return what notices new credentials; None where none come as files. To be asked for before ``read`` is called."""
    directory = credentials_dir()
    return SecretFiles(directory, read) if directory is not None and directory.is_dir() else None


def _names_of_files(directory: Path | None) -> list[str]:
    return [] if directory is None else [file.name for file in credential_files(directory)]


def _told(prefix: str, where: tuple[int | str, ...], what: str) -> str:
    """Say what is wrong with one variable; what is wrong between several names them itself."""
    what = what.removeprefix("Value error, ")
    return f"{(prefix + '.'.join(map(str, where))).upper()}: {what}" if where else what


def unknown_names(given: Iterable[str]) -> dict[str, str]:
    """Return each name that looks like ours and is no setting of any process, with the nearest one that is."""
    families = {family for name in OURS for family in _families_of(name)}
    known = sorted(OURS | BORROWED)
    return {
        name: get_close_matches(name.upper(), known, n=1, cutoff=0)[0]
        for name in sorted(given)
        if name.upper() not in known
        and not families.isdisjoint(_families_of(name.upper()))
        and not _ABOUT_A_SERVICE.fullmatch(name)
    }


def _families_of(name: str) -> set[str]:
    """Return the words that relatives of a name begin with; none where the name is a single word."""
    first, *others = name.split("_")
    if not others:
        return set()
    # One family, whether somebody writes UPLOADS_ or UPLOAD_.
    return {word.removesuffix("S") for word in ([first, others[0]] if first in _MEASURES else [first])}
