"""The one error of the demo: something is not as promised, and the message says what."""


class DemoError(Exception):
    """The demo ends here. The message is for the person who ran it."""
