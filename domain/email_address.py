"""Accepts exactly one plain e-mail address. Anything more could add recipients or headers to our messages."""

import re

MAILBOX_MAX = 254
MAILBOX_PATTERN = (
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$"
)
_LOCAL_PART_MAX = 64


def is_mailbox(text: str) -> bool:
    """Return whether ``text`` is one plain address: no name, no comment, no list, ASCII only."""
    is_short = len(text) <= MAILBOX_MAX and len(text.partition("@")[0]) <= _LOCAL_PART_MAX
    return is_short and re.fullmatch(MAILBOX_PATTERN, text) is not None and not text.endswith("\n")
