"""The demo's error."""


class DemoError(Exception):
    """The demo has failed. The message says why."""
