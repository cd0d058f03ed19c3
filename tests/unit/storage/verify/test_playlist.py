"""Playlists are read and written."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.stable_playlist import stable_playlist
from domain.video import Published, Rendition
from storage.verify.playlist import (
    RATE_MAX,
    SEGMENTS_MAX,
    VARIANTS_MAX,
    PlaylistError,
    PlaylistFiles,
    key_beside,
    read_master,
    read_media,
)
from tests.support.fakes.videos import master, media

MASTER_KEY = "processed/v1/3/hls/master.m3u8"


def published(*renditions: Rendition) -> Published:
    return Published(edition=1, attempt=3, duration_seconds=12.0, renditions=renditions, has_poster=True)


def test_the_stable_playlist_lists_the_published_renditions() -> None:
    text = stable_playlist(
        published(
            Rendition("3/hls/360p/index.m3u8", 1_000_000),
            Rendition(
                "3/hls/720p/index.m3u8",
                2_000_000,
                average_bandwidth=1_500_000,
                width=1280,
                height=720,
                codecs="avc1.64001f,mp4a.40.2",
                frame_rate=29.97,
            ),
        )
    )
    assert text == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:3\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=1000000\n"
        "3/hls/360p/index.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1500000,RESOLUTION=1280x720,"
        'CODECS="avc1.64001f,mp4a.40.2",FRAME-RATE=29.970\n'
        "3/hls/720p/index.m3u8\n"
    )


SIDES = st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999))
RATES = st.integers(1, RATE_MAX)
NAMES = st.text(string.ascii_letters + string.digits + "-_./%é ", min_size=1).map(lambda name: f"3/hls/{name}.m3u8")
CODECS = st.none() | st.just("avc1.64001f,mp4a.40.2") | st.just("mp4a.40.2")


@st.composite
def renditions(draw: st.DrawFn) -> Rendition:
    width, height = draw(SIDES) or (None, None)
    return Rendition(
        uri=draw(NAMES),
        bandwidth=draw(RATES),
        average_bandwidth=draw(st.none() | RATES),
        width=width,
        height=height,
        codecs=draw(CODECS),
        frame_rate=draw(st.none() | st.sampled_from([24.0, 25.0, 29.97, 59.94, 60.0])),
    )


@given(st.lists(renditions(), min_size=1, max_size=VARIANTS_MAX).map(tuple))
def test_players_read_the_published_renditions_in_the_stable_playlist(shown: tuple[Rendition, ...]) -> None:
    assert read_master(stable_playlist(published(*shown))) == shown


def test_the_order_of_the_variants_is_kept_because_players_begin_with_the_first() -> None:
    assert [variant.uri for variant in read_master(master("b.m3u8", "a.m3u8"))] == ["b.m3u8", "a.m3u8"]


def test_a_sound_only_variant_needs_no_resolution() -> None:
    (variant,) = read_master(master("a.m3u8", attributes='BANDWIDTH=64000,CODECS="mp4a.40.2"'))
    assert (variant.width, variant.height) == (None, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "not a playlist", id="empty"),
        pytest.param("<html>", "not a playlist", id="html"),
        pytest.param("#EXTM3U\n", "not a master", id="nothing-in-it"),
        pytest.param(media(["1.ts"]), "not a master", id="media-playlist"),
        pytest.param(master("a.m3u8", attributes="RESOLUTION=640x360"), "no BANDWIDTH", id="no-bandwidth"),
        pytest.param(master("a.m3u8", attributes="BANDWIDTH=0"), "no BANDWIDTH", id="no-rate"),
        pytest.param(master("a.m3u8", attributes=f"BANDWIDTH={RATE_MAX + 1}"), "no BANDWIDTH", id="impossible-rate"),
        pytest.param(master("a.m3u8", attributes="BANDWIDTH=lots"), "cannot be parsed", id="not-a-number"),
        pytest.param(master("a.m3u8", attributes='BANDWIDTH=1,CODECS="a;b"'), "malformed CODECS", id="codecs"),
        pytest.param("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", "0 variants", id="variant-without-uri"),
        pytest.param(master(*["a.m3u8"] * (VARIANTS_MAX + 1)), "17 variants", id="too-many"),
        pytest.param(
            master("a.m3u8") + '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",URI="en.m3u8"\n',
            "separate playlists",
            id="sound-apart",
        ),
    ],
)
def test_an_unusable_master_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(PlaylistError, match=why):
        read_master(text)


def test_a_media_playlist_is_its_files_and_its_duration() -> None:
    assert read_media(media(["1.ts", "2.ts"], seconds_each=5.5)) == PlaylistFiles(("1.ts", "2.ts"), 11.0)


def test_the_initialisation_section_is_one_of_the_files() -> None:
    text = media(["1.m4s"]).replace("#EXTINF", '#EXT-X-MAP:URI="init.mp4"\n#EXTINF')
    assert read_media(text).uris == ("init.mp4", "1.m4s")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "not a playlist", id="empty"),
        pytest.param(master("a.m3u8"), "not a media playlist", id="master"),
        pytest.param(media([]), "not a media playlist", id="no-segments"),
        pytest.param(media(["1.ts"] * (SEGMENTS_MAX + 1)), "more than 10000 segments", id="too-many-segments"),
        pytest.param(media(["1.ts"], has_end=False), "no end", id="still-being-written"),
        pytest.param(media(["1.ts"]).replace("6.0", "nan"), "no duration", id="nan"),
        pytest.param(media(["1.ts"], seconds_each=-1.0), "no duration", id="negative"),
        pytest.param(media(["1.ts"]).replace("6.0", "soon"), "cannot be parsed", id="not-a-number"),
        pytest.param("#EXTM3U\n#EXTINF:6.0,\n#EXT-X-ENDLIST\n", "no URI", id="segment-without-uri"),
        pytest.param(media(["1.ts"]).replace("#EXTINF", "#EXT-X-MAP:\n#EXTINF"), "no URI", id="map-without-uri"),
        pytest.param(
            media(["1.ts"]).replace("#EXTINF", '#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF'),
            "encrypted",
            id="encrypted",
        ),
    ],
)
def test_an_unusable_media_playlist_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(PlaylistError, match=why):
        read_media(text)


TAGS = st.sampled_from(
    [
        "#EXT-X-STREAM-INF:BANDWIDTH=1",
        "#EXT-X-STREAM-INF",
        "#EXTINF:6,",
        "#EXTINF",
        "#EXT-X-ENDLIST",
        "#EXT-X-BYTERANGE",
        "#EXT-X-MAP:URI=",
        "#EXT-X-KEY:METHOD",
        "#EXT-X-MEDIA:URI",
        "#EXT-X-I-FRAME-STREAM-INF:",
        "#EXT-X-PROGRAM-DATE-TIME:x",
        "a.ts",
    ]
)


@given(st.lists(TAGS | st.text(), max_size=20).map(lambda lines: "\n".join(["#EXTM3U", *lines])))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_master, read_media):
        try:
            read(text)
        except PlaylistError:
            continue


@pytest.mark.parametrize(
    ("uri", "key"),
    [
        pytest.param("a.m3u8", "processed/v1/3/hls/a.m3u8", id="beside"),
        pytest.param("720p/a.m3u8", "processed/v1/3/hls/720p/a.m3u8", id="below"),
        pytest.param("./a.m3u8", "processed/v1/3/hls/a.m3u8", id="explicitly-here"),
        pytest.param("a%20b.m3u8", "processed/v1/3/hls/a b.m3u8", id="percent-encoded"),
    ],
)
def test_a_relative_uri_names_a_key_near_the_playlist(uri: str, key: str) -> None:
    assert key_beside(MASTER_KEY, uri) == key


@pytest.mark.parametrize(
    "uri",
    [
        "https://elsewhere.example.com/a.m3u8",
        "//elsewhere.example.com/a.m3u8",
        "https:a.m3u8",
        "data:application/vnd.apple.mpegurl,x",
        "/processed/v1/3/hls/a.m3u8",
        "../a.m3u8",
        "720p/../../a.m3u8",
        "%2e%2e/a.m3u8",
        "..%2fa.m3u8",
        "https%3a//elsewhere.example.com/a.m3u8",
        "a.m3u8?X-Amz-Signature=1",
        "a.m3u8#t=1",
        "720p//a.m3u8",
        "720p/",
        "a\\b.m3u8",
        "a%0ab.m3u8",
        'a".m3u8',
        "a" * 901,
        "",
        ".",
        "720p/.",
        "%2e",
    ],
)
def test_a_uri_that_leads_elsewhere_is_refused(uri: str) -> None:
    with pytest.raises(PlaylistError, match="outside"):
        key_beside(MASTER_KEY, uri)


@given(st.text())
def test_no_uri_leads_out_of_the_playlists_folder(uri: str) -> None:
    try:
        key = key_beside(MASTER_KEY, uri)
    except PlaylistError:
        return
    assert key.startswith("processed/v1/3/hls/")
    assert ".." not in key.split("/")
