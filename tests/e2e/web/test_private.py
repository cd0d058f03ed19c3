"""Private videos beyond their owner's page: viewers of an app, pages of other sites, and what was public before."""

import mimetypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, Route

from tests.e2e.options import FRIENDS, STRANGERS, VIEWER_KEY
from tests.e2e.uploads.world import Person, World, uploaded
from tests.support.eventually import eventually
from videoupload import sign_playback_token

PAGE = """<!doctype html><meta charset="utf-8" /><title>Friends</title>
<script type="module" src="/elements.js"></script>
<video-stream></video-stream>
<script type="module">
  await customElements.whenDefined("video-stream");
  const stream = document.querySelector("video-stream");
  stream.renew = async () => (await fetch("/url")).text();
  stream.setAttribute("src", await stream.renew());
</script>"""
VIDEO = "document.querySelector('video-stream').shadowRoot.querySelector('video')"
IN_STORAGE = "**/private/**"


@dataclass
class Theatre:
    """A page of some site that shows one private video, to a viewer who has no account."""

    page: Page
    # How often the app signed a token, and the answers of the API and of storage.
    signed: int = 0
    answers: list[tuple[int, str]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Return how far the video has been played."""
        return float(self.page.evaluate(f"{VIDEO}.currentTime"))

    def play(self) -> None:
        """Press play."""
        self.page.evaluate(f"void {VIDEO}.play().catch(() => undefined)")

    def plays(self) -> bool:
        """Press play, and return whether the picture has moved: before there is a stream, nothing plays."""
        self.play()
        return self.seconds > 0.2

    def statuses(self, part: str) -> list[int]:
        """Return the statuses of the answers whose path has this part."""
        return [status for status, path in self.answers if part in path]


@contextmanager
def theatre(browser: Browser, elements: Path, site: str, url: Callable[[], str]) -> Iterator[Theatre]:
    """Open a page of a site, whose server returns the URL of the stream."""
    context = browser.new_context()
    context.set_default_timeout(20_000)
    # A page whose server is played has no address, and may call this machine only by permission.
    context.grant_permissions(["local-network-access"], origin=site)
    opened = Theatre(context.new_page())

    def serve(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/url":
            opened.signed += 1
            route.fulfill(body=url(), content_type="text/plain")
        elif path == "/":
            route.fulfill(body=PAGE, content_type="text/html")
        else:
            file = elements / path.removeprefix("/")
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            route.fulfill(body=file.read_bytes(), content_type=kind)

    opened.page.route(f"{site}/**", serve)
    opened.page.on("response", lambda answer: opened.answers.append((answer.status, urlsplit(answer.url).path)))
    try:
        yield opened
    finally:
        context.close()


@pytest.fixture
def open_bucket(world: World) -> Iterator[None]:
    """Let pages of both sites read what storage answers, as an installation with several apps would."""
    bucket, storage = world.described.s3.bucket, world.storage
    before = storage.get_bucket_cors(Bucket=bucket)["CORSRules"]
    rules = [{**rule, "AllowedOrigins": [*rule["AllowedOrigins"], FRIENDS, STRANGERS]} for rule in before]
    storage.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})  # type: ignore[typeddict-item]  # as they were read
    yield
    storage.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": before})


def made_private(person: Person, clip: Path) -> str:
    """Upload a video, make it private, and return its id once it plays as such."""
    video_id = uploaded(person.client, clip)
    eventually(lambda: person.client.video(video_id).is_playable, within_seconds=60)
    person.client.describe(video_id, visibility="private")
    eventually(lambda: "/api/v1/playback/" in (person.client.video(video_id).playback_url or ""), within_seconds=60)
    return video_id


def signer(world: World, video_id: str, *, origins: tuple[str, ...] = ()) -> Callable[[], str]:
    """Return what an app does for a viewer: sign a token that lasts ten seconds."""

    def url() -> str:
        token = sign_playback_token(
            video_id, VIEWER_KEY, key_name="app", lifetime=timedelta(seconds=10), origins=origins
        )
        return f"{world.described.api_url}/api/v1/playback/{video_id}/playlist.m3u8?token={token}"

    return url


def end_of(url: str) -> datetime:
    """Return until when a URL that storage verifies can be read."""
    query = parse_qs(urlsplit(url).query)
    signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed_at + timedelta(seconds=int(query["X-Amz-Expires"][0]))


@pytest.mark.usefixtures("open_bucket")
def test_a_viewer_without_an_account_watches_on_after_the_first_urls_have_expired(
    world: World, browser: Browser, elements: Path, sharp_clip: Path
) -> None:
    video_id = made_private(world.person(), sharp_clip)
    urls: list[str] = []
    is_away = True
    with theatre(browser, elements, FRIENDS, signer(world, video_id, origins=(FRIENDS,))) as friends:

        def pass_on(route: Route) -> None:
            """Lose the connection to storage after the first segments, as a laptop does that is closed."""
            if route.request.url.partition("?")[0].endswith(".ts"):
                if is_away and len(urls) >= 2:
                    route.abort("internetdisconnected")
                    return
                urls.append(route.request.url)
            route.continue_()

        friends.page.route(IN_STORAGE, pass_on)
        friends.page.goto(f"{FRIENDS}/")
        eventually(friends.plays, within_seconds=30)
        assert friends.signed == 1
        friends.page.context.set_offline(True)
        ends_at = end_of(urls[-1])
        while datetime.now(UTC) <= ends_at:
            friends.page.wait_for_timeout(1000)
            assert friends.seconds < 24
        assert requests.get(urls[-1], timeout=5).status_code == 403

        is_away = False
        friends.page.context.set_offline(False)
        eventually(lambda: friends.seconds > 23, within_seconds=90)
        # Storage refused what had expired, the app signed again, and the stream went on where it was.
        assert friends.signed == 2
        assert end_of(urls[-1]) > ends_at


@pytest.mark.usefixtures("open_bucket")
@pytest.mark.parametrize("is_of_token", [True, False], ids=["that-the-token-names", "that-the-owner-lists"])
def test_a_private_video_plays_on_pages_of_the_site(
    world: World, browser: Browser, elements: Path, clip: Path, *, is_of_token: bool
) -> None:
    owner = world.person()
    video_id = made_private(owner, clip)
    if not is_of_token:
        owner.client.describe(video_id, embed_origins=[FRIENDS])
    sign = signer(world, video_id, origins=(FRIENDS,) if is_of_token else ())
    with theatre(browser, elements, STRANGERS, sign) as strangers:
        strangers.page.goto(f"{STRANGERS}/")
        eventually(lambda: not strangers.plays() and 403 in strangers.statuses("/playlist.m3u8"), within_seconds=30)
        strangers.page.wait_for_timeout(1000)
        assert not strangers.plays()
        assert set(strangers.statuses("/api/v1/playback/")) == {403}
        assert strangers.statuses("/private/") == []
    with theatre(browser, elements, FRIENDS, sign) as friends:
        friends.page.goto(f"{FRIENDS}/")
        eventually(friends.plays, within_seconds=30)


def test_nothing_of_a_video_that_was_made_private_is_readable_without_a_token(world: World, clip: Path) -> None:
    person = world.person()
    video_id = uploaded(person.client, clip)
    eventually(lambda: person.client.video(video_id).is_playable, within_seconds=60)
    bucket = world.described.s3
    listed = world.storage.list_objects_v2(Bucket=bucket.bucket, Prefix=f"processed/{video_id}/")["Contents"]
    public = [f"{bucket.endpoint}/{bucket.bucket}/{one['Key']}" for one in listed]
    video = person.client.video(video_id)
    assert {video.playback_url, video.thumbnail_url} <= set(public)
    assert {requests.get(url, timeout=5).status_code for url in public} == {200}

    person.client.describe(video_id, visibility="private")
    eventually(lambda: _answers(public) <= {403, 404}, within_seconds=60)
    moved = [url.replace("/processed/", "/private/") for url in public]
    assert _answers(moved) <= {403, 404}
    assert _answers([f"{world.described.web_url}/{page}/{video_id}" for page in ("watch", "embed")]) == {404}
    eventually(lambda: person.client.video(video_id).is_playable)
    private = person.client.video(video_id).playback_url
    assert private is not None
    assert requests.get(private, timeout=5).status_code == 200
    assert requests.get(private.partition("?")[0], timeout=5).status_code == 422


def _answers(urls: list[str]) -> set[int]:
    return {requests.get(url, timeout=5).status_code for url in urls}
