"""Finds the release before this checkout in the history, and checks it out beside it."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.paths import PROJECT_DIR

_RELEASE = re.compile(r"Release (?P<version>\d+\.\d+\.\d+)")


class NoReleaseError(Exception):
    """The local history has no release. The message says how to fetch more of it."""


@dataclass(frozen=True)
class Previous:
    """A release: the commit that made it, and its version."""

    commit: str
    version: str


def newest_release(history: str) -> Previous:
    """Return the newest release in a history of one line for each commit (hash and subject), newest first.

    The first line is the checkout itself and is skipped: a release is upgraded from the release before it.
    """
    for line in history.splitlines()[1:]:
        commit, _, subject = line.partition(" ")
        if found := _RELEASE.fullmatch(subject):
            return Previous(commit, found["version"])
    raise NoReleaseError(
        "no commit `Release x.y.z` before this one: an upgrade needs a release to begin from, and so the whole history "
        "(git fetch --unshallow --tags)"
    )


@contextmanager
def laid_out(directory: Path) -> Iterator[tuple[Previous, Path]]:
    """Check the previous release out into a new directory until the end of the block."""
    release = newest_release(_git("log", "--format=%H %s"))
    _git("worktree", "add", "--detach", str(directory), release.commit)
    try:
        yield release, directory
    finally:
        _git("worktree", "remove", "--force", str(directory))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoReleaseError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
