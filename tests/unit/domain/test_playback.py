"""How long the URLs of private videos last, and playlists whose URIs are replaced."""

from datetime import UTC, datetime, timedelta

import m3u8  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.captions import CaptionTrack
from domain.playback import STEP_SECONDS, PlaybackTimes, with_uris
from domain.stable_playlist import stable_playlist
from domain.video import Published, Rendition

INSTANTS = st.integers(1_770_000_000, 4_100_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
WEEK_SECONDS = 7 * 24 * 3600
TIMES = PlaybackTimes()


@given(now=INSTANTS, duration=st.floats(min_value=0, max_value=4 * 24 * 3600))
def test_a_viewing_outlives_the_video_and_its_signature_is_one_that_s3_takes(now: datetime, duration: float) -> None:
    ends_at = TIMES.viewing_ends_at(now, duration)
    assert ends_at - now >= timedelta(seconds=duration + 3600)
    assert ends_at - TIMES.begin_of_step(now) <= timedelta(seconds=WEEK_SECONDS)


def test_two_hours_may_be_watched_for_five() -> None:
    assert TIMES.viewing_seconds(2 * 3600) == 5 * 3600


@given(now=INSTANTS)
def test_within_a_step_everything_ends_at_the_same_time(now: datetime) -> None:
    begin = TIMES.begin_of_step(now)
    assert begin <= now < begin + timedelta(seconds=STEP_SECONDS)
    assert TIMES.link_ends_at(now) == TIMES.link_ends_at(begin)
    assert TIMES.viewing_ends_at(now, 60) == TIMES.viewing_ends_at(begin, 60)
    assert timedelta(minutes=45) <= TIMES.link_ends_at(now) - now <= timedelta(hours=1)


def test_tests_shorten_all_of_it() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    ends = {TIMES.link_ends_at(begin) - begin, TIMES.viewing_ends_at(begin, 1800) - begin}
    short = PlaybackTimes(0.02)
    assert ends == {timedelta(hours=1), timedelta(hours=2, minutes=15)}
    assert short.begin_of_step(begin + timedelta(seconds=18)) == begin + timedelta(seconds=18)
    assert short.link_ends_at(begin) - begin == timedelta(seconds=72)
    assert short.viewing_ends_at(begin, 1800) - begin == timedelta(seconds=162)


def test_every_uri_of_a_master_playlist_is_replaced() -> None:
    low = Rendition("1-a/hls/360p.m3u8", 800_000, codecs="avc1,mp4a")
    renditions = (low, Rendition("1-a/hls/720p.m3u8", 2_000_000))
    tracks = (CaptionTrack("de", "Deutsch", False, "d" * 32), CaptionTrack("en", "English", True, "e" * 32))
    text = stable_playlist(Published(1, 1, 9.0, renditions, has_poster=False), tracks)
    seen: list[str] = []

    def link(uri: str) -> str:
        seen.append(uri)
        return f"link-{len(seen)}"

    changed = m3u8.loads(with_uris(text, link))
    assert seen == ["captions/de.m3u8", "captions/en.m3u8", "1-a/hls/360p.m3u8", "1-a/hls/720p.m3u8"]
    assert [media.uri for media in changed.media] == ["link-1", "link-2"]
    assert [playlist.uri for playlist in changed.playlists] == ["link-3", "link-4"]
    assert [playlist.stream_info.bandwidth for playlist in changed.playlists] == [800_000, 2_000_000]


@pytest.mark.parametrize(
    ("line", "replaced"),
    [
        pytest.param("000.ts", "<000.ts>", id="segment"),
        pytest.param("  000.ts ", "<000.ts>", id="blanks-around"),
        pytest.param('#EXT-X-MAP:URI="init.mp4"', '#EXT-X-MAP:URI="<init.mp4>"', id="map"),
        pytest.param('#EXT-X-KEY:METHOD=NONE,URI="k"', '#EXT-X-KEY:METHOD=NONE,URI="<k>"', id="not-first"),
        pytest.param("#EXTINF:4.0,a title", "#EXTINF:4.0,a title", id="duration"),
        pytest.param('# URI="a comment"', '# URI="a comment"', id="comment"),
        pytest.param("", "", id="empty"),
    ],
)
def test_only_uris_are_replaced(line: str, replaced: str) -> None:
    assert with_uris(line + "\n", lambda uri: f"<{uri}>") == replaced + "\n"
