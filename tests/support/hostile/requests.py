"""A request as it is sent, the answer that comes back, a fault between the two, and what servers under test share."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from domain.bulk import BulkAction, BulkPlan, PlannedVideo
from domain.callback_url import callback_url
from domain.video import Published, Rendition
from tests.support.fakes.videos import media
from tests.support.hostile.calls import Call
from webapi.admin.bulk_plans import BulkPlans
from webapi.http.playback_tokens import Grant, PlaybackTokens, Use
from webapi.http.problems import ProblemCode

PRIVATE_PLAYLIST = "1-abc/hls/360p/index.m3u8"
# The files of a private video with one variant, below its prefix.
PRIVATE_FILES = {PRIVATE_PLAYLIST: media(["000.ts"]).encode(), "1-abc/hls/360p/000.ts": b"G", "thumbnail.jpg": b"JPG"}
PRIVATE_PUBLISHED = Published(1, 1, 4.0, (Rendition(PRIVATE_PLAYLIST, 800_000),), has_poster=True)

_tokens = itertools.count()

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sent:
    """One request."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    def having(self, name: str, value: str) -> Self:
        """Return it with one header set, whatever it was before."""
        return replace(self.without(name), headers=(*self.without(name).headers, (name, value)))

    def without(self, name: str) -> Self:
        """Return it without one header."""
        kept = tuple(header for header in self.headers if header[0].lower() != name.lower())
        return replace(self, headers=kept)


@dataclass(frozen=True)
class RawResponse:
    """One answer. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass(frozen=True)
class Facts:
    """What a caller knows: a video with its file and a first attempt, another user's one, and how to sign.

    Seven more are the caller's: one that waits for its file, one for its parts, one that failed, one that is deleted,
    one of which a new edition was requested that no pass has begun, one whose file was verified, and a private one that
    can be played: PRIVATE_FILES are below its prefix.
    """

    own: str
    foreign: str
    signing_key: str
    callback_keys: Sequence[str]
    playback_key: str
    # What lets the video's owner in.
    token: str
    admin_token: str
    waiting: str
    parted: str
    failed: str
    deleted: str
    requested: str
    verified: str
    private: str
    # What administrators know: an endpoint, one of its two secrets, and one of its deliveries.
    endpoint: str
    secret: str
    delivery: str

    def about(self, call: Call) -> Self:
        """Return the facts with what a call is about as the caller's own."""
        return replace(self, own=getattr(self, call.about))


@dataclass(frozen=True)
class Defect:
    """One way to get a good request wrong, and the problem it has to end in."""

    name: str
    change: Callable[[Sent, Facts], Sent]
    code: ProblemCode
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def good_request(call: Call, facts: Facts) -> Sent:
    """Return the request that each fault is made from. It would be answered with success."""
    query = f"?{urlencode(call.query.sample)}" if call.query else ""
    own = facts.about(call).own
    ids = {"video_id": own, "endpoint_id": facts.endpoint, "secret_id": facts.secret, "delivery_id": facts.delivery}
    ids["language"] = "en"
    sent = Sent(call.method, call.template.format(**ids) + query)
    if call.is_signed:
        sent = replace(sent, target=callback_url("", facts.callback_keys, video_id=facts.own, attempt=1))
    if call.opens is not None:
        sent = replace(sent, target=f"{sent.target.partition('?')[0]}?token={playback_token(facts, call.opens)}")
    if call.is_private:
        sent = sent.having("Authorization", f"Bearer {facts.admin_token if call.scope else facts.token}")
    if call.body is not None:
        plan = {} if call.plans is None else {"plan": plan_of(facts, call.plans, own)}
        sent = with_json(sent, {**call.body.sample, **plan}).having("Content-Type", "application/json")
    if call.picture:
        sent = replace(sent, body=call.picture).having("Content-Type", "image/jpeg")
    if call.text:
        sent = replace(sent, body=call.text.encode()).having("Content-Type", "text/vtt")
    return sent


def playback_token(facts: Facts, use: Use) -> str:
    """Return a token for the caller's private video: another one each time, so that no answer comes from memory."""
    ends_at = datetime(2100, 1, 1, tzinfo=UTC) + timedelta(seconds=next(_tokens))
    path = {Use.WATCH: "", Use.MEDIA: PRIVATE_PLAYLIST, Use.FILE: "thumbnail.jpg"}[use]
    return PlaybackTokens([facts.playback_key], lambda: ends_at).issue(Grant(facts.private, use, ends_at, path))


def plan_of(facts: Facts, action: BulkAction, video_id: str) -> str:
    """Return a plan that requests something of one video, and can be applied for long."""
    made_at = datetime(2100, 1, 1, tzinfo=UTC)
    plan = BulkPlan(action, made_at, (PlannedVideo(video_id, revision=1, number=1),))
    return BulkPlans(facts.callback_keys, lambda: made_at).text_of(plan)


def with_json(sent: Sent, value: object) -> Sent:
    """Return the request with a JSON body. NaN and the like are written as Python writes them."""
    return replace(sent, body=json.dumps(value).encode())
