"""Reading settings: what is missing or malformed stops the process with one line that names it."""

import sys
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def read_settings(kind: type[AnySettings], *, who: str) -> AnySettings:
    """Read ``kind`` from the environment. Ends the process, naming ``who`` cannot start and why."""
    prefix = kind.model_config.get("env_prefix", "")
    try:
        return kind()
    except ValidationError as error:
        wrong = "; ".join(
            f"{(prefix + '.'.join(str(part) for part in problem['loc'])).upper()}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        )
        sys.exit(f"{who} cannot start: {wrong}")
