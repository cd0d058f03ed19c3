"""The report of a run: a page for people and JSON for programs. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from chaos.checker.figures import Figures, Quantiles, figures
from chaos.checker.life import life
from chaos.checker.violation import Rule, Violation
from chaos.checker.world import World

# A fault of the service shows in every upload; the first lives explain it.
LIVES_MAX = 20


def as_json(world: World, violations: Sequence[Violation]) -> str:
    """Return the whole report, with the life of every upload that is reported."""
    run = {name: value for name, value in asdict(world.run).items() if name != "secrets"}
    body: dict[str, Any] = {
        "run": run,
        "passed": not violations,
        "violations": [asdict(violation) for violation in violations],
        "figures": asdict(_figures(world, violations)),
        "lives": {video_id: life(world, video_id) for video_id in _reported(violations)},
    }
    return json.dumps(body, indent=1) + "\n"


def as_markdown(world: World, violations: Sequence[Violation]) -> str:
    """Return the page: the verdict, the figures, and what is wrong with each upload beside its life."""
    run, counted = world.run, _figures(world, violations)
    verdict = "passed" if not violations else f"failed: {len(violations)} violations"
    parts = [
        f"# Seed {run.seed}, {run.n} uploads: {verdict}",
        f"{run.ended_at - run.started_at:.0f} s, durations at {run.scale:g} of the real ones, "
        f"bound {run.bound_seconds:g} s.",
        _table(("rule", "violations"), [(rule.value, _count(violations, rule)) for rule in Rule]),
        *_figures_sections(counted),
        *_violation_sections(world, violations),
    ]
    return "\n\n".join(parts) + "\n"


def _figures(world: World, violations: Sequence[Violation]) -> Figures:
    return figures(world, orphans=_count(violations, Rule.NO_ORPHAN))


def _count(violations: Sequence[Violation], rule: Rule) -> int:
    return sum(violation.rule is rule for violation in violations)


def _reported(violations: Sequence[Violation]) -> list[str]:
    ids = dict.fromkeys(violation.video_id for violation in violations)
    return [video_id for video_id in ids if video_id is not None]


def _figures_sections(counted: Figures) -> Iterator[str]:
    by_kind = [("all", counted.converge), *counted.converge_by_fault.items()]
    rows = [_quantiles_row(name, quantiles) for name, quantiles in by_kind if quantiles is not None]
    yield "## Time to converge\n\nFrom a request until the upload is at rest, in seconds, by the faults on its way."
    yield _table(("fault", "uploads", "p50", "p99", "max"), rows)
    doubled = counted.doubled
    for title, counts in (
        ("Faults", counted.faults),
        ("Processes killed", counted.killed),
        ("Uploads at the end", counted.phases),
        ("Jobs of an upload", counted.jobs_per_upload),
        ("Repairs", counted.repairs),
        ("Answers by status", counted.answers),
    ):
        yield f"## {title}\n\n{_table(('', 'count'), list(counts.items()))}"
    totals = [
        ("uploads", counted.uploads),
        ("jobs that Coconut accepted", counted.jobs),
        ("submissions whose answer was lost", doubled.uncertain),
        ("jobs paid for twice", doubled.jobs),
        ("minutes billed for these", doubled.minutes),
        ("orphans", counted.orphans),
        ("objects in quarantine", counted.quarantined),
        ("notifications", counted.notifications),
        ("of these, waiting to be sent again", counted.deliveries_waiting),
    ]
    yield f"## Totals\n\n{_table(('', 'count'), totals)}"


def _quantiles_row(name: str, quantiles: Quantiles) -> tuple[object, ...]:
    return name, quantiles.count, quantiles.p50, quantiles.p99, quantiles.max


def _violation_sections(world: World, violations: Sequence[Violation]) -> Iterator[str]:
    general = [violation for violation in violations if violation.video_id is None]
    if general:
        yield "## What is wrong with the run\n\n" + _list(general)
    reported = _reported(violations)
    for video_id in reported[:LIVES_MAX]:
        own = [violation for violation in violations if violation.video_id == video_id]
        lines = "\n".join(life(world, video_id))
        yield f"## {video_id}\n\n{_list(own)}\n\n```\n{lines}\n```"
    if len(reported) > LIVES_MAX:
        yield f"{len(reported) - LIVES_MAX} more uploads are in the JSON report."


def _list(violations: Sequence[Violation]) -> str:
    return "\n".join(f"- **{violation.rule}**: {violation.text}" for violation in violations)


def _table(heads: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def summary(counts: Mapping[Rule, int]) -> str:
    """Return one line for each broken rule."""
    return "\n".join(f"{count:5} {rule}" for rule, count in counts.items() if count)
