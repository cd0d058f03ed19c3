"""The files of a run: `run.json`, and what clients, faults and the receiver of notifications wrote down."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from chaos.checker.world import Action, Answer, FiredFault, Receipt, Run

_T = TypeVar("_T")
Json = Mapping[str, Any]

RUN_FILE = "run.json"


@dataclass(frozen=True)
class LogFile:
    """The lines of a log, read anew each time: logs are larger than what is worth keeping in memory."""

    path: Path

    def __iter__(self) -> Iterator[str]:
        """Yield each line; none if the process never wrote one."""
        if not self.path.exists():
            return
        with self.path.open(errors="replace") as lines:
            yield from lines


@dataclass(frozen=True)
class RunFiles:
    """A run directory. ``settings``: its run.json, which says where everything else is."""

    directory: Path
    settings: Json

    @classmethod
    def of(cls, directory: Path) -> "RunFiles":
        """Read run.json. Raises OSError, ValueError."""
        return cls(directory, json.loads((directory / RUN_FILE).read_text()))

    def run(self) -> Run:
        """Return the conditions of the run. Raises KeyError for one that is missing."""
        wanted = self.settings
        return Run(
            seed=int(wanted["seed"]),
            n=int(wanted["n"]),
            started_at=float(wanted["started_at"]),
            ended_at=float(wanted["ended_at"]),
            scale=float(wanted["scale"]),
            bound_seconds=float(wanted["bound_seconds"]),
            secrets=tuple(wanted["secrets"]),
            wanted_faults=tuple(wanted["wanted_faults"]),
            killable=tuple(wanted["killable"]),
            max_submissions=int(wanted.get("max_submissions", 3)),
            max_heals=int(wanted.get("max_heals", 3)),
        )

    def answers(self) -> list[Answer]:
        """Return what clients got from the API."""
        return self._lines("answers_file", _answer)

    def faults(self) -> list[FiredFault]:
        """Return what was done to the processes and the connections between them."""
        return self._lines("faults_file", _fault)

    def actions(self) -> list[Action]:
        """Return what clients did. What they did before they had an upload is about none."""
        return [action for action in self._lines("clients_file", _action) if action.video_id]

    def receipts(self) -> list[Receipt]:
        """Return the notifications that arrived."""
        return self._lines("receiver_file", _receipt)

    def logs(self) -> dict[str, LogFile]:
        """Return the logs by name."""
        named = self.settings["log_files"]
        paths = named.values() if isinstance(named, Mapping) else named
        return {Path(path).name: LogFile(self.directory / path) for path in paths}

    def _lines(self, name: str, read: Callable[[Json], _T]) -> list[_T]:
        path = self.directory / self.settings[name]
        lines = path.read_text().splitlines() if path.exists() else []
        return [read(json.loads(line)) for line in lines if line.strip()]


def _answer(line: Json) -> Answer:
    # A status of 0 is no answer too.
    return Answer(
        line["at"], line["client"], line["method"], line["path"], line["status"] or None, line.get("code") or None
    )


def _fault(line: Json) -> FiredFault:
    return FiredFault(line["at"], line["until"], line["kind"], line["target"], line.get("dump_at"))


def _action(line: Json) -> Action:
    name = line.get("name")
    return Action(line["at"], line["client"], name or line.get("video_id") or "", line["did"], is_import=bool(name))


def _receipt(line: Json) -> Receipt:
    return Receipt(line["at"], line["id"], line.get("video_id") or "", line["type"], line.get("edition") or 0)
