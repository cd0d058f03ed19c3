"""Invariant 9: no secret and no signed URL in a log, an Event, a resource, a row or a message of an error."""

import json
import re
from collections.abc import Iterable, Iterator

from chaos.checker.violation import Rule, Violation
from chaos.checker.world import World

# What is redacted reads `[redacted]`, which none of these matches.
_SIGNED = {
    "a signed URL": re.compile(r"X-Amz-(?:Signature|Security-Token)(?:=|%3D)[0-9A-Za-z]{16,}"),
    "the signature of a callback": re.compile(r"[?&]sig=[0-9a-f]{16,}"),
    "a token": re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}"),
    "the secret of a webhook": re.compile(r"whsec_[A-Za-z0-9+/=]{16,}"),
    "a password in a URL": re.compile(r"[a-z]+://[^\s:/@\"]+:[^\s:/@\[\"]+@"),
}
# Shorter texts are words that stand in logs by chance.
_SHORTEST = 8


def check(world: World) -> Iterator[Violation]:
    """Search everything that people may read. What is found is named by its place, and never quoted."""
    secrets = {f"secret {n}": text for n, text in enumerate(world.run.secrets, 1) if len(text) >= _SHORTEST}
    for (name, video_id), lines in _texts(world):
        for number, line in enumerate(lines, 1):
            for what in _found(line, secrets):
                yield Violation(Rule.NO_SECRET, f"{what} is in {name}, line {number}", video_id)


def _found(line: str, secrets: dict[str, str]) -> Iterator[str]:
    yield from (name for name, secret in secrets.items() if secret in line)
    yield from (name for name, pattern in _SIGNED.items() if pattern.search(line))


def _texts(world: World) -> Iterator[tuple[tuple[str, str | None], Iterable[str]]]:
    yield from (((f"the log {name}", None), lines) for name, lines in world.logs.items())
    for event in world.events:
        yield ("an Event", event.name), (event.message,)
    for resource in world.resources.values():
        yield ("its resource", resource.name), resource.text.splitlines()
    for video in world.videos.values():
        yield ("its row", video.video_id), (video.message, json.dumps(video.failure))
    for line in world.history:
        yield ("its history", line.video_id), (line.message,)
    for attempt in world.attempts:
        yield (f"the answer of attempt {attempt.attempt}", attempt.video_id), (attempt.answer or "",)
    for notification in world.notifications:
        yield ("a notification", notification.video_id), (json.dumps(notification.failure),)
    for delivery in world.deliveries:
        yield ("the answer to a delivery", None), (delivery.last_answer or "",)
