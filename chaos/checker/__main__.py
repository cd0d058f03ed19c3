"""`python -m chaos.checker RUN_DIR`: judge a run, write a report beside its files; 0 if it passed."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from chaos.checker.checks import violations
from chaos.checker.reading.world import read_world
from chaos.checker.report import as_json, as_markdown, summary


def main(arguments: list[str] | None = None) -> int:
    """Read, judge, write, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m chaos.checker", description=__doc__)
    parser.add_argument("run_dir", type=Path)
    directory = parser.parse_args(arguments).run_dir
    world = read_world(directory)
    wrong = violations(world)
    (directory / "report.json").write_text(as_json(world, wrong))
    (directory / "report.md").write_text(as_markdown(world, wrong))
    counts = Counter(violation.rule for violation in wrong)
    verdict = "passed" if not wrong else f"failed, {len(wrong)} violations:\n{summary(counts)}"
    sys.stdout.write(f"seed {world.run.seed}: {verdict}\nsee {directory / 'report.md'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
