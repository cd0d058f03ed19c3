"""Captions that clients send become WebVTT that is safe to show, or are refused with the line that is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.caption_text import CaptionTextError, webvtt_of

ONE = "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nHello\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ONE, id="as-it-is"),
        pytest.param("\ufeff" + ONE, id="byte-order-mark"),
        pytest.param(ONE.replace("\n", "\r\n"), id="crlf"),
        pytest.param(ONE.replace("\n", "\r"), id="cr"),
        pytest.param(
            "WEBVTT - made by hand\nKind: captions\n\n00:01.000 --> 00:02.500\nHello", id="header-and-no-hours"
        ),
        pytest.param(
            "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\n00:01.000 --> 00:02.500\nHello\n",
            id="clock-of-another-stream",
        ),
        pytest.param(
            "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\nNOTE a\nb\n\n"
            "one\n00:01.000 --> 00:02.500 region:a\nHello\n",
            id="styles-regions-notes-and-identifiers",
        ),
        pytest.param("1\n00:00:01,000 --> 00:00:02,500\nHello\n\n", id="subrip"),
        pytest.param(
            "1\r\n0:0:1,0 --> 0:0:2,5 X1:1 X2:2\r\n{\\an8}<font color=red>Hello</font>\r\n", id="subrip-of-editors"
        ),
        pytest.param("00:00:01.000 --> 00:00:02.500\nHello", id="subrip-without-numbers"),
    ],
)
def test_each_form_gives_the_same_webvtt(text: str) -> None:
    assert webvtt_of(text.encode()) == ONE


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        ("<script>alert(1)</script>", "alert(1)"),
        ("<img src=x onerror=alert(1)>Hi", "Hi"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("&amp; &#38; &nbsp; &bogus;", "&amp; &#38; &nbsp; &amp;bogus;"),
        ('<v.loud Tom & "Ann">Hi</v>', '<v.loud Tom &amp; "Ann">Hi</v>'),
        ("<I>Hi</I> <b onclick=x>there</b>", "<i>Hi</i> <b>there</b>"),
        ("<lang fr>Oui</lang> <c.yellow.bg_blue>x</c>", "<lang fr>Oui</lang> <c.yellow.bg_blue>x</c>"),
        ("<00:00:01.500>Hi <ruby>a<rt>b</rt></ruby>", "<00:00:01.500>Hi <ruby>a<rt>b</rt></ruby>"),
        ("nul\0", "nul\ufffd"),
        ("<b", "&lt;b"),
    ],
)
def test_only_the_tags_of_webvtt_stay(line: str, safe: str) -> None:
    assert webvtt_of(f"WEBVTT\n\n00:01.000 --> 00:02.500\n{line}\n".encode()) == ONE.replace("Hello", safe)


def test_positions_stay_and_unknown_settings_go() -> None:
    given = "align:start line:-1 position:10%,line-left foo:bar size:200%% vertical:rl"
    text = f"WEBVTT\n\n00:01.000 --> 00:02.500 {given}\nHello"
    settings = "align:start line:-1 position:10%,line-left vertical:rl"
    assert webvtt_of(text.encode()) == ONE.replace("02.500", f"02.500 {settings}")


def test_a_caption_without_words_is_left_out() -> None:
    text = "WEBVTT\n\n00:00.000 --> 00:00.500\n<font></font>\n\n00:01.000 --> 00:02.500\nHello\n"
    assert webvtt_of(text.encode()) == ONE


@pytest.mark.parametrize(
    ("body", "line"),
    [
        pytest.param(b"", 1, id="empty"),
        pytest.param(b"WEBVTT\n", 2, id="no-caption"),
        pytest.param(b"WEBVTTX\n\n00:01.000 --> 00:02.000\nHi", 1, id="another-signature"),
        pytest.param(b"{}", 1, id="json"),
        pytest.param(b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\xff", 4, id="not-utf-8"),
        pytest.param("WEBVTT\n\nHällo".encode("utf-16"), 1, id="utf-16"),
        pytest.param(b"WEBVTT\n00:01.000 --> 00:02.000\nHi", 2, id="no-blank-line-after-the-header"),
        pytest.param(b"WEBVTT\n\n00:02.000 --> 00:02.000\nHi", 3, id="ends-when-it-begins"),
        pytest.param(b"WEBVTT\n\n00:02.000 --> 00:01.000\nHi", 3, id="ends-before-it-begins"),
        pytest.param(b"WEBVTT\n\n00:02.0 --> 00:03.000\nHi", 3, id="short-fraction"),
        pytest.param(b"WEBVTT\n\n00:02,000 --> 00:03,000\nHi", 3, id="commas"),
        pytest.param(b"WEBVTT\n\n00:61.000 --> 01:03.000\nHi", 3, id="sixty-one-seconds"),
        pytest.param(b"WEBVTT\n\nHi\nthere", 4, id="no-times"),
        pytest.param(b"WEBVTT\n\n00:02.000 --> 00:03.000\nHi\n\n00:01.000 --> 00:05.000\nthere", 6, id="out-of-order"),
        pytest.param(b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n00:02.000 --> 00:03.000\nthere", 5, id="no-blank-line"),
        pytest.param(b"1\n00:00:01,000 --> 00:00:02,000\nHi\n\n2\nthere", 6, id="subrip-without-times"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_its_line(body: bytes, line: int) -> None:
    with pytest.raises(CaptionTextError, match=f"^line {line}: "):
        webvtt_of(body)


def test_a_text_that_escaping_makes_too_long_is_refused() -> None:
    body = b"WEBVTT\n\n00:01.000 --> 00:02.500\n" + b"&" * (1024**2 - 100)
    with pytest.raises(CaptionTextError, match="more than 2097152 bytes"):
        webvtt_of(body)


@given(body=st.binary(max_size=200) | st.text(alphabet="WEBVT\n\r <>&-:.0123456789ab/", max_size=200).map(str.encode))
def test_any_bytes_are_refused_or_give_what_is_read_again_as_it_is(body: bytes) -> None:
    try:
        text = webvtt_of(body)
    except CaptionTextError:
        return
    assert webvtt_of(text.encode()) == text
