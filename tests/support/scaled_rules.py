"""The chart's alerting rules with all durations shortened, so that a test needs seconds instead of minutes."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# A rate needs two scrapes, and scrapes are a second apart.
_SHORTEST_SECONDS = 5
# The range of a series, such as the `[5m]` of a rate.
_RANGE = re.compile(r"\[(\d+)([smhd])\]")


def scaled_rules(text: str, factor: float) -> str:
    """Return a rule file with every `for` and every range multiplied by ``factor``; thresholds stay."""
    rules = yaml.safe_load(text)
    for rule in _each(rules):
        rule["expr"] = _RANGE.sub(lambda match: f"[{_scaled(match[1] + match[2], factor)}]", rule["expr"])
        if "for" in rule:
            rule["for"] = _scaled(rule["for"], factor)
    return yaml.safe_dump(rules)


def _each(rules: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for group in rules["groups"]:
        yield from group["rules"]


def _scaled(duration: str, factor: float) -> str:
    seconds = int(duration[:-1]) * _UNITS[duration[-1]] * factor
    return f"{max(_SHORTEST_SECONDS, round(seconds))}s"
