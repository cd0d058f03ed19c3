"""Which captions follow from a change, and how a stream names them."""

import re

import pytest

from domain.captions import (
    LANGUAGES_MAX,
    REPLACED_MAX,
    Captions,
    CaptionsBusyError,
    CaptionTrack,
    PublishedCaptions,
    TooManyCaptionsError,
    canonical_language,
    media_playlist,
    published_text,
    with_track,
    without_track,
)
from domain.stable_playlist import stable_playlist
from tests.support.builders.rows import a_publication

NOTHING = PublishedCaptions()
ENGLISH, GERMAN = CaptionTrack("en", "English", True, "e" * 32), CaptionTrack("de", "Deutsch", False, "d" * 32)


@pytest.mark.parametrize(
    ("tag", "canonical"),
    [
        ("en", "en"),
        ("EN-us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("sl-rozaj", "sl-rozaj"),
        ("de-1996", "de-1996"),
        ("", None),
        ("e", None),
        ("english", None),
        ("en_US", None),
        ("en-", None),
        ("en\n", None),
        ("../en", None),
        ("en/x", None),
        ("ёё", None),
        ("en" + "-aaaaaaaa" * 9, None),
    ],
)
def test_a_language_has_one_spelling(tag: str, canonical: str | None) -> None:
    assert canonical_language(tag) == canonical


def test_tracks_are_kept_by_language_with_one_default() -> None:
    captions = with_track(with_track(Captions(), NOTHING, ENGLISH), NOTHING, GERMAN)
    assert captions.tracks == (GERMAN, ENGLISH)

    default = CaptionTrack("de", "Deutsch", True, "d" * 32)
    after = with_track(captions, NOTHING, default)
    assert [(track.language, track.is_default) for track in after.tracks] == [("de", True), ("en", False)]
    assert with_track(after, NOTHING, default) is after


def test_what_was_replaced_is_named_until_a_pass_has_removed_it() -> None:
    first = with_track(Captions(), NOTHING, ENGLISH)
    newer = CaptionTrack("en", "English", True, "f" * 32)
    second = with_track(first, NOTHING, newer)
    assert second.replaced == (ENGLISH,)

    third = without_track(second, NOTHING, "en")
    assert (third.tracks, third.replaced) == ((), (ENGLISH, newer))
    assert with_track(third, PublishedCaptions(third, attempt=1), GERMAN).replaced == ()


def test_another_label_replaces_no_text() -> None:
    captions = with_track(Captions(), NOTHING, ENGLISH)
    assert with_track(captions, NOTHING, CaptionTrack("en", "CC", False, ENGLISH.digest)).replaced == ()


def test_languages_and_what_waits_for_its_removal_are_limited() -> None:
    captions = Captions()
    for number in range(LANGUAGES_MAX):
        captions = with_track(captions, NOTHING, CaptionTrack(f"a{chr(97 + number)}", "x", False, "a" * 32))
    with pytest.raises(TooManyCaptionsError):
        with_track(captions, NOTHING, ENGLISH)
    for number in range(REPLACED_MAX):
        captions = with_track(captions, NOTHING, CaptionTrack("aa", "x", False, f"{number:032}"))
    with pytest.raises(CaptionsBusyError):
        without_track(captions, NOTHING, "aa")


def test_a_stream_names_its_captions() -> None:
    published = a_publication()
    text = stable_playlist(published, (GERMAN, ENGLISH))
    assert text.splitlines()[3:5] == [
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",LANGUAGE="de",NAME="Deutsch",DEFAULT=NO,AUTOSELECT=YES,'
        'FORCED=NO,URI="captions/de.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",LANGUAGE="en",NAME="English",DEFAULT=YES,AUTOSELECT=YES,'
        'FORCED=NO,URI="captions/en.m3u8"',
    ]
    variants = [line for line in text.splitlines() if line.startswith("#EXT-X-STREAM-INF")]
    assert variants
    assert all(line.endswith(',SUBTITLES="captions"') for line in variants)


def test_names_in_a_players_menu_differ() -> None:
    text = stable_playlist(
        a_publication(), (CaptionTrack("de", "CC", False, "d" * 32), CaptionTrack("en", "CC", False, "e" * 32))
    )
    assert re.findall('NAME="([^"]+)"', text) == ["CC (de)", "CC (en)"]


def test_a_stream_without_captions_is_named_as_before() -> None:
    assert "SUBTITLES" not in stable_playlist(a_publication())


def test_the_media_playlist_has_one_segment_as_long_as_the_stream() -> None:
    assert media_playlist(ENGLISH, 61.5).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        "#EXT-X-TARGETDURATION:62",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXTINF:61.500,",
        f"en-{'e' * 32}.vtt",
        "#EXT-X-ENDLIST",
    ]


def test_captions_begin_with_the_stream_whatever_its_clock_says() -> None:
    assert published_text("WEBVTT\n\n…", None) == "WEBVTT\n\n…"
    assert published_text("WEBVTT\n\n…", 126_000) == "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:126000\n\n…"
