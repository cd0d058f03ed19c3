"""A real Chromium: Debian's, found or installed; it asks nobody but this machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

_PACKAGE = "chromium"
# Without these it looks its vendor's hosts up at every start, and waits for answers that never come.
_QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-quic",
    "--disable-gpu",
    "--no-first-run",
    "--mute-audio",
    # The test presses play as a script does.
    "--autoplay-policy=no-user-gesture-required",
]


class NoBrowserError(Exception):
    """There is no Chromium, and it could not be installed. The message says how."""


def chromium() -> Path:
    """Return Debian's Chromium, installed now if it is missing and we may."""
    found = shutil.which(_PACKAGE)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "--yes", "--quiet", _PACKAGE], check=False, capture_output=True)
        found = shutil.which(_PACKAGE)
    if found is None:
        raise NoBrowserError(f"there is no {_PACKAGE}: apt-get install {_PACKAGE}")
    return Path(found)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start a browser, and end it."""
    # As root, Chromium has no sandbox to offer.
    arguments = [*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), headless=True, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
