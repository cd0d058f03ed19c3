"""Set-up that a running server needs once: done again only when what it was done with has changed."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from devstack.process import DetachedProcess


@dataclass(frozen=True)
class Step:
    """Some set-up, safe to repeat."""

    name: str
    run: Callable[[], None]
    # What it depends on, asked each time: if the answer is the same as after the last run, nothing is to do.
    depends_on: Callable[[], str]
    mark: Path
    address: str = ""

    def up(self) -> str:
        """Do it unless it is done. Returns what happened, in one word."""
        wanted = self.depends_on()
        if self.mark.exists() and self.mark.read_text() == wanted:
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
    """Return a hash of files, words and which incarnation of a server runs: a new one may have lost the set-up."""
    told = hashlib.sha256()
    for file in sorted(files):
        told.update(str(file.relative_to(relative_to)).encode() + b"\0" + file.read_bytes())
    for word in words:
        told.update(word.encode() + b"\0")
    if server is not None:
        told.update(repr(server.identity()).encode())
    return told.hexdigest()


def files_below(directory: Path) -> list[Path]:
    """Return every file below a directory that is part of the source."""
    return [path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
