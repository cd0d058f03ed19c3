"""Which encoding of a body a client accepts."""


def accepts_gzip(accepted: str | None) -> bool:
    """Return whether a client accepts gzip; `gzip;q=0` means that it does not."""
    words = [word.replace(" ", "").lower() for word in (accepted or "").split(",")]
    return any(word == "gzip" or (word.startswith("gzip;q=") and _number(word[7:]) > 0) for word in words)


def _number(text: str) -> float:
    """Return the number that a text means, 0 if it means none."""
    try:
        return float(text)
    except ValueError:
        return 0.0
