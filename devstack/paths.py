"""Where one stack keeps its files, and the secrets it makes for itself.

Everything lies below one state directory, so several stacks can run side by side and one removal forgets a stack.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from devstack.process import DetachedProcess

PROJECT_DIR = Path(__file__).resolve().parent.parent
DEFAULT_STATE_DIR = PROJECT_DIR / ".local"


@dataclass(frozen=True)
class Secrets:
    """What the parts of one stack trust each other by. Made once, then kept for as long as the state directory."""

    postgres_password: str
    s3_secret_key: str
    s3_raw_reader_secret_key: str
    s3_processed_writer_secret_key: str
    coconut_api_key: str
    webhook_signing_key: str
    jwt_signing_key: str


@dataclass(frozen=True)
class Paths:
    """The state directory of one stack."""

    root: Path

    def data(self, part: str) -> Path:
        """Return the directory in which a part keeps what must survive a restart."""
        return self.root / part

    def process(self, part: str) -> DetachedProcess:
        """Return the handle of a part's process, running or not."""
        return DetachedProcess(part, pid_file=self.root / "run" / f"{part}.pid", log_file=self.log(part))

    def log(self, part: str) -> Path:
        """Return the file a part writes its output to."""
        return self.root / "log" / f"{part}.log"

    @property
    def is_default(self) -> bool:
        """Tell whether this is the developer's own stack rather than one that a test runs beside it."""
        return self.root == DEFAULT_STATE_DIR

    def prepare(self) -> None:
        """Make the directory. Others may pass through it: as root, Postgres runs as another user."""
        self.root.mkdir(parents=True, exist_ok=True)

    def secrets(self) -> Secrets:
        """Return this stack's secrets, made at the first question."""
        file = self.root / "secrets.json"
        if file.exists():
            return Secrets(**json.loads(file.read_text()))
        made = Secrets(**{name: secrets.token_hex(24) for name in Secrets.__dataclass_fields__})
        write_private(file, json.dumps(asdict(made), indent=1))
        return made


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, complete or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(file)
