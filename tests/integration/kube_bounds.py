"""For every bound in the CRD's schema: a value that it accepts and one that it refuses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from domain.failures import Failure, FailureCode
from domain.profiles import (
    ORIGINAL_HASH,
    ProfileAudio,
    ProfileRendition,
    ProfileSpec,
    ProfileStoryboard,
    ordered,
)
from domain.video import Phase, Published, Rejection, Rendition, SourceFacts
from tests.support.builders.resources import a_resource, a_status
from tests.support.builders.rows import NOON, a_desired_state, an_observation
from tests.support.schema_facts import EVERYTHING

_WRONG_PATTERN = {
    ".spec.source.storageKey": "elsewhere/a/b",
    ".spec.source.region": "a\x00b",
    ".spec.owner": "a\x00b",
    ".spec.title": "two\nlines",
    ".spec.filename": "a\x1bb",
    ".spec.contentType": "a\x7fb",
    ".spec.profile": "Two Words",
    ".status.work.ordered.hash": "x" * 16,
    ".status.published.profileHash": "x" * 16,
    ".status.conditions[].reason": "two words",
    ".status.work.folder": "01",
    ".status.source.key": "uploads/a/b",
}


FULL_PROFILE = ProfileSpec(
    (ProfileRendition(360, 1000),),
    audio=ProfileAudio(rate_kbps=96),
    storyboard=ProfileStoryboard(),
    poster_seconds=1,
    mp4_heights=(360,),
)

ABSENT = object()
UNCHANGED = object()


@dataclass(frozen=True)
class Bound:
    """One bound of one field; ``good`` may be UNCHANGED, the value of `a_full_body`, and ``bad`` ABSENT."""

    path: str
    rule: str
    good: Any
    bad: Any

    def __str__(self) -> str:
        return f"{self.path[1:]}:{self.rule}"

    @property
    def field(self) -> str:
        """Return the field as the API server names it in a refusal."""
        return self.path[1:].replace("[]", "[0]")


def all_bounds() -> Iterator[Bound]:
    """Yield every bound of spec and status."""
    for path, row in EVERYTHING.items():
        # Conditions are a map by type, and its six types are fewer than the items allowed.
        if path.startswith((".spec", ".status")) and path != ".status.conditions":
            yield from _bounds(path, row)


def _bounds(path: str, row: dict[str, Any]) -> Iterator[Bound]:
    for rule, limit in row.items():
        match rule:
            case "maxLength":
                yield Bound(path, rule, _text(path, limit), _text(path, limit + 1))
            case "minLength":
                yield Bound(path, rule, _text(path, max(limit, 12)), "")
            case "pattern":
                yield Bound(path, rule, _text(path, 12), _WRONG_PATTERN[path])
            case "minimum":
                yield Bound(path, rule, limit, limit - 1)
            case "maximum":
                yield Bound(path, rule, limit, limit + 1)
            case "enum":
                for word in limit:
                    yield Bound(path, f"{rule}={word}", word, "another-word")
            case "maxItems":
                yield Bound(path, rule, [_item(path)] * limit, [_item(path)] * (limit + 1))
            case "minItems":
                yield Bound(path, rule, [_item(path)] * limit, [])
            case "format":
                yield Bound(path, rule, "2026-07-01T12:00:00.123456Z", "at noon")
            case "required":
                for name in limit:
                    yield Bound(f"{path}.{name}", rule, UNCHANGED, ABSENT)
            case "type":
                yield Bound(path, rule, UNCHANGED, "7" if limit in {"integer", "number"} else 7)


def _item(path: str) -> Any:
    if path.endswith(".mp4Heights"):
        return 360
    if path == ".status.work.ordered.spec.renditions":
        return {"height": 360, "maxRateKbps": 1000}
    return {"uri": "a", "bandwidth": 1}


def _text(path: str, length: int) -> str:
    if path == ".spec.source.storageKey":
        return "imports/a/".ljust(length, "x")
    if path == ".status.source.key":
        rest = max(length, 13) - len("originals/") - len("/")
        first = max(1, rest - 64)
        return f"originals/{'a' * first}/{'x' * (rest - first)}"
    if path == ".status.work.folder":
        return ("1" * 9 + "-").ljust(max(length, 11), "a")
    if path in {".status.work.ordered.hash", ".status.published.profileHash"}:
        return "a" * max(length, 16)
    return "x" * length


def a_full_body() -> dict[str, Any]:
    """Return a resource that has every field of the kind."""
    desired = a_desired_state(storage_key="imports/a/b")
    observed = an_observation(
        Phase.ERRORED,
        deadline_at=NOON,
        job_id="job-1",
        progress_at=NOON,
        rejected=Rejection("not_a_video", "a text file", "e@noon", 1),
        source=SourceFacts("e", NOON, 9, "mp4"),
        published=Published(
            edition=1,
            attempt=1,
            duration_seconds=9.5,
            renditions=(Rendition("1/360p.m3u8", 1, 1, 1, 1, "avc1", 29.97),),
            has_poster=True,
            profile="hls-1080p",
            profile_hash=ORIGINAL_HASH,
            mp4_heights=(360,),
        ),
        ordered=ordered("full", FULL_PROFILE),
        failure=Failure(FailureCode.JOB_LOST, "lost", 1, "raw words"),
    )
    resource = a_resource(desired, annotations={"video.uploads.dev/reconcile-requested-at": "monday"})
    status = a_status(desired, observed, resource=resource)
    # One condition: a list by type may not hold the same type twice, whatever a case makes of it.
    return {
        "spec": dict(resource.spec),
        "status": {**status, "progress": "40%", "conditions": status["conditions"][:1]},
    }


def with_value(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the body with one field changed, in every item where the path goes through a list."""
    if value is UNCHANGED:
        return body
    name, _, rest = path.lstrip(".").partition(".")
    if name.endswith("[]"):
        name = name.removesuffix("[]")
        items = body[name]
        return {**body, name: [with_value(item, rest, value) if rest else value for item in items]}
    if rest:
        return {**body, name: with_value(body[name], rest, value)}
    return {key: kept for key, kept in body.items() if key != name} | ({} if value is ABSENT else {name: value})
