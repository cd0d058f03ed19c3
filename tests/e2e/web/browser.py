"""A real Chromium from Debian, installed if needed. It sends no request to another machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

_PACKAGE = "chromium"
# Without these flags it looks up its vendor's hosts at every start and waits for them.
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
    # Let scripts start playback.
    "--autoplay-policy=no-user-gesture-required",
]


class NoBrowserError(Exception):
    """Chromium is missing and cannot be installed. The message says how to install it."""


def chromium() -> Path:
    """Return the path of Debian's Chromium, installing it if it is missing and this user may."""
    found = shutil.which(_PACKAGE)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "--yes", "--quiet", _PACKAGE], check=False, capture_output=True)
        found = shutil.which(_PACKAGE)
    if found is None:
        raise NoBrowserError(f"there is no {_PACKAGE}: apt-get install {_PACKAGE}")
    return Path(found)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run a browser until the end of the block."""
    # As root, Chromium cannot use its sandbox.
    arguments = [*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), headless=True, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
