"""Set-up that a running server needs once, repeated only when something that it depends on has changed."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from devstack.process import DetachedProcess


@dataclass(frozen=True)
class Step:
    """One piece of set-up, safe to repeat."""

    name: str
    run: Callable[[], None]
    # Returns a hash of everything it depends on. While the hash is that of the last run, there is nothing to do.
    depends_on: Callable[[], str]
    mark: Path
    address: str = ""

    def up(self) -> str:
        """Run it unless it is up to date. Returns what was done, in one word."""
        if self.mark.exists() and self.mark.read_text() == self.depends_on():
            return "unchanged"
        self.mark.unlink(missing_ok=True)
        self.run()
        self.mark.parent.mkdir(parents=True, exist_ok=True)
        self.mark.write_text(self.depends_on())
        return "done"


def fingerprint(
    *,
    files: Iterable[Path] = (),
    words: Iterable[str] = (),
    server: DetachedProcess | None = None,
    relative_to: Path = Path("/"),
) -> str:
    """Return a hash of files, words and the identity of a server process: a new process may have lost the set-up."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(str(file.relative_to(relative_to)).encode() + b"\0" + file.read_bytes())
    for word in words:
        digest.update(word.encode() + b"\0")
    if server is not None:
        digest.update(repr(server.identity()).encode())
    return digest.hexdigest()


def files_below(directory: Path) -> list[Path]:
    """Return every source file below a directory."""
    return [path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
